"""Three marks on every scale: chance, blind, truth.

    table = with_marks(table)         long table of one task: `blind`, `skill` and `chance_skill` filled in
    marks(table)                      a row for each variant: the marks, the room between them, whether it is ranked

    floor      the mean score of random explanations                              chance
    blind      the score of the best control, which never consults what the model learned: of each variant the control
               with the best mean over seeds, and that mean; a control that failed counts at the floor
    ceiling    the score of the planted truth, within the constraints that methods have

The **null** is the higher of floor and blind, and skill = (value - null) / (ceiling - null): 0 is what needs no look at
the model, 1 the planted truth. `chance_skill` is the same from the floor. A variant where little lies between blind and
truth, (ceiling - null) < 0.2 (ceiling - floor), ranks nobody: it is shown as a diagnosis.

Higher means nearer to the ceiling, so all of it holds for metrics in both directions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

ROOM = 0.2
"""The least share of the way from chance to the truth that must lie above blind."""
CUT = -1.0
"""Where averages cut skill off: one instance with a small scale must not decide a mean."""
VARIANT = ["family", "task", "variant", "metric"]
COLUMNS = ("family", "task", "variant", "floor", "blind", "control", "ceiling", "room", "ranked", "reason")


def skill(value: ArrayLike, null: ArrayLike, ceiling: ArrayLike) -> Array:
    """(value - null) / (ceiling - null), elementwise: 0 is the null, 1 the planted truth, below 0 worse than the null.

    Works for metrics in both directions (where lower is better, the ceiling lies below the null) and does not change
    when all three are shifted or scaled together. NaN where ceiling and null agree (to a relative 1e-9) or where any
    of the three is NaN.
    """
    low, high = np.asarray(null, dtype=np.float64), np.asarray(ceiling, dtype=np.float64)
    span = high - low
    with np.errstate(all="ignore"):
        measures = np.abs(span) > 1e-9 * np.maximum(np.abs(low), np.abs(high))
        result = (np.asarray(value, dtype=np.float64) - low) / np.where(measures, span, np.nan)
    return np.asarray(result, dtype=np.float64)


def null_of(floor: ArrayLike, blind: ArrayLike, ceiling: ArrayLike) -> Array:
    """The higher of floor and blind, elementwise; the floor where there is no blind mark.

    NaN where blind reaches the ceiling: nothing above it is left to measure.
    """
    low, dark, high = (np.asarray(each, dtype=np.float64) for each in (floor, blind, ceiling))
    toward = np.sign(high - low)
    null = np.where(toward * (dark - low) > 0, dark, low)
    return np.asarray(np.where(toward * (high - null) > 0, null, np.nan), dtype=np.float64)


def room(floor: ArrayLike, blind: ArrayLike, ceiling: ArrayLike) -> Array:
    """(ceiling - null) / (ceiling - floor), 0 to 1: the share of the way from chance to the truth that lies above
    blind; NaN where floor and ceiling agree."""
    low, dark, high = (np.asarray(each, dtype=np.float64) for each in (floor, blind, ceiling))
    reached = np.nan_to_num(np.clip(skill(dark, low, high), 0.0, 1.0), nan=0.0)
    return np.asarray(np.where(np.isfinite(skill(low, low, high)), 1.0 - reached, np.nan), dtype=np.float64)


def with_marks(table: pd.DataFrame) -> pd.DataFrame:
    """The long table of a task with `blind` and `skill`, and without `ranked` where there is no room.

    It needs all seeds of a variant: blind is a mean over them. Failures and time-outs get the skill of the floor; where
    there is no `chance_skill`, there is no skill either.
    """
    found = table.copy()
    best = blind_marks(found)
    keys = found[VARIANT].itertuples(index=False, name=None)
    found["blind"] = [best[key][1] if key in best else np.nan for key in keys]
    null = null_of(found["floor"], found["blind"], found["ceiling"])
    earned = skill(found["value"].where(~_failed(found), found["floor"]), null, found["ceiling"])
    found["skill"] = np.where(np.isfinite(found["chance_skill"]), earned, np.nan)
    narrow = {key for key, share in _rooms(found).items() if share < ROOM}
    keys = found[VARIANT[:3]].itertuples(index=False, name=None)
    found["ranked"] = found["ranked"].to_numpy() & np.array([key not in narrow for key in keys], dtype=bool)
    return found


def blind_marks(table: pd.DataFrame) -> Mapping[tuple[str, ...], tuple[str, float]]:
    """The best control of each (family, task, variant, metric), and its mean over seeds."""
    rows = table[table["control"] & (table["status"] != "unsupported")]
    rows = rows.assign(value=rows["value"].where(~_failed(rows), rows["floor"]))
    means = rows.groupby([*VARIANT, "method"], sort=True)[["value", "floor", "ceiling"]].mean().reset_index()
    means["reached"] = skill(means["value"], means["floor"], means["ceiling"])
    best: dict[tuple[str, ...], tuple[str, float]] = {}
    for row in means[np.isfinite(means["reached"])].sort_values("reached", kind="stable").itertuples(index=False):
        best[row.family, row.task, row.variant, row.metric] = (str(row.method), float(row.value))
    return best


def marks(table: pd.DataFrame, declared: Collection[tuple[str, ...]] = ()) -> pd.DataFrame:
    """A row for each (family, task, variant), in the columns `COLUMNS`: the three marks of the primary metric as means
    over seeds, the control that set blind, the room above it, and why a variant is not ranked.

    `declared` are the variants that their task calls a diagnosis.
    """
    best, rows = blind_marks(table), []
    primary = table[table["primary"]]
    for key, part in primary.groupby(VARIANT, sort=True):
        family, task, variant, _ = key
        control, blind = best.get(tuple(map(str, key)), ("", np.nan))
        floor, ceiling = part["floor"].mean(), part["ceiling"].mean()
        share, ranked = float(room(floor, blind, ceiling)), bool(part["ranked"].any())
        reason = ""
        if (family, task, variant) in declared:
            reason = "declared a diagnosis"
        elif share < ROOM:
            reason = f"{control} is blind and leaves {share:.0%} of the way from chance to the truth"
        elif not ranked:
            reason = "no seed could be trained, posed and certified"
        rows.append((family, task, variant, floor, blind, control, ceiling, share, ranked, reason))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rooms(table: pd.DataFrame) -> dict[tuple[str, ...], float]:
    """By (family, task, variant), the room of the primary metric."""
    means = table[table["primary"]].groupby(VARIANT[:3], sort=True)[["floor", "blind", "ceiling"]].mean()
    shares = room(means["floor"], means["blind"], means["ceiling"])
    return dict(zip(means.index, shares.tolist(), strict=True))


def _failed(table: pd.DataFrame) -> pd.Series:
    return table["status"].isin(["failed", "timeout"])
