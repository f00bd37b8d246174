"""Checks of a board: its rows, its provenance, its marks and references are what they must be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.boards.kept import Kept
from benchmark.conformance.checks import Suite, expect
from benchmark.conformance.known import reaches
from benchmark.marks import skill, with_marks
from benchmark.provenance import commit
from benchmark.registry import Plugin, Registry
from benchmark.scores import TYPES
from benchmark.statistics.readings import OTHERWISE
from benchmark.statistics.rows import KEY, STATUSES
from benchmark.store import digest

INSTANCE = ["family", "task", "variant", "seed", "metric"]
PLACE = INSTANCE[:4]
SIX_DIGITS = 1.1e-5
"""By how much, relatively, two numbers differ that agree in six digits but for the rounding of the last."""
LAST_DIGITS = 1e-9
"""The same for numbers that are kept in full, from whatever processor."""
ERRORS = 4.0
"""By how many standard errors the mean of the random explanations may miss the floor."""
LISTED = 3
CHECKS = Suite()


@dataclass(frozen=True, eq=False)
class Case:
    """A board that is looked at."""

    folder: Path
    kept: Kept
    registry: Registry
    allow_dirty: bool = False

    @property
    def scores(self) -> pd.DataFrame:
        """All rows, those of smaller budgets included."""
        return self.kept.scores

    def plugin(self, kind: str, family: str, name: str) -> Plugin | None:
        """A plugin of this checkout, if it has one of that name."""
        found = [p for p in self.registry.of(kind, family) if p.name == name and not p.problem]
        return found[0] if found else None

    @cached_property
    def metrics(self) -> dict[tuple[str, str], Plugin | None]:
        """By (family, metric) of the rows, sub-scores under the name of their metric."""
        pairs = self.scores.assign(metric=_own_name(self.scores))[["family", "metric"]].drop_duplicates()
        named = pairs.itertuples(index=False, name=None)
        return {(family, name): self.plugin("metric", family, name) for family, name in named}

    @cached_property
    def tasks(self) -> dict[tuple[str, str], Plugin | None]:
        """By (family, task) of the rows."""
        return {(family, name): self.plugin("task", family, name) for family, name in sorted(self.kept.tasks)}

    def reference(self, name: str) -> pd.Series:
        """For each row, the value of a reference on the row's instance and metric."""
        own = self.scores[self.scores["method"] == name]
        known = pd.Series(own["value"].to_numpy(), index=pd.MultiIndex.from_frame(own[INSTANCE]))
        wanted = pd.MultiIndex.from_frame(self.scores[INSTANCE])
        return pd.Series(known.reindex(wanted).to_numpy(dtype=np.float64), index=self.scores.index)


@CHECKS("its rows have the form of the contract", "what follows is computed from them", gate=True)
def _form(case: Case) -> str:
    kinds = {name: str(case.scores[name].dtype) for name in TYPES}
    wrong = [f"{name} is {kinds[name]}, not {kind}" for name, kind in TYPES.items() if kinds[name] != kind]
    strange = sorted(set(case.scores["status"].dropna()) - set(STATUSES))
    expect_none([*wrong, *(f"status {name!r}" for name in strange)])
    lost = case.scores[case.scores["status"].ne("ok") & case.scores["value"].notna()]
    expect_none(f"{_place(row)} is {row.status} and has a value" for row in lost.itertuples())
    return ""


@CHECKS("no row is there twice", "a method would count twice on one seed", gate=True)
def _once(case: Case) -> str:
    twice = case.scores[case.scores.duplicated(KEY)]
    expect_none(_place(row) for row in twice.itertuples())
    primaries = case.scores[case.scores["primary"]].groupby(["family", "task"])["metric"].nunique()
    expect_none(f"{family}/{task} has several primary metrics" for family, task in primaries[primaries > 1].index)
    return ""


@CHECKS("its configuration is the one whose hash it states", "whoever repeats the run needs the real one", gate=True)
def _hash(case: Case) -> str:
    source = case.kept.provenance
    real = digest(source["configuration"])
    expect(real == source["configuration_hash"], f"it states {source['configuration_hash']} and has {real}")
    return str(real)


@CHECKS("it was made from a clean, known commit", "nobody else has uncommitted changes")
def _commit(case: Case) -> str:
    source = case.kept.provenance
    runs = source.get("families") or {"": source}
    here = commit()
    found: list[str] = []
    bad: list[str] = []
    for family, own in runs.items():
        name = str(own.get("commit") or "unknown")[:10]
        state = {False: "", True: " with uncommitted changes"}.get(own.get("dirty"), " in an unknown state")
        other = "" if own.get("commit") == here["commit"] else f", this checkout is {str(here['commit'])[:10]}"
        said = f"{family}{': ' if family else ''}{name}{state}{other}"
        (bad if state or name == "unknown" else found).append(said)
    expect(not bad or case.allow_dirty, "; ".join(bad))
    return "; ".join([*bad, *found])


@CHECKS("nothing that it should have run is missing without a word", "a row that is left out cannot lower a mean")
def _complete(case: Case) -> str:
    source, said = case.kept.provenance, " ".join(case.kept.facts.left_out)
    rows = case.scores[case.scores["primary"]]
    there = set(rows[["family", "task", "method", "variant", "seed"]].itertuples(index=False, name=None))
    missing, count = [], 0
    for task_id, settings in source["configuration"]["resolved_tasks"].items():
        family, _, task = task_id.partition(".")
        instances = {(str(variant), int(seed)) for variant, seed, *_ in settings["instances"]}
        wanted = {(family, task, method, *one) for method in shown_names(settings["methods"]) for one in instances}
        count += len(wanted)
        if lacking := sorted(wanted - there):
            missing += [] if f"{family}/{task}" in said else [f"{len(lacking)} cells of {family}/{task}: {lacking[0]}"]
    strange = sorted({f"{f}.{t}" for f, t in case.kept.tasks} - source["configuration"]["resolved_tasks"].keys())
    expect_none([*missing, *(f"{task} is not in its configuration" for task in strange)])
    return f"{count} cells"


def shown_names(methods: Iterable[str]) -> list[str]:
    """The names of rows of a configuration's methods: `topk@4x` is `topk` where no larger budget ran, and
    `gradient@sign-positive` is what it is called."""
    names = [(name, name, "") if OTHERWISE.match(name) else (name, *name.partition("@")[::2]) for name in methods]
    largest: dict[str, int] = {}
    for _, base, budget in names:
        largest[base] = max(largest.get(base, 0), _multiple(budget))
    return [base if _multiple(budget) == largest[base] else name for name, base, budget in names]


def _multiple(budget: str) -> int:
    return int(budget.removesuffix("x") or 0)


@CHECKS("its tasks are as they are declared here", "a control that is not called one sets no blind mark")
def _declared(case: Case) -> str:
    wrong, unranked = [], set(case.kept.facts.unranked)
    for (family, task), plugin in case.tasks.items():
        if plugin is None:
            wrong.append(f"{family}/{task} is not in this checkout")
            continue
        rows = case.scores[(case.scores["family"] == family) & (case.scores["task"] == task)]
        primary, declared = sorted(set(rows.loc[rows["primary"], "metric"])), plugin.options["primary"]
        wrong += [f"{family}/{task}: primary {name}, declared {declared}" for name in primary if name != declared]
        hidden = set(plugin.options.get("controls", ())) & set(rows.loc[~rows["control"], "method"])
        wrong += [f"{family}/{task}: {name} is not marked as its control" for name in sorted(hidden)]
        shown = {*plugin.options.get("unranked", ()), *plugin.options.get("twins", {}).values()}
        mine = {variant for *key, variant in unranked if tuple(key) == (family, task)}
        odd = (shown & set(rows["variant"])) ^ mine
        wrong += [f"{family}/{task}: whether {variant} is ranked is not as declared" for variant in sorted(odd)]
    expect_none(wrong)
    return f"{len(case.tasks)} task(s)"


@CHECKS("every value lies in its metric's range", "what a metric cannot return was not measured")
def _range(case: Case) -> str:
    """Sub-scores have ranges of their own, which nothing declares, where the metric has a value besides."""
    names, wrong = _own_name(case.scores), []
    for (family, name), plugin in case.metrics.items():
        if plugin is None:
            wrong.append(f"{family}/{name} is not in this checkout")
            continue
        low, high = map(float, plugin.options["range"])
        every = case.scores[(case.scores["family"] == family) & (names == name)]
        main = every[every["metric"] == name]
        own = main if len(main) else every
        out = own[own["value"].notna() & ~own["value"].between(low - 1e-6, high + 1e-6)]
        wrong += [f"{_place(row)}: {row.value:g} outside [{low:g}, {high:g}]" for row in out.itertuples()]
    expect_none(wrong)
    return f"{len(case.metrics)} metric(s)"


@CHECKS("the planted truth is the ceiling", "skill 1 is the truth")
def _oracle(case: Case) -> str:
    """Where it is short of what is known of a perfect explanation, as under a limit of sparsity, that is said."""
    far = _differ(case.scores["ceiling"], case.reference("oracle"), LAST_DIGITS) & case.scores["ceiling"].notna()
    expect_none(f"{_place(row)}: ceiling {row.ceiling:g}" for row in case.scores[far].itertuples())
    main = case.scores[case.scores["primary"] & case.scores["method"].eq("oracle")]
    flat = main[~((main["ceiling"] - main["floor"]).abs() > 0)]
    expect_none(f"{_place(row)}: floor and ceiling agree" for row in flat.itertuples())
    short = {}
    for row in main.to_dict("records"):
        metric = case.metrics[row["family"], row["metric"].partition("@")[0]]
        known = metric.options.get("perfect") if metric else None
        if known is not None and not reaches(row["value"], known, row["floor"]):
            task = f"{row['family']}/{row['task']}"
            short[task] = f"{row['value']:.3g} of {known:g} in {task}"
    return "; ".join([f"{len(main)} instance(s)", *short.values()])


@CHECKS("random explanations are at the floor, within their spread", "skill from chance begins there")
def _random(case: Case) -> str:
    scores, value = case.scores, case.reference("random")
    draws = float(case.kept.provenance["configuration"]["draws"])
    band = (ERRORS * scores["floor_sd"].fillna(0.0) / np.sqrt(draws)).clip(lower=LAST_DIGITS * scores["floor"].abs())
    off = scores["floor"].notna() & ~((value - scores["floor"]).abs() <= band.clip(lower=1e-12))
    expect_none(f"{_place(row)}: floor {row.floor:g}" for row in scores[off].itertuples())
    return f"{int(scores['method'].eq('random').sum())} row(s)"


@CHECKS("subjects are certified where all their checks passed", "a failed subject ranks nobody")
def _certified(case: Case) -> str:
    table = case.kept.tables["certificates"]
    value, threshold, at_least = table["value"], table["threshold"], table["at_least"].fillna(True).astype(bool)
    reserve = np.where(at_least, value - threshold, threshold - value)
    near = np.abs(reserve) <= SIX_DIGITS * np.abs(threshold)
    wrong = table[~near & ((reserve > 0) != table["passed"].fillna(False).astype(bool))]
    expect_none(f"{row.subject}, seed {row.seed}: {row.check} {row.value:g}" for row in wrong.itertuples())
    ranked = case.scores[case.scores["ranked"]]
    expect_none(f"{_place(row)} is ranked without a certificate" for row in ranked[~ranked["certified"]].itertuples())
    if table["passed"].all():
        return f"{len(table)} check(s) passed"
    failed = table[~table["passed"].fillna(False).astype(bool)]
    return f"{len(failed)} of {len(table)} check(s) failed: {', '.join(sorted(set(failed['subject'])))}"


@CHECKS("blind marks, skills and what is ranked follow from the values", "they decide the ranking")
def _marks(case: Case) -> str:
    scores, unranked = case.scores, pd.MultiIndex.from_tuples(case.kept.facts.unranked, names=PLACE[:3])
    declared = pd.MultiIndex.from_frame(scores[PLACE[:3]]).isin(unranked) if len(unranked) else False
    again = with_marks(scores.assign(ranked=scores["certified"] & ~declared))
    wrong = [
        f"{_place(row)}: {name}"
        for name in ("blind", "skill")
        for row in scores[_differ(scores[name], again[name], LAST_DIGITS)].itertuples()
    ]
    wrong += [f"{_place(row)}: ranked" for row in scores[scores["ranked"] != again["ranked"]].itertuples()]
    described = {key for key, plugin in case.metrics.items() if plugin and plugin.options["direction"] == "none"}
    judged = ~pd.MultiIndex.from_arrays([scores["family"], _own_name(scores)]).isin(described) & ~_repeated(case)
    earned = pd.Series(skill(scores["value"], scores["floor"], scores["ceiling"]), index=scores.index)
    off = judged & scores["status"].eq("ok") & _differ(scores["chance_skill"], earned, LAST_DIGITS)
    wrong += [f"{_place(row)}: chance_skill" for row in scores[off].itertuples()]
    lost = scores["status"].isin(["failed", "timeout"]) & scores["chance_skill"].fillna(0.0).ne(0.0)
    wrong += [f"{_place(row)} failed above chance" for row in scores[lost].itertuples()]
    expect_none(wrong)
    return f"{len(scores)} rows"


def _own_name(scores: pd.DataFrame) -> pd.Series:
    return scores["metric"].str.partition("@")[0]


def _repeated(case: Case) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether a row is the mean of several repetitions, each between marks of its own."""
    settings = case.kept.provenance["configuration"]["resolved_tasks"]
    places = {key: [tuple(i[:2]) for i in given["instances"]] for key, given in settings.items()}
    several = {key for key, found in places.items() if len(set(found)) < len(found)}
    return np.asarray((case.scores["family"] + "." + case.scores["task"]).isin(several))


def _differ(left: pd.Series, right: pd.Series, tolerance: float) -> pd.Series:
    """Where two columns of numbers do not agree; two missing ones do."""
    one, other = left.to_numpy(dtype=np.float64), right.to_numpy(dtype=np.float64)
    return pd.Series(~np.isclose(one, other, rtol=tolerance, atol=1e-12, equal_nan=True), index=left.index)


def _place(row: object) -> str:
    named = [getattr(row, name) for name in ("family", "task", "variant", "method", "metric")]
    return f"{named[0]}/{named[1]}, {named[2]}, {named[3]}, seed {getattr(row, 'seed', '')}, {named[4]}"


def expect_none(problems: Iterable[str]) -> None:
    """Raise `Broken` with the first problems and their number, unless there are none."""
    found = list(problems)
    more = f"; and {len(found) - LISTED} more" if len(found) > LISTED else ""
    expect(not found, "; ".join(found[:LISTED]) + more)
