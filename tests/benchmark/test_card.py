"""The card of every task says what is planted, how one knows, what goes without the model, and the measured marks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmark.card import card
from benchmark.published import FOLDER, read_board
from benchmark.registry import plugins

TASKS = [task.key for task in plugins().of("task")]
HEADINGS = (
    "## What is asked and what is planted",
    "## Generator: ",
    "## How one knows that the model uses it",
    "## What goes without the model",
    "## Three marks",
    "## Variants",
    "## Metrics",
)


@pytest.mark.parametrize("key", TASKS)
def test_every_task_has_a_whole_card(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    task = plugins().find("task", key)
    text = card(task, plugins(), "default")
    places = [text.index(heading) for heading in HEADINGS]
    assert places == sorted(places)
    assert "No finished run of the profile default is published here" in text
    for name in (*task.options["controls"], *task.options["variants"]):
        assert f"- `{name}`: " in text
    assert f"- `{task.options['primary'].partition('@')[0]}` (primary" in text
    assert "not found" not in text


def test_measured_marks_and_certificates_come_from_the_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / FOLDER / "default"
    folder.mkdir(parents=True)
    (folder / "leaderboard.csv").write_text("family,method\nattribution,gradient\n")
    (folder / "marks.csv").write_text(
        "family,task,variant,floor,blind,control,ceiling,room,ranked,reason\n"
        "attribution,blockmnist,top,0.5,0.75,position_prior,1.0,0.5,False,declared a diagnosis\n"
    )
    (folder / "certificates.csv").write_text(
        "subject,seed,check,value,threshold,passed,at_least\n"
        "blockmnist-position-top,0,accuracy,0.9,0.85,True,True\n"
        "blockmnist-position-top,1,accuracy,0.8,0.85,False,True\n"
        "stacked_digits,0,accuracy,0.1,0.85,False,True\n"
    )
    pd.DataFrame(
        {"family": "attribution", "task": "blockmnist", "variant": ["top", "top", "robust"], "method": "position_prior",
         "primary": True, "status": "ok", "chance_skill": [0.4, 0.6, 1.0]}
    ).to_parquet(folder / "scores.parquet")  # fmt: skip
    assert read_board("default").profile == "default"
    text = card(plugins().find("task", "attribution/blockmnist"), plugins(), "default")
    assert "| top | 0.500 | 0.750 (position\\_prior) | 1.000 | 50% | no: declared a diagnosis |" in text
    assert "| blockmnist-position-top | accuracy | 0.800 | at least 0.850 | 1 of 2 seeds |" in text
    assert "It has come 50% to 100%, by variant, of the way from chance to the truth." in text
    assert text.count("It has come") == 1, "the other controls were not measured"
    assert "0.100" not in text, "another subject's"
