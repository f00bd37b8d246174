"""The checks that every plugin must pass, for `touchstone check` and for the tests.

A method is run in a forked child on its family's trivial problem (`trivial()` of the family module: an answer known
in closed form): it must return a valid explanation, the same one twice whatever the state of the global generators,
and leave what it was given as it was. A task is run at the smoke profile's size: its certificate must hold, its
oracle must reach the ceiling, and fresh random explanations must stay at the floor. Semantics are checked, never one
way of writing a plugin.
"""

from __future__ import annotations

import functools
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from benchmark.errors import TouchstoneError, Unsupported
from benchmark.isolation import Ending, run_isolated
from benchmark.registry import Plugin, plugins, read_file
from benchmark.runtime import make_deterministic, start_logging
from benchmark.scores import Metric, Outcome, Scale, averaged, by_name, measured
from benchmark.stages.instances import family_of
from benchmark.store import Store
from benchmark.subjects import generator_for

LIMIT_SECONDS = 120.0
DRAWS = 40


@dataclass(frozen=True)
class Finding:
    """One check: its name, whether it held, and what was seen."""

    name: str
    passed: bool
    detail: str = ""


def find_plugin(name: str) -> Plugin:
    """A method or task by name, `family/name`, or the path of its file."""
    if name.endswith(".py") or Path(name).is_file():
        return read_file(Path(name))
    registry = plugins()
    bare = name.partition("/")[2] or name
    is_task = any(p.name == bare for p in registry.of("task")) and not any(
        p.name == bare for p in registry.of("method")
    )
    return registry.find("task" if is_task else "method", name)


def check_plugin(name: str) -> bool:
    """Run the suite on one plugin and print its findings. Returns whether all checks held."""
    plugin = find_plugin(name)
    console = Console()
    console.print(f"{plugin.kind} [bold]{plugin.key}[/bold] ({plugin.path.name})")
    passed = True
    for finding in findings(plugin):
        passed &= finding.passed
        mark = "[green]ok  [/green]" if finding.passed else "[red]FAIL[/red]"
        console.print(f"  {mark} {finding.name}" + (f": {finding.detail}" if finding.detail else ""), highlight=False)
    return passed


def findings(plugin: Plugin) -> Iterator[Finding]:
    """All findings about a plugin; those that need it to run come from a child with limits on time."""
    if plugin.problem:
        yield Finding("the file declares one plugin", False, plugin.problem)
        return
    yield Finding("the file declares one plugin", True, f"{plugin.symbol}({', '.join(plugin.defaults)})")
    yield Finding("it has a one-line summary", bool(plugin.summary), plugin.summary)
    yield Finding(
        "it cites its source", bool(plugin.cites), plugin.cites or 'add cites="arXiv:..." (or a DOI) to the decorator'
    )
    job = functools.partial(_check_task if plugin.kind == "task" else _check_method, plugin)
    for _, message in run_isolated([job], seconds=LIMIT_SECONDS):
        if not isinstance(message, Ending):
            yield message
        elif message.status != "ok":
            yield Finding("it runs to its end", False, message.reason)


def _check_method(plugin: Plugin, send: Callable[[Finding], None]) -> None:
    family = family_of(str(plugin.family))
    function = plugin.load()

    def explain(state: int) -> tuple[Any, Any, Any]:
        make_deterministic(state)
        posed, truth = family.trivial(0)
        batched = plugin.options.get("batched")
        answers = list(function([posed], **plugin.defaults)) if batched else [function(posed, **plugin.defaults)]
        if len(answers) != 1:
            raise TouchstoneError(f"expected a list of 1 explanation, one for each subject, got {len(answers)}")
        return family.check(answers[0], posed), posed, truth

    try:
        first, posed, truth = explain(state=1)
    except Unsupported as error:
        send(Finding("it runs on the trivial problem", True, f"declines it: {error}"))
        return
    except TouchstoneError as error:
        send(Finding("it returns a valid explanation of the trivial problem", False, str(error)))
        return
    send(Finding("it returns a valid explanation of the trivial problem", True))
    second, _, _ = explain(state=2)
    send(Finding("it is deterministic, whatever the global generators' state", _same(first, second)))
    untouched, _ = family.trivial(0)
    send(Finding("it leaves what it was given as it was", _same(posed, untouched)))
    judge = Metric.of(plugins().find("metric", family.judge, plugin.family))

    def reference(name: str, draw: int) -> Outcome:
        make = plugins().find("reference", name, plugin.family).load()
        made = by_name(make, posed=posed, truth=truth, generator=generator_for(0, f"{name}/{draw}"))
        return measured(judge, made, truth, posed)

    draws = averaged([reference("random", draw) for draw in range(DRAWS)])
    scale = Scale.of({family.judge: draws}, {family.judge: reference("oracle", 0)}, frozenset())
    answer = measured(judge, first, truth, posed)
    skill = scale.skill(family.judge, answer["values"].get("", math.nan))
    send(
        Finding(
            "it can be scored",
            math.isfinite(skill),
            answer["reason"] or f"skill {skill:.2f} in {family.judge} on the trivial problem",
        )
    )


def _same(left: Any, right: Any) -> bool:
    """Whether two dataclasses hold the same arrays, numbers and texts; for models see `_state`."""
    if isinstance(left, torch.Tensor):
        return torch.equal(left, right)
    if isinstance(left, np.ndarray):
        return np.array_equal(left, right)
    if isinstance(left, torch.nn.Module):
        return _same(_state(left), _state(right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    if hasattr(left, "__dataclass_fields__"):
        return all(_same(getattr(left, name), getattr(right, name)) for name in left.__dataclass_fields__)
    return callable(left) or bool(left == right)


def _state(model: torch.nn.Module) -> list[Any]:
    """What a method may leave changed in a model: weights, modes, hooks, what asks for gradients."""
    hooks = [
        [len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks), len(m._backward_pre_hooks)]
        for m in model.modules()
    ]
    modes = [module.training for module in model.modules()]
    return [dict(model.state_dict()), modes, hooks, [weights.requires_grad for weights in model.parameters()]]


def _check_task(plugin: Plugin, send: Callable[[Finding], None]) -> None:
    from benchmark.plan import make_plan
    from benchmark.stages.score import score_instances
    from benchmark.stages.train import train
    from benchmark.table import instance_rows, to_table

    start_logging()
    plan = make_plan("smoke", overrides={"only": [plugin.key], "seeds": 1, "draws": DRAWS})
    task = next(iter(plan.tasks.values()))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for subject in task.subjects:
            train(plan, store, subject)
        scored, _ = score_instances(plan, store, task, [])
        table = to_table([row for one in scored for row in instance_rows(plan, store, task, [], one)])
    send(Finding("its subjects pass their certificates", bool(table[table.variant.isin(_ranked(task))].ranked.all())))
    primary = table[table.primary]
    oracle = primary[primary.method == "oracle"].skill
    send(Finding("its oracle reaches the ceiling", bool((oracle.round(9) == 1).all())))
    span = (primary.ceiling - primary.floor).abs()
    send(
        Finding(
            "floor and ceiling differ by far more than the draws' spread", bool((span > 5 * primary.floor_sd).all())
        )
    )


def _ranked(task: Any) -> list[str]:
    return [instance.variant for instance in task.instances if instance.ranked]
