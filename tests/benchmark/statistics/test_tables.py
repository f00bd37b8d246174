"""The tables: columns, order, and that nobody gains by failing or declining."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.marks import with_marks
from benchmark.statistics.signs import support
from benchmark.tables import COLUMNS, EXTRAS, board_notes, leaderboard, metric_rows, per_task, per_variant, resolution
from tests.support.long_table import change, long_table, noisy

CONTRACT = (
    "family, method, skill, ci_low, ci_high, rank_low, rank_high, beats_blind, beats_random, p_value, "
    "tasks, seeds, failures, seconds"
)
QUALITY = {"a": 0.9, "b": 0.6, "c": 0.3, "d": 0.0}


def line(board: pd.DataFrame, method: str) -> pd.Series:
    return board[board["method"] == method].iloc[0]


def test_columns_and_order() -> None:
    board = leaderboard(noisy(QUALITY))
    assert ", ".join(board.columns[: len(COLUMNS)]) == CONTRACT
    assert tuple(board.columns) == (*COLUMNS, *EXTRAS)
    assert board["method"].tolist() == ["a", "b", "c", "d", "oracle", "random"]
    assert board["rank_low"].tolist()[:4] == board["rank_high"].tolist()[:4] == [1, 2, 3, 4]
    assert board["rank_low"].isna().tolist() == [False] * 4 + [True] * 2
    assert board["beats_random"].tolist() == [True, True, True, False, True, False]
    a = line(board, "a")
    assert (a["tasks"], a["seeds"], a["failures"], a["unsupported"], a["seconds"]) == (3, 3, 0, 0, 2.0)
    assert a["ci_low"] < 0.9 < a["ci_high"]
    assert a["peak_memory_mb"] == 102.0


def test_the_task_board_has_a_column_more() -> None:
    board = per_task(noisy(QUALITY))
    assert list(board.columns[:3]) == ["family", "task", "method"]
    assert [name for name in board.columns if name != "task"] == [*COLUMNS, *EXTRAS]
    assert len(board) == 3 * 6
    assert (board["tasks"] == 1).all()


def test_families_are_apart_even_where_names_repeat() -> None:
    one, two = noisy(QUALITY, seed=1), noisy({"a": 0.1, "z": 0.8}, seed=2, family="other")
    both = leaderboard(pd.concat([two, one]))
    pd.testing.assert_frame_equal(both[both["family"] == "family"].reset_index(drop=True), leaderboard(one))
    assert both[both["family"] == "other"]["method"].tolist() == ["z", "a", "oracle", "random"]
    assert len(per_task(pd.concat([two, one]))) == 3 * 6 + 3 * 4


def _uneven() -> pd.DataFrame:
    table = noisy({"a": 0.5, "b": 0.5, "c": 0.5, "d": 0.48}, noise=0.1)
    lot = np.random.default_rng(3).random(len(table))
    table = change(table, pd.Series(lot < 0.1) & ~table["reference"], status="failed", value=np.nan, reason="boom")
    return change(table, pd.Series(lot > 0.9) & ~table["reference"], status="unsupported", value=np.nan, reason="no")


UNEVEN = _uneven()


def _all_tables(table: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
    return leaderboard(table), per_task(table), per_variant(table), resolution(table), metric_rows(table)


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    shuffled = _all_tables(UNEVEN.sample(frac=1, random_state=seed))
    for table, expected in zip(shuffled, _all_tables(UNEVEN), strict=True):
        pd.testing.assert_frame_equal(table, expected, check_exact=True)


@settings(max_examples=8, deadline=None)
@given(shift=st.floats(-5, 5), scale=st.sampled_from([-3.0, 0.1, 20.0]))
def test_the_unit_of_a_metric_changes_nothing(shift: float, scale: float) -> None:
    table = noisy(QUALITY, noise=0.1)
    moved = table.assign(**{name: scale * table[name] + shift for name in ("value", "floor", "ceiling")})
    moved["floor_sd"] = abs(scale) * table["floor_sd"]
    pd.testing.assert_frame_equal(leaderboard(moved), leaderboard(table), rtol=1e-6)


@pytest.mark.parametrize("status", ["failed", "timeout"])
def test_failing_lowers(status: str) -> None:
    table = noisy(QUALITY)
    fails = (table["method"] == "a") & (table["task"] == "t2")
    before = line(leaderboard(table), "a")
    after = line(leaderboard(change(table, fails, status=status, value=np.nan, reason="boom")), "a")
    assert after["skill"] == pytest.approx(before["skill"] * 2 / 3, abs=0.02)
    assert after["advantage"] < before["advantage"]
    assert after["rank_low"] >= before["rank_low"]
    assert (after["failures"], after["tasks"]) == (6, 3)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), method=st.sampled_from(["a", "b", "c", "d"]))
def test_a_task_that_is_declined_changes_neither_skill_nor_differences(seed: int, method: str) -> None:
    quality = {"a": 0.6, "b": 0.55, "c": 0.5, "d": 0.45}
    table = noisy(quality, noise=0.05, seed=seed)
    more = noisy(quality, noise=0.05, seed=seed + 1, tasks=("t4",))
    more = change(more, more["method"] == method, status="unsupported", value=np.nan)
    before, after = line(leaderboard(table), method), line(leaderboard(pd.concat([table, more])), method)
    for column in ("skill", "ci_low", "ci_high", "advantage", "tasks"):
        assert after[column] == pytest.approx(before[column])
    assert after["unsupported"] == 6


def test_declining_the_hard_tasks_does_not_help() -> None:
    hard = {"t1": 0.0, "t2": 0.0, "t3": 0.75}
    draws = np.random.default_rng(0)
    merit = {"a": 0.3, "b": 0.2, "c": 0.1}
    table = long_table(lambda m, task, *_: merit[m] + 0.5 - hard[task] + 0.01 * draws.standard_normal())
    honest = leaderboard(table)
    declined = (table["method"] == "c") & (table["task"] == "t3")
    board = leaderboard(change(table, declined, status="unsupported", value=np.nan))
    assert line(board, "c")["skill"] > line(board, "a")["skill"]  # its mean is of the easy tasks
    assert board["method"].tolist() == honest["method"].tolist()  # its place is not
    assert line(board, "c")["rank_low"] == line(honest, "c")["rank_low"] == 3


def test_specialists_are_listed_apart() -> None:
    table = noisy(QUALITY, seeds=range(8))
    table = change(table, (table["method"] == "a") & (table["task"] != "t1"), status="unsupported", value=np.nan)
    board = leaderboard(table)
    assert board["method"].tolist() == ["b", "c", "d", "a", "oracle", "random"]
    assert board["specialist"].tolist() == [False, False, False, True, False, False]
    a = line(board, "a")
    assert pd.isna(a["rank_low"])
    assert line(board, "b")["rank_low"] == 1
    assert a["beats_random"]
    assert (a["tasks"], a["unsupported"]) == (1, 32)
    tasks = per_task(table)
    assert line(tasks[tasks["task"] == "t1"], "a")["rank_high"] <= 4
    assert pd.isna(line(tasks[tasks["task"] == "t2"], "a")["skill"])


def test_half_of_the_tasks_is_enough_and_nothing_at_all_is_shown() -> None:
    table = noisy(QUALITY, tasks=("t1", "t2"))
    half = change(table, (table["method"] == "a") & (table["task"] == "t2"), status="unsupported", value=np.nan)
    assert line(leaderboard(half), "a")["rank_low"] == 1
    none = leaderboard(change(table, table["method"] == "a", status="unsupported", value=np.nan))
    assert line(none, "a")["tasks"] == 0
    assert none["method"].tolist()[:4] == ["b", "c", "d", "a"]


def test_with_one_seed_all_are_tied() -> None:
    board = leaderboard(noisy(QUALITY, seeds=(0,)))
    own = board[~board["reference"]]
    assert own["ci_low"].isna().all()
    assert own["p_value"].isna().all()
    assert not own["beats_random"].any()
    assert own["rank_low"].tolist() == [1] * 4
    assert own["rank_high"].tolist() == [4] * 4
    assert own["group"].tolist() == [1] * 4
    assert own["method"].tolist() == ["a", "b", "c", "d"]
    assert np.isnan(resolution(noisy(QUALITY, seeds=(0,)))["resolution"]).all()


def test_many_methods_raise_the_bar() -> None:
    table = noisy({"a": 0.03}, noise=0.03, seeds=(0, 1, 2))
    crowd = noisy({"a": 0.03, **{f"z{at}": -0.5 for at in range(20)}}, noise=0.03, seeds=(0, 1, 2))
    crowd = pd.concat([table[table["method"] == "a"], crowd[crowd["method"] != "a"]])
    assert line(leaderboard(crowd), "a")["p_value"] == pytest.approx(21 * line(leaderboard(table), "a")["p_value"])


def test_resolution_shrinks_with_seeds_and_grows_with_pairs() -> None:
    few = resolution(noisy(QUALITY, noise=0.1, seeds=range(3))).iloc[0]
    many = resolution(noisy(QUALITY, noise=0.1, seeds=range(12))).iloc[0]
    assert many["resolution"] < few["resolution"] < few["resolution_all"]
    assert (few["pairs"], few["tasks"], few["seeds"]) == (6, 3, 3)


def _twinned(trained: dict[str, float], untrained: dict[str, float], seeds: range = range(5)) -> pd.DataFrame:
    parts = [noisy(trained, variants=("v",), seeds=seeds), noisy(untrained, variants=("u",), seeds=seeds, seed=1)]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(twin=table["variant"].map({"u": "", "v": "u"}), ranked=table["variant"] == "v")


def test_a_method_that_ignores_the_training_beats_chance_but_not_random_weights() -> None:
    board = leaderboard(_twinned({"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.1}))
    a, b = line(board, "a"), line(board, "b")
    assert a["beats_random"]
    assert b["beats_random"]
    assert not a["beats_untrained"]
    assert b["beats_untrained"]
    assert a["above_untrained_low"] < 0 < a["above_untrained_high"]
    assert b["above_untrained_low"] < 0.4 < b["above_untrained_high"]
    assert b["above_untrained"] == pytest.approx(0.4, abs=0.03)
    assert line(board, "oracle")["above_untrained"] == 0
    assert pd.isna(line(board, "oracle")["beats_untrained"])


def test_what_was_never_asked_of_random_weights_is_missing() -> None:
    board = leaderboard(noisy(QUALITY))
    assert board["above_untrained"].isna().all()
    assert board["beats_untrained"].isna().all()
    lone = leaderboard(_twinned({"a": 0.5}, {"a": 0.1}, range(1)))
    assert line(lone, "a")["above_untrained"] == pytest.approx(0.4, abs=0.1)
    assert pd.isna(line(lone, "a")["beats_untrained"])


def test_uncertified_subjects_are_left_out() -> None:
    table = noisy(QUALITY)
    out = change(table, table["task"] == "t3", ranked=False, value=0.5)
    pd.testing.assert_frame_equal(leaderboard(out), leaderboard(table[table["task"] != "t3"]))
    assert leaderboard(table.assign(ranked=False)).empty
    assert list(leaderboard(table.iloc[:0]).columns) == [*COLUMNS, *EXTRAS]


def test_a_task_that_measures_nothing_is_a_row_without_numbers() -> None:
    table = noisy(QUALITY, tasks=("t1",)).assign(ceiling=0.5)
    board = leaderboard(table)
    assert len(board) == 6
    assert board["skill"].isna().all()


def test_metric_rows_by_hand() -> None:
    table = long_table(lambda m, _t, v, seed: {"a": 0.2, "b": 0.4, "c": 0.6}[m] + 0.1 * seed + 0.02 * (v == "w"))
    extra = table.assign(metric="another", primary=False, value=table["seed"] * 1.0)
    extra = change(extra, (extra["method"] == "a") & (extra["seed"] == 2), status="failed", value=np.nan)
    rows = metric_rows(pd.concat([extra, table])).set_index(["task", "variant", "method", "metric"])
    shown = rows.loc[("t1", "v", "c", "accuracy")]
    assert shown["mean"] == pytest.approx(0.5 + 0.5 * 0.7)
    assert shown["spread"] == pytest.approx(0.05)
    assert (shown["floor"], shown["ceiling"], shown["n"]) == (0.5, 1.0, 3)
    failed = rows.loc[("t1", "v", "a", "another")]
    assert (failed["mean"], failed["n"]) == (0.5, 2)


def test_board_notes_count_clusters_and_say_what_is_told_apart() -> None:
    notes = board_notes(noisy(QUALITY))
    assert notes["family"]["clusters"] == 9
    assert notes["family"]["resolution"] == resolution(noisy(QUALITY))["resolution"].item()
    assert notes["family"]["resolved"] == "6 of 6 pairs of methods are told apart"


def test_a_board_says_when_its_seeds_support_nothing() -> None:
    table = noisy(QUALITY, tasks=("t1",))
    assert "3 independent runs support no p-value below 0.25" in str(board_notes(table)["family"]["resolved"])
    own = leaderboard(table).query("not reference")
    assert own["beats_random"].isna().all(), "not to be told is not to be no better"
    assert own["rank_high"].tolist() == [4] * 4
    assert np.isnan(resolution(table)["resolution"].item())
    assert "one seed" in str(board_notes(noisy(QUALITY, seeds=(0,)))["family"]["resolved"])


def test_two_tasks_of_one_subject_are_not_two_runs() -> None:
    table = noisy(QUALITY, tasks=("t1", "t2"))
    assert resolution(table.assign(subject=table["task"]))["draws"].item() == 6
    assert resolution(table.assign(subject="shared"))["draws"].item() == 3


def test_each_variant_has_a_board_of_its_own() -> None:
    table = noisy(QUALITY, tasks=("t1",), seeds=range(8))
    table = change(table, (table["method"] == "d") & (table["variant"] == "w"), value=1.0)
    board = per_variant(table)
    assert list(board.columns[:4]) == ["family", "task", "variant", "method"]
    v, w = board[board["variant"] == "v"], board[board["variant"] == "w"]
    assert v["method"].tolist()[:4] == ["a", "b", "c", "d"]
    assert w["method"].tolist()[:4] == ["d", "a", "b", "c"]
    assert line(v, "a")["rank_high"] == line(w, "d")["rank_high"] == 1
    assert board["wide_low"].isna().all()
    assert per_variant(table.assign(ranked=False)).empty


def test_the_wide_interval_is_over_tasks_or_over_the_variants_of_one() -> None:
    hard = {"t1": 0.0, "t2": 0.4, "t3": 0.1, "v": 0.0, "w": 0.3}
    noise = np.random.default_rng(0)
    table = long_table(lambda _m, task, variant, _s: 0.8 - hard[task] - hard[variant] + 0.01 * noise.normal())
    whole, task = line(leaderboard(table), "a"), line(per_task(table), "a")
    assert (whole["wide_over"], task["wide_over"]) == ("tasks", "variants")
    for row in (whole, task):
        assert row["wide_low"] < row["ci_low"] < row["skill"] < row["ci_high"] < row["wide_high"]


def test_a_task_of_one_seed_leaves_no_interval_no_p_value_and_no_rank() -> None:
    more = noisy(QUALITY, tasks=("t4",), seeds=(0,), noise=0.001)
    board = leaderboard(pd.concat([noisy(QUALITY, seeds=range(6)), more], ignore_index=True))
    assert board[["ci_low", "ci_high", "wide_low", "p_value"]].isna().all(axis=None)
    assert board[["beats_blind", "beats_random"]].isna().all(axis=None)
    own = board[~board["reference"]]
    assert own["rank_low"].tolist() == [1] * 4
    assert own["rank_high"].tolist() == [4] * 4


def _controlled(control: list[float], method: list[float]) -> pd.DataFrame:
    """One task of one variant with a control of these skills from the floor, and a method of these."""
    by_name = {"guess": control, "a": method}
    table = long_table(
        lambda name, _t, _v, seed: by_name[name][seed],
        methods=["a", "guess"],
        tasks=["t1"],
        variants=["v"],
        seeds=range(len(method)),
    )
    table["control"] = table["method"] == "guess"
    table["reference"] |= table["control"]
    return with_marks(table)


def test_blinds_own_spread_enters_the_test_against_it() -> None:
    luck = 0.2 * np.random.default_rng(0).normal(size=10)
    steady = np.full(10, 0.3) + 0.01 * np.random.default_rng(1).normal(size=10)
    apart = line(leaderboard(_controlled((0.2 + luck).tolist(), steady.tolist())), "a")
    together = line(leaderboard(_controlled((0.2 + luck).tolist(), (steady + luck).tolist())), "a")
    alone = line(leaderboard(_controlled([0.2] * 10, steady.tolist())), "a")
    assert not apart["beats_blind"], "the control has seeds on which it is as good"
    assert together["beats_blind"], "on every seed it is better than the control"
    assert alone["beats_blind"]
    assert apart["beats_random"]
    assert apart["ci_high"] - apart["ci_low"] > 5 * (alone["ci_high"] - alone["ci_low"])


def test_a_control_is_not_above_itself_and_the_truth_not_moved_by_it() -> None:
    board = leaderboard(_controlled([0.1, 0.3, 0.2, 0.4, 0.0, 0.2, 0.2, 0.3], [0.9] * 8))
    guess, oracle = line(board, "guess"), line(board, "oracle")
    assert guess["p_value"] == 1
    assert guess["skill"] == pytest.approx(0, abs=1e-9)
    assert guess["beats_random"]
    assert (oracle["ci_low"], oracle["ci_high"]) == (1, 1)


def test_references_are_tested_like_methods() -> None:
    board = leaderboard(noisy(QUALITY, tasks=("t1",), seeds=range(5)))
    assert line(board, "oracle")["p_value"] == line(board, "a")["p_value"] == support(5)
    assert pd.isna(line(board, "oracle")["beats_random"])
    assert leaderboard(noisy(QUALITY, seeds=(0,)))["p_value"].isna().all()


def test_agreement_of_all_seeds_is_no_certainty() -> None:
    board = leaderboard(long_table(lambda m, _t, _v, _s: {"a": 0.9, "b": 0.2, "c": 0.0}[m]))
    assert line(board, "a")["p_value"] > 1e-3
