"""Which metrics that need no truth order methods as the truth does.

    agreement(scores, {("attribution", "insertion"): "higher"})      a row for each metric, and for each of its tasks

Who explains a model of which nothing is known has only metrics that need no truth (insertion, infidelity, ROAR). Here
the truth is known, too: on each instance (one variant of a task, one seed) such a metric orders the methods, and
Kendall's tau compares that order with the primary metric's: 1 the same order, 0 unrelated, -1 reversed; with ties it is
tau-b (Kendall 1945, doi:10.2307/2332303).

Contestants and blind controls are ordered, references are not: a metric that cannot tell an edge detector from a method
is not to be trusted, and the planted truth itself is no choice that anybody has. The mean is over variants, then seeds,
then tasks, with the interval over seeds that skills have. Where a task ranks nobody, its variants count all the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.statistics.intervals import estimate
from benchmark.statistics.nesting import Array, Nesting
from benchmark.statistics.rows import INSTANCE

COLUMNS = ("family", "metric", "task", "tau", "ci_low", "ci_high", "methods", "tasks", "seeds")
FEWEST = 5
"""Fewer methods have too few orders for one of them to say much."""
SIGN = {"higher": 1.0, "lower": -1.0}


def agreement(scores: pd.DataFrame, truth_free: Mapping[tuple[str, str], str]) -> pd.DataFrame:
    """How each metric of `truth_free`, (family, metric) with its direction, orders methods beside the primary one.

    tau, ci_low, ci_high   the mean of Kendall's tau over ranked instances, and its 95 % interval over seeds
    task                   the task that a row is about; empty for the mean over all tasks that have the metric
    methods                the fewest methods that were ordered on an instance; instances with less than `FEWEST`, and
                           those where one of the two metrics puts all on one place, do not count
    tasks, seeds           tasks and different seeds that count
    """
    table: list[dict[str, object]] = []
    counts = scores["status"].eq("ok") & _asked(scores) & (~scores["reference"] | scores["control"])
    rows = scores[counts & np.isfinite(scores["value"].astype("float64"))]
    for family, part in rows.groupby("family", sort=True):
        directions = {metric: way for (own, metric), way in truth_free.items() if own == family}
        instances, taus, methods = _measured(part, directions)
        for metric, tau, count in zip(directions, taus, methods, strict=True):
            for task in ["", *sorted(set(instances["task"]))]:
                here = np.isfinite(tau) & (instances["task"].eq(task).to_numpy() | (task == ""))
                if here.any():
                    table.append({"family": family, "metric": metric, **_row(task, instances[here], tau[here])})
                    table[-1]["methods"] = int(count[here].min())
    return pd.DataFrame(table, columns=list(COLUMNS))


def _asked(scores: pd.DataFrame) -> pd.Series:
    """The rows of ranked variants; of a task that ranks nobody, which was built to diagnose, those of all certified
    variants but the twins on random weights."""
    place = scores["family"].astype(str) + "/" + scores["task"].astype(str)
    diagnoses = ~scores["ranked"].groupby(place).transform("any") & scores["certified"].fillna(False).astype(bool)
    twins = {f"{where}/{twin}" for where, twin in set(zip(place, scores["twin"].fillna(""), strict=True)) if twin}
    return scores["ranked"] | (diagnoses & ~(place + "/" + scores["variant"].astype(str)).isin(twins))


def _row(task: str, instances: pd.DataFrame, tau: Array) -> dict[str, object]:
    found = estimate(tau[None], Nesting.of(instances))
    low, high = found.interval()
    return {
        "task": task,
        "tau": float(found.mean[0]),
        "ci_low": float(low[0]),
        "ci_high": float(high[0]),
        "tasks": instances["task"].nunique(),
        "seeds": instances["seed"].nunique(),
    }


def _measured(rows: pd.DataFrame, directions: Mapping[str, str]) -> tuple[pd.DataFrame, Array, NDArray[np.int64]]:
    """The instances of a family, and for each metric and instance tau (NaN where there is none) and how many methods
    it is over."""
    keys = [*INSTANCE, "subject"] if "subject" in rows.columns else INSTANCE
    asked = rows[rows["primary"] | rows["metric"].isin(list(directions))]
    numbers = asked.groupby(INSTANCE, sort=True).ngroup().to_numpy()
    instances = asked.assign(number=numbers).drop_duplicates("number").sort_values("number")[keys]
    names, method = np.unique(asked["method"].to_numpy(dtype=str), return_inverse=True)
    values = np.full((1 + len(directions), len(instances), len(names)), np.nan)
    upwards = np.where((asked["ceiling"] < asked["floor"]).fillna(False), -1.0, 1.0)
    for place, metric in enumerate([None, *directions]):
        own = (asked["primary"] if metric is None else asked["metric"].eq(metric)).to_numpy(dtype=bool)
        sign = upwards[own] if metric is None else SIGN[directions[metric]]
        values[place, numbers[own], method[own]] = sign * asked["value"].to_numpy(dtype=np.float64)[own]
    taus = np.full((len(directions), len(instances)), np.nan)
    methods = np.zeros(taus.shape, dtype=np.int64)
    for at in range(len(instances)):
        for place, own in enumerate(values[1:, at]):
            both = np.isfinite(own) & np.isfinite(values[0, at])
            methods[place, at] = both.sum()
            if both.sum() >= FEWEST:
                taus[place, at] = kendall(values[0, at, both], own[both])
    return instances.reset_index(drop=True), taus, methods


def kendall(one: Array, other: Array) -> float:
    """Kendall's tau-b of two orders [n]; NaN where one of them puts all on one place."""
    first, second = (np.sign(values[:, None] - values[None]) for values in (one, other))
    pairs = np.abs(first).sum() * np.abs(second).sum()
    return float((first * second).sum() / np.sqrt(pairs)) if pairs else float("nan")
