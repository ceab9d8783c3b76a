"""Requests are signed as AWS's published test suite has it."""

import pytest

from connectors.channels.sigv4 import Credentials, authorization, stamp

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CREDENTIALS = Credentials(
    key_id="AKIDEXAMPLE", secret=SECRET, region="us-east-1", service="service"
)
HEADERS = {"Host": "example.amazonaws.com", "X-Amz-Date": "20150830T123600Z"}
FORM = {**HEADERS, "Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("method", "headers", "content", "query", "signature"),
    [
        (
            "GET",
            HEADERS,
            b"",
            {},
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "POST",
            HEADERS,
            b"",
            {},
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "GET",
            HEADERS,
            b"",
            {"Param2": "value2", "Param1": "value1"},
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "POST",
            FORM,
            b"Param1=value1",
            {},
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
    ids=["get-vanilla", "post-vanilla", "get-vanilla-query-order", "post-x-www-form-urlencoded"],
)
def test_signature_is_that_of_the_published_suite(
    method: str, headers: dict[str, str], content: bytes, query: dict[str, str], signature: str
) -> None:
    found = authorization(CREDENTIALS, method, "/", headers=headers, content=content, query=query)

    names = ";".join(sorted(name.lower() for name in headers))
    assert found == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
        f" SignedHeaders={names}, Signature={signature}"
    )


def test_time_is_written_to_the_second() -> None:
    assert stamp(1_440_938_160_999) == "20150830T123600Z"


def test_secrets_are_not_shown() -> None:
    shown = repr(Credentials(key_id="k", secret=SECRET, token="t-t-t", region="r", service="s"))

    assert SECRET not in shown
    assert "t-t-t" not in shown
