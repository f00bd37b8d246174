"""Two stacked digits, of which the model reads one: does an explanation tell which?

    input [1, 56, 28] = a digit 0 to 4 and a digit 5 to 9, stacked in random order
    two rivals: one classifier names the low digit, the other the high one; each by a code 0 to 4
    truth: "" the block of the digit that is read; "digit" its ink;  figure: the ink of both;  zero set: the other block

**Used** is one digit, the same in all images for one model. **Associated** with the answer is nothing else: the digits
are drawn independently. **Blind**, nobody can tell: images, targets, background and seed of the two questions are the
same, since only images are asked about in which both digits have one code (a 2 stands on a 7: both rivals answer 2),
and their truths complete each other. Whatever does not look at the model gives both rivals one map, and what it wins on
the one it loses on the other: every control has a mean of 0.500 on each pair, and so has a net that has learned from
other seeds where the low digit is (more than 0.9 there). Only a metric whose two scores of one map add up to a constant
keeps that promise. Average precision does not (`tile_roughness` has 0.75, `position_prior` 0.66 on the pairs: it pays
for a gamble), and is left out.

What a model uses is shown of each image by exchanges within the distribution (see the certificate), and only images are
asked about on which both rivals pass. Measured at the default sizes, three seeds, means of both rivals:

                                                              MLP    robust MLP    CNN
    accuracy                                                .963          .975   .987
    prediction stays when the other digit is exchanged      .958          .972   .983
    prediction follows when its own digit is exchanged      .961          .976   .987
    the own digit's share of the logit's movement           .983          .991   .976
    accuracy when the other digit is attacked (L2, 2.0)      .40           .84    .48

The last line is another truth: an adversary can use what the model does not use in distribution, so that no map of
slopes can be expected to leave the other digit blank.

**Primary metric.** `figure_auroc` asks how often a stroke of the digit that is read is marked more than one of the
other. `truth_mass`, the share of |attribution| in the used block, is nearer at hand, and is shown beside it; but a
share rises when a map is squared (by .05 to .12 for the methods that find anything, more than separates most of them),
so that `smoothgrad_squared` leads by it, while `smoothgrad`, made of the same gradients, is eighth of eleven. An order
over whole blocks is decided by what a method says about the empty ground. And a share of the positive part alone
calls unused what speaks against the target, though a digit is known by what is missing, too. All weigh magnitudes.

                              MLP    robust MLP    CNN      truth_mass    figure_choice   (means over the three)
    occlusion                .663          .758   .655            .661             .951
    guided_backprop          .647          .767   .655            .654             .973
    smoothgrad_squared       .632          .765   .598            .708             .908
    smoothgrad               .633          .762   .586            .625             .907
    gradient                 .631          .760   .582            .623             .902
    deep_lift                .622          .740   .576            .636             .894
    input_x_gradient         .622          .740   .577            .636             .893
    integrated_gradients     .622          .740   .569            .633             .886
    gradient_shap            .568          .657   .563            .633             .902
    vargrad                  .508          .559   .598            .566             .672
    deconvnet                .486          .456   .513            .501             .429
    every control            .500          .500   .500            .500             .500
    all, random weights      .500                                 .500             .500

How far this order hangs on the choice: Kendall's tau with it, over the eleven methods, is .82 for `figure_mass`, .81
for `figure_choice` (.93, .37 and .56 of the MLP, robust and CNN rivals alone: where nearly every image is decided
rightly it hardly ranks), .60 for `truth_mass`, .53 for that of squared maps, .75 for the AUROC and .60 for the rank
accuracy of whole blocks, .35 for the positive part's mass and .93 after a 5 x 5 mean filter of the magnitudes, which
lifts every method that finds something (`guided_backprop` to .80): the truth is large, and what blurs gains. By order
and by choice, occlusion and guided backpropagation lead; deconvnet draws its digit in both places and finds nothing.

Source: the two labels for one composite are those of BAM (Yang and Kim 2019, arXiv:1907.09701), whose `model_contrast`
is measured, too; the stacked blocks are those of BlockMNIST (Shah, Jain and Netrapalli 2021, arXiv:2102.12781).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, Contrast, attribution_task
from benchmark.subjects import Saved
from tasks.models.shared.stacking import first_mask
from tasks.models.stacked_digits.pairs import Reads
from tasks.models.stacked_digits.subject import StackedDigits

INK = 0.25
"""A pixel at least this bright belongs to a digit."""


@attribution_task(
    cites="arXiv:1907.09701",
    subjects={
        "low": {"subject": "stacked_digits", "reads": "low"},
        "high": {"subject": "stacked_digits", "reads": "high"},
    },
    primary="figure_auroc",
    controls=("edge_detector", "input_magnitude", "position_prior", "tile_roughness", "blind_segmenter"),
    metrics=("figure_auroc", "figure_choice", "figure_mass", "truth_mass", "model_contrast"),
    variants={
        "low": {},
        "high": {"reader": "high"},
        "robust_low": {"training": "robust"},
        "robust_high": {"training": "robust", "reader": "high"},
        "cnn_low": {"architecture": "cnn"},
        "cnn_high": {"architecture": "cnn", "reader": "high"},
        "untrained_low": {"training": "none"},
        "untrained_high": {"training": "none", "reader": "high"},
        "untrained_cnn_low": {"training": "none", "architecture": "cnn"},
        "untrained_cnn_high": {"training": "none", "architecture": "cnn", "reader": "high"},
    },
    rivals={"low": "high", "robust_low": "robust_high", "cnn_low": "cnn_high"},
    twins={
        "low": "untrained_low",
        "high": "untrained_high",
        "robust_low": "untrained_low",
        "robust_high": "untrained_high",
        "cnn_low": "untrained_cnn_low",
        "cnn_high": "untrained_cnn_high",
    },
    small={"variants": ("low", "high"), "inputs": 24},
)
@dataclass(frozen=True, kw_only=True)
class StackedDigitsTask:
    """Which of two digits does the classifier read?"""

    reader: Reads = "low"
    """Whose answer is to be explained: that of the model that reads the low, or the high digit."""
    inputs: int = 100
    """So many test images are explained: the first ones, in the test set's order, on which both readers give the same
    answer and are confirmed to read their digit. Of random weights nothing is confirmed; for them they are the first
    ones on which both answers should be the same."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The model, images with their codes as targets, training images, and a black image as baseline."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: StackedDigits = asked.subject
        images = asked.public["inputs"][chosen].to(asked.device)
        return AttributionQuestion(
            model=subject.load(asked),
            inputs=images,
            targets=asked.public["labels"][chosen].to(asked.device),
            background=asked.public["background"].to(asked.device),
            baseline=torch.zeros_like(images[0]),
            seed=asked.method_seed,
        )

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """The block of the digit that is read, and its ink; the other block carries nothing."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: StackedDigits = asked.subject
        low = first_mask(subject.pairs(asked).tops[chosen])
        ink = asked.public["inputs"][chosen].cpu() >= INK
        used = low if self.reader == "low" else ~low
        return AttributionTruth(
            masks={"": used, "digit": used & ink},
            zero_set=~used,
            contrast=Contrast(low & ink, self.reader == "low", f"{subject.training} {subject.architecture}"),
            figure=ink,
        )

    def _chosen(self, saved: Mapping[str, Saved]) -> Int[Tensor, " inputs"]:
        """The indices of the test images to explain, the same for both readers."""
        low, high = (saved[reader].public for reader in ("low", "high"))
        chosen = low["labels"] == high["labels"]
        if saved[self.reader].subject.training != "none":
            chosen &= low["confirmed"] & high["confirmed"]
        return chosen.cpu().nonzero()[: self.inputs, 0]
