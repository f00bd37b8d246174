"""From a file to a checked `Profile`, or to one error that lists every problem in it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from benchmark.config.names import full_names, name_problems
from benchmark.config.schema import Limits, Parameters, Profile
from benchmark.config.values import shortened, shown
from benchmark.errors import TouchstoneError, UnknownNameError, unknown
from benchmark.registry import PROJECT, Registry
from benchmark.yaml_files import read_yaml

LISTED = 50
"""A profile has so many problems listed; one with more is no profile."""


def profile_path(name: str) -> Path:
    """Where the profile `name` lies; a path to a YAML file stands for itself."""
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not _exists(path):
            raise TouchstoneError(f"no profile file {shortened(name)!r}")
        return path
    path = PROJECT / "config" / f"{name}.yaml"
    if not _exists(path):
        raise UnknownNameError("profile", shortened(name), [p.stem for p in (PROJECT / "config").glob("*.yaml")])
    return path


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # no name that a file can have
        return False


def read_profile(name: str, registry: Registry, overrides: Parameters | None = None) -> Profile:
    """Read and check a profile; `overrides` replace its top-level keys (from the command line)."""
    path = profile_path(name)
    try:
        content = read_yaml(path)
    except yaml.YAMLError as error:
        raise TouchstoneError(f"profile {shortened(path.name)} is not valid YAML: {error}") from None
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise TouchstoneError(f"profile {path.name} must be a mapping of settings, got {type(content).__name__}")
    content |= overrides or {}
    return check_profile({"name": path.stem} | content, registry)


def check_profile(content: Parameters, registry: Registry) -> Profile:
    """Turn a mapping into a `Profile`, or raise one error that lists every problem in it.

    Tasks and methods of the profile have their full names, `family/name`, whatever the mapping calls them.
    """
    wrong: ValidationError | None = None
    profile: Profile | None = None
    try:
        profile = Profile.model_validate(content)
    except ValidationError as error:
        wrong = error
    problems = list(islice(chain(_form_problems(wrong), name_problems(content, registry)), LISTED + 1))
    if problems or profile is None:
        listed = "\n".join(f"  - {problem}" for problem in problems[:LISTED])
        count = str(len(problems)) if len(problems) <= LISTED else f"more than {LISTED}"
        raise TouchstoneError(f"profile {shown(content.get('name'))} has {count} problem(s):\n{listed}")
    tasks, methods = (full_names(content, kind, registry) for kind in ("task", "method"))
    return profile.model_copy(
        update={
            "tasks": {tasks.get(name, name): given for name, given in profile.tasks.items()},
            "methods": {methods.get(name, name): given for name, given in profile.methods.items()},
        }
    )


def _form_problems(error: ValidationError | None) -> Iterator[str]:
    for item in error.errors(include_url=False, include_context=False) if error else ():
        yield _describe(item)


def _describe(item: Any) -> str:
    *parents, key = [str(part) for part in item["loc"]] or [""]
    where = ".".join(map(shortened, parents))
    if item["type"] == "extra_forbidden":
        fields = Limits.model_fields if parents[-1:] == ["limits"] else Profile.model_fields.keys() - {"sealed"}
        return unknown("profile key", shortened(key), fields, where=where)
    place = f"{where}.{shortened(key)}" if where else shortened(key)
    return f"{place}: {item['msg'].removeprefix('Value error, ')}, got {shown(item['input'])}"
