"""What a model of Othello must show before anything about its board is scored.

They were set with the first model, for boards of 6x6 and 8x8, and are not to follow what later models reach. A 4x4
board, for quick looks, has twelve moves, and random weights tell most of it: there the effects need only exceed the
noise, and nothing is concluded from them.
"""

from __future__ import annotations

from dataclasses import dataclass

UNTRAINED = 0.6
"""Greatest share of legal moves with random weights. A random square that no move took yet is legal in 0.41 (8x8) to
0.52 (4x4) of cases."""


@dataclass(frozen=True)
class Thresholds:
    """What must be reached by a trained model."""

    legal: float
    """Least share of legal moves."""
    gap: float
    """Least advance of the board's linear read-out over random weights, in accuracy."""
    left: float
    """Greatest share of errors that an intervention may leave; one without effect leaves all, one on another disc adds
    some."""


FULL, QUICK = Thresholds(legal=0.97, gap=0.10, left=0.6), Thresholds(legal=0.95, gap=0.05, left=0.8)


def thresholds(size: int) -> Thresholds:
    """Those of a board of side `size`."""
    return QUICK if size == 4 else FULL
