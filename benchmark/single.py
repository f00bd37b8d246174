"""`touchstone run`: one cell from training to scores, in the same folders as the full run, so that nothing is computed twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.layout import Layout
from benchmark.plan import MethodPlan, Plan, TaskPlan, make_plan
from benchmark.registry import plugins, read_file
from benchmark.runtime import start_logging
from benchmark.stages.explain import cell_key, compute_cells, still_true
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
    if not still_true(layout.cell(task.id, method.name), key):
        compute_cells(plan, layout, task, [method], {method.name: key}, workers)


def _method(task: TaskPlan, name: str) -> MethodPlan:
    """A method of the profile by name, or the method in a file."""
    if name.endswith(".py"):
        plugin = read_file(Path(name))
        if plugin.family != task.family:
            raise TouchstoneError(f"{name} holds a method of {plugin.family}, but {task.plugin.key} is a task of {task.family}")
        return MethodPlan(plugin.name, plugin, plugin.defaults)
    bare = name.rpartition("/")[2]
    for method in task.methods:
        if method.name == bare:
            return method
    raise UnknownNameError("method", bare, [method.name for method in task.methods], where=f"family {task.family}")


def _print(rows: object, task: TaskPlan) -> None:
    import pandas as pd

    table = pd.DataFrame(rows)
    view = Table(title=f"{task.plugin.key}, primary metric {task.primary}", title_justify="left")
    for column in ("variant", "seed", "metric", "value", "floor", "ceiling", "skill", "status", "seconds", "reason"):
        view.add_column(column, justify="left" if column in ("variant", "metric", "status", "reason") else "right", overflow="fold")
    for row in table.itertuples():
        numbers = [f"{getattr(row, name):.3f}" for name in ("value", "floor", "ceiling", "skill")]
        style = "bold" if row.primary else None
        view.add_row(str(row.variant), str(row.seed), str(row.metric), *numbers, str(row.status), f"{row.seconds:.2f}", str(row.reason), style=style)
    Console(width=None).print(view)
