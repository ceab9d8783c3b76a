"""librdkafka's mock cluster by its C interface: the same broker, made to fail when a test says so.

The Python client can start such a cluster but shows nothing of it. The library is the one that the
client brought along, or the system's: the cluster lives apart from all clients, so both do.
"""

import ctypes
import ctypes.util
from enum import IntEnum
from pathlib import Path

import confluent_kafka

PRODUCER = 0
"""The kind of client that hosts the cluster; it has no other part in it."""


class Request(IntEnum):
    """Kafka's numbers of requests (protocol guide, "API keys")."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    HEARTBEAT = 12
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS = 24
    END_TRANSACTION = 26
    COMMIT_OFFSETS = 28
    """Those of a transaction."""


class Mock:
    """One broker, which ends with this process. Its interface is told of in rdkafka_mock.h."""

    def __init__(self) -> None:
        self._lib = _library()
        settings = ctypes.c_void_p(self._lib.rd_kafka_conf_new())
        said = ctypes.create_string_buffer(512)
        self._lib.rd_kafka_conf_set(settings, b"log_level", b"3", said, len(said))
        self._host = ctypes.c_void_p(self._lib.rd_kafka_new(PRODUCER, settings, said, len(said)))
        assert self._host.value, said.value
        self._cluster = ctypes.c_void_p(self._lib.rd_kafka_mock_cluster_new(self._host, 1))
        # groups need not wait for more members
        self._lib.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self.bootstrap: str = self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def fail(self, request: Request, *codes: int) -> None:
        """Has the next requests of a kind fail, each with one of the errors."""
        errors = (ctypes.c_int * len(codes))(*codes)
        self._lib.rd_kafka_mock_push_request_errors_array(
            self._cluster, ctypes.c_int16(request), ctypes.c_size_t(len(codes)), errors
        )

    def heal(self) -> None:
        """Takes back the errors that nobody met."""
        for each in Request:
            self._lib.rd_kafka_mock_clear_request_errors(self._cluster, ctypes.c_int16(each))


def _library() -> ctypes.CDLL:
    package = Path(confluent_kafka.__file__).parent
    places = (package.parent / "confluent_kafka.libs", package / ".dylibs")
    bundled = [each for place in places for each in sorted(place.glob("librdkafka*"))]
    name = str(bundled[0]) if bundled else ctypes.util.find_library("rdkafka")
    assert name, "librdkafka is neither with its Python client nor on this system"
    lib = ctypes.CDLL(name)
    for pointer in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(lib, pointer).restype = ctypes.c_void_p
    lib.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return lib
