"""What signs the links of messages is made as the settings say."""

import base64

import pytest
from pydantic import SecretStr

from processors import settings, signing
from processors.settings import InvalidSettings, Settings
from tests.builders import T0, command

OLD, NEW = (f"{id_}:{base64.b64encode(id_.encode() * 16).decode()}" for id_ in ("k1", "k2"))
MAIL = command(channel="email", topic="news", at=T0)


def chosen(keys: str | None, prefix: str = "beckon.") -> Settings:
    held = None if keys is None else SecretStr(keys)
    return Settings(
        topics=settings.Topics(prefix=prefix),
        callbacks=settings.Callbacks(public_url="https://m.example", signing_keys=held),
    )


def reads(keys: str, token: str, prefix: str = "beckon.") -> bool:
    ring = signing.keyring_of(chosen(keys, prefix))
    return ring.read("unsubscribe", token, now_ms=T0) is not None


def test_links_of_a_sender_are_known_to_the_server() -> None:
    address = signing.links_of(chosen(OLD)).unsubscribe(MAIL)
    assert address.startswith("https://m.example/t/u/k1.")
    token = address.rpartition("/")[2]
    assert reads(OLD, token)
    assert reads(f"{NEW},{OLD}", token)
    assert not reads(NEW, token)
    assert not reads(OLD, token, prefix="other.")


@pytest.mark.parametrize(
    ("keys", "said"),
    [(None, "there is no key"), ("k1:c2hvcnQ=", "5 bytes"), ("k1=abc", "id:base64")],
)
def test_keys_that_do_not_sign_are_refused_by_the_settings_name(
    keys: str | None, said: str
) -> None:
    with pytest.raises(InvalidSettings, match=f"BECKON_CALLBACKS__SIGNING_KEYS: .*{said}"):
        signing.keyring_of(chosen(keys))
