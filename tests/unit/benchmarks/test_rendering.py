from benchmarks import rendering


def test_messages_are_made_both_ways() -> None:
    found = rendering.measure(20)
    assert [row[0] for row in found.rows] == ["in this process", "in a process of its own"]
    assert found.figures["inside_us"] >= 0
    assert found.figures["isolated_us"] >= 0
    assert found.settings["messages"] == "20"
