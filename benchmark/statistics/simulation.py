"""What the intervals and tests are worth, by simulation: the tables in the texts of this package.

    python -m benchmark.statistics.simulation         # prints them, in about a minute

Scores over seeds are drawn from laws with a known mean, and counted is how often an interval holds it, or how often a
board of methods that are equal in truth shows a difference. All draws have fixed generators.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from benchmark.statistics.comparisons import above, compare
from benchmark.statistics.intervals import LEVEL, estimate
from benchmark.statistics.nesting import Array, Nesting
from benchmark.statistics.rows import Grid
from benchmark.statistics.wide import over_questions

Law = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.floating]]

SEEDS = (3, 5, 10)
UNITS = (2, 3, 5, 8)
ENOUGH = (6, 10)
"""Fewer than six seeds of one task support no p-value below 5 %: they find nothing, true or false."""


def _second(shape: tuple[int, ...]) -> Array:
    """[rows, 1] 0 and 1 in turn."""
    return np.arange(shape[-2], dtype=np.float64)[:, None] % 2


def _alternately(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Exponential scores whose tail points down for one method and up for the next."""
    return np.asarray((1 - 2 * _second(shape)) * (1 - generator.exponential(size=shape)), dtype=np.float64)


LAWS: Mapping[str, Law] = MappingProxyType(
    {
        "normal": lambda g, shape: g.standard_normal(shape),
        "normal, spreads 1 to 4^-5": lambda g, s: g.standard_normal(s) * 4.0 ** -np.arange(s[-2])[:, None],
        "skewed, beta(8, 1)": lambda g, shape: g.beta(8, 1, shape) - 8 / 9,
        "skewed, exponential": lambda g, shape: 1 - g.exponential(size=shape),
        "exponential, tails both ways": _alternately,
        "exponential, each second a tenth": lambda g, s: (1 - g.exponential(size=s)) * 0.1 ** _second(s),
        "exponential, spreads 1 to 4^-10": lambda g, s: (1 - g.exponential(size=s)) * 4.0 ** -np.arange(s[-2])[:, None],
        "one seed in ten fails, 0/1": lambda g, shape: (g.random(shape) < 0.9) - 0.9,
    }
)
"""Laws of scores [..., rows, seeds], all of mean 0; tails point down, which is what makes a method look too good."""

COVERED = (
    *(("normal", 1), ("normal", 2), ("normal", 6), ("normal, spreads 1 to 4^-5", 6)),
    *(("skewed, beta(8, 1)", 1), ("skewed, beta(8, 1)", 2), ("skewed, beta(8, 1)", 6)),
    *(("skewed, exponential", 1), ("skewed, exponential", 2), ("skewed, exponential", 6)),
    *(("one seed in ten fails, 0/1", 1), ("one seed in ten fails, 0/1", 6)),
)
COMPARED = (
    *("normal", "skewed, beta(8, 1)", "skewed, exponential", "exponential, tails both ways"),
    *("exponential, each second a tenth", "exponential, spreads 1 to 4^-10", "one seed in ten fails, 0/1"),
)


def nesting(tasks: int, seeds: int, variants: int = 1) -> Nesting:
    """The nesting of a full design of one family, instances in the order of (task, variant, seed)."""
    rows = [("f", f"t{t}", f"v{v}", seed) for t in range(tasks) for v in range(variants) for seed in range(seeds)]
    return Nesting.of(pd.DataFrame(rows, columns=["family", "task", "variant", "seed"]))


def drawn(law: str, samples: int, rows: int, seeds: int) -> Array:
    """Scores [samples, rows, seeds] with a generator of their own."""
    return np.asarray(LAWS[law](np.random.default_rng([rows, seeds]), (samples, rows, seeds)), dtype=np.float64)


def _holds(low: Array, high: Array) -> float:
    """The share of intervals that hold 0."""
    return float(np.mean((low <= 1e-12) & (high >= -1e-12)))


def coverage(law: str, tasks: int, seeds: int, samples: int = 4000) -> tuple[float, float]:
    """How often the interval of `estimate` holds the true mean over tasks, and Student's with the same error does."""
    found = estimate(drawn(law, samples, tasks, seeds).reshape(samples, -1), nesting(tasks, seeds))
    half = stats.t.ppf(0.975, found.df) * found.error
    return _holds(*found.interval()), _holds(found.mean - half, found.mean + half)


def bootstrap_coverage(law: str, tasks: int, seeds: int, samples: int = 1000, resamples: int = 400) -> float:
    """The same for the percentile bootstrap that draws seeds within tasks."""
    values, generator = drawn(law, samples, tasks, seeds), np.random.default_rng(0)
    means = np.zeros((samples, resamples))
    for task in range(tasks):
        chosen = generator.integers(0, seeds, (samples, resamples, seeds))
        means += np.take_along_axis(values[:, task, None, :], chosen, 2).mean(2) / tasks
    low, high = np.quantile(means, [0.025, 0.975], axis=1)
    return _holds(low, high)


def wide_coverage(tasks: int, variants: int, seeds: int = 3, samples: int = 4000) -> float:
    """How often the interval over questions holds the mean of the questions' law: spreads of .2 between tasks or, where
    there is one, between variants, .05 between seeds (shared by a task's variants) and .05 between cells."""
    generator, shape = np.random.default_rng([tasks, variants, seeds]), (samples, tasks, variants, seeds)
    values = 0.05 * generator.standard_normal(shape)
    values += 0.05 * generator.standard_normal((samples, tasks, 1, seeds))
    values += 0.2 * generator.standard_normal((samples, tasks, variants, 1) if tasks == 1 else (samples, tasks, 1, 1))
    found = over_questions(values.reshape(samples, -1), nesting(tasks, seeds, variants))
    return _holds(*found.interval())


def board(scores: Array, tasks: int = 1) -> Grid:
    """A grid of scores [methods, tasks * seeds], without references, luck of random explanations, or blind spread."""
    seeds = scores.shape[1] // tasks
    rows = [("f", f"t{task}", "v", seed) for task in range(tasks) for seed in range(seeds)]
    table = pd.DataFrame(rows, columns=["family", "task", "variant", "seed"])
    names, none = tuple(f"m{at}" for at in range(len(scores))), np.zeros_like(scores)
    reference = np.zeros(len(scores), dtype=bool)
    return Grid(names, reference, table, scores, none, np.full_like(scores, np.nan), scores, none, none[0])


def false_separations(law: str, seeds: int, boards: int = 500, methods: int = 11) -> float:
    """The share of boards of equal methods, on one task, on which any two are told apart."""
    where = nesting(1, seeds)
    return float(np.mean([compare(board(one), where).better.any() for one in drawn(law, boards, methods, seeds)]))


def false_discoveries(law: str, seeds: int, boards: int = 500, methods: int = 11) -> float:
    """The share of boards of methods whose true skill is 0, on one task, on which any is found above 0."""
    where, values = nesting(1, seeds), drawn(law, boards, methods, seeds)
    if methods == 1:
        return float(np.mean(above(values[:, 0], where, together=False) < 1 - LEVEL))
    return float(np.mean([(above(one, where) < 1 - LEVEL).any() for one in values]))


def _percent(shares: Sequence[float]) -> str:
    return "".join(f"{100 * share:5.0f}" for share in shares)


def tables() -> Iterator[str]:
    """The lines of all tables."""
    yield "coverage of 95 % intervals: this, Student's, the bootstrap's, with 3, 5 and 10 seeds\n"
    for law, tasks in COVERED:
        both = [coverage(law, tasks, seeds) for seeds in SEEDS]
        resampled = [bootstrap_coverage(law, tasks, seeds) for seeds in SEEDS]
        columns = ([ours for ours, _ in both], [student for _, student in both], resampled)
        yield f"    {law:<27}{tasks:5}   " + "     ".join(_percent(each) for each in columns)
    yield "\ncoverage of the wide interval with 2, 3, 5 and 8 units\n"
    for name, shapes in (("tasks", [(n, 1) for n in UNITS]), ("variants", [(1, n) for n in UNITS])):
        yield f"    {name:<8}" + "".join(f"{100 * wide_coverage(*shape):6.0f}" for shape in shapes)
    yield "\nfalse separations of 3 and 11 methods, false discoveries of 1 and 11 methods, with 6 and 10 seeds\n"
    for law in COMPARED:
        three, ranks = ([false_separations(law, seeds, methods=n) for seeds in ENOUGH] for n in (3, 11))
        one = [false_discoveries(law, seeds, 10000, 1) for seeds in ENOUGH]
        eleven = [false_discoveries(law, seeds) for seeds in ENOUGH]
        yield f"    {law:<34}" + "       ".join(_percent(each) for each in (three, ranks, one, eleven))


if __name__ == "__main__":
    for line in tables():
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
