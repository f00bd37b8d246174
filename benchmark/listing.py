"""`touchstone list`: every plugin with its summary, citation and defaults, or the problem with it.

Nothing is imported for it that has not changed, torch least of all (see `benchmark.registry`).
"""

from __future__ import annotations

from typing import Any

from benchmark.claims import load
from benchmark.errors import UnknownNameError
from benchmark.registry import PROJECT, Plugin, plugins

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


def entries(kind: str = "") -> list[dict[str, Any]]:
    """One entry for each plugin of a kind (plural, as typed), or of all kinds. References count as methods."""
    if kind and kind not in KINDS:
        raise UnknownNameError("kind", kind, KINDS)
    wanted = {KINDS[kind]} if kind else set(KINDS.values())
    registry = plugins()
    found = [_entry(plugin) for plugin in registry.plugins]
    found += [
        {"kind": "claim", "name": c.name, "family": None, "summary": c.statement, "cites": c.source, "defaults": {}}
        for c in load([PROJECT / "tasks" / "claims"])
    ]
    order = list(KINDS.values())
    chosen = (entry for entry in found if entry["kind"] in wanted)
    return sorted(
        chosen, key=lambda e: (order.index(e["kind"]), e["family"] or "", e.get("reference", False), e["name"])
    )


def _entry(plugin: Plugin) -> dict[str, Any]:
    reference = plugin.kind == "reference"
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
        **({"problem": plugin.problem} if plugin.problem else {}),
    }


def _worth_saying(key: str, value: Any) -> bool:
    said = key not in ("name", "draws", "batched") and value != UNSAID.get(key)
    nothing = value is None or value is False or value in ("", (), {})  # 0.0 says something, but equals False
    return said and not nothing


def print_entries(found: list[dict[str, Any]]) -> None:
    """Print entries as tables, one for each kind."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for kind in dict.fromkeys(entry["kind"] for entry in found):
        table = Table(title=PLURALS[kind], title_justify="left", show_lines=False)
        for column in ("family", "name", "summary", "source", "defaults"):
            table.add_column(column, overflow="fold")
        for entry in (e for e in found if e["kind"] == kind):
            defaults = ", ".join(f"{key}={value!r}" for key, value in entry["defaults"].items())
            problem = entry.get("problem")
            summary = Text(f"problem: {problem}", style="red") if problem else Text(entry["summary"])
            cells = (Text(text) for text in (entry["cites"], defaults))  # square brackets are no markup
            table.add_row(entry["family"] or "", entry["name"], summary, *cells)
        console.print(table)
