"""Is a method better than chance, which of two methods is better, and where do they rank?

    chance(grid, nesting)     p-value of each method, one-sided, before correction
    compare(grid, nesting)    all pairs: differences on shared instances, Holm-corrected
    ranks(comparison)        rank intervals instead of false ranks

**Better than chance** must hold twice, and the larger p counts (an intersection-union test, Berger 1982, Technometrics
24:295): over the seeds (the method's mean skill is above 0 with another set of seeds), and against the draws of the
random reference (a random explanation would not reach that mean by luck). The first alone is fooled by a constant that
happens to fit, the second by an erratic method that was lucky with these seeds.

**Ranks.** Two methods are compared on the instances that both were measured on; the p-values of all pairs of the board
are corrected together (Holm 1979). rank_low = 1 + the methods significantly better; rank_high = methods - the methods
significantly worse. Methods that cannot be told apart share ranks: the interval says how far up and how far down each
could be. Holm's correction looks at all pairs at once, so a pair near the threshold may pass or fail by what other
pairs do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmark.statistics.intervals import LEVEL, RESOLUTION, Array, Nesting, cluster_means, estimate, task_weights
from benchmark.statistics.rows import Grid


def holm(p: Array) -> Array:
    """Holm-corrected p-values (Holm 1979) of a vector; NaN entries are no tests and stay NaN."""
    result = np.full_like(p, np.nan)
    tested = np.isfinite(p)
    found = p[tested]
    order = np.argsort(found, kind="stable")
    corrected = np.empty_like(found)
    corrected[order] = np.minimum(np.maximum.accumulate((len(found) - np.arange(len(found))) * found[order]), 1.0)
    result[tested] = corrected
    return result


def chance(grid: Grid, nesting: Nesting) -> Array:
    """P-values [methods] of "no better than chance", uncorrected: the larger of the two tests above.

    A random explanation's mean skill is 0, or less where a control beats chance; 0 is then safe. On a cluster
    of several variants it has the variants' mean standard deviation: the luck of a seed may repeat in its variants
    (they are taken as fully correlated), clusters are independent. NaN without spread over seeds.
    """
    return np.asarray(np.maximum(estimate(grid.skill, nesting).p_above(), by_luck(grid, nesting)), dtype=np.float64)


def by_luck(grid: Grid, nesting: Nesting) -> Array:
    """P-values [methods] of the second test alone: how likely a random explanation reaches that mean."""
    mean = estimate(grid.skill, nesting).mean
    luck, _ = cluster_means(np.where(np.isfinite(grid.skill), grid.luck, np.nan), nesting)
    _, covered = cluster_means(grid.skill, nesting)
    seeds, weight = task_weights(covered, nesting)
    share = (weight / np.maximum(seeds, 1)) @ nesting.task.T
    known = (np.isfinite(grid.luck) | ~np.isfinite(grid.skill)).all(1)
    spread = np.where(known, np.sqrt(((share * covered * luck) ** 2).sum(1)), np.nan)
    return np.asarray(stats.norm.sf(mean / np.maximum(spread, RESOLUTION)), dtype=np.float64)


@dataclass(frozen=True)
class Comparison:
    """All pairs of a board's methods.

    Attributes:
        difference: [methods, methods] row minus column on shared instances, antisymmetric; NaN where nothing is shared.
        p: [methods, methods] two-sided, before correction; NaN on the diagonal and where nothing can be said.
        corrected: [methods, methods] the same after Holm over all pairs.
        half_width: [pairs] of the 95 % interval of a pair's difference, for one pair chosen beforehand.
        half_width_all: [pairs] the same when all pairs are looked at (Bonferroni).
    """

    difference: Array
    p: Array
    corrected: Array
    half_width: Array
    half_width_all: Array

    @property
    def better(self) -> NDArray[np.bool_]:
        """[methods, methods] whether the row is significantly better than the column."""
        return np.asarray((self.corrected < 1 - LEVEL) & (self.difference > 0), dtype=np.bool_)

    @property
    def advantage(self) -> Array:
        """[methods] mean difference to the others on what each pair shares: a fair order when coverage differs."""
        others = np.isfinite(self.difference) & ~np.eye(len(self.difference), dtype=bool)
        total = np.where(others, self.difference, 0.0).sum(1)
        return np.asarray(total / np.maximum(others.sum(1), 1), dtype=np.float64)


def compare(grid: Grid, nesting: Nesting) -> Comparison:
    """Compare all methods of a grid pairwise, each pair on the instances that both were measured on."""
    count = len(grid.methods)
    left, right = np.triu_indices(count, k=1)
    pairs = estimate(grid.skill[left] - grid.skill[right], nesting)
    p = pairs.p_differs()
    corrected = holm(p)
    tested = int(np.isfinite(p).sum())
    return Comparison(
        difference=_square(count, pairs.mean, -pairs.mean, diagonal=0.0),
        p=_square(count, p, p),
        corrected=_square(count, corrected, corrected),
        half_width=pairs.half_width(),
        half_width_all=pairs.half_width(1 - (1 - LEVEL) / max(tested, 1)),
    )


def _square(count: int, above: Array, below: Array, diagonal: float = np.nan) -> Array:
    matrix = np.full((count, count), np.nan)
    upper = np.triu_indices(count, k=1)
    matrix[upper], matrix.T[upper] = above, below
    np.fill_diagonal(matrix, diagonal)
    return matrix


@dataclass(frozen=True)
class Ranks:
    """Rank intervals [methods] and tie groups [methods], all counted from 1."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    group: NDArray[np.int64]


def ranks(comparison: Comparison, order: NDArray[np.intp]) -> Ranks:
    """Rank intervals of a board, and tie groups along `order` (best first).

    Going down the order, a method opens a new group when the group's first method is significantly better than it. So
    members are tied with the head of their group, not necessarily with each other; the interval is the precise
    statement.
    """
    better = comparison.better
    group = np.zeros(len(better), dtype=np.int64)
    head, current = -1, 0
    for at in order:
        if head < 0 or better[head, at]:
            head, current = int(at), current + 1
        group[at] = current
    return Ranks(1 + better.sum(0), len(better) - better.sum(1), group)
