"""Addresses that prove themselves."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.channels import proofs
from schemas.errors import Forged
from tests.providers.scripted import posted

SECRET = b"0123456789abcdef"


def test_address_is_proven_for_its_command_only() -> None:
    given = proofs.address("https://b.example/callbacks/x", "c-1", SECRET)

    assert proofs.proven(posted(given), SECRET) == "c-1"
    with pytest.raises(Forged):
        proofs.proven(posted(given.replace("c-1", "c-2")), SECRET)
    with pytest.raises(Forged):
        proofs.proven(posted(given), b"another secret..")


@pytest.mark.parametrize("url", ["https://b.example/", "https://b.example/?proof=%C3%BC"])
def test_address_without_a_proof_is_forged(url: str) -> None:
    with pytest.raises(Forged):
        proofs.proven(posted(url), SECRET)


def test_query_of_the_base_stays_and_nothing_is_a_secret() -> None:
    given = proofs.address("https://b.example/?shop=1", "c 1&x=2", SECRET)

    query = dict(parse_qsl(urlsplit(given).query))
    assert (query["shop"], query["command_id"]) == ("1", "c 1&x=2")
    assert SECRET.decode() not in given
    assert "proof" not in proofs.address("https://b.example/", "c-1")
