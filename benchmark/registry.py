"""Finds plugins by folder and by entry point, and reads what they declare without importing them.

    plugins() -> Registry          every subject, task, method, metric and reference, from the source text alone
    Registry.method("attribution", "smoothgrad").load() -> the function

Folders, relative to the project (or to the copies bundled in the wheel): `methods/<family>/`, `tasks/<family>/`,
`tasks/models/<name>/subject.py` (subjects, named by their folder), `benchmark/families/<family>/` (references.py and
metrics/). The file's stem is the plugin's name; files that begin with an underscore are helpers. Entry-point groups
`touchstone.methods`, `touchstone.tasks`, `touchstone.subjects` and `touchstone.metrics` add those of installed packages
under the entry point's name. A file that cannot be read becomes a plugin with a `problem`, so that one broken file is
reported as a row instead of stopping the others.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmark.errors import TouchstoneError, UnknownNameError, unknown

ENGINE = Path(__file__).resolve().parent
PROJECT = ENGINE.parent if (ENGINE.parent / "tasks").is_dir() else ENGINE / "_bundled"
MODELS = "models"
ENTRY_POINTS = {"method": "touchstone.methods", "task": "touchstone.tasks", "subject": "touchstone.subjects"}
ENTRY_POINTS["metric"] = "touchstone.metrics"

if str(PROJECT) not in sys.path:
    sys.path.insert(0, str(PROJECT))


@dataclass(frozen=True)
class Plugin:
    """What the source text of one plugin says about it."""

    kind: str
    name: str
    family: str | None
    path: Path
    module: str
    symbol: str = ""
    summary: str = ""
    cites: str = ""
    defaults: dict[str, Any] = field(default_factory=dict)
    choices: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    """The values of the parameters that are annotated as `Literal[...]`."""
    options: dict[str, Any] = field(default_factory=dict)
    origin: str = "touchstone"
    problem: str = ""

    @property
    def key(self) -> str:
        """`family/name`, which is unique within a kind (subjects have no family)."""
        return f"{self.family}/{self.name}" if self.family else self.name

    def load(self) -> Any:
        """Import the plugin's module and return the decorated function or class."""
        if self.problem:
            raise TouchstoneError(f"{self.kind} {self.key} cannot be loaded: {self.problem}")
        return getattr(_import(self), self.symbol)


def _import(plugin: Plugin) -> Any:
    if plugin.origin != "file":
        return importlib.import_module(plugin.module)
    specification = importlib.util.spec_from_file_location(plugin.module, plugin.path)
    if specification is None or specification.loader is None:
        raise TouchstoneError(f"{plugin.path} cannot be imported")
    module = importlib.util.module_from_spec(specification)
    sys.modules[plugin.module] = module
    specification.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Registry:
    """All plugins that were found; look one up by name to get an error that helps where there is none."""

    plugins: tuple[Plugin, ...]

    def of(self, kind: str, family: str | None = None) -> list[Plugin]:
        """The plugins of a kind (and family), sorted by name; references are kind "reference"."""
        found = (p for p in self.plugins if p.kind == kind and (family is None or p.family == family))
        return sorted(found, key=lambda p: (p.family or "", p.name))

    @property
    def families(self) -> list[str]:
        """Every family that has a module in `benchmark/families/`."""
        return sorted({p.family for p in self.plugins if p.kind == "reference" and p.family})

    def find(self, kind: str, name: str, family: str | None = None, *, where: str = "") -> Plugin:
        """The plugin called `name` or `family/name`; an ambiguous bare name is an error that lists the full ones."""
        if "/" in name:
            family, name = name.split("/", 1)
        matches = [p for p in self.of(kind, family) if p.name == name]
        if len(matches) > 1:
            keys = ", ".join(p.key for p in matches)
            raise TouchstoneError(f"{kind} {name!r} is ambiguous: say which of {keys}")
        if not matches:
            candidates = self.of(kind, family) or self.of(kind)
            raise UnknownNameError(kind, name, [p.name if family else p.key for p in candidates], where=where)
        return matches[0]


@functools.cache
def plugins() -> Registry:
    """Every plugin of the project and of the installed packages. Two of one kind, family and name are an error."""
    found = _of_known_families([*_from_folders(), *_from_entry_points()])
    seen: dict[tuple[str, str], Plugin] = {}
    for plugin in found:
        other = seen.setdefault((plugin.kind, plugin.key), plugin)
        if other is not plugin:
            raise TouchstoneError(f"two {plugin.kind}s are called {plugin.key!r}: {other.path} and {plugin.path}")
    return Registry(tuple(found))


def _of_known_families(found: list[Plugin]) -> list[Plugin]:
    """The plugins; of those of a family that does not exist, this is the problem."""
    families = sorted({plugin.family for plugin in found if plugin.kind == "reference" and plugin.family})

    def checked(plugin: Plugin) -> Plugin:
        if plugin.problem or plugin.family is None or plugin.family in families:
            return plugin
        return replace(plugin, problem=f"there is no family {plugin.family!r}; available: {', '.join(families)}")

    return [checked(plugin) for plugin in found]


def _from_folders() -> Iterator[Plugin]:
    for kind, folder in (("method", PROJECT / "methods"), ("task", PROJECT / "tasks")):
        for path in sorted(folder.glob("*/[!_]*.py")):
            family = path.parent.name
            yield from read(path, kind, family, f"{folder.name}.{family}.{path.stem}")
    for path in sorted((PROJECT / "tasks" / MODELS).glob("*/subject.py")):
        name = path.parent.name
        yield from read(path, "subject", None, f"tasks.{MODELS}.{name}.subject", name=name)
    for package in sorted((ENGINE / "families").glob("*/family.py")):
        family, module = package.parent.name, f"benchmark.families.{package.parent.name}"
        yield from read(package.parent / "references.py", "reference", family, f"{module}.references")
        for path in sorted((package.parent / "metrics").glob("[!_]*.py")):
            yield from read(path, "metric", family, f"{module}.metrics.{path.stem}")


def _from_entry_points() -> Iterator[Plugin]:
    for kind, group in ENTRY_POINTS.items():
        for entry in importlib.metadata.entry_points(group=group):
            package = entry.dist.name if entry.dist else entry.module.partition(".")[0]
            specification, trouble = None, ""
            try:
                specification = importlib.util.find_spec(entry.module)
            except ImportError:
                pass
            except (Exception, SystemExit) as error:  # finding a module runs the code of the packages it lies in
                trouble = f" ({type(error).__name__}: {error})"
            if specification is None or not specification.origin:
                cannot = "cannot be found" if trouble else "does not exist"
                problem = (
                    f"entry point {entry.name!r} of {package} names a module that {cannot}: {entry.module}{trouble}"
                )
                yield Plugin(kind, entry.name, None, Path(), entry.module, origin=package, problem=problem)
                continue
            path = Path(specification.origin)
            yield from read(path, kind, None, entry.module, name=entry.name, origin=package, symbol=entry.attr)


def read_file(path: Path) -> Plugin:
    """The method or task in a file outside the plugin folders, for `touchstone check path/to/file.py`."""
    path = path.resolve()
    for plugin in plugins().plugins:
        if plugin.path == path:
            return plugin
    found = [
        p for kind in ("method", "task") for p in read(path, kind, None, f"touchstone_file_{path.stem}", origin="file")
    ]
    usable = [p for p in found if not p.problem]
    if not usable:
        raise TouchstoneError("; ".join(dict.fromkeys(p.problem for p in found)))
    return usable[0]


def read(
    path: Path,
    kind: str,
    family: str | None,
    module: str,
    *,
    name: str = "",
    origin: str = "touchstone",
    symbol: str = "",
) -> Iterator[Plugin]:
    """Read the declarations of one `kind` in a file. A file without one yields a plugin that carries the problem."""
    name = name or path.stem
    broken = functools.partial(Plugin, kind, name, family, path, module, origin=origin)
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, OSError, ValueError, RecursionError, MemoryError) as error:
        yield broken(problem=f"{path.name} cannot be read: {type(error).__name__}: {error}")
        return
    declared = [(node, call) for node, call in _declarations(tree, kind) if not symbol or node.name == symbol]
    if not declared:
        wanted = (
            f"`@{family}_{kind}(...)`"
            if kind in ("method", "task") and family
            else f"`@..._{kind}(...)` or `@{kind}(...)`"
        )
        yield broken(problem=f"{path.name} declares no {kind}: expected a top-level definition under {wanted}")
        return
    if len(declared) > 1 and kind != "reference":
        names = ", ".join(node.name for node, _ in declared)
        yield broken(problem=f"{path.name} declares {len(declared)} {kind}s ({names}); expected one a file")
        return
    module_summary = (ast.get_docstring(tree) or "").strip().split("\n\n")[0].replace("\n", " ")
    for node, call in declared:
        own = (ast.get_docstring(node) or "").strip().split("\n\n")[0].replace("\n", " ")
        stated_family = _decorator_name(call).removesuffix(f"_{kind}") if kind in ("method", "task") else family
        if kind == "metric" and family is None:
            stated_family = path.parent.parent.name
        if family and stated_family != family:
            yield broken(problem=f"{path.name} lies in the folder of {family} but is declared for {stated_family}")
            continue
        try:
            options = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg}
            defaults = _defaults(node)
        except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
            yield broken(problem=f"{path.name}: decorator arguments and defaults must be literals ({error})")
            continue
        if trouble := _bad_options(kind, call, options):
            yield broken(problem=f"{path.name}: {trouble}")
            continue
        yield Plugin(
            kind=kind,
            name=(node.name if kind == "reference" else options.get("name") or name),
            family=stated_family,
            path=path,
            module=module,
            symbol=node.name,
            summary=own if kind == "reference" else module_summary or own,
            cites=str(options.pop("cites", "")),
            defaults=defaults,
            choices=_choices(node),
            options=options,
            origin=origin,
        )


def _bad_options(kind: str, call: ast.Call, options: dict[str, Any]) -> str:
    """What is wrong with a decorator's arguments, as far as the source shows it."""
    if call.args or any(keyword.arg is None for keyword in call.keywords):
        return "decorator arguments must be literals and given by name"
    if not isinstance(options.get("name") or "", str):
        return f"name: got {options['name']!r}, expected a text"
    if kind != "task":
        return ""
    if lacking := [key for key in ("primary", "metrics", "variants") if key not in options]:
        return f"the task's decorator lacks {', '.join(lacking)}"
    if trouble := _bad_subjects(options):
        return trouble
    metrics, variants = options["metrics"], options["variants"]
    if not isinstance(metrics, tuple | list) or options["primary"] not in metrics:
        return f"the primary metric {options['primary']!r} is not among the task's metrics {metrics!r}"
    if not isinstance(variants, dict) or not variants or not all(isinstance(v, dict) for v in variants.values()):
        return f"variants: got {variants!r}, expected at least one name with a dictionary of parameters"
    twins, unranked = options.get("twins", {}), options.get("unranked", ())
    if not isinstance(unranked, tuple | list):
        return f"unranked: got {unranked!r}, expected a list of variants"
    if not isinstance(twins, dict):
        return f"twins: got {twins!r}, expected a dictionary from a variant to the one with random weights"
    for where, names in (("unranked", unranked), ("twins", [*twins, *twins.values()])):
        if strange := [name for name in names if name not in list(variants)]:
            return unknown("variant", str(strange[0]), map(str, variants), where=where)
    return ""


def _bad_subjects(options: dict[str, Any]) -> str:
    """What is wrong with the subject of a task, or with those of several roles."""
    roles = options.get("subjects")
    if options.get("subject") is None and roles is None:
        return "the task's decorator lacks subject, or subjects by role"
    if options.get("subject") is not None and roles is not None:
        return "got subject and subjects, expected one of the two"
    named = isinstance(roles, dict) and roles and all(isinstance(v, dict) and "subject" in v for v in roles.values())
    if roles is not None and not named:
        return f'subjects: got {roles!r}, expected for each role a dictionary with "subject" and parameters'
    return ""


def _declarations(tree: ast.Module, kind: str) -> Iterator[tuple[ast.FunctionDef | ast.ClassDef, ast.Call]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call):
                    name = _decorator_name(decorator)
                    if name == kind or (kind in ("method", "task") and name.endswith(f"_{kind}")):
                        yield node, decorator


def _decorator_name(call: ast.Call) -> str:
    target = call.func
    return target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""


def _defaults(node: ast.FunctionDef | ast.ClassDef) -> dict[str, Any]:
    if isinstance(node, ast.ClassDef):
        fields: Iterable[tuple[str, ast.expr | None]] = (
            (item.target.id, item.value)
            for item in node.body
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        )
    else:
        fields = zip((a.arg for a in node.args.kwonlyargs), node.args.kw_defaults, strict=True)
    defaults = {}
    for name, value in fields:
        if value is None:
            raise ValueError(f"parameter {name!r} has no default")
        defaults[name] = ast.literal_eval(value)
    return defaults


def _choices(node: ast.FunctionDef | ast.ClassDef) -> dict[str, tuple[Any, ...]]:
    if isinstance(node, ast.ClassDef):
        annotated = [
            (i.target.id, i.annotation)
            for i in node.body
            if isinstance(i, ast.AnnAssign) and isinstance(i.target, ast.Name)
        ]
    else:
        annotated = [(a.arg, a.annotation) for a in node.args.kwonlyargs if a.annotation]
    found = {}
    for name, annotation in annotated:
        if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value).rpartition(".")[2] == "Literal":
            with contextlib.suppress(SyntaxError, ValueError, TypeError):
                values = ast.literal_eval(annotation.slice)
                found[name] = values if isinstance(values, tuple) else (values,)
    return found
