"""What each draw adds to a mean."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from benchmark.statistics.intervals import estimate
from benchmark.statistics.nesting import Nesting, contributions, draws_of, lone


def instances(seeds: dict[str, int], subject: dict[str, str] | None = None) -> pd.DataFrame:
    """Two variants of each task."""
    rows = [("f", task, v, seed) for task, count in seeds.items() for v in "vw" for seed in range(count)]
    table = pd.DataFrame(rows, columns=["family", "task", "variant", "seed"])
    return table.assign(subject=table["task"].map(subject)) if subject else table


@given(seed=st.integers(0, 99), hole=st.integers(0, 19))
def test_the_draws_add_up_to_the_mean(seed: int, hole: int) -> None:
    where = Nesting.of(instances({"t": 3, "u": 7}))
    values = np.random.default_rng(seed).random((2, 20))
    values[0, hole] = np.nan
    parts = contributions(values, where)
    assert parts.shape == (2, 10)
    np.testing.assert_allclose(parts.sum(1), estimate(values, where).mean)


def test_tasks_of_one_subject_share_its_draws() -> None:
    where = Nesting.of(instances({"t": 3, "u": 3}, {"t": "s", "u": "s"}))
    values = np.random.default_rng(0).random((1, 12))
    per_seed = values.reshape(4, 3).mean(0)
    np.testing.assert_allclose(contributions(values, where), per_seed[None] / 3)
    assert draws_of(values, where).tolist() == [3]
    assert draws_of(values, Nesting.of(instances({"t": 3, "u": 3}))).tolist() == [6]


def test_a_row_with_a_task_of_one_seed_has_none() -> None:
    where = Nesting.of(instances({"t": 3, "u": 1}))
    values = np.ones((3, 8))
    values[1, 6:] = np.nan
    values[2] = np.nan
    assert lone(values, where).tolist() == [True, False, False]
    assert np.isnan(contributions(values, where)).all(1).tolist() == [True, False, True]
