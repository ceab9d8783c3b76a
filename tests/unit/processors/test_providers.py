"""What carries messages out is made as the settings say."""

import re
from pathlib import Path

import pytest

from processors import provider_settings, providers
from processors.delivery.breakers import Limits
from processors.settings import InvalidSettings, Settings
from schemas.messages import Message, Promise, Reply
from schemas.topics import CHANNELS


class Post:
    """A provider that sends nothing."""

    promise: Promise = "none"

    def __init__(self, name: str, *channels: str) -> None:
        self.name = name
        self.channels = channels

    async def send(self, message: Message) -> Reply:
        raise AssertionError

    async def look_up(self, message: Message) -> Reply | None:
        raise AssertionError

    async def close(self) -> None:
        pass


MAKERS: dict[str, providers.Maker] = {
    "ses": lambda _: Post("ses", "email"),
    "smtp": lambda _: Post("smtp", "email"),
    "twilio": lambda _: Post("twilio", "sms", "whatsapp"),
}


def named(email: str) -> Settings:
    return Settings(senders=provider_settings.Senders(email=email))


def test_providers_come_in_the_order_of_the_settings() -> None:
    found = providers.of(named(email=" smtp, ses "), "email", MAKERS)
    assert [one.name for one in found] == ["smtp", "ses"]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("", "name the providers of email (there are: ses, smtp, twilio)"),
        ("ses,pigeon", "there is no pigeon (there are: ses, smtp, twilio)"),
        ("ses,ses", "one is named twice (there are: ses, smtp, twilio)"),
        ("ses,twilio", "twilio takes sms, whatsapp only"),
    ],
)
def test_wrong_order_of_providers_is_refused_by_the_settings_name(order: str, said: str) -> None:
    with pytest.raises(InvalidSettings, match=re.escape(f"BECKON_SENDERS__EMAIL: {said}")):
        providers.of(named(email=order), "email", MAKERS)


@pytest.mark.parametrize("channel", CHANNELS)
def test_channel_that_nothing_was_set_for_reaches_nobody(
    channel: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inbox and tasks are rows of the senders' own database; all others say what they need."""
    monkeypatch.chdir(tmp_path)
    if channel in ("inbox", "task"):
        [found] = providers.of(Settings(), channel)
        assert found.name == channel
    else:
        with pytest.raises(InvalidSettings, match=r"^BECKON_[A-Z_]+"):
            providers.of(Settings(), channel)


@pytest.mark.parametrize("channel", sorted(providers.LOCAL))
def test_channel_without_a_provider_is_told_of_the_local_one(channel: str, tmp_path: Path) -> None:
    unset = provider_settings.Senders(**{channel: ""})  # type: ignore[arg-type]
    with pytest.raises(InvalidSettings) as problem:
        providers.of(Settings(senders=unset), channel)
    name = providers.LOCAL[channel]
    assert f"BECKON_SENDERS__{channel.upper()}={name} only lays them" in str(problem.value)
    settings = Settings(
        senders=provider_settings.Senders(**{channel: name}),  # type: ignore[arg-type]
        mailbox=provider_settings.Mailbox(folder=tmp_path),
    )
    [found] = providers.of(settings, channel)
    assert (found.name, found.promise) == (name, "key")


def test_limits_of_a_provider_are_those_of_the_settings() -> None:
    senders = provider_settings.Senders(rates={"ses": 14}, concurrency={"ses": 10})
    found = providers.limits(
        Settings(senders=senders), [Post("ses", "email"), Post("smtp", "email")], "email"
    )
    assert (found["ses"].rate_per_s, found["ses"].concurrency) == (14, 10)
    assert found["smtp"] == Limits()
    [hooks] = providers.limits(Settings(), [Post("webhook", "webhook")], "webhook").values()
    assert not hooks.is_shared


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_rate_is_more_than_nothing_and_has_an_end(rate: float) -> None:
    with pytest.raises(ValueError, match="rates"):
        provider_settings.Senders(rates={"ses": rate})
    with pytest.raises(ValueError, match="concurrency"):
        provider_settings.Senders(concurrency={"ses": 0})


def test_channels_that_send_again_are_named_in_the_settings() -> None:
    senders = provider_settings.Senders(at_least_once="email, task")
    chosen = Settings(senders=senders, webhook=provider_settings.Webhook(attempts=3))
    found = {one: providers.policy(chosen, one) for one in ("email", "sms", "webhook")}
    assert [one.at_least_once for one in found.values()] == [True, False, False]
    assert [one.attempts for one in found.values()] == [8, 8, 3]


def test_channel_that_there_is_not_can_not_send_again() -> None:
    senders = provider_settings.Senders(at_least_once="pigeon")
    with pytest.raises(InvalidSettings, match="BECKON_SENDERS__AT_LEAST_ONCE"):
        providers.policy(Settings(senders=senders), "email")
