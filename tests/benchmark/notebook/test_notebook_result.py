"""What an evaluation says of its rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmark.marks import with_marks
from benchmark.notebook.result import Evaluation
from benchmark.table import to_table

BASE = {
    "family": "f", "task": "t", "metric": "m", "primary": True, "floor": 0.0, "ceiling": 1.0, "status": "ok",
    "reason": "", "seconds": 1.0, "certified": True, "ranked": True, "reference": False, "control": False,
    "subject": "s", "twin": "", "rival": "", "seed": 0,
}  # fmt: skip


def evaluation(*changes: dict[str, Any], **fields: Any) -> Evaluation:
    rows = [{**BASE, **change} for change in changes]
    for row in rows:
        row["chance_skill"] = 0.0 if row["status"] == "failed" else row["value"]
    table = with_marks(to_table(rows))
    return Evaluation(**{"table": table, "name": "mine", "profile": "p", "title": "Small.", "log": "", **fields})


def row(method: str, value: float, variant: str = "a", **more: Any) -> dict[str, Any]:
    return {"method": method, "value": value, "variant": variant, **more}


def test_it_stands_beside_the_best_method_and_blind() -> None:
    found = evaluation(
        *(row("mine", value, variant) for value, variant in ((0.5, "a"), (0.9, "b"))),
        *(row("good", 0.8, variant) for variant in "ab"),
        *(row("bad", 0.1, variant) for variant in "ab"),
        *(row("dark", 0.5, variant, control=True, reference=True) for variant in "ab"),
    )
    assert found.best == "good"
    assert found.skill == (0.0 + 0.8) / 2
    said = " ".join(found.sentences)
    assert "mine on f/t, profile p, 1 seed: skill 0.40 in m over 2 ranked variants" in said
    assert "good is the best: 0.60." in said
    assert found.frame.variant.tolist() == ["a", "b"]
    assert found.summary.blind.tolist() == [0.5, 0.5]
    labels = [text.get_text() for text in found.plot().legends[0].get_texts()]
    assert labels == ["blind", "best: good", "mine"]


def test_averages_are_cut_and_controls_are_no_rivals() -> None:
    found = evaluation(row("mine", -9.0), row("mine", 0.0, seed=1), row("dark", 0.7, control=True))
    assert found.best == ""
    assert found.skill == -1.0


def test_failures_and_diagnoses_are_said() -> None:
    found = evaluation(
        row("mine", np.nan, status="failed", reason="<b>no</b>"),
        row("mine", 0.5, seed=1),
        row("mine", 0.2, "c", ranked=False),
    )
    assert "1 of 3 instances failed: <b>no</b>" in found.sentences
    assert "&lt;b&gt;no" in found._repr_html_()
    assert "<b>no" not in found._repr_html_()
    assert found.skill == 0.25
    assert [text.get_text() for text in found.plot().axes[0].get_yticklabels()] == ["a", "c (not ranked)"]
    none = evaluation(row("mine", 0.5, ranked=False), anew="it names `open`")
    assert np.isnan(none.skill)
    assert "no variant is ranked here" in none.sentences[0]
    assert none.sentences[-1] == "It runs anew each time: it names `open`."
    assert evaluation(row("mine", 0.5), reused=True).sentences[-1].startswith("It did not run")
    assert "0.500" in repr(none)
    assert none._repr_png_().startswith(b"\x89PNG")
