"""Means over tasks and seeds, with intervals that hold with three seeds.

    nesting = Nesting.of(grid.instances)
    means = estimate(grid.skill, nesting)             # one row per method, or per difference of two methods
    low, high = means.interval()

A task t has n seeds with scores y_ts (means over variants), mean ȳ_t and variance s_t². The mean over T tasks has the
squared error

    se² = Σ_t w_t² s_t² / n_t,    w_t = 1 / T,    df = se⁴ / Σ_t (w_t² s_t² / n_t)² / (n_t - 1)

(Welch 1947; Satterthwaite 1946, doi:10.2307/3002019) and mean ± t_df se is the interval. Differences of two methods are
formed instance by instance first, so what a seed does to both cancels.

**Why not a bootstrap.** With three seeds a percentile bootstrap of the seeds within tasks covers 75 % where it should
cover 95 %. Stretching it by t_{n-1}/z sqrt(n/(n-1)) (Hesterberg 2015, doi:10.1080/00031305.2015.1089789) repairs one
task, but with six tasks it covers 99.9 %, nearly twice as wide as it need be; with the factor of all T (n - 1) degrees
of freedom instead it covers 86 % where tasks differ in spread. Measured coverage in percent of the nominal 95 (4000
draws; 1500 for the bootstrap; `tests/statistics/test_coverage.py` measures again):

    data                       tasks   this, 3/5/10 seeds     percentile, 3/5/10    stretched (n-1), 3/5/10
    normal                         1       95   95   95               75   82   89            95   95   94
    normal                         2       97   95   96               80   87   92            99   97   96
    normal                         6       96   96   96               87   92   94           100   99   98
    normal, spreads 1 to 4^-5      6       94   95   94               77   85   90            98   95   95
    skewed, beta(8, 1)             1       90   91   92               70   82   88            91   93   92
    skewed, beta(8, 1)             2       92   92   93               76   84   90            96   94   94
    skewed, beta(8, 1)             6       95   94   95               85   91   92            99   98   96
    skewed, exponential            1       88   88   90               69   79   87            88   89   91
    skewed, exponential            2       91   91   92               72   83   88            93   93   93
    skewed, exponential            6       94   94   94               83   89   91            99   98   96
    one seed in ten fails, 0/1     1       28   41   65               27   41   66            27   41   66
    one seed in ten fails, 0/1     6       86   95   95               82   95   94            87   96   94

So: honest for scores that are roughly symmetric over seeds, 5 to 7 points short for strongly skewed ones on a single
task, and no method of three seeds sees a failure that none of the three shows (last rows). Skew matters less the more
tasks are averaged.

**Few seeds.** A task with one seed has no spread; it gets the spread pooled over the tasks that have several. If no
task has two seeds, error and interval are NaN and nothing can be told apart.

**Shared subjects.** Where the scores name the `subject` of each task, tasks that share one also share the luck of its
seed: their clusters of the same seed are added before they are squared (a cluster-robust variance). Without the column,
tasks count as independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Array = NDArray[np.float64]

LEVEL = 0.95
RESOLUTION = 1e-9
"""Smallest error taken seriously: scores that differ by less differ by rounding, not by merit."""


@dataclass(frozen=True)
class Estimate:
    """Means [rows] with their standard errors and degrees of freedom (NaN where there is no spread to go by)."""

    mean: Array
    error: Array
    df: Array

    def interval(self, level: float = LEVEL) -> tuple[Array, Array]:
        """Lower and upper end of the two-sided interval."""
        half = self.half_width(level)
        return self.mean - half, self.mean + half

    def half_width(self, level: float = LEVEL) -> Array:
        """Half the interval's width: the smallest difference from the mean that `level` tells apart."""
        error = np.where(self.error <= RESOLUTION, 0.0, self.error)
        return np.asarray(stats.t.ppf(0.5 + level / 2, self.df) * error, dtype=np.float64)

    def p_above(self, value: float = 0.0) -> Array:
        """One-sided p-values of "the mean is at most `value`"."""
        p = stats.t.sf((self.mean - value) / self.error, self.df)
        return np.asarray(self._at_least_sign_test(p), dtype=np.float64)

    def p_differs(self, value: float = 0.0) -> Array:
        """Two-sided p-values of "the mean is `value`"."""
        p = stats.t.sf(np.abs(self.mean - value) / self.error, self.df)
        return np.asarray(2 * self._at_least_sign_test(p), dtype=np.float64)

    def _at_least_sign_test(self, p: Array) -> Array:
        """Where all seeds agree to the last digit, a t test would be certain; what they show is a sign test's 2^-n."""
        agree = self.error <= RESOLUTION
        return np.where(agree, np.maximum(p, 0.5 ** (self.df + 1)), p)

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


@dataclass(frozen=True)
class Nesting:
    """How instances nest, as 0/1 matrices: instance -> cluster -> task -> subject, and cluster -> draw -> subject."""

    cluster: Array
    """[instances, clusters]; a cluster is a (task, seed)."""
    task: Array
    """[clusters, tasks]"""
    draw: Array
    """[clusters, draws]; a draw is a (subject, seed)."""
    subject: Array
    """[tasks, subjects]"""
    owner: Array
    """[draws, subjects]"""

    @classmethod
    def of(cls, instances: pd.DataFrame) -> Nesting:
        """The nesting of instances (columns family, task, seed, and `subject`; without it each task is its own)."""
        task = list(zip(instances["family"], instances["task"], strict=True))
        if "subject" in instances.columns:
            named = list(instances["subject"])
            subject = [(name,) if isinstance(name, str) else own for name, own in zip(named, task, strict=True)]
        else:
            subject = [tuple(own) for own in task]
        seed = list(instances["seed"])
        of_instance, clusters = _indicator(list(zip(task, seed, strict=True)))
        cluster_task, tasks = _indicator([task[at] for at in clusters])
        cluster_draw, draws = _indicator([(subject[at], seed[at]) for at in clusters])
        task_subject, subjects = _indicator([subject[clusters[at]] for at in tasks])
        order = [subject[clusters[tasks[at]]] for at in subjects]
        owner = np.zeros((len(draws), len(order)))
        for row, at in enumerate(draws):
            owner[row, order.index(subject[clusters[at]])] = 1.0
        return cls(of_instance, cluster_task, cluster_draw, task_subject, owner)


def _indicator(labels: list[tuple[object, ...]]) -> tuple[Array, list[int]]:
    """A 0/1 matrix [labels, different labels] and, for each different label, the place where it first occurs."""
    first: dict[tuple[object, ...], int] = {}
    for at, label in enumerate(labels):
        first.setdefault(label, at)
    column = {label: at for at, label in enumerate(first)}
    matrix = np.zeros((len(labels), len(first)))
    for at, label in enumerate(labels):
        matrix[at, column[label]] = 1.0
    return matrix, list(first.values())


def cluster_means(values: Array, nesting: Nesting) -> tuple[Array, Array]:
    """Means over the variants [rows, clusters], 0 where nothing was measured, and where something was, as 0/1."""
    measured = np.isfinite(values).astype(np.float64)
    count = measured @ nesting.cluster
    return np.where(measured > 0, values, 0.0) @ nesting.cluster / np.maximum(count, 1), (count > 0).astype(np.float64)


def task_weights(covered: Array, nesting: Nesting) -> tuple[Array, Array]:
    """Seeds per task and weights, both [rows, tasks]; covered tasks weigh the same, a row's weights add to 1."""
    seeds = covered @ nesting.task
    has = (seeds > 0).astype(np.float64)
    return seeds, has / np.maximum(has.sum(1, keepdims=True), 1)


def estimate(values: Array, nesting: Nesting) -> Estimate:
    """Means of values [rows, instances] over variants, then seeds, then tasks; errors from seeds within tasks.

    NaN values are left out. A row without any value has a NaN mean; a row without a task of two seeds a NaN error.
    """
    score, covered = cluster_means(values, nesting)
    seeds, weight = task_weights(covered, nesting)
    mean_of_task = (score * covered) @ nesting.task / np.maximum(seeds, 1)
    mean = np.where(weight.sum(1) > 0, (weight * mean_of_task).sum(1), np.nan)

    several = seeds > 1
    share = np.where(several, weight / np.maximum(seeds, 1), 0.0)
    deviation = covered * (score - mean_of_task @ nesting.task.T) * (share @ nesting.task.T)
    squares = (deviation @ nesting.draw) ** 2 @ nesting.owner
    n = np.where(several[:, :, None] & (nesting.subject > 0)[None], seeds[:, :, None], np.inf).min(1, initial=np.inf)
    free = np.where(np.isfinite(n), n - 1, 0.0)
    total = free.sum(1)
    with np.errstate(all="ignore"):
        variance = np.where(free > 0, squares * n / (n - 1), 0.0)
        held = (weight * several) @ nesting.subject
        lone = (((weight * ~several) @ nesting.subject) ** 2).sum(1)
        pooling = np.where(free > 0, free * n / held**2, 0.0) / total[:, None]
        part = (1 + lone[:, None] * pooling) * variance
        squared = part.sum(1)
        df = squared**2 / np.where(free > 0, part**2 / free, 0.0).sum(1)
    spread = squared > RESOLUTION**2
    error = np.where(spread, np.sqrt(squared), RESOLUTION)
    return Estimate(mean, np.where(total > 0, error, np.nan), np.where(total > 0, np.where(spread, df, total), np.nan))
