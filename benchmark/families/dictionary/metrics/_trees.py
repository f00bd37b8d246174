"""Parents and children among the true features."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from benchmark.families.dictionary import DictionaryTruth


def edges(truth: DictionaryTruth) -> tuple[Int[Tensor, e], Int[Tensor, e]]:
    """Parent and child of every pair of which either is on in some validation row and in some test row."""
    assert truth.parents is not None, "declared in `needs`"
    child = (truth.parents >= 0).nonzero().flatten()
    parent = truth.parents[child].long()
    seen = truth.occurring[child] & truth.occurring[parent]
    return parent[seen], child[seen]


def relatives(truth: DictionaryTruth) -> Bool[Tensor, "g g"]:
    """Whether one of two features is the other's parent, or both have the same; nothing is a relative of itself."""
    assert truth.parents is not None, "declared in `needs`"
    parents = truth.parents
    above = parents[:, None] == torch.arange(len(parents))
    siblings = (parents[:, None] == parents) & (parents >= 0)
    return (above | above.T | siblings).fill_diagonal_(False)
