"""`touchstone run`: one cell from training to scores, in the folders of the full run: nothing is computed twice."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmark.audit import take_back
from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.layout import Layout
from benchmark.locking import hold, run_name
from benchmark.plan import MethodPlan, Plan, TaskPlan, make_plan
from benchmark.registry import plugins, read_file
from benchmark.runtime import start_logging
from benchmark.stages.explain import cell_key, cell_still_true, compute_cells
from benchmark.stages.score import score_rows, to_table
from benchmark.stages.train import train


def run_cell(profile: str, task_name: str, method_name: str, *, workers: int) -> int:
    """Compute one cell and print its rows. Returns the number of instances that failed."""
    start_logging()
    registry = plugins()
    wanted = registry.find("task", task_name.replace(".", "/", 1) if "/" not in task_name else task_name)
    plan = make_plan(profile, overrides={"only": [wanted.key]})
    task = plan.task(wanted.key)
    method = _method(task, method_name)
    layout = Layout(plan.profile.name)
    with hold(layout.results, run_name(), f"touchstone run --task {task.plugin.key} --method {method.name}"):
        for subject in task.subjects:
            train(plan, layout, subject)
        _compute(plan, layout, task, method, workers)
        rows = score_rows(plan, layout, replace(task, methods=(method,)), [method.name], workers=workers)
    table = to_table(rows)
    own = table[(table.method == method.name)]
    _print(own, task)
    return int(own[own.primary & own.status.isin(["failed", "timeout"])].groupby(["variant", "seed"]).ngroups)


def _compute(plan: Plan, layout: Layout, task: TaskPlan, method: MethodPlan, workers: int) -> None:
    key = cell_key(layout, task, method)
    if not cell_still_true(layout.cell(task.id, method.name), key):
        for batch in range(task.batches):  # what vouched for the cell as it was; the workflow looks at the cells again
            if method.name in [planned.name for planned in task.batch(batch)]:
                take_back(layout, layout.explain_index(task.id, batch))
        compute_cells(plan, layout, task, [method], {method.name: key}, workers)


def _method(task: TaskPlan, name: str) -> MethodPlan:
    """A method of the profile by name, or the method in a file."""
    if name.endswith(".py"):
        plugin = read_file(Path(name))
        if plugin.family != task.family:
            raise TouchstoneError(
                f"{name} holds a method of {plugin.family}, but {task.plugin.key} is a task of {task.family}"
            )
        return MethodPlan(plugin.name, plugin, plugin.defaults)
    bare = name.rpartition("/")[2]
    for method in task.methods:
        if method.name == bare:
            return method
    raise UnknownNameError("method", bare, [method.name for method in task.methods], where=f"family {task.family}")


def _print(table: pd.DataFrame, task: TaskPlan) -> None:
    """One line for each variant and metric, averaged over the seeds; the primary metric first and bold."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    view = Table(title=f"{task.plugin.key}: mean over {table.seed.nunique()} seed(s)", title_justify="left")
    for column in ("variant", "metric"):
        view.add_column(column)
    for column in ("value", "floor", "ceiling", "skill", "seconds"):
        view.add_column(column, justify="right")
    for variant in task.variants:
        own = table[(table.variant == variant) & (table.status == "ok")]
        means = own.groupby(["primary", "metric"])[["value", "floor", "ceiling", "skill", "seconds"]].mean()
        for number, (index, row) in enumerate(means.sort_index(level=0, ascending=False).iterrows()):
            primary, metric = cast(tuple[bool, str], index)
            style = "bold" if primary else None
            view.add_row("" if number else variant, metric, *(f"{value:.3f}" for value in row), style=style)
    console.print(view)
    rows = table[table.primary & (table.status != "ok")]
    for variant, seed, status, reason in rows[["variant", "seed", "status", "reason"]].itertuples(index=False):
        console.print(f"{variant}, seed {seed}: {status}: {reason}", highlight=False, markup=False)
    skills = table[table.primary & table.ranked].skill
    console.print(
        f"skill in {task.primary} over the ranked variants: {skills.mean():.3f} (0 is chance, 1 the planted truth)"
    )
