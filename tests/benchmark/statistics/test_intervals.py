"""Closed forms of means, errors and degrees of freedom."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmark.statistics.intervals import Estimate, estimate, sample
from benchmark.statistics.nesting import Nesting


def instances(seeds: dict[str, int], variants: int = 1, subject: dict[str, str] | None = None) -> pd.DataFrame:
    """One row per task, variant and seed, in that order."""
    rows = [(task, f"v{v}", seed) for task, count in seeds.items() for v in range(variants) for seed in range(count)]
    table = pd.DataFrame(rows, columns=["task", "variant", "seed"]).assign(family="f")
    return table.assign(subject=table["task"].map(subject)) if subject else table


def student(found: Estimate) -> Estimate:
    """The same estimate with degrees of freedom that make its interval Student's: cautious(4 df - 3) = df."""
    return Estimate(found.mean, found.error, 4 * found.df - 3)


def test_a_quarter_of_the_degrees_of_freedom_is_used() -> None:
    found = sample([0.3, 0.5, 0.4, 0.9, 0.1, 0.2, 0.7, 0.8, 0.6, 0.55])
    assert found.df == 9
    assert found.cautious == 3
    np.testing.assert_allclose(found.half_width(), stats.t.ppf(0.975, 3) * found.error)


@pytest.mark.parametrize("value", [0.0, 0.3, 0.45, 2.0])
def test_the_p_value_says_whether_the_interval_leaves_a_value_out(value: float) -> None:
    found = sample([0.3, 0.5, 0.4, 0.55])
    low, high = found.interval()
    assert (found.p_differs(value)[0] < 0.05) == (not low[0] <= value <= high[0])


def test_one_task_gives_the_t_interval() -> None:
    values = np.array([0.3, 0.5, 0.4, 0.9])
    found = student(estimate(values[None], Nesting.of(instances({"t": 4}))))
    low, high = found.interval()
    np.testing.assert_allclose([low[0], high[0]], stats.t.interval(0.95, 3, values.mean(), stats.sem(values)))
    np.testing.assert_allclose(found.p_differs(0.2), stats.ttest_1samp(values, 0.2).pvalue)
    alone = student(sample(values))
    np.testing.assert_allclose([alone.mean, alone.error, alone.df], [found.mean, found.error, found.df])


def test_two_tasks_give_welchs_interval() -> None:
    left, right = np.array([0.3, 0.5, 0.4]), np.array([0.1, 0.9, 0.8, 0.4, 0.6])
    found = estimate(np.concatenate([left, right])[None], Nesting.of(instances({"t": 3, "u": 5})))
    welch = stats.ttest_ind(left, -right, equal_var=False)  # the sum of the means is twice the estimate
    np.testing.assert_allclose(found.mean, (left.mean() + right.mean()) / 2)
    np.testing.assert_allclose(found.df, welch.df)
    np.testing.assert_allclose(student(found).p_differs(), welch.pvalue)
    np.testing.assert_allclose(student(sample(left).minus(sample(-right))).p_differs(), welch.pvalue)


def test_variants_are_averaged_before_seeds_and_seeds_before_tasks() -> None:
    nesting = Nesting.of(instances({"t": 2, "u": 4}, variants=2))
    t = np.array([[0.0, 0.2], [0.4, 0.6]])  # variant x seed
    u = np.full((2, 4), 0.9)
    found = estimate(np.concatenate([t.ravel(), u.ravel()])[None], nesting)
    np.testing.assert_allclose(found.mean, (0.3 + 0.9) / 2)
    np.testing.assert_allclose(found.error, np.std([0.2, 0.4], ddof=1) / np.sqrt(2) / 2)
    np.testing.assert_allclose(found.df, 1)


def test_what_was_not_measured_is_left_out() -> None:
    nesting = Nesting.of(instances({"t": 3, "u": 3}, variants=2))
    values = np.random.default_rng(0).random((1, 12))
    partial = values.copy()
    partial[0, 6:] = np.nan
    alone = estimate(values[:, :6], Nesting.of(instances({"t": 3}, variants=2)))
    found = estimate(partial, nesting)
    np.testing.assert_allclose([found.mean, found.error, found.df], [alone.mean, alone.error, alone.df])
    nothing = estimate(np.full((1, 12), np.nan), nesting)
    assert np.isnan([nothing.mean, nothing.error, nothing.df]).all()


@pytest.mark.parametrize("seeds", [{"t": 3, "u": 1}, {"t": 1, "u": 1}, {"t": 9, "u": 9, "w": 1}])
def test_a_row_with_a_task_of_one_seed_has_a_mean_and_no_interval(seeds: dict[str, int]) -> None:
    table = instances(seeds)
    values = np.random.default_rng(0).random((1, len(table)))
    found = estimate(values, Nesting.of(table))
    np.testing.assert_allclose(found.mean, table.assign(value=values[0]).groupby("task")["value"].mean().mean())
    assert np.isnan([*found.error, *found.df, *found.interval()[0], *found.p_differs()]).all()


def test_a_row_that_leaves_the_task_of_one_seed_out_keeps_its_interval() -> None:
    values = np.array([[0.3, 0.5, 0.4, np.nan], [0.3, 0.5, 0.4, 0.4]])
    found = estimate(values, Nesting.of(instances({"t": 3, "u": 1})))
    np.testing.assert_allclose(found.error[0], sample(values[0, :3]).error[0])
    assert np.isnan(found.error[1])
    assert np.isnan(sample([0.4]).interval()).all()


def test_tasks_of_one_subject_share_its_luck() -> None:
    values = np.array([0.3, 0.5, 0.4])
    twice = np.concatenate([values, values])[None]
    shared = estimate(twice, Nesting.of(instances({"t": 3, "u": 3}, subject={"t": "s", "u": "s"})))
    apart = estimate(twice, Nesting.of(instances({"t": 3, "u": 3}, subject={"t": "s", "u": "r"})))
    once = sample(values)
    np.testing.assert_allclose([shared.error, shared.df], [once.error, once.df])
    np.testing.assert_allclose([apart.error, apart.df], [once.error / np.sqrt(2), 2 * once.df])


def test_subjects_named_once_each_change_nothing() -> None:
    values = np.random.default_rng(0).random((4, 12))
    plain = estimate(values, Nesting.of(instances({"t": 3, "u": 3}, variants=2)))
    named = estimate(values, Nesting.of(instances({"t": 3, "u": 3}, variants=2, subject={"t": "s", "u": "r"})))
    np.testing.assert_allclose([plain.mean, plain.error, plain.df], [named.mean, named.error, named.df])


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1 + 0.2])
def test_no_spread_is_an_interval_of_no_width_and_rounding_is_no_difference(value: float) -> None:
    found = estimate(np.full((1, 3), value), Nesting.of(instances({"t": 3})))
    low, high = found.interval()
    assert low[0] == high[0] == pytest.approx(value)
    assert found.p_differs(round(value, 12))[0] > 0.9
