"""Binary features that look different each time they are on.

    activation = sum_i on_i (w_i + spread * B_i e / sqrt(rank)) + noise,      e ~ N(0, 1) in `rank` dimensions

All w_i and all columns of the B_i are orthonormal. What is on is read off w_i alone; where in its cloud a feature lies
says nothing and follows no law but the Gaussian's, in which no direction is a better feature than another.

Makelov, Lange and Nanda 2024 (arXiv:2405.08366) saw binary attributes represented by many features of low recall
where a single one would do ("over-splitting"). They have no planted version of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, generator_for, subject

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Planted:
    """The truth: what tells each feature, the cloud around it, and where it is on."""

    directions: Float[Tensor, "n d"]
    clouds: Float[Tensor, "n rank d"]
    on: dict[str, Bool[Tensor, "rows n"]]


class Embedding(nn.Module):
    """The model: what is on, and where in its cloud, to activations."""

    directions: Float[Tensor, "n d"]
    clouds: Float[Tensor, "n rank d"]

    def __init__(self, planted: Planted, spread: float) -> None:
        super().__init__()
        self.spread = spread
        self.register_buffer("directions", planted.directions)
        self.register_buffer("clouds", planted.clouds)

    def forward(self, on: Bool[Tensor, "rows n"], place: Float[Tensor, "rows n rank"]) -> Float[Tensor, "rows d"]:
        """Activations without noise."""
        around = self.spread * place / place.shape[2] ** 0.5
        clouds = torch.einsum("bnr,nrd->bd", around * on[..., None], self.clouds)
        activations: Tensor = on.float() @ self.directions + clouds
        return activations


@subject(cites="arXiv:2405.08366", small={"rows": 3000, "held_out": 800})
@dataclass(frozen=True, kw_only=True)
class SpreadFeatures:
    """A few binary features with a cloud around each."""

    features: int = 16
    rank: int = 2
    """Dimensions of each cloud."""
    spread: float = 0.5
    """Root mean square radius of a cloud, in units of the feature itself."""
    rate: float = 0.12
    """How often each feature is on."""
    noise: float = 0.05
    """Standard deviation of the noise in every dimension."""
    rows: int = 10000
    held_out: int = 2000
    """Rows of validation, and of test."""

    @property
    def dimensions(self) -> int:
        """One for each feature, and `rank` for its cloud."""
        return self.features * (1 + self.rank)

    def plant(self, seed: int) -> Planted:
        """The truth of a seed; the same at every spread."""
        if self.spread < 0 or not 0 < self.rate <= 0.5:
            raise TouchstoneError(
                f"got spread={self.spread} and rate={self.rate}, expected a spread of at least 0 and a rate above "
                "0 and at most 0.5"
            )
        square = torch.randn(self.dimensions, self.dimensions, generator=generator_for(seed, "directions"))
        basis = torch.linalg.qr(square).Q
        on = {}
        for split in SPLITS:
            count = self.rows if split == "train" else self.held_out
            on[split] = torch.rand(count, self.features, generator=generator_for(seed, split)) < self.rate
        clouds = basis[self.features :].reshape(self.features, self.rank, self.dimensions)
        return Planted(basis[: self.features], clouds, on)

    def train(self, run: Run) -> Trained:
        """Draw the truth, the places in the clouds and the noise, and measure that every feature can be told."""
        planted, draw = self.plant(run.seed), run.generator("noise")
        model, public = Embedding(planted, self.spread), {}
        for split, on in planted.on.items():
            place = torch.randn(*on.shape, self.rank, generator=draw)
            clean = model(on, place)
            public[split] = clean + self.noise * torch.randn(clean.shape, generator=draw)
        return Trained(weights={}, public=public, checks=self._certify(planted, public["test"]))

    def _certify(self, planted: Planted, activations: Tensor) -> list[Check]:
        on, read = planted.on["test"], activations @ planted.directions.T > 0.5
        f1 = 2 * (read & on).sum(0) / (read.sum(0) + on.sum(0)).clamp(min=1)
        rarest = torch.stack([planted.on[split].sum(0).min() for split in SPLITS[1:]]).min()
        inside = torch.einsum("bd,nrd->bnr", activations, planted.clouds).square().sum(2)
        radius = ((inside * on).sum(0) / on.sum(0).clamp(min=1)).clamp(min=0).sqrt()
        return [
            Check("least_f1_of_a_feature_read_along_its_direction", float(f1.min()), 0.99),
            Check("rows_of_the_rarest_feature", float(rarest), 20),
            Check("greatest_departure_from_the_planted_radius", self._departure(radius), 0.2, at_least=False),
        ]

    def _departure(self, radius: Float[Tensor, " n"]) -> float:
        """How far the clouds' radii are from what is planted, noise included."""
        planted = math.sqrt(self.spread**2 + self.rank * self.noise**2)
        return float((radius - planted).abs().max()) / max(planted, 1e-12)

    def load(self, saved: Saved) -> Embedding:
        """The embedding, rebuilt from the seed: nothing of it lies on disk."""
        return Embedding(self.plant(saved.seed), self.spread).to(saved.device).eval()
