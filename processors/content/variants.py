"""Which wording of a template somebody gets: by a stable hash, the same in each process.

What is drawn hangs on the person, the definition that sends and the template, and on nothing else:
who gets a campaign again gets it in the same wording.
"""

import msgspec
from xxhash import xxh3_64_intdigest

from processors.definitions.templates import Template, Variant
from schemas.commands import Command
from schemas.errors import Unsendable


def drawn(template: Template, command: Command) -> Variant | None:
    """Returns the variant for a command; None where a template has none.

    Args:
        template: its variants have their shares in the order in which they stand, so that other
            weights move only people at the edges.
        command: of whom and of which definition it is.
    """
    whole = sum(each.weight for each in template.variants)
    words = [command.definition_id, template.id, command.profile_id]
    place = xxh3_64_intdigest(msgspec.json.encode(words)) * whole >> 64
    for each in template.variants:
        place -= each.weight
        if place < 0:
            return each
    return None


def named(template: Template, name: str) -> Variant:
    """Returns a variant by its name.

    Raises:
        Unsendable: there is none.
    """
    for each in template.variants:
        if each.name == name:
            return each
    raise Unsendable("variant-missing", name, is_held=True)
