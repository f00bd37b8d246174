"""What an imported module declares, as plain values, and what is wrong with it.

    declarations(module, wanted) -> [{"symbol": "smoothgrad", "family": "attribution", "defaults": {...}, ...}]

Runs in the child of `benchmark.declarations`, after the import. The decorators' own results are the truth: arguments
may be computed, dataclass fields inherited, `Literal` choices named elsewhere. A declaration with something wrong in it
holds a `problem` that names the argument.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from benchmark.errors import unknown
from benchmark.families.family import Family
from benchmark.plugins import Definition, Direction, Scope

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
METRIC_NAME = re.compile(r"(?=.{1,64}\Z)[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
NAME_IN_WORDS = "a small letter, then at most 63 small letters, digits and underscores"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One file or entry point to import, and what is looked for in it. All fields are texts, for they travel as JSON.

    `kinds` are separated by blanks. `path` is empty where the file could not be located without importing a package;
    `origin` is "touchstone", "file" (imported from its path) or the name of the installed package.
    """

    kinds: str
    name: str
    family: str | None
    module: str
    path: str = ""
    origin: str = "touchstone"
    symbol: str = ""

    @property
    def file(self) -> str:
        """How errors call it."""
        return self.path.rpartition("/")[2] if self.path else self.module


class Unusable(ValueError):
    """A declaration that cannot be used; the message says why."""


def declarations(module: types.ModuleType, wanted: Wanted) -> list[dict[str, Any]]:
    """What the module declares of the wanted kinds; without any, or with several, one entry that holds the problem."""
    if wanted.kinds == "family":
        return [_family(module, wanted)]
    kinds = wanted.kinds.split()
    found = [(name, one, d) for name, one, d in _decorated(module, wanted.symbol) if d.kind in kinds]
    kind = " or ".join(kinds)
    if not found:
        expected = f"`@{wanted.family or '...'}_{kind}(...)`" if kind in ("method", "task") else f"`@{kind}(...)`"
        named = f" called {wanted.symbol!r}" if wanted.symbol else ""
        problem = f"{wanted.file} declares no {kind}{named}: expected a top-level definition under {expected}"
        return [{"problem": problem}]
    if len(found) > 1 and kind != "reference":
        names = ", ".join(name for name, _, _ in found)
        return [{"problem": f"{wanted.file} declares {len(found)} {kind}s ({names}); expected one a file"}]
    return [_declaration(module, wanted, *one) for one in found]


def _decorated(module: types.ModuleType, symbol: str) -> Iterator[tuple[str, Any, Definition]]:
    """The module's own decorated objects; what it only imports is another's, unless an entry point names it."""
    seen: set[int] = set()
    for name, one in list(vars(module).items()):
        definition = getattr(one, "__dict__", {}).get("__touchstone__")  # a subclass must not inherit it
        own = getattr(one, "__module__", None) == module.__name__ if not symbol else name == symbol
        if isinstance(definition, Definition) and own and id(one) not in seen:
            seen.add(id(one))
            yield name, one, definition


def _family(module: types.ModuleType, wanted: Wanted) -> dict[str, Any]:
    family = getattr(module, wanted.symbol, None)
    if not isinstance(family, Family):
        return {"problem": f"{wanted.file} holds no family: expected {wanted.symbol} = Family(...)"}
    if family.name != wanted.name:
        return {"problem": f"{wanted.file} is the family {family.name!r}, but lies or is entered under {wanted.name!r}"}
    package = sys.modules.get(module.__package__ or "", module)
    summary = first_paragraph(package.__doc__) or first_paragraph(module.__doc__)
    try:
        options = {"readings": plain(dict(family.readings), "readings")}
    except Unusable as error:
        return {"problem": f"{wanted.file}: {error}"}
    found = {"symbol": wanted.symbol, "name": family.name, "kind": "family", "family": None, "summary": summary}
    return {**found, "options": options}


def _declaration(module: types.ModuleType, wanted: Wanted, symbol: str, one: Any, said: Definition) -> dict[str, Any]:
    summary, own = first_paragraph(module.__doc__), first_paragraph(_docstring(one))
    declared: dict[str, Any] = {
        "symbol": symbol,
        "kind": said.kind,
        "name": symbol if said.kind == "reference" else said.options.get("name") or wanted.name,
        "family": said.family or wanted.family,
        "summary": own if said.kind == "reference" else summary or own,
    }
    try:
        if wanted.family and said.family and said.family != wanted.family:
            raise Unusable(f"lies in the folder of {wanted.family} but is declared for {said.family}")
        parameters = _parameters(one, said.kind)
        declared["defaults"] = {name: plain(default, f"parameter {name}") for name, (default, _) in parameters.items()}
        declared["choices"] = {name: found for name, (_, found) in parameters.items() if found}
        declared["options"] = {name: plain(value, name) for name, value in said.options.items()}
        declared["cites"] = plain(said.cites, "cites")
        _check(said.kind, declared)
    except Unusable as error:
        return {"problem": f"{wanted.file} {error}" if str(error).startswith("lies") else f"{wanted.file}: {error}"}
    except RecursionError:
        return {"problem": f"{wanted.file}: its declaration is nested too deeply"}
    return declared


def first_paragraph(text: object) -> str:
    """The first paragraph of a docstring in one line."""
    cleaned = inspect.cleandoc(text) if isinstance(text, str) else ""
    return " ".join(cleaned.strip().split("\n\n")[0].split("\n"))[:1000]


def _docstring(one: Any) -> str:
    text = one.__doc__ if isinstance(one.__doc__, str) else ""
    made_by_dataclass = inspect.isclass(one) and text.startswith(f"{one.__name__}(")
    return "" if made_by_dataclass else text


def plain(value: Any, where: str) -> Any:
    """The value as JSON holds it; sequences as lists.

    Raises:
        Unusable: where JSON holds no such value; the message names the parameter.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            raise Unusable(f"{where}: got NaN, expected a number")
        return float(value)
    if isinstance(value, int):
        if abs(value) >= 1 << 1000:
            raise Unusable(f"{where}: got an integer of {value.bit_length()} bits, expected at most 1000")
        return int(value)
    if isinstance(value, list | tuple):
        return [plain(item, where) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain(item, where) for key, item in value.items()}
    got = f"a {type(value).__name__}" + (" with keys that are no texts" if isinstance(value, Mapping) else "")
    raise Unusable(f"{where}: got {got}, expected what JSON holds: number, text, boolean, None, list or dictionary")


def _parameters(one: Any, kind: str) -> dict[str, tuple[Any, list[Any]]]:
    """Each parameter's default and choices: a function's keyword-only arguments, or a dataclass's fields."""
    if kind in ("task", "subject"):
        if not inspect.isclass(one) or not dataclasses.is_dataclass(one):
            raise Unusable(f"a {kind} is a class under `@dataclass(frozen=True, kw_only=True)`, got {one!r:.100}")
        return {item.name: (_default(item), _choices(item.name, one)) for item in dataclasses.fields(one) if item.init}
    named = [p for p in inspect.signature(one).parameters.values() if p.kind is p.KEYWORD_ONLY]
    for parameter in named:
        if parameter.default is parameter.empty:
            raise Unusable(f"parameter {parameter.name!r} has no default")
    return {p.name: (p.default, _choices(p.name, one)) for p in named}


def _default(item: dataclasses.Field[Any]) -> Any:
    if item.default is not dataclasses.MISSING:
        return item.default
    if item.default_factory is not dataclasses.MISSING:
        return item.default_factory()
    raise Unusable(f"parameter {item.name!r} has no default")


def _choices(name: str, one: Any) -> list[Any]:
    """The values that the resolved annotation allows, `Literal[...]` or `Literal[...] | None`; else none."""
    for holder in one.__mro__ if inspect.isclass(one) else (inspect.unwrap(one),):
        annotation = inspect.get_annotations(holder).get(name)
        if annotation is None:
            continue
        lone = types.SimpleNamespace(__annotations__={name: annotation})
        try:
            resolved = typing.get_type_hints(lone, vars(sys.modules[holder.__module__]))[name]
            return [plain(value, name) for value in _literals(resolved)]
        except Exception:  # an annotation that cannot be resolved at run time restricts nothing
            return []
    return []


def _literals(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if get_origin(annotation) in (typing.Union, types.UnionType):
        members = [[None] if part is type(None) else _literals(part) for part in get_args(annotation)]
        return [value for part in members for value in part] if all(members) else []
    return []


def _check(kind: str, declared: dict[str, Any]) -> None:
    """Raise what is wrong with the arguments of the decorator."""
    options = declared["options"]
    if not isinstance(declared["cites"], str):
        raise Unusable(f"cites: got {declared['cites']!r}, expected a text")
    if not isinstance(options.get("name") or "", str):
        raise Unusable(f"name: got {options['name']!r}, expected a text")
    check_name(declared["name"], METRIC_NAME if kind == "metric" else NAME)
    for key in ("requires", "provides", "needs", "controls", "packages"):
        _identifiers(key, options.get(key, []))
    for key in ("batched", "supervised", "control", "taught") + (("draws",) if kind == "reference" else ()):
        if not isinstance(options.get(key, False), bool):
            raise Unusable(f"{key}: got {options[key]!r}, expected True or False")
    for key in ("threads", "method_seeds") + (("draws",) if kind == "metric" else ()):
        value = options.get(key, 1)
        if (type(value) is not int or value < 1) and not (key == "draws" and value is None):
            raise Unusable(f"{key}: got {value!r}, expected a whole number of at least 1")
    if not isinstance(options.get("small", {}), dict):
        raise Unusable(f"small: got {options['small']!r}, expected a dictionary of parameters")
    if kind == "method" and options["budget"]:
        _check_budget(options["budget"], declared["defaults"])
    if not isinstance(options.get("tunable", {}), dict):
        raise Unusable(f"tunable: got {options['tunable']!r}, expected a dictionary of ranges and choices")
    if kind == "metric":
        _check_metric(options)
    if kind == "task":
        _check_task(options)


def check_name(name: str, pattern: re.Pattern[str] = NAME, what: str = "name") -> None:
    """Raise `Unusable` where a name could not stand in a path, a table or a profile."""
    if not isinstance(name, str) or not pattern.fullmatch(name):
        dots = " (and dots inside)" if pattern is METRIC_NAME else ""
        raise Unusable(f"{what}: got {str(name)[:80]!r}, expected {NAME_IN_WORDS}{dots}")


def _identifiers(key: str, names: Any) -> None:
    if not isinstance(names, list) or not all(isinstance(name, str) and name.isidentifier() for name in names):
        raise Unusable(f"{key}: got {names!r}, expected a tuple of identifiers")


def _check_budget(name: Any, defaults: dict[str, Any]) -> None:
    if name not in defaults:
        raise Unusable(unknown("parameter", str(name), defaults, where="budget"))
    if type(defaults[name]) not in (int, float) or not defaults[name] > 0:
        raise Unusable(f"budget: parameter {name!r} is {defaults[name]!r} by default, expected a number above 0")


def _check_metric(options: dict[str, Any]) -> None:
    bounds = options["range"]
    numbers = isinstance(bounds, list) and all(type(bound) in (int, float) for bound in bounds)
    if not numbers or len(bounds) != 2 or not bounds[0] < bounds[1]:
        raise Unusable(f"range: got {bounds!r}, expected the least and the greatest value")
    for key, allowed in (("direction", get_args(Direction)), ("scope", get_args(Scope))):
        if options[key] not in allowed:
            raise Unusable(f"{key}: {unknown(key, str(options[key]), allowed)}")
    perfect = options["perfect"]
    if perfect is not None and not (type(perfect) in (int, float) and bounds[0] <= perfect <= bounds[1]):
        raise Unusable(f"perfect: got {perfect!r}, expected a number from {bounds[0]!r} to {bounds[1]!r}, or None")


def _check_task(options: dict[str, Any]) -> None:
    metrics, variants = options["metrics"], options["variants"]
    if not isinstance(metrics, list) or options["primary"] not in metrics:
        raise Unusable(f"the primary metric {options['primary']!r} is not among the task's metrics {metrics!r}")
    for name in metrics:
        check_name(name, METRIC_NAME, "metrics")
    if not isinstance(variants, dict) or not variants or not all(isinstance(v, dict) for v in variants.values()):
        raise Unusable(f"variants: got {variants!r}, expected at least one name with a dictionary of parameters")
    for name in variants:
        check_name(name, what="variants")
    ceilings = options["ceilings"]
    if not isinstance(ceilings, dict) or not all(isinstance(why, str) and why for why in ceilings.values()):
        raise Unusable(f"ceilings: got {ceilings!r}, expected a dictionary from metrics to reasons")
    if strange := [name for name in ceilings if name not in metrics]:
        raise Unusable(unknown("metric", strange[0], metrics, where="ceilings"))
    twins, unranked = options["twins"], options["unranked"]
    if not isinstance(unranked, list):
        raise Unusable(f"unranked: got {unranked!r}, expected a list of variants")
    if not isinstance(twins, dict):
        raise Unusable(f"twins: got {twins!r}, expected a dictionary from a variant to the one with random weights")
    rivals = options["rivals"]
    if not isinstance(rivals, dict):
        raise Unusable(f"rivals: got {rivals!r}, expected a dictionary from a variant to its rival")
    dials = options["dials"]
    if not isinstance(dials, dict) or not all(isinstance(steps, list) and len(steps) > 1 for steps in dials.values()):
        raise Unusable(f"dials: got {dials!r}, expected a dictionary from a name to at least two variants")
    paired, turned = [*rivals, *rivals.values()], [str(step) for steps in dials.values() for step in steps]
    named = (("unranked", unranked), ("twins", [*twins, *twins.values()]), ("rivals", paired), ("dials", turned))
    for where, names in named:
        if strange := [name for name in names if name not in list(variants)]:
            raise Unusable(unknown("variant", str(strange[0]), variants, where=where))
    if twice := [name for name in paired if paired.count(name) > 1]:
        raise Unusable(f"rivals: {twice[0]!r} stands there twice, expected each variant in one pair")
    if unlike := [pair for pair in rivals.items() if len({name in [*unranked, *twins.values()] for name in pair}) > 1]:
        raise Unusable(f"rivals: {' and '.join(unlike[0])} are scored together, but only one of them is ranked")
    _check_subjects(options.get("subject"), options.get("subjects"))


def _check_subjects(subject: Any, subjects: Any) -> None:
    if (subject is None) == (subjects is None):
        raise Unusable('expected either subject="..." or subjects={role: {"subject": "...", **parameters}}')
    if subjects is None:
        return check_name(subject, what="subject")
    if not isinstance(subjects, dict) or not subjects:
        raise Unusable(f'subjects: got {subjects!r}, expected {{role: {{"subject": "...", **parameters}}}}')
    for role, given in subjects.items():
        check_name(role, what="subjects")
        if not isinstance(given, dict) or "subject" not in given:
            raise Unusable(f'subjects[{role!r}]: got {given!r}, expected {{"subject": "...", **parameters}}')
        check_name(given["subject"], what=f"subjects[{role!r}]")
    return None
