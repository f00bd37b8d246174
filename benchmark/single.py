"""`touchstone run`: one cell from training to scores, in the folders of the full run: nothing is computed twice."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmark.audit import take_back
from benchmark.config import declaration_problems, task_settings
from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.locking import hold, run_name
from benchmark.log import start_logging
from benchmark.marks import with_marks
from benchmark.plan import MethodPlan, Plan, TaskPlan
from benchmark.planning import at_budgets, make_plan
from benchmark.registry import plugins, read_file
from benchmark.stages.beside import Beside, draw_beside
from benchmark.stages.explain import make_explanations
from benchmark.stages.score import score_instances
from benchmark.stages.train import train
from benchmark.store import Store, damaged
from benchmark.table import instance_rows, to_table


def run_cell(profile: str, task_name: str, method_name: str, *, workers: int) -> int:
    """Compute one cell and print its rows. Returns the number of instances that failed."""
    start_logging()
    registry = plugins()
    wanted = registry.find("task", task_name.replace(".", "/", 1) if "/" not in task_name else task_name)
    plan = make_plan(profile, overrides={"only": [wanted.key]})
    task = plan.task(wanted.key)
    method = method_of(plan, task, method_name)
    store = Store(plan.layout.results)
    with hold(plan.layout.results, run_name(), f"touchstone run --task {task.plugin.key} --method {method.name}"):
        table = cell_table(plan, store, task, method, workers=workers)
        shown = draw_beside(plan, store, task, method, table)
    own = table[table.method == method.shown]
    _print(own, task)
    if shown is not None:
        _print_picture(method.shown, shown)
    return int(own[own.primary & own.status.isin(["failed", "timeout"])].groupby(["variant", "seed"]).ngroups)


def cell_table(plan: Plan, store: Store, task: TaskPlan, method: MethodPlan, *, workers: int) -> pd.DataFrame:
    """Train, explain and score what one cell needs: the rows of the method, of the controls, which set its marks, and
    of the references."""
    for subject in task.subjects:
        for batch in range(plan.subject(subject).batches):
            train(plan, store, subject, batch=batch)
    controls = [other for other in task.methods if other.name in task.controls and other.name != method.name]
    several = [method, *controls]
    make_explanations(plan, store, task, several, workers=workers)
    for index in plan.layout.indexes():  # what vouched for an explanation as it was; the workflow looks at it again
        if damaged(index):
            take_back(plan.layout, index)
    scored, _ = score_instances(plan, store, task, several, workers=workers)
    return with_marks(to_table([row for one in scored for row in instance_rows(plan, store, task, several, one)]))


def method_of(plan: Plan, task: TaskPlan, name: str) -> MethodPlan:
    """A method of the profile by name, with its family in front or not, or the method in a file."""
    if name.endswith(".py"):
        plugin = read_file(Path(name))
        if plugin.family != task.family:
            raise TouchstoneError(
                f"{name} holds a method of {plugin.family}, but {task.plugin.key} is a task of {task.family}"
            )
        if problems := declaration_problems(plugin, plan.registry):
            raise TouchstoneError("; ".join(problems))
        return _as_planned(plan, task, plugin)
    bare = name.rpartition("/")[2]
    for method in task.methods:
        if bare in (method.shown, method.name):
            return method
    known = {plugin.name: plugin for plugin in plan.registry.of("method", task.family)}
    if bare in known:  # the profile does not ask it here
        return _as_planned(plan, task, known[bare])
    names = sorted({*known, *(method.shown for method in task.methods)})
    raise UnknownNameError("method", bare, names, where=f"family {task.family}")


def _as_planned(plan: Plan, task: TaskPlan, plugin: Plugin) -> MethodPlan:
    """A method at the largest budget of the profile."""
    budgets = task_settings(plan.profile, task.plugin).budgets
    return list(at_budgets(plugin.name, plugin, plan.profile, task.plugin, budgets))[-1]


SHOWN = ("value", "floor", "blind", "ceiling", "skill", "seconds")


def _print(table: pd.DataFrame, task: TaskPlan) -> None:
    """One line for each variant and metric, averaged over the seeds; the primary metric first and bold."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    view = Table(title=f"{task.plugin.key}: mean over {table.seed.nunique()} seed(s)", title_justify="left")
    for column in ("variant", "metric"):
        view.add_column(column)
    for column in SHOWN:
        view.add_column(column, justify="right")
    for variant in task.variants:
        own = table[(table.variant == variant) & (table.status == "ok")]
        means = own.groupby(["primary", "metric"])[list(SHOWN)].mean()
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
        f"skill in {task.primary} over the ranked variants: {skills.mean():.3f} "
        "(0 is the higher of chance and blind, 1 the planted truth)"
    )


def _print_picture(method: str, shown: Beside) -> None:
    others = {"the best control": shown.control, "the best other method computed so far": shown.best}
    beside = ["the truth", *(f"{what} ({name})" for what, name in others.items() if name)]
    sys.stdout.write(f"picture of {method} beside {', '.join(beside)}:\n  {shown.path}\n")
