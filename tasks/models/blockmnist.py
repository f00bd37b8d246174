"""BlockMNIST (Shah, Jain and Netrapalli 2021, arXiv:2102.12781): a digit, stacked with a block that says nothing.

The classifier learns the ten digits from images whose other half says nothing. Where the digit may be in either half,
the input gradients of a usually trained net mark both halves of every image ("feature leakage": they show where the
digit is in *other* images); they mark the digit alone if it is always on top, or if the net was trained against an
adversary. So one planted truth separates bad explanations from leaky models.

The certificate intervenes on the test images:

- *signal followed*: the signal block is exchanged for a digit of another label. Does the prediction become that label?
- *null ignored*: the null block is replaced. Does the prediction stay? The noise is exchanged for another
  image's, exactly as in training. A fixed block has no other value in training, so any other is foreign to the model;
  the one that is checked changes its pixels and no others: the block at half its brightness. Facts tell of three more:
  nothing at all, and the block moved by one pixel, split into the pixels that the move adds and those that it takes.
  What the move adds lies where digits are drawn, and a stroke there is evidence for a digit; that, and not what it
  takes from the null block, accounts for most of the predictions that a move changes.
- *blocks exchanged*: upper and lower half change places, where both orders occur in training. Does the prediction stay?
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models import _blocks, _digits, _nets, _training

CLASSES = 10
ATTACKED = 250
"""Test images attacked for the certificate."""
BACKGROUND = 500
"""Training images that methods may see."""
MOVES = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""Of the fixed null block, by one pixel."""
ENOUGH = 0.85
"""Threshold of the certificate's shares: fewer than one image in seven is an exception."""


@dataclass(frozen=True)
class Plant:
    """What was planted in the test images, on the CPU."""

    digits: Float[Tensor, "n 28 28"]
    labels: Int[Tensor, " n"]
    tops: Bool[Tensor, " n"]
    null: Float[Tensor, "#n 28 28"]

    def images(self) -> Float[Tensor, "n 1 56 28"]:
        """The test images."""
        return _blocks.compose(self.digits, self.null, self.tops)


@subject(cites="arXiv:2102.12781", threads=1, small={"epochs": 8})
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
        data = _digits.load(self.data, self.source, run.generator("split"))
        plant = self._plant(data, run)
        inputs = plant.images().to(run.device)
        null, generator = self._square(run), run.generator("train noise")
        model = _nets.build(self.architecture, _blocks.SHAPE, CLASSES, seed=run.generator("weights").initial_seed())
        model.to(run.device)
        if self.training != "none":
            _training.fit(
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
        checks, facts = self._certify(model, plant, run)
        background, _ = self._epoch(data, null, run.generator("background"), torch.device("cpu"))
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": inputs.cpu(),
                "labels": plant.labels,
                "predictions": _training.predict(model, inputs).cpu(),
                "background": background[:BACKGROUND],
            },
            checks=checks,
            facts=facts,
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = _nets.build(self.architecture, _blocks.SHAPE, CLASSES, seed=0)
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def tops(self, count: int, generator: torch.Generator) -> Bool[Tensor, " count"]:
        """Whether the signal block is on top, for each test image; `generator` is that named "test positions"."""
        return _blocks.draw_tops(count, self.position, generator)

    def _plant(self, data: _digits.Digits, run: Run) -> Plant:
        digits, labels = data.test[: self.tests], data.test_labels[: self.tests]
        tops = self.tops(len(labels), run.generator("test positions"))
        null = self._square(run)
        if null is None:
            null = _blocks.noise(len(labels), digits, run.generator("test noise"))
        return Plant(digits, labels, tops, null)

    def _square(self, run: Run) -> Float[Tensor, "1 28 28"] | None:
        """The null block that all images share, or None where each has its own."""
        return _blocks.square(run.generator("square"))[None] if self.null == "square" else None

    def _epoch(
        self, data: _digits.Digits, null: Tensor | None, generator: torch.Generator, device: torch.device
    ) -> tuple[Float[Tensor, "m 1 56 28"], Int[Tensor, " m"]]:
        """Every training digit twice, in random order: once in each place (or twice on top), with noise drawn anew."""
        order = torch.randperm(2 * len(data.train), generator=generator)
        which = order % len(data.train)
        tops = (order < len(data.train)) | (self.position == "top")
        if null is None:
            null = _blocks.noise(len(order), data.train, generator)
        return _blocks.compose(data.train[which], null, tops).to(device), data.train_labels[which].to(device)

    def _certify(self, model: nn.Module, plant: Plant, run: Run) -> tuple[list[Check], dict[str, float]]:
        """Intervene on the test images: the certificate's lines, and numbers worth showing."""
        images, labels = plant.images().to(run.device), plant.labels.to(run.device)
        generator = run.generator("certificate")
        right = _training.accuracy(model, images, labels)
        if self.training == "none":
            return [Check("accuracy (random weights)", right, 0.3, at_least=False)], {"accuracy": right}
        predictions = _training.predict(model, images).cpu()

        def stays(digits: Tensor, null: Tensor, tops: Tensor) -> float:
            changed = _training.predict(model, _blocks.compose(digits, null, tops).to(run.device)).cpu()
            return float((changed == predictions).float().mean())

        other = torch.randperm(len(labels), generator=generator)
        differs = plant.labels[other] != plant.labels
        swapped = _blocks.compose(plant.digits[other], plant.null, plant.tops).to(run.device)
        followed = (_training.predict(model, swapped).cpu() == plant.labels[other])[differs].float().mean()
        replaced = plant.null.roll(1, dims=0) if self.null == "noise" else plant.null / 2
        robust = _training.robust_accuracy(
            model,
            images[:ATTACKED],
            labels[:ATTACKED],
            eps=self.eps,
            steps=20,
            restarts=3,
            generator=run.generator("attack"),
        )
        checks = [
            Check("accuracy", right, ENOUGH),
            Check("signal followed", float(followed), ENOUGH),
            Check("null ignored", stays(plant.digits, replaced, plant.tops), ENOUGH),
        ]
        if self.position == "random":
            checks.append(Check("blocks exchanged", stays(plant.digits, plant.null, ~plant.tops), ENOUGH))
        if self.training == "robust":
            checks.append(Check("accuracy under attack", robust, 0.3))
        facts = {
            "accuracy": right,
            "accuracy under attack": robust,
            "prediction stays without the null block": stays(plant.digits, torch.zeros_like(plant.null), plant.tops),
        }
        if self.null == "square":
            moved = torch.stack([plant.null[0].roll(move, dims=(0, 1)) for move in MOVES])
            moved = moved[torch.randint(len(MOVES), (len(labels),), generator=generator)]
            for what, block in (
                ("the null block moved by a pixel", moved),
                ("the pixels added that the move adds", moved.maximum(plant.null)),
                ("the pixels taken that the move takes", moved.minimum(plant.null)),
            ):
                facts[f"prediction stays with {what}"] = stays(plant.digits, block, plant.tops)
        return checks, facts
