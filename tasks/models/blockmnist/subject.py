"""BlockMNIST (Shah, Jain and Netrapalli 2021, arXiv:2102.12781): a digit, stacked with a block that says nothing.

The classifier learns the ten digits from images whose other half says nothing. Where the digit may be in either half,
the input gradients of a usually trained net mark both halves of every image ("feature leakage": they show where the
digit is in *other* images); they mark the digit alone if it is always on top, or if the net was trained against an
adversary. So one planted truth separates bad explanations from leaky models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from benchmark.subjects import Run, Saved, Trained, subject
from tasks.models.blockmnist import blocks
from tasks.models.blockmnist.blocks import Plant
from tasks.models.blockmnist.certificate import certify
from tasks.models.shared import nets
from tasks.models.shared.digits import Digits, read_digits
from tasks.models.shared.stacking import SHAPE, compose
from tasks.models.shared.training import fit, predict

CLASSES = 10
BACKGROUND = 500
"""Training images that methods may see."""


@subject(cites="arXiv:2102.12781", threads=1, small={"epochs": 5, "tests": 400})
@dataclass(frozen=True, kw_only=True)
class BlockMnist:
    """A digit classifier on images of two blocks, one with the digit and one that says nothing about the label."""

    training: Literal["standard", "robust", "none"] = "standard"
    """"robust": adversarial training in an L2 ball; "none": the random initial weights, a null."""
    position: Literal["random", "top"] = "random"
    """Where the signal block is."""
    null: Literal["square", "noise"] = "square"
    """The other block: one white square for all images, or the jigsaw of another digit for each."""
    architecture: Literal["mlp", "cnn"] = "mlp"
    data: Literal["digits", "mnist"] = "digits"
    source: str = "ylecun/mnist"
    """For data="mnist": a dataset of the Hugging Face hub or a local folder of that form."""
    epochs: int = 16
    batch: int = 128
    learning_rate: float = 0.001
    eps: float = 2.0
    """Radius of the adversary's L2 ball, in training (robust) and in the certificate; a digit's norm is about 12."""
    attack_steps: int = 5
    """Steps of the adversary in training; the certificate's attack takes 20 and three random starts."""
    tests: int = 1000
    """At most so many test images are used and kept."""

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        data = read_digits(self.data, self.source, run.generator("split"))
        plant = self._plant(data, run)
        inputs = plant.images().to(run.device)
        null, generator = self._square(run), run.generator("train noise")
        model = nets.build(self.architecture, SHAPE, CLASSES, seed=run.generator("weights").initial_seed())
        model.to(run.device)
        if self.training != "none":
            fit(
                model,
                lambda: self._epoch(data, null, generator, run.device),
                epochs=self.epochs,
                batch=self.batch,
                learning_rate=self.learning_rate,
                eps=self.eps if self.training == "robust" else 0.0,
                steps=self.attack_steps,
                generator=run.generator("batches"),
                progress=run.progress,
            )
        model.eval()
        checks, facts = certify(
            model, plant, run, training=self.training, position=self.position, eps=self.eps, null=self.null
        )
        background, _ = self._epoch(data, null, run.generator("background"), torch.device("cpu"))
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": inputs.cpu(),
                "labels": plant.labels,
                "predictions": predict(model, inputs).cpu(),
                "background": background[:BACKGROUND],
            },
            checks=checks,
            facts=facts,
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = nets.build(self.architecture, SHAPE, CLASSES, seed=0)
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def tops(self, count: int, generator: torch.Generator) -> Bool[Tensor, " count"]:
        """Whether the signal block is on top, for each test image; `generator` is that named "test positions"."""
        return blocks.draw_tops(count, self.position, generator)

    def _plant(self, data: Digits, run: Run) -> Plant:
        digits, labels = data.test[: self.tests], data.test_labels[: self.tests]
        tops = self.tops(len(labels), run.generator("test positions"))
        null = self._square(run)
        if null is None:
            null = blocks.noise(len(labels), digits, run.generator("test noise"))
        return Plant(digits, labels, tops, null)

    def _square(self, run: Run) -> Float[Tensor, "1 28 28"] | None:
        """The null block that all images share, or None where each has its own."""
        return blocks.square(run.generator("square"))[None] if self.null == "square" else None

    def _epoch(
        self, data: Digits, null: Tensor | None, generator: torch.Generator, device: torch.device
    ) -> tuple[Float[Tensor, "m 1 56 28"], Int[Tensor, " m"]]:
        """Every training digit twice, in random order: once in each place (or twice on top), with noise drawn anew."""
        order = torch.randperm(2 * len(data.train), generator=generator)
        which = order % len(data.train)
        tops = (order < len(data.train)) | (self.position == "top")
        if null is None:
            null = blocks.noise(len(order), data.train, generator)
        return compose(data.train[which], null, tops).to(device), data.train_labels[which].to(device)
