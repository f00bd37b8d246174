"""What a task hands over about a net that reads collages, and what it keeps to itself."""

from __future__ import annotations

import torch

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth
from benchmark.subjects import Saved
from tasks.models.collages.certificate import class_directions, effects, share_added
from tasks.models.collages.subject import SPLITS, CollageReader
from tasks.models.shared.activations import question_of


def pose(saved: Saved, *, size: int, sparsity: int) -> DictionaryQuestion:
    """Activations of three sets of collages; for the supervised ceiling which glyphs the training collages hold, for
    controls the pixels."""
    subject: CollageReader = saved.subject
    collages = {split: subject.collages(split, saved) for split in SPLITS}
    return question_of(
        saved,
        size=size,
        sparsity=sparsity,
        on=collages["train"].present(),
        inputs={split: each.pixels() for split, each in collages.items()},
    )


def truth(saved: Saved, *, read: bool = False) -> DictionaryTruth:
    """Which glyphs are there, with the directions in which they are written or, with `read`, in which they are read.

    Magnitudes are the same in every row with a glyph: what it adds to the mean row where it is written, and what the
    row then has along the direction where it is read. A read-out that was not trained is 0 and has no directions.
    """
    subject: CollageReader = saved.subject
    validation, test = (subject.collages(split, saved).present() for split in SPLITS[1:])
    present, rows = subject.collages("train", saved).present(), saved.public["train"]
    added = share_added(subject.classes) * effects(rows, present)
    looked = class_directions(saved.weights["read.weight"])
    directions = looked if read else torch.nn.functional.normalize(added, dim=1)
    size = (added * directions).sum(1)
    return DictionaryTruth(
        validation,
        test,
        directions,
        rows.mean(0),
        validation_codes=validation * size,
        test_codes=test * size,
        class_directions=None if subject.training == "none" else looked,
    )
