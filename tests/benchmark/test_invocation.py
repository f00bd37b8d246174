"""Every way to call Snakemake that only looks is known as one, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from snakemake.cli import parse_args

from benchmark.invocation import LOOKS, called_with, only_looks

LOOKING = [
    "-n", "--dry-run", "--dryrun", "-np", "-pn", "-nq", "-pnF", "--dag", "--rulegraph mermaid-js", "--filegraph",
    "--d3dag", "--summary", "--summ", "-S", "-D", "--lint", "--list-rules", "--list-target-rules", "-c2 -kn",
    "--list-changes params", "--report page.html", "--executor dryrun", "--delete-all-output -n", "--unlock",
]  # fmt: skip
WORKING = ["", "-p", "-F", "-pF", "-k", "--touch", "--delete-all-output", "--report page.html --report-after-run"]


@pytest.mark.parametrize(("line", "looks"), [*((line, True) for line in LOOKING), *((line, False) for line in WORKING)])
def test_what_only_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, looks: bool) -> None:
    monkeypatch.chdir(tmp_path)  # no profile of Snakemake's lies there
    try:
        _, settings = parse_args(["--cores", "1", *line.split()])
    except SystemExit:
        pytest.fail(f"this Snakemake does not know {line!r}")
    assert only_looks(settings) is looks


def test_a_profile_can_ask_for_a_dry_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quiet").mkdir()
    (tmp_path / "quiet" / "config.yaml").write_text("dry-run: true\n")
    _, settings = parse_args(["--cores", "1", "--profile", "quiet"])
    assert only_looks(settings)


def test_every_setting_is_one_of_snakemakes() -> None:
    _, settings = parse_args(["--workflow-profile", "none"])
    assert {*LOOKS, "executor", "reporter", "report", "report_after_run"} <= vars(settings).keys()


def test_a_call_that_is_not_of_the_command_line_counts_as_work() -> None:
    assert called_with() is None
    assert not only_looks(None)
