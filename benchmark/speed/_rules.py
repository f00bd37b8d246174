"""Our rules of dictionaries, by the names of their methods."""

from __future__ import annotations

import sys
import types
from typing import Any

from benchmark.learning.rules import Rule
from benchmark.registry import plugins


def source_of(method: str) -> types.ModuleType:
    """The module that defines a dictionary method."""
    return sys.modules[plugins().find("method", method, "dictionary").load().__module__]


def rule_of(method: str) -> Rule[Any]:
    """The rule that the file of a dictionary method defines, with its defaults."""
    module = source_of(method)
    (rule,) = (
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Rule) and thing.__module__ == module.__name__
    )
    return rule()


def prefixes_of(method: str, size: int) -> list[int]:
    """How many atoms each of the nested dictionaries of a method has."""
    ends: list[int] = source_of(method).prefixes(size)
    return ends
