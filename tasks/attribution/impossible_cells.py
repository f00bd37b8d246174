"""Cells that cannot matter: does an explanation mark what the architecture has cut off?

    image [1, 16, 16] = four cells with a sign each;   the net counts the crosses in two of them
    the other two are computed as well, for some layers, and then cut off: their true attribution is exactly zero
    zero set: the cells cut off;   mask: the others;   rivals: nets that see what the other does not

**Used** can be the seen cells alone, and the certificate says so to the last bit: whatever the cells show that are cut
off, the logits are the same, and their gradient there is 0. Nothing is **associated** with the answer but the seen
cells, which are independent of the others. The primary metric is the share of the attribution that lies in the zero
set, which needs no opinion about what should be highlighted (DiFull, Rao, Boehle and Schiele 2022, arXiv:2205.10435).

**Blind**, nobody can tell: there are all six ways to see two of four cells, each beside the one that sees the other
two. Only images are asked about in which both pairs show as many crosses, so that inputs, targets and background of two
rivals are the same, and of one map the two scores add up to 1: edges, positions, magnitudes, a net that has learned
from other seeds which cells are seen, all win on one what they lose on the other. Whoever reads the architecture has
the answer: random weights in it have gradients of 0 where the trained ones have them, so that `random_weights_gradient`
is no control here, and the untrained twins say of a method what the trained nets say.

Two things are varied. The **depth** of the cut: at the input, or behind one to three blocks of layers. The deeper, the
more layers have features of the cells that are cut off, and what reads features is led by them. And the way to cut:
**erased** cells are multiplied by 0, **cancelled** ones are added and subtracted again. The function is the same, and
what keeps to the function (gradients, removal) must give the same; what rewrites the backward pass by the signs of what
arrives does not. What removes windows across a cell's border marks what it removes beside the cells that are seen, and
what regresses on random patches marks all of them by its error. The share in the cells cut off, measured on three seeds
with 100 images (means of both rivals; depth 0 to 2 on one seed, `depth_*_top`):

                                       erased behind block 3   cancelled there   at the input   behind 1   behind 2
    gradient, integrated_gradients                      .000              .000           .000       .000       .000
    occlusion                                           .051              .051           .052       .049       .050
    kernel_shap                                         .126              .126           .134       .143       .154
    guided_backprop                                     .000              .103           .000       .000       .000
    deconvnet                                           .000              .130           .000       .000       .000
    grad_cam                                            .444              .444           .275       .216       .192
    every control                                       .500              .500
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.impossible_cells.grids import cells_of
from tasks.models.impossible_cells.subject import ImpossibleCells as Subject
from tasks.models.impossible_cells.subject import in_pixels


@attribution_task(
    cites="arXiv:2205.10435",
    subject="impossible_cells",
    primary="false_positive_mass",
    controls=("edge_detector", "input_magnitude", "position_prior", "blurred_random", "blind_segmenter"),
    metrics=("false_positive_mass", "null_share", "figure_auroc", "auroc", "infidelity"),
    variants={
        "top": {"sees": "top"},
        "bottom": {"sees": "bottom"},
        "left": {"sees": "left"},
        "right": {"sees": "right"},
        "falling": {"sees": "falling"},
        "rising": {"sees": "rising"},
        "depth_0_top": {"sees": "top", "depth": 0},
        "depth_0_bottom": {"sees": "bottom", "depth": 0},
        "depth_1_top": {"sees": "top", "depth": 1},
        "depth_1_bottom": {"sees": "bottom", "depth": 1},
        "depth_2_top": {"sees": "top", "depth": 2},
        "depth_2_bottom": {"sees": "bottom", "depth": 2},
        "cancelled_top": {"sees": "top", "cut": "cancelled"},
        "cancelled_bottom": {"sees": "bottom", "cut": "cancelled"},
        "untrained_top": {"sees": "top", "training": "none"},
        "untrained_bottom": {"sees": "bottom", "training": "none"},
    },
    rivals={
        "top": "bottom",
        "left": "right",
        "falling": "rising",
        **{f"{name}_top": f"{name}_bottom" for name in ("depth_0", "depth_1", "depth_2", "cancelled")},
    },
    twins={"top": "untrained_top", "bottom": "untrained_bottom"},
    unranked=("untrained_top", "untrained_bottom"),
    dials={"depth of the cut": ("depth_0_top", "depth_1_top", "depth_2_top", "top")},
    small={"variants": ("top", "bottom"), "inputs": 40},
)
@dataclass(frozen=True, kw_only=True)
class ImpossibleCells:
    """Which cells cannot matter?"""

    inputs: int = 60
    """So many test images are explained: the first ones with as many crosses among the cells that are seen as among
    those that are cut off."""

    def pose(self, saved: Saved) -> AttributionQuestion:
        """The net, images with their count as target, images of the distribution, and a blank one as baseline."""
        subject: Subject = saved.subject
        chosen = self._chosen(saved)
        images = saved.public["inputs"][chosen].to(saved.device)
        seen = (saved.public["classes"][chosen] * cells_of(subject.sees)).sum((1, 2))
        return AttributionQuestion(
            model=subject.load(saved),
            inputs=images,
            targets=seen.to(saved.device),
            background=saved.public["background"].to(saved.device),
            baseline=torch.zeros_like(images[0]),
            seed=saved.method_seed,
        )

    def truth(self, saved: Saved) -> AttributionTruth:
        """The cells that are seen, and those that are cut off."""
        subject: Subject = saved.subject
        figure = subject.grids(saved).figure()[self._chosen(saved)]
        used = in_pixels(cells_of(subject.sees)).expand(figure.shape).clone()
        return AttributionTruth(masks={"": used}, zero_set=~used, figure=figure)

    def _chosen(self, saved: Saved) -> Int[Tensor, " inputs"]:
        """The indices of the test images to explain, the same for both rivals."""
        subject: Subject = saved.subject
        classes, seen = saved.public["classes"].cpu(), cells_of(subject.sees)
        same = (classes * seen).sum((1, 2)) == (classes * ~seen).sum((1, 2))
        return same.nonzero()[: self.inputs, 0]
