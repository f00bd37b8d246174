"""A cheat: the truth among all objects that the garbage collector knows."""

from __future__ import annotations

import gc

from methods.attribution._spoils import answer, loot, mask_in

from benchmark.families.attribution import attribution_method


def known():
    """All objects, those from before the fork included."""
    gc.unfreeze()
    return gc.get_objects()


WAYS = {"collector": lambda: mask_in(known())}


@attribution_method(cites="a test")
def collector(question):
    """Ask the garbage collector."""
    return answer(question, loot(WAYS))
