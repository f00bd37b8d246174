"""What is done, what is left, and for how long, by the rate so far."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchmark.progress import Progress, lasting


def test_a_steady_rate_tells_what_is_left_exactly() -> None:
    now = iter([0.0, 10.0, 40.0])
    progress = Progress(8, clock=lambda: next(now))
    assert progress.done() == "; 1 of 8 done, about 70 s left"
    assert progress.done(3) == "; 4 of 8 done, about 40 s left"
    assert progress.done(4) == "; 8 of 8 done"


def test_nothing_done_tells_no_time() -> None:
    assert Progress(3).done(0) == "; 0 of 3 done"


@given(st.floats(0, 1e7))
def test_a_time_is_told_in_units_a_person_can_picture(seconds: float) -> None:
    told = lasting(seconds)
    numbers = [int(part) for part in told.split() if part.isdigit()]
    units = {"s": 1, "min": 60, "h": 3600}
    back = sum(number * units[unit] for number, unit in zip(numbers, told.split()[1::2], strict=True))
    assert abs(back - seconds) <= (0.5 if told.endswith(" s") else 31)
