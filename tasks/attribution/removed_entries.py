"""Removed entries: what is lost with what a method marks, where it is known what should be lost?

    the images and nets of `tetrominoes`; the net reads the upper half, and the lower one has a class of its own
    truth: where the class of the upper half can be seen
    ROAR, KAR and DiffROAR retrain nets on what an explanation leaves; insertion and deletion ask the net itself

The table that this task is for is the one of metrics without a truth beside the truth. `tetrominoes` cannot give it for
retraining: there both halves show the class, so that a net retrained without the one learns from the other, whatever a
method marks. Here all confirmed images are asked about, and the label is in the upper half alone.

**Used** are the cells of the upper half's shapes, as the certificate shows by exchanging either half. **Associated**
with the answer is nothing else. **Blind**, the target tells on half of the images which half is asked about, and a
segmenter that saw other seeds knows that it is the upper one: so nobody is ranked here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.tetrominoes.subject import HALF, Tetrominoes


@attribution_task(
    cites="arXiv:1806.10758",
    subject="tetrominoes",
    primary="figure_auroc",
    controls=("edge_detector", "input_magnitude", "position_prior", "blurred_random", "blind_segmenter"),
    metrics=(
        *("figure_auroc", "auroc", "roar", "roar_vs_random", "kar", "diffroar"),
        *("insertion", "deletion", "infidelity", "completeness_gap", "agreement"),
    ),
    variants={
        "white": {},
        "correlated": {"background": "correlated", "strength": 0.5},
        "strong": {"strength": 4.0},
        "untrained": {"training": "none"},
    },
    twins={"white": "untrained"},
    unranked=("white", "correlated", "strong", "untrained"),
    dials={"signal to noise": ("strong", "white")},
    small={"variants": ("white",), "inputs": 60},
)
@dataclass(frozen=True, kw_only=True)
class RemovedEntries:
    """What do nets lose that are trained anew without what a method marks?"""

    inputs: int = 400
    """So many confirmed test images are explained; half of them train the new nets."""

    def pose(self, saved: Saved) -> AttributionQuestion:
        """The net, images with the class of the upper half as target, images of the distribution, and a blank one."""
        chosen, subject = self._chosen(saved), saved.subject
        assert isinstance(subject, Tetrominoes)
        images = saved.public["inputs"][chosen].to(saved.device)
        return AttributionQuestion(
            model=subject.load(saved),
            inputs=images,
            targets=saved.public["classes"][chosen, HALF[subject.reads]].to(saved.device),
            background=saved.public["background"].to(saved.device),
            baseline=torch.zeros_like(images[0]),
            seed=saved.method_seed,
        )

    def truth(self, saved: Saved) -> AttributionTruth:
        """Where the class of the half that is read can be seen."""
        subject = saved.subject
        assert isinstance(subject, Tetrominoes)
        halves = subject.images(saved).truth()[self._chosen(saved)]
        used = halves[:, [HALF[subject.reads]]]
        return AttributionTruth(masks={"": used}, zero_set=~used, figure=halves.any(1, keepdim=True))

    def _chosen(self, saved: Saved) -> Int[Tensor, " inputs"]:
        """The indices of the test images to explain."""
        confirmed = saved.public["confirmed"].cpu()
        if not bool(confirmed.any()):
            confirmed = torch.ones_like(confirmed)
        return confirmed.nonzero()[: self.inputs, 0]
