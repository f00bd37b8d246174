"""The tables printed in this package's texts are measured again, and nothing is found too often."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import comparisons, intervals, wide
from benchmark.statistics.comparisons import by_luck, compare, ranks
from benchmark.statistics.intervals import estimate
from benchmark.statistics.nesting import Nesting
from benchmark.statistics.simulation import (
    COMPARED,
    COVERED,
    ENOUGH,
    SEEDS,
    UNITS,
    board,
    bootstrap_coverage,
    coverage,
    drawn,
    false_discoveries,
    false_separations,
    nesting,
    wide_coverage,
)

ROW = r"^    (\S.*?) {2,}(\d[\d ]*)$"
FAILS = "one seed in ten fails, 0/1"


def printed(module: object) -> dict[str, list[list[int]]]:
    """The rows of a module's table: first words to the numbers of each row that begins with them."""
    found: dict[str, list[list[int]]] = {}
    for name, numbers in re.findall(ROW, module.__doc__ or "", flags=re.MULTILINE):
        found.setdefault(name, []).append([int(number) for number in numbers.split()])
    return found


COVERAGE = {(law, row[0]): row[1:] for law, rows in printed(intervals).items() for row in rows}
DISCOVERIES = {law: rows[0] for law, rows in printed(comparisons).items()}


def test_the_whole_tables_are_found() -> None:
    assert set(COVERAGE) == set(COVERED)
    assert all(len(row) == 9 for row in COVERAGE.values())
    assert set(DISCOVERIES) == set(COMPARED)
    assert all(len(row) == 8 for row in DISCOVERIES.values())


@pytest.mark.parametrize(("law", "tasks"), COVERED)
def test_coverage_is_what_the_text_says_and_not_below_the_nominal(law: str, tasks: int) -> None:
    for place, seeds in enumerate(SEEDS):
        ours, student = (100 * share for share in coverage(law, tasks, seeds))
        assert ours == pytest.approx(COVERAGE[law, tasks][place], abs=0.6)
        assert student == pytest.approx(COVERAGE[law, tasks][3 + place], abs=0.6)
        assert ours >= student
        assert ours > 94 or law == FAILS


@pytest.mark.parametrize(("law", "tasks", "seeds"), [("normal", 1, 3), ("skewed, exponential", 6, 5)])
def test_the_bootstrap_is_what_the_text_says(law: str, tasks: int, seeds: int) -> None:
    said = COVERAGE[law, tasks][6 + SEEDS.index(seeds)]
    assert 100 * bootstrap_coverage(law, tasks, seeds) == pytest.approx(said, abs=0.6)


def test_wide_coverage_is_what_the_text_says_and_not_below_the_nominal() -> None:
    for name, shape in (("tasks", lambda n: (n, 1)), ("variants", lambda n: (1, n))):
        measured = [100 * wide_coverage(*shape(count)) for count in UNITS]
        assert measured == pytest.approx(printed(wide)[name][0], abs=0.6)
        assert min(measured) > 94


@pytest.mark.parametrize("law", [law for law in COMPARED if law != FAILS])
@pytest.mark.parametrize("seeds", ENOUGH)
def test_equal_methods_are_seldom_told_apart_or_found_above_nothing(law: str, seeds: int) -> None:
    place = ENOUGH.index(seeds)
    one = false_discoveries(law, seeds, 10000, 1)
    assert 100 * one == pytest.approx(DISCOVERIES[law][4 + place], abs=0.6)
    assert one < 0.055
    few = 100
    noise = 2.5 * np.sqrt(0.05 * 0.95 / few)
    assert false_separations(law, seeds, few) < 0.05 + noise
    assert false_discoveries(law, seeds, few) < 0.05 + noise


@pytest.mark.parametrize("law", COMPARED)
@pytest.mark.parametrize("seeds", [3, 5])
def test_fewer_than_six_seeds_of_one_task_find_nothing_true_or_false(law: str, seeds: int) -> None:
    assert false_separations(law, seeds, 20) == 0
    assert false_discoveries(law, seeds, 1000, 1) == 0
    assert not compare(board(10.0 * np.arange(3)[:, None] + np.ones(seeds)), nesting(1, seeds)).better.any()


def test_a_failure_that_no_seed_shows_is_not_seen() -> None:
    assert false_discoveries(FAILS, 10, 2000, 1) == pytest.approx(0.9**10, abs=0.03)


@pytest.mark.parametrize("spread", [1.0, 3.0, 10.0])
def test_a_task_of_one_seed_separates_nobody_however_its_spread_differs(spread: float) -> None:
    rows = [("f", "t0", "v", seed) for seed in range(10)] + [("f", "t1", "v", 0)]
    instances = pd.DataFrame(rows, columns=["family", "task", "variant", "seed"])
    where = Nesting.of(instances)
    for scores in drawn("normal", 20, 5, 11):
        scores[:, 10] *= spread
        shown = board(scores)
        place = ranks(compare(shown, where), np.arange(5))
        assert place.low.tolist() == [1] * 5
        assert place.high.tolist() == [5] * 5
        assert np.isnan(estimate(shown.skill, where).interval()[0]).all()


def test_shared_subjects_cover_only_where_they_are_named() -> None:
    draws = np.random.default_rng(0)
    values = draws.standard_normal((4000, 1, 5)) + 0.3 * draws.standard_normal((4000, 4, 5))
    rows = [("f", f"t{task}", "v", seed) for task in range(4) for seed in range(5)]
    instances = pd.DataFrame(rows, columns=["family", "task", "variant", "seed"])

    def covered(where: Nesting) -> float:
        low, high = estimate(values.reshape(4000, -1), where).interval()
        return float(np.mean((low <= 0) & (high >= 0)))

    assert covered(Nesting.of(instances.assign(subject="shared"))) > 0.95
    assert covered(Nesting.of(instances)) < 0.85


def test_a_random_explanation_seldom_reaches_what_random_explanations_do_not() -> None:
    scores = 0.1 * drawn("normal", 1, 4000, 3)[0]
    shown = board(scores)
    lucky = by_luck(type(shown)(**{**vars(shown), "luck": np.full_like(scores, 0.1)}), nesting(1, 3))
    assert np.mean(lucky < 0.05) == pytest.approx(0.05, abs=0.015)
