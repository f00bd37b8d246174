"""What a job asks of a cluster covers what its cells may use, and no more than that."""

from __future__ import annotations

import heapq
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.config import Limits
from benchmark.planning import DEVICE_VARIABLE, resolve_device
from benchmark.resources import JOB_MB, JOB_MINUTES, memory_mb, minutes, side_by_side

LIMITS = Limits(seconds=90, memory_mb=3000)


@pytest.mark.parametrize(("units", "threads", "together"), [(12, 4, 4), (3, 8, 3), (5, 1, 1), (0, 4, 1)])
def test_the_memory_is_that_of_all_cells_side_by_side(units: int, threads: int, together: int) -> None:
    assert side_by_side(units, threads) == together
    assert memory_mb(LIMITS, units=units, threads=threads) == JOB_MB + 3000 * together
    assert memory_mb(LIMITS, units=units, threads=threads, attempt=3) == JOB_MB + 9000 * together


@pytest.mark.parametrize(("units", "threads", "turns"), [(12, 4, 3), (13, 4, 4), (3, 8, 1), (5, 1, 5), (0, 4, 1)])
def test_the_time_is_that_of_as_many_turns_as_the_threads_leave(units: int, threads: int, turns: int) -> None:
    assert minutes(LIMITS, units=units, threads=threads) == JOB_MINUTES + math.ceil(1.5 * turns)
    assert minutes(LIMITS, units=units, threads=threads, attempt=2) == JOB_MINUTES + 3 * turns


@given(st.lists(st.floats(0, LIMITS.seconds), min_size=1, max_size=30), st.integers(1, 9))
def test_no_mix_of_fast_and_slow_units_lasts_longer(lengths: list[float], threads: int) -> None:
    places = [0.0] * threads
    for length in lengths:  # each starts where the first place becomes free
        heapq.heapreplace(places, places[0] + length)
    assert max(places) <= 60 * (minutes(LIMITS, units=len(lengths), threads=threads) - JOB_MINUTES) + 1e-6


@pytest.mark.parametrize("decided", ["cpu", "cuda"])
def test_the_jobs_of_a_run_use_the_device_that_its_main_process_found(
    monkeypatch: pytest.MonkeyPatch, decided: str
) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, decided)
    assert resolve_device("auto") == decided
    assert resolve_device("cpu") == "cpu", "what a profile says stands"
