"""How mails arrive, without a word about whose they are."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.delivery import deliverability
from processors.delivery.deliverability import ARRIVALS, DOMAINS, OTHER
from processors.metrics import Counter, Metrics
from schemas.intents import Entry, State
from schemas.messages import Reply
from schemas.outcomes import Kind, Result
from tests.deliveries import REFUSED, SENT, Scripted, world
from tests.unit.delivery.offices import COMMAND, Office

LABELS = {*DOMAINS.values(), OTHER}


@pytest.mark.parametrize(
    ("to", "label"),
    [
        ("ada@gmail.com", "gmail.com"),
        ("Ada Lovelace <ada@GoogleMail.com>", "gmail.com"),
        ("ada@hotmail.co.uk", "outlook.com"),
        ("ada@live.fr", "outlook.com"),
        ("ada@yahoo.com.br", "yahoo.com"),
        ("ada@gmx.de", "gmx.net"),
        ("ada@web.de", "gmx.net"),
        ("ada@qq.com.", "qq.com"),
        ('"a@gmail.com"@example.org', "other"),
        ("ada@live.example.com", "other"),
        ("ada@notgmail.com", "other"),
        ("ada@yahoo.evil.example", "other"),
        ("ada@xn--bcher-kva.example", "other"),
        ("", "other"),
    ],
)
def test_mailboxes_are_told_apart_by_the_large_services_alone(to: str, label: str) -> None:
    assert deliverability.domain("email", to) == label


@given(st.text(max_size=80), st.sampled_from(["", "@gmail.com", "@yahoo.co.jp", "@b.example"]))
def test_label_is_one_of_a_few_whatever_the_address(name: str, end: str) -> None:
    assert deliverability.domain("email", name + end) in LABELS
    assert len(LABELS) < 20
    assert max(map(len, LABELS)) <= 32


@pytest.mark.parametrize("channel", ["sms", "push", "slack", "webhook"])
def test_other_channels_have_no_mailbox(channel: str) -> None:
    assert deliverability.domain(channel, "ada@gmail.com") is None


@pytest.mark.parametrize(
    ("result", "kind", "detail", "arrival"),
    [
        ("delivered", None, "", "delivered"),
        ("bounced", "hard", "5.1.1", "hard-bounce"),
        ("bounced", "soft", "4.2.2", "soft-bounce"),
        ("bounced", None, "", "soft-bounce"),
        ("bounced", "hard", "5.7.26", "blocked"),
        ("bounced", "soft", "blocked", "blocked"),
        ("bounced", "soft", "espblock", "blocked"),
        ("bounced", "soft", "contentrejected", "blocked"),
        ("failed", None, "blocked", "blocked"),
        ("failed", None, "bounced-address", None),
        ("complained", None, "abuse", "complaint"),
        ("opened", None, "", None),
        ("unsubscribed", None, "", None),
    ],
)
def test_report_is_counted_by_how_the_mail_arrived(
    result: Result, kind: Kind | None, detail: str, arrival: str | None
) -> None:
    assert deliverability.told(result, kind, detail) == arrival


@pytest.mark.parametrize(
    ("state", "detail", "suppresses", "arrival"),
    [
        ("sent", "smtp-250", None, "sent"),
        ("failed", "smtp-550-5.1.1", "hard-bounce", "hard-bounce"),
        ("failed", "smtp-550-5.7.1", None, "blocked"),
        ("failed", "http-400", None, None),
        ("unknown", "time-out", None, None),
        ("dropped", "consent-denied", None, None),
    ],
)
def test_answer_is_counted_by_how_the_mail_arrived(
    state: State, detail: str, suppresses: str | None, arrival: str | None
) -> None:
    entry = Entry(id="c-1", state=state, epoch=1, detail=detail, updated_at=1)
    assert deliverability.sent(entry, suppresses) == arrival


def test_first_count_leaves_a_0_from_which_the_others_can_rise() -> None:
    """A rate is taken of the difference of two values: the first one must not be the first 1."""
    metrics = Metrics()
    deliverability.count(metrics, "ses", "gmail.com", "sent")
    for each in ARRIVALS:
        line = f'beckon_mails_total{{domain="gmail.com",provider="ses",result="{each}"}}'
        assert f"{line} {float(each == 'sent')}" in metrics.text().decode()


def test_later_counts_add_up_and_leave_the_others_as_they_are() -> None:
    metrics = Metrics()
    for each in ("sent", "sent", "blocked", "sent"):
        deliverability.count(metrics, "ses", "gmail.com", each)
    counts = [metrics.read(Counter.MAILS, "ses", "gmail.com", each) for each in ARRIVALS]
    assert dict(zip(ARRIVALS, counts, strict=True)) == dict.fromkeys(ARRIVALS, 0) | {
        "sent": 3,
        "blocked": 1,
    }


@pytest.mark.parametrize("lacks", [(None, "other", "sent"), ("ses", None, "sent")])
def test_what_is_no_mail_or_has_no_provider_is_not_counted(
    lacks: tuple[str | None, str | None, deliverability.Arrival],
) -> None:
    metrics = Metrics()
    deliverability.count(metrics, *lacks)
    deliverability.count(metrics, "ses", "other", None)
    assert "beckon_mails_total{" not in metrics.text().decode()


class TestDesk:
    GONE = Reply(fate="refused", detail="smtp-550-5.1.1", suppresses="hard-bounce")
    BLOCK = Reply(fate="refused", detail="smtp-550-5.7.1")

    @pytest.mark.parametrize(("reply", "arrival"), [(SENT, "sent"), (BLOCK, "blocked")])
    def test_each_mail_is_counted_once_for_each_of_its_addresses(
        self, tmp_path: Path, reply: Reply, arrival: str
    ) -> None:
        with world(tmp_path, Scripted(reply)) as found:
            office = Office(found, "ada@gmail.com", "ada@example.org")
            office.handle()
            office.handle()
            counted = [
                found.metrics.read(Counter.MAILS, "ses", domain, arrival)
                for domain in ("gmail.com", "other")
            ]
        assert counted == [1, 1]

    def test_mailbox_that_there_is_not_is_counted_and_ends_the_mails_to_others(
        self, tmp_path: Path
    ) -> None:
        with world(tmp_path, Scripted(self.GONE)) as found:
            Office(found, "ada@gmail.com", "ada@example.org").handle()
            counts = [
                found.metrics.read(Counter.MAILS, "ses", "gmail.com", each) for each in ARRIVALS
            ]
            assert dict(zip(ARRIVALS, counts, strict=True))["hard-bounce"] == sum(counts) == 1
            assert found.metrics.read(Counter.MAILS, "ses", "other", "sent") == 0

    def test_refusal_for_another_reason_is_not_counted(self, tmp_path: Path) -> None:
        with world(tmp_path, Scripted(REFUSED)) as found:
            Office(found).handle(msgspec.structs.replace(COMMAND, id="c-9"))
            assert "beckon_mails_total{" not in found.metrics.text().decode()
