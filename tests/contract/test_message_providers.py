"""All but mail, held to what every provider promises: the same suite, beside other fakes."""

from collections.abc import Iterator

import pytest

from tests.contract.test_providers import (  # noqa: F401
    test_details_are_short_fixed_words,
    test_fate_of_a_fault_is_told_and_the_time_is_bounded,
    test_look_up_says_nothing_where_it_is_not_promised,
    test_message_after_a_fault_is_taken,
    test_message_is_taken_once_and_its_reply_names_it,
    test_no_secret_is_told,
    test_overlapping_messages_are_each_taken_once,
    test_repeat_is_known_where_that_is_promised,
    test_service_that_is_away_is_passing,
    test_several_messages_go_over_the_same_connections,
)
from tests.providers import drawers, keepers, messengers, pushers
from tests.providers.cases import Case, Cases

CASES: Cases = {
    **messengers.CASES,
    **pushers.CASES,
    **keepers.CASES,
    **drawers.CASES,
}


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with CASES[request.param]() as found:
        yield found
