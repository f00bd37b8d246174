"""BlockMNIST: does an explanation mark the half of the image with the digit, or also the half that says nothing?

    input [1, 56, 28] = signal block (a digit, fixes the label) + null block (a square, or a jigsaw of a digit), stacked
    truth: "" the pixels of the signal block (half the image); "digit" those of them where the digit has ink
    zero set: the null block

What to expect: the gradient of a usually trained net marks both halves; it marks the digit alone if the digit is always
on top or the net was trained against an adversary. Share of the strongest k% of |gradient| in the null block, in
percent, published (digits of MNIST; table in the appendix of the OTNN paper, NeurIPS 2023, which restates Shah et al.;
taken from a summary) and measured here (default profile: scikit-learn's digits, MLP, 3 seeds, 100 images each; MNIST:
the same with `subjects: {blockmnist: {data: mnist}}`, 8,000 training images, 2 seeds):

    k                         2.5      5     10     20     30
    standard, published      43.8   42.5   44.8   47.5   48.4
    standard, MNIST          37.6   38.8   40.6   42.8   44.5
    standard, digits         30.2   34.0   35.7   38.7   41.3
    robust, published          <1     <1    2.3   16.7   29.9
    robust, MNIST             0.3    1.2    6.8   23.0   33.6
    robust, digits            0.5    0.7    1.7    7.2   16.5
    top, MNIST                0.0    0.0    0.0    0.0    0.1
    top, digits               0.0    0.0    0.0    0.0    0.1
    standard_noise, digits    5.1    9.5   16.1   24.5   30.3
    robust_noise, digits      0.0    0.0    0.0    0.9    7.0
    untrained, digits        49.8   49.8   49.5   49.7   49.7

What is **used** is the digit, as the certificate shows; nothing else in an image is **associated** with the label; and
where the digit is can be read **blind**, so that this task is a diagnosis of leakage and ranks nobody:

- The square gives itself away. An edge detector, which never looks at the model, has a rank accuracy of 0.81, more than
  any method on "standard" and "robust", and whatever multiplies by the input has 0.73 on untrained weights, too.
- The jigsaw was meant to leave that to the model (0.40 and 0.50 for these two). But its strokes break off at the tiles'
  borders, and `tile_roughness` finds the digit's half by that on every image: 1.00.
- With the signal on top, `position_prior`, one map for all images, has 1.00.

Where only the model can tell is asked by `stacked_digits`. To read with the table: half of all entries are the truth,
so that rank accuracy needs the whole block, weak entries included; average precision and the null share judge the
strongest ones; "digit" asks for the ink alone.

Source: Shah, Jain and Netrapalli, "Do Input Gradients Highlight Discriminative Features?", NeurIPS 2021,
arXiv:2102.12781.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.blockmnist.subject import BlockMnist
from tasks.models.shared.stacking import first_mask

INK = 0.25
"""A pixel of the signal block at least this bright belongs to the digit."""


@attribution_task(
    cites="arXiv:2102.12781",
    subject="blockmnist",
    primary="rank_accuracy",
    controls=("edge_detector", "input_magnitude", "position_prior", "tile_roughness", "blind_segmenter"),
    metrics=("rank_accuracy", "truth_mass", "auroc", "average_precision", "null_share"),
    variants={
        "standard": {},
        "top": {"position": "top"},
        "robust": {"training": "robust"},
        "untrained": {"training": "none"},
        "untrained_top": {"training": "none", "position": "top"},
        "untrained_noise": {"training": "none", "null": "noise"},
        "standard_noise": {"null": "noise"},
        "robust_noise": {"training": "robust", "null": "noise"},
        "standard_cnn": {"architecture": "cnn"},
        "robust_cnn": {"training": "robust", "architecture": "cnn"},
        "untrained_cnn": {"training": "none", "architecture": "cnn"},
    },
    unranked=(
        "standard",
        "top",
        "robust",
        "untrained",
        "untrained_top",
        "untrained_noise",
        "standard_noise",
        "robust_noise",
        "standard_cnn",
        "robust_cnn",
        "untrained_cnn",
    ),
    twins={
        "standard": "untrained",
        "robust": "untrained",
        "top": "untrained_top",
        "standard_noise": "untrained_noise",
        "robust_noise": "untrained_noise",
        "standard_cnn": "untrained_cnn",
        "robust_cnn": "untrained_cnn",
    },
    small={"variants": ("standard",), "inputs": 24},
)
@dataclass(frozen=True, kw_only=True)
class BlockMnistTask:
    """Which half of the image carries the digit that the classifier reads?"""

    inputs: int = 100
    """So many test images are explained: the first ones, in the test set's order, that the model classifies correctly.
    A model with random weights is right by chance only; for it they are the first ones."""

    def pose(self, saved: Saved) -> AttributionQuestion:
        """The model, the images with their labels as targets, training images, and a black image as baseline."""
        subject: BlockMnist = saved.subject
        chosen = self._chosen(saved)
        images = saved.public["inputs"][chosen].to(saved.device)
        return AttributionQuestion(
            model=subject.load(saved),
            inputs=images,
            targets=saved.public["labels"][chosen].to(saved.device),
            background=saved.public["background"].to(saved.device),
            baseline=torch.zeros_like(images[0]),
            seed=saved.method_seed,
        )

    def truth(self, saved: Saved) -> AttributionTruth:
        """The signal blocks, from the generator that placed them, and the digits' ink in them."""
        subject: BlockMnist = saved.subject
        chosen = self._chosen(saved)
        tops = subject.tops(len(saved.public["labels"]), saved.generator("test positions"))[chosen]
        block = first_mask(tops)
        ink = block & (saved.public["inputs"][chosen].cpu() >= INK)
        return AttributionTruth(masks={"": block, "digit": ink}, zero_set=~block)

    def _chosen(self, saved: Saved) -> Int[Tensor, " inputs"]:
        """The indices of the test images to explain."""
        correct = (saved.public["predictions"] == saved.public["labels"]).cpu()
        subject: BlockMnist = saved.subject
        if subject.training == "none":
            correct = torch.ones_like(correct)
        return correct.nonzero()[: self.inputs, 0]
