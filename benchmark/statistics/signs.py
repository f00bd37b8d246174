"""Tests by turning signs: the smallest p-value that n seeds support.

    p = sign_flips(contributions(differences, nesting))         # [rows], corrected for the number of rows

If two methods are equal, the sign of their difference on a seed is a coin's. Turning the signs of all n draws in every
way gives 2^n tables that were as likely as the one seen; the share of them in which the difference is at least as large
is the p-value (Fisher 1935; no law of the scores is assumed, only symmetry). It cannot be smaller than

    support(n) = 2^(1 - n):    3 draws .25,  5 draws .063,  6 draws .031,  10 draws .002

and no other test of the same question may claim less: below that it is the assumed law that speaks, not the seeds. A
draw is a (subject, seed), so two tasks of three seeds are six draws. **Fewer than six tell nothing apart at 5 %.**

The statistic is |Σ y_d| / sqrt(Σ y_d²), y_d being what draw d adds to the mean: Student's t in another scale, the same
for all turnings, so that a difference that rests on the few seeds of one task has the p-value of those few.

**Many rows.** A seed's sign is turned for all rows at once, and a row's statistic is compared with the largest among
all rows that are not yet decided (step-down maxT: Westfall and Young 1993, algorithm 2.8). The correction therefore
knows how the rows depend on each other, and its smallest value is `support(n)` however many rows there are, where
Holm's would be `support(n)` times their number: of 55 pairs and ten seeds it could never decide one.
"""

from __future__ import annotations

import functools

import numpy as np

from benchmark.statistics.nesting import Array

EXACT = 13
"""Up to so many draws all turnings are tried."""
DRAWN = 4096
"""So many turnings stand for all where there are more draws."""
TINY = 1e-9
"""Contributions and statistics that differ by less are the same."""


def support(draws: int) -> float:
    """The smallest two-sided p-value that this number of independent draws supports; 1 for one draw or none."""
    return float(2.0 ** (1 - max(draws, 1)))


@functools.cache
def turnings(draws: int) -> Array:
    """Signs [turnings, draws], all plus in the first row; up to a common sign, which changes no statistic."""
    if draws <= EXACT:
        bits = np.arange(2 ** max(draws - 1, 0))[:, None] >> np.arange(draws)
        return np.asarray(1.0 - 2.0 * (bits & 1), dtype=np.float64)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(DRAWN, draws))
    signs[0] = 1.0
    return signs


def sign_flips(parts: Array, *, together: bool = True) -> Array:
    """Two-sided p-values [rows] of "the sign of each draw is a coin's", from what each draw adds [rows, draws].

    Corrected for the number of rows, or each row on its own where not `together`. Rows with a NaN stay NaN.
    """
    result = np.full(len(parts), np.nan)
    tested = np.flatnonzero(np.isfinite(parts).all(1))
    if not len(tested):
        return result
    found = np.where(np.abs(parts[tested]) > TINY, parts[tested], 0.0)
    found = found[:, (found != 0).any(0)]
    size = np.sqrt((found**2).sum(1, keepdims=True))
    scaled = np.divide(found, size, out=np.zeros_like(found), where=size > 0)
    statistic = np.abs(scaled @ turnings(found.shape[1]).T)
    seen = statistic[:, 0]
    order = np.argsort(-seen, kind="stable")
    rivals = statistic[order]
    largest = np.maximum.accumulate(rivals[::-1])[::-1] if together else rivals
    p = (largest >= seen[order][:, None] - TINY).mean(1)
    result[tested[order]] = np.maximum.accumulate(p) if together else p
    return result
