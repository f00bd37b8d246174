"""The coverage printed in `benchmark.statistics.intervals` is measured again, and the bootstraps' too."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats

from benchmark.statistics import intervals
from benchmark.statistics.comparisons import chance, compare
from benchmark.statistics.intervals import Nesting, estimate
from benchmark.statistics.rows import Grid

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]

SAMPLES = 4000
DATA: dict[str, tuple[Draw, float]] = {
    "normal": (lambda g, shape: g.standard_normal(shape), 0.0),
    "normal, spreads 1 to 4^-5": (lambda g, s: g.standard_normal(s) * 4.0 ** -np.arange(s[1])[None, :, None], 0.0),
    "skewed, beta(8, 1)": (lambda g, shape: g.beta(8, 1, shape), 8 / 9),
    "skewed, exponential": (lambda g, shape: g.exponential(size=shape), 1.0),
    "one seed in ten fails, 0/1": (lambda g, shape: (g.random(shape) < 0.9).astype(float), 0.9),
}
PRINTED = re.findall(r"^    (\S.*?) {2,}(\d+)((?: +\d+){9})$", intervals.__doc__ or "", flags=re.MULTILINE)


def nesting(tasks: int, seeds: int, subject: str | None = None) -> Nesting:
    rows = [("f", f"t{task}", "v", seed) for task in range(tasks) for seed in range(seeds)]
    table = pd.DataFrame(rows, columns=["family", "task", "variant", "seed"])
    return Nesting.of(table.assign(subject=subject) if subject else table)


def coverage(values: Array, truth: float, where: Nesting) -> float:
    low, high = estimate(values.reshape(len(values), -1), where).interval()
    return float(np.mean((low <= truth + 1e-12) & (truth - 1e-12 <= high)))


def test_the_whole_table_is_found() -> None:
    assert len(PRINTED) == 12


@pytest.mark.parametrize(("data", "tasks", "printed"), PRINTED, ids=lambda value: str(value).strip())
def test_coverage_is_what_the_text_says(data: str, tasks: str, printed: str) -> None:
    draw, truth = DATA[data]
    for seeds, percent in zip((3, 5, 10), printed.split()[:3], strict=True):
        values = draw(np.random.default_rng([seeds, int(tasks)]), (SAMPLES, int(tasks), seeds))
        measured = 100 * coverage(values, truth, nesting(int(tasks), seeds))
        assert measured == pytest.approx(float(percent), abs=2.5 if "fails" in data else 1.7)


@pytest.mark.parametrize(
    ("data", "tasks", "seeds", "percentile", "stretched"), [("normal", 1, 3, 0.75, 0.95), ("normal", 6, 3, 0.87, 0.999)]
)
def test_the_bootstrap_is_what_the_text_says(
    data: str, tasks: int, seeds: int, percentile: float, stretched: float
) -> None:
    draws = np.random.default_rng(0)
    values = DATA[data][0](draws, (1000, tasks, seeds))
    resampled = np.zeros((1000, 400))
    for task in range(tasks):
        chosen = draws.integers(0, seeds, (1000, 400, seeds))
        resampled += np.take_along_axis(values[:, task, None, :], chosen, 2).mean(2) / tasks
    low, high = np.quantile(resampled, [0.025, 0.975], axis=1)
    mean = values.mean((1, 2))
    factor = stats.t.ppf(0.975, seeds - 1) / stats.norm.ppf(0.975) * np.sqrt(seeds / (seeds - 1))
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(percentile, abs=0.04)
    wide = (mean + factor * (low - mean) <= 0) & (mean + factor * (high - mean) >= 0)
    assert np.mean(wide) == pytest.approx(stretched, abs=0.025)


def test_borrowed_spread_covers() -> None:
    rows = [("f", f"t{task}", "v", seed) for task, count in enumerate((4, 4, 4, 1)) for seed in range(count)]
    where = Nesting.of(pd.DataFrame(rows, columns=["family", "task", "variant", "seed"]))
    values = np.random.default_rng(0).standard_normal((SAMPLES, len(rows)))
    assert 0.94 < coverage(values, 0.0, where) < 0.97


def test_shared_subjects_cover_only_where_they_are_named() -> None:
    draws = np.random.default_rng(0)
    luck = draws.standard_normal((SAMPLES, 1, 5))
    values = luck + 0.3 * draws.standard_normal((SAMPLES, 4, 5))
    assert 0.94 < coverage(values, 0.0, nesting(4, 5, subject="shared")) < 0.97
    assert coverage(values, 0.0, nesting(4, 5)) < 0.8


def board(skills: Array, luck: Array | float, tasks: int, seeds: int) -> Grid:
    rows = [("f", f"t{task}", "v", seed) for task in range(tasks) for seed in range(seeds)]
    table = pd.DataFrame(rows, columns=["family", "task", "variant", "seed"])
    names = tuple(f"m{at}" for at in range(len(skills)))
    spread, untold = np.broadcast_to(luck, skills.shape).astype(float), np.full_like(skills, np.nan)
    return Grid(names, np.zeros(len(skills), dtype=bool), table, skills, spread, untold, skills, spread)


@pytest.mark.parametrize(("tasks", "seeds"), [(1, 3), (2, 3), (6, 5)])
def test_random_explanations_seldom_beat_chance(tasks: int, seeds: int) -> None:
    skills = 0.1 * np.random.default_rng(0).standard_normal((SAMPLES, tasks * seeds))
    found = board(skills, 0.1, tasks, seeds)
    assert np.mean(chance(found, nesting(tasks, seeds)) < 0.05) < 0.05


def test_equal_methods_are_seldom_told_apart() -> None:
    draws = np.random.default_rng(0)
    where = nesting(2, 3)
    wrong = [compare(board(draws.standard_normal((4, 6)), 0.1, 2, 3), where).better.any() for _ in range(400)]
    assert np.mean(wrong) < 0.05
