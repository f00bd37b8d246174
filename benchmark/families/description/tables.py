"""Questions and truths of descriptions as tables. A box is no table: what can be kept of it are questions and answers.

A box answers whatever it is asked, within a budget. Kept are its domain and budget, and a *sample*: the answers to as
many points as the budget allows, drawn from the domain with the seed that methods have. A method may ask elsewhere, so
that what needs other questions cannot be told from these tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmark.families.description import BlackBox, DescriptionQuestion, DescriptionTruth
from benchmark.families.family import Table


def question_tables(question: DescriptionQuestion) -> list[Table]:
    """The boxes, and a sample of what each answers."""
    boxes = question.boxes
    drawn = [_sample(box, question.seed + number) for number, box in enumerate(boxes)]
    return [
        Table(
            "samples",
            "a row for each question of a sample: the number of the `box`, the `point` asked for, drawn from the box's "
            "domain, and its `answer`. These are the answers to one choice of points; a method chooses its own",
            _stacked([points for points, _ in drawn], answer=[answers for _, answers in drawn]),
        ),
        Table(
            "boxes",
            "a row for each box: its `domain`, the points that may be asked for in all (`budget`) and the greatest "
            "length of a program (`longest`)",
            {
                "box": np.arange(len(boxes)),
                "domain": [repr(box.domain) for box in boxes],
                "budget": np.array([box.budget for box in boxes]),
                "longest": np.full(len(boxes), question.longest),
            },
        ),
    ]


def _sample(box: BlackBox, seed: int) -> tuple[Any, Any]:
    points = box.domain.sample(box.budget, seed)
    return points, box.query(points)


def truth_tables(truth: DescriptionTruth) -> list[Table]:
    """The canonical descriptions, and what the boxes answer without noise at the held-out points."""
    tables = [
        Table(
            "truth",
            "a row for each box: the canonical `sentence` and `program`, and its form without an exception (`plain`)",
            {
                "box": np.arange(len(truth.programs)),
                "sentence": list(truth.sentences),
                "program": list(truth.programs),
                "plain": list(truth.plain),
            },
        ),
        _answers("truth_answers", truth, "the domain"),
    ]
    if truth.extension is not None:
        tables.append(_answers("truth_beyond", truth.extension, "a larger domain, of which nobody may ask"))
    return tables


def _answers(name: str, truth: DescriptionTruth, where: str) -> Table:
    about = (
        f"a row for each held-out point of {where}: the `box`, the `point`, the `answer` without noise, and whether "
        "the box `departs` from its plain form there"
    )
    return Table(name, about, _stacked(list(truth.points), answer=list(truth.outputs), departs=list(truth.departs)))


def _stacked(points: list[Any], **columns: list[Any]) -> dict[str, Any]:
    """The rows of all boxes below each other."""
    numbers = [np.full(len(own), number) for number, own in enumerate(points)]
    parts = {"box": numbers, "point": points, **columns}
    return {name: np.concatenate([np.asarray(part) for part in own]) for name, own in parts.items()}
