"""A forest of sparse features in orthogonal directions: children that fire under their parents.

    activation = bias + sum_i magnitude_i * on_i * direction_i + noise              g features in d >= g dimensions

No two directions overlap and there are as many dimensions as features, so that whatever a dictionary mixes, it mixes
because of when features fire: a parent and its child together, siblings never. Of a wide dictionary sparsity rewards an
atom that stands for child and parent at once, with which the parent's own atom may be silent (feature absorption,
Chanin et al. 2024, arXiv:2409.14507); of a narrow one reconstruction rewards atoms with a part of what fires along with
them (feature hedging, Chanin et al. 2025, arXiv:2505.11756). The toy models there have four features and one family;
this has a forest of them, with rates that differ.

The truth is the better explanation: parent and child have magnitudes of their own, from 0.5 to 1.5, so that one atom
for both leaves an error of 0.08 a row, seven times what a code gains by fitting noise. (With magnitudes 1 + 0.2 N(0, 1)
and noise 0.1 it gains no less by that, and the certificate fails.) The certificate measures that learning which starts
beside the truth comes back to it, and that each feature can be read along its direction wherever it fires.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, generator_for, subject
from tasks.models.feature_tree.forest import Forest, plant
from tasks.models.superposition.directions import coherence
from tasks.models.superposition.identifiability import cosine_regained
from tasks.models.superposition.subject import SPLITS, Embedding

LEAST, MOST = 0.5, 1.5


@dataclass(frozen=True)
class Planted:
    """The truth: directions, bias, who stands under whom, and the magnitude of every feature in every row (0: off)."""

    directions: Float[Tensor, "g d"]
    bias: Float[Tensor, d]
    forest: Forest
    codes: dict[str, Float[Tensor, "rows g"]]


@subject(cites="arXiv:2409.14507", small={"rows": 5000, "held_out": 3000})
@dataclass(frozen=True, kw_only=True)
class FeatureTree:
    """Features under features, with dials for depth, noise, and how far a child's firing is decided by its parent."""

    roots: int = 9
    children: int = 3
    """Of each root."""
    grandchildren: int = 0
    """Of each child."""
    dimensions: int = 48
    active: float = 2.9
    """Features on in a row, on average."""
    spread: float = 0.2
    """The rates of roots go from 1 - spread to 1 + spread times their mean."""
    under: float = 0.6
    """How often some child of a parent is on, as a share of the parent's rate; unequal siblings share it."""
    nesting: float = 1.0
    """1: children are on under their parents alone; 0: independently of them, and as often."""
    noise: float = 0.05
    """Standard deviation of the noise in every dimension."""
    rows: int = 12000
    held_out: int = 4000
    """Rows of validation, and of test."""

    def forest(self) -> Forest:
        """Who stands under whom and how often each is on: the same for all seeds."""
        if not 0 <= self.nesting <= 1:
            raise TouchstoneError(f"got nesting={self.nesting}, expected from 0 to 1")
        if not 0 < self.under < 1:
            raise TouchstoneError(
                f"got under={self.under}, expected above 0 and below 1: a parent is alone now and then"
            )
        if self.roots < 1 or self.children < 1 or self.grandchildren < 0:
            raise TouchstoneError(
                f"got roots={self.roots}, children={self.children}, grandchildren={self.grandchildren}, expected at "
                "least 1, 1 and 0"
            )
        forest = plant(
            roots=self.roots,
            children=self.children,
            grandchildren=self.grandchildren,
            active=self.active,
            spread=self.spread,
            under=self.under,
            nesting=self.nesting,
        )
        if not 0 < float(forest.rates.min()) <= float(forest.rates.max()) <= 0.5:
            raise TouchstoneError(
                f"got firing rates from {float(forest.rates.min()):.3f} to {float(forest.rates.max()):.3f}, expected "
                f"above 0 and at most 0.5: active is {self.active} of {len(forest.rates)} features"
            )
        if len(forest.rates) > self.dimensions:
            raise TouchstoneError(
                f"got {len(forest.rates)} features in {self.dimensions} dimensions, expected no more features than "
                "dimensions: their directions are orthogonal"
            )
        return forest

    def plant(self, seed: int) -> Planted:
        """The truth of a seed: magnitudes are uniform from `LEAST` to `MOST`, each drawn by itself."""
        forest = self.forest()
        square = torch.randn(self.dimensions, self.dimensions, generator=generator_for(seed, "directions"))
        directions = torch.linalg.qr(square).Q[: len(forest.rates)].contiguous()
        bias = 0.5 * torch.randn(self.dimensions, generator=generator_for(seed, "bias")) / self.dimensions**0.5
        codes = {}
        for split in SPLITS:
            generator = generator_for(seed, split)
            on = forest.draw(self.rows if split == "train" else self.held_out, generator)
            codes[split] = on * (LEAST + (MOST - LEAST) * torch.rand(on.shape, generator=generator))
        return Planted(directions, bias, forest, codes)

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
        checks = self._certify(planted, public["test"], residuals["test"])
        regained = cosine_regained(
            public["train"],
            planted.directions,
            planted.bias,
            active=self.active,
            generator=run.generator("turned"),
        )
        checks.append(Check("cosine_regained_by_learning_from_beside_the_truth", regained, 0.95))
        return Trained(weights={}, public=public, checks=checks, facts=self._facts(planted))

    def _certify(self, planted: Planted, test: Tensor, residuals: Tensor) -> list[Check]:
        forest, on = planted.forest, planted.codes["test"] > 0
        child = forest.children
        parent = forest.parents[child]
        states = [
            state.sum(0).min()
            for split in ("validation", "test")
            for held in [planted.codes[split] > 0]
            for state in (held[:, child], held[:, parent] & ~held[:, child])
        ]
        without = (on[:, child] & ~on[:, parent]).float().mean(0)
        expected = (1 - forest.rates[parent]) * forest.given_off[child]
        read = (test - planted.bias) @ planted.directions.T > LEAST / 2
        f1 = 2 * (read & on).sum(0) / (read.sum(0) + on.sum(0)).clamp(min=1)
        left = float(residuals.square().sum(1).mean().sqrt()) / (self.noise * self.dimensions**0.5 + 1e-12)
        return [
            Check("left_by_the_truth_over_noise", left, 1.05, at_least=False),
            Check("greatest_overlap_of_directions", coherence(planted.directions), 1e-3, at_least=False),
            Check("rows_of_the_rarest_state_of_a_parent_and_its_child", float(torch.stack(states).min()), 20),
            Check(
                "greatest_excess_of_children_without_parents", float((without - expected).max()), 0.02, at_least=False
            ),
            Check("least_f1_of_reading_along_a_direction", float(f1.min()), 0.95),
        ]

    def _facts(self, planted: Planted) -> dict[str, float]:
        on = (planted.codes["test"] > 0).float()
        forest = planted.forest
        child = forest.children
        correlations = torch.corrcoef(on.T)[child, forest.parents[child]]
        return {
            "features_on": float(on.sum(1).mean()),
            "correlation_of_parent_and_child": float(correlations.mean()),
        }

    def load(self, saved: Saved) -> Embedding:
        """The embedding, rebuilt from the seed: it is drawn and not learned, so nothing of it lies on disk."""
        planted = self.plant(saved.seed)
        return Embedding(planted.directions, planted.bias).to(saved.device).eval()
