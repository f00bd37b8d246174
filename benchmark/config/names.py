"""Names and values of a profile, or of a plugin's `small`, compared with what the plugins declare.

    name_problems(content, registry)       -> one sentence for each unknown name and each value that does not fit
    declaration_problems(plugin, registry) -> the same for the small sizes beside a plugin's definition

Each sentence gives the nearest valid names. The sentences come one by one, so that a file full of nonsense costs no
more than the ones that are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from benchmark.config.schema import RESERVED, Parameters, seed_list
from benchmark.config.spaces import TUNING_SEEDS, space_problems
from benchmark.config.values import shortened, shown, value_problem
from benchmark.errors import TouchstoneError, unknown
from benchmark.registry import Plugin, Registry

SUBJECT = "subject."
"""Before the name of a subject's parameter in a task's `small`."""


def name_problems(content: Parameters, registry: Registry) -> Iterator[str]:
    """Unknown subjects, tasks, variants, methods and parameters of a profile, and values that do not fit."""
    if "sealed" in content:
        yield "sealed: expected `seeds: sealed` or `seeds: {sealed: <number>}` instead"
    yield from _tuning_seeds(content.get("seeds"), "seeds")
    for name, given in _section(content, "subjects"):
        yield from _subject(name, given, registry)
    variants = _variants(content, registry)
    for name, given in _section(content, "tasks"):
        plugin, problem = _find(registry, "task", name, "tasks")
        yield from [problem] if plugin is None else _task(plugin, given, variants, registry, f"tasks.{name}")
    for name, given in _section(content, "methods"):
        yield from _method(name, given, registry)
    for kind in ("task", "method"):
        yield from _twice(content, kind, registry)
    for entry in _strings(content.get("exclude")):
        kind, _, rest = entry.rpartition(":")
        plugin, problem = _find(registry, "method" if kind == "method" else "task", rest, "exclude")
        yield from [] if plugin else [problem]
    for entry in _strings(content.get("only")):
        if entry not in registry.families:
            plugin, problem = _find(registry, "task", entry, "only")
            yield from [] if plugin else [problem]


def declaration_problems(plugin: Plugin, registry: Registry) -> list[str]:
    """What is wrong with what a plugin declares for profiles and tuning: reserved names, its `small`, its `tunable`."""
    reserved = {"subject": ("seeds",), "task": RESERVED, "method": ("method",)}.get(plugin.kind, ())
    listed = f"{plugin.kind} {plugin.key}: the names {', '.join(reserved)} are reserved"
    problems = [f"{listed}, got a parameter {name!r}" for name in reserved if name in plugin.defaults]
    problems += space_problems(plugin)
    small, where = plugin.options.get("small") or {}, f"small of {plugin.kind} {plugin.key}"
    if not isinstance(small, dict) or not all(isinstance(key, str) for key in small):
        return [*problems, f"{where}: expected a mapping from names to values, got {shown(small)}"]
    if plugin.kind == "task":
        return problems + list(_small_task(plugin, small, registry, where))
    return problems + list(_parameters(plugin, small, (), where))


def _small_task(plugin: Plugin, small: Parameters, registry: Registry, where: str) -> Iterator[str]:
    asked = {key.removeprefix(SUBJECT): value for key, value in small.items() if key.startswith(SUBJECT)}
    own = {key: value for key, value in small.items() if not key.startswith(SUBJECT)}
    yield from _task(plugin, own, {}, registry, where)
    for name in ("limits", "asks", "readings"):
        if name in small:
            yield f"{where}: got {name}, expected parameters, variants and methods; a profile may have {name}"
    if "variants" in small and not _is_names(small["variants"]):
        yield f"{where}.variants: expected a list of variants, got {shown(small['variants'])}"
    if "methods" in small and not _is_settings(small["methods"]):
        yield f"{where}.methods: expected parameters by the names of methods, got {shown(small['methods'])}"
    if asked:
        roles = plugin.options.get("subjects") or {"": {"subject": plugin.options.get("subject")}}
        found = [_find(registry, "subject", str(given["subject"]), where) for given in roles.values()]
        yield from (problem for subject, problem in found if subject is None)
        builders = [subject for subject, _ in found if subject is not None]
        for builder in builders:  # each gets those of the parameters that it has
            others = {name for other in builders if other is not builder for name in other.defaults}
            own = {k: v for k, v in asked.items() if k in builder.defaults or k not in others}
            yield from _parameters(builder, own, (), f"{where}.subject")


def _subject(name: str, given: Parameters, registry: Registry) -> Iterator[str]:
    plugin, problem = _find(registry, "subject", name, "subjects")
    if plugin is None:
        yield problem
        return
    yield from _parameters(plugin, given, ("seeds",), f"subjects.{name}")
    try:
        seed_list(given.get("seeds", 1))
    except ValueError as error:
        yield f"subjects.{name}.seeds: {error}, got {shown(given['seeds'])}"
    yield from _tuning_seeds(given.get("seeds"), f"subjects.{name}.seeds")


def _tuning_seeds(seeds: Any, where: str) -> Iterator[str]:
    """Seeds on which parameters were chosen say nothing about what was chosen."""
    taken = [seed for seed in seeds if type(seed) is int and seed in TUNING_SEEDS] if isinstance(seeds, list) else []
    if taken:
        reserved = f"{TUNING_SEEDS[0]} to {TUNING_SEEDS[-1]}"
        yield f"{where}: {taken[0]} is one of the seeds that are kept for `touchstone tune` ({reserved}), never scored"


def _task(
    plugin: Plugin, given: Parameters, variants: dict[str, Plugin], registry: Registry, where: str
) -> Iterator[str]:
    """What is wrong with a task's entry; `variants` are those of methods that the profile adds, by `family/name`."""
    if plugin.problem:
        return
    parameters = {key: value for key, value in given.items() if key not in RESERVED}
    yield from _parameters(plugin, parameters, RESERVED, where)
    declared = plugin.options.get("variants", {})
    for name in _strings(given.get("variants")):
        if name not in declared:
            yield unknown("variant", shortened(name), declared, where=where)
    family = str(plugin.family)
    methods = {p.name: p for p in registry.of("method", family)}
    methods |= {key.rpartition("/")[2]: base for key, base in variants.items() if base.family == family}
    for key in ("asks", "readings"):
        for name in _strings(given.get(key)):
            if name not in methods:
                yield unknown("method", shortened(name), methods, where=f"{where}.{key}")
    asked = [name for name in _strings(given.get("readings")) if name in methods]
    yield from _readable(asked, methods, registry, where)
    for name, departures in _section(given, "methods"):
        if name not in methods:
            yield unknown("method", shortened(name), methods, where=f"{where}.methods")
        else:
            yield from _parameters(methods[name], departures, (), f"{where}.methods.{name}")


def _readable(names: Iterable[str], methods: dict[str, Plugin], registry: Registry, where: str) -> Iterator[str]:
    """Which of these methods cannot be asked or read otherwise, and why."""
    for name in names:
        families = [family for family in registry.of("family") if family.name == methods[name].family]
        if not any(family.options.get("readings") for family in families):
            yield f"{where}.readings: {methods[name].family} knows no other reading of a method"
        elif methods[name].options.get("batched"):
            yield f"{where}.readings: {name} answers several questions at once, and is read in one way alone"


def _method(name: str, given: Parameters, registry: Registry) -> Iterator[str]:
    base = given.get("method")
    if base is not None and not isinstance(base, str):
        yield f"methods.{name}.method: expected the name of a method, got {shown(base)}"
        return
    plugin, problem = _find(registry, "method", variant_base(name, base) if base else name, "methods")
    if plugin is None:
        yield problem
        return
    yield from _parameters(plugin, given, ("method",), f"methods.{name}")
    if base:
        yield from _naming(name.split("/"), plugin, registry)


def _parameters(plugin: Plugin, given: Parameters, extra: Iterable[str], where: str) -> Iterator[str]:
    for key, value in {} if plugin.problem else given.items():
        if key in plugin.defaults:
            if problem := value_problem(value, plugin.defaults[key], plugin.choices.get(key, ())):
                yield f"{where}.{key}: {problem}"
        elif key not in extra:
            yield unknown("parameter", shortened(key), [*plugin.defaults, *extra], where=where)


def _naming(parts: list[str], plugin: Plugin, registry: Registry) -> Iterator[str]:
    """What is wrong with the name under which a profile adds a variant of a method."""
    *family, name = parts
    taken = [p.name for kind in ("method", "reference") for p in registry.of(kind, plugin.family)]
    if family not in ([], [plugin.family]) or not name.isidentifier() or len(name) > 100:
        written = shortened("/".join(parts))
        yield f"methods: {written!r} cannot name a variant of {plugin.key}; expected {plugin.family}/<name>"
    elif name in taken:
        yield f"methods: {name!r} is the name of another method; choose a new one"


def variant_base(name: str, base: str) -> str:
    """The method that a variant `name` stands for, in the variant's family unless `base` names one."""
    return base if "/" in base or "/" not in name else f"{name.partition('/')[0]}/{base}"


def full_names(content: Parameters, kind: str, registry: Registry) -> dict[str, str]:
    """For the entries of a profile's tasks or methods that exist: the one name, `family/name`, that each stands for."""
    known = _by_name(kind, registry)
    found = {}
    for name, given in _section(content, f"{kind}s"):
        base = given.get("method") if kind == "method" else None
        plugin = known.get(variant_base(name, base) if isinstance(base, str) else name)
        if plugin:
            found[name] = f"{plugin.family}/{name.rpartition('/')[2]}" if base else plugin.key
    return found


def _twice(content: Parameters, kind: str, registry: Registry) -> Iterator[str]:
    first: dict[str, str] = {}
    for name, full in full_names(content, kind, registry).items():
        if full in first:
            yield f"{kind}s: {first[full]!r} and {name!r} are the same {kind}; expected one entry for it"
        first.setdefault(full, name)


def _variants(content: Parameters, registry: Registry) -> dict[str, Plugin]:
    """The variants of methods that the profile adds, by `family/name`, with the methods that they stand for."""
    known = _by_name("method", registry)
    bases = {name: given.get("method") for name, given in _section(content, "methods")}
    plugins = {n: known.get(variant_base(n, base)) for n, base in bases.items() if isinstance(base, str) and base}
    return {f"{plugin.family}/{name.rpartition('/')[2]}": plugin for name, plugin in plugins.items() if plugin}


def _by_name(kind: str, registry: Registry) -> dict[str, Plugin]:
    found = registry.of(kind)
    return {p.name: p for p in found} | {p.key: p for p in found}


def _find(registry: Registry, kind: str, name: str, where: str) -> tuple[Plugin | None, str]:
    """A plugin, or None and the problem."""
    try:
        return registry.find(kind, shortened(name), where=where), ""
    except TouchstoneError as error:
        return None, str(error)


def _section(content: Parameters, key: str) -> list[tuple[str, Parameters]]:
    """The entries of a part of the profile that are what they should be; the schema complains about the others."""
    value = content.get(key)
    given = value.items() if isinstance(value, dict) else ()
    return [(k, v or {}) for k, v in given if isinstance(k, str) and isinstance(v, dict | None)]


def _is_settings(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(v, dict) for v in value.values())


def _is_names(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(v, str) for v in value)


def _strings(value: Any) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list | tuple) else []
