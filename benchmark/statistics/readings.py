"""How a method's place on a task moves when it is asked or read otherwise.

    readings(scores)      a row for each task, method and other reading

What is explained (logit, probability, loss), from which neutral input, with which sign and over which channels is no
part of a method, and papers differ in it. The method takes its own place in the ranking of the task; all others keep
theirs.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from benchmark.statistics.intervals import estimate
from benchmark.statistics.rows import Ranked, as_ranked, grid

COLUMNS = (
    *("family", "task", "method", "choice", "way", "skill", "change", "change_low", "change_high"),
    *("rank", "rank_plain", "methods", "unsupported"),
)
OTHERWISE = re.compile(r"([^@]+)@([a-z_]+)-(\w+)$")
"""The name of a method in another reading; one at a smaller budget is called `name@4x`."""


def readings(scores: pd.DataFrame | Ranked) -> pd.DataFrame:
    """Skill and rank of methods in other readings, in the columns `COLUMNS`.

    choice, way                      what is otherwise, and how: "target", "probability"
    skill                            mean over the task's ranked instances; missing where it declined all of them
    change, change_low, change_high  skill above that of the plain reading, and its 95 % interval over seeds
    rank, rank_plain                 place among the task's ranked methods, in this reading and in the plain one
    methods                          so many are ranked
    unsupported                      instances that it declined
    """
    rows = as_ranked(scores)
    table: list[dict[str, object]] = []
    named = {name: found.groups() for name in rows["method"].unique() if (found := OTHERWISE.match(str(name)))}
    plain = rows[rows["method"].isin([name for name in rows["method"].unique() if "@" not in name])]
    otherwise = rows[rows["method"].isin(list(named))]
    plainly = dict(list(plain.groupby(["family", "task"])))
    for (family, task), part in otherwise.groupby(["family", "task"], sort=True):
        beside = plainly.get((family, task), plain[:0])
        whole = grid(pd.concat([beside, part], ignore_index=True))
        means = dict(zip(whole.methods, estimate(whole.skill, whole.nesting).mean, strict=True))
        places = {name: place for place, name in enumerate(whole.methods)}
        ranked = {name for name, is_one in zip(whole.methods, whole.reference, strict=True) if not is_one}
        ranked &= set(beside["method"])
        for full in sorted(part["method"].unique(), key=lambda name: named[name]):
            base, choice, way = named[full]
            if base not in places:
                continue
            difference = estimate(whole.skill[[places[full]]] - whole.skill[[places[base]]], whole.nesting)
            low, high = (float(end[0]) for end in difference.interval())
            others = [means[name] for name in ranked - {base}]
            table.append(
                {
                    "family": family,
                    "task": task,
                    "method": base,
                    "choice": choice,
                    "way": way,
                    "skill": means[full],
                    "change": float(difference.mean[0]),
                    "change_low": low,
                    "change_high": high,
                    "rank": _place(means[full], others),
                    "rank_plain": _place(means[base], others),
                    "methods": len(others) + 1,
                    "unsupported": int(part.loc[part["method"].eq(full), "status"].eq("unsupported").sum()),
                }
            )
    return pd.DataFrame(table, columns=list(COLUMNS))


def _place(mean: float, others: list[float]) -> float:
    """One more than there are better ones; missing where nothing is known."""
    return np.nan if np.isnan(mean) else 1.0 + sum(other > mean for other in others)
