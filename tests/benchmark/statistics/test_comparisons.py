"""Tests against chance, pairs and ranks."""

from __future__ import annotations

import gc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from benchmark.statistics.comparisons import above, by_luck, compare, holm, ranks
from benchmark.statistics.intervals import sample
from benchmark.statistics.nesting import Nesting
from benchmark.statistics.rows import Grid, grid, ranked_rows
from benchmark.statistics.signs import support
from benchmark.statistics.simulation import board, nesting
from tests.support.long_table import long_table, noisy


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, np.nan])), [0.03, 0.06, 0.06, np.nan])
    assert len(holm(np.array([]))) == 0
    assert np.isnan(holm(np.array([np.nan]))).all()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p: list[float]) -> None:
    gc.freeze()  # statsmodels collects garbage at each call, which takes a second among what other tests have left
    np.testing.assert_allclose(holm(np.array(p)), multipletests(p, method="holm")[1])


def _grid(quality: dict[str, float], noise: float = 0.02) -> tuple[Grid, Nesting]:
    table = noisy(quality, noise=noise)
    found = grid(ranked_rows(table[~table["reference"]]))
    return found, Nesting.of(found.instances)


def test_luck_is_that_of_the_mean_of_random_draws() -> None:
    table = long_table(lambda _m, _t, _v, seed: 0.02 + 0.001 * seed)
    found = grid(ranked_rows(table[table["method"] == "a"].assign(floor_sd=0.05)))
    # nine clusters with a luck of 0.05 / 0.5 each (fully shared by the two variants): 0.1 / 3
    np.testing.assert_allclose(by_luck(found, Nesting.of(found.instances)), stats.norm.sf(0.021 / (0.1 / 3)))
    untold = grid(ranked_rows(long_table(lambda *_: 0.9).assign(floor_sd=np.nan)))
    assert np.isnan(by_luck(untold, Nesting.of(untold.instances))).all()


def test_above_takes_the_largest_p() -> None:
    steady = 0.3 + 0.01 * np.arange(10)
    erratic = np.array([0.9, 0.8, 1.0, 0.9, -0.6, 0.9, 0.8, 0.7, -0.5, 0.9])
    values, where = np.stack([steady, erratic, -steady]), nesting(1, 10)
    alone = above(values, where, together=False)
    assert alone[0] == support(10), "ten seeds support no less, however steady"
    assert alone[1] == pytest.approx(sample(erratic).p_differs()[0]), "here the long tail decides"
    assert alone[2] == 1, "below is not above"
    assert above(values, where, np.array([0.2, 0, 0]), together=False)[0] == 0.2
    assert np.isnan(above(values, where, np.array([np.nan, 0, 0]), together=False)[0])
    corrected = above(values, where)
    assert (corrected >= alone).all()
    assert corrected[0] == support(10), "turning signs together costs nothing where all seeds agree"


def test_without_spread_nothing_is_above() -> None:
    assert np.isnan(above(np.ones((2, 1)), nesting(1, 1))).all()


def test_pairs_are_tests_of_paired_differences() -> None:
    draws = np.random.default_rng(0).random((2, 9))
    pairs = compare(board(draws), nesting(1, 9))
    found = sample(draws[0] - draws[1])
    turned = stats.permutation_test(
        (draws[0] - draws[1],), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=False
    )
    assert pairs.corrected[0, 1] == pytest.approx(max(found.p_differs()[0], turned.pvalue))
    np.testing.assert_allclose(pairs.difference[0, 1], (draws[0] - draws[1]).mean())
    np.testing.assert_allclose(pairs.difference, -pairs.difference.T)
    np.testing.assert_allclose(pairs.half_width, found.half_width())


def test_pairs_are_corrected_for_the_number_of_methods() -> None:
    draws = np.random.default_rng(0).normal(0, 1, (5, 10)) + 1.5 * np.arange(5)[:, None]
    few, many = compare(board(draws[:2]), nesting(1, 10)), compare(board(draws), nesting(1, 10))
    skewed = sample(draws[0] - draws[1]).p_differs()[0]
    assert few.corrected[0, 1] == pytest.approx(max(skewed, support(10)), abs=0.05)
    assert many.corrected[0, 1] >= min(1, 4 * skewed)
    far = board(100.0 * np.arange(5)[:, None] + draws)
    assert compare(far, nesting(1, 10)).corrected[0, 1] == support(10), "of many pairs as of one"


def test_a_method_with_a_task_of_one_seed_is_compared_with_nobody() -> None:
    skills = np.arange(3)[:, None] + 0.001 * np.random.default_rng(0).random((3, 11))
    skills[0, 10] = np.nan
    rows = [("f", "t0", "v", seed) for seed in range(10)] + [("f", "t1", "v", 0)]
    where = Nesting.of(pd.DataFrame(rows, columns=["family", "task", "variant", "seed"]))
    place = ranks(compare(board(skills), where), np.arange(3))
    assert (place.low.tolist(), place.high.tolist()) == ([1] * 3, [3] * 3)


def test_what_a_seed_does_to_both_cancels() -> None:
    luck = np.random.default_rng(0).normal(size=3)
    table = long_table(
        lambda m, _t, _v, seed: 0.2 * luck[seed] + (0.05 if m == "a" else 0.0) + 0.001 * (seed == 1) * (m == "b")
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
