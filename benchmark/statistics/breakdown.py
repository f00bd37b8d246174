"""Where does a method break down? Dials turn a task harder step by step; somewhere nothing is left above the null.

    breakdown(scores, {("dictionary", "superposition"): {"ratio": ("l0_4", "ratio_4", "ratio_16")}})

A dial is a sequence of a task's variants in which one parameter grows. Steps that a run left out are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from benchmark.marks import CUT

COLUMNS = ("family", "task", "dial", "method", "holds_to", "breaks_at", "skills", "seeds")
FALLEN = 0.1
"""A skill of at most this counts as none: who finds nothing is seldom exactly at the null."""
Dials = Mapping[tuple[str, str], Mapping[str, Sequence[str]]]


def breakdown(scores: pd.DataFrame, dials: Dials) -> pd.DataFrame:
    """A row for each task, dial and method that is no reference, in the columns `COLUMNS`.

    holds_to     the last variant before the first at which the mean skill over seeds is at most `FALLEN`; empty if
                 that is the first
    breaks_at    that variant; empty where the method holds to the end of the dial
    skills       "l0_4 0.98, ratio_16 0.02": the means at all steps, in their order
    seeds        how many there are at the step with the fewest

    Mean skills are cut at -1 for each seed, and those that failed count at the floor. A dial of which fewer than two
    steps were measured has no rows, nor has a method that declined one of them.
    """
    table = []
    rows = scores[scores["primary"] & ~scores["reference"] & np.isfinite(scores["skill"])]
    rows = rows.assign(skill=rows["skill"].clip(lower=CUT))
    known = rows.groupby(["family", "task", "method", "variant"], sort=True)["skill"].agg(["mean", "count"])
    found: dict[tuple[str, str], dict[str, dict[str, tuple[float, int]]]] = {}
    for (family, task, method, variant), mean, count in known.itertuples(name=None):
        found.setdefault((family, task), {}).setdefault(method, {})[variant] = (mean, count)
    for (family, task), named in dials.items():
        methods = found.get((family, task), {})
        ran = {variant for own in methods.values() for variant in own}
        for dial, declared in named.items():
            steps = [step for step in declared if step in ran]
            for method, own in methods.items() if len(steps) > 1 else ():
                if all(step in own for step in steps):
                    means, seeds = zip(*(own[step] for step in steps), strict=True)
                    row = {"family": family, "task": task, "dial": dial, "method": method}
                    table.append(row | _fall(steps, means) | {"seeds": min(seeds)})
    return pd.DataFrame(table, columns=list(COLUMNS))


def _fall(steps: Sequence[str], means: Sequence[float]) -> dict[str, str]:
    """Where along the steps nothing is left."""
    fallen = next((at for at, mean in enumerate(means) if mean <= FALLEN), len(steps))
    return {
        "holds_to": steps[fallen - 1] if fallen else "",
        "breaks_at": steps[fallen] if fallen < len(steps) else "",
        "skills": ", ".join(f"{step} {mean:.2f}" for step, mean in zip(steps, means, strict=True)),
    }
