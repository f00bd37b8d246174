"""Questions and truths of probing as tables: a row for each input that the model read, or for each concept."""

from __future__ import annotations

import torch

from benchmark.families.family import Table
from benchmark.families.probing import ProbingQuestion, ProbingTruth


def question_tables(question: ProbingQuestion) -> list[Table]:
    """Labelled and unlabelled activations, and the concepts by number."""
    concepts: dict[str, object] = {"concept": torch.arange(question.concepts), "classes": list(question.classes)}
    if question.ranks is not None:
        concepts["rank"] = list(question.ranks)
    return [
        Table(
            "train",
            f"a row for each labelled input: `activations` of the layer {question.layer} and the class of every "
            "concept, controls among them, as `labels`",
            {"activations": question.train, "labels": question.labels},
        ),
        Table("test", "`activations` of the inputs whose labels are asked for", {"activations": question.test}),
        Table(
            "concepts",
            "a row for each concept: its number of `classes` and, where methods locate at equal size, the most "
            "dimensions (`rank`) that its subspace may have",
            concepts,
        ),
    ]


def truth_tables(truth: ProbingTruth) -> list[Table]:
    """The test labels, and of each concept its name, its use and where it is written."""
    concepts: dict[str, object] = {
        "concept": torch.arange(len(truth.names)),
        "name": list(truth.names),
        "control_of": list(truth.control_of),
    }
    optional = {"used": truth.uses, "subspace": truth.subspaces, "reader": truth.readers}
    concepts |= {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in optional.items()
        if value is not None
    }
    return [
        Table("truth", "a row for each row of `test`: the class of every concept", {"labels": truth.labels}),
        Table(
            "truth_concepts",
            "a row for each concept: its `name`, the concept whose label frequencies it copies (`control_of`, -1 for a "
            "real one), whether the model's answers depend on it (`used`), the directions in which it is written "
            "(`subspace`, rows of zeros fill up) and with which it is read (`reader`)",
            concepts,
        ),
    ]
