"""Invented boards as a folder keeps them, small and whole: scores with marks, tables, certificates, provenance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from benchmark.boards.kept import Described, Dial, Facts, Kept, Shown
from benchmark.boards.tables import computed
from benchmark.marks import with_marks
from benchmark.registry import Plugin, Registry
from benchmark.scores import COLUMNS, TYPES
from benchmark.store import digest
from tests.support.long_table import noisy

QUALITY = {"good": 0.9, "fair": 0.5, "dark": 0.1}
"""Skills from chance of two methods and of the control."""
SEEDS = tuple(range(6))
VARIANTS = ("v", "w")


def scores(
    families: Sequence[str] = ("f",),
    *,
    tasks: Sequence[str] = ("t",),
    quality: dict[str, float] = QUALITY,
    seed: int = 0,
) -> pd.DataFrame:
    """Rows in the columns and types of the contract; `dark` is the control that sets the blind mark."""
    parts = []
    for number, family in enumerate(families):
        table = noisy(quality, seed=seed + number, family=family, tasks=tasks, variants=VARIANTS, seeds=SEEDS)
        dark = table["method"] == "dark"
        table = table.assign(control=dark, reference=table["reference"] | dark, subject=f"model_{family}")
        table = table.assign(twin="", rival="", budget=np.nan, floor_sd=0.01)
        parts.append(with_marks(table[[*COLUMNS]].astype(TYPES)))
    return pd.concat(parts, ignore_index=True)


def provenance(rows: pd.DataFrame, **changes: Any) -> dict[str, Any]:
    """Where such rows came from; `changes` replace its entries, those of `configuration` being added to it."""
    families = sorted(set(rows["family"]))
    resolved = {}
    for (family, task), own in rows.groupby(["family", "task"]):
        places = sorted({(variant, int(seed)) for variant, seed in zip(own["variant"], own["seed"], strict=True)})
        methods = sorted(set(own["method"]) - {"random", "oracle"})
        instances = [[variant, seed, f"model_{family}", {}] for variant, seed in places]
        resolved[f"{family}.{task}"] = {"instances": instances, "methods": {name: {} for name in methods}}
    configuration = {
        "name": "invented", "title": "An invented board", "seeds": list(SEEDS), "draws": 50, "only": families,
        "exclude": [], "resolved_tasks": resolved,
        "resolved_subjects": {f"model_{family}": {"width": 6, "seeds": list(SEEDS)} for family in families},
    } | changes.pop("configuration", {})  # fmt: skip
    return {
        "touchstone": "0.1.0", "profile": "invented", "commit": "c0ffee", "dirty": False, "engine": "one",
        "configuration": configuration, "configuration_hash": digest(configuration), "device": "cpu",
        "versions": {"torch": "2.13.0+cpu", "numpy": "2.3.1"}, "hardware": {"processor": "Example", "cores": 2},
        "duration_seconds": {"train": 10.0, "total": 10.0}, "finished": "2026-01-31T12:00:00+00:00",
    } | changes  # fmt: skip


def kept(folder: Path, rows: pd.DataFrame | None = None, **changes: Any) -> Kept:
    """A board of these rows with one picture, which is written into `folder`."""
    rows = scores() if rows is None else rows
    families = sorted(set(rows["family"]))
    tasks = [(family, str(own["task"].iloc[0])) for family, own in rows.groupby("family")]
    facts = Facts(
        profile="invented",
        title="An invented board",
        source="invented",
        left_out=("Everything real is left out.",),
        dials=tuple(Dial(family=family, task=task, name="size", variants=VARIANTS) for family, task in tasks),
        plugins=tuple(
            Described(kind="method", family=family, name=name, summary=f"{name} of {family}", text="More.\n\n    x = y")
            for family in families
            for name in QUALITY
        ),
        pictures=tuple(
            Shown(family=family, task=task, name="good", title="Good", caption="It is.", method="good")
            for family, task in tasks
        ),
    )
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / "picture.png"
    Image.new("L", (48, 16), 200).save(image)
    found = computed(rows, facts, [])
    tables = found.tables
    subjects = [(f"model_{family}", seed) for family in families for seed in SEEDS]
    tables["certificates"] = pd.DataFrame(
        [(name, seed, "accuracy", 0.95 + seed / 1000, 0.9, True, True) for name, seed in subjects],
        columns=["subject", "seed", "check", "value", "threshold", "passed", "at_least"],
    )
    tables["measured"] = pd.DataFrame(
        [(name, seed, "loss", 0.1) for name, seed in subjects], columns=["subject", "seed", "fact", "value"]
    )
    return Kept(
        facts.noting(found.notes),
        rows,
        tables,
        provenance(rows, **changes),
        {shown.file: image for shown in facts.pictures},
    )


def registry(rows: pd.DataFrame) -> Registry:
    """The plugins that such rows name, as they would be declared."""
    found = []
    for family, task in sorted(set(zip(rows["family"], rows["task"], strict=True))):
        options = {"primary": "accuracy", "metrics": ("accuracy",), "controls": ("dark",), "variants": {}}
        found.append(Plugin("task", task, family, Path("task.py"), "task", options=options))
    for family in sorted(set(rows["family"])):
        options = {"range": (0.0, 1.0), "direction": "higher", "perfect": 1.0}
        found.append(Plugin("metric", "accuracy", family, Path("accuracy.py"), "accuracy", options=options))
    return Registry(tuple(found))
