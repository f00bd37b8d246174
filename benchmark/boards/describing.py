"""What the plugins of a board say of themselves, read from their files without importing them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmark.boards.kept import Described, plain
from benchmark.plan import Plan
from benchmark.registry import Plugin


def described(plan: Plan) -> tuple[Described, ...]:
    """Everything that runs in a plan; a variant of a method says what its method says."""
    return tuple(_described(plan))


def _described(plan: Plan) -> Iterator[Described]:
    tasks = list(plan.tasks.values())
    for family in {task.family: task.family_plugin for task in tasks}.values():
        yield _of(family, family.name, {})
        yield from (_of(reference, reference.name, {}) for reference in plan.registry.of("reference", family.name))
    for task in tasks:
        given = {instance.variant: instance.parameters for instance in task.instances}
        yield _of(task.plugin, task.plugin.name, together(given))
    metrics = {metric.key: metric for task in tasks for metric in task.metrics}
    yield from (_of(metric, metric.name, {}) for metric in metrics.values())
    subjects: dict[str, tuple[Plugin, dict[str, Mapping[str, Any]]]] = {}
    for name, subject in plan.subjects.items():
        subjects.setdefault(subject.plugin.name, (subject.plugin, {}))[1][name] = subject.parameters
    yield from (_of(plugin, name, together(given)) for name, (plugin, given) in subjects.items())
    methods: dict[tuple[str, str], tuple[Plugin, dict[str, Mapping[str, Any]]]] = {}
    for task in tasks:
        for method in task.methods:
            own = methods.setdefault((task.family, method.shown), (method.plugin, {}))
            own[1][task.plugin.name] = method.parameters
    yield from (_of(plugin, name, together(given)) for (_, name), (plugin, given) in methods.items())


def _of(plugin: Plugin, name: str, parameters: Mapping[str, Any]) -> Described:
    return Described(
        kind=plugin.kind,
        family=plugin.family,
        name=name,
        summary=plugin.summary,
        cites=plugin.cites,
        text=docstring(plugin.path, plugin.symbol),
        parameters=plain(parameters),
        defaults=plain(plugin.defaults),
        options=plain(plugin.options),
    )


def together(given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The parameters of several places (tasks, variants) as one: a value that differs says where it is which."""
    names = dict.fromkeys(name for parameters in given.values() for name in parameters)
    found = {name: {place: own[name] for place, own in given.items() if name in own} for name in names}
    return {name: _shared(values) for name, values in found.items()}


def _shared(values: Mapping[str, Any]) -> Any:
    first = next(iter(values.values()))
    if all(value == first for value in values.values()):
        return first
    places: dict[str, list[str]] = {}
    for place, value in values.items():
        places.setdefault(str(value), []).append(place)
    return "; ".join(f"{value} ({', '.join(where)})" for value, where in places.items())


def docstring(path: Path, symbol: str) -> str:
    """The docstring of a file, and below it that of the function or class in it; empty where there is none."""
    package = path.with_name("__init__.py")
    paths = [package, path] if path.name == "family.py" and package.is_file() else [path]
    texts: list[str] = []
    for each in paths:
        try:
            module = ast.parse(each.read_text(encoding="utf-8"))
        except (OSError, ValueError, SyntaxError):
            continue
        nodes = [n for n in module.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == symbol]
        own = (ast.get_docstring(module, clean=False) or "").strip()  # a file's is not indented with its code
        texts += [text for text in (own, *map(ast.get_docstring, nodes)) if text]
    return "\n\n".join(dict.fromkeys(texts))
