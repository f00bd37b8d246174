"""Plausibility: do atoms point where the model's own read-out looks? (Fel et al. 2025, arXiv:2502.12892)

A net says which glyphs a collage holds; dictionaries are learned of its last hidden layer, and each logit is a row of
the read-out times that layer. Planted is nothing but the read-out itself, which the method does not see: the direction
of a class is its row less the mean of all rows. A softmax does not change when all logits change alike; of several
glyphs in a collage, of which there are equally many everywhere, a common part of the rows tells none from another.

*Used*: the rows of the read-out, by construction; that they name the glyphs is the certificate. *Associated*: the
direction that writes a glyph, the difference of mean activations. It is near the one that reads it and not the same
(the certificate gives the cosine); dictionaries see how rows are written. *Blind*: random directions, training rows,
and the means of clusters of pixels.

The dial is the number of classes, in 32 dimensions: 10, 20, and 40, which are more than there is room for at right
angles. `one_object` is nearest to the published setting, a classifier of single objects; there activations collapse
onto their classes (Papyan, Han and Donoho 2020, doi:10.1073/pnas.2015509117), and forty training rows have .83,
clusters of rows .93, detectors that are told the truth .92 (seed 0): there is little left to find, and whoever finds
how a class is written has gone as far as activations lead. With four objects as many training rows have .57.
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
    primary="plausibility",
    provides=("pixels",),
    controls=("random_directions", "training_rows", "pixel_clusters"),
    metrics=(
        "plausibility",
        "recall_at_cosine_0.9",
        "soft_identifiability",
        "out_of_data",
        "l0",
        "explained_variance",
        "dead_fraction",
    ),
    variants={
        "classes_10": {"classes": 10},
        "classes_20": {},
        "classes_40": {"classes": 40, "width": 160, "steps": 1200},
        "one_object": {"objects": 1},
    },
    dials={"classes": ("classes_10", "classes_20", "classes_40")},
    small={"variants": ("classes_20",)},
)
@dataclass(frozen=True, kw_only=True)
class PlausibilityTask:
    """Find the directions along which a classifier tells its classes apart."""

    atoms_a_class: int = 2
    """The most atoms a dictionary may have, for each class."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The activations; as many codes are asked for as there are glyphs in a collage."""
        subject: CollageReader = saved.subject
        return pose(saved, size=self.atoms_a_class * subject.classes, sparsity=subject.objects)

    def truth(self, saved: Saved) -> DictionaryTruth:
        """The rows of the read-out, and which glyphs are there."""
        return truth(saved, read=True)
