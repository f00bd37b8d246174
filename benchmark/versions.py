"""Which version of a library is installed, by the name that it is imported as.

version_of("sklearn") -> "1.9.1"        "" for the standard library, and for what is not installed
"""

from __future__ import annotations

import functools
import importlib.metadata
import re
import sys
from contextlib import suppress


@functools.cache
def version_of(name: str) -> str:
    """The installed version of the library that is imported as `name`; empty for the standard library's."""
    if name in sys.stdlib_module_names:
        return ""
    with suppress(importlib.metadata.PackageNotFoundError):
        own = importlib.metadata.distribution(name)
        if name in _modules_of(own):
            return _stated(own)
    owners = [distribution for distribution, modules in _installed() if name in modules]
    with suppress(importlib.metadata.PackageNotFoundError):
        owners.append(importlib.metadata.distribution(name))
    return _stated(owners[0]) if owners else ""


@functools.cache
def _installed() -> list[tuple[importlib.metadata.Distribution, frozenset[str]]]:
    """All distributions with their modules; a tenth of a second, so it is asked only where the names differ."""
    return [(distribution, _modules_of(distribution)) for distribution in importlib.metadata.distributions()]


def _modules_of(distribution: importlib.metadata.Distribution) -> frozenset[str]:
    """The names that one can import of a distribution, as `importlib.metadata.packages_distributions` finds them, which
    takes an object for each installed file."""
    declared = (distribution.read_text("top_level.txt") or "").split()
    files = [] if declared else (distribution.read_text("RECORD") or "").split("\n")
    paths = (line.partition(",")[0] for line in files)
    return frozenset(declared or (path.partition("/")[0].removesuffix(".py") for path in paths if path.endswith(".py")))


def _stated(distribution: importlib.metadata.Distribution) -> str:
    """The version in a distribution's metadata, of which nothing else is read."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    found = re.search(r"^Version:[ \t]*(\S+)", text.partition("\n\n")[0], re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""
