"""Is a method better than blind, which of two methods is better, and where do they rank?

    above(grid.above_dark, nesting)    p-value of each row, corrected for their number
    by_luck(grid, nesting)             how likely one random explanation reaches each method's mean
    compare(grid, nesting)             all pairs: differences on shared instances, corrected for their number
    ranks(comparison, order)           rank intervals instead of false ranks

Every statement must pass two tests over the seeds, and the larger p-value counts (an intersection-union test, Berger
1982, Technometrics 24:295):

    Student's t with (df + 3) / 4 degrees of freedom, which holds for skewed scores (`intervals`). Corrected by Holm
        (1979), or for the pairs of M methods times M - 1: their differences have so many independent directions
    turning the signs of the draws, which claims no more than so many draws support (`signs`). Corrected by step-down
        maxT, which is exact for methods that are equal in law

The first alone is fooled by three seeds that happen to agree, the second by a long tail. What must be **above**
something is tested on both sides, too, and has p = 1 where it lies below. Better than blind or chance must hold against
a third thing, the draws of the random reference (`by_luck`): an erratic explanation may be lucky on all seeds.

How often, in percent and at a nominal 5, a board of equal methods separates any two of them, and a board of methods
whose true skill is 0 finds any above it, with 6 and 10 seeds of one task:

    tails of the scores point down       3 methods  11 methods     one above 0    one of eleven
    normal                                0    0           0    1           0    1           0    0
    skewed, beta(8, 1)                    0    1           0    0           3    4           1    2
    skewed, exponential                   0    0           0    0           4    5           2    2
    exponential, tails both ways          1    3           1    2           4    5           1    1
    exponential, each second a tenth      2    4           2    3           4    5           2    2
    exponential, spreads 1 to 4^-10       3    3           2    4           4    5           2    2
    one seed in ten fails, 0/1            0    0           0    0          53   35         100   99

(`python -m benchmark.statistics.simulation` prints it.) Three and five seeds of one task find nothing, true or false:
six draws are the least that decide. The last row is the limit of any test of seeds: a failure that no seed shows is not
seen.

**Ranks.** Two methods are compared on the instances that both were measured on. rank_low = 1 + the methods that are
significantly better; rank_high = methods - the methods significantly worse. Methods that cannot be told apart share
ranks: the interval says how far up and how far down each could be. A method that covers a task on one seed only is
compared with nobody; its rank spans all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmark.statistics.intervals import LEVEL, RESOLUTION, estimate
from benchmark.statistics.nesting import Array, Nesting, cluster_means, contributions, lone, task_weights
from benchmark.statistics.rows import Grid
from benchmark.statistics.signs import sign_flips


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


def above(values: Array, nesting: Nesting, luck: Array | float = 0.0, *, together: bool = True) -> Array:
    """P-values [rows] of "the mean of these values [rows, instances] is not above 0"; NaN without spread over seeds.

    `luck` are p-values of a further test that each row must pass. Corrected for the number of rows, or each row on its
    own where not `together`.
    """
    found = estimate(values, nesting)
    raw = np.maximum(found.p_differs(), luck)
    signs = sign_flips(contributions(values, nesting), together=together)
    p = np.maximum(holm(raw) if together else raw, signs)
    return np.where(np.isfinite(p) & (found.mean <= RESOLUTION), 1.0, p)


def by_luck(grid: Grid, nesting: Nesting) -> Array:
    """P-values [methods]: how likely a random explanation reaches a method's mean skill.

    A random explanation's mean skill is 0, or less where a control beats chance; 0 is then safe. On a cluster of
    several variants it has the variants' mean standard deviation: the luck of a seed may repeat in its variants (they
    are taken as fully correlated), clusters are independent.
    """
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
        corrected: [methods, methods] two-sided p-values, corrected for all pairs; NaN on the diagonal and where nothing
            can be said.
        half_width: [pairs] of the 95 % interval of a pair's difference, for one pair chosen beforehand.
        half_width_all: [pairs] the same when all pairs are looked at.
    """

    difference: Array
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
    differences = grid.skill[left] - grid.skill[right]
    pairs, alone = estimate(differences, nesting), lone(grid.skill, nesting)
    untold = alone[left] | alone[right]
    signs = np.where(untold[:, None], np.nan, contributions(differences, nesting))
    free = max(int((~alone).sum()) - 1, 1)
    skewed = np.where(untold, np.nan, np.minimum(free * pairs.p_differs(), 1.0))
    corrected = np.maximum(skewed, sign_flips(signs))
    return Comparison(
        difference=_square(count, pairs.mean, -pairs.mean, diagonal=0.0),
        corrected=_square(count, corrected, corrected),
        half_width=pairs.half_width(),
        half_width_all=pairs.half_width(1 - (1 - LEVEL) / free),
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
