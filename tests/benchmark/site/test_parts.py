"""Small parts of the site: addresses, docstrings, the agreement of metrics, the front of cost and quality, charts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.site.addresses import addresses
from benchmark.site.agreement import agreements
from benchmark.site.charts import Curve, curves
from benchmark.site.prose import Block, after_summary, blocks
from benchmark.site.ranking import front, leaders
from benchmark.site.svg import Axis
from benchmark.site.tasks import Dial
from benchmark.site.templating import heat, pages

NAMES = st.text(alphabet="aB-/ <ü.", max_size=4)


@given(st.lists(st.tuples(NAMES, NAMES), unique=True, max_size=12))
def test_no_two_pages_share_an_address_on_any_disk(keys: list[tuple[str, str]]) -> None:
    found = addresses("tasks", keys)
    assert len({address.lower() for address in found.values()}) == len(keys)
    for address in found.values():
        assert address.startswith("tasks/")
        assert address.count("/") == 1


def test_plain_names_are_their_addresses() -> None:
    key = ("probing", "othello_board")
    assert addresses("tasks", [key, ("a", "b-c"), ("a-b", "c")])[key] == "tasks/probing-othello_board.html"


def rows(
    metric: str, means: dict[str, float], *, variant: str = "v", low: float | None = 0.0, high: float = 1.0
) -> Any:
    return [
        {"metric": metric, "variant": variant, "method": name, "mean": mean, "floor": low, "ceiling": high}
        for name, mean in means.items()
    ]


def test_the_order_by_a_metric_is_compared_with_the_primarys() -> None:
    lines = [
        *rows("main", {"a": 0.9, "b": 0.5, "c": 0.1, "oracle": 1.0}),
        *rows("same", {"a": 9.0, "b": 5.0, "c": 4.0, "oracle": 0.0}, high=10.0),
        *rows("error", {"a": 0.9, "b": 0.5, "c": 0.1, "oracle": 0.0}, low=1.0, high=0.0),
        *rows("swapped", {"a": 0.9, "b": 0.1, "c": 0.5}),
        *rows("size", {"a": 3.0, "b": 2.0, "c": 1.0}, low=None),
        *rows("described", {"a": 3.0, "b": 2.0, "c": 1.0}),
        *rows("main", {"a": 0.1, "b": 0.2, "c": 0.3}, variant="unranked"),
        *rows("same", {"a": 0.3, "b": 0.2, "c": 0.1}, variant="unranked"),
    ]
    found = {each.metric: each for each in agreements(lines, "main", {"v"}, {"oracle"}, {"described"})}
    taus = {name: each.tau for name, each in found.items()}
    assert taus == {
        "main": 1.0, "same": 1.0, "error": -1.0, "swapped": pytest.approx(1 / 3), "size": None, "described": None
    }  # fmt: skip
    assert found["error"].first == "c"
    assert (found["same"].first, found["same"].methods, found["same"].variants) == ("a", 3, 1)
    assert found["size"].first is None


def test_a_tau_is_a_mean_over_the_ranked_variants() -> None:
    lines = [
        *rows("main", {"a": 0.9, "b": 0.5, "c": 0.1}),
        *rows("main", {"a": 0.9, "b": 0.5, "c": 0.1}, variant="w"),
        *rows("other", {"a": 0.9, "b": 0.5, "c": 0.1}),
        *rows("other", {"a": 0.1, "b": 0.5, "c": 0.9}, variant="w"),
    ]
    assert agreements(lines, "main", {"v", "w"}, ())[1].tau == 0.0
    assert agreements(lines, "absent", {"v", "w"}, ())[1].tau is None


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(-1, 1)), max_size=12))
def test_nobody_beats_a_method_on_the_front_and_somebody_beats_each_other(points: list[tuple[float, float]]) -> None:
    lines: list[dict[str, Any]] = [{"seconds": seconds, "skill": skill} for seconds, skill in points]
    best = front([*lines, {"seconds": None, "skill": 1.0}, {"seconds": 0.0, "skill": None}])

    def beaten(row: dict[str, Any]) -> bool:
        at_least = [o for o in lines if o["seconds"] <= row["seconds"] and o["skill"] >= row["skill"]]
        return any((o["seconds"], o["skill"]) != (row["seconds"], row["skill"]) for o in at_least)

    assert {(row["seconds"], row["skill"]) for row in best} == {
        (row["seconds"], row["skill"]) for row in lines if not beaten(row)
    }


def test_a_docstring_in_blocks() -> None:
    text = """What it does (Author 2020).

A(x) = mean over k of  f(x + e_k),     e ~ N

    steps    a, b

A sentence.  Another one,
on two lines.

- one
  more
- two
"""
    assert after_summary(text) == [
        Block("verbatim", ["A(x) = mean over k of  f(x + e_k),     e ~ N", "", "steps    a, b"]),
        Block("paragraph", ["A sentence. Another one, on two lines."]),
        Block("list", ["one more", "two"]),
    ]
    assert blocks("") == []


@given(st.text(alphabet="ab \n-.*"))
def test_a_docstring_loses_no_word(text: str) -> None:
    told = " ".join(line for block in blocks(text) for line in block.lines)
    assert [word for word in told.split() if word.strip("-*")] == [w for w in text.split() if w.strip("-*")]


def test_stress_and_code_in_a_docstring() -> None:
    shown = pages().filters["docstring"]
    assert shown("*used* and **blind**: `a*b`, 2 * 3 * 4, <b>x</b>") == (
        "<em>used</em> and <em>blind</em>: <code>a*b</code>, 2 * 3 * 4, &lt;b&gt;x&lt;/b&gt;"
    )


def test_heat_runs_from_below_the_null_to_the_truth() -> None:
    assert [heat(skill) for skill in (None, -2.0, -0.12, 0.0, 0.26, 1.0, 1.4)] == [
        *("", "h-3", "h-1", "h0", "h3", "h10", "h10")
    ]


def test_nobody_may_be_the_best_who_does_no_more_than_blind() -> None:
    def row(method: str, rank_low: int | None, beats_blind: bool | None, skill: float | None) -> dict[str, Any]:
        return {"method": method, "rank_low": rank_low, "beats_blind": beats_blind, "skill": skill}

    table = [
        row("shown to see more", 1, True, 0.4),
        row("shown not to", 1, False, 0.5),
        row("one run, above", 1, None, 0.1),
        row("one run, at blind", 1, None, 0.0),
        row("beaten", 2, True, 0.3),
        row("unranked", None, None, None),
    ]
    assert [one["method"] for one in leaders(table)] == ["shown to see more", "one run, above"]


def test_a_dial_keeps_its_steps_and_the_order_of_the_ranking() -> None:
    lines = [{"method": "b", "skills": "x 0.50, y -0.10"}, {"method": "a", "skills": "x 0.90, y 0.80, z 0.10"}]
    dial = Dial.of("ratio", lines, ["a", "b"])
    assert dial.steps == ["x", "y", "z"]
    assert dial.values == {"a": [0.9, 0.8, 0.1], "b": [0.5, -0.1, None]}


def test_curves_escape_names_and_need_two_steps() -> None:
    axis = Axis(-0.2, 1.1)
    drawn = curves(["<x>", "y"], [Curve("<b>", [0.1, 0.9], named=True), Curve("c", [None, 0.5])], axis, "<i>")
    assert drawn is not None
    assert "<b>" not in drawn
    assert "<x>" not in drawn
    assert "<i>" not in drawn
    assert "&lt;b&gt;" in drawn
    assert curves(["x"], [Curve("a", [0.5])], axis, "one") is None


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("**Primary metric.** It asks", "<em>Primary metric.</em> It asks"),
        ("*Used*: the board", "<em>Used</em>: the board"),
        ("a * b * c", "a * b * c"),
        ("w *a* 2*b*c", "w <em>a</em> 2*b*c"),
    ],
)
def test_words_between_asterisks_are_stressed(written: str, shown: str) -> None:
    assert str(pages().from_string("{{ written | docstring }}").render(written=written)) == shown
