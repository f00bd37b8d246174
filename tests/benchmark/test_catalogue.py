"""The tables of tasks say what the tasks declare."""

from __future__ import annotations

import pytest

from benchmark.catalogue import HEAD, catalogue
from benchmark.registry import PROJECT, plugins

FAMILIES = [family for family in plugins().families if (PROJECT / "tasks" / family).is_dir()]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_committed_table_is_the_registrys(family: str) -> None:
    text = catalogue(family, plugins())
    assert (PROJECT / "tasks" / family / "README.md").read_text() == text, "run `touchstone catalogue`"
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    assert len(rows) == len([*(PROJECT / "tasks" / family).glob("[!_]*.py")])
    assert all(row.replace("\\|", "").count("|") == len(HEAD) + 1 for row in rows)
