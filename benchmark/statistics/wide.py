"""Would it hold on other variants and tasks like these? Intervals over what was asked, beside those over retraining.

    wide = over_questions(grid.skill, nesting)
    low, high = wide.interval()

`intervals.estimate` answers for *these* variants on other seeds: tasks and variants are fixed, and their spread, often
ten times that of seeds, does not enter. Here they are a sample of the questions that could have been asked.

**Two tasks or more**: the task is the unit, whatever lies below it is in the spread of the tasks' means ȳ_t,

    se² = Σ_t (ȳ_t - ȳ)² / (T - 1) / T,    df = T - 1.

With two tasks that is nearly no statement, and so it should be. **One task**: its V variants are the units. They share
their seeds, so what a seed does to all of them does not show in their spread and is added,

    se² = Σ_v (ȳ_v - ȳ)² / (V - 1) / V + se²(retraining),    df by Satterthwaite,

which counts the noise of single cells twice and is a little wide for it. It speaks of other variants of that one task
and not of other tasks; the tables' column `wide_over` says which of the two it is. **One variant of one task**: NaN.

Nobody drew these tasks from a hat: "like these" is as far as such an interval reaches. Coverage in percent of the
nominal 95 (skills with spreads of .2 between questions, .05 between seeds and .05 between cells; 3 seeds):

    units        2     3     5     8
    tasks       95    99    99    99
    variants    98    99    99    99
"""

from __future__ import annotations

import numpy as np

from benchmark.statistics.intervals import RESOLUTION, Estimate, estimate
from benchmark.statistics.nesting import Array, Nesting, cluster_means, group_means, task_weights


def over_questions(values: Array, nesting: Nesting) -> Estimate:
    """Means of values [rows, instances] with errors over tasks, or over variants for a row of one task.

    NaN errors for a row of one variant, and for one that covers a task on one seed only.
    """
    seeded = estimate(values, nesting)
    score, covered = cluster_means(values, nesting)
    seeds, weight = task_weights(covered, nesting)
    of_task = (score * covered) @ nesting.task / np.maximum(seeds, 1)
    of_variant, asked = group_means(values, nesting.variant)
    tasks, between_tasks = _spread(of_task, (weight > 0).astype(np.float64))
    variants, between_variants = _spread(of_variant, asked)
    with np.errstate(all="ignore"):
        inner = between_variants + seeded.error**2
        df = inner**2 / (between_variants**2 / (variants - 1) + seeded.error**4 / seeded.df)
        several = tasks > 1
        squared = np.where(several, between_tasks, inner)
        free = np.where(several, tasks - 1, df)
    known = (several | (variants > 1)) & ~(seeds == 1).any(1)
    error = np.maximum(np.sqrt(np.where(known, squared, np.nan)), RESOLUTION)
    return Estimate(seeded.mean, error, np.where(known, free, np.nan))


def units_of(values: Array, nesting: Nesting, wide: Estimate) -> list[str]:
    """What the interval `wide` of each row is over: "tasks", "variants", or "" where there is none."""
    _, covered = cluster_means(values, nesting)
    tasks = ((covered @ nesting.task) > 0).sum(1)
    known = np.isfinite(wide.error)
    return [("tasks" if count > 1 else "variants") if has else "" for count, has in zip(tasks, known, strict=True)]


def _spread(means: Array, has: Array) -> tuple[Array, Array]:
    """How many units each row has, and the squared error of their mean."""
    count = has.sum(1)
    centre = (means * has).sum(1) / np.maximum(count, 1)
    squares = (has * (means - centre[:, None]) ** 2).sum(1)
    with np.errstate(all="ignore"):
        return count, np.where(count > 1, squares / (count - 1) / count, np.nan)
