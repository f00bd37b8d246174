"""Two attributes that coexist at one place, each with one of several values; the one is `ratio` times the other.

    activation = u_a + v_b / ratio + noise           all u_a and v_b orthonormal, values a and b drawn independently

After the observation of Makelov, Lange and Nanda 2024 (arXiv:2405.08366) on a language model: where two attributes are
both used, dictionaries have features for the slightly larger one and few or none for the other ("occlusion"). They
have no planted version of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, generator_for, subject

SPLITS = ("train", "validation", "test")
NAMES = ("larger", "smaller")


@dataclass(frozen=True)
class Planted:
    """The truth: unit directions of all values, larger attribute first, and each value's magnitude where it is on."""

    directions: Float[Tensor, "g d"]
    codes: dict[str, Float[Tensor, "rows g"]]


class Embedding(nn.Module):
    """The model: values in, activations out."""

    directions: Float[Tensor, "g d"]

    def __init__(self, directions: Float[Tensor, "g d"]) -> None:
        super().__init__()
        self.register_buffer("directions", directions)

    def forward(self, codes: Float[Tensor, "rows g"]) -> Float[Tensor, "rows d"]:
        """Activations without noise."""
        activations: Tensor = codes @ self.directions
        return activations


@subject(cites="arXiv:2405.08366", small={"rows": 3000, "held_out": 800})
@dataclass(frozen=True, kw_only=True)
class Attributes:
    """Sums of a value of one attribute and a value of another, whose norms have a ratio."""

    values: int = 8
    """Values of each attribute, all equally likely."""
    dimensions: int = 32
    ratio: float = 2.0
    """Norm of the larger attribute over that of the smaller one."""
    noise: float = 0.01
    """Standard deviation of the noise in every dimension."""
    rows: int = 10000
    held_out: int = 2000
    """Rows of validation, and of test."""

    def plant(self, seed: int) -> Planted:
        """The truth of a seed; the same directions and values at every ratio."""
        if self.ratio < 1 or not 2 <= self.values <= self.dimensions // 2:
            raise TouchstoneError(
                f"got ratio={self.ratio} and {self.values} values in {self.dimensions} dimensions, expected a ratio of "
                "at least 1, at least 2 values, and a dimension for each value of both attributes"
            )
        square = torch.randn(self.dimensions, self.dimensions, generator=generator_for(seed, "directions"))
        directions = torch.linalg.qr(square).Q[: 2 * self.values]
        codes = {}
        for split in SPLITS:
            count = self.rows if split == "train" else self.held_out
            drawn = torch.randint(self.values, (count, 2), generator=generator_for(seed, split))
            on = nn.functional.one_hot(drawn, self.values).float()
            on[:, 1] /= self.ratio
            codes[split] = on.flatten(1)
        return Planted(directions, codes)

    def train(self, run: Run) -> Trained:
        """Draw the truth, add the noise, and measure that both attributes can be read and exchanged."""
        planted = self.plant(run.seed)
        model, noise = Embedding(planted.directions), run.generator("noise")
        clean = {split: model(codes) for split, codes in planted.codes.items()}
        public = {split: rows + self.noise * torch.randn(rows.shape, generator=noise) for split, rows in clean.items()}
        return Trained(weights={}, public=public, checks=self._certify(planted, public["test"]))

    def _certify(self, planted: Planted, activations: Tensor) -> list[Check]:
        codes, directions = planted.codes["test"], planted.directions
        magnitudes = codes.amax(0)
        read = torch.linalg.pinv(directions * magnitudes[:, None])
        exchanged = codes.roll(1, 0)
        right = []
        for part in (slice(None, self.values), slice(self.values, None)):
            moved = torch.zeros_like(codes)
            moved[:, part] = (exchanged - codes)[:, part]
            found = (activations + moved @ directions) @ read > 0.5
            right.append((found == (codes + moved > 0.5 * magnitudes)).all(1).float().mean())
        seen = ((activations @ read > 0.5) == (codes > 0)).all(1).float().mean()
        rarest = torch.stack([(planted.codes[split] > 0).sum(0).min() for split in SPLITS[1:]]).min()
        return [
            Check("rows_read_by_least_squares", float(seen), 0.999),
            Check("exchanges_of_an_attribute_read", float(torch.stack(right).min()), 0.999),
            Check("rows_of_the_rarest_value", float(rarest), 20),
            Check("smaller_norm_over_noise", 1 / self.ratio / (self.noise * self.dimensions**0.5 + 1e-12), 1.5),
        ]

    def load(self, saved: Saved) -> Embedding:
        """The embedding, rebuilt from the seed: nothing of it lies on disk."""
        return Embedding(self.plant(saved.seed).directions).to(saved.device).eval()
