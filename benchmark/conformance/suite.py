"""Which checks a plugin must pass, run in a child with a limit of time, and printed."""

from __future__ import annotations

import functools
import importlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmark.conformance.checks import Finding
from benchmark.conformance.expected import EXPECTED
from benchmark.errors import TouchstoneError
from benchmark.isolation import Ending, Send, run_isolated
from benchmark.log import start_logging
from benchmark.registry import Plugin, plugins, read_file

LIMIT_SECONDS = 600.0
KINDS = ("method", "task", "metric", "subject", "reference", "family")
"""In the order in which a bare name is looked for."""


def find_plugin(name: str) -> Plugin:
    """A plugin by name or `family/name`, with `kind:` in front where that is ambiguous, or by the path of its file."""
    if name.endswith(".py") or Path(name).is_file():
        return read_file(Path(name))
    registry = plugins()
    kind, _, rest = name.rpartition(":")
    if kind:
        if kind not in KINDS:
            raise TouchstoneError(f"unknown kind {kind!r}: available are {', '.join(KINDS)}")
        return registry.find(kind, rest)
    bare = name.rpartition("/")[2]
    found = [each for each in KINDS if any(p.name == bare and name in (p.name, p.key) for p in registry.of(each))]
    return registry.find(found[0] if found else "method", name)


def check_plugin(name: str) -> bool:
    """Run the suite on one plugin and print its findings. Returns whether all checks held."""
    plugin = find_plugin(name)
    console = Console()
    console.print(f"{plugin.kind} [bold]{plugin.key}[/bold] ({plugin.path.name})")
    passed = True
    for finding in findings(plugin):
        passed &= finding.passed
        mark = "[green]ok  [/green]" if finding.passed else "[red]FAIL[/red]"
        console.print(f"  {mark} {finding.name}" + (f": {finding.detail}" if finding.detail else ""), highlight=False)
    return passed


def findings(plugin: Plugin, folder: Path | None = None) -> Iterator[Finding]:
    """All findings about a plugin; those that need it to run come from a child with a limit of time.

    Subjects that a task needs are trained in `folder`, and found there by the next task; a temporary one if not given.
    """
    if plugin.problem:
        yield Finding("the file declares one plugin", False, plugin.problem)
        return
    yield Finding("the file declares one plugin", True, f"{plugin.symbol}({', '.join(plugin.defaults)})")
    yield Finding("it has a one-line summary", bool(plugin.summary) or plugin.kind == "family", plugin.summary)
    if plugin.kind in ("method", "task", "subject"):
        cites = plugin.cites or 'add cites="arXiv:..." (or a DOI) to the decorator'
        yield Finding("it cites its source", bool(plugin.cites), cites)
    with tempfile.TemporaryDirectory() as own:
        job = functools.partial(_check, plugin, folder or Path(own))
        for _, message in run_isolated([job], seconds=LIMIT_SECONDS):
            if not isinstance(message, Ending):
                yield _expected(plugin, Finding(**message.header))
            elif message.status != "ok":
                yield Finding("it runs to its end", False, message.reason)


def _check(plugin: Plugin, folder: Path, send: Send) -> None:
    """In the child: run the checks of the plugin's kind."""
    modules = {"family": "families"}
    module = importlib.import_module(f"benchmark.conformance.{modules.get(plugin.kind, plugin.kind + 's')}")
    case: Any
    if plugin.kind == "task":
        start_logging()
        case = module.Case(plugin, folder)
    else:
        case = module.Case(plugin)
    module.CHECKS.run(case, send)


def _expected(plugin: Plugin, finding: Finding) -> Finding:
    """The finding in the light of what cannot hold; what holds after all is to be struck from the table."""
    reason = EXPECTED.get((f"{plugin.kind}:{plugin.key}", finding.name))
    if reason is None:
        return finding
    if finding.passed:
        return Finding(finding.name, False, f"it holds, but is expected not to: {reason}")
    return Finding(finding.name, True, f"not, as expected: {reason}")
