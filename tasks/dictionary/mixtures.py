"""Mixtures: rows lie in the hull, or in the cone, of concepts; which concepts are in a row? (Cutler and Breiman 1994,
doi:10.1080/00401706.1994.10485840)

What is planted are the concepts and their parts in each row; all of them are *used*, as rows are their sum. Parts of a
hull sum to one, so that concepts compete, and dictionaries whose atoms are held inside the data's hull are at home.
`soft_identifiability` asks for an atom whose code says whether a concept is there, not for its direction, which
`recall_at_cosine_0.9` gives beside it. *Blind* are random directions and training rows: a row that is nearly pure is
itself a concept, and how many of those there are is the dial.

    how evenly the concepts of a row are mixed     hull_3, hull_8, hull_20
    the same amounts, free to grow together        cone_3

In `hull_3` the strongest concept has .41 of a row on average and .74 in the purest, in `hull_20` .31 and .43. A part
may be small, and a small one is hidden by the noise: that is what keeps linear detectors that are told the truth at .86
in `hull_3` and at .93 in `hull_20` (seed 0), while clusters of rows, which live on pure ones, fall from .90 to .82.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.subjects import Saved
from tasks.models.concept_mixtures.subject import ConceptMixtures
from tasks.models.shared.activations import question_of


@dictionary_task(
    cites="doi:10.1080/00401706.1994.10485840",
    subject="concept_mixtures",
    primary="soft_identifiability",
    controls=("random_directions", "training_rows"),
    metrics=(
        "soft_identifiability",
        "firing_f1",
        "recall_at_cosine_0.9",
        "mcc",
        "out_of_data",
        "l0",
        "explained_variance",
        "dead_fraction",
    ),
    variants={
        "hull_3": {},
        "hull_8": {"evenness": 8.0},
        "hull_20": {"evenness": 20.0},
        "cone_3": {"mixing": "cone"},
    },
    dials={"evenness": ("hull_3", "hull_8", "hull_20")},
    small={"variants": ("hull_3",)},
)
@dataclass(frozen=True, kw_only=True)
class MixturesTask:
    """Find the concepts that rows are mixed of."""

    atoms_a_concept: float = 1.5
    """The most atoms a dictionary may have, for each concept."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The rows; as many codes are asked for as there are concepts in a row."""
        subject: ConceptMixtures = saved.subject
        return question_of(
            saved,
            size=round(self.atoms_a_concept * subject.concepts),
            sparsity=subject.active,
            on=subject.plant(saved.seed).codes["train"] > 0,
        )

    def truth(self, saved: Saved) -> DictionaryTruth:
        """The concepts, and their parts in each row."""
        subject: ConceptMixtures = saved.subject
        planted = subject.plant(saved.seed)
        validation, test = planted.codes["validation"], planted.codes["test"]
        return DictionaryTruth(
            validation > 0,
            test > 0,
            planted.directions,
            saved.public["train"].new_zeros(subject.dimensions),
            validation_codes=validation,
            test_codes=test,
        )
