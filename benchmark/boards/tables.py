"""Every table of a board that follows from its scores, and what is said beside them.

    found = computed(scores, facts, claims_about(tasks))
    found.tables["leaderboard"], found.notes["attribution"]

The project's claims are those of this checkout.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from benchmark.boards.kept import Facts, plain
from benchmark.claims import Claim, evaluate, load
from benchmark.marks import marks
from benchmark.registry import PROJECT
from benchmark.statistics.agreement import agreement
from benchmark.statistics.breakdown import breakdown
from benchmark.statistics.budgets import at_largest, budget_curve
from benchmark.statistics.readings import readings
from benchmark.statistics.rows import Ranked, ranked_rows
from benchmark.summary import repeat_command
from benchmark.tables import board_notes, leaderboard, per_task, per_variant

FROM_SCORES = (*("leaderboard", "tasks", "variants", "budgets", "readings", "dials", "marks", "agreement", "claims"),)
"""The tables that `computed` makes."""


@dataclass(frozen=True, eq=False)
class Computed:
    """What follows from scores: the tables `FROM_SCORES`, and by family what stands beside its ranking."""

    tables: dict[str, pd.DataFrame]
    notes: dict[str, dict[str, Any]]


def computed(everything: pd.DataFrame, facts: Facts, claims: Sequence[Claim]) -> Computed:
    """Everything that follows from a long table with the rows of all budgets and readings, and plugins' words."""
    scores = at_largest(everything)
    every = ranked_rows(everything)
    ranked = Ranked(at_largest(every))
    tables = {
        "leaderboard": leaderboard(ranked),
        "tasks": per_task(ranked),
        "variants": per_variant(ranked),
        "budgets": budget_curve(Ranked(every)),
        "readings": readings(Ranked(every)),
        "dials": breakdown(scores, facts.dial_steps),
        "marks": marks(scores, frozenset(facts.unranked)),
        "agreement": agreement(scores, facts.truth_free),
        "claims": evaluate(claims, scores),
    }
    return Computed(tables, plain(board_notes(ranked)))


def claims_about(tasks: Collection[tuple[str, str]]) -> list[Claim]:
    """The claims of the project that these (family, task) can say something about."""
    known = set(tasks)
    return [
        claim
        for claim in load([PROJECT / "tasks" / "claims"])
        if {(side.family, side.task) for side in claim.selectors} <= known
    ]


def broken(scores: pd.DataFrame) -> list[str]:
    """A sentence for each task of which nothing could be measured somewhere, with the first reason."""
    lost = scores[scores.status.eq("failed") & scores.ceiling.isna() & scores.primary]
    found = lost.groupby(["family", "task", "variant"], sort=True)
    counted = found.agg(reason=("reason", "first"), seeds=("seed", "nunique")).reset_index()
    return [
        f"{row.family}/{row.task}, variant {row.variant}, failed on {row.seeds} seed(s): {row.reason}"
        for row in counted.itertuples(index=False)
    ]


def failures(scores: pd.DataFrame, source: str) -> pd.DataFrame:
    """One row for each instance without a score: why (failed, timed out, declined), and how to repeat it.

    `source` is how the command line names the profile.
    """
    lost = scores.status.isin(["failed", "timeout"])
    bad = scores[scores.primary & (scores.status != "ok") | lost]
    columns = ["family", "task", "variant", "method", "seed", "status", "reason"]
    table = bad[columns].drop_duplicates().reset_index(drop=True)
    commands = [repeat_command(source, f"{row.family}/{row.task}", str(row.method)) for row in table.itertuples()]
    return table.assign(command=pd.Series(commands, dtype="string"))
