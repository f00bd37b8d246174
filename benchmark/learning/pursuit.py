"""Orthogonal matching pursuit: which few atoms is each row made of, the atoms being given?

    codes, tolerance = pursue(x, atoms, mean_active=4)      [n, m], the tolerance being the one that gives 4 codes a row
    codes, _ = pursue(x_test, atoms, depth=12, tolerance=tolerance)

Start with the row as residual; take the atom most correlated with it; solve least squares on all atoms taken so far;
repeat while the residual's squared length exceeds the tolerance (Pati, Rezaiifar and Krishnaprasad 1993; Tropp 2004,
doi:10.1109/TIT.2004.834793). An encoder is a fast guess at the same codes: what it misses of them is its amortisation
gap.

All rows go side by side. A row keeps an orthonormal basis of its chosen atoms (Gram and Schmidt), so a step costs one
product of residuals and atoms, and least squares are solved once, at the end.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

TINY = 1e-6
"""Share of an atom's length that must lie outside the span of those taken before: less is rounding."""


def pursue(
    x: Float[Tensor, "n d"],
    atoms: Float[Tensor, "m d"],
    *,
    depth: int,
    mean_active: float | None = None,
    tolerance: float = 0.0,
    signed: bool = False,
) -> tuple[Float[Tensor, "n m"], float]:
    """Codes of rows that are sums of few atoms, and the tolerance they were stopped at.

    A row stops at `depth` atoms, or as soon as its squared residual is at most `tolerance`. With `mean_active`, the
    tolerance is the one at which rows have so many codes on average (at most as many as `depth` allows). Codes refer
    to `atoms` as they are, of any length; an atom of length 0 is never taken. Unless `signed`, atoms are taken for
    positive correlations alone and codes that least squares makes negative are 0.
    """
    length = atoms.norm(dim=1, keepdim=True)
    unit = torch.where(length > 0, atoms / length.clamp(min=1e-30), 0.0)
    depth = min(depth, *atoms.shape)
    chosen, triangle, projected, left = _path(x, unit, depth, signed)
    if mean_active is not None:
        going = left[:, :-1].flatten().sort(descending=True).values
        tolerance = float(going[min(round(mean_active * len(x)), len(going) - 1)])
    within = left[:, :-1] > tolerance
    codes = _solve(triangle, projected, within)
    codes = codes if signed else codes.clamp(min=0)
    lengths = length.squeeze(1)[chosen].clamp(min=1e-30)
    return torch.zeros(len(x), len(atoms), dtype=x.dtype, device=x.device).scatter_add_(
        1, chosen, codes / lengths
    ), tolerance


def _path(
    x: Float[Tensor, "n d"], unit: Float[Tensor, "m d"], depth: int, signed: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Atoms taken at each step [n, k], atoms in the basis [n, k, k] (upper triangle), rows in the basis [n, k], and
    squared residuals before and after each step [n, k + 1]."""
    n, d = x.shape
    basis = x.new_zeros(n, depth, d)
    triangle = torch.eye(depth, dtype=x.dtype, device=x.device).repeat(n, 1, 1)
    projected, left = x.new_zeros(n, depth), x.new_zeros(n, depth + 1)
    chosen = torch.zeros(n, depth, dtype=torch.int64, device=x.device)
    residual = x.clone()
    left[:, 0] = residual.square().sum(1)
    alive = torch.ones(n, dtype=torch.bool, device=x.device)
    for step in range(depth):
        correlation = residual @ unit.T
        strength = correlation.abs() if signed else correlation
        if step:
            strength.scatter_(1, chosen[:, :step], -1.0)
        best, atom = strength.max(1)
        taken = unit[atom]
        along = torch.einsum("nkd,nd->nk", basis[:, :step], taken)
        fresh = taken - torch.einsum("nk,nkd->nd", along, basis[:, :step])
        size = fresh.norm(dim=1)
        alive = alive & (best > 0) & (size > TINY)
        fresh = torch.where(alive[:, None], fresh / size.clamp(min=TINY)[:, None], 0.0)
        chosen[:, step] = atom
        basis[:, step] = fresh
        triangle[:, :step, step] = torch.where(alive[:, None], along, 0.0)
        triangle[:, step, step] = torch.where(alive, size, 1.0)
        projected[:, step] = (fresh * residual).sum(1)
        residual = residual - projected[:, step, None] * fresh
        left[:, step + 1] = torch.where(alive, residual.square().sum(1), 0.0)
    return chosen, triangle, projected, left


def _solve(triangle: Float[Tensor, "n k k"], projected: Float[Tensor, "n k"], within: Tensor) -> Float[Tensor, "n k"]:
    """Least-squares codes of the atoms taken `within` the tolerance, 0 for later ones."""
    later = ~within
    triangle = triangle.masked_fill(later[:, None, :], 0.0)
    triangle.diagonal(dim1=1, dim2=2).masked_fill_(later, 1.0)
    target = projected.masked_fill(later, 0.0)
    solved: Tensor = torch.linalg.solve_triangular(triangle, target[..., None], upper=True).squeeze(-1)
    return solved
