"""Features of several dimensions in superposition: circles in planes, spheres in spaces.

    activation = bias + sum_i on_i * radius_i * point_i @ axes_i + noise       axes_i [k, d] orthonormal, |point_i| = 1

A feature is on now and then, independently of the others. Where it is on, its point lies anywhere on the circle (k = 2)
or sphere (k = 3), all places being equally likely; k = 1 are directions that come with both signs. No direction of its
subspace is marked, and its coordinates are not independent, so that it is one feature and no sum of k (irreducible, as
Engels et al. 2024, arXiv:2405.14860, define it). Together the subspaces have twice as many dimensions as there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, generator_for, subject
from tasks.models.circular_features.subspaces import coherence, cosine_regained, spread, unit_points

SPLITS = ("train", "validation", "test")
REGAINED = 0.95
"""As for directions in `superposition`: half of the way back from 0.9, and room for noise."""
OVERLAP = 0.8
"""Below the 0.9 at which atoms are near a subspace, so that none is near two."""
EVEN = 0.8
"""Of each feature's variance on its least axis, over what an even spread has: 1 but for the sample."""
RAREST = 20
ERROR = 1.5
"""A row without one of its features leaves at least half as much error again as noise does."""


@dataclass(frozen=True)
class Planted:
    """The truth: subspaces, bias, and where on its subspace every feature is in every row (0 where it is off)."""

    subspaces: Float[Tensor, "n k d"]
    bias: Float[Tensor, d]
    coordinates: dict[str, Float[Tensor, "rows n k"]]


class Embedding(nn.Module):
    """The model: coordinates in, activations out."""

    subspaces: Float[Tensor, "n k d"]
    bias: Float[Tensor, d]

    def __init__(self, subspaces: Float[Tensor, "n k d"], bias: Float[Tensor, d]) -> None:
        super().__init__()
        self.register_buffer("subspaces", subspaces)
        self.register_buffer("bias", bias)

    def forward(self, coordinates: Float[Tensor, "rows n k"]) -> Float[Tensor, "rows d"]:
        """Activations without noise."""
        activations: Tensor = coordinates.flatten(1) @ self.subspaces.flatten(0, 1) + self.bias
        return activations


@subject(cites="arXiv:2405.14860", small={"rows": 5000, "held_out": 800})
@dataclass(frozen=True, kw_only=True)
class CircularFeatures:
    """Sparse features, each in a subspace of `dimension` dimensions; as many as need twice the room there is."""

    dimension: int = 2
    """Of each feature: 1 (both signs of a direction), 2 (circles), 3 (spheres)."""
    dimensions: int = 32
    active: float = 4.0
    """Features on in a row, on average. Rows with one feature alone are examples of it that need no learning; at 4,
    one row in fourteen is."""
    noise: float = 0.05
    """Standard deviation of the noise in every dimension."""
    rows: int = 20000
    held_out: int = 2000
    """Rows of validation, and of test."""

    @property
    def features(self) -> int:
        """How many features there are."""
        return 2 * self.dimensions // self.dimension

    def plant(self, seed: int) -> Planted:
        """The truth of a seed."""
        if not 1 <= self.dimension <= self.dimensions // 4:
            raise TouchstoneError(
                f"got dimension={self.dimension}, expected from 1 to {self.dimensions // 4}, a quarter of the "
                f"{self.dimensions} dimensions"
            )
        n, k, d = self.features, self.dimension, self.dimensions
        rate = self.active / n
        if not 0 < rate <= 0.5:
            raise TouchstoneError(f"got active={self.active} of {n} features, expected above 0 and at most {n / 2:g}")
        subspaces = spread(n, k, d, generator_for(seed, "subspaces"))
        bias = 0.5 * torch.randn(d, generator=generator_for(seed, "bias")) / d**0.5
        coordinates = {}
        for split in SPLITS:
            count, generator = self.rows if split == "train" else self.held_out, generator_for(seed, split)
            on = torch.rand(count, n, generator=generator) < rate
            radius = (1 + 0.2 * torch.randn(count, n, generator=generator)).clamp(min=0.2)
            coordinates[split] = (on * radius)[:, :, None] * unit_points(count, n, k, generator)
        return Planted(subspaces, bias, coordinates)

    def train(self, run: Run) -> Trained:
        """Draw the truth, add the noise, and measure that the truth can be found."""
        planted = self.plant(run.seed)
        model, noise = Embedding(planted.subspaces, planted.bias), run.generator("noise")
        public = {split: model(where) for split, where in planted.coordinates.items()}
        residuals = {split: self.noise * torch.randn(clean.shape, generator=noise) for split, clean in public.items()}
        public = {split: clean + residuals[split] for split, clean in public.items()}
        regained = cosine_regained(
            public["train"] - planted.bias, planted.subspaces, active=self.active, generator=run.generator("turned")
        )
        checks = [
            Check("cosine regained by learning from beside the truth", regained, REGAINED),
            *self._certify(planted, residuals["test"]),
        ]
        on = planted.coordinates["test"].norm(dim=2) > 0
        return Trained(weights={}, public=public, checks=checks, facts={"features on": float(on.float().sum(1).mean())})

    def _certify(self, planted: Planted, residual: Float[Tensor, "rows d"]) -> list[Check]:
        held = planted.coordinates["test"]
        on = held.norm(dim=2) > 0
        # taking feature i out of a row leaves noise + what the feature added there
        added = torch.einsum("rnk,nkd->rnd", held, planted.subspaces)
        without = (residual[:, None] + added).square().sum(2) * on
        gain = without.sum(0) / (residual.square().sum(1)[:, None] * on).sum(0).clamp(min=1e-12)
        least = torch.stack([(planted.coordinates[split].norm(dim=2) > 0).sum(0).min() for split in SPLITS])
        shown = planted.coordinates["train"]
        spans = torch.linalg.eigvalsh(torch.einsum("rnk,rnj->nkj", shown, shown))
        even = spans[:, 0] / spans.mean(1)
        return [
            Check("greatest overlap of subspaces", coherence(planted.subspaces), OVERLAP, at_least=False),
            Check("least spread of a feature on an axis", float(even.min()), EVEN),
            Check("rows of the rarest feature", float(least.min()), RAREST),
            Check("least error ratio without a feature", float(gain.min()), ERROR),
        ]

    def load(self, saved: Saved) -> Embedding:
        """The embedding, rebuilt from the seed: it is drawn and not learned, so nothing of it lies on disk."""
        planted = self.plant(saved.seed)
        return Embedding(planted.subspaces, planted.bias).to(saved.device).eval()
