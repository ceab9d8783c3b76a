"""What a worker is told at its start."""

from processors.runtime.clients import Cluster
from processors.runtime.options import Options


def test_topics_have_the_prefix_of_the_worker() -> None:
    options = Options(cluster=Cluster(bootstrap="nowhere"), prefix="shop.", slot="a")
    assert options.topic("events") == "shop.events"
    assert Options(cluster=options.cluster, slot="a").topic("events") == "beckon.events"
