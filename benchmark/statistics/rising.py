"""Does more training still pay? The gain of a method between two budgets, against its noise.

    gain = rising(at_a_quarter, at_the_largest)       # skills of the same seeds
    gain.still                                        # True: its rank is that of a budget, not of the method

The two budgets are run on the same seeds, so the gain is formed seed by seed and what a seed does to both cancels. Its
95 % interval over seeds is that of `intervals`. A method is **still rising** where the whole interval lies above 0: the
last quadrupling of the budget gained more than its noise, and nobody knows where it would have ended.

The opposite is no finding: a method that is not marked may have levelled off, or its seeds may be too few to tell. The
gain and its interval say which. With one seed there is nothing to go by (`still` is None).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from benchmark.statistics.intervals import sample


@dataclass(frozen=True)
class Gain:
    """A gain in skill with its 95 % interval over seeds (NaN for fewer than two)."""

    gain: float
    low: float
    high: float

    @property
    def still(self) -> bool | None:
        """Whether the whole interval lies above 0; None where there is no interval."""
        return self.low > 0 if np.isfinite(self.low) else None


def rising(before: ArrayLike, after: ArrayLike) -> Gain:
    """The gain of `after` over `before`, skills [seeds] of one method at the second largest and the largest budget.

    Both hold the same seeds in the same order; seeds with a NaN in either are left out.

    Raises:
        ValueError: the two differ in shape.
    """
    small, large = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if small.shape != large.shape or small.ndim != 1:
        raise ValueError(f"got skills of shapes {small.shape} and {large.shape}, expected the same seeds [n] in both")
    gains = (large - small)[np.isfinite(large - small)]
    if not len(gains):
        return Gain(np.nan, np.nan, np.nan)
    found = sample(gains)
    low, high = found.interval()
    return Gain(float(found.mean[0]), float(low[0]), float(high[0]))
