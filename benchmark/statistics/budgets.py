"""Learned methods at several budgets: skill against cost, and whether more would still help.

    at_largest(scores)      the rows that rank: each method at the largest budget that ran
    budget_curve(scores)    a row for each family, learned method and budget

A method that is ranked at some budget may owe its place to it. So a learned method runs at several multiples of its own
budget, and is **still rising** where the last step up gained more than its noise: the 95 % interval of the gain, over
seeds, lies above 0. Where a task has one seed, nobody knows.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.statistics.intervals import estimate
from benchmark.statistics.rows import INSTANCE, Ranked, as_ranked, grid

COLUMNS = (
    *("family", "method", "budget", "skill", "chance_skill", "seconds", "gain", "gain_low", "gain_high", "rising"),
)


def at_largest(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows without those of smaller budgets, whose method is called `name@4x`, and of other readings
    (`name@sign-positive`)."""
    return scores[~scores["method"].str.contains("@", regex=False)].reset_index(drop=True)


def budget_curve(scores: pd.DataFrame | Ranked) -> pd.DataFrame:
    """Skill of each learned method at each budget, in the columns `COLUMNS`, smallest budget first.

    Tasks may have run at different budgets: one that did not run at some budget counts there with its next smaller one.

    budget                       multiple of the method's own budget
    skill, chance_skill          means over the ranked instances, as on the board
    seconds                      mean for one instance
    gain, gain_low, gain_high    skill above that at the budget before, and its 95 % interval over seeds (NaN for the
                                 smallest budget, and without two seeds)
    rising                       whether that interval lies above 0; missing where there is none
    """
    table: list[dict[str, object]] = []
    rows = as_ranked(scores)
    if "budget" not in rows.columns:
        return pd.DataFrame(table, columns=list(COLUMNS))
    for family, part in rows.groupby("family", sort=True):
        learned = part[part["budget"].notna()]
        if learned.empty:
            continue
        learned = learned.assign(base=learned["method"].str.partition("@")[0])
        for base, own in learned.groupby("base", sort=True):
            budgets = sorted(own["budget"].unique())
            steps = [_at_most(own, budget).assign(method=f"{place:03}") for place, budget in enumerate(budgets)]
            whole = grid(pd.concat(steps, ignore_index=True))
            skill, chance = (estimate(each, whole.nesting).mean for each in (whole.skill, whole.chance))
            for place, budget in enumerate(budgets):
                gain = low = high = np.nan
                if place:
                    found = estimate(whole.skill[[place]] - whole.skill[[place - 1]], whole.nesting)
                    gain, (low, high) = float(found.mean[0]), (float(end[0]) for end in found.interval())
                table.append(
                    {
                        "family": family,
                        "method": base,
                        "budget": budget,
                        "skill": skill[place],
                        "chance_skill": chance[place],
                        "seconds": steps[place]["seconds"].mean(),
                        "gain": gain,
                        "gain_low": low,
                        "gain_high": high,
                        "rising": None if np.isnan(low) else bool(low > 0),
                    }
                )
    return pd.DataFrame(table, columns=list(COLUMNS))


def _at_most(rows: pd.DataFrame, budget: float) -> pd.DataFrame:
    """Of each instance the row with the largest budget that is no larger: a task that ran at fewer budgets stays at its
    largest, so that steps compare the same tasks, and the last one is what ranks."""
    within = rows[rows["budget"] <= budget].sort_values([*INSTANCE, "budget"], kind="stable")
    return within.drop_duplicates(INSTANCE, keep="last")
