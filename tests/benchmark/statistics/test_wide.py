"""Intervals over variants and tasks in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmark.statistics.intervals import estimate
from benchmark.statistics.simulation import nesting
from benchmark.statistics.wide import over_questions, units_of


def test_tasks_are_the_units_where_there_are_several() -> None:
    values = np.random.default_rng(0).random((1, 24))
    where = nesting(4, 3, 2)
    means = values.reshape(4, 6).mean(1)
    found = over_questions(values, where)
    np.testing.assert_allclose([found.mean[0], found.error[0], found.df[0]], [means.mean(), stats.sem(means), 3])
    assert units_of(values, where, over_questions(values, where)) == ["tasks"]


def test_variants_are_the_units_of_one_task_and_its_seeds_are_added() -> None:
    values = np.random.default_rng(0).random((1, 15))
    where = nesting(1, 3, 5)
    means = values.reshape(5, 3).mean(1)
    seeds = estimate(values, where)
    found = over_questions(values, where)
    np.testing.assert_allclose(found.error[0], np.hypot(stats.sem(means), seeds.error[0]))
    assert min(2, 4) < found.df[0] < 2 + 4
    assert units_of(values, where, over_questions(values, where)) == ["variants"]


def test_a_method_on_one_of_two_tasks_has_variants_for_units() -> None:
    values = np.random.default_rng(0).random((2, 24))
    values[1, 12:] = np.nan
    assert units_of(values, nesting(2, 3, 4), over_questions(values, nesting(2, 3, 4))) == ["tasks", "variants"]
    np.testing.assert_allclose(
        over_questions(values, nesting(2, 3, 4)).error[1], over_questions(values[1:, :12], nesting(1, 3, 4)).error[0]
    )


@pytest.mark.parametrize(("tasks", "seeds", "variants"), [(1, 3, 1), (1, 1, 4), (3, 1, 4)])
def test_one_question_or_one_seed_has_none(tasks: int, seeds: int, variants: int) -> None:
    values = np.random.default_rng(0).random((1, tasks * seeds * variants))
    found = over_questions(values, nesting(tasks, seeds, variants))
    assert np.isnan([found.error[0], found.df[0]]).all()
    assert units_of(
        values, nesting(tasks, seeds, variants), over_questions(values, nesting(tasks, seeds, variants))
    ) == [""]


def test_questions_that_agree_leave_the_seeds() -> None:
    values = np.tile([0.1, 0.4, 0.9], 5)[None]
    where = nesting(1, 3, 5)
    np.testing.assert_allclose(over_questions(values, where).error, estimate(values, where).error)
