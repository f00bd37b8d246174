"""Identifiability: has a dictionary an atom for each kind of object that a picture may hold? (Fel et al. 2025,
arXiv:2502.12892)

A net says which of 20 glyphs a collage holds; dictionaries are learned of its last hidden layer. Planted is which
glyphs are there. A dictionary identifies one softly if the code of some atom, above some threshold, is on in the
collages with it and off in those without (`soft_identifiability`); directions are not asked for. The benchmark that
this follows has collages of four generated objects out of twenty; its definition is given as it was recalled.

*Used*: the glyphs, and nothing else that the plant varies; the net's answer follows them in the pixels, and in the
activations, where their effects are exchanged (the certificate). *Associated*: a glyph's place, contrast and polarity,
which the net need not keep. *Blind*: clusters of the pixels (`pixel_clusters`), which know no glyph, since each
is drawn as often in negative as in positive; random directions and training rows.

`directions` are the differences of mean activations with and without a glyph: as each collage holds equally many, what
all glyphs have in common cannot be told from the bias. They are asked for by no primary metric, and `class_directions`
are the rows of the read-out: `plausibility` says how near atoms come to them.

The dial is the number of glyphs in a collage: with one a row is a class, with four a sum. Dictionaries have two atoms
for each glyph, and whoever splits a glyph between them tells half of its rows by each: clusters of rows have .79, .91
and .73 with one, two and four glyphs (directions of all glyphs with one and two, of two in five with four; seed 0).
`untrained` is the net as it was drawn, where linear detectors that are told the truth have .63.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.subjects import Saved
from tasks.models.collages.questions import pose, truth
from tasks.models.collages.subject import CollageReader


@dictionary_task(
    cites="arXiv:2502.12892",
    subject="collages",
    primary="soft_identifiability",
    provides=("pixels",),
    controls=("random_directions", "training_rows", "pixel_clusters"),
    metrics=(
        "soft_identifiability",
        "firing_f1",
        "pursuit_f1",
        "recall_at_cosine_0.9",
        "plausibility",
        "out_of_data",
        "l0",
        "explained_variance",
        "dead_fraction",
    ),
    variants={
        "objects_1": {"objects": 1},
        "objects_2": {"objects": 2},
        "objects_4": {},
        "untrained": {"training": "none"},
    },
    twins={"objects_4": "untrained"},
    dials={"objects in a collage": ("objects_1", "objects_2", "objects_4")},
    ceilings={
        "plausibility": "the planted directions are those that write a glyph, not those that read it",
    },
    small={"variants": ("objects_4",)},
)
@dataclass(frozen=True, kw_only=True)
class IdentifiabilityTask:
    """Find atoms that say which glyphs are in a collage."""

    atoms_a_class: int = 2
    """The most atoms a dictionary may have, for each glyph."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The activations; as many codes are asked for as there are glyphs in a collage."""
        subject: CollageReader = saved.subject
        return pose(saved, size=self.atoms_a_class * subject.classes, sparsity=subject.objects)

    def truth(self, saved: Saved) -> DictionaryTruth:
        """Which glyphs are there, and where their effects lie."""
        return truth(saved)
