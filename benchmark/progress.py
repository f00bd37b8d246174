"""How far long work is: what is done, what is left and about how long that will take, at the rate measured so far.

    progress = Progress(total=40)
    log.info("smoothgrad: 3 ok%s", progress.done(3))           smoothgrad: 3 ok; 3 of 40 done, about 5 min left

Things differ in length, so that the time left is a guess that gets better; nothing rests on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Progress:
    """Counts what is done of `total` things, side by side or one after the other."""

    total: int
    clock: Callable[[], float] = time.perf_counter
    count: int = 0
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    def done(self, count: int = 1) -> str:
        """So many more are done: what to append to the line that says so."""
        self.count += count
        left = self.total - self.count
        shown = f"; {self.count} of {self.total} done"
        if left <= 0 or self.count <= 0:
            return shown
        return f"{shown}, about {lasting((self.clock() - self.began) / self.count * left)} left"


def lasting(seconds: float) -> str:
    """A time a person can picture: `42 s`, `7 min`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
