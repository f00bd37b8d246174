"""Finds plugins by folder and by entry point; what they declare is what their decorators say when they are imported.

    plugins() -> Registry          every family, subject, task, method, metric and reference
    plugins().find("method", "attribution/smoothgrad").load() -> the function

Folders, relative to the project (or to the copies bundled in the wheel): `methods/<family>/`, `tasks/<family>/`,
`tasks/models/<subject>/subject.py`, and `benchmark/families/<family>/` with family.py, references.py and metrics/. The
file's stem is the plugin's name (a subject's is its folder's); files that begin with an underscore are helpers.
Entry-point groups `touchstone.methods`, `.tasks`, `.subjects`, `.metrics` and `.families` add those of installed
packages under the entry point's name; a family brings the references.py and metrics/ beside its module.

Nothing is imported here but by `load()`: a guarded child imports the plugins that are new or changed
(`benchmark.declarations`). Whatever is wrong with one of them becomes its `problem`, and the others are still there.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmark.declarations import Reader, Report, declare, environment_of, load_module
from benchmark.declared import Unusable, Wanted, check_name
from benchmark.errors import TouchstoneError, UnknownNameError

ENGINE = Path(__file__).resolve().parent
PROJECT = ENGINE.parent if (ENGINE.parent / "tasks").is_dir() else ENGINE / "_bundled"
MODELS = "models"
OWN = "touchstone"
ENTRY_POINTS = {
    "family": "touchstone.families",
    "subject": "touchstone.subjects",
    "task": "touchstone.tasks",
    "method": "touchstone.methods",
    "metric": "touchstone.metrics",
}
NAMESPACES = {"reference": "method"}
"""Kinds that share their names: a method and a reference stand in one table."""

if str(PROJECT) not in sys.path:
    sys.path.insert(0, str(PROJECT))


@dataclass(frozen=True)
class Plugin:
    """What one plugin declares."""

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
    """The decorator's other arguments."""
    origin: str = OWN
    """"touchstone", the installed package that brings it, or "file"."""
    problem: str = ""
    unread: Wanted | None = None
    """How to ask again, where the problem is that its file could not be read."""

    @property
    def key(self) -> str:
        """`family/name`, which is unique within a kind (subjects and families have no family)."""
        return f"{self.family}/{self.name}" if self.family else self.name

    @property
    def lacking(self) -> str:
        """What of its optional packages is not installed, as a clause that follows its name; empty where all is."""
        absent = [name for name in self.options.get("packages", ()) if not installed(name)]
        if not absent:
            return ""
        things = f"package {absent[0]}, which is" if len(absent) == 1 else f"packages {', '.join(absent)}, which are"
        return f"needs the {things} not installed: `pip install {' '.join(absent)}`"

    def load(self) -> Any:
        """Import the plugin's module and return the decorated object. A file that could not be read is tried again."""
        plugin = self
        if self.problem and self.unread:
            report = declare([self.unread], environment=_environment(), afresh=True)[0]
            again = [p for p in _plugins(self.unread, report) if p.name == self.name]
            plugin = again[0] if again else self
        if plugin.problem:
            raise TouchstoneError(f"{self.kind} {self.key} cannot be loaded: {plugin.problem}")
        return getattr(load_module(plugin.module, plugin.path if plugin.origin == "file" else None), plugin.symbol)


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
        """The names of all families."""
        return sorted({p.name for p in self.plugins if p.kind == "family"})

    def lacking(self, task: Plugin) -> str:
        """Why a task cannot run here: which of its subjects lacks an optional package; empty where none does."""
        roles = task.options.get("subjects") or {"": {"subject": task.options.get("subject")}}
        named = {str(given.get("subject")) for given in roles.values()}
        found = [subject for subject in self.of("subject") if subject.name in named and subject.lacking]
        return "; ".join(f"its subject {subject.name} {subject.lacking}" for subject in found)

    def find(self, kind: str, name: str, family: str | None = None, *, where: str = "") -> Plugin:
        """The plugin called `name` or `family/name`; an ambiguous bare name is an error that lists the full ones.

        One with a problem is found, too, unless another one of that name is usable.
        """
        if "/" in name:
            family, name = name.split("/", 1)
        matches = [p for p in self.of(kind, family) if p.name == name]
        matches = [p for p in matches if not p.problem] or matches
        keys = sorted({p.key for p in matches})
        if len(keys) > 1:
            raise TouchstoneError(f"{kind} {name!r} is ambiguous: say which of {', '.join(keys)}")
        if not matches:
            candidates = self.of(kind, family) or self.of(kind)
            raise UnknownNameError(kind, name, [p.name if family else p.key for p in candidates], where=where)
        return matches[0]


@functools.cache
def plugins() -> Registry:
    """Every plugin of the project and of the installed packages."""
    candidates = [*_from_folders(), *_from_entry_points()]
    wanted = [one for one in candidates if isinstance(one, Wanted)]
    reports = iter(declare(wanted, environment=_environment()))
    found: list[Plugin] = []
    for one in candidates:
        found.extend([one] if isinstance(one, Plugin) else _plugins(one, next(reports)))
    return Registry(tuple(_of_known_families(_without_twins(found))))


def read(
    path: Path,
    kind: str,
    family: str | None,
    module: str,
    *,
    name: str = "",
    origin: str = "file",
    reader: Reader | None = None,
) -> list[Plugin]:
    """What one file declares of a `kind`; a file without it is a plugin that carries the problem.

    A `reader` that is given is asked whatever the memory holds, and nothing is remembered.
    """
    wanted = Wanted(
        kinds=kind, name=name or path.stem, family=family, module=module, path=str(path.absolute()), origin=origin
    )
    report = reader.ask(wanted) if reader else declare([wanted], environment=_environment())[0]
    return list(_plugins(wanted, report))


def read_file(path: Path) -> Plugin:
    """The method or task in a file outside the plugin folders, for `touchstone check path/to/file.py`."""
    path = path.resolve()
    for plugin in plugins().plugins:
        if plugin.path == path:
            return plugin
    (found,) = _of_known_families(read(path, "method task", None, f"touchstone_file_{path.stem}"), plugins().plugins)
    if found.problem:
        raise TouchstoneError(found.problem)
    return found


def _environment() -> str:
    return environment_of(sys.path)


def _plugins(wanted: Wanted, report: Report) -> Iterator[Plugin]:
    """The plugins of one report; where nothing could be read, one that says why."""
    path = Path(wanted.path)
    blank = Plugin(wanted.kinds.split()[0], wanted.name, wanted.family, path, wanted.module, origin=wanted.origin)
    if "problem" in report:
        yield replace(blank, problem=report["problem"], unread=wanted)
        return
    for declared in report["found"]:
        if "problem" in declared:
            yield replace(blank, problem=declared["problem"])
            continue
        yield replace(
            blank,
            kind=declared["kind"],
            name=declared["name"],
            family=declared.get("family"),
            symbol=declared["symbol"],
            summary=declared["summary"],
            cites=declared.get("cites", ""),
            defaults=_frozen(declared.get("defaults", {})),
            choices=_frozen(declared.get("choices", {})),
            options=_frozen(declared.get("options", {})),
        )


def _frozen(value: Any) -> Any:
    """The value with tuples for JSON's lists, as decorators and defaults have them."""
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _from_folders() -> Iterator[Wanted]:
    for package in sorted((ENGINE / "families").glob("[!_]*/family.py")):
        yield from _family(package.parent, package.parent.name, f"benchmark.families.{package.parent.name}")
    for path in sorted((PROJECT / "tasks" / MODELS).glob("[!_]*/subject.py")):
        name = path.parent.name
        yield Wanted(kinds="subject", name=name, family=None, module=f"tasks.{MODELS}.{name}.subject", path=str(path))
    for kind, folder in (("task", PROJECT / "tasks"), ("method", PROJECT / "methods")):
        for path in sorted(folder.glob("[!_]*/[!_]*.py")):
            family = path.parent.name
            module = f"{folder.name}.{family}.{path.stem}"
            yield Wanted(kinds=kind, name=path.stem, family=family, module=module, path=str(path))


def _family(folder: Path, name: str, package: str, origin: str = OWN, symbol: str = "FAMILY") -> Iterator[Wanted]:
    """A family's package: its object, its references and its metrics."""
    wanted = Wanted(kinds="family", name=name, family=None, module=f"{package}.family", origin=origin, symbol=symbol)
    yield replace(wanted, path=str(folder / "family.py"))
    wanted = replace(wanted, family=name, symbol="")
    references = folder / "references.py"
    yield replace(wanted, kinds="reference", name="references", module=f"{package}.references", path=str(references))
    for path in sorted((folder / "metrics").glob("[!_]*.py")):
        yield replace(wanted, kinds="metric", name=path.stem, module=f"{package}.metrics.{path.stem}", path=str(path))


def _from_entry_points() -> Iterator[Wanted | Plugin]:
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
        if "touchstone." in (distribution.read_text("entry_points.txt") or ""):
            package = str(distribution.name)
            if package in seen:  # a folder may stand twice in `sys.path`; the first one counts, as for imports
                continue
            seen.add(package)
            try:
                entries = list(distribution.entry_points)
            except Exception as error:  # one malformed line makes Python give up the whole file
                problem = f"the entry points of {package} cannot be read: {type(error).__name__}: {error}"
                yield Plugin("method", safe_name(package), None, Path(), "", origin=package, problem=problem)
                continue
            for kind, group in ENTRY_POINTS.items():
                for entry in entries:
                    if entry.group == group:
                        yield from _entry(kind, entry, package)


def _entry(kind: str, entry: importlib.metadata.EntryPoint, package: str) -> Iterator[Wanted | Plugin]:
    """What one entry point names; nothing of it is imported to find its file."""
    blank = Plugin(kind, safe_name(entry.name), None, Path(), "", origin=package)
    named = f"entry point {entry.name[:80]!r} of {package}"
    try:
        check_name(entry.name)
        module, symbol = entry.module, entry.attr
        if not all(part.isidentifier() for part in module.split(".")):
            raise Unusable(f"got {entry.value[:80]!r}, expected module:object")
        path = locate(module)
    except Unusable as error:
        yield replace(blank, problem=f"{named}: {error}")
        return
    except Exception as error:  # `entry.module` of a malformed value; a finder of another package
        yield replace(blank, problem=f"{named} is malformed: {entry.value[:80]!r} ({type(error).__name__}: {error})")
        return
    if path is None:
        yield replace(blank, module=module, problem=f"{named} names a module that does not exist: {module}")
    elif kind == "family" and path.name != "family.py":
        yield replace(blank, module=module, path=path, problem=f"{named}: expected <package>.family:FAMILY")
    elif kind == "family" and (ENGINE / "families" / entry.name / "family.py").is_file():
        yield replace(blank, module=module, path=path, problem=f"{named}: there is a family of that name already")
    elif kind == "family":
        yield from _family(path.parent, entry.name, module.rpartition(".")[0], package, symbol or "FAMILY")
    else:
        family = _family_of_metric(path) if kind == "metric" else None
        yield Wanted(
            kinds=kind, name=entry.name, family=family, module=module, path=str(path), origin=package, symbol=symbol
        )


def _family_of_metric(path: Path) -> str:
    """`<family>/metrics/<name>.py`: a metric says no family, it lies in one's folder."""
    return path.parent.parent.name if path.parent.name == "metrics" else path.parent.name


def installed(module: str) -> bool:
    """Whether a top-level module could be imported; a mere folder of that name on the way is none."""
    specification = importlib.util.find_spec(module)
    return specification is not None and specification.origin is not None


def safe_name(name: str) -> str:
    """A name for what must not be called `name`, for tables and messages; it never becomes a path."""
    return re.sub(r"[^a-z0-9_]+", "_", name.lower())[:64].strip("_") or "unnamed"


def locate(module: str) -> Path | None:
    """The source file of a module; its packages are not imported, which `importlib.util.find_spec` would do."""
    head, *rest = module.split(".")
    specification = importlib.util.find_spec(head)
    if specification is None:
        return None
    if not rest:
        return Path(specification.origin) if specification.has_location and specification.origin else None
    for folder in specification.submodule_search_locations or ():
        base = Path(folder, *rest)
        for path in (base / "__init__.py", base.with_name(f"{rest[-1]}.py")):
            if path.is_file():
                return path
    return None


def _of_known_families(found: list[Plugin], known: Iterable[Plugin] = ()) -> list[Plugin]:
    """The plugins; of those of a family that does not exist or cannot be read, this is the problem."""
    families: dict[str, str] = {}
    for plugin in (*known, *found):
        if plugin.kind == "family":
            families[plugin.name] = plugin.problem and families.get(plugin.name, plugin.problem)

    def checked(plugin: Plugin) -> Plugin:
        if plugin.problem or plugin.family is None or families.get(plugin.family) == "":
            return plugin
        if plugin.family in families:
            return replace(plugin, problem=f"family {plugin.family!r} has a problem: {families[plugin.family]}")
        listed = ", ".join(sorted(families))
        return replace(plugin, problem=f"there is no family {plugin.family!r}; available: {listed}")

    return [checked(plugin) for plugin in found]


def _without_twins(found: list[Plugin]) -> list[Plugin]:
    """The plugins; those that share a name have this as their problem, unless they are the project's only one, or its
    reference, which gives the scale.

    A foreign one, or one named like a reference, then belongs to no family: its cells would be taken for another's.
    """
    named: defaultdict[tuple[str, str], list[Plugin]] = defaultdict(list)
    for plugin in found:
        named[NAMESPACES.get(plugin.kind, plugin.kind), plugin.key].append(plugin)

    def checked(plugin: Plugin) -> Plugin:
        same = named[NAMESPACES.get(plugin.kind, plugin.kind), plugin.key]
        own = Counter(other.origin for other in same)[OWN]
        references = [other for other in same if other.kind == "reference" and other.origin == OWN]
        if len(same) == 1 or (plugin.origin == OWN and own == 1) or references == [plugin]:
            return plugin
        others = ", ".join(f"{other.kind} of {other.origin} ({other.path})" for other in same if other is not plugin)
        problem = plugin.problem or f"{plugin.kind} {plugin.key!r} is not the only one of that name: also {others}"
        return replace(
            plugin, problem=problem, family=plugin.family if plugin.origin == OWN and not references else None
        )

    return [checked(plugin) for plugin in found]
