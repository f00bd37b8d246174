"""Whether a metric without a truth orders methods as the truth does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from benchmark.statistics.agreement import COLUMNS, FEWEST, agreement, kendall
from tests.support.kept_board import scores

METHODS = [f"m{number}" for number in range(6)]
DIRECTIONS = {("f", "insertion"): "higher", ("f", "deletion"): "lower", ("g", "insertion"): "higher"}


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=9))
def test_tau_is_scipys(pairs: list[tuple[int, int]]) -> None:
    one, other = (np.array(values, dtype=float) for values in zip(*pairs, strict=True))
    assert kendall(one, other) == pytest.approx(float(kendalltau(one, other).statistic), abs=1e-12, nan_ok=True)


def board(seeds: int = 4, tasks: tuple[str, ...] = ("t", "u")) -> pd.DataFrame:
    """Six methods whose truth is their number; `insertion` orders them so on `t`, and the wrong way round on `u`."""
    template = scores(tasks=tasks, quality={name: at / 6 for at, name in enumerate(METHODS)} | {"dark": 0.0})
    true = template[template["primary"] & template["method"].isin(METHODS) & template["seed"].lt(seeds)]
    place = true["method"].str[1:].astype(float)
    true = true.assign(value=0.5 + place / 12, ranked=true["variant"].eq("v"))
    turned = np.where(true["task"] == "t", 1.0, -1.0)
    insertion = true.assign(metric="insertion", primary=False, value=place * turned)
    return pd.concat([true, insertion, insertion.assign(metric="deletion")], ignore_index=True)


def test_tau_is_a_mean_over_tasks_with_the_direction_of_the_metric() -> None:
    table = agreement(board(), DIRECTIONS)
    assert list(table.columns) == list(COLUMNS)
    found = {(row.metric, row.task): (row.tau, row.methods, row.tasks, row.seeds) for row in table.itertuples()}
    assert found == {
        ("insertion", ""): (0.0, 6, 2, 4),
        ("insertion", "t"): (1.0, 6, 1, 4),
        ("insertion", "u"): (-1.0, 6, 1, 4),
        ("deletion", ""): (0.0, 6, 2, 4),
        ("deletion", "t"): (-1.0, 6, 1, 4),
        ("deletion", "u"): (1.0, 6, 1, 4),
    }
    assert set(table.family) == {"f"}


def test_what_is_not_ranked_not_scored_or_a_reference_does_not_count() -> None:
    rows = board(tasks=("t",))
    spoiled = rows["metric"].eq("insertion") & rows["variant"].eq("w")
    rows.loc[spoiled, "value"] *= -1  # a variant that is not ranked
    oracle = rows[rows["method"].eq("m0")].assign(method="oracle", reference=True, value=-9.0)
    table = agreement(pd.concat([rows, oracle], ignore_index=True), DIRECTIONS)
    assert table[(table.metric == "insertion") & (table.task == "t")].tau.tolist() == [1.0]
    control = oracle.assign(method="blind", control=True)
    low = agreement(pd.concat([rows, control], ignore_index=True), DIRECTIONS)
    assert low[(low.metric == "insertion") & (low.task == "t")].tau.tolist() == [1.0]  # last by both
    assert low.methods.tolist() == [7] * 4
    lost = rows["method"].isin(METHODS[: 7 - FEWEST]) & rows["metric"].eq("insertion")
    rows.loc[lost, "status"] = "failed"
    assert set(agreement(rows, DIRECTIONS).metric) == {"deletion"}


def test_a_task_that_ranks_nobody_counts_without_its_twins() -> None:
    rows = board(tasks=("t",)).assign(ranked=False, certified=True, twin="")
    wrong = rows["variant"].eq("w") & rows["metric"].eq("insertion")
    rows.loc[wrong, "value"] *= -1
    both = agreement(rows, DIRECTIONS)
    assert both[both.metric == "insertion"].tau.tolist() == [0.0, 0.0]
    rows["twin"] = np.where(rows["variant"] == "v", "w", "")
    trained = agreement(rows, DIRECTIONS)
    assert trained[trained.metric == "insertion"].tau.tolist() == [1.0, 1.0]
    assert agreement(rows.assign(certified=False), DIRECTIONS).empty


def test_a_primary_metric_in_which_less_is_better_is_turned() -> None:
    rows = board(tasks=("t",))
    own = rows["primary"]
    rows.loc[own, "value"] = 1 - rows.loc[own, "value"]
    rows = rows.assign(floor=np.where(own, 0.5, rows["floor"]), ceiling=np.where(own, 0.0, rows["ceiling"]))
    table = agreement(rows, DIRECTIONS)
    assert table[table.metric == "insertion"].tau.tolist() == [1.0, 1.0]


def test_a_metric_that_cannot_tell_any_two_methods_has_no_tau() -> None:
    rows = board(tasks=("t",))
    rows.loc[rows["metric"].eq("insertion"), "value"] = 3.0
    assert set(agreement(rows, DIRECTIONS).metric) == {"deletion"}


def test_one_seed_has_no_interval_and_nothing_asked_gives_no_row() -> None:
    assert agreement(board(seeds=1), DIRECTIONS).ci_low.isna().all()
    assert agreement(board(seeds=4), DIRECTIONS).ci_low.notna().all()
    assert agreement(board(), {}).empty
