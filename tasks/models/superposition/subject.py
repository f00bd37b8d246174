"""Sparse features in superposition: more planted directions than dimensions, each on now and then.

    activation = bias + sum_i magnitude_i * on_i * direction_i + noise                 n features in d < n dimensions

This is the toy model of Elhage et al. 2022 (arXiv:2209.10652) without its network, as dictionary learners meet it in
Sharkey et al. 2022 and SynthSAEBench (arXiv:2602.14687). The dials are how many features there are, how many are on,
how strongly, whether they fire together (a Gaussian copula of low rank), whether some fire only under others (a
hierarchy, as in feature absorption, arXiv:2409.14507), and the noise. Directions are spread so that they overlap
little, which together with sparsity makes them identifiable; the certificate measures whether they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, generator_for, subject
from tasks.models.superposition.directions import coherence, spread
from tasks.models.superposition.identifiability import cosine_regained

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Planted:
    """The truth: directions, bias, and the magnitude of every feature in every row (0 where it is off)."""

    directions: Float[Tensor, "n d"]
    bias: Float[Tensor, d]
    codes: dict[str, Float[Tensor, "rows n"]]


class Embedding(nn.Module):
    """The model: features in, activations out."""

    directions: Float[Tensor, "n d"]
    bias: Float[Tensor, d]

    def __init__(self, directions: Float[Tensor, "n d"], bias: Float[Tensor, d]) -> None:
        super().__init__()
        self.register_buffer("directions", directions)
        self.register_buffer("bias", bias)

    def forward(self, codes: Float[Tensor, "rows n"]) -> Float[Tensor, "rows d"]:
        """Activations without noise."""
        activations: Tensor = codes @ self.directions + self.bias
        return activations


@subject(cites="arXiv:2209.10652", small={"rows": 5000, "held_out": 800})
@dataclass(frozen=True, kw_only=True)
class Superposition:
    """Sparse features in fewer dimensions than features, with dials for firing, magnitudes, correlations and noise."""

    features: int = 64
    dimensions: int = 32
    active: float = 4.0
    """Features on in a row, on average."""
    law: Literal["constant", "zipf"] = "constant"
    """Firing rates: equal, or falling as rank^-0.7."""
    magnitude: Literal["normal", "exponential"] = "normal"
    """Magnitudes: 1 + 0.2 N(0, 1), at least 0.2; or 0.2 + Exp(1), which many weak and few strong firings make."""
    correlation: float = 0.0
    """Share of a feature's firing that `rank` common causes decide (0: independent, below 1)."""
    rank: int = 4
    hierarchy: float = 0.0
    """How often a child needs its parent to fire (0: never, 1: always). Above 0, the first features are parents of
    `children` others each, and fire that much more often than they."""
    children: int = 3
    noise: float = 0.05
    """Standard deviation of the noise in every dimension."""
    rows: int = 20000
    held_out: int = 2000
    """Rows of validation, and of test."""

    def rates(self) -> Float[Tensor, n]:
        """How often each feature fires."""
        weights = torch.arange(1, self.features + 1).float().pow(-0.7 if self.law == "zipf" else 0.0)
        if self.hierarchy:
            weights[: self.parents] *= self.children
        return self.active * weights / weights.sum()

    @property
    def parents(self) -> int:
        """How many features come first and have children, where there is a hierarchy."""
        return self.features // (1 + self.children)

    def plant(self, seed: int) -> Planted:
        """The truth of a seed."""
        rates = self.rates()
        if not 0 < float(rates.min()) <= float(rates.max()) <= 0.5:
            raise TouchstoneError(
                f"got firing rates from {float(rates.min()):.3f} to {float(rates.max()):.3f}, expected above 0 and at "
                f"most 0.5: active is {self.active} of {self.features} features"
            )
        if not 0 <= self.correlation < 1:
            raise TouchstoneError(f"got correlation={self.correlation}, expected at least 0 and below 1")
        if not 0 <= self.hierarchy <= 1:
            raise TouchstoneError(f"got hierarchy={self.hierarchy}, expected from 0 to 1")
        if self.hierarchy and not 1 <= self.children < self.features:
            raise TouchstoneError(
                f"got children={self.children}, expected at least 1 and fewer than the {self.features} features"
            )
        directions = spread(self.features, self.dimensions, generator_for(seed, "directions"))
        bias = 0.5 * torch.randn(self.dimensions, generator=generator_for(seed, "bias")) / self.dimensions**0.5
        causes = torch.randn(self.features, self.rank, generator=generator_for(seed, "causes"))
        causes = nn.functional.normalize(causes, dim=1)
        level = torch.special.ndtri(1 - rates)
        codes = {}
        for split in SPLITS:
            count = self.rows if split == "train" else self.held_out
            generator = generator_for(seed, split)
            common = torch.randn(count, self.rank, generator=generator) @ causes.T
            latent = self.correlation**0.5 * common
            latent += (1 - self.correlation) ** 0.5 * torch.randn(count, self.features, generator=generator)
            on = latent > level
            if self.hierarchy:
                nested = torch.rand(on.shape, generator=generator_for(seed, f"{split} hierarchy")) < self.hierarchy
                on = self._under_parents(on, nested, latent, rates)
            codes[split] = on * self._magnitudes(count, generator)
        return Planted(directions, bias, codes)

    def _under_parents(
        self, on: Bool[Tensor, "rows n"], nested: Bool[Tensor, "rows n"], latent: Float[Tensor, "rows n"], rates: Tensor
    ) -> Bool[Tensor, "rows n"]:
        """Where `nested`, a child fires only under its parent, and then so much more often that its rate stays."""
        parent = torch.arange(self.parents, self.features) % self.parents
        likely = rates[self.parents :] / rates[parent]
        under = on[:, parent] & (latent[:, self.parents :] > torch.special.ndtri(1 - likely))
        child = torch.where(nested[:, self.parents :], under, on[:, self.parents :])
        return torch.cat([on[:, : self.parents], child], 1)

    def _magnitudes(self, count: int, generator: torch.Generator) -> Float[Tensor, "rows n"]:
        shape = (count, self.features)
        if self.magnitude == "normal":
            return (1 + 0.2 * torch.randn(shape, generator=generator)).clamp(min=0.2)
        return 0.2 - torch.rand(shape, generator=generator).clamp(min=1e-6).log()

    def train(self, run: Run) -> Trained:
        """Draw the truth, add the noise, and measure that the truth can be found."""
        planted = self.plant(run.seed)
        model = Embedding(planted.directions, planted.bias)
        noise = run.generator("noise")
        public, residuals = {}, {}
        for split, codes in planted.codes.items():
            clean = model(codes)
            public[split] = clean + self.noise * torch.randn(clean.shape, generator=noise)
            residuals[split] = public[split] - clean
        checks = self._certify(planted, residuals)
        regained = cosine_regained(
            public["train"],
            planted.directions,
            planted.bias,
            active=self.active,
            generator=run.generator("turned"),
        )
        checks.append(Check("cosine_regained_by_learning_from_beside_the_truth", regained, 0.95))
        return Trained(weights={}, public=public, checks=checks, facts=self._facts(planted))

    def _certify(self, planted: Planted, residuals: dict[str, Tensor]) -> list[Check]:
        held = planted.codes["test"]
        on: Bool[Tensor, "rows n"] = held > 0
        floor = residuals["test"].square().sum(1)
        # taking feature i out of a row leaves noise + magnitude * direction there
        without = (residuals["test"] @ planted.directions.T * 2 * held + held.square() + floor[:, None]) * on
        gain = without.sum(0) / (floor[:, None] * on).sum(0).clamp(min=1e-12)
        least = torch.stack([(planted.codes[split] > 0).sum(0).min() for split in ("validation", "test")]).min()
        size = held.sum(0) / on.sum(0).clamp(min=1)
        return [
            Check(
                "left_by_the_truth_over_noise",
                float(floor.mean().sqrt()) / (self.noise * self.dimensions**0.5 + 1e-12),
                1.05,
                False,
            ),
            Check("rows_of_the_rarest_feature", float(least), 20),
            Check("greatest_overlap_of_directions", coherence(planted.directions), 0.5, at_least=False),
            Check("least_magnitude_over_noise", float(size.min()) / (self.noise + 1e-12), 4),
            Check("least_error_ratio_without_a_feature", float(gain.min()), 1.5),
        ]

    def _facts(self, planted: Planted) -> dict[str, float]:
        on = (planted.codes["test"] > 0).float()
        return {"features_on": float(on.sum(1).mean()), "coherence": coherence(planted.directions)}

    def load(self, saved: Saved) -> Embedding:
        """The embedding, rebuilt from the seed: it is drawn and not learned, so nothing of it lies on disk."""
        planted = self.plant(saved.seed)
        return Embedding(planted.directions, planted.bias).to(saved.device).eval()
