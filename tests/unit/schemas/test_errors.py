from schemas.errors import (
    BadEvent,
    BadRecord,
    SchemaError,
    SchemasUnavailable,
    UnknownSchema,
    Unsendable,
)


def test_bad_event_has_a_reason_beside_its_message() -> None:
    error = BadEvent("not-json", "the value is not JSON")
    assert (error.reason, str(error)) == ("not-json", "the value is not JSON")


def test_one_except_catches_all_that_can_be_wrong_with_a_value() -> None:
    assert issubclass(BadEvent, BadRecord)
    assert all(issubclass(kind, SchemaError) for kind in (BadRecord, UnknownSchema))


def test_silence_of_the_registry_is_not_a_fault_of_the_record() -> None:
    assert not issubclass(SchemasUnavailable, BadRecord)
    assert not issubclass(SchemasUnavailable, UnknownSchema)


def test_command_without_a_message_says_why_and_whether_it_may_be_mended() -> None:
    missing = Unsendable("variable-missing", "first_name", is_held=True)
    assert (str(missing), missing.reason, missing.detail) == (
        "variable-missing: first_name",
        "variable-missing",
        "first_name",
    )
    assert missing.is_held
    assert (str(Unsendable("expired")), Unsendable("expired").is_held) == ("expired", False)
