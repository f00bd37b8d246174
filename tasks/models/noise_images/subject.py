"""A classifier of the low digit, or of the high one; the other digit and the ground say nothing.

Both are trained on images of one distribution, on fresh grounds and pairs at every step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Int
from torch import Tensor, nn

from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.noise_images.images import MISSING, Ground, Groups, Images, Places, draw, groups
from tasks.models.shared.digits import read_digits
from tasks.models.shared.training import predict

Reads = Literal["low", "high"]
DIGIT: dict[Reads, int] = {"low": 0, "high": 1}
ENOUGH = 0.9
"""Of the certificate's shares: one image in ten is room for digits that the ground hides."""
SAME = 0.8
"""Of answers that stay on another ground: on either of two grounds, one digit in ten may be hidden."""
GUESS = 2 / 3
"""The most that random weights may have: half-way between guessing, of three codes, and knowing."""
BACKGROUND = 500


@subject(cites="arXiv:2406.12150", threads=1, small={"steps": 200, "strength": 0.1})
@dataclass(frozen=True, kw_only=True)
class NoiseImages:
    """A convolutional net with a logit for each code, and one for a missing digit."""

    reads: Reads = "low"
    """Which digit is named."""
    training: Literal["standard", "none"] = "standard"
    ground: Ground = "noise"
    strength: float = 0.3
    """Standard deviation of the ground, where a stroke's height is 1."""
    places: Places = "random"
    data: Literal["digits", "mnist"] = "digits"
    source: str = "ylecun/mnist"
    """For data="mnist": a dataset of the Hugging Face hub or a local folder of that form."""
    width: int = 12
    """Channels of the first layer; the next ones have two and four times as many."""
    steps: int = 600
    batch: int = 64
    learning_rate: float = 6e-3
    """The greatest of one cycle (Smith 2018, arXiv:1803.09820) of Adam."""
    tests: int = 1000

    def net(self) -> nn.Module:
        """Three convolutions, each with a ReLU, down to a vector for each quarter, and two linear layers."""
        width = self.width
        return nn.Sequential(
            nn.Conv2d(1, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * width, 4 * width, 3, stride=3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * width, 4 * width),
            nn.ReLU(),
            nn.Linear(4 * width, 3),
        )

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        learned, held_out = self._digits(run)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net().to(run.device)
        if self.training != "none":
            self._fit(model, learned, run)
        model.eval().requires_grad_(False)
        images = self.draw(held_out, self.tests, run.generator("tests"))
        other = self.draw(held_out, self.tests, run.generator("exchanged"))
        checks, confirmed = self._certify(
            images, other, lambda shown: predict(model, shown.pixels().to(run.device)).cpu()
        )
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": images.pixels(),
                "codes": images.codes,
                "confirmed": confirmed,
                "background": self.draw(learned, BACKGROUND, run.generator("background")).pixels(),
            },
            checks=checks,
            facts={"images confirmed": _share(confirmed)} if self.training != "none" else {},
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net()
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def images(self, saved: Saved) -> Images:
        """The test images, drawn again: what is where."""
        return self.draw(self._digits(saved)[1], self.tests, saved.generator("tests"))

    def draw(self, digits: Groups, count: int, generator: torch.Generator) -> Images:
        """Images of this subject's distribution."""
        return draw(digits, self.ground, self.strength, self.places, count, generator)

    def _digits(self, seeds: Run | Saved) -> tuple[Groups, Groups]:
        """Those for training, and those that are held out."""
        data = read_digits(self.data, self.source, seeds.generator("split"))
        return groups(data.train, data.train_labels), groups(data.test, data.test_labels)

    def _fit(self, model: nn.Module, digits: Groups, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator = run.generator("train")
        for step in range(self.steps):
            images = self.draw(digits, self.batch, generator)
            labels = images.codes[:, DIGIT[self.reads]].to(run.device)
            loss = F.cross_entropy(model(images.pixels().to(run.device)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(
        self, images: Images, other: Images, says: Callable[[Images], Int[Tensor, " n"]]
    ) -> tuple[list[Check], Bool[Tensor, " n"]]:
        own = DIGIT[self.reads]
        said = says(images)
        right = said == images.codes[:, own]
        if self.training == "none":
            return [Check("accuracy (random weights)", _share(right), GUESS, at_least=False)], torch.zeros_like(right)
        kept = says(images.with_digit(1 - own, other)) == said
        spared = says(images.with_ground(other)) == said
        followed = says(images.with_digit(own, other)) == other.codes[:, own]
        missed = says(images.without(own)) == MISSING
        checks = [
            Check("accuracy", _share(right), ENOUGH),
            Check("other digit ignored", _share(kept), ENOUGH),
            Check("ground ignored", _share(spared), SAME),
            Check("own digit followed", _share(followed), ENOUGH),
            Check("own digit missed", _share(missed), ENOUGH),
        ]
        return checks, right & kept & spared & followed & missed


def _share(values: Bool[Tensor, " n"]) -> float:
    return float(values.float().mean())
