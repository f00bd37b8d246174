"""Rows that lie between concepts: each mixes a few of them, in parts that sum to one or in amounts that are free.

    row = sum_i part_i * concept_i + noise

    hull    parts are of a Dirichlet distribution and sum to one: rows lie in the hull of the concepts
    cone    parts are of gamma distributions, each on its own: rows lie in their cone

Archetypal analysis (Cutler and Breiman 1994, doi:10.1080/00401706.1994.10485840) looks for the corners of such a hull.
Unlike features that are on or off at a magnitude of their own, parts compete: a concept can be strong in a row only
where the others are weak. How pure rows may be is a dial: of rows that mix equally no row is near a corner.

The concepts' mean is zero, so that the hull lies around the origin and a bias adds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, generator_for, subject
from tasks.models.superposition.directions import coherence, spread
from tasks.models.superposition.identifiability import cosine_regained

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Planted:
    """The truth: the concepts, and the part of each in every row (0 where it is not there)."""

    directions: Float[Tensor, "n d"]
    codes: dict[str, Float[Tensor, "rows n"]]


class Mixing(nn.Module):
    """The model: parts in, rows out."""

    directions: Float[Tensor, "n d"]

    def __init__(self, directions: Float[Tensor, "n d"]) -> None:
        super().__init__()
        self.register_buffer("directions", directions)

    def forward(self, parts: Float[Tensor, "rows n"]) -> Float[Tensor, "rows d"]:
        """Rows without noise."""
        rows: Tensor = parts @ self.directions
        return rows


@subject(cites="doi:10.1080/00401706.1994.10485840", small={"rows": 4000, "held_out": 800})
@dataclass(frozen=True, kw_only=True)
class ConceptMixtures:
    """Mixtures of known concepts, with dials for how many there are in a row and how evenly they are mixed."""

    concepts: int = 40
    dimensions: int = 24
    active: int = 4
    """Concepts in each row."""
    mixing: Literal["hull", "cone"] = "hull"
    evenness: float = 3.0
    """Shape of the gamma distribution of amounts, of which parts are the shares: the smaller, the purer are the
    purest rows."""
    noise: float = 0.03
    """Standard deviation of the noise in every dimension; a part is 1 / `active` on average."""
    rows: int = 10000
    held_out: int = 2000
    """Rows of validation, and of test."""

    def __post_init__(self) -> None:
        if not 1 <= self.active < self.concepts:
            raise TouchstoneError(f"active: got {self.active}, expected at least 1 and fewer than {self.concepts}")
        if self.evenness <= 0:
            raise TouchstoneError(f"evenness: got {self.evenness}, expected more than 0")

    def plant(self, seed: int) -> Planted:
        """The truth of a seed."""
        directions = spread(self.concepts, self.dimensions, generator_for(seed, "directions"))
        directions = nn.functional.normalize(directions - directions.mean(0), dim=1)
        codes = {}
        for split in SPLITS:
            count = self.rows if split == "train" else self.held_out
            codes[split] = self._parts(count, seed, split)
        return Planted(directions, codes)

    def _parts(self, count: int, seed: int, split: str) -> Float[Tensor, "rows n"]:
        chosen = torch.rand(count, self.concepts, generator=generator_for(seed, split)).argsort(1)[:, : self.active]
        # torch draws gamma variates from its global generator alone
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator_for(seed, f"{split} amounts").initial_seed())
            amounts = torch.distributions.Gamma(self.evenness, 1.0).sample((count, self.active))
        whole = amounts.sum(1, keepdim=True) if self.mixing == "hull" else self.evenness * self.active
        return torch.zeros(count, self.concepts).scatter_(1, chosen, amounts / whole)

    def train(self, run: Run) -> Trained:
        """Draw the truth, add the noise, and measure that the truth can be found."""
        planted = self.plant(run.seed)
        noise, model = run.generator("noise"), Mixing(planted.directions)
        public = {}
        for split, codes in planted.codes.items():
            clean = model(codes)
            public[split] = clean + self.noise * torch.randn(clean.shape, generator=noise)
        regained = cosine_regained(
            public["train"],
            planted.directions,
            torch.zeros(self.dimensions),
            active=float(self.active),
            generator=run.generator("turned"),
        )
        codes = planted.codes["test"]
        purity = codes.amax(1) / codes.sum(1)
        checks = [
            Check("cosine_regained_by_learning_from_beside_the_truth", regained, 0.95),
            Check("greatest_overlap_of_directions", coherence(planted.directions), 0.5, at_least=False),
            Check("rows_of_the_rarest_concept", float((codes > 0).sum(0).min()), 20),
        ]
        facts = {"share of the strongest concept": float(purity.mean()), "purest row": float(purity.max())}
        return Trained(weights={}, public=public, checks=checks, facts=facts)

    def load(self, saved: Saved) -> Mixing:
        """The model, rebuilt from the seed: it is drawn and not learned."""
        return Mixing(self.plant(saved.seed).directions).to(saved.device).eval()
