"""`touchstone export TASK FOLDER`: a task's public data as a Hugging Face dataset, its truth apart.

    load_dataset(FOLDER)                        what methods see, the chief table; a split for each variant
    load_dataset(FOLDER, "truth")               what was planted, row by row beside it
    FOLDER/README.md                            the card, with all tables, their columns and the task's own card
    FOLDER/models/<variant>/<seed>.safetensors        the weights of the models that methods are handed
    FOLDER/subjects/<subject>/<seed>.safetensors      those of models that they are not handed, where any are kept

Which tables there are, each family says (`Family.question_tables`, `truth_tables`). A row has the public label of its
`seed` and its `number` in the question. Nothing is downloaded, and nothing but Parquet and safetensors is written.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from torch import nn

from benchmark.artifacts import write_tensors
from benchmark.errors import TouchstoneError
from benchmark.export.columns import column, feature
from benchmark.export.readme import readme
from benchmark.families.family import Family, Table
from benchmark.locking import hold, run_name
from benchmark.log import start_logging
from benchmark.plan import Instance, Plan, TaskPlan
from benchmark.runtime import make_deterministic
from benchmark.stages.instances import family_of, make_concrete
from benchmark.stages.made import certified, trained
from benchmark.stages.train import train
from benchmark.store import Store

__all__ = ["Written", "export"]


@dataclass
class Written:
    """What has been written of one table."""

    about: str
    truth: bool
    features: list[dict[str, Any]]
    rows: dict[str, int] = field(default_factory=dict)
    """By variant."""


@dataclass
class _Export:
    """The folder as it is being written."""

    folder: Path
    tables: dict[str, Written] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    models: bool = False
    """Whether methods are handed the model itself."""


def export(plan: Plan, folder: Path) -> list[str]:
    """Write the data of the plan's only task into a new folder; lines for the user. Trains what is missing.

    Raises:
        TouchstoneError: the folder holds something already, the family has no tables, or no subject could be trained.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise TouchstoneError(f"{folder} is there already and not empty: nothing was written")
    start_logging()
    (task,) = plan.tasks.values()
    family = family_of(task.family)
    if family.question_tables is None or family.truth_tables is None:
        raise TouchstoneError(f"the family {task.family} does not say how its questions are tables: nothing to export")
    store = Store(plan.layout.results)
    with hold(plan.layout.results, run_name(), f"touchstone export {task.plugin.key}"):
        for subject in task.subjects:
            for batch in range(plan.subject(subject).batches):
                train(plan, store, subject, batch=batch)
        place = folder.absolute()
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
        try:
            found = _written(plan, store, task, family, temporary)
            text = readme(plan, task, found.tables, models=found.models, left_out=found.left_out)
            (temporary / "README.md").write_text(text, encoding="utf-8")
            temporary.chmod(0o755)  # a temporary folder, and what safetensors writes, is for its owner alone
            for path in temporary.rglob("*.safetensors"):
                path.chmod(0o644)
            temporary.replace(place)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return list(_lines(folder, found))


def _written(plan: Plan, store: Store, task: TaskPlan, family: Family, folder: Path) -> _Export:
    found = _Export(folder)
    with ExitStack() as files:
        writers: dict[tuple[str, str], pq.ParquetWriter] = {}
        for instance in task.instances:
            if instance.repeat:
                continue  # the same data: only the seed of methods differs
            if problem := _problem(plan, store, instance):
                found.left_out.append(problem)
                continue
            for truth, table in _tables(plan, store, task, family, instance, found):
                rows = _rows(table, instance.seed)
                key = table.name, instance.variant
                if key not in writers:
                    path = folder / "data" / table.name / f"{instance.variant}.parquet"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    writers[key] = files.enter_context(pq.ParquetWriter(path, rows.schema, compression="zstd"))
                _note(found, table, truth, instance.variant, rows)
                writers[key].write_table(rows)
    if not found.tables:
        raise TouchstoneError(f"{task.plugin.key}: nothing could be exported: {'; '.join(found.left_out)}")
    if not found.models:
        _write_subjects(plan, store, task, folder)
    return found


def _write_subjects(plan: Plan, store: Store, task: TaskPlan, folder: Path) -> None:
    """The weights of all subjects that have any; some are rebuilt from their seed alone."""
    for name in task.subjects:
        for seed in plan.subject(name).seeds:
            kept = trained(plan, store, name, seed)
            weights = dict(kept.tensors("weights")) if kept.content["status"] == "ok" else {}
            if weights:
                write_tensors(folder / "subjects" / name / f"{seed}.safetensors", weights)


def _problem(plan: Plan, store: Store, instance: Instance) -> str:
    """Why an instance is left out; empty where it is not."""
    for name in instance.subjects.values():
        content = trained(plan, store, name, instance.seed).content
        if content["status"] != "ok":
            return (
                f"variant {instance.variant}, seed {instance.seed}: {name} could not be trained ({content['reason']})"
            )
    return ""


def _tables(
    plan: Plan, store: Store, task: TaskPlan, family: Family, instance: Instance, found: _Export
) -> Iterator[tuple[bool, Table]]:
    """The tables of what methods see, then those of the truth."""
    make_deterministic(instance.seed)
    concrete = make_concrete(plan, store, task, instance, device="cpu")
    question = family.blinded(concrete.pose())
    models = {name: value for name, value in vars(question).items() if isinstance(value, nn.Module)}
    for name, model in models.items():
        stem = f"{instance.seed}" if len(models) == 1 else f"{instance.seed}.{name}"
        write_tensors(found.folder / "models" / instance.variant / f"{stem}.safetensors", model.state_dict())
        found.models = True
    if not certified(plan, store, instance):
        found.left_out.append(
            f"variant {instance.variant}, seed {instance.seed}, is here, but its certificate failed: it is not ranked"
        )
    assert family.question_tables is not None
    assert family.truth_tables is not None
    yield from ((False, table) for table in family.question_tables(question))
    yield from ((True, table) for table in family.truth_tables(concrete.truth()))


def _rows(table: Table, seed: int) -> pa.Table:
    columns = {name: column(values) for name, values in table.columns.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) != 1:
        raise TouchstoneError(f"table {table.name}: got columns of lengths {lengths}, expected one length")
    count = next(iter(lengths.values()))
    known = {"seed": column(np.full(count, seed)), "number": column(np.arange(count))}
    return pa.table({**known, **columns})


def _note(found: _Export, table: Table, truth: bool, variant: str, rows: pa.Table) -> None:
    features = [feature(one.name, one.type) for one in rows.schema]
    known = found.tables.setdefault(table.name, Written(table.about, truth, features))
    if known.features != features:
        raise TouchstoneError(
            f"table {table.name}, variant {variant}: got the columns {features}, expected {known.features}, those of "
            "the variants before: one data set has one form"
        )
    known.rows[variant] = known.rows.get(variant, 0) + rows.num_rows


def _lines(folder: Path, found: _Export) -> Iterator[str]:
    for name, table in found.tables.items():
        kind, rows = "truth" if table.truth else "public", sum(table.rows.values())
        yield f"{kind:6} {name}: {rows} rows, {len(table.rows)} variants"
    yield from found.left_out
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    yield f"wrote {folder} ({size / 2**20:.1f} MB); open it with datasets.load_dataset({str(folder)!r})"
    yield "the truth is its configuration 'truth'"
