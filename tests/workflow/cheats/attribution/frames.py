"""A cheat: the truth through the local variables of whoever called."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from methods.attribution._spoils import answer, inside, loot, mask_in

from benchmark.families.attribution import attribution_method


def locals_above() -> Iterator[Any]:
    """Every local variable of every frame of every thread."""
    for frame in sys._current_frames().values():
        above: Any = frame
        while above is not None:
            for value in list(above.f_locals.values()):
                yield from inside(value)
            above = above.f_back


WAYS = {"frames": lambda: mask_in(locals_above())}


@attribution_method(cites="a test")
def frames(question):
    """Look into the callers' frames."""
    return answer(question, loot(WAYS))
