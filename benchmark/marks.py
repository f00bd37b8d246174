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

**Rivals** are two variants on the same inputs with different truths. They are scored together: their blind mark is that
of the control with the best mean over both, taken as a share of the way from chance to the truth, so that a control
which favours one truth and misses the other gains nothing by it. Where one of them is not ranked on a seed, neither is.

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
COLUMNS = ("family", "task", "variant", "floor", "blind", "control", "ceiling", "room", "ranked", "reason", "rival")


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
    found["ranked"] &= _pair_is_ranked(found)
    return found


def _rivals(table: pd.DataFrame) -> dict[tuple[str, ...], str]:
    """By (family, task, variant), the rival; none where the table has no such column."""
    if "rival" not in table.columns:
        return {}
    named = table[table["rival"].fillna("") != ""].drop_duplicates(VARIANT[:3])
    return {tuple(row[:3]): str(row[3]) for row in named[[*VARIANT[:3], "rival"]].itertuples(index=False, name=None)}


def _pair_is_ranked(table: pd.DataFrame) -> Array:
    """For each row, whether its variant's rival, if it has one, is ranked on the same seed."""
    rivals = _rivals(table)
    place = [*VARIANT[:3], "seed"]
    ranked = set(table.loc[table["ranked"], place].itertuples(index=False, name=None))
    rows = table[place].itertuples(index=False, name=None)
    pairs = ((family, task, rivals.get((family, task, variant), variant), seed) for family, task, variant, seed in rows)
    alone = table[VARIANT[:3]].itertuples(index=False, name=None)
    return np.array([key not in rivals or pair in ranked for key, pair in zip(alone, pairs, strict=True)], dtype=bool)


def blind_marks(table: pd.DataFrame) -> Mapping[tuple[str, ...], tuple[str, float]]:
    """The best control of each (family, task, variant, metric), and its mean over seeds; for rivals the best on the
    pair, and the score at the pair's share of the way from chance to the truth."""
    rows = table[table["control"] & (table["status"] != "unsupported")]
    rows = rows.assign(value=rows["value"].where(~_failed(rows), rows["floor"]))
    means = rows.groupby([*VARIANT, "method"], sort=True)[["value", "floor", "ceiling"]].mean().reset_index()
    means["reached"] = skill(means["value"], means["floor"], means["ceiling"])
    rivals = _rivals(table)
    reached = means.set_index([*VARIANT, "method"])["reached"].to_dict()
    best: dict[tuple[str, ...], tuple[str, float]] = {}
    highest: dict[tuple[str, ...], float] = {}
    for row in means[np.isfinite(means["reached"])].itertuples(index=False):
        key, share, value = (row.family, row.task, row.variant, row.metric), float(row.reached), float(row.value)
        if other := rivals.get(key[:3]):
            share = (share + reached.get((row.family, row.task, other, row.metric, row.method), np.nan)) / 2
            value = float(row.floor) + share * (float(row.ceiling) - float(row.floor))
        if np.isfinite(share) and share >= highest.get(key, -np.inf):
            highest[key], best[key] = share, (str(row.method), value)
    return best


def marks(table: pd.DataFrame, declared: Collection[tuple[str, ...]] = ()) -> pd.DataFrame:
    """A row for each (family, task, variant), in the columns `COLUMNS`: the three marks of the primary metric as means
    over seeds, the control that set blind, the room above it, and why a variant is not ranked.

    `declared` are the variants that their task calls a diagnosis.
    """
    best, rivals, rows = blind_marks(table), _rivals(table), []
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
        rival = rivals.get((str(family), str(task), str(variant)), "")
        rows.append((family, task, variant, floor, blind, control, ceiling, share, ranked, reason, rival))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rooms(table: pd.DataFrame) -> dict[tuple[str, ...], float]:
    """By (family, task, variant), the room of the primary metric."""
    means = table[table["primary"]].groupby(VARIANT[:3], sort=True)[["floor", "blind", "ceiling"]].mean()
    shares = room(means["floor"], means["blind"], means["ceiling"])
    return dict(zip(means.index, shares.tolist(), strict=True))


def _failed(table: pd.DataFrame) -> pd.Series:
    return table["status"].isin(["failed", "timeout"])
