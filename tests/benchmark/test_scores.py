"""From values to rows: skill in closed form, failures at the floor."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError, Unsupported
from benchmark.scores import COLUMNS, Labelled, Metric, Scale, averaged, flat, measured, measured_together, rows_of
from benchmark.table import to_table

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


def ok(**values: float) -> dict[str, Any]:
    """An outcome of a metric: its own value is called `own`."""
    return {"status": "ok", "reason": "", "values": {"" if n == "own" else n: v for n, v in values.items()}}


@given(st.lists(NUMBERS, min_size=1, max_size=20), NUMBERS)
def test_the_floor_is_the_mean_of_the_draws(draws: list[float], ceiling: float) -> None:
    drawn = averaged([ok(own=value, sub=2 * value) for value in draws])
    found = Scale.of({"x": drawn}, {"x": ok(own=ceiling)}, frozenset())
    assert found.floor["x"] == pytest.approx(sum(draws) / len(draws), abs=1e-9)
    assert found.floor["x@sub"] == pytest.approx(2 * found.floor["x"], abs=1e-9)
    assert found.ceiling == {"x": ceiling}
    if len(draws) == 1:
        assert math.isnan(found.floor_sd["x"])
    else:
        mean = sum(draws) / len(draws)
        variance = sum((value - mean) ** 2 for value in draws) / (len(draws) - 1)
        assert found.floor_sd["x"] == pytest.approx(math.sqrt(variance), abs=1e-6)


def test_one_draw_that_fails_is_the_floors_failure() -> None:
    bad = {"status": "failed", "reason": "no", "values": {}}
    assert averaged([ok(own=1), bad]) == bad
    assert averaged([])["status"] == "unsupported"


def answering(answer: Any) -> Metric:
    """A metric that returns or raises `answer`."""

    def function(explanation: Any) -> Any:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return Metric("m", function)


ANSWERS = {
    "a number": (3, "ok", ""),
    "sub-scores": ({"": 1, "left": 2}, "ok", ""),
    "nothing": (None, "unsupported", "returned nothing"),
    "no sub-scores": ({}, "unsupported", "returned nothing"),
    "a refusal": (Unsupported("a tree"), "unsupported", "a tree"),
    "a plain error": (TouchstoneError("no way"), "failed", "no way"),
    "any error": (KeyError("lost"), "failed", "KeyError: 'lost'"),
    "no number": ({"": "seven"}, "failed", "ValueError"),
    "memory": (MemoryError(), "failed", "MemoryError"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_whatever_a_metric_answers_is_an_outcome_of_its_own(case: str) -> None:
    answer, status, reason = ANSWERS[case]
    labelled = [Labelled("m", "v", seed, None, None, None) for seed in range(2)]
    together = Metric("m", lambda explanations: answering(answer).function(explanations))
    for outcome in [measured(answering(answer), None, None, None), *measured_together(together, "seeds", labelled)]:
        assert outcome["status"] == status
        assert reason in outcome["reason"]
        assert bool(outcome["values"]) == (status == "ok")


def test_values_for_a_group_are_one_each_or_one_for_all() -> None:
    labelled = [Labelled("m", "v", seed, None, None, None) for seed in range(3)]
    each = measured_together(Metric("m", lambda explanations: [e.seed for e in explanations]), "seeds", labelled)
    assert [outcome["values"] for outcome in each] == [{"": 0.0}, {"": 1.0}, {"": 2.0}]
    few = measured_together(Metric("m", lambda: [1, 2]), "seeds", labelled)
    assert {outcome["reason"] for outcome in few} == {"got 2 values, expected one for each of 3 explanations"}


def test_a_metric_gets_the_arguments_that_it_names() -> None:
    assert measured(Metric("m", lambda truth, question: truth + question), 1, 20, 300)["values"] == {"": 320.0}


def test_a_metric_without_the_truth_that_it_needs_is_not_asked() -> None:
    metric = Metric("m", lambda: 1 / 0, needs=("directions", "zero_set"))
    truth = type("Truth", (), {"directions": 3, "zero_set": None})()
    assert measured(metric, None, truth, None)["reason"] == "this task's truth has no zero_set"


def test_a_group_is_measured_without_those_whose_truth_lacks_what_is_needed() -> None:
    truths = {"a": SimpleNamespace(part=0.5), "b": SimpleNamespace(), "c": SimpleNamespace(part=0.5)}
    group = [Labelled("m", variant, 0, None, truth, None) for variant, truth in truths.items()]
    metric = Metric("k", lambda explanations: [ord(one.variant) for one in explanations], needs=("part",))
    found = measured_together(metric, "variants", group)
    assert [one["status"] for one in found] == ["ok", "unsupported", "ok"]
    assert [one["values"] for one in found] == [{"": ord("a")}, {}, {"": ord("c")}]
    assert found[1]["reason"] == "this task's truth has no part"
    assert [one["status"] for one in measured_together(metric, "variants", group[1:2])] == ["unsupported"]


def test_sub_scores_are_named_after_their_metric() -> None:
    outcomes = {"one": ok(own=1.0), "two": ok(own=2.0, left=3.0)}
    assert flat(outcomes) == {"one": 1.0, "two": 2.0, "two@left": 3.0}


def test_the_rows_of_a_success() -> None:
    record = {"status": "ok", "seconds": 1.5, "model_calls": 7, "peak_memory_mb": 3.0}
    one, two = rows_of(IDENTITY, {"x": ok(own=0.5, sub=1.0)}, scale(0, 2), "x", record)
    assert (one["chance_skill"], two["chance_skill"]) == (0.25, 0.5)
    assert (one["primary"], two["primary"]) == (True, False)
    assert (one["seconds"], one["model_calls"], one["peak_memory_mb"]) == (1.5, 7.0, 3.0)
    assert one["reason"] == ""


@pytest.mark.parametrize(("status", "skill"), [("failed", 0.0), ("timeout", 0.0), ("unsupported", math.nan)])
def test_the_rows_of_a_failure_stand_at_the_floor_and_those_of_a_refusal_nowhere(status: str, skill: float) -> None:
    described = Scale({"x": 0.1, "d": 0}, {"x": 0.0, "d": 0}, {"x": 0.9, "d": 1}, frozenset({"d"}))
    rows = rows_of(IDENTITY, {}, described, "x", {"status": status, "reason": "why", "seconds": None})
    assert [row["metric"] for row in rows] == ["x", "d"]
    assert all(math.isnan(row["value"]) and row["reason"] == "why" and row["status"] == status for row in rows)
    assert rows[0]["chance_skill"] == pytest.approx(skill, nan_ok=True)
    assert math.isnan(rows[1]["chance_skill"])
    assert math.isnan(rows[0]["seconds"])


@given(st.randoms(use_true_random=False))
def test_the_table_does_not_depend_on_the_order_of_the_rows(random: object) -> None:
    rows = [
        row
        for seed in range(2)
        for method in "ab"
        for row in rows_of(
            IDENTITY | {"seed": seed, "method": method},
            {"x": ok(own=seed / 2, sub=1.0)},
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


def test_a_metric_that_failed_is_a_row_beside_the_others() -> None:
    lost = {"status": "failed", "reason": "no", "values": {}}
    own = Scale({"x": 0.0, "y": 0.0}, {}, {"x": 1.0, "y": 1.0})
    one, two = rows_of(IDENTITY, {"x": ok(own=0.5), "y": lost}, own, "x", {"status": "ok"})
    assert (one["metric"], one["status"], one["chance_skill"]) == ("x", "ok", 0.5)
    assert (two["metric"], two["status"], two["reason"], two["chance_skill"]) == ("y", "failed", "no", 0.0)
    assert math.isnan(two["value"])


def test_repetitions_are_averaged_over_those_that_have_a_value() -> None:
    record = {"status": "ok", "seconds": 2.0}
    answers = [ok(own=1.0), ok(own=2.0), {"status": "failed", "reason": "no", "values": {}}]
    rows = [row for answer in answers for row in rows_of(IDENTITY, {"x": answer}, scale(0, 2), "x", record)]
    (row,) = to_table(rows).to_dict("records")
    assert (row["value"], row["chance_skill"], row["status"], row["seconds"]) == (1.5, 0.75, "ok", 2.0)
    (row,) = to_table(rows[2:] * 2).to_dict("records")
    assert (row["status"], row["reason"], row["chance_skill"]) == ("failed", "no", 0.0)
