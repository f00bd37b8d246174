"""A gain between two budgets against its noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.statistics.intervals import sample
from benchmark.statistics.rising import rising


def test_a_steady_gain_is_rising_and_a_noisy_one_is_not() -> None:
    before = np.array([0.3, 0.5, 0.4])
    steady = rising(before, before + np.array([0.10, 0.11, 0.09]))
    assert steady.gain == pytest.approx(0.1)
    assert steady.still is True
    noisy = rising(before, before + np.array([0.3, -0.1, 0.1]))
    assert noisy.gain == pytest.approx(0.1)
    assert noisy.still is False
    assert rising(before, before - 0.1).still is False


def test_what_a_seed_does_to_both_cancels() -> None:
    luck = np.array([-5.0, 0.0, 9.0])
    assert rising(luck, luck + np.array([0.10, 0.11, 0.09])).still is True


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=10))
def test_the_interval_is_that_of_the_differences(gains: list[float]) -> None:
    found, expected = rising(np.zeros(len(gains)), gains), sample(gains)
    low, high = expected.interval()
    assert (found.gain, found.low, found.high) == (expected.mean[0], low[0], high[0])
    assert found.still == (low[0] > 0)


def test_one_seed_cannot_tell_and_what_was_not_measured_is_left_out() -> None:
    assert rising([0.3], [0.9]).still is None
    assert rising([0.3, np.nan], [0.9, 0.8]).still is None
    assert rising([np.nan], [0.3]).still is None
    full, holes = rising([0.1, 0.2], [0.4, 0.4]), rising([0.1, 0.2, np.nan], [0.4, 0.4, 0.8])
    assert (holes.gain, holes.low) == (full.gain, full.low)


def test_other_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="expected the same seeds"):
        rising([0.1, 0.2], [0.3])
