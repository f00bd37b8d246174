"""Which source files a plugin is made of, and the fingerprint of their contents.

    closure(path) -> the file and every local module it imports, directly or not
    fingerprint(paths) -> one hash of their contents

Local means the engine, the plugin folders, or the package the file belongs to; third-party libraries count by version
in the provenance. The stages decide with it whether a result is still true, and the Snakefile lists the same files as
inputs, because Snakemake does not notice an edit of a module that is merely imported.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmark.registry import ENGINE, PROJECT

LOCAL = {"benchmark": ENGINE, "tasks": PROJECT / "tasks", "methods": PROJECT / "methods"}


def closure(*paths: Path) -> list[Path]:
    """`paths` and the local modules they import, transitively, sorted."""
    found: set[Path] = set()
    waiting = [path.resolve() for path in paths]
    while waiting:
        path = waiting.pop()
        if path not in found and path.is_file():
            found.add(path)
            waiting.extend(_local_imports(path))
    return sorted(found)


def libraries(paths: Iterable[Path]) -> list[str]:
    """The modules outside the project and the files' own packages that they import at their top level, sorted."""
    names = {
        name
        for path in paths
        for name, _ in _imports(path, top_level=True)
        if not (path.resolve().parent / "__init__.py").is_file()
        or name.partition(".")[0] not in {parent.name for parent in path.resolve().parents}
    }
    return sorted(name for name in names if not name.startswith((".", "__")) and name.partition(".")[0] not in LOCAL)


def fingerprint(paths: Iterable[Path]) -> str:
    """SHA-256 over the files' names and contents, 16 hexadecimal digits; independent of where the project lies."""
    digest = hashlib.sha256()
    for path in sorted({path.resolve() for path in paths}):
        base = next(
            (root.parent for root in (ENGINE, PROJECT / "tasks") if path.is_relative_to(root.parent)), path.parent
        )
        digest.update(path.relative_to(base).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@functools.cache
def _local_imports(path: Path) -> tuple[Path, ...]:
    return tuple(file for name, members in _imports(path) for file in _files(path, name, members))


@functools.cache
def _imports(path: Path, *, top_level: bool = False) -> tuple[tuple[str, tuple[str, ...]], ...]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found: list[tuple[str, tuple[str, ...]]] = []
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found.extend((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.append(("." * node.level + (node.module or ""), tuple(alias.name for alias in node.names)))
    return tuple(found)


def _files(importer: Path, name: str, members: tuple[str, ...]) -> Iterator[Path]:
    """The files that `from name import members` may read: the module, or a package's modules among the members."""
    if name.startswith("."):
        level = len(name) - len(name.lstrip("."))
        if level > len(importer.parents) - 1:
            return
        base = importer.parents[level - 1]
        parts = [part for part in name.lstrip(".").split(".") if part]
    else:
        head, *parts = name.split(".")
        if head not in LOCAL:
            root = next((parent for parent in importer.parents if parent.name == head), None)
            if root is None or not (root / "__init__.py").is_file():
                return
            base = root
        else:
            base = LOCAL[head]
    target = base.joinpath(*parts)
    candidates = [target.with_suffix(".py"), *(target / f"{member}.py" for member in members), target / "__init__.py"]
    yield from (candidate.resolve() for candidate in candidates if candidate.is_file())
