"""Sends dead letters back to the topics that they came from, each once.

A letter and the mark that it was replayed are written by one transaction, under an id that only one
process can have: who takes it ends what another one has under way, and then looks what is marked.
"""

from collections.abc import Callable, Iterator
from contextlib import closing

from confluent_kafka import KafkaException, Producer

from processors.operations.errors import OperationFailed
from processors.operations.letters import Letter, Pile, Selection
from processors.runtime import clients
from processors.runtime.clients import Cluster
from processors.runtime.errors import Fenced
from processors.runtime.transactions import Aborted, Transactions
from schemas import letters

MAX_LETTERS = 500
"""Of one transaction, and"""
MAX_BYTES = 8_000_000
"""how much they may hold, roughly: it ends well before its time is over."""
SOURCE = "replayed-from"
"""The header of a record that was replayed: topic, partition and offset of the letter."""


def replay(
    cluster: Cluster,
    prefix: str,
    selection: Selection,
    *,
    progress: Callable[[int], None] = lambda sent: None,
) -> int:
    """Sends what is selected and was not replayed; returns how many that were.

    Key and value are as they came; the partition is that of the key, as with any producer.

    Raises:
        OperationFailed: Kafka did not take all; those that it took are marked.
        TopicMissing: there is no such topic.
        BrokerAway: the cluster does not answer.
    """
    sent = 0
    with closing(Transactions(cluster, f"{prefix}dead-letters-replay")) as transactions:
        try:
            transactions.open()
            with closing(Pile(cluster, prefix)) as pile:
                for sent in _send_all(transactions, pile, selection):
                    progress(sent)
        except Aborted as error:
            raise OperationFailed(_unfinished(sent, str(error))) from error
        except Fenced as error:
            raise OperationFailed(_unfinished(sent, "somebody else does it now")) from error
    return sent


def _send_all(transactions: Transactions, pile: Pile, selection: Selection) -> Iterator[int]:
    """Yields how many are sent, after each transaction.

    Raises:
        Aborted: one came to nothing; or the id had to be taken anew, so that somebody else may have
            had it, and sent what was found to be waiting.
        Fenced: somebody else has taken the id.
    """
    sent = 0
    mine: Producer | None = None
    for batch in _batches(pile.letters(pile.find(selection).waiting)):
        producer = transactions.begin()
        if mine not in (None, producer):
            raise Aborted("a commit was doubtful")
        mine = producer
        _send(producer, pile.topic, batch)
        transactions.commit(pile.reader, [])
        sent += len(batch)
        yield sent


def _batches(found: Iterator[Letter]) -> Iterator[list[Letter]]:
    batch: list[Letter] = []
    size = 0
    for each in found:
        batch.append(each)
        size += len(each.value or b"")
        if len(batch) == MAX_LETTERS or size >= MAX_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _send(producer: Producer, topic: str, batch: list[Letter]) -> None:
    """Writes letters and their marks.

    Raises:
        Aborted: one is refused.
    """
    try:
        for each in batch:
            source = f"{topic}/{each.partition}/{each.offset}"
            producer.produce(
                each.whence.topic, each.value, each.key, headers=[(SOURCE, source.encode())]
            )
            producer.produce(
                topic, None, None, each.partition, headers=[*letters.mark(each.offset)]
            )
            producer.poll(0)
    except (BufferError, KafkaException) as error:
        words = clients.words(error) if isinstance(error, KafkaException) else str(error)
        raise Aborted(words) from error


def _unfinished(sent: int, why: str) -> str:
    return f"{sent:,} were sent, then it ended ({why}): do it again, which sends the others"
