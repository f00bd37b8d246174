"""A classifier of the object, or of the scene; what it does not name says nothing, or what `scenes` lets it say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.pasted_objects.composites import KINDS, MISSING, Composites, draw
from tasks.models.shared.training import predict

Reads = Literal["object", "scene"]
ENOUGH = 0.9
"""Of the certificate's shares: one image in ten is room for objects and patterns that look alike."""
GUESS = 0.625
"""The most that random weights may have: half-way between guessing, of four classes, and knowing."""
BACKGROUND = 500


@subject(cites="arXiv:1907.09701", threads=1, small={"steps": 260, "pool": 2000})
@dataclass(frozen=True, kw_only=True)
class PastedObjects:
    """A convolutional net with a logit for each object (each scene), and one for none."""

    reads: Reads = "object"
    """What is named."""
    training: Literal["standard", "none"] = "standard"
    shown: Literal["composites", "scenes"] = "composites"
    """What the reader of scenes is trained on: scenes with objects, or scenes alone."""
    scenes: int = KINDS
    """In so many scenes an object is usually found; in all of them, object and scene are independent."""
    width: int = 12
    """Channels of the first layer; the next ones have two and four times as many."""
    pool: int = 6000
    """Training images, which are shown in any turn and mirrored."""
    steps: int = 400
    batch: int = 64
    learning_rate: float = 8e-3
    """The greatest of one cycle (Smith 2018, arXiv:1803.09820) of Adam."""
    tests: int = 600

    def __post_init__(self) -> None:
        if not 1 <= self.scenes <= KINDS:
            raise TouchstoneError(f"scenes: got {self.scenes}, expected 1 to {KINDS}, as many as there are")

    def net(self) -> nn.Module:
        """Three convolutions, each with a ReLU, down to a vector for each quarter, and two linear layers."""
        width = self.width
        return nn.Sequential(
            nn.Conv2d(3, width, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * width, 4 * width, 3, stride=3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * width, 4 * width),
            nn.ReLU(),
            nn.Linear(4 * width, KINDS + 1),
        )

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net().to(run.device)
        if self.training != "none":
            self._fit(model, run)
        model.eval().requires_grad_(False)
        composites = self.composites(run)
        checks, facts, confirmed = self._certify(
            composites,
            self.draw(self.tests, run.generator("exchanged")),
            lambda shown: predict(model, centred(shown).to(run.device)).cpu(),
        )
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": centred(composites),
                "objects": composites.objects,
                "scenes": composites.scenes,
                "confirmed": confirmed,
                "background": centred(self.draw(BACKGROUND, run.generator("background"))),
            },
            checks=checks,
            facts=facts,
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net()
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def composites(self, seeds: Run | Saved) -> Composites:
        """The test images: what is where."""
        return self.draw(self.tests, seeds.generator("tests"))

    def draw(self, count: int, generator: torch.Generator) -> Composites:
        """Images of this subject's distribution."""
        return draw(self.scenes, count, generator)

    def named(self, composites: Composites) -> Int[Tensor, " n"]:
        """What the net is to say."""
        return composites.objects if self.reads == "object" else composites.scenes

    def _fit(self, model: nn.Module, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        pool, generator = self.draw(self.pool, run.generator("train")), run.generator("batches")
        if self.reads == "scene" and self.shown == "scenes":
            pool = pool.without_objects()
        images, labels = centred(pool), self.named(pool)
        for step in range(self.steps):
            chosen = torch.randint(self.pool, (self.batch,), generator=generator)
            turn, mirrored = torch.randint(4, (2,), generator=generator).tolist()
            shown = torch.rot90(images[chosen], turn, (2, 3))
            loss = F.cross_entropy(
                model((shown.flip(3) if mirrored % 2 else shown).to(run.device)), labels[chosen].to(run.device)
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(
        self, images: Composites, other: Composites, says: Callable[[Composites], Int[Tensor, " n"]]
    ) -> tuple[list[Check], dict[str, float], Bool[Tensor, " n"]]:
        alone = self.reads == "scene" and self.shown == "scenes"

        def usual(composites: Composites) -> Composites:
            """Images as they were shown in training."""
            return composites.without_objects() if alone else composites

        said = says(usual(images))
        right = said == self.named(images)
        if self.training == "none":
            check = Check("accuracy (random weights)", _share(right), GUESS, at_least=False)
            return [check], {}, torch.zeros_like(right)
        scene, thing = images.with_scenes(other), images.with_objects(other)
        bare, plain = images.without_objects(), images.without_scenes()
        own, rest, missing = (thing, scene, bare) if self.reads == "object" else (scene, thing, plain)
        followed = says(usual(own)) == self.named(own)
        missed = says(usual(missing)) == MISSING
        kept = says(rest) == said
        still = torch.stack([says(changed) == said for changed in (images, images.moved(), images.recoloured())]).all(0)
        ignored = {"other part ignored": _share(kept), "place and colour of the object ignored": _share(still)}
        confirmed = right & kept & followed & missed & still
        checks = [
            Check("accuracy", _share(right), ENOUGH),
            Check("own part followed", _share(followed), ENOUGH),
            Check("own part missed", _share(missed), ENOUGH),
        ]
        facts = {"images confirmed": _share(confirmed)}
        if alone:  # it has never seen an object: what one does to it is found out, and not planted
            return checks, facts | ignored, confirmed
        return [*checks, *(Check(name, share, ENOUGH) for name, share in ignored.items())], facts, confirmed


def centred(composites: Composites) -> Float[Tensor, "n 3 h w"]:
    """What the net sees: pixels from -1 to 1, medium grey at 0."""
    return 2 * composites.pixels() - 1


def _share(values: Bool[Tensor, " n"]) -> float:
    return float(values.float().mean())
