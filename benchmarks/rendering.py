"""What a message costs to make: rendered in this process, and in one of its own."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import measures, reports
from benchmarks.reports import Report
from processors.content.facts import Options
from processors.content.isolation import Isolated
from processors.content.libraries import Library
from processors.content.previews import Samples
from processors.content.rendering import Renderer
from processors.definitions import files
from schemas.commands import Command
from schemas.messages import Message

FOLDER = Path(__file__).parent.parent / "examples" / "messages"
TARGET = 1_000
"""Mails a second, delivered."""
RUNS = 3
CART = "cart-reminder"
AT_MS = 1_767_225_600_000
ITEMS = [
    {
        "title": f"Lamp {place}",
        "price": 19.9 + place,
        "image": f"https://shop.example/{place}.png",
        "url": f"https://shop.example/lamps/{place}?a=1&b=2",
    }
    for place in range(3)
]

Compose = Callable[[Command], Sequence[Message]]


def measure(messages: int) -> Report:
    """Renders mails of a cart with three items: MJML, two languages, text, links with UTM."""
    documents = list(files.load(FOLDER).documents.values())
    options = Options(product_name="Shop")
    inside = Renderer(Library(documents), links=Samples(), options=options)
    isolated = Isolated(tracking=Samples(), options=options)
    try:
        isolated.take(documents)
        pids = (os.getpid(), isolated.pid or 0)
        found = {
            "in this process": _best(inside.compose, messages, pids[:1]),
            "in a process of its own": _best(isolated.compose, messages, pids),
        }
        before = _memory(pids)
        _timed(isolated.compose, messages, pids)
        grown = _memory(pids) - before
    finally:
        isolated.close()
    (mail,) = inside.compose(command(0))
    return reports.report(
        "rendering",
        f"--messages {messages}",
        settings={"messages": f"{messages:,}", "HTML": f"{len(mail.html or '') / 1024:.1f} kB"},
        rows=[
            {
                "rendered": name,
                "CPU a message": f"{sum(used) / messages * 1e6:,.0f} µs",
                "of these elsewhere": f"{sum(used[1:]) / messages * 1e6:,.0f} µs",
                "messages/s of a core": f"{messages / max(used):,.0f} (target {TARGET:,})",
            }
            for name, used in found.items()
        ],
        figures={
            "inside_us": sum(found["in this process"]) / messages * 1e6,
            "isolated_us": sum(found["in a process of its own"]) / messages * 1e6,
            "grown_kb": grown / 1024,
        },
        notes=(
            f"The best of {RUNS} runs, one message after the other; where there are two processes,"
            f" the busier one counts. After them, {messages:,} more took {grown / 1024:,.0f} kB"
            " of memory in both together.",
        ),
    )


def command(place: int, template: str = CART) -> Command:
    """Returns one of the commands, for a mail by one of the templates."""
    traits = {
        "email": f"ann{place}@example.com",
        "first_name": "Ann",
        "locale": "de-AT" if place % 2 else "en",
    }
    return Command(
        id=f"00000000-0000-5000-8000-{place:012}",
        channel="email",
        profile_id=f"p{place}",
        definition_id="carts",
        version="v",
        step="remind",
        occurrence="m",
        at=AT_MS,
        template=template,
        traits=traits,
        properties={"items": ITEMS},
    )


def _best(compose: Compose, messages: int, pids: Sequence[int]) -> list[float]:
    return min((_timed(compose, messages, pids) for _ in range(RUNS)), key=sum)


def _timed(compose: Compose, messages: int, pids: Sequence[int]) -> list[float]:
    """Returns the CPU time that each process took, s."""
    before = [measures.cpu_s(each) for each in pids]
    for place in range(messages):
        compose(command(place))
    return [measures.cpu_s(each) - used for each, used in zip(pids, before, strict=True)]


def _memory(pids: Sequence[int]) -> int:
    return sum(measures.rss_bytes(each) for each in pids)
