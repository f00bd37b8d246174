"""From the long table of scores to a grid, method x instance, of skills.

    rows = ranked_rows(scores)                    one row per (family, task, variant, method, seed): the primary metric
    board = grid(rows)                            skills [methods, instances]

What counts, and as what:

    ok            (value - null) / (ceiling - null), the null being the higher of floor and blind (`benchmark.marks`)
    failed        as if the value were the floor: not answering is worth what answering at random is worth
    timeout       the same
    ok, but NaN or infinite: as failed, so that no method gains by returning what cannot be scored
    unsupported   left out of that method's mean, like an instance without a row
    no room between null and ceiling, or one of them is unknown: the instance measures nothing and is left out for all

Skills are cut at -1, so that no single instance with a small scale decides a mean.

The null is measured too. `dark` is the skill, on the row's own seed, of the control that sets the blind mark, less its
mean over the variant's seeds: the luck of blind. A method is tested against blind seed by seed, skill minus dark, and
the interval of its skill holds what another set of seeds would do to both. Where chance sets the null, dark is 0: the
floor is a mean over many draws, whose luck is tested apart.

Where a row names its variant's `twin`, the one that asks the same of random weights, its gain is its skill from the
floor minus the twin's with the same seed: the blind marks of the two are different. A method that was not measured on
the twin has no gain: nothing is known of it there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.errors import TouchstoneError, unknown
from benchmark.marks import CUT, blind_marks, null_of, skill
from benchmark.statistics.nesting import Array, Nesting, group_means

INSTANCE = ["family", "task", "variant", "seed"]
KEY = ["family", "task", "variant", "method", "seed", "metric"]
NUMBERS = ["value", "floor", "blind", "ceiling", "floor_sd", "seconds", "model_calls", "peak_memory_mb"]
FLAGS = ["primary", "ranked", "reference", "control"]
TEXTS = ["family", "task", "variant", "method", "metric", "status", "reason", "subject", "twin", "rival"]
REQUIRED = [*KEY, *NUMBERS, *FLAGS, "status", "reason"]
MARKS = ["floor", "blind", "ceiling", "floor_sd"]
GRIDDED = ["method", "subject", "skill", "gain", "chance_skill", "dark", "failed", *MARKS]
"""What a grid takes from a row beside its instance."""
STATUSES = ("ok", "failed", "timeout", "unsupported")


class ScoresError(TouchstoneError):
    """The table of scores is not in the long format; the message lists all that is wrong with it."""


def checked(scores: pd.DataFrame) -> pd.DataFrame:
    """A copy with plain types, sorted by key; raises `ScoresError` with everything that is wrong."""
    absent = [name for name in REQUIRED if name not in scores.columns]
    if absent:
        have = [str(name) for name in scores.columns]
        raise ScoresError("\n".join(f"scores lack a column: {unknown('column', name, have)}" for name in absent))
    table = scores.copy()
    for name in TEXTS:
        if name in table.columns:
            table[name] = plain_texts(table[name])
    for name in NUMBERS:
        table[name] = pd.to_numeric(table[name], errors="coerce").astype("float64")
    for name in FLAGS:
        table[name] = table[name].fillna(False).astype(bool)
    strange = sorted(set(table["status"]) - set(STATUSES), key=str)
    problems = [unknown("status", str(name), STATUSES) for name in strange]
    twice = table.loc[table.duplicated(KEY), KEY].drop_duplicates()
    problems += [f"more than one row for {', '.join(map(str, row))}" for row in twice.head(10).itertuples(index=False)]
    if problems:
        raise ScoresError("\n".join(problems))
    return table.sort_values(KEY, kind="stable").reset_index(drop=True)


def plain_texts(column: pd.Series) -> pd.Series:
    """A column of texts as Python's own, which are compared, grouped and taken several times faster than Arrow's."""
    return pd.Series(column.to_numpy(dtype=object, na_value=np.nan), index=column.index, dtype=object)


def ranked_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows that decide the ranking: primary metric, ranked variants, certified subjects; with `skill`,
    `chance_skill`, `dark`, `gain` and `failed`.

    A row without floor or ceiling (a failure often has none) takes those of its instance from the other methods' rows:
    they belong to the instance, not to the method. `skill` is NaN where the row does not count (see the module's
    table).
    """
    table = checked(scores)
    table = table[table["primary"]].reset_index(drop=True)
    several = table.groupby(["family", "task"])["metric"].nunique()
    if (several > 1).any():
        names = ", ".join(f"{family}/{task}" for family, task in several[several > 1].index)
        raise ScoresError(f"a task has one primary metric; got more than one for {names}")
    for name in MARKS:
        table[name] = table[name].fillna(table.groupby(INSTANCE)[name].transform("first"))
    null = null_of(table["floor"], table["blind"], table["ceiling"])
    measures = np.isfinite(skill(null, null, table["ceiling"]))
    supported = (table["status"] != "unsupported").to_numpy()
    answered = (table["status"] == "ok").to_numpy() & np.isfinite(table["value"])
    table["failed"] = supported & measures & ~answered | table["status"].isin(["failed", "timeout"]).to_numpy()
    value = np.where(answered, table["value"], table["floor"])
    for name, zero in (("skill", null), ("chance_skill", table["floor"])):
        earned = np.maximum(skill(value, zero, table["ceiling"]), CUT)
        table[name] = np.where(measures & supported, earned, np.nan)
    table["dark"] = _dark(table, value, null)
    table["gain"] = table["chance_skill"] - _of_twin(table, np.where(answered, table["chance_skill"], np.nan))
    return table[table["ranked"]].reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class Ranked:
    """The rows of `ranked_rows`, made once for several tables."""

    rows: pd.DataFrame


def as_ranked(scores: pd.DataFrame | Ranked) -> pd.DataFrame:
    """The ranked rows of a long table, or those that were made of it before."""
    return scores.rows if isinstance(scores, Ranked) else ranked_rows(scores)


def _dark(table: pd.DataFrame, value: Array, null: Array) -> Array:
    """For each row the skill, on its seed, of the control that sets the null, less the mean over the variant's seeds; 0
    where chance sets it. (The mean is 0 in itself, but for rivals, whose blind mark is the pair's.)"""
    best = blind_marks(table)
    variant = ["family", "task", "variant", "metric"]
    named = [best.get(key, ("", 0.0)) for key in table[variant].itertuples(index=False, name=None)]
    place = [*INSTANCE, "method"]
    known = pd.Series(value, index=pd.MultiIndex.from_frame(table[place]))
    wanted = pd.MultiIndex.from_frame(table[place].assign(method=[name for name, _ in named]))
    there = np.asarray(known.reindex(wanted), dtype=np.float64)
    earned = ((there - table["blind"]) / (table["ceiling"] - null)).where(null != table["floor"])
    of_seed = table.assign(dark=earned.where(np.isfinite(earned))).drop_duplicates(INSTANCE)
    centre = of_seed.groupby(variant)["dark"].mean().reindex(pd.MultiIndex.from_frame(table[variant]))
    return np.asarray(np.nan_to_num(earned.to_numpy() - centre.to_numpy(), nan=0.0), dtype=np.float64)


def _of_twin(table: pd.DataFrame, scored: Array) -> Array:
    """For each row the `scored` of its method on its variant's twin, NaN where there is none."""
    if "twin" not in table.columns:
        return np.full(len(table), np.nan)
    names = ["family", "task", "variant", "method", "seed"]
    known = pd.Series(scored, index=pd.MultiIndex.from_frame(table[names]))
    wanted = pd.MultiIndex.from_frame(table[names].assign(variant=table["twin"].astype(object)))
    return np.asarray(known.reindex(wanted), dtype=np.float64)


@dataclass(frozen=True)
class Grid:
    """Skills of methods on instances.

    Attributes:
        methods: names, sorted.
        reference: [methods] whether it is a reference (random, oracle...).
        instances: one row per instance, columns family, task, variant, seed and, if the scores have it, subject.
        skill: [methods, instances]; NaN where a method was not measured.
        luck: [methods, instances] standard deviation of the skill of one random explanation; 0 where the method failed.
        gain: [methods, instances] skill minus that on random weights; NaN where one of them was not measured.
        chance: [methods, instances] skill from the floor alone.
        chance_luck: [methods, instances] the spread of one random explanation on that scale.
        dark: [instances] skill, on this very seed, of the control that sets the null, less its mean over the variant's
            seeds; 0 where chance sets it.
    """

    methods: tuple[str, ...]
    reference: NDArray[np.bool_]
    instances: pd.DataFrame
    skill: Array
    luck: Array
    gain: Array
    chance: Array
    chance_luck: Array
    dark: Array

    @cached_property
    def nesting(self) -> Nesting:
        """How the instances nest."""
        return Nesting.of(self.instances)

    @property
    def from_chance(self) -> Grid:
        """The same grid on the scale that begins at the floor."""
        return replace(self, skill=self.chance, luck=self.chance_luck, dark=np.zeros_like(self.dark))

    @property
    def above_dark(self) -> Array:
        """[methods, instances] skill minus that of the control that sets the null, on the same seed."""
        return self.skill - self.dark

    @property
    def with_luck_of_null(self) -> Array:
        """[methods, instances] skill as it would move if other seeds moved the null as well.

        skill = (score - null) / (ceiling - null) has the derivative (skill - 1) / (ceiling - null) in the null, so what
        a seed does to the control enters with 1 - skill: at the null in full, at the ceiling not at all, nor where
        skill is cut.
        """
        variant = self.nesting.variant
        mean, _ = group_means(self.skill, variant)
        return self.skill - np.where(self.skill > CUT, 1 - mean @ variant.T, 0.0) * self.dark

    def of(self, methods: NDArray[np.bool_]) -> Grid:
        """The same grid with the methods under a mask only."""
        return self._cut(np.flatnonzero(methods), np.arange(len(self.instances)))

    def parts(self, rows: pd.DataFrame, columns: list[str]) -> Iterator[tuple[tuple[str, ...], Grid]]:
        """The grids of parts of the rows that this one was made of, by the columns of an instance that tell them apart;
        each is what `grid` makes of its rows."""
        marked: dict[tuple[str, ...], dict[str, bool]] = {}
        for *names, method, reference in _different(rows, [*columns, "method", "reference"]):
            own = marked.setdefault(tuple(names), {})
            own[method] = bool(reference) or own.get(method, False)
        places: dict[tuple[str, ...], list[int]] = {key: [] for key in marked}
        for place, key in enumerate(zip(*(self.instances[name] for name in columns), strict=True)):
            places[key].append(place)
        row = {name: number for number, name in enumerate(self.methods)}
        for key, own in sorted(marked.items()):
            part = self._cut(np.array([row[name] for name in sorted(own)]), np.array(places[key], dtype=np.intp))
            yield key, replace(part, reference=np.array([own[name] for name in part.methods], dtype=np.bool_))

    def _cut(self, methods: NDArray[np.intp], instances: NDArray[np.intp]) -> Grid:
        """The same grid with these methods and these instances only."""
        skill, luck, gain, chance, chance_luck = (
            field[np.ix_(methods, instances)]
            for field in (self.skill, self.luck, self.gain, self.chance, self.chance_luck)
        )
        names, reference = tuple(self.methods[number] for number in methods), self.reference[methods]
        own = self.instances.iloc[instances].reset_index(drop=True)
        return Grid(names, reference, own, skill, luck, gain, chance, chance_luck, self.dark[instances])


def _different(rows: pd.DataFrame, columns: list[str]) -> set[tuple[Any, ...]]:
    """The different rows of these columns."""
    return set(zip(*(rows[name].to_numpy() for name in columns), strict=True))


def gridded(rows: pd.DataFrame) -> pd.DataFrame:
    """What `grid` takes of ranked rows: dividing these into parts costs a fraction of dividing all columns."""
    return rows[[name for name in (*INSTANCE, *GRIDDED, "reference") if name in rows.columns]]


def grid(rows: pd.DataFrame) -> Grid:
    """The grid of rows from `ranked_rows`, of one family or one task; instances that measure nothing are left out."""
    measured = rows["skill"].notna().to_numpy()
    column = {name: rows[name].to_numpy()[measured] for name in (*INSTANCE, *GRIDDED) if name in rows.columns}
    keys = list(zip(*(column[name] for name in INSTANCE), strict=True))
    first: dict[tuple[object, ...], int] = {}
    for row, key in enumerate(keys):
        first.setdefault(key, row)
    ordered = sorted(first)
    place = {key: number for number, key in enumerate(ordered)}
    instances = pd.DataFrame(ordered, columns=INSTANCE)
    firsts = np.array([first[key] for key in ordered], dtype=np.intp)
    if "subject" in column:
        instances["subject"] = column["subject"][firsts]
    methods = rows["method"].to_numpy()
    names = sorted(set(methods))
    rank = {name: number for number, name in enumerate(names)}
    at = (
        np.array([rank[name] for name in column["method"]], dtype=np.intp),
        np.array([place[key] for key in keys], dtype=np.intp),
    )
    ceiling, floor, deviation = column["ceiling"], column["floor"], column["floor_sd"]

    def laid_out(values: Array) -> Array:
        table = np.full((len(names), len(ordered)), np.nan)
        table[at] = values
        return table

    def luck(zero: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.where(column["failed"], 0.0, deviation / np.abs(ceiling - zero))

    marked = set(methods[rows["reference"].to_numpy()])
    return Grid(
        methods=tuple(names),
        reference=np.array([name in marked for name in names], dtype=bool),
        instances=instances,
        skill=laid_out(column["skill"]),
        luck=laid_out(luck(null_of(floor, column["blind"], ceiling))),
        gain=laid_out(column["gain"]),
        chance=laid_out(column["chance_skill"]),
        chance_luck=laid_out(luck(floor)),
        dark=column["dark"][firsts].astype(np.float64),
    )
