"""Topics: what messages are about, so that people can agree to one and not to another."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from processors.definitions import values
from processors.definitions.actions import Channel
from processors.definitions.parts import Faults, Written

Asked = Literal["implied", "required", "double"]
"""What somebody must have said: nothing against it, yes, or yes and confirmed it."""

Channels = Annotated[
    tuple[Annotated[Channel, values.one_of(get_args(Channel))], ...], values.Filled
]


class Topic(Written):
    """What messages are about, and what must have been agreed to."""

    kind: Literal["topic"]
    name: values.Name
    channels: Channels | None = None
    """None: all."""
    consent: Annotated[Asked, values.one_of(get_args(Asked))] = "implied"
    transactional: values.Boolean = False
    """Whether its messages answer what the person did: nothing but a suppression stops them."""

    hints: ClassVar = {"channel": "channels", "opt_in": "consent", "double_opt_in": "consent"}

    @classmethod
    def read(cls, raw: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Checks that nothing is asked that does not matter."""
        if raw.get("transactional") is True and raw.get("consent", "implied") != "implied":
            said = "transactional messages need no consent; leave one of the two out"
            faults.add(("consent",), said)
        return raw
