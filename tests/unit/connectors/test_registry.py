import contextlib
import http.server
import json
import sys
import threading
from collections.abc import Iterator

import pytest

pytest.importorskip("authlib", reason="the optional client needs beckon[registry]")

from connectors import registry
from connectors.registry import Options, Registry
from schemas import codec
from schemas.errors import BadEvent, SchemaError, SchemasUnavailable, UnknownSchema
from schemas.outcomes import Outcome

OUTCOME = Outcome(
    id="o-1",
    command_id="c-1",
    profile_id="u-1",
    channel="webhook",
    result="sent",
    attempts=1,
    detail="http-200",
    at=1_714_566_896_789,
)


def in_memory(max_schemas: int = 10, unknown_for_s: float = 60.0) -> Registry:
    return Registry(
        Options(url="mock://test", max_schemas=max_schemas, unknown_for_s=unknown_for_s)
    )


def record(name: str) -> str:
    return f'{{"type":"record","name":"{name}","fields":[]}}'


def test_value_written_by_one_worker_is_read_by_another_that_asks_the_registry() -> None:
    source: codec.SchemaRegistry = in_memory()
    write = codec.encoder("outcomes", source, prefix="shop.")
    assert codec.decode_outcome(write(OUTCOME), schemas=source) == OUTCOME


def test_same_schema_has_the_same_id_under_its_subject() -> None:
    source = in_memory()
    ids = [source.register("shop.outcomes-value", codec.schema_text("outcome")) for _ in range(2)]
    assert ids[0] == ids[1]
    assert source.register("shop.scores-value", codec.schema_text("score")) != ids[0]


def test_schema_is_parsed_once() -> None:
    source = in_memory()
    schema_id = source.register("a-value", record("A"))
    assert source.schema(schema_id) is source.schema(schema_id)


def test_memory_of_schemas_is_bounded_and_what_was_dropped_is_asked_for_again() -> None:
    source = in_memory(max_schemas=2)
    ids = [source.register(f"{name}-value", record(name)) for name in "ABC"]
    first = source.schema(ids[0])
    for schema_id in ids[1:]:
        source.schema(schema_id)
    assert source.schema(ids[0]) == first
    assert source.schema(ids[0]) is not first


def test_unknown_id_is_not_asked_for_again_until_its_time_is_over() -> None:
    patient, impatient = in_memory(), in_memory(unknown_for_s=0.0)
    for source in (patient, impatient):
        with pytest.raises(UnknownSchema):
            source.schema(1)
        assert source.register("a-value", record("A")) == 1
    with pytest.raises(UnknownSchema):
        patient.schema(1)
    assert impatient.schema(1)["name"] == "A"


def test_memory_of_unknown_ids_is_bounded() -> None:
    source = in_memory(max_schemas=2)
    for schema_id in (1, 7, 8):
        with pytest.raises(UnknownSchema):
            source.schema(schema_id)
    source.register("a-value", record("A"))
    assert source.schema(1)["name"] == "A"


@pytest.mark.parametrize("text", ['"long"', '{"type":"nonsense"}', "message Proto {}"])
def test_schema_that_can_not_be_read_is_as_good_as_unknown(text: str) -> None:
    source = in_memory()
    schema_id = source.register("a-value", text)
    with pytest.raises(UnknownSchema):
        source.schema(schema_id)


def test_event_with_an_id_that_the_registry_does_not_know_is_a_dead_letter() -> None:
    with pytest.raises(BadEvent) as caught:
        codec.decode_event(b"\0\0\0\0\7x", schemas=in_memory())
    assert caught.value.reason == "unknown-schema"


def silent() -> Registry:
    # Nothing listens on port 1, so the connection is refused at once, with no network.
    return Registry(Options(url="http://127.0.0.1:1", timeout_s=1.0, max_retries=0))


def test_registry_that_does_not_answer_is_no_fault_of_the_event() -> None:
    with pytest.raises(SchemasUnavailable):
        codec.decode_event(b"\0\0\0\0\7x", schemas=silent())
    with pytest.raises(SchemasUnavailable):
        silent().register("a-value", record("A"))


@contextlib.contextmanager
def answering(status: int, body: str) -> Iterator[Registry]:
    """A registry on the loopback interface that gives one answer to whatever is asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Keeps the test's output clean."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Registry(Options(url=f"http://127.0.0.1:{server.server_port}", max_retries=0))
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, '{"error_code":40403,"message":"Schema not found"}', UnknownSchema),
        (404, '{"error_code":404,"message":"HTTP 404 Not Found"}', SchemasUnavailable),
        (404, "<html>", SchemasUnavailable),
        (401, '{"error_code":401,"message":"Unauthorized"}', SchemasUnavailable),
        (500, '{"error_code":50001,"message":"Error in the backend"}', SchemasUnavailable),
        (200, "<html>", SchemasUnavailable),
        (200, '{"schema":"not Avro"}', UnknownSchema),
    ],
)
def test_only_the_registrys_own_word_makes_an_id_unknown(
    status: int, body: str, expected: type[SchemaError]
) -> None:
    with answering(status, body) as source, pytest.raises(SchemaError) as caught:
        source.schema(7)
    assert caught.type is expected


@pytest.mark.parametrize("status", [409, 422])
def test_schema_that_breaks_its_subject_is_refused_and_says_so(status: int) -> None:
    with (
        answering(status, '{"error_code":409,"message":"incompatible"}') as source,
        pytest.raises(registry.SchemaRefused, match="incompatible"),
    ):
        source.register("a-value", record("A"))


def test_schema_comes_from_the_registrys_answer() -> None:
    with answering(200, json.dumps({"schema": record("A")})) as source:
        assert source.schema(7)["name"] == "A"


def test_id_that_no_registry_can_have_is_unknown_without_asking() -> None:
    with pytest.raises(UnknownSchema):
        silent().schema(2**31)


def test_address_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="Invalid url"):
        Registry(Options(url="registry:8081"))


def test_missing_client_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka.schema_registry", None)
    monkeypatch.delattr("confluent_kafka.schema_registry", raising=False)
    with pytest.raises(SchemaError) as caught:
        in_memory()
    assert str(caught.value) == registry.NOT_INSTALLED
