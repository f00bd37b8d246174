"""T or L on a noisy ground: which cells tell?

    image [1, 8, 8] = background + shapes;   the upper and the lower half have a class each
    scenarios: T left or L right (linear; multiplicative, where shapes dim the background), turned and shifted (rigid),
    two signs (xor);   backgrounds: white, correlated, with the spectrum of photographs
    two rivals: one net names the class of the upper half, the other that of the lower one
    truth: where the class of the half that is read can be seen;   figure: the same of both halves

**Used** are the cells where the one shape or the other would be: that the one is not there tells as much as that the
other is (in `rigid`, where shapes move, the cells where it is). The certificate exchanges the shapes of either half.
**Associated** with the answer is nothing else: halves are independent. **Blind**, nobody can tell: images and targets
of both nets are the same, since only images are asked about whose halves have one class, and the truths complete each
other. In the published benchmark (XAI-TRIS, Clark et al. 2023, arXiv:2306.12816) the truth of three scenarios is one
fixed mask, which a prior of positions has in full.

Primary is the order among the cells of both halves (`figure_auroc`); the published `rank_accuracy` (precision) and
`emd` count the empty ground, too. Where shapes stand still, an edge detector finds them on a white ground by their
outline and not on a correlated one: a claim states it, by the published measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.tetrominoes.subject import HALF, Reads
from tasks.models.tetrominoes.subject import Tetrominoes as Subject


@attribution_task(
    cites="arXiv:2306.12816",
    subjects={
        "upper": {"subject": "tetrominoes", "reads": "upper"},
        "lower": {"subject": "tetrominoes", "reads": "lower"},
    },
    primary="figure_auroc",
    controls=(
        "edge_detector",
        "input_magnitude",
        "position_prior",
        "random_weights_gradient",
        "blurred_random",
        "blind_segmenter",
    ),
    metrics=(
        *("figure_auroc", "rank_accuracy", "emd", "truth_mass", "pointing_game"),
        *("insertion", "deletion", "infidelity", "completeness_gap", "agreement"),
    ),
    variants={
        "linear_upper": {},
        "linear_lower": {"reader": "lower"},
        "correlated_upper": {"background": "correlated", "strength": 0.5},
        "correlated_lower": {"background": "correlated", "strength": 0.5, "reader": "lower"},
        "image_upper": {"background": "image"},
        "image_lower": {"background": "image", "reader": "lower"},
        "multiplicative_upper": {"scenario": "multiplicative", "strength": 0.9},
        "multiplicative_lower": {"scenario": "multiplicative", "strength": 0.9, "reader": "lower"},
        "rigid_upper": {"scenario": "rigid", "architecture": "cnn", "strength": 3.0},
        "rigid_lower": {"scenario": "rigid", "architecture": "cnn", "strength": 3.0, "reader": "lower"},
        "xor_upper": {"scenario": "xor"},
        "xor_lower": {"scenario": "xor", "reader": "lower"},
        "model_linear_upper": {"architecture": "linear"},
        "model_linear_lower": {"architecture": "linear", "reader": "lower"},
        "strong_upper": {"strength": 4.0},
        "strong_lower": {"strength": 4.0, "reader": "lower"},
        "large_upper": {"scale": 8, "architecture": "cnn"},
        "large_lower": {"scale": 8, "architecture": "cnn", "reader": "lower"},
        "untrained_upper": {"training": "none"},
        "untrained_lower": {"training": "none", "reader": "lower"},
    },
    rivals={
        f"{name}_upper": f"{name}_lower"
        for name in (
            *("linear", "correlated", "image", "multiplicative", "rigid", "xor", "model_linear", "strong", "large"),
        )
    },
    twins={"linear_upper": "untrained_upper", "linear_lower": "untrained_lower"},
    unranked=("untrained_upper", "untrained_lower"),
    dials={"signal to noise": ("strong_upper", "linear_upper")},
    small={"variants": ("linear_upper", "linear_lower"), "inputs": 40},
)
@dataclass(frozen=True, kw_only=True)
class TetrominoesTask:
    """In which cells is the class of the half that the net reads?"""

    reader: Reads = "upper"
    """Whose answer is to be explained."""
    inputs: int = 100
    """So many test images are explained: the first ones with one class in both halves, on which both nets are
    confirmed."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The net, images with their class as target, images of the distribution, and a blank one as baseline."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: Subject = asked.subject
        images = asked.public["inputs"][chosen].to(asked.device)
        return AttributionQuestion(
            model=subject.load(asked),
            inputs=images,
            targets=asked.public["classes"][chosen, HALF[self.reader]].to(asked.device),
            background=asked.public["background"].to(asked.device),
            baseline=torch.zeros_like(images[0]),
            seed=asked.method_seed,
        )

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """Where the class of the half that is read can be seen."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: Subject = asked.subject
        halves = subject.images(asked).truth()[chosen]
        used = halves[:, [HALF[self.reader]]]
        return AttributionTruth(masks={"": used}, zero_set=~used, figure=halves.any(1, keepdim=True))

    def _chosen(self, saved: Mapping[str, Saved]) -> Int[Tensor, " inputs"]:
        """The indices of the test images to explain, the same for both readers."""
        upper, lower = (saved[reader].public for reader in ("upper", "lower"))
        chosen = upper["classes"][:, 0] == upper["classes"][:, 1]
        if saved[self.reader].subject.training != "none":
            chosen &= upper["confirmed"] & lower["confirmed"]
        return chosen.cpu().nonzero()[: self.inputs, 0]
