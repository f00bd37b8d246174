"""Means over tasks and seeds, with intervals that hold with few seeds and with skewed scores.

    nesting = Nesting.of(grid.instances)
    means = estimate(grid.skill, nesting)             # one row per method, or per difference of two methods
    low, high = means.interval()

A task t has n seeds with scores y_ts (means over variants), mean ȳ_t and variance s_t². The mean over T tasks has the
squared error

    se² = Σ_t w_t² s_t² / n_t,    w_t = 1 / T,    df = se⁴ / Σ_t (w_t² s_t² / n_t)² / (n_t - 1)

(Welch 1947; Satterthwaite 1946, doi:10.2307/3002019). The interval is the mean ± t(df') se with **df' = (df + 3) / 4**,
about a quarter of the degrees of freedom. Differences of two methods are formed instance by instance first, so what a
seed does to both cancels. Tasks that share a subject share the luck of its seed: their clusters of the same seed are
added before they are squared (a cluster-robust variance).

**Why a quarter.** With df itself the interval is right for normal scores only. Skills end at 1, and what trains or
searches sometimes fails, so their spread over seeds has a longer tail on one side; few seeds seldom show it, and ten
cannot measure it. The worst that is still without outliers is the exponential law: of all log-concave densities it has
the most mass on one side of its mean, 1 - 1/e (Grünbaum 1960, doi:10.2140/pjm.1960.10.1257). There the t interval
covers 88 to 90 % instead of 95 on one task, and a one-sided t test at 5 % finds something in 17 % of cases with 3
seeds and in 13 % with 10. Degrees of freedom of (df + 3) / 4 were chosen because they reproduce the exponential's own
quantiles of t at levels from 5 % to .05 % (within a tenth or on the safe side, 3 to 20 seeds); the price is an interval
about twice as wide as Student's with three seeds and 1.4 times with ten. Coverage in percent of the nominal 95:

    scores over seeds          tasks    this, 3/5/10 seeds      Student's, 3/5/10      bootstrap's, 3/5/10
    normal                         1      98   99   99        95   95   95        75   84   90
    normal                         2      99  100   98        96   95   95        78   87   91
    normal                         6     100   98   97        97   96   95        86   90   92
    normal, spreads 1 to 4^-5      6      99   99   98        95   95   95        75   86   90
    skewed, beta(8, 1)             1      96   96   96        89   89   91        70   78   88
    skewed, beta(8, 1)             2      98   97   96        93   92   93        78   86   91
    skewed, beta(8, 1)             6      98   97   96        94   94   95        86   89   92
    skewed, exponential            1      95   96   95        89   89   89        67   79   84
    skewed, exponential            2      98   96   95        91   91   91        76   83   88
    skewed, exponential            6      98   96   96        94   93   94        82   87   92
    one seed in ten fails, 0/1     1      26   42   65        26   42   65        27   41   67
    one seed in ten fails, 0/1     6      85   96   95        85   96   94        82   95   94

(`python -m benchmark.statistics.simulation` prints it, 4000 draws, 1000 for the percentile bootstrap of seeds within
tasks; the tests measure it again.) So: at the nominal level or above it for every shape without outliers. What no
method of three seeds sees is a failure that none of the three shows (the last two rows): that takes seeds.

**One seed.** A task with one seed has no spread, and that of other tasks says nothing about it: spreads differ by ten
and more. A row that covers such a task has no interval (NaN).

**Why no mixed model.** Method x variant as fixed, the seed as a random effect, fitted to the values of a balanced
board, gives the very means and paired differences of this module; it differs in pooling one residual variance over
methods and variants, which is the borrowing just forbidden. The level below, the image within the seed, would tell how
much of a seed's spread is the luck of few images, but the scores hold one number for an instance: it would need the
values of single images as rows of their own, and `statsmodels` as a dependency of the program (the tests have it).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from benchmark.statistics.nesting import Array, Nesting, cluster_means, task_weights

LEVEL = 0.95
RESOLUTION = 1e-9
"""Smallest error taken seriously: scores that differ by less differ by rounding, not by merit."""


@dataclass(frozen=True)
class Estimate:
    """Means [rows] with their standard errors and degrees of freedom (NaN where there is no spread to go by)."""

    mean: Array
    error: Array
    df: Array

    @property
    def cautious(self) -> Array:
        """The degrees of freedom that intervals and p-values use: they hold for skewed scores, too."""
        return np.asarray((self.df + 3) / 4, dtype=np.float64)

    def interval(self, level: float = LEVEL) -> tuple[Array, Array]:
        """Lower and upper end of the two-sided interval."""
        half = self.half_width(level)
        return self.mean - half, self.mean + half

    def half_width(self, level: float = LEVEL) -> Array:
        """Half the interval's width: the smallest difference from the mean that `level` tells apart."""
        error = np.where(self.error <= RESOLUTION, 0.0, self.error)
        return np.asarray(special.stdtrit(self.cautious, 0.5 + level / 2) * error, dtype=np.float64)

    def p_differs(self, value: float = 0.0) -> Array:
        """Two-sided p-values of "the mean is `value`": below 1 - level where the interval leaves `value` out."""
        return np.asarray(2 * special.stdtr(self.cautious, -np.abs(self.mean - value) / self.error), dtype=np.float64)

    def minus(self, other: Estimate) -> Estimate:
        """The difference of two independent estimates (Welch)."""
        parts = np.stack([self.error**2, other.error**2])
        with np.errstate(all="ignore"):
            df = parts.sum(0) ** 2 / (parts**2 / np.stack([self.df, other.df])).sum(0)
        return Estimate(self.mean - other.mean, np.sqrt(parts.sum(0)), df)


def sample(values: ArrayLike) -> Estimate:
    """The mean of independent values [n], one per seed, as one row; a single value has no error (NaN)."""
    data = np.asarray(values, dtype=np.float64)
    n = len(data)
    error = np.maximum(data.std(ddof=1) / np.sqrt(n), RESOLUTION) if n > 1 else np.nan
    return Estimate(np.array([data.mean()]), np.array([error]), np.array([n - 1.0 if n > 1 else np.nan]))


def estimate(values: Array, nesting: Nesting) -> Estimate:
    """Means of values [rows, instances] over variants, then seeds, then tasks; errors from seeds within tasks.

    NaN values are left out. A row without any value has a NaN mean; a row with a task of one seed a NaN error.
    """
    score, covered = cluster_means(values, nesting)
    seeds, weight = task_weights(covered, nesting)
    mean_of_task = (score * covered) @ nesting.task / np.maximum(seeds, 1)
    mean = np.where(weight.sum(1) > 0, (weight * mean_of_task).sum(1), np.nan)

    share = weight / np.maximum(seeds, 1)
    deviation = covered * (score - mean_of_task @ nesting.task.T) * (share @ nesting.task.T)
    squares = (deviation @ nesting.draw) ** 2 @ nesting.owner
    held = (seeds > 0)[:, :, None] & (nesting.subject > 0)[None]
    n = np.where(held, seeds[:, :, None], np.inf).min(1, initial=np.inf)
    free = np.where(np.isfinite(n), n - 1, 0.0)
    total = free.sum(1)
    with np.errstate(all="ignore"):
        part = np.where(free > 0, squares * n / (n - 1), 0.0)
        squared = part.sum(1)
        df = squared**2 / np.where(free > 0, part**2 / free, 0.0).sum(1)
    spread = squared > RESOLUTION**2
    known = (total > 0) & ~(seeds == 1).any(1)
    error = np.where(spread, np.sqrt(squared), RESOLUTION)
    return Estimate(mean, np.where(known, error, np.nan), np.where(known, np.where(spread, df, total), np.nan))
