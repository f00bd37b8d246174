"""Which code a result was made by, and the fingerprint of it.

    fingerprint((path, "smoothgrad"), (task_path, "BlockMnistTask.pose")) -> a hash of the definitions that these reach
    closure(path) -> the file and every local module that it imports, directly or not

A fingerprint covers definitions, not files: from each entry every function, class, constant and module-level statement
that it can reach by name, in the engine, the plugin folders or the package that the entry belongs to. Of a class with
local bases only those methods count whose names occur as attributes in what was reached (`task.pose` does not reach
`truth`); a class that inherits from a library counts whole, since the library calls it. Comments, docstrings,
formatting and the decorators that declare plugins are no part of it. Libraries outside count by their versions.

What is reached through computed names (`getattr(self, f"{split}_rows")`) is not seen, unless it is a field.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.registry import ENGINE, PROJECT
from benchmark.versions import version_of

LOCAL = {"benchmark": ENGINE, "tasks": PROJECT / "tasks", "methods": PROJECT / "methods"}
DECLARING = ("subject", "metric", "reference", "_method", "_task")
ALWAYS = ("torch", "numpy")
"""Libraries that every number depends on."""
SILENT = ("jaxtyping",)
"""Libraries that no number depends on."""
SPEAKING = (ENGINE / "errors.py",)
"""Files of which no number depends: how an error is worded and shown."""
Entry = tuple[Path, str]
"""A file and what is defined in it: `name`, or `Class.method` for a class as far as this method reaches it."""
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


def closure(*paths: Path) -> list[Path]:
    """`paths` and the local modules they import, transitively, sorted."""
    found: set[Path] = set()
    waiting = [path.resolve() for path in paths]
    while waiting:
        path = waiting.pop()
        if path not in found and path.is_file():
            found.add(path)
            waiting.extend(_module(path).imported_files)
    return sorted(found)


def libraries(paths: Iterable[Path]) -> list[str]:
    """The modules outside the project and the files' own packages that they import at their top level, sorted."""
    names: set[str] = set()
    for path in paths:
        module = _module(path.resolve())
        for name, _ in module.imports(module.tree.body):
            if not name.startswith((".", "__")) and module.locate(name) is None:
                names.add(name)
    return sorted(name for name in names if name.partition(".")[0] not in LOCAL)


def fingerprint(*entries: Entry) -> str:
    """A hash of all definitions that the entries reach, and of the versions of the libraries that these name."""
    return _fingerprint(tuple(sorted({(path.resolve(), name) for path, name in entries})))


@functools.cache
def _fingerprint(entries: tuple[Entry, ...]) -> str:
    reached = reach(entries)
    versions = {name: version_of(name) for name in sorted({*ALWAYS, *reached.libraries})}
    parts = [f"{place}\0{text}" for place, text in sorted(reached.texts.items())]
    parts += [f"{name}=={version}" for name, version in versions.items() if version]
    return hashlib.sha256("\0\0".join(parts).encode()).hexdigest()[:16]


@dataclass
class Reached:
    """What a set of entries reaches."""

    texts: dict[str, str] = field(default_factory=dict)
    """Place (`file:definition`) to the normalised source of a definition."""
    libraries: set[str] = field(default_factory=set)


def reach(entries: Iterable[Entry]) -> Reached:
    """Follow names from the entries through all local definitions."""
    return _Walk(entries).reached


class _Walk:
    """One search through definitions, with the attribute names seen so far: they decide which methods count."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.reached = Reached()
        self.attributes: set[str] = set()
        self.members: dict[str, list[tuple[Module, str, ast.stmt]]] = {}
        """Methods of reached classes that nothing has named yet, by name."""
        self.seen: set[tuple[Path, str]] = set()
        for path, name in entries:
            head, _, member = name.partition(".")
            if member:
                self._attribute(member)
            self._definition(_module(path), head)

    def _definition(self, module: Module, name: str) -> None:
        if (module.path, name) in self.seen or module.path in SPEAKING:
            return
        self.seen.add((module.path, name))
        for node in module.definitions.get(name, ()):
            if isinstance(node, ast.ClassDef):
                self._class(module, node)
            else:
                self._take(module, name, node)
        if name in module.names:
            self._imported(module, *module.names[name])
        if name in module.definitions:
            self._loose(module)

    def _loose(self, module: Module) -> None:
        """What runs when the module is imported and defines nothing."""
        if (module.path, "") not in self.seen:
            self.seen.add((module.path, ""))
            for number, node in enumerate(module.loose):
                self._take(module, f"<{number}>", node)

    def _class(self, module: Module, node: ast.ClassDef) -> None:
        whole = any(self._foreign(module, base) for base in node.bases)
        head, functions = _parts(node)
        self._take(module, node.name, head)
        for function in functions:
            place = f"{node.name}.{function.name}"
            special = function.name.startswith("__") and function.name.endswith("__")
            if whole or special or function.name in self.attributes:
                self._take(module, place, function)
            else:
                self.members.setdefault(function.name, []).append((module, place, function))

    def _foreign(self, module: Module, base: ast.expr) -> bool:
        """Whether a base class comes from a library, which may then call any method."""
        root = base
        while isinstance(root, ast.Attribute | ast.Subscript):
            root = root.value
        name = root.id if isinstance(root, ast.Name) else ""
        if name in module.definitions or name in ("object", "Protocol", "Generic"):
            return False
        return not (name in module.names and module.locate(module.names[name][0]) is not None)

    def _take(self, module: Module, place: str, node: ast.stmt) -> None:
        said = _said(node)
        key = f"{module.label}:{place}"
        self.reached.texts[key] = self.reached.texts.get(key, "") + said.text
        names = module.names | module.bound(said.imports) if said.imports else module.names
        for attribute in said.attributes:
            self._attribute(attribute)
        for name, attribute in said.through:
            self._through_module(module, names, name, attribute)
        for name in said.names:
            if name in names and name not in module.definitions:
                self._imported(module, *names[name])
            self._definition(module, name)

    def _through_module(self, module: Module, names: Mapping[str, tuple[str, str]], name: str, attribute: str) -> None:
        """`labels.board(...)` reaches `board` in the module that is bound to `labels`."""
        if name in names:
            source, member = names[name]
            target = module.locate(f"{source}.{member}" if member else source)
            if target is not None:
                self._definition(_module(target), attribute)

    def _imported(self, module: Module, name: str, member: str) -> None:
        target = module.locate(name)
        if target is None:
            head = name.partition(".")[0]
            if head and head not in LOCAL and head not in SILENT:
                self.reached.libraries.add(head)
            return
        if member == "*":
            for defined in [*_module(target).definitions, *_module(target).names]:
                self._definition(_module(target), defined)
        elif member and module.locate(f"{name}.{member}") is None:
            self._definition(_module(target), member)

    def _attribute(self, name: str) -> None:
        if name in self.attributes:
            return
        self.attributes.add(name)
        for module, place, function in self.members.pop(name, []):
            self._take(module, place, function)


@functools.cache
def _parts(node: ast.ClassDef) -> tuple[ast.ClassDef, list[ast.FunctionDef | ast.AsyncFunctionDef]]:
    """A class without its methods, and these."""
    functions = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    head = ast.ClassDef(
        name=node.name,
        bases=node.bases,
        keywords=node.keywords,
        decorator_list=node.decorator_list,
        body=[n for n in node.body if n not in functions] or [ast.Pass()],
    )
    return head, functions


@dataclass(frozen=True)
class _Said:
    """What a statement says, as far as a fingerprint cares."""

    text: str
    """Its normalised source."""
    attributes: tuple[str, ...]
    names: tuple[str, ...]
    """Names it reads, and texts that may be annotations ("DictionaryQuestion")."""
    through: tuple[tuple[str, str], ...]
    """(name, attribute) where it reads an attribute of a plain name."""
    imports: tuple[ast.stmt, ...]
    """The imports inside it."""


@functools.cache
def _said(node: ast.stmt) -> _Said:
    clean = _normalised(node)
    attributes: set[str] = set()
    names: set[str] = set()
    through: set[tuple[str, str]] = set()
    for inner in ast.walk(clean):
        if isinstance(inner, ast.Attribute):
            attributes.add(inner.attr)
            if isinstance(inner.value, ast.Name):
                through.add((inner.value.id, inner.attr))
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
            names.add(inner.id)
        elif isinstance(inner, ast.Constant) and isinstance(inner.value, str) and inner.value.isidentifier():
            names.add(inner.value)
    imports = tuple(inner for inner in ast.walk(node) if isinstance(inner, ast.Import | ast.ImportFrom))
    return _Said(ast.dump(clean), tuple(sorted(attributes)), tuple(sorted(names)), tuple(sorted(through)), imports)


def _normalised(node: ast.stmt) -> ast.stmt:
    """A copy without docstrings and without the decorators that declare plugins."""
    copy = ast.parse(ast.unparse(ast.fix_missing_locations(node))).body[0]
    for inner in ast.walk(copy):
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner.decorator_list = [d for d in inner.decorator_list if not _declares(d)]
            inner.body = [n for n in inner.body if not _is_text(n)] or [ast.Pass()]
    return copy


def _declares(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""
    return name in DECLARING or name.endswith(DECLARING[-2:])


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


class Module:
    """One source file: what it defines, what it imports, and what else runs when it is imported."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError, RecursionError, MemoryError, OSError):
            self.tree = ast.Module(body=[], type_ignores=[])
        self._located: dict[str, Path | None] = {}
        self.definitions: dict[str, list[Definition]] = {}
        self.loose: list[ast.stmt] = []
        imports: list[ast.stmt] = []
        for node in self._statements(self.tree.body):
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports.append(node)
            elif names := list(_defined(node)):
                for name in names:
                    self.definitions.setdefault(name, []).append(node)  # type: ignore[arg-type]
            elif not _is_text(node):
                self.loose.append(node)
        self.names = self.bound(imports)

    @staticmethod
    def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
        """Top-level statements; the imports for type checkers count as imports."""
        for node in body:
            if isinstance(node, ast.If) and ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING":
                yield from node.body
            else:
                yield node

    @functools.cached_property
    def label(self) -> str:
        """The file's name relative to the project or its package, so that keys do not depend on where it lies."""
        base = next((r.parent for r in (ENGINE, PROJECT / "tasks") if self.path.is_relative_to(r.parent)), None)
        if base is None:
            base = self.path.parent
            while (base / "__init__.py").is_file():
                base = base.parent
        return self.path.relative_to(base).as_posix()

    def bound(self, nodes: Iterable[ast.stmt]) -> dict[str, tuple[str, str]]:
        """Local names that imports bind, to (module, member); a member "" is the module itself."""
        found: dict[str, tuple[str, str]] = {}
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    whole = alias.name if alias.asname else alias.name.partition(".")[0]
                    found[alias.asname or whole] = (whole, "")
            elif isinstance(node, ast.ImportFrom):
                name = "." * node.level + (node.module or "")
                found |= {alias.asname or alias.name: (name, alias.name) for alias in node.names}
        return found

    def imports(self, nodes: Iterable[ast.stmt]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """(module, members) of every import among the nodes."""
        for node in nodes:
            if isinstance(node, ast.Import):
                yield from ((alias.name, ()) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield "." * node.level + (node.module or ""), tuple(alias.name for alias in node.names)

    @functools.cached_property
    def imported_files(self) -> list[Path]:
        """Local files that any import in the file reads."""
        everywhere = [n for n in ast.walk(self.tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        found: list[Path | None] = []
        for name, members in self.imports(everywhere):
            names = [name, *(f"{name}{'' if name.endswith('.') else '.'}{member}" for member in members)]
            found += map(self.locate, names)
        return [path for path in found if path is not None]

    def locate(self, name: str) -> Path | None:
        """The local file of a module by the name with which this file imports it; None for a library's."""
        if name not in self._located:
            self._located[name] = self._locate(name)
        return self._located[name]

    def _locate(self, name: str) -> Path | None:
        if name.startswith("."):
            level = len(name) - len(name.lstrip("."))
            if level > len(self.path.parents) - 1:
                return None
            base, parts = self.path.parents[level - 1], [part for part in name.lstrip(".").split(".") if part]
        else:
            head, *parts = name.split(".")
            known = LOCAL.get(head) or next((p for p in self.path.parents if p.name == head), None)
            if known is None or not (head in LOCAL or (known / "__init__.py").is_file()):
                return None
            base = known
        target = base.joinpath(*parts)
        candidates = (target.with_suffix(".py"), target / "__init__.py")
        return next((path.resolve() for path in candidates if parts and path.is_file()), None) or (
            (base / "__init__.py").resolve() if not parts and (base / "__init__.py").is_file() else None
        )


@functools.cache
def _module(path: Path) -> Module:
    return Module(path.resolve())


def _defined(node: ast.stmt) -> Iterator[str]:
    """The names that a top-level statement defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name) and _stores(n))


def _stores(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)
