"""Plain addresses: those about which a library has nothing more to say."""

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas import mailboxes

LOCAL = st.text("abzAZ09_+-.", min_size=1, max_size=70)
LABEL = st.text("abxnz09-", min_size=1, max_size=65)
ADDRESSES = st.builds(
    lambda local, labels, top: f"{local}@{'.'.join([*labels, top])}",
    LOCAL,
    st.lists(LABEL, min_size=0, max_size=9),
    st.sampled_from(["com", "org", "de", "uk", "xy", "test", "local", "co", "c", "c0", "xn--p1ai"]),
)


@settings(max_examples=500)
@given(ADDRESSES)
@example("ada@xn--bcher-kva.de")
@example("a.b@c-d.co.uk")
@example("a@a.local")
def test_plain_addresses_are_valid_and_stay_as_they_are(address: str) -> None:
    if not mailboxes.is_plain(address):
        return
    for is_test in (False, True):
        found = validate_email(
            address, check_deliverability=False, strict=not is_test, test_environment=is_test
        )
        assert (found.normalized, found.ascii_email, found.smtputf8) == (address, address, False)


@pytest.mark.parametrize(
    "address",
    ["ada@example.com", "Ada.L_1+x@mail.example.co.uk", "a@b.de", f"{'a' * 64}@b.org"],
)
def test_most_addresses_are_plain(address: str) -> None:
    assert mailboxes.is_plain(address)


@pytest.mark.parametrize(
    "address",
    [
        "", "ada", "ada@", "@b.de", "ada@b", "a..b@c.de", ".a@c.de", "a.@c.de", "a@-b.de",
        "a@b-.de", "a@b..de", "a@b.test", "a@b.invalid", "a@xn--b.de", "a@B.de", "a b@c.de",
        '"a"@c.de',
        "a@b.de\n", "a@b.de,c@d.de", "a@[127.0.0.1]", "a@127.0.0.1", "gr\u00fcn@b.de",
        f"{'a' * 65}@b.de", f"a@{'b' * 64}.de", f"{'a' * 60}@{'.'.join(['bcd' * 10] * 7)}.de",
    ],
)  # fmt: skip
def test_whatever_may_be_read_otherwise_is_not_plain(address: str) -> None:
    assert not mailboxes.is_plain(address)


@pytest.mark.parametrize("name", SPECIAL_USE_DOMAIN_NAMES)
def test_no_domain_that_is_set_apart_is_plain(name: str) -> None:
    assert not mailboxes.is_plain(f"ada@a.{name}")
