"""One method of a notebook through the stages of a run: in the engine's process, which the notebook starts.

    evaluated(Request(task="attribution/blockmnist", profile="smoke", ...), payload) -> Evaluated(columns, ...)

Subjects, controls and references are those of the profile: what a run has made is reused, what is missing is made as a
run would make it, and kept for the next one. The method is no plugin: what is made of it lies apart, in
`results/<profile>/notebook/`, which no table is made from.

The method is unpickled in its own child alone, behind the confinement of every method (see `benchmark.stages.explain`).
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import pickle  # noqa: TID251 - no artifact: a method's code, run where a method's file would be imported
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.declarations import load_module
from benchmark.families.asking import Answer
from benchmark.locking import hold, run_name
from benchmark.marks import with_marks
from benchmark.plan import MethodPlan, Plan, TaskPlan
from benchmark.planning import make_plan
from benchmark.registry import ENGINE, PROJECT, Plugin, Registry, plugins
from benchmark.single import cell_table
from benchmark.stages.beside import draw_beside
from benchmark.stages.explain import explained_before
from benchmark.stages.score import score_instances
from benchmark.store import Key, Shelf, Store, digest
from benchmark.table import instance_rows, to_table

OWN = "notebook"
"""The folder below the profile's results in which a notebook's own lie."""
SAID = ("batched", "supervised", "control", "taught", "requires")
"""What of a decorator's arguments counts here."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the notebook asks for; plain values, for they travel as JSON."""

    task: str
    """`family/task`."""
    profile: str
    name: str
    """How the method is called."""
    identity: str = ""
    """What identifies it; empty: it is run whatever is kept."""
    folders: tuple[str, ...] = ()
    """Where the notebook looks for modules."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What a decorator says of it, if it has one."""
    workers: int = 1


@dataclass(frozen=True)
class Evaluated:
    """What came of it."""

    table: pd.DataFrame
    """Rows of the long format: the method's, the controls', the references', and of the registered methods whose
    explanations are there those in the primary metric."""
    name: str
    """The method's in the table."""
    title: str
    """What the profile says of itself."""
    reused: bool
    """Whether all explanations were still true, so that the method did not run."""
    picture: bytes = b""
    """A PNG of its explanation beside the truth; empty where it answered nothing."""
    caption: str = ""
    """Who is on the picture."""


def evaluated(request: Request, payload: bytes, registry: Registry | None = None) -> Evaluated:
    """Run a method on all instances of a task, and score it beside what is known. Raises `TouchstoneError`."""
    registry = registry or plugins()
    plan = make_plan(request.profile, overrides={"only": [request.task]}, registry=registry)
    task = _without_crowds(plan.task(request.task))
    method = _method(plan, task, request, payload)
    store = NotebookStore(plan.layout.results, method.name)
    began = time.time()
    with hold(plan.layout.results, run_name(), f"evaluate({request.name}, task={task.plugin.key})"):
        table = cell_table(plan, store, task, method, workers=request.workers)
        contestants = [m for m in task.methods if m.ranked and not m.reference and m.name not in task.controls]
        known = explained_before(plan, store, task, contestants)
        if known:
            table = with_marks(pd.concat([table, _primary_rows(plan, store, task, known, request.workers)]))
        picture, caption = _picture(plan, store, task, method, table)
    kept = [store.path(plan.layout.explanation(task.id, method.name, i.label)) for i in task.instances]
    reused = all(path.is_file() and path.stat().st_mtime < began for path in kept)
    return Evaluated(table.reset_index(drop=True), method.name, plan.profile.title, reused, picture, caption)


def _without_crowds(task: TaskPlan) -> TaskPlan:
    """The task without metrics that compare all methods of a board: there is no board here."""
    crowds = [m for m in task.metrics if m.options.get("scope") == "methods" and m.name != task.primary]
    return replace(task, metrics=tuple(metric for metric in task.metrics if metric not in crowds))


def _method(plan: Plan, task: TaskPlan, request: Request, payload: bytes) -> MethodPlan:
    """The method as a plugin of no registry, under a name that no other has."""
    taken = {p.name for kind in ("method", "reference") for p in plan.registry.of(kind, task.family)}
    taken |= {method.shown for method in task.methods}
    name = f"{request.name}_{OWN}" if request.name in taken else request.name
    path, module = _adapters(task.family_plugin)
    options = {key: value for key, value in request.options.items() if key in SAID}
    plugin = FromNotebook(
        "method", name, task.family, path, module, "adapted", options=options, payload=payload, folders=request.folders
    )
    identity = digest([request.identity, _surroundings()]) if request.identity else uuid.uuid4().hex
    return MethodPlan(name, plugin, {"identity": identity})


def _adapters(family: Plugin) -> tuple[Path, str]:
    """The file and the module that make a function of the question of what was handed over."""
    path = family.path.with_name("adapters.py")
    if path.is_file():
        return path, f"{family.module.rpartition('.')[0]}.adapters"
    return ENGINE / "families" / "asking.py", "benchmark.families.asking"


def adapter_of(family: Plugin) -> Callable[[Any], Answer]:
    """A family's `adapted`. It raises `TouchstoneError` for what the family does not take."""
    found: Callable[[Any], Answer] = load_module(_adapters(family)[1]).adapted
    return found


@dataclass(frozen=True)
class FromNotebook(Plugin):
    """A method that no file holds."""

    payload: bytes = b""
    folders: tuple[str, ...] = ()

    def load(self) -> Any:
        """In the method's child: the function of the question. To unpickle is to run the notebook's code."""
        sys.path.extend(folder for folder in self.folders if folder not in sys.path)
        handed = pickle.loads(self.payload)  # noqa: S301
        if self.options.get("batched"):
            return lambda questions, *, identity: handed(questions)  # noqa: ARG005 - it stands in the key
        answer = load_module(self.module).adapted(handed)
        return lambda question, *, identity: answer(question)  # noqa: ARG005


class NotebookStore(Store):
    """The store of a run, but for what is made of one method, which lies in a folder of its own.

    Nothing is dropped from the run's shelves: the run may know metrics and methods that nobody asks about here.
    """

    def __init__(self, folder: Path, own: str) -> None:
        super().__init__(folder)
        self.own = own

    def path(self, address: str) -> Path:
        """The JSON file of an address."""
        kind, *rest = address.split("/")
        own = kind in ("explanations", "values") and rest[1] == self.own
        return super().path(f"{OWN}/{address}" if own else address)

    def shelf(self, address: str) -> Shelf:
        """The shelf at an address."""
        found = super().shelf(address)
        return _Keeping(found.store, found.address, found.entries)


class _Keeping(Shelf):
    def save(self, keep: Iterable[str]) -> None:
        """Write everything."""
        super().save([*keep, *self.entries])


def _picture(plan: Plan, store: Store, task: TaskPlan, method: MethodPlan, table: pd.DataFrame) -> tuple[bytes, str]:
    """The picture with which `touchstone run` ends, taken out of the run's folder, and who is on it."""
    drawn = draw_beside(plan, store, task, method, table)
    if drawn is None:
        return b"", ""
    others = {"the best control": drawn.control, "the best method of the suite on it": drawn.best}
    beside = ["the planted truth (oracle)", *(f"{what} ({name})" for what, name in others.items() if name)]
    picture = drawn.path.read_bytes()
    drawn.path.unlink()
    return picture, f"{method.name} beside {', '.join(beside)}, on the first seed of one variant."


def _primary_rows(plan: Plan, store: Store, task: TaskPlan, methods: list[MethodPlan], workers: int) -> pd.DataFrame:
    """What registered methods have in the primary metric."""
    alone = replace(task, metrics=tuple(metric for metric in task.metrics if metric.name == task.primary))
    scored, _ = score_instances(plan, store, alone, methods, workers=workers)
    names = [method.shown for method in methods]
    rows = [row for one in scored for row in instance_rows(plan, store, alone, methods, one)]
    return to_table([row for row in rows if row["method"] in names])


@functools.cache
def _surroundings() -> Key:
    """What a method of a notebook may reach without its being handed over: Python, libraries, and this project."""
    installed = sorted(
        {f"{m['Name']}=={m['Version']}" for m in (one.metadata for one in importlib.metadata.distributions())}
    )
    folders = (ENGINE, PROJECT / "methods", PROJECT / "tasks")
    sources = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    contents = [[path.name, hashlib.sha256(path.read_bytes()).hexdigest()] for path in sources]
    return digest([sys.version, installed, contents])
