"""What the site is made from: tables, descriptions and pictures, all finished before a page sees them.

The site computes no statistics of scores. Whoever publishes fills a `Board`, whose tables are the published CSV files
plus a few columns that only a reader of the pages needs, and calls `benchmark.site.render`. A missing value (NaN or
None) is shown as a dash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.errors import TouchstoneError

RANKING = (
    *("family", "method", "skill", "ci_low", "ci_high", "rank_low", "rank_high", "beats_blind", "beats_random"),
    *("p_value",),
    *("tasks", "seeds", "failures", "seconds"),
    *("chance_skill", "unsupported", "specialist", "reference", "model_calls", "peak_memory_mb"),
    *("above_untrained", "above_untrained_low", "above_untrained_high", "beats_untrained"),
    *("wide_low", "wide_high", "wide_over"),
)

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "leaderboard": RANKING,
    "tasks": (RANKING[0], "task", *RANKING[1:]),
    "variants": (RANKING[0], "task", "variant", *RANKING[1:]),
    "metrics": (
        *("family", "task", "variant", "method", "metric", "primary"),
        *("mean", "spread", "floor", "blind", "ceiling", "n"),
    ),
    "budgets": (
        *("family", "method", "budget", "skill", "chance_skill", "seconds"),
        *("gain", "gain_low", "gain_high", "rising"),
    ),
    "readings": (
        *("family", "task", "method", "choice", "way", "skill", "change", "change_low", "change_high"),
        *("rank", "rank_plain", "methods", "unsupported"),
    ),
    "dials": ("family", "task", "dial", "method", "holds_to", "breaks_at", "skills"),
    "agreement": ("family", "metric", "task", "tau", "ci_low", "ci_high", "methods", "tasks", "seeds"),
    "marks": ("family", "task", "variant", "floor", "blind", "control", "ceiling", "room", "ranked", "reason"),
    "claims": (
        *("claim", "source", "tasks", "effect", "ci_low", "ci_high", "verdict"),
        *("statement", "margin", "reason", "finding"),
    ),
    "certificates": ("subject", "seed", "check", "value", "threshold", "passed", "at_least"),
    "measured": ("subject", "seed", "fact", "value"),
    "failures": ("family", "task", "variant", "method", "seed", "status", "reason", "command"),
}
"""The columns each table of a `Board` must have; more are allowed and not shown."""

DOWNLOADS = (
    "leaderboard.csv",
    "tasks.csv",
    "variants.csv",
    "budgets.csv",
    "readings.csv",
    "dials.csv",
    "marks.csv",
    "agreement.csv",
    "claims.csv",
    "certificates.csv",
    "measured.csv",
    "scores.parquet",
    "board.json",
    "provenance.json",
)
"""The files the publisher writes beside the site, which links to them."""


@dataclass(frozen=True)
class About:
    """What a plugin says of itself: one line of plain text, and its source (`arXiv:...`, `doi:...` or an address).

    `text` is its whole docstring: paragraphs, formulas and indented blocks. `parameters` are those with which this
    profile runs it, `defaults` its own; `options` is what it declares (a task's subject, controls, dials, primary, ...;
    a method's requires, budget, ...; a metric's range and direction).
    """

    summary: str = ""
    cites: str = ""
    text: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PagePicture:
    """A PNG file to show. `name` goes into the published file's name; an empty `task` shows it with the family.

    `method` is the one that it shows alone; empty where it shows all.
    """

    family: str
    task: str
    name: str
    title: str
    caption: str
    path: Path
    method: str = ""


@dataclass(frozen=True, eq=False)
class Board:
    """Everything the site shows.

    Attributes:
        profile: name of the profile that was run.
        title: what the profile is, in a line.
        leaderboard: a row per family and method, best first; `specialist` and `reference` rows stand apart.
        tasks: the same per task, with the column `task`.
        variants: the same per ranked variant of a task, with the columns `task` and `variant`.
        metrics: long form, a row per (family, task, variant, method, metric); `spread` is over `n` seeds.
        budgets: a row per family, learned method and multiple of its budget; `gain` is what the last step up brought,
            `rising` whether that is more than its noise.
        readings: a row per task, method and `way` of making a `choice` that is no part of the method; `change` is its
            skill above that of the plain way.
        dials: a row per task, dial and method: where along the dial its skill falls to the null.
        marks: a row per (family, task, variant): what chance, the best blind `control` and the truth score, the room
            above blind, whether the variant is ranked, and the reason if not.
        agreement: a row per metric that needs no truth and task (empty: all of them): Kendall's `tau` of the order of
            the methods by it and by the primary metric, with its interval over seeds.
        claims: published findings, and the `finding`s of this suite itself; `effect` with its interval is measured
            here, `verdict` compares it with `margin`; where there is a column `expect` it says on which side (above,
            below, within).
        certificates: a row per (subject, seed, check); `at_least` says on which side of `threshold` a value passes.
        measured: a row per (subject, seed, fact), numbers beside the certificate that nothing depends on.
        failures: a row per cell and seed whose `status` is not ok; `command` repeats the cell.
        provenance: `commit`, `dirty`, `finished` (ISO time), `configuration`, `configuration_hash`, `versions`,
            `hardware`, `duration_seconds` (a number, or by stage with `total`); any may be absent, others are listed
            as they come. Where the board was merged from several runs, `families` holds the same by family.
        plugins: `(kind, family, name)` to its description; kinds as in `benchmark.plugins`, family None for subjects.
        pictures: shown with their task, in this order.
        notes: per family `resolution` (smallest difference in skill that this run can tell apart), `clusters`
            (how many pairs of task and seed it rests on), and further numbers or sentences.
        left_out: sentences on what this profile leaves out.

    Raises:
        TouchstoneError: a table lacks a column.
    """

    profile: str
    title: str
    leaderboard: pd.DataFrame
    tasks: pd.DataFrame
    variants: pd.DataFrame
    metrics: pd.DataFrame
    budgets: pd.DataFrame
    readings: pd.DataFrame
    dials: pd.DataFrame
    marks: pd.DataFrame
    agreement: pd.DataFrame
    claims: pd.DataFrame
    certificates: pd.DataFrame
    measured: pd.DataFrame
    failures: pd.DataFrame
    provenance: Mapping[str, Any]
    plugins: Mapping[tuple[str, str | None, str], About] = field(default_factory=dict)
    pictures: Sequence[PagePicture] = ()
    notes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    left_out: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, expected in COLUMNS.items():
            got = [str(column) for column in getattr(self, name).columns]
            absent = [column for column in expected if column not in got]
            if absent:
                raise TouchstoneError(
                    f"the board's table `{name}` lacks {', '.join(absent)} (got {', '.join(got) or 'no columns'}; "
                    f"expected {', '.join(expected)})"
                )

    def about(self, kind: str, family: str | None, name: str) -> About:
        """The description of a plugin, empty where there is none. References count as methods."""
        kinds = (kind, "reference") if kind == "method" else (kind,)
        for each in kinds:
            for where in (family, None):
                if (found := self.plugins.get((each, where, name))) is not None:
                    return found
        return About()
