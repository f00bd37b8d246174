"""A cheat: more answers of a black box than its budget holds."""

from __future__ import annotations

import gc
from contextlib import suppress

import numpy as np
from methods.description.silent import NOTHING

from benchmark.families.description import Description, description_method

LOOT = Description("More was asked than may be.", "1000000")


def answers(question) -> int:
    """How many points were answered, asked in every way there is."""
    count = 0
    gc.unfreeze()  # those from before the fork, too
    known = [one for one in gc.get_objects() if type(one).__name__ in ("Remote", "_Counter", "Questions", "BlackBox")]
    for box in [*question.boxes, *(one for one in known if type(one).__name__ == "BlackBox")]:
        with suppress(Exception):
            box.budget = 10**6
        ways = [box.query, *(getattr(box, name) for name in dir(box) if "answer" in name)]
        for one in known:
            ways += [one] if type(one).__name__ == "Remote" else []
            ways += [one.answer, one._answer] if type(one).__name__ == "_Counter" else []
            if type(one).__name__ == "Questions":
                ways += [lambda x, one=one, number=number: one._call(number, (x,), {}) for number in range(30)]
        for way in ways:
            for _ in range(3):
                try:
                    count += np.size(way(np.linspace(box.low, box.high, 32)))
                except Exception:
                    break
    return count


@description_method(cites="a test")
def overdrawn(question):
    """Ask and ask."""
    allowed = sum(box.budget for box in question.boxes)
    return [LOOT if answers(question) > allowed else NOTHING for _ in question.boxes]
