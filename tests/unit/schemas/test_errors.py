from schemas.errors import BadEvent, BadRecord, SchemaError, SchemasUnavailable, UnknownSchema


def test_bad_event_has_a_reason_beside_its_message() -> None:
    error = BadEvent("not-json", "the value is not JSON")
    assert (error.reason, str(error)) == ("not-json", "the value is not JSON")


def test_one_except_catches_all_that_can_be_wrong_with_a_value() -> None:
    assert issubclass(BadEvent, BadRecord)
    assert all(issubclass(kind, SchemaError) for kind in (BadRecord, UnknownSchema))


def test_silence_of_the_registry_is_not_a_fault_of_the_record() -> None:
    assert not issubclass(SchemasUnavailable, BadRecord)
    assert not issubclass(SchemasUnavailable, UnknownSchema)
