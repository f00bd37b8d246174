"""The three marks in closed form: chance, the best blind control, the truth, and the room between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmark.marks import CUT, ROOM, marks, null_of, room, skill, with_marks
from benchmark.statistics.rows import grid, ranked_rows
from tests.support.long_table import change, long_table

numbers = st.floats(-100, 100)


def marked(skill_of, methods=("a", "guess", "edges"), **options) -> pd.DataFrame:
    """A table on which `guess` and `edges` are controls; skills are those from the floor."""
    table = long_table(lambda method, _t, variant, seed: skill_of(method, variant, seed), methods=methods, **options)
    table["control"] = table["method"].isin(["guess", "edges"])
    table["reference"] |= table["control"]
    table["chance_skill"] = table["skill"]
    return with_marks(table)


def one(table: pd.DataFrame, method: str, variant: str = "v", seed: int = 0) -> pd.Series:
    found = table[(table.method == method) & (table.variant == variant) & (table.seed == seed) & (table.task == "t1")]
    return found.iloc[0]


def test_skill_starts_at_the_best_control_by_its_mean_over_seeds() -> None:
    by_method = {"a": 0.6, "guess": 0.2, "edges": -0.3}
    table = marked(lambda method, _v, seed: by_method[method] + (0.1 * (seed - 1) if method == "guess" else 0))
    assert one(table, "a").blind == pytest.approx(0.5 + 0.2 * 0.5), "the mean of guess, whose seeds differ"
    assert one(table, "a").skill == pytest.approx((0.6 - 0.2) / 0.8)
    assert one(table, "a").chance_skill == pytest.approx(0.6)
    guesses = [one(table, "guess", seed=seed).skill for seed in range(3)]
    assert np.mean(guesses) == pytest.approx(0, abs=1e-12)
    assert one(table, "oracle").skill == pytest.approx(1)
    assert one(table, "random").skill == pytest.approx(-0.2 / 0.8)
    assert marks(table).control.unique().tolist() == ["guess"]


def test_a_control_below_chance_is_no_mark_above_it() -> None:
    table = marked(lambda method, *_: {"a": 0.6, "guess": -0.1, "edges": -0.3}[method])
    assert one(table, "a").skill == pytest.approx(0.6)
    assert (marks(table).room == 1).all()


def test_without_controls_the_null_is_the_floor() -> None:
    table = marked(lambda *_: 0.4, methods=("a",))
    assert table.blind.isna().all()
    assert one(table, "a").skill == pytest.approx(0.4)


def test_a_control_that_fails_counts_at_the_floor() -> None:
    table = marked(lambda method, *_: {"a": 0.6, "guess": 0.3, "edges": 0.2}[method])
    lost = change(table, (table.method == "guess") & (table.seed > 0), status="failed", value=np.nan)
    again = with_marks(lost)
    assert one(again, "a").blind == pytest.approx(0.5 + 0.2 * 0.5), "edges; guess has a third of .3"
    declined = with_marks(change(table, table.method == "guess", status="unsupported", value=np.nan))
    assert one(declined, "a").blind == pytest.approx(0.5 + 0.2 * 0.5)


@pytest.mark.parametrize("status", ["failed", "timeout"])
def test_a_failure_is_worth_what_a_random_explanation_is(status: str) -> None:
    table = marked(lambda method, *_: {"a": 0.6, "guess": 0.2, "edges": 0.0}[method])
    lost = with_marks(change(table, (table.method == "a") & (table.seed == 0), status=status, value=np.nan))
    assert one(lost, "a").skill == one(lost, "random").skill == pytest.approx(-0.25)
    rows = ranked_rows(lost)
    assert one(rows, "a").skill == pytest.approx(-0.25)
    assert bool(one(rows, "a").failed)


def test_a_variant_without_room_above_blind_ranks_nobody_and_says_why() -> None:
    table = marked(
        lambda method, variant, _s: {"guess": 0.85 if variant == "v" else 0.2, "edges": 0.0}.get(method, 0.5)
    )
    assert not table[table.variant == "v"].ranked.any()
    assert table[table.variant == "w"].ranked.all()
    found = marks(table, {("family", "t1", "w")}).set_index(["task", "variant"])
    assert found.loc[("t1", "v"), "reason"] == "guess is blind and leaves 15% of the way from chance to the truth"
    assert found.loc[("t1", "w"), "reason"] == "declared a diagnosis"
    assert found.loc[("t2", "w"), "reason"] == ""
    assert found.loc[("t2", "w"), "room"] == pytest.approx(0.8)


def test_where_blind_reaches_the_truth_there_is_nothing_to_measure() -> None:
    table = marked(lambda method, *_: {"a": 0.9, "guess": 1.0, "edges": 0.0}[method])
    assert table.skill.isna().all()
    assert not table.ranked.any()
    assert (marks(table).room == 0).all()


def test_metrics_without_better_or_worse_have_no_skill() -> None:
    table = marked(lambda *_: 0.4)
    described = with_marks(table.assign(chance_skill=np.nan))
    assert described.skill.isna().all()


def test_averages_cut_skill_off_but_the_table_does_not() -> None:
    table = marked(lambda method, *_: {"a": -7.0, "guess": 0.0, "edges": 0.0}[method])
    assert one(table, "a").skill == pytest.approx(-7)
    assert one(ranked_rows(table), "a").skill == CUT


def test_the_luck_of_a_random_explanation_has_the_scale_of_its_skill() -> None:
    table = marked(lambda method, *_: {"a": 0.6, "guess": 0.5, "edges": 0.0}[method])
    board = grid(ranked_rows(table))
    at = board.methods.index("a")
    np.testing.assert_allclose(board.luck[at], 0.01 / 0.25)
    np.testing.assert_allclose(board.from_chance.luck[at], 0.01 / 0.5)
    np.testing.assert_allclose(board.from_chance.skill[at], 0.6)


@given(value=numbers, floor=numbers, blind=numbers, ceiling=numbers, shift=numbers, scale=st.sampled_from([-7.0, 0.5]))
def test_marks_do_not_depend_on_unit_or_direction(
    value: float, floor: float, blind: float, ceiling: float, shift: float, scale: float
) -> None:
    assume(abs(ceiling - floor) > 0.01)
    assume(abs(ceiling - blind) > 0.01)
    assume(abs(floor - blind) > 0.01)

    def measured(change: float, offset: float) -> tuple[float, float]:
        low, dark, high = (change * each + offset for each in (floor, blind, ceiling))
        return float(skill(change * value + offset, null_of(low, dark, high), high)), float(room(low, dark, high))

    np.testing.assert_allclose(measured(1.0, 0.0), measured(scale, shift), rtol=1e-6, atol=1e-6)


@given(floor=numbers, blind=numbers, ceiling=numbers)
def test_room_is_what_blind_leaves(floor: float, blind: float, ceiling: float) -> None:
    assume(abs(ceiling - floor) > 0.01)
    share = float(room(floor, blind, ceiling))
    assert 0 <= share <= 1
    assert float(room(floor, np.nan, ceiling)) == 1
    null = float(null_of(floor, blind, ceiling))
    if share > 1e-6:
        assert (ceiling - null) / (ceiling - floor) == pytest.approx(share, abs=1e-6)
        assert null in (floor, blind)
    assert 0 < ROOM < 1


def rivals(skill_of, **options) -> pd.DataFrame:
    """Two variants, `low` and `high`, that are rivals."""
    table = marked(skill_of, variants=("low", "high"), **options)
    return with_marks(table.assign(rival=table["variant"].map({"low": "high", "high": "low"})))


def test_a_control_that_favours_one_rival_gains_nothing_by_it() -> None:
    table = rivals(
        lambda method, variant, _s: {"guess": 0.7 if variant == "low" else -0.6, "edges": 0.0}.get(method, 0.4)
    )
    assert one(table, "a", "low").blind == pytest.approx(0.5 + 0.5 * 0.05), "the mean of .7 and -.6, on both"
    assert one(table, "a", "high").blind == pytest.approx(0.5 + 0.5 * 0.05)
    assert np.mean([one(table, "guess", variant).skill for variant in ("low", "high")]) == pytest.approx(0)
    assert one(table, "a", "low").skill == pytest.approx((0.4 - 0.05) / 0.95)
    found = marks(table)
    assert found.rival.tolist() == ["low" if v == "high" else "high" for v in found.variant]
    assert found.ranked.all()


def test_a_control_without_an_answer_on_one_rival_sets_no_mark() -> None:
    table = rivals(lambda method, *_: {"guess": 0.7, "edges": -0.1}.get(method, 0.4))
    declined = change(table, (table.method == "guess") & (table.variant == "high"), status="unsupported", value=np.nan)
    assert set(marks(with_marks(declined)).control) == {"edges"}


def test_where_one_rival_is_not_ranked_on_a_seed_neither_is() -> None:
    table = rivals(lambda method, *_: {"guess": 0.0, "edges": 0.0}.get(method, 0.4))
    lost = with_marks(change(table, (table.variant == "low") & (table.seed == 1), ranked=False))
    unranked = lost[~lost.ranked]
    assert set(zip(unranked.variant, unranked.seed, strict=True)) == {("low", 1), ("high", 1)}
