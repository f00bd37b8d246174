"""Finite groups with the functions that their irreducible representations are made of.

    cyclic(n)      a + b mod n;  frequency f: cos(2 pi f x / n), sin(2 pi f x / n)                       2 functions
    dihedral(n)    symmetries of a polygon with n corners, turns and flips; frequency f: matrix entries of the
                   representation of dimension 2, the same cosine and sine on turns and on flips           4 functions

n is odd, so that the cyclic group has no representation but these and the constant one, and the dihedral group only
the sign besides. All these functions are orthogonal on the group.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.errors import TouchstoneError


@dataclass(frozen=True, eq=False)
class Group:
    """A group of elements 0 to n - 1."""

    table: Int[Tensor, "n n"]
    """The product of a and b."""
    names: tuple[str, ...]
    functions: tuple[Float[Tensor, "k n"], ...]
    """Of each irreducible representation but the constant one: functions on the group, orthogonal, of mean square 1."""

    @property
    def pairs(self) -> Int[Tensor, "pairs 2"]:
        """All pairs of elements."""
        every = torch.arange(len(self.table))
        return torch.cartesian_prod(every, every)


def cyclic(n: int) -> Group:
    """Addition modulo n."""
    _require_odd(n)
    element = torch.arange(n)
    waves = tuple(_waves(n, f) for f in range(1, (n + 1) // 2))
    return Group((element[:, None] + element) % n, _frequencies(n), waves)


def dihedral(n: int) -> Group:
    """Turns 0 to n - 1, then flips followed by these turns."""
    _require_odd(n)
    turn, flip = torch.arange(2 * n) % n, torch.arange(2 * n) // n
    turned = (turn[:, None] + torch.where(flip[:, None] == 1, -turn, turn)) % n
    sign = torch.cat([torch.ones(n), -torch.ones(n)]).double()[None]
    waves = [_waves(n, f) * math.sqrt(2) for f in range(1, (n + 1) // 2)]
    entries = (torch.block_diag(wave[:1], wave[:1]) for wave in waves)
    others = (torch.block_diag(wave[1:], wave[1:]) for wave in waves)
    functions = (sign, *(torch.cat(both) for both in zip(entries, others, strict=True)))
    return Group(turned + n * (flip[:, None] ^ flip), ("sign", *_frequencies(n)), functions)


def _waves(n: int, frequency: int) -> Float[Tensor, "2 n"]:
    angle = 2 * math.pi * frequency * torch.arange(n).double() / n
    return math.sqrt(2) * torch.stack([angle.cos(), angle.sin()])


def _frequencies(n: int) -> tuple[str, ...]:
    return tuple(f"frequency {f}" for f in range(1, (n + 1) // 2))


def _require_odd(n: int) -> None:
    if n < 5 or n % 2 == 0:
        raise TouchstoneError(f"got modulus={n}, expected an odd number of at least 5")
