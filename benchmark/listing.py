"""`touchstone list`: every plugin with its summary, citation and defaults, or the problem with it.

Nothing is imported for it that has not changed, torch least of all (see `benchmark.registry`).
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from benchmark.claims import load
from benchmark.errors import UnknownNameError
from benchmark.registry import PROJECT, Plugin, Registry, plugins

KINDS = {
    "families": "family",
    "tasks": "task",
    "methods": "method",
    "metrics": "metric",
    "subjects": "subject",
    "claims": "claim",
}
PLURALS = {kind: plural for plural, kind in KINDS.items()}
UNSAID = {"threads": 1, "method_seeds": 1, "scope": "explanation"}
"""Arguments that are not worth saying at these values; nor are empty ones."""
INDENT = "  "


def entries(kind: str = "") -> list[dict[str, Any]]:
    """One entry for each plugin of a kind (plural, as typed), or of all kinds. References count as methods."""
    if kind and kind not in KINDS:
        raise UnknownNameError("kind", kind, KINDS)
    wanted = {KINDS[kind]} if kind else set(KINDS.values())
    registry = plugins()
    found = [_entry(plugin, registry) for plugin in registry.plugins]
    found += [
        {"kind": "claim", "name": c.name, "family": None, "summary": c.statement, "cites": c.source, "defaults": {}}
        for c in load([PROJECT / "tasks" / "claims"])
    ]
    order = list(KINDS.values())
    chosen = (entry for entry in found if entry["kind"] in wanted)
    return sorted(
        chosen, key=lambda e: (order.index(e["kind"]), e["family"] or "", e.get("reference", False), e["name"])
    )


def _entry(plugin: Plugin, registry: Registry) -> dict[str, Any]:
    reference = plugin.kind == "reference"
    lacking = registry.lacking(plugin) if plugin.kind == "task" else plugin.lacking
    return {
        "kind": "method" if reference else plugin.kind,
        "name": plugin.name,
        "family": plugin.family,
        "summary": plugin.summary,
        "cites": plugin.cites,
        "defaults": plugin.defaults,
        "origin": plugin.origin,
        **({"reference": True} if reference else {}),
        **{key: value for key, value in plugin.options.items() if _worth_saying(key, value)},
        **({"lacking": lacking} if lacking else {}),
        **({"problem": plugin.problem} if plugin.problem else {}),
    }


def _worth_saying(key: str, value: Any) -> bool:
    said = key not in ("name", "draws", "batched") and value != UNSAID.get(key)
    nothing = value is None or value is False or value in ("", (), {})  # 0.0 says something, but equals False
    return said and not nothing


def print_entries(found: list[dict[str, Any]], *, full: bool = False, width: int = 80) -> None:
    """Print entries by kind and family: name and source, and below them one line of summary, cut to the width.

    `full` prints summaries whole, the whole citation, and everything else that was declared.
    """
    write = sys.stdout.write
    for kind in dict.fromkeys(entry["kind"] for entry in found):
        of_kind = [entry for entry in found if entry["kind"] == kind]
        for family in dict.fromkeys(entry["family"] for entry in of_kind):
            own = [entry for entry in of_kind if entry["family"] == family]
            heading = PLURALS[kind] if family is None else f"{family}: {PLURALS[kind]}"
            write(f"{heading} ({len(own)})\n")
            for entry in own:
                for line in _full(entry, width) if full else _short(entry, width):
                    write(f"{line}\n")
            write("\n")


def _short(entry: dict[str, Any], width: int) -> Iterator[str]:
    name, source = _name(entry), entry["cites"]
    room = width - len(INDENT) - len(name) - 2
    yield f"{INDENT}{name}  {_cut(source, room):>{room}}".rstrip() if room > 0 else f"{INDENT}{name}"
    yield 2 * INDENT + _cut(_summary(entry), width - 2 * len(INDENT))


def _full(entry: dict[str, Any], width: int) -> Iterator[str]:
    yield f"{INDENT}{_name(entry)}"
    told = {"kind", "name", "family", "summary", "problem", "lacking", "reference"}
    rest = {"source" if key == "cites" else key: value for key, value in entry.items() if key not in told and value}
    for text in (_summary(entry), *(f"{key}: {_said(value)}" for key, value in rest.items())):
        yield from textwrap.wrap(
            text, width, initial_indent=2 * INDENT, subsequent_indent=3 * INDENT, break_long_words=False
        )


def _name(entry: dict[str, Any]) -> str:
    return f"{entry['name']} (reference)" if entry.get("reference") else str(entry["name"])


def _summary(entry: dict[str, Any]) -> str:
    if problem := entry.get("problem"):
        return " ".join(f"problem: {problem}".split())
    lacking = f"left out here: {entry['lacking']}. " if entry.get("lacking") else ""
    return " ".join(f"{lacking}{entry['summary']}".split())


def _cut(text: str, width: int) -> str:
    """The text in so many columns at most, with an ellipsis where something was left out."""
    return text if len(text) <= width else f"{text[: max(width - 1, 0)].rstrip()}…"


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={_said(part)}" for key, part in value.items()) or "as they are"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)
