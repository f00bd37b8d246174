"""The list in a terminal: two lines for each plugin, none wider than asked; all of it on demand."""

from __future__ import annotations

from typing import Any

import pytest

from benchmark.listing import KINDS, entries, print_entries


@pytest.mark.parametrize("width", [80, 60])
def test_no_line_is_wider_than_the_terminal(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    print_entries(entries(), width=width)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 300
    names = {entry["name"] for entry in entries()}
    for line in lines:
        assert len(line) <= width or line.split()[0] in names, line


def test_every_plugin_is_there_with_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    print_entries(entries("methods"))
    output = capsys.readouterr().out
    assert "  smoothgrad" + "arXiv:1706.03825".rjust(68) in output.splitlines()
    assert "  random (reference)" in output
    for entry in entries("methods"):
        assert f"\n  {entry['name']}" in output


def test_the_rest_is_there_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    print_entries(entries("methods"), full=True)
    output = capsys.readouterr().out
    assert "defaults: samples=32, noise=0.15" in output
    assert "…" not in output


def test_a_problem_stands_in_the_place_of_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    entry: dict[str, Any] = {"kind": "method", "name": "mine", "family": "attribution", "summary": "", "cites": "",
                             "defaults": {}, "problem": "mine.py cannot\nbe read"}  # fmt: skip
    print_entries([entry])
    assert capsys.readouterr().out == "attribution: methods (1)\n  mine\n    problem: mine.py cannot be read\n\n"


def test_what_a_task_lacks_stands_before_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    entry: dict[str, Any] = {"kind": "task", "name": "mine", "family": "attribution", "summary": "It asks.",
                             "cites": "", "defaults": {}, "lacking": "it needs more"}  # fmt: skip
    print_entries([entry])
    assert "mine\n    left out here: it needs more. It asks.\n" in capsys.readouterr().out


def test_each_kind_has_entries() -> None:
    assert all(entries(kind) for kind in KINDS)
