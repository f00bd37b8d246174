"""What is known of a perfect explanation's value, and whether the planted truth has it.

own_values({"": 0.9, "digit": 0.8}) -> {"": 0.9}         reaches(0.99999, perfect=1.0, chance=0.5) -> True
"""

from __future__ import annotations

import math
from collections.abc import Mapping

ROUNDING = 1e-3
"""How far from it is still it, as a share of the way from chance: angles and cosines are computed in float32."""


def own_values(values: Mapping[str, float]) -> dict[str, float]:
    """A metric's own value among its sub-scores; of one that has sub-scores alone, all of them."""
    return {"": values[""]} if "" in values else dict(values)


def reaches(value: float, perfect: float, chance: float) -> bool:
    """Whether a value is the perfect one, but for rounding; where chance has no value, for the last digits of it."""
    way = abs(perfect - chance)
    allowed = ROUNDING * way if math.isfinite(way) else 1e-6
    return abs(value - perfect) <= max(allowed, 1e-9)
