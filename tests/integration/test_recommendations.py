"""From events to a mail that recommends: counted by an agent that is killed, sent over real SMTP.

The definitions are those of `examples/messages`. One story, told step by step: each test goes on
where the one before has ended.
"""

import asyncio
import base64
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from itertools import permutations
from typing import Any

import pytest

from connectors.stores.engines import Database
from connectors.stores.recommendations import Recommendations
from processors.clock import WallClock
from processors.operations import texts
from schemas import codec
from schemas.consents import SuppressionRecord
from schemas.recommendations import HOUR_MS, Asked, Rank
from tests import services
from tests.builders import Json, identify, keyed, track, trigger
from tests.integration.workers import ROOT, Place, Worker, place, prefix_of, until
from tests.providers.relay import PASSWORD, USER, Relay, relay

pytestmark = pytest.mark.slow

ITEMS = [f"item-{n:02}" for n in range(20)]
PEOPLE = [f"p-{n}" for n in range(40)]
ADA = "ada"
EVENTS = 4_000
KILLS = 4
KEYS = "k:" + base64.b64encode(bytes(range(32))).decode()
ASKS = trigger(
    "Picks Wanted", {"send": {"channel": "email", "template": "picks"}}, id="asks", name="Asks"
)


@pytest.fixture(scope="module")
def target(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("recommendations")
    with place(kafka, prefix_of("recommendations"), folder, partitions=3) as found:
        yield found


@pytest.fixture(scope="module")
def url(postgres_server: str) -> Iterator[str]:
    with services.postgres_schema(
        postgres_server, prefix_of("r").strip(".").replace("-", "_")
    ) as found:
        yield found


@pytest.fixture(scope="module")
def store(url: str) -> Iterator[Recommendations]:
    database = Database(url)
    yield Recommendations(database)
    database.close()


@pytest.fixture(scope="module")
def log() -> list[Json]:
    """What people did in the last two days; some of it is told twice, nothing in order."""
    chance, now_ms = random.Random(5), WallClock().now_ms()
    given = [
        made(chance, number, now_ms - chance.randrange(48 * HOUR_MS)) for number in range(EVENTS)
    ]
    found = [*given, *chance.choices(given, k=EVENTS // 10)]
    chance.shuffle(found)
    return found


def made(chance: random.Random, number: int, at_ms: int) -> Json:
    person, id_ = chance.choice(PEOPLE), f"m-{number}"
    if chance.random() < 0.3:
        products = [{"product_id": each} for each in chance.sample(ITEMS, chance.randint(1, 4))]
        return track("Order Completed", at_ms, id=id_, person=person, products=products)
    weights = [len(ITEMS) - n for n in range(len(ITEMS))]
    [item] = chance.choices(ITEMS, weights)
    return track("Product Viewed", at_ms, id=id_, person=person, product_id=item)


def once(log: Sequence[Json], name: str) -> list[Json]:
    return [
        each for each in {each["messageId"]: each for each in log}.values() if each["event"] == name
    ]


def bought(event: Json) -> list[str]:
    return [each["product_id"] for each in event["properties"]["products"]]


def ranked(counts: Counter[str]) -> list[Rank]:
    return [Rank(*each) for each in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]


def together(log: Sequence[Json]) -> dict[str, Counter[str]]:
    found = {each: Counter[str]() for each in ITEMS}
    for event in once(log, "Order Completed"):
        for item, other in permutations(bought(event), 2):
            found[item][other] += 1
    return found


def start(target: Place, url: str, *words: str, **settings: str) -> Worker:
    given = {"DATABASE__URL": url, **settings}
    return target.worker(words[-1], "-m", "processors", *words, **given)


def viewed(store: Recommendations, person: str) -> list[str]:
    asked = Asked("shop", person)
    found = asyncio.run(store.interests([asked], since=0)).get(asked, [])
    return [each.item for each in found if each.what == "viewed"]


def test_items_come_from_a_file(target: Place, url: str, store: Recommendations) -> None:
    definitions = target.folder / "definitions"
    definitions.mkdir()
    for file in (ROOT / "examples" / "messages").iterdir():
        (definitions / file.name).write_text(file.read_text("utf-8"), "utf-8")
    (definitions / "asks.yaml").write_text(texts.text(ASKS))
    assert target.run("publish", "--yes", str(definitions)).code == 0
    rows = [f"{each},Title {each},9.5,https://shop.example/{each}" for each in [*ITEMS, "lamp"]]
    file = target.folder / "products.csv"
    file.write_text("\n".join(["id,title,price,url", *rows, ""]))
    done = target.run("items", "import", "shop", str(file))
    assert (done.code, done.out) == (0, "shop: 21 items loaded\n"), done.err
    assert target.run("database", "upgrade", DATABASE__URL=url).code == 0


def test_agent_that_is_killed_counts_each_event_once(
    target: Place, url: str, store: Recommendations, log: list[Json]
) -> None:
    chance, wanted = random.Random(9), together(log)
    for number in range(KILLS):
        part = log[number * len(log) // KILLS : (number + 1) * len(log) // KILLS]
        target.produce(map(keyed, part))
        agent = start(target, url, "recommendations").wait_ready()
        time.sleep(chance.uniform(0.1, 1.0))
        agent.kill()
    agent = start(target, url, "recommendations").wait_ready()

    def beside() -> dict[str, list[Rank]]:
        found = asyncio.run(store.beside([("shop", each) for each in ITEMS]))
        return {each: found.get(("shop", each), []) for each in ITEMS}

    until(lambda: beside() == {item: ranked(each) for item, each in wanted.items()}, "all pairs")
    views = Counter(each["properties"]["product_id"] for each in once(log, "Product Viewed"))
    hour = WallClock().now_ms() // HOUR_MS

    def trending() -> list[Rank]:
        work = store.trending("shop", "viewed", hours=(hour - 72, hour + 1), most=99)
        return asyncio.run(work)

    until(lambda: trending() == ranked(views), "all views")
    for person in PEOPLE:
        assert viewed(store, person) == last_viewed(log, person)
    until(lambda: agent.metric("beckon_items") == 21, "the items are counted")
    assert agent.stop() == 0


def last_viewed(log: Sequence[Json], person: str, most: int = 10) -> list[str]:
    latest: dict[str, str] = {}
    for each in once(log, "Product Viewed"):
        if each["userId"] == person:
            item, at = each["properties"]["product_id"], each["timestamp"]
            latest[item] = max(latest.get(item, at), at)
    by_id = sorted(latest)
    return sorted(by_id, key=lambda item: latest[item], reverse=True)[:most]


def test_mail_shows_what_is_recommended(
    target: Place, url: str, store: Recommendations, log: list[Json]
) -> None:
    now_ms = WallClock().now_ms()
    start(target, url, "recommendations").wait_ready()
    view = track("Product Viewed", now_ms - 9, person=ADA, product_id=ITEMS[3])
    order = track("Order Completed", now_ms - 8, person=ADA, products=[{"product_id": ITEMS[0]}])
    target.produce(map(keyed, (view, order)))
    until(lambda: viewed(store, ADA) == [ITEMS[3]], "the view is counted")
    with relay() as office:
        start(target, url, "worker")
        start(target, url, "sender", "email", **smtp(office)).wait_ready()
        known = identify(now_ms - 7, person=ADA, email="ada@example.org", first_name="Ada")
        target.produce(map(keyed, (known, track("Picks Wanted", now_ms, person=ADA))))
        until(lambda: bool(office.mails), "the mail")
        [mail] = office.mails
    assert mail["Subject"] == "Picked for you, Ada"
    html = body(mail)
    goes_well, rest = html.split("You looked at")
    looked_at, trending = rest.split("Liked by many")
    beside = ranked(together(log)[ITEMS[0]])[:3]
    assert shown(goes_well) == [each.item for each in beside]
    assert shown(looked_at) == [ITEMS[3]]
    views = Counter(each["properties"]["product_id"] for each in once(log, "Product Viewed"))
    views[ITEMS[3]] += 1
    del views[ITEMS[0]]  # she has just bought it
    assert shown(trending) == [each.item for each in ranked(views)[:3]]


def smtp(office: Relay) -> dict[str, str]:
    return {
        "SENDERS__EMAIL": "smtp",
        "SMTP__HOST": "127.0.0.1",
        "SMTP__PORT": str(office.port),
        "SMTP__SECURITY": "plain",
        "SMTP__ALLOW_PLAIN": "true",
        "SMTP__USERNAME": USER,
        "SMTP__PASSWORD": PASSWORD,
        "SMTP__SENDER": "Shop <hello@shop.example>",
        "CALLBACKS__SIGNING_KEYS": KEYS,
    }


def body(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    content: Any = part.get_content()
    return str(content)


def shown(html: str) -> list[str]:
    """Returns the items that a part of the mail names, in their order."""
    places = {each: html.find(f"Title {each}<") for each in ITEMS}
    return sorted((each for each, at in places.items() if at >= 0), key=lambda each: places[each])


def test_erased_person_is_forgotten(target: Place, store: Recommendations) -> None:
    erased = SuppressionRecord(
        profile_id=ADA, channel="*", reason="erased", at=WallClock().now_ms()
    )
    target.produce([(b"ada/*", codec.encode(erased))], name="suppressions")
    until(lambda: viewed(store, ADA) == [], "she is forgotten")
    later = WallClock().now_ms()
    target.produce(
        [
            keyed(track("Product Viewed", later, person=ADA, product_id=ITEMS[1])),
            keyed(track("Product Viewed", later, person="eve", product_id=ITEMS[1])),
        ]
    )
    until(lambda: viewed(store, "eve") == [ITEMS[1]], "the others are counted")
    assert viewed(store, ADA) == []
