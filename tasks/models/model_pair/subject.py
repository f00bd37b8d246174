"""Two models that read the same inputs: most features they share, some are weaker in one, some only one of them has.

    row = [a, b],      a = bias + sum_i magnitude_i on_i strength_ia direction_ia + noise,      b the same with its own

A feature has one magnitude in a row and a unit direction in each model that has it; directions of the two models have
nothing to do with each other. Its strengths are (1, 1) if it is shared, (1, w) or (w, 1) if it is weakened, (1, 0) or
(0, 1) if it is exclusive: as many of one model as of the other, so that both are equally loud.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, generator_for, subject
from tasks.models.superposition.directions import coherence, spread
from tasks.models.superposition.identifiability import cosine_regained

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class PlantedPair:
    """The truth of a pair."""

    strengths: Float[Tensor, "n 2"]
    """How strong each feature is in either model."""
    written: Float[Tensor, "n d"]
    """What a feature of magnitude 1 writes into a row: a direction of each model, by its strength."""
    bias: Float[Tensor, " d"]
    codes: dict[str, Float[Tensor, "rows n"]]


class Pair(nn.Module):
    """Both models: features in, their activations side by side out."""

    written: Float[Tensor, "n d"]
    bias: Float[Tensor, " d"]

    def __init__(self, written: Float[Tensor, "n d"], bias: Float[Tensor, " d"]) -> None:
        super().__init__()
        self.register_buffer("written", written)
        self.register_buffer("bias", bias)

    def forward(self, codes: Float[Tensor, "rows n"]) -> Float[Tensor, "rows d"]:
        """Activations without noise."""
        activations: Tensor = codes @ self.written + self.bias
        return activations


@subject(cites="arXiv:2504.02922", small={"rows": 5000, "held_out": 1500})
@dataclass(frozen=True, kw_only=True)
class ModelPair:
    """Two models of sparse features, some of which they share; the dial is how far the weakened ones are weakened."""

    shared: int = 48
    weakened: int = 24
    """Of which half are weaker in the second model, half in the first."""
    exclusive: int = 24
    """Of which half are the first model's."""
    weakening: float = 0.5
    """The strength of a weakened feature in its weaker model, from 0 (exclusive) to 1 (shared)."""
    dimensions: int = 32
    """Of each model."""
    active: float = 4.0
    """Features on in a row, on average."""
    noise: float = 0.05
    """Standard deviation of the noise in every dimension of either model."""
    rows: int = 20000
    held_out: int = 2000
    """Rows of validation, and of test."""

    @property
    def features(self) -> int:
        """All of them."""
        return self.shared + self.weakened + self.exclusive

    def strengths(self) -> Float[Tensor, "n 2"]:
        """Shared features first, then weakened ones, then exclusive ones, of both models in turn."""
        if not 0 < self.weakening <= 1:
            raise TouchstoneError(f"got weakening={self.weakening}, expected above 0 and at most 1")
        weak = torch.tensor([[1.0, self.weakening], [self.weakening, 1.0]])
        alone = torch.eye(2)
        turns = torch.arange(max(self.weakened, self.exclusive)) % 2
        return torch.cat([torch.ones(self.shared, 2), weak[turns[: self.weakened]], alone[turns[: self.exclusive]]])

    def plant(self, seed: int) -> PlantedPair:
        """The truth of a seed."""
        rate = self.active / self.features
        if not 0 < rate <= 0.5:
            raise TouchstoneError(f"got active={self.active}, expected at most half of the {self.features} features")
        strengths = self.strengths()
        halves = []
        for model in range(2):
            present = strengths[:, model] > 0
            directions = torch.zeros(self.features, self.dimensions)
            directions[present] = spread(
                int(present.sum()), self.dimensions, generator_for(seed, f"directions {model}")
            )
            halves.append(strengths[:, model, None] * directions)
        bias = 0.5 * torch.randn(2 * self.dimensions, generator=generator_for(seed, "bias")) / self.dimensions**0.5
        codes = {}
        for split in SPLITS:
            count = self.rows if split == "train" else self.held_out
            generator = generator_for(seed, split)
            on = torch.rand(count, self.features, generator=generator) < rate
            magnitudes = (1 + 0.2 * torch.randn(count, self.features, generator=generator)).clamp(min=0.2)
            codes[split] = on * magnitudes
        return PlantedPair(strengths, torch.cat(halves, 1), bias, codes)

    def train(self, run: Run) -> Trained:
        """Draw the truth, add the noise, and measure that the truth can be found."""
        planted = self.plant(run.seed)
        model, noise = Pair(planted.written, planted.bias), run.generator("noise")
        public, residuals = {}, {}
        for split, codes in planted.codes.items():
            clean = model(codes)
            public[split] = clean + self.noise * torch.randn(clean.shape, generator=noise)
            residuals[split] = public[split] - clean
        regained = cosine_regained(
            public["train"],
            nn.functional.normalize(planted.written, dim=1),
            planted.bias,
            active=self.active,
            generator=run.generator("turned"),
        )
        checks = self._certify(planted, residuals["test"])
        checks.append(Check("cosine_regained_by_learning_from_beside_the_truth", regained, 0.95))
        return Trained(weights={}, public=public, checks=checks)

    def _certify(self, planted: PlantedPair, residual: Float[Tensor, "rows d"]) -> list[Check]:
        held = planted.codes["test"]
        least = torch.stack([(planted.codes[split] > 0).sum(0).min() for split in ("validation", "test")]).min()
        without = self._error_ratios(planted, residual)
        none = planted.strengths == 0
        left = float(residual.square().sum(1).mean().sqrt()) / (self.noise * (2 * self.dimensions) ** 0.5 + 1e-12)
        return [
            Check("left_by_the_truth_over_noise", left, 1.05, at_least=False),
            Check("rows_of_the_rarest_feature", float(least), 20),
            Check("features_on", float((held > 0).float().sum(1).mean()), 0.9 * self.active),
            Check(
                "greatest_overlap_of_directions",
                coherence(nn.functional.normalize(planted.written, dim=1)),
                0.5,
                at_least=False,
            ),
            Check("least_error_ratio_without_a_feature_in_a_model_that_has_it", float(without[~none].min()), 1.5),
            Check(
                "greatest_error_ratio_without_a_feature_in_a_model_that_lacks_it",
                float(without[none].max()) if bool(none.any()) else 1.0,
                1.01,
                at_least=False,
            ),
        ]

    def _error_ratios(self, planted: PlantedPair, residual: Float[Tensor, "rows d"]) -> Float[Tensor, "n 2"]:
        """How many times larger the squared error of one model is, in the rows of a feature, without it there."""
        held = planted.codes["test"]
        on, ratios = held > 0, []
        for left, written in zip(
            residual.split(self.dimensions, dim=1), planted.written.split(self.dimensions, dim=1), strict=True
        ):
            floor = left.square().sum(1, keepdim=True)
            more = 2 * held * (left @ written.T) + held.square() * written.square().sum(1)
            ratios.append(((floor + more) * on).sum(0) / (floor * on).sum(0).clamp(min=1e-12))
        return torch.stack(ratios, 1)

    def load(self, saved: Saved) -> Pair:
        """Both models, rebuilt from the seed: they are drawn and not learned, so nothing of them lies on disk."""
        planted = self.plant(saved.seed)
        return Pair(planted.written, planted.bias).to(saved.device).eval()
