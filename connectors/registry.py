"""A schema registry: which Avro schema an id stands for, and an id for each of ours.

Optional and off by default: without it Avro events are refused and everything we write is JSON.
Satisfies `schemas.codec.SchemaRegistry` by shape, over Confluent's client.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec

from schemas import codec
from schemas.errors import SchemaError, SchemasUnavailable, UnknownSchema

NOT_INSTALLED = "the schema registry's client is not installed: pip install 'beckon[registry]'"

_MAX_ID = 2**31 - 1
"""Ids are signed: asked for a larger one, a registry says 404 as if the address were wrong."""
_NOT_FOUND = {40400, 40403}
"""The registry's own words for "no such schema"; any other 404 is a wrong address.

Source: Confluent, Schema Registry API reference, "Schemas". 40400 is what `mock://` says.
"""
_REFUSED = {409, 422}
"""Incompatible with the version before, or not valid."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a registry, and how long to wait for it."""

    url: str
    """One address, or several with commas. `mock://name` keeps everything in memory."""
    user_info: str | None = None
    """`user:password`."""
    ca_path: str | None = None
    timeout_s: float = 5.0
    """Of one request."""
    max_retries: int = 2
    retry_wait_ms: int = 200
    max_schemas: int = 1_000
    """How many ids are remembered: those found, and as many that were not."""
    unknown_for_s: float = 60.0
    """How long an id that was not found is not asked for again."""


class SchemaRefused(SchemaError):
    """The registry does not take the schema: it breaks the subject's compatibility."""


class Registry:
    """Asks once per id and remembers, within bounds. Blocks the caller while it asks."""

    def __init__(self, options: Options) -> None:
        try:
            import httpx2
            from confluent_kafka import schema_registry
            from confluent_kafka.schema_registry.error import OAuthTokenError
        except ImportError as error:
            raise SchemaError(NOT_INSTALLED) from error
        self._options = options
        self._client = schema_registry.SchemaRegistryClient.new_client(_configuration(options))
        self._make_schema = schema_registry.Schema
        self._answers = schema_registry.SchemaRegistryError
        # A ValueError is an answer that is not JSON: a proxy's page, not the registry's.
        self._silences = (httpx2.HTTPError, OAuthTokenError, OSError, ValueError)
        self._found: dict[int, codec.Schema] = {}
        self._unknown: dict[int, float] = {}
        self._lock = threading.Lock()

    def schema(self, schema_id: int) -> codec.Schema:
        """Returns the schema with this id; the contract is `codec.SchemaSource`'s."""
        found = self._found.get(schema_id)
        return self._ask(schema_id) if found is None else found

    def register(self, subject: str, text: str) -> int:
        """Returns the id of the schema; the contract is `codec.SchemaRegistry`'s.

        Raises:
            SchemaRefused: it is not compatible with what the subject has, or not valid.
        """
        schema = self._make_schema(text, "AVRO")
        return int(self._call(lambda: self._client.register_schema(subject, schema)))

    def _ask(self, schema_id: int) -> codec.Schema:
        with self._lock:
            if schema_id in self._found:
                return self._found[schema_id]
            if schema_id > _MAX_ID or self._unknown.get(schema_id, 0.0) > time.monotonic():
                raise UnknownSchema(f"no schema has the id {schema_id}")
            try:
                text = self._call(lambda: self._client.get_schema(schema_id)).schema_str
                parsed = codec.parse_schema(text or "")
            except SchemasUnavailable:
                raise
            except SchemaError as error:
                until_s = time.monotonic() + self._options.unknown_for_s
                self._remember(self._unknown, schema_id, until_s)
                raise UnknownSchema(f"no schema that can be read has the id {schema_id}") from error
            self._remember(self._found, schema_id, parsed)
            return parsed

    def _remember(self, memory: dict[int, Any], schema_id: int, what: Any) -> None:
        memory.pop(schema_id, None)
        while len(memory) >= self._options.max_schemas:
            del memory[next(iter(memory))]
        memory[schema_id] = what

    def _call(self, request: Callable[[], Any]) -> Any:
        try:
            return request()
        except self._answers as error:
            if error.error_code in _NOT_FOUND:
                raise UnknownSchema("the registry has no such schema") from error
            if error.http_status_code in _REFUSED:
                raise SchemaRefused(f"the registry refuses the schema: {error}") from error
            raise SchemasUnavailable(f"the schema registry answers: {error}") from error
        except self._silences as error:
            raise SchemasUnavailable("the schema registry does not answer as one") from error


def _configuration(options: Options) -> dict[str, Any]:
    given = {
        "url": options.url,
        "basic.auth.user.info": options.user_info,
        "ssl.ca.location": options.ca_path,
        "timeout": options.timeout_s,
        "max.retries": options.max_retries,
        "retries.wait.ms": options.retry_wait_ms,
        "retries.max.wait.ms": 10 * options.retry_wait_ms,
        "cache.capacity": options.max_schemas,
    }
    return {name: value for name, value in given.items() if value is not None}
