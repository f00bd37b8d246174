"""Describe numeric functions: ten black boxes of one kind, 64 questions each, a sentence and a program for every
one."""

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
from tasks.models.numeric_functions.subject import NumericFunctions


@description_task(
    cites="arXiv:2309.03886",
    subject="numeric_functions",
    primary="program_success",
    controls=("constant",),
    provides=("reals",),
    metrics=("program_success", "normalised_error", "exception_recall", "queries_used", "description_length"),
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
    """Ten functions of one kind; a program is judged on midpoints of the whole domain that were not asked for."""

    points: int = 512
    """Held-out points per function."""
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
        planted = model.planted
        points = [grid(*function.domain, self.points) for function in planted]
        return DescriptionTruth(
            sentences=tuple(function.sentence for function in planted),
            programs=tuple(function.program for function in planted),
            plain=tuple(function.plain for function in planted),
            points=tuple(points),
            outputs=np.stack([model.respond(i, x) for i, x in enumerate(points)]),
            departs=np.stack([f.excepted(x) for f, x in zip(planted, points, strict=True)]),
        )
