"""Questions and truths of attribution as tables: a row for each input."""

from __future__ import annotations

import torch

from benchmark.families.attribution import AttributionQuestion, AttributionTruth
from benchmark.families.family import Table


def question_tables(question: AttributionQuestion) -> list[Table]:
    """The inputs with their targets, and the background; the baseline stands with every variant's background."""
    targets = {} if question.targets is None else {"target": question.targets}
    return [
        Table(
            "inputs",
            "a row for each input to explain: the `input` and, where the model has classes, the `target` whose logit "
            "is to be explained",
            {"input": question.inputs, **targets},
        ),
        Table(
            "background",
            "inputs of the training distribution, for methods that compare with one",
            {"input": question.background},
        ),
        Table("baseline", "the neutral input, for methods that start from one", {"input": question.baseline[None]}),
        *_symmetries(question),
        *_reach(question),
    ]


def _symmetries(question: AttributionQuestion) -> list[Table]:
    """The moves of entries that a question names, if it does."""
    if question.symmetries is None:
        return []
    about = "a row for each move under which the answer should stay: `source` is the entry that each entry then shows"
    return [Table("symmetries", about, {"source": question.symmetries})]


def _reach(question: AttributionQuestion) -> list[Table]:
    """How far an entry is moved, where that is asked."""
    if question.reach is None:
        return []
    moved = {"reach": torch.tensor([question.reach])}
    return [Table("reach", "how far up an entry is moved where it is asked what the output does then", moved)]


def truth_tables(truth: AttributionTruth) -> list[Table]:
    """The masks, and the parts of the inputs that a metric asks about."""
    masks = {f"mask_{name}" if name else "mask": mask for name, mask in truth.masks.items()}
    parts = {"zero_set": truth.zero_set, "figure": truth.figure, "groups": truth.groups}
    given = {name: part for name, part in parts.items() if part is not None}
    compared = {name: getattr(truth, name) for name in ("contrast", "input_contrast", "alteration")}
    regions = {name: part.region for name, part in compared.items() if part is not None}
    references = {f"reference_{name}": values for name, values in (truth.references or {}).items()}
    made = truth.copies
    copies = {} if made is None else {"copy_of": made.of, "copy_near": made.near, "copy_source": made.moves}
    moved = truth.behaviours
    behaviours = {} if moved is None else {"direction": moved.direction, "asked": moved.asked}
    return [
        Table(
            "truth",
            "a row for each row of `inputs`: `mask` is True where an entry carries what was planted, `mask_*` are "
            "finer truths; `zero_set` carries nothing, `figure` is where an input shows anything, `groups` the number "
            "of each entry's planted group or -1, `contrast` what one of two models uses, `input_contrast` what is "
            "used in one of two inputs, `alteration` what differs between two inputs and should not matter, "
            "`reference_*` what a definition of attribution gives for the planted rule; `copy_of` is the row of which "
            "one is a copy, hardly changed where `copy_near`, else moved: `copy_source` is the entry of the original "
            "that each entry shows; `direction` is what the output does when an entry is moved up by the reach, and "
            "`asked` where it is asked",
            {**masks, **given, **regions, **references, **copies, **behaviours},
        )
    ]
