"""Invented tables of scores in the long format."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

REFERENCES = {"random": 0.0, "oracle": 1.0}


def long_table(
    skill_of: Callable[[str, str, str, int], float],
    *,
    methods: Sequence[str] = ("a", "b", "c"),
    tasks: Sequence[str] = ("t1", "t2", "t3"),
    variants: Sequence[str] = ("v", "w"),
    seeds: Sequence[int] = (0, 1, 2),
    family: str = "family",
    floor: float = 0.5,
    ceiling: float = 1.0,
) -> pd.DataFrame:
    """All combinations, and the references, with the skill that `skill_of(method, task, variant, seed)` says."""
    rows = []
    for task in tasks:
        for variant in variants:
            for seed in seeds:
                for method in (*methods, *REFERENCES):
                    skill = REFERENCES[method] if method in REFERENCES else skill_of(method, task, variant, seed)
                    rows.append(
                        {
                            **{"family": family, "task": task, "variant": variant, "method": method, "seed": seed},
                            **{"metric": "accuracy", "primary": True, "value": floor + skill * (ceiling - floor)},
                            **{"floor": floor, "blind": np.nan, "ceiling": ceiling, "skill": skill, "status": "ok"},
                            **{"chance_skill": skill, "reason": "", "control": False},
                            **{"seconds": 2.0, "model_calls": 10.0, "peak_memory_mb": 100.0 + seed},
                            **{"floor_sd": 0.01, "certified": True, "ranked": True, "reference": method in REFERENCES},
                        }
                    )
    return pd.DataFrame(rows)


def noisy(quality: dict[str, float], *, noise: float = 0.02, seed: int = 0, **options: object) -> pd.DataFrame:
    """A table in which a method's skill is its quality plus noise."""
    draws = np.random.default_rng(seed)
    return long_table(
        lambda method, *_: quality[method] + noise * draws.standard_normal(), methods=list(quality), **options
    )  # type: ignore[arg-type]


def change(table: pd.DataFrame, mask: pd.Series, **values: object) -> pd.DataFrame:
    """A copy with other values in the columns of the rows under a mask."""
    copy = table.copy()
    for column, value in values.items():
        copy.loc[mask, column] = value
    return copy
