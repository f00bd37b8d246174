"""Two digits on a noisy ground, of which the model reads one: does an explanation tell which?

    image [1, 24, 24] = ground + a digit 0 or 1 + a digit 6 or 7, each in a quarter of its own
    two rivals: one net names the low digit, the other the high one, by a code: 0, 1, or 2 where there is none
    truth: "" the box of the digit that is read; "digit" its strokes;  figure: the strokes of both;
    zero set: all outside of the box

**Used** is one digit: the certificate exchanges and takes out either, and lays both on another ground. **Associated**
with the answer is nothing else: digits, places and grounds are independent. That a digit may be missing is no detail:
with two codes a net may look for a 1 alone and call all else 0, so that a 0 is told by what is nowhere in the image,
and no place of it is the truth.

**Blind**, nobody can tell: images, targets and background of both nets are the same, since only images are asked about
whose digits have one code, and the truths complete each other. A segmenter, an edge detector or a net that has learned
from other seeds finds the digits and the ground, and gives both nets the same map; by `figure_auroc` one map has scores
that add up to 1. In the published benchmark (ChaosMining, Shi et al. 2024, arXiv:2406.12150) there is one object on the
ground, which whoever looks at the picture finds. Its measure, the overlap of the box with as many of the strongest
pixels, is r / (2 - r) of `rank_accuracy` r. It counts the ground, and so do `truth_mass` and `false_positive_mass`.

Means of both nets at the default sizes, three seeds (accuracy .945 to .972):

    figure_auroc     grad_cam .996   occlusion .856   guided_backprop .799   gradient .736   integrated_gradients .696
    truth_mass       occlusion .636   integrated_gradients .620   guided_backprop .615   gradient .549   grad_cam .491

Grad-CAM tells which digit and not where it ends. Nets that were trained on fainter grounds have no better gradients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, Contrast, attribution_task
from benchmark.subjects import Saved
from tasks.models.noise_images.images import MISSING
from tasks.models.noise_images.subject import DIGIT, Reads
from tasks.models.noise_images.subject import NoiseImages as Subject


@attribution_task(
    cites="arXiv:2406.12150",
    subjects={
        "low": {"subject": "noise_images", "reads": "low"},
        "high": {"subject": "noise_images", "reads": "high"},
    },
    primary="figure_auroc",
    controls=("edge_detector", "input_magnitude", "position_prior", "random_weights_gradient", "blind_segmenter"),
    metrics=(
        *("figure_auroc", "figure_choice", "figure_mass", "rank_accuracy", "truth_mass", "false_positive_mass"),
        *("pointing_game", "model_contrast"),
    ),
    variants={
        "low": {},
        "high": {"reader": "high"},
        "faint_low": {"strength": 0.15},
        "faint_high": {"strength": 0.15, "reader": "high"},
        "strong_low": {"strength": 0.35, "steps": 900},
        "strong_high": {"strength": 0.35, "steps": 900, "reader": "high"},
        "texture_low": {"ground": "texture", "strength": 0.2},
        "texture_high": {"ground": "texture", "strength": 0.2, "reader": "high"},
        "fixed_low": {"places": "fixed"},
        "fixed_high": {"places": "fixed", "reader": "high"},
        "untrained_low": {"training": "none"},
        "untrained_high": {"training": "none", "reader": "high"},
    },
    rivals={f"{name}low": f"{name}high" for name in ("", "faint_", "strong_", "texture_", "fixed_")},
    twins={"low": "untrained_low", "high": "untrained_high"},
    unranked=("untrained_low", "untrained_high"),
    dials={"strength of the ground": ("faint_low", "low", "strong_low")},
    small={"variants": ("low", "high"), "inputs": 40},
)
@dataclass(frozen=True, kw_only=True)
class NoiseImages:
    """Which of two digits does the net read?"""

    reader: Reads = "low"
    """Whose answer is to be explained."""
    inputs: int = 100
    """So many test images are explained: the first ones with one code for both digits, on which both nets are
    confirmed. Of random weights nothing is confirmed."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The net, images with their code as target, training images, and an empty ground as baseline."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: Subject = asked.subject
        images = asked.public["inputs"][chosen].to(asked.device)
        return AttributionQuestion(
            model=subject.load(asked),
            inputs=images,
            targets=asked.public["codes"][chosen, DIGIT[self.reader]].to(asked.device),
            background=asked.public["background"].to(asked.device),
            baseline=torch.zeros_like(images[0]),
            seed=asked.method_seed,
        )

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """The box of the digit that is read, and its strokes; nothing else says anything."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: Subject = asked.subject
        images, own = subject.images(asked), [DIGIT[self.reader]]
        boxes, ink = images.boxes()[chosen], images.ink()[chosen]
        used = boxes[:, own]
        pair = f"{subject.ground} {subject.strength} {subject.places} {subject.training}"
        return AttributionTruth(
            masks={"": used, "digit": ink[:, own]},
            zero_set=~used,
            contrast=Contrast(ink[:, :1], self.reader == "low", pair),
            figure=ink.any(1, keepdim=True),
        )

    def _chosen(self, saved: Mapping[str, Saved]) -> Int[Tensor, " inputs"]:
        """The indices of the test images to explain, the same for both readers."""
        low, high = (saved[reader].public for reader in ("low", "high"))
        codes = low["codes"]
        chosen = (codes[:, 0] == codes[:, 1]) & (codes[:, 0] != MISSING)
        if saved[self.reader].subject.training != "none":
            chosen &= low["confirmed"] & high["confirmed"]
        return chosen.cpu().nonzero()[: self.inputs, 0]
