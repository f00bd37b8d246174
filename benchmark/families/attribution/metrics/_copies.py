"""How alike the maps of an input and of its copies are.

Likeness is the correlation of two maps as they are, with their signs. A cosine, as published, is 2 / pi for the
magnitudes of any two unrelated normal maps; taking the mean away first puts chance at 0 whatever the map. A map that
is the same everywhere says nothing and would agree with itself under every move: noise stands in its place, the same
for all explanations, so that it scores what chance does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionQuestion
from benchmark.families.attribution.copies import Copies
from benchmark.families.attribution.metrics._outputs import outputs


@dataclass(frozen=True, eq=False)
class Likeness:
    """Maps of copies beside those of their originals, in double precision, a row for each copy."""

    copies: Float[Tensor, "k d"]
    originals: Float[Tensor, "k d"]

    def correlation(self) -> Float[Tensor, " k"]:
        """From -1 to 1; 0 is chance."""
        return _cosine(*(rows - rows.mean(1, True) for rows in (self.copies, self.originals)))

    def cosine(self) -> Float[Tensor, " k"]:
        """As published: chance is 0 for maps with both signs and higher for others."""
        return _cosine(self.copies, self.originals)

    def rank_correlation(self) -> Float[Tensor, " k"]:
        """Spearman's, of the magnitudes; equal ones share their mean rank, rows of equal ones have 0."""
        ranks = (torch.from_numpy(rankdata(rows.abs().numpy(), axis=1)) for rows in (self.copies, self.originals))
        return _cosine(*(rows - rows.mean(1, True) for rows in ranks))

    def scores(self) -> dict[str, float]:
        """The mean correlation, and the means of the other two."""
        named = {"": self.correlation(), "cosine": self.cosine(), "rank": self.rank_correlation()}
        return {name: float(values.mean()) for name, values in named.items()}


def maps(explanation: AttributionExplanation) -> Float[Tensor, "n d"]:
    """The attributions as rows; noise in place of those that are the same everywhere."""
    rows = explanation.attributions.flatten(1).double()
    noise = torch.randn(rows.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return torch.where((rows == rows[:, :1]).all(1, True), noise, rows)


def chosen(copies: Copies, *, near: bool) -> Int[Tensor, " k"]:
    """Where the near copies stand, or the moved ones. Raises `Unsupported` where there are none."""
    found = (copies.near if near else copies.moved).cpu().nonzero()[:, 0]
    if not len(found):
        raise Unsupported(f"no input is a {'hardly changed' if near else 'moved'} copy of another")
    return found


def model_share(question: AttributionQuestion, copies: Copies) -> float:
    """How much of the output's variance over the originals a move leaves: 1 - E (f(gx) - f(x))^2 / (2 Var f), at least
    -1; 1 is an invariant model, 0 one to which a moved input is like any other."""
    rows = chosen(copies, near=False)
    said = outputs(question, question.inputs).double().cpu()
    of = copies.of.cpu()
    originals = said[of == torch.arange(len(of))]
    spread = originals.var(correction=0).clamp_min(torch.finfo(said.dtype).tiny)
    return float((1 - (said[rows] - said[of[rows]]).square().mean() / (2 * spread)).clamp(min=-1))


def least(values: Float[Tensor, " k"], of: Int[Tensor, " k"], kept: Bool[Tensor, " k"]) -> Float[Tensor, " originals"]:
    """The least value among the kept copies of each original that has any."""
    values, of = values[kept], of[kept]
    _, group = of.unique(return_inverse=True)
    start = torch.full((int(group.max()) + 1,), torch.inf, dtype=values.dtype)
    return start.scatter_reduce(0, group, values, "amin")


def _cosine(first: Float[Tensor, "k d"], second: Float[Tensor, "k d"]) -> Float[Tensor, " k"]:
    """Between rows, 0 where one has no length."""
    length = first.norm(dim=1) * second.norm(dim=1)
    inner = (first * second).sum(1)
    return torch.where(length > 0, inner / length.clamp_min(torch.finfo(length.dtype).tiny), 0.0).clamp(-1, 1)
