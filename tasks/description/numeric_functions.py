"""Describe numeric functions: ten black boxes of one kind, 64 questions each, a sentence and a program for every
one.

*Used* is the planted formula with its numbers and, of the corrupted kind, its exception: the boxes compute nothing else
(a network stands for the formula of the kind `mlp`, to a certified error). Merely *associated* are the answers: a table
of them, or lines between them, predicts most points of the domain within FIND's tolerance and says nothing of the rule.
*Blind* are the controls: the mean of the answers, a table, and the lines. A description is therefore judged by
`function_recovery`: an error below 0.01 on the domain and on one twice as long in which nobody may ask, by a program at
most 1.5 times as long as the canonical one. Where an exception lies, and whether the formula is the planted one,
numbers aside, stand beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmark.families.description import (
    BlackBox,
    DescriptionQuestion,
    DescriptionTruth,
    Reals,
    description_task,
    grid,
)
from benchmark.subjects import Saved
from tasks.models.numeric_functions.boxes import Boxes
from tasks.models.numeric_functions.subject import NumericFunctions


@description_task(
    cites="arXiv:2309.03886",
    subject="numeric_functions",
    primary="function_recovery",
    controls=("constant", "lookup_table", "interpolation"),
    provides=("reals",),
    metrics=(
        "function_recovery",
        "program_success",
        "normalised_error",
        "exact_structure",
        "exception_location",
        "exception_recall",
        "queries_used",
        "description_length",
    ),
    variants={
        "atomic": {"kind": "atomic"},
        "composed": {"kind": "composed"},
        "noisy": {"kind": "noisy"},
        "biased": {"kind": "biased"},
        "corrupted": {"kind": "corrupted"},
        "mlp": {"kind": "mlp"},
    },
    small={"variants": ("atomic", "corrupted")},
)
@dataclass(frozen=True, kw_only=True)
class NumericFunctionsTask:
    """Ten functions of one kind; a program is judged on midpoints that were not asked for, of the whole domain and
    beyond."""

    points: int = 512
    """Held-out points of the domain per function, and twice as many of the extended one."""
    longest: int = 64
    """Instructions that a program may have; the canonical ones have fewer."""

    def pose(self, saved: Saved) -> DescriptionQuestion:
        """The boxes, each with its budget."""
        subject: NumericFunctions = saved.subject
        model = subject.load(saved)
        boxes = (
            BlackBox(partial(model.answer, index), Reals(*function.domain), subject.budget)
            for index, function in enumerate(model.planted)
        )
        return DescriptionQuestion(tuple(boxes), saved.method_seed, self.longest)

    def truth(self, saved: Saved) -> DescriptionTruth:
        """The canonical descriptions, and the boxes' mean answers at the held-out points."""
        subject: NumericFunctions = saved.subject
        model = subject.load(saved)
        beyond = _truth(model, [function.extended for function in model.planted], 2 * self.points, None)
        return _truth(model, [function.domain for function in model.planted], self.points, beyond)


def _truth(
    model: Boxes, domains: list[tuple[float, float]], count: int, extension: DescriptionTruth | None
) -> DescriptionTruth:
    """What the boxes do on the midpoints of `count` cells of a domain each."""
    planted = model.planted
    points = [grid(*domain, count) for domain in domains]
    return DescriptionTruth(
        sentences=tuple(function.sentence for function in planted),
        programs=tuple(function.program for function in planted),
        plain=tuple(function.plain for function in planted),
        points=tuple(points),
        outputs=np.stack([model.respond(i, x) for i, x in enumerate(points)]),
        departs=np.stack([f.excepted(x) for f, x in zip(planted, points, strict=True)]),
        extension=extension,
    )
