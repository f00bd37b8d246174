"""Rival readers: every image shows a low and a high digit; one classifier names the low one, its rival the high one.

Both are trained on images of the same distribution, so that nothing in an image says which of the digits is used: that
is written in the weights alone. The idea of two labels for the same composites is that of BAM (Yang and Kim 2019,
arXiv:1907.09701); the stacked blocks are those of BlockMNIST (Shah, Jain and Netrapalli 2021, arXiv:2102.12781).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float, Int
from torch import Tensor, nn

from benchmark.subjects import Run, Saved, Trained, subject
from tasks.models.shared import nets
from tasks.models.shared.digits import read_digits
from tasks.models.shared.stacking import SHAPE
from tasks.models.shared.training import fit, predict
from tasks.models.stacked_digits.certificate import certify
from tasks.models.stacked_digits.pairs import CODES, Pairs, Reads, draw_pairs, groups

BACKGROUND = 500
"""Training images that methods may see."""


@subject(cites="arXiv:1907.09701", threads=1, small={"epochs": 25})
@dataclass(frozen=True, kw_only=True)
class StackedDigits:
    """A classifier of images that show a low and a high digit, and that names one of them by its code 0 to 4."""

    reads: Reads = "low"
    """Which digit is named."""
    training: Literal["standard", "robust", "none"] = "standard"
    """"robust": adversarial training in an L2 ball; "none": the random initial weights, a null."""
    architecture: nets.Architecture = "mlp"
    data: Literal["digits", "mnist"] = "digits"
    source: str = "ylecun/mnist"
    """For data="mnist": a dataset of the Hugging Face hub or a local folder of that form."""
    epochs: int = 48
    """Each shows as many images as there are training digits, every one about twice, its partner drawn anew."""
    batch: int = 128
    learning_rate: float = 0.002
    eps: float = 2.0
    """Radius of the adversary's L2 ball in the certificate; a digit's norm is about 12."""
    training_eps: float = 1.5
    """The same in training (robust). Trained at 2.0, a net read the high digits of one seed with 0.91: whoever defends
    that much gives up part of what it should read."""
    attack_steps: int = 3
    """Steps of the adversary in training; the certificate's attack takes 10."""
    tests: int = 1000
    """Pairs of test digits that are drawn."""

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        data = read_digits(self.data, self.source, run.generator("split"))
        model = nets.build(self.architecture, SHAPE, CODES, seed=run.generator("weights").initial_seed())
        model.to(run.device)
        ours, generator = groups(data.train, data.train_labels), run.generator("train pairs")

        def draw() -> tuple[Float[Tensor, "n 1 56 28"], Int[Tensor, " n"]]:
            pairs = draw_pairs(ours, len(data.train), generator)
            return pairs.images().to(run.device), pairs.codes(self.reads).to(run.device)

        if self.training != "none":
            fit(
                model,
                draw,
                epochs=self.epochs,
                batch=self.batch,
                learning_rate=self.learning_rate,
                eps=self.training_eps if self.training == "robust" else 0.0,
                steps=self.attack_steps,
                generator=run.generator("batches"),
                progress=run.progress,
            )
        model.eval()
        pairs = draw_pairs(groups(data.test, data.test_labels), self.tests, run.generator("test pairs"))
        images = pairs.images()
        evidence = certify(model, pairs, run, reads=self.reads, training=self.training, eps=self.eps)
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": images,
                "labels": pairs.codes(self.reads),
                "predictions": predict(model, images.to(run.device)).cpu(),
                "confirmed": evidence.confirmed,
                "background": draw_pairs(ours, BACKGROUND, run.generator("background")).images(),
            },
            checks=evidence.checks,
            facts=evidence.facts,
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = nets.build(self.architecture, SHAPE, CODES, seed=0)
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def pairs(self, saved: Saved) -> Pairs:
        """The test pairs, drawn again: which digit is where."""
        data = read_digits(self.data, self.source, saved.generator("split"))
        return draw_pairs(groups(data.test, data.test_labels), self.tests, saved.generator("test pairs"))
