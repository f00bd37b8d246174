"""Profiles: typed YAML files of sizes, seeds and limits (`config/<profile>.yaml`).

    read_profile("smoke", registry) -> Profile

Every problem of a profile is reported at once, each with the nearest valid name. Nothing here imports torch: the
Snakefile reads profiles.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError, field_validator

from benchmark.errors import TouchstoneError, UnknownNameError, unknown
from benchmark.registry import PROJECT, Plugin, Registry
from benchmark.yaml_files import read_yaml

Parameters = dict[str, Any]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Strict):
    """What one cell (one method on one task, all variants and seeds) may use."""

    seconds: PositiveFloat = 300.0
    """Wall-clock time; a cell that runs longer is stopped and its rows say `timeout`."""
    memory_mb: PositiveInt = 4000
    """Resident memory; a cell that needs more is stopped and its rows say `failed`."""


class Profile(_Strict):
    """The settings of a run."""

    name: str = Field(pattern=r"^\w[\w.-]*$")
    """The name of its folders; the file's stem if not given."""
    title: str = ""
    """One line for the head of the page."""
    seeds: list[int] = Field(default=[0, 1, 2], min_length=1)
    """Each seed trains its own subjects on its own data; a number n stands for the seeds 0 .. n-1."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    draws: PositiveInt = 100
    """How many random explanations make the floor."""
    batches: PositiveInt = 1
    """Into how many jobs the methods of a task are divided: 1 on a laptop, more on a cluster."""
    workers: PositiveInt = 4
    """How many methods of a task run at a time in one job, each on one core; never more than the cores there are."""
    limits: Limits = Limits()
    only: list[str] = []
    """If given, only these tasks (`family/task`, or a family) run."""
    exclude: list[str] = []
    """Tasks (`family/task`) and methods (`method:family/name`) that do not run."""
    subjects: dict[str, Parameters] = {}
    """Parameters of subjects, by name; `seeds` in it gives a subject other seeds."""
    tasks: dict[str, Parameters] = {}
    """Parameters of tasks, by `family/task`; `variants` in it lists the variants to run."""
    methods: dict[str, Parameters] = {}
    """Parameters of methods, by `family/name`. A new name with `method: <existing>` adds a variant of that method."""
    left_out: list[str] = []
    """Sentences for the page: what this profile leaves to a larger one."""

    @field_validator("seeds", mode="before")
    @classmethod
    def _seeds(cls, value: Any) -> Any:
        return list(seed_list(value))

    @field_validator("subjects", "tasks", "methods", mode="before")
    @classmethod
    def _nothing_given(cls, value: Any) -> Any:
        return {k: {} if v is None else v for k, v in value.items()} if isinstance(value, dict) else value


def seed_list(value: Any) -> tuple[int, ...]:
    """The seeds that a profile's value stands for: a number n for 0 .. n-1, a list for itself."""
    counted = isinstance(value, int) and not isinstance(value, bool)
    seeds = list(range(value)) if counted else value
    usable = isinstance(seeds, list) and bool(seeds) and all(type(seed) is int and seed >= 0 for seed in seeds)
    if not usable or len(set(seeds)) != len(seeds):
        raise ValueError("expected a positive number, or a list of distinct numbers that are not negative")
    return tuple(seeds)


def profile_path(name: str) -> Path:
    """Where the profile `name` lies; a path to a YAML file stands for itself."""
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not path.is_file():
            raise TouchstoneError(f"no profile file {name!r}")
        return path
    path = PROJECT / "config" / f"{name}.yaml"
    if not path.is_file():
        raise UnknownNameError("profile", name, [p.stem for p in (PROJECT / "config").glob("*.yaml")])
    return path


def read_profile(name: str, registry: Registry, overrides: Parameters | None = None) -> Profile:
    """Read and check a profile; `overrides` replace its top-level keys (from the command line)."""
    path = profile_path(name)
    try:
        content = read_yaml(path)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TouchstoneError(f"profile {path.name} is not valid YAML: {error}") from None
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise TouchstoneError(f"profile {path.name} must be a mapping of settings, got {type(content).__name__}")
    content |= overrides or {}
    return check_profile({"name": path.stem} | content, registry)


def check_profile(content: Parameters, registry: Registry) -> Profile:
    """Turn a mapping into a `Profile`, or raise one error that lists every problem in it."""
    problems: list[str] = []
    profile: Profile | None = None
    try:
        profile = Profile.model_validate(content)
    except ValidationError as error:
        problems.extend(_describe(item) for item in error.errors())
    problems.extend(_name_problems(content, registry))
    if problems or profile is None:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise TouchstoneError(f"profile {content.get('name')!r} has {len(problems)} problem(s):\n{listed}")
    return profile


def _describe(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        parent, _, key = place.rpartition(".")
        fields = Limits.model_fields if parent == "limits" else Profile.model_fields
        return unknown("profile key", key, fields, where=parent)
    return f"{place}: {item['msg'].removeprefix('Value error, ')}, got {item['input']!r}"


def _name_problems(content: Parameters, registry: Registry) -> list[str]:
    """Unknown subjects, tasks, variants, methods and parameters, each with the nearest names."""
    problems: list[str] = []

    def section(key: str) -> dict[str, Parameters]:
        value = content.get(key)
        given = value.items() if isinstance(value, dict) else ()
        return {k: v or {} for k, v in given if isinstance(k, str) and isinstance(v, dict | None)}

    def find(kind: str, name: str, where: str) -> Plugin | None:
        try:
            return registry.find(kind, name, where=where)
        except TouchstoneError as error:
            problems.append(str(error))
            return None

    def parameters(plugin: Plugin, given: Parameters, extra: tuple[str, ...], where: str) -> None:
        for key, value in given.items():
            if key not in plugin.defaults and key not in extra:
                problems.append(unknown("parameter", str(key), [*plugin.defaults, *extra], where=where))
            elif key in plugin.defaults and not _same_type(value, plugin.defaults[key]):
                expected = type(plugin.defaults[key]).__name__
                problems.append(f"{where}.{key}: expected {expected}, got {value!r}")
            elif key in plugin.choices and value not in plugin.choices[key]:
                problems.append(unknown("choice", str(value), map(str, plugin.choices[key]), where=f"{where}.{key}"))

    for name, given in section("subjects").items():
        if plugin := find("subject", name, "subjects"):
            parameters(plugin, given, ("seeds",), f"subjects.{name}")
            try:
                seed_list(given.get("seeds", 1))
            except ValueError as error:
                problems.append(f"subjects.{name}.seeds: {error}, got {given['seeds']!r}")
    for name, given in section("tasks").items():
        if plugin := find("task", name, "tasks"):
            parameters(plugin, given, ("variants",), f"tasks.{name}")
            problems.extend(_variant_problems(plugin, given, f"tasks.{name}"))
    for name, given in section("methods").items():
        base = given.get("method")
        if base is not None and not isinstance(base, str):
            problems.append(f"methods.{name}.method: expected the name of a method, got {base!r}")
        elif plugin := find("method", variant_base(name, base) if base else name, "methods"):
            parameters(plugin, given, ("method",), f"methods.{name}")
            if base:
                problems.extend(_naming_problems(name.split("/"), plugin, registry))
    for entry in _strings(content.get("exclude")):
        kind, _, rest = entry.rpartition(":")
        find("method" if kind == "method" else "task", rest, "exclude")
    for entry in _strings(content.get("only")):
        if entry not in registry.families:
            find("task", entry, "only")
    return problems


def _variant_problems(plugin: Plugin, given: Parameters, where: str) -> list[str]:
    """What is wrong with a task's `variants`."""
    if "variants" not in given:
        return []
    declared, wanted = plugin.options.get("variants", {}), given["variants"]
    if not isinstance(wanted, list) or not wanted:
        return [f"{where}.variants: expected a list of variants ({', '.join(declared)}), got {wanted!r}"]
    return [unknown("variant", str(v), declared, where=where) for v in wanted if str(v) not in declared]


def _naming_problems(parts: list[str], plugin: Plugin, registry: Registry) -> list[str]:
    """What is wrong with the name under which a profile adds a variant of a method."""
    *family, name = parts
    if family not in ([], [plugin.family]) or not name.isidentifier():
        return [f"methods: {'/'.join(parts)!r} cannot name a variant of {plugin.key}; expected {plugin.family}/<name>"]
    taken = [p.name for kind in ("method", "reference") for p in registry.of(kind, plugin.family)]
    return [f"methods: {name!r} is the name of another method; choose a new one"] if name in taken else []


def variant_base(name: str, base: str) -> str:
    """The method that a variant `name` stands for, in the variant's family unless `base` names one."""
    return base if "/" in base or "/" not in name else f"{name.partition('/')[0]}/{base}"


def _strings(value: Any) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def _same_type(value: Any, default: Any) -> bool:
    """Whether a profile's value fits a default: integers pass for floats, anything passes for None."""
    if default is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, tuple | list):
        return isinstance(value, list | tuple)
    return isinstance(value, type(default))
