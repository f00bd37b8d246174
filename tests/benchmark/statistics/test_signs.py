"""Turning signs: exact on few draws, never below what they support, and corrected for the number of rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from benchmark.statistics.signs import DRAWN, EXACT, sign_flips, support, turnings


def test_the_least_p_value_of_some_draws() -> None:
    assert [support(draws) for draws in (1, 3, 5, 6, 10)] == [1, 0.25, 0.0625, 0.03125, 2.0**-9]
    for draws in (1, 3, 5, 6, 10):
        assert sign_flips(np.ones((1, draws)))[0] == support(draws)


@pytest.mark.parametrize("draws", [3, 6, 9])
def test_one_row_is_scipys_permutation_test(draws: int) -> None:
    values = np.random.default_rng(draws).normal(0.4, 1, draws)
    found = stats.permutation_test(
        (values,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", n_resamples=np.inf, vectorized=True
    )
    assert sign_flips(values[None])[0] == pytest.approx(found.pvalue)


def test_two_rows_by_hand() -> None:
    parts = np.array([[1.0, 1.0, 1.0], [3.0, 1.0, -1.0]])
    # statistics of the four turnings: 3, 1, 1, 1 over sqrt 3, and 3, 3, 1, 5 over sqrt 11 (first sign kept)
    alone = sign_flips(parts, together=False)
    np.testing.assert_allclose(alone, [0.25, 0.75])
    # the first row against the larger of both (1.73, .90, .58, 1.51), the second against itself
    np.testing.assert_allclose(sign_flips(parts), [0.25, 0.75])
    near = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, -1.0]])
    np.testing.assert_allclose(sign_flips(near, together=False), [0.25, 1.0])
    # turning the last sign makes the second row as large as the first one was
    np.testing.assert_allclose(sign_flips(near), [0.5, 1.0])


@settings(max_examples=40, deadline=None)
@given(parts=arrays(np.float64, (3, 6), elements=st.floats(-1, 1).map(lambda x: round(x, 3))), scale=st.floats(0.1, 9))
def test_correction_only_raises_and_units_and_order_change_nothing(parts: np.ndarray, scale: float) -> None:
    together, alone = sign_flips(parts), sign_flips(parts, together=False)
    assert (together >= alone - 1e-12).all()
    assert (together >= support(6)).all()
    np.testing.assert_allclose(sign_flips(-scale * parts), together)
    np.testing.assert_allclose(sign_flips(parts[::-1])[::-1], together)


def test_what_was_not_measured_is_no_test() -> None:
    parts = np.vstack([np.full(4, np.nan), np.ones(4)])
    found = sign_flips(parts)
    assert np.isnan(found[0])
    assert found[1] == support(4)
    assert np.isnan(sign_flips(np.full((2, 3), np.nan))).all()
    assert sign_flips(np.zeros((0, 3))).shape == (0,)


def test_no_difference_is_none_and_draws_of_others_do_not_count() -> None:
    parts = np.array([[1.0, 1.0, 1.0, 0.0, 0.0, 0.0], [1e-17] * 6])
    np.testing.assert_allclose(sign_flips(parts), [support(3), 1.0])
    assert sign_flips(np.zeros((1, 4)))[0] == 1


def test_many_draws_are_turned_at_random_and_always_alike() -> None:
    signs = turnings(EXACT + 1)
    assert signs.shape == (DRAWN, EXACT + 1)
    assert (signs[0] == 1).all()
    assert set(np.unique(signs)) == {-1.0, 1.0}
    values = np.random.default_rng(0).normal(0.5, 1, (1, 20))
    assert sign_flips(values)[0] == sign_flips(values)[0]
    assert sign_flips(values)[0] == pytest.approx(stats.ttest_1samp(values[0], 0).pvalue, abs=0.02)
    assert sign_flips(np.ones((1, 20)))[0] == 1 / DRAWN
