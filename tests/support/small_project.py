"""A project of a test in a temporary folder: its plugins are files, its stages are the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.config import check_profile
from benchmark.plan import Plan
from benchmark.planning import make_plan
from benchmark.registry import Plugin, Registry, plugins, read
from benchmark.stages.explain import explain
from benchmark.stages.score import score
from benchmark.stages.train import train
from benchmark.store import Store
from tests.support.project import READER, forget_sources


@dataclass
class SmallProject:
    """Plugins by kind and name, and a profile; change into `folder` before anything runs."""

    folder: Path
    family: str
    files: Mapping[tuple[str, str], str]
    """(kind, name) to source text."""
    settings: dict[str, Any] = field(default_factory=dict)
    borrowed: tuple[tuple[str, str], ...] = ()
    """Plugins of the engine, as kind and name."""

    @property
    def registry(self) -> Registry:
        engine = [p for p in plugins().plugins if p.kind in ("family", "metric", "reference")]
        engine += [
            plugins().find(kind, name, None if kind == "subject" else self.family) for kind, name in self.borrowed
        ]
        return Registry((*engine, *(self._read(kind, name, text) for (kind, name), text in self.files.items())))

    def _read(self, kind: str, name: str, text: str) -> Plugin:
        path = self.folder / f"{name}.py"
        path.write_text(text)
        forget_sources()
        module = f"small_project_{self.folder.name}_{name}".replace("-", "_")
        (plugin,) = read(path, kind, None if kind == "subject" else self.family, module, origin="file", reader=READER)
        return plugin

    def plan(self, **settings: Any) -> Plan:
        registry = self.registry
        limits = {"seconds": 120, "memory_mb": 4000}
        content = {"name": "small", "seeds": 1, "draws": 3, "device": "cpu", "limits": limits}
        return make_plan(check_profile(content | self.settings | settings, registry), registry=registry)

    def scored(self, **settings: Any) -> tuple[pd.DataFrame, Plan, Store]:
        """All stages on the only task; the table of the long format."""
        plan = self.plan(**settings)
        store = Store(plan.layout.results)
        (task,) = plan.tasks
        for subject in plan.subjects:
            train(plan, store, subject)
        explain(plan, store, task)
        return score(plan, store, task), plan, store
