"""More subspaces than fit side by side, spread so that they overlap little; and whether activations give them away.

    spread(32, 2, 32, generator)                     32 planes in 32 dimensions
    cosine_regained(x, subspaces, active=4.0, ...)    0.9: learning stays where it started; 1: it finds the truth

The second is what `superposition` measures for directions: every subspace is turned until all its principal cosines
with the true one are 0.9; then block pursuit, least squares for the subspaces given its codes, and again.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

START = 0.9
ROUNDS, ROWS, DEPTH = 6, 4000, 2


def orthonormal(spanning: Float[Tensor, "n k d"]) -> Float[Tensor, "n k d"]:
    """Orthonormal axes of what each block of rows spans."""
    axes: Tensor = torch.linalg.qr(spanning.mT).Q.mT
    return axes.contiguous()


def overlaps(left: Float[Tensor, "n k d"], right: Float[Tensor, "m k d"]) -> Float[Tensor, "n m k"]:
    """Principal cosines of all subspaces of one set with all of another, falling."""
    cosines: Tensor = torch.linalg.svdvals(torch.einsum("nkd,mjd->nmkj", left, right))
    return cosines


def coherence(subspaces: Float[Tensor, "n k d"]) -> float:
    """The greatest cosine between directions of two subspaces."""
    greatest = overlaps(subspaces, subspaces)[..., 0]
    return float(greatest.fill_diagonal_(0).amax())


def spread(count: int, k: int, d: int, generator: torch.Generator) -> Float[Tensor, "n k d"]:
    """Subspaces, moved apart: steps down the sum of the sixth powers of the norms of their inner products."""
    found = orthonormal(torch.randn(count, k, d, generator=generator))
    for step in range(200):
        inner = torch.einsum("nkd,mjd->nmkj", found, found)
        inner[torch.arange(count), torch.arange(count)] = 0
        weight = inner.square().sum((2, 3), keepdim=True).square()
        slope = torch.einsum("nmkj,mjd->nkd", weight * inner, found)
        slope -= slope @ found.mT @ found
        length = slope.flatten(1).norm(dim=1).amax().clamp(min=1e-12)
        found = orthonormal(found - 0.2 * (1 - step / 200) * slope / length)
    return found


def turned(subspaces: Float[Tensor, "n k d"], generator: torch.Generator) -> Float[Tensor, "n k d"]:
    """Subspaces all of whose principal cosines with the given ones are `START`, each turned its own way."""
    aside = torch.randn(subspaces.shape, generator=generator)
    aside = orthonormal(aside - aside @ subspaces.mT @ subspaces)
    return START * subspaces + math.sqrt(1 - START**2) * aside


def cosine_regained(
    centred: Float[Tensor, "rows d"],
    subspaces: Float[Tensor, "n k d"],
    *,
    active: float,
    generator: torch.Generator,
) -> float:
    """The mean over subspaces of the least principal cosine of each with what it has become, from 0 to 1."""
    x, learned = centred[:ROWS], turned(subspaces, generator)
    for _ in range(ROUNDS):
        codes = block_pursuit(x, learned, active=active).flatten(1)
        gram = codes.T @ codes
        gram.diagonal().add_(1e-3 * gram.diagonal().mean() + 1e-12)
        learned = orthonormal(torch.linalg.solve(gram, codes.T @ x).view_as(subspaces))
    cosines = torch.linalg.svdvals(learned @ subspaces.mT)
    return float(cosines[:, -1].mean())


def block_pursuit(
    x: Float[Tensor, "rows d"], subspaces: Float[Tensor, "n k d"], *, active: float
) -> Float[Tensor, "rows n k"]:
    """Orthogonal matching pursuit by blocks (Eldar, Kuppinger and Bolcskei 2010, arXiv:0906.3173): a row takes up one
    subspace after another, each time the one that holds most of what is left, and solves for all it has taken.

    Of all that was taken, as many stay as are `active` in a row on average: those that left the least error.
    """
    depth, rows = max(1, round(DEPTH * active)), torch.arange(len(x))
    residual, taken, gains = x, [], []
    on = torch.zeros(len(x), len(subspaces), dtype=torch.bool)
    for _ in range(depth):
        size = torch.einsum("rd,nkd->rnk", residual, subspaces).norm(dim=2).masked_fill(on, -1)
        best = size.argmax(1)
        on[rows, best] = True
        taken.append(best)
        before = residual.square().sum(1)
        residual, _ = _solved(x, subspaces, torch.stack(taken, 1))
        gains.append(before - residual.square().sum(1))
    gain = torch.stack(gains, 1)
    kept = gain >= gain.flatten().topk(min(gain.numel(), round(active * len(x)))).values[-1]
    chosen = torch.stack(taken, 1)
    _, codes = _solved(x, subspaces, chosen, kept)
    found = torch.zeros(len(x), *subspaces.shape[:2])
    found[rows[:, None], chosen] = codes
    return found


def _solved(
    x: Float[Tensor, "rows d"], subspaces: Float[Tensor, "n k d"], chosen: Tensor, kept: Tensor | None = None
) -> tuple[Float[Tensor, "rows d"], Float[Tensor, "rows depth k"]]:
    """What is left by least squares in the chosen subspaces, and the codes; those that are not kept are 0."""
    axes = subspaces[chosen]
    if kept is not None:
        axes = axes * kept[:, :, None, None]
    blocks = axes.flatten(1, 2)
    gram = blocks @ blocks.mT
    gram.diagonal(dim1=1, dim2=2).add_(1e-4)
    codes = torch.linalg.solve(gram, blocks @ x[:, :, None])
    residual = x - (codes.mT @ blocks)[:, 0]
    return residual, codes.view(len(x), -1, subspaces.shape[1])


def unit_points(count: int, n: int, k: int, generator: torch.Generator) -> Float[Tensor, "rows n k"]:
    """Points drawn evenly on the unit sphere in k dimensions: two points, a circle, a sphere."""
    return normalize(torch.randn(count, n, k, generator=generator), dim=2)
