"""Publishing a board of 60 tasks, 130 methods and 10 seeds: its statistics, and all of it with the pages.

The scores are invented: what counts is how many there are. Each task has three variants and three metrics, and each
family a learned method at three budgets, a control and twins.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.boards.kept import Described, Dial, Facts, Kept, write
from benchmark.boards.showing import render_kept
from benchmark.boards.tables import computed
from benchmark.claims import Claim
from benchmark.marks import with_marks
from benchmark.scores import COLUMNS, TYPES
from benchmark.speed import Row, seconds

FAMILIES, TASKS, METHODS, SEEDS = 8, 60, 130, 10
VARIANTS = ("easy", "hard", "untrained")
METRICS = ("primary", "second", "third")
BUDGETS = (1.0, 4.0, 16.0)
CLAIMS = 100
STATISTICS_LIMIT, PUBLISHING_LIMIT = 5.0, 20.0
"""Seconds that whoever publishes is willing to wait."""


def measure(_profile: str) -> Iterator[Row]:
    """Seconds for the statistics (every table and claim), and for all of publishing."""
    scores, claims = invented_scores(), invented_claims()
    size = f"{TASKS} tasks, {METHODS} methods, {SEEDS} seeds"
    took = seconds(lambda: computed(scores, _facts(), claims), repeats=1)
    yield Row(f"statistics of a board of {size}", took, "s", limit=STATISTICS_LIMIT)
    with tempfile.TemporaryDirectory() as folder:
        took = seconds(lambda: _publish(scores, claims, Path(folder)), repeats=1)
    yield Row(f"publishing a board of {size}", took, "s", limit=PUBLISHING_LIMIT)


def _publish(scores: pd.DataFrame, claims: list[Claim], folder: Path) -> None:
    """Everything but reading the store."""
    write(invented_board(scores, claims), folder)
    render_kept(folder)


def invented_board(scores: pd.DataFrame, claims: list[Claim]) -> Kept:
    """These scores and claims with their statistics, as a folder would keep them."""
    facts = _facts()
    found = computed(scores, facts, claims)
    tables = found.tables | {
        "certificates": pd.DataFrame(
            [(family, seed, "accuracy", 0.95, 0.9, True, True) for family, _ in _tasks() for seed in range(SEEDS)],
            columns=["subject", "seed", "check", "value", "threshold", "passed", "at_least"],
        ).drop_duplicates(),
        "measured": pd.DataFrame(columns=["subject", "seed", "fact", "value"]),
    }
    configuration: dict[str, object] = {"seeds": SEEDS}
    source = {"profile": "invented", "configuration": configuration, "configuration_hash": ""}
    return Kept(facts.noting(found.notes), scores, tables, source)


def _facts() -> Facts:
    text = "What it does, and why.\n\n    y = f(x)\n\n" * 20
    methods = [
        Described(kind="method", family=f, name=n, summary="An invented method.", text=text) for f, n in _methods()
    ]
    options = {"direction": "higher", "truth_free": True}
    families = dict.fromkeys(family for family, _ in _tasks())
    metrics = [Described(kind="metric", family=family, name=METRICS[2], options=options) for family in families]
    return Facts(
        profile="invented",
        title="An invented board",
        source="invented",
        dials=tuple(Dial(family=f, task=t, name="size", variants=VARIANTS[:2]) for f, t in _tasks()),
        plugins=(*methods, *metrics),
    )


def _tasks() -> list[tuple[str, str]]:
    """(family, task) of all tasks."""
    return [(f"family_{number % FAMILIES}", f"task_{number}") for number in range(TASKS)]


def _methods() -> list[tuple[str, str]]:
    """(family, method) of all methods."""
    return [(f"family_{number % FAMILIES}", f"method_{number:03}") for number in range(METHODS)]


def invented_scores() -> pd.DataFrame:
    """Rows in the columns of the contract: skills of a method's own quality with the noise of seeds and questions."""
    generator = np.random.default_rng(0)
    parts = [_rows_of_task(family, task, generator) for family, task in _tasks()]
    return with_marks(pd.concat(parts, ignore_index=True)[[*COLUMNS]].astype(TYPES))


def _rows_of_task(family: str, task: str, generator: np.random.Generator) -> pd.DataFrame:
    own = [name for of, name in _methods() if of == family]
    learned = [(f"{own[0]}@{budget:g}x", budget) for budget in BUDGETS[:-1]] + [(own[0], BUDGETS[-1])]
    names = [*learned, *((name, np.nan) for name in [*own[1:], "random", "oracle"])]
    quality = {name: at / len(own) for at, name in enumerate(own)} | {"random": 0.0, "oracle": 1.0}
    places = list(product(names, VARIANTS, range(SEEDS), METRICS))
    table = pd.DataFrame(
        [(name, budget, variant, seed, metric) for (name, budget), variant, seed, metric in places],
        columns=["method", "budget", "variant", "seed", "metric"],
    )
    reference = table["method"].isin(["random", "oracle"])
    skill = table["method"].str.partition("@")[0].map(quality)
    skill += np.where(reference, 0.0, generator.normal(0, 0.1, len(table)))
    control = table["method"] == own[1]
    return table.assign(
        family=family, task=task, primary=table["metric"] == METRICS[0], value=0.5 + 0.5 * skill, floor=0.5,
        blind=np.nan, ceiling=1.0, skill=np.nan, chance_skill=skill, status="ok", reason="", seconds=1.0,
        model_calls=10.0, peak_memory_mb=100.0, floor_sd=0.01, certified=True, ranked=table["variant"] != VARIANTS[2],
        reference=reference | control, control=control, subject=f"model_{task}",
        twin=np.where(table["variant"] == VARIANTS[2], "", VARIANTS[2]), rival="",
    )  # fmt: skip


def invented_claims() -> list[Claim]:
    """Claims that compare two methods of a family on one of its tasks."""
    found = []
    for number in range(CLAIMS):
        family, task = _tasks()[number % TASKS]
        names = [name for of, name in _methods() if of == family]
        sides = [
            {"family": family, "task": task, "variant": VARIANTS[0], "method": name, "metric": METRICS[number % 3]}
            for name in (names[2 + number % 5], names[8 + number % 5])
        ]
        found.append(
            Claim.model_validate(
                {"name": f"claim-{number}", "statement": "One is better.", "source": "invented", "margin": 0.0}
                | {"left": sides[0], "right": sides[1], "margin_from": "nothing"}
            )
        )
    return found
