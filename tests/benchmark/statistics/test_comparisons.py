"""Tests against chance, pairs and ranks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchmark.statistics.comparisons import chance, compare, holm, ranks
from benchmark.statistics.intervals import Nesting
from benchmark.statistics.rows import Grid, grid, ranked_rows
from tests.support.long_table import long_table, noisy


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, np.nan])), [0.03, 0.06, 0.06, np.nan])
    assert len(holm(np.array([]))) == 0
    assert np.isnan(holm(np.array([np.nan]))).all()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p: list[float]) -> None:
    np.testing.assert_allclose(holm(np.array(p)), multipletests(p, method="holm")[1])


def _grid(quality: dict[str, float], noise: float = 0.02) -> tuple[Grid, Nesting]:
    table = noisy(quality, noise=noise)
    found = grid(ranked_rows(table[~table["reference"]]))
    return found, Nesting.of(found.instances)


def test_chance_takes_the_larger_p() -> None:
    table = long_table(lambda _m, _t, _v, seed: 0.02 + 0.001 * seed)  # steady over seeds, but small against luck
    found = grid(ranked_rows(table[table["method"] == "a"].assign(floor_sd=0.05)))
    p = chance(found, Nesting.of(found.instances))
    # nine clusters with a luck of 0.05 / 0.5 each (fully shared by the two variants): 0.1 / 3
    np.testing.assert_allclose(p, stats.norm.sf(0.021 / (0.1 / 3)))
    spread = long_table(lambda _m, _t, _v, seed: (-0.5, 0.1, 1.0)[seed])  # well above luck, but not steady
    found = grid(ranked_rows(spread[spread["method"] == "a"].assign(floor_sd=0.001)))
    assert 0.05 < chance(found, Nesting.of(found.instances))[0] < 0.5


def test_without_the_spread_of_random_draws_nothing_beats_chance() -> None:
    table = long_table(lambda *_: 0.9).assign(floor_sd=np.nan)
    found = grid(ranked_rows(table))
    assert np.isnan(chance(found, Nesting.of(found.instances))).all()


def test_pairs_are_paired_t_tests() -> None:
    draws = np.random.default_rng(0).random((2, 5))
    table = long_table(
        lambda m, _t, _v, seed: draws["ab".index(m), seed],
        methods=("a", "b"),
        tasks=("t",),
        variants=("v",),
        seeds=range(5),
    )
    found = grid(ranked_rows(table[~table["reference"]]))
    pairs = compare(found, Nesting.of(found.instances))
    np.testing.assert_allclose(pairs.p[0, 1], stats.ttest_rel(draws[0], draws[1]).pvalue)
    np.testing.assert_allclose(pairs.difference[0, 1], (draws[0] - draws[1]).mean())
    np.testing.assert_allclose(pairs.difference, -pairs.difference.T)


def test_what_a_seed_does_to_both_cancels() -> None:
    luck = np.random.default_rng(0).normal(size=3)
    table = long_table(
        lambda m, _t, _v, seed: luck[seed] + (0.05 if m == "a" else 0.0) + 0.001 * (seed == 1) * (m == "b")
    )
    found = grid(ranked_rows(table[table["method"].isin(["a", "b"])]))
    assert compare(found, Nesting.of(found.instances)).better[0, 1]


def test_clear_differences_give_single_ranks() -> None:
    found, nesting = _grid({"a": 0.9, "b": 0.6, "c": 0.3})
    pairs = compare(found, nesting)
    place = ranks(pairs, np.argsort(-pairs.advantage))
    assert place.low.tolist() == place.high.tolist() == place.group.tolist() == [1, 2, 3]


def test_equal_methods_tie() -> None:
    table = long_table(lambda m, _t, _v, seed: (0.9 if m == "c" else 0.4) + 0.01 * seed)
    found = grid(ranked_rows(table[~table["reference"]]))
    pairs = compare(found, Nesting.of(found.instances))
    place = ranks(pairs, np.argsort(-pairs.advantage, kind="stable"))
    assert place.low.tolist() == [2, 2, 1]
    assert place.high.tolist() == [3, 3, 1]
    assert place.group.tolist() == [2, 2, 1]


@pytest.mark.parametrize("count", [0, 1])
def test_boards_of_none_or_one(count: int) -> None:
    found, nesting = _grid({"a": 0.9, "b": 0.6})
    few = found.of(np.arange(2) < count)
    place = ranks(compare(few, nesting), np.arange(count))
    assert place.low.tolist() == place.high.tolist() == [1] * count


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), count=st.integers(2, 5))
def test_rank_intervals_hold_a_ranking(seed: int, count: int) -> None:
    draws = np.random.default_rng(seed)
    found, nesting = _grid({f"m{at}": float(draws.random()) for at in range(count)}, noise=0.2)
    pairs = compare(found, nesting)
    order = np.argsort(-pairs.advantage, kind="stable")
    place = ranks(pairs, order)
    position = np.empty(count)
    position[order] = np.arange(1, count + 1)
    assert ((place.low <= position) & (position <= place.high)).all()
