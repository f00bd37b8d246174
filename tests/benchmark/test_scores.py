"""From values to rows: skill in closed form, failures at the floor."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmark.scores import COLUMNS, Metric, Scale, for_draw, measure, rows_of, scale_of
from benchmark.stages.score import to_table

NUMBERS = st.floats(-100, 100).map(lambda x: round(x, 3))
SCALES = st.sampled_from([-8.0, -0.5, 0.25, 1.0, 64.0])
IDENTITY = {
    "family": "f",
    "task": "t",
    "variant": "v",
    "seed": 0,
    "method": "m",
    "ranked": True,
    "reference": False,
    "subject": "s",
}


def scale(floor: float, ceiling: float) -> Scale:
    return Scale({"x": floor, "x@sub": floor}, {"x": 0.0, "x@sub": 0.0}, {"x": ceiling, "x@sub": ceiling})


@given(NUMBERS, NUMBERS, NUMBERS)
def test_skill_is_zero_at_the_floor_and_one_at_the_ceiling(value: float, floor: float, ceiling: float) -> None:
    assume(abs(ceiling - floor) > 0.01)
    own = scale(floor, ceiling)
    assert own.skill("x", floor) == 0
    assert own.skill("x", ceiling) == 1
    assert own.skill("x", value) == pytest.approx((value - floor) / (ceiling - floor))


@given(NUMBERS, NUMBERS, NUMBERS, SCALES, NUMBERS)
def test_skill_does_not_depend_on_a_metrics_unit_or_sign(
    value: float, floor: float, ceiling: float, factor: float, shift: float
) -> None:
    assume(abs(ceiling - floor) > 0.01)
    changed = scale(floor * factor + shift, ceiling * factor + shift)
    assert changed.skill("x", value * factor + shift) == pytest.approx(
        scale(floor, ceiling).skill("x", value), abs=1e-6
    )


@given(NUMBERS, NUMBERS)
def test_there_is_no_skill_where_chance_reaches_the_ceiling(value: float, floor: float) -> None:
    assert math.isnan(scale(floor, floor).skill("x", value))


def test_descriptions_and_unknown_metrics_have_no_skill() -> None:
    described = Scale({"x": 0.0}, {"x": 0.0}, {"x": 1.0}, frozenset({"x"}))
    assert math.isnan(described.skill("x", 0.5))
    assert math.isnan(described.skill("x@sub", 0.5))
    assert math.isnan(scale(0, 1).skill("y", 0.5))


@given(st.lists(NUMBERS, min_size=1, max_size=20), NUMBERS)
def test_the_floor_is_the_mean_of_the_draws(draws: list[float], ceiling: float) -> None:
    own = scale_of([{"x": value} for value in draws], {"x": ceiling}, frozenset())
    assert own.floor["x"] == pytest.approx(sum(draws) / len(draws), abs=1e-9)
    assert own.ceiling == {"x": ceiling}
    if len(draws) == 1:
        assert math.isnan(own.floor_sd["x"])
    else:
        mean = sum(draws) / len(draws)
        variance = sum((value - mean) ** 2 for value in draws) / (len(draws) - 1)
        assert own.floor_sd["x"] == pytest.approx(math.sqrt(variance), abs=1e-6)


def test_sub_scores_are_named_after_their_metric() -> None:
    two = Metric("two", lambda posed, explanation, truth: {"": explanation, "left": truth, "right": posed})
    metrics = [Metric("one", lambda: 1), two]
    assert measure(metrics, 2, 3, 4) == {"one": 1.0, "two": 2.0, "two@left": 3.0, "two@right": 4.0}


def test_the_rows_of_a_success() -> None:
    record = {"status": "ok", "seconds": 1.5, "model_calls": 7, "peak_memory_mb": 3.0}
    one, two = rows_of(IDENTITY, {"x": 0.5, "x@sub": 1.0}, scale(0, 2), "x", record)
    assert (one["skill"], two["skill"]) == (0.25, 0.5)
    assert (one["primary"], two["primary"]) == (True, False)
    assert (one["seconds"], one["model_calls"], one["peak_memory_mb"]) == (1.5, 7.0, 3.0)
    assert one["reason"] == ""


@pytest.mark.parametrize(("status", "skill"), [("failed", 0.0), ("timeout", 0.0), ("unsupported", math.nan)])
def test_the_rows_of_a_failure_stand_at_the_floor_and_those_of_a_refusal_nowhere(status: str, skill: float) -> None:
    described = Scale({"x": 0.1, "d": 0}, {"x": 0.0, "d": 0}, {"x": 0.9, "d": 1}, frozenset({"d"}))
    rows = rows_of(IDENTITY, {}, described, "x", {"status": status, "reason": "why", "seconds": None})
    assert [row["metric"] for row in rows] == ["x", "d"]
    assert all(math.isnan(row["value"]) and row["reason"] == "why" and row["status"] == status for row in rows)
    assert rows[0]["skill"] == pytest.approx(skill, nan_ok=True)
    assert math.isnan(rows[1]["skill"])
    assert math.isnan(rows[0]["seconds"])


@given(st.randoms(use_true_random=False))
def test_the_table_does_not_depend_on_the_order_of_the_rows(random: object) -> None:
    rows = [
        row
        for seed in range(2)
        for method in "ab"
        for row in rows_of(
            IDENTITY | {"seed": seed, "method": method},
            {"x": seed / 2, "x@sub": 1.0},
            scale(0, 2),
            "x",
            {"status": "ok"},
        )
    ]
    table = to_table(rows)
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert to_table(rows).equals(table)
    assert tuple(table.columns) == COLUMNS


def test_an_empty_table_has_the_columns() -> None:
    assert tuple(to_table([]).columns) == COLUMNS


def test_an_expensive_metric_gets_as_many_draws_as_it_asks_for() -> None:
    metrics = [Metric("cheap", len), Metric("dear", len, draws=2)]
    assert [[metric.name for metric in for_draw(metrics, number)] for number in range(3)] == [
        ["cheap", "dear"],
        ["cheap", "dear"],
        ["cheap"],
    ]
    scale = scale_of([{"cheap": 1.0, "dear": 4.0}, {"cheap": 3.0, "dear": 6.0}, {"cheap": 5.0}], {}, frozenset())
    assert scale.floor == {"cheap": 3.0, "dear": 5.0}
