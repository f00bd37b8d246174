"""The control that lists tokens: what it lists, within the sparsity that is asked for."""

from __future__ import annotations

import pytest
import torch

from benchmark.errors import Unsupported
from benchmark.families.dictionary import DictionaryQuestion, blinded, check
from methods.dictionary.tokens_read import tokens_read


def posed(sparsity: int, size: int = 8) -> DictionaryQuestion:
    """Token 0 stands in every row, 1 in three of four, each of the others in fewer."""
    tokens = torch.tensor([[0, 1, 2], [0, 1, 3], [0, 1, 0], [0, 4, 5]])
    x = torch.zeros(4, 3)
    inputs = dict.fromkeys(("train", "validation", "test"), tokens)
    return DictionaryQuestion(x, x, x, size=size, sparsity=sparsity, seed=0, inputs=inputs)


def listed(question: DictionaryQuestion) -> list[list[int]]:
    codes = check(tokens_read(question), question).test_codes
    assert set(codes.unique().tolist()) <= {0.0, 1.0}
    return [row.nonzero()[:, 0].tolist() for row in codes]


def test_every_token_has_an_atom_and_the_commonest_are_left_out_first() -> None:
    assert listed(posed(3)) == [[0, 1, 2], [0, 1, 3], [0, 1], [0, 4, 5]]
    assert listed(posed(2)) == [[1, 2], [1, 3], [0, 1], [4, 5]]


def test_without_tokens_or_room_it_does_not_apply() -> None:
    with pytest.raises(Unsupported, match="no tokens"):
        tokens_read(blinded(posed(2)))
    with pytest.raises(Unsupported, match="6 atoms, and 5 are allowed"):
        tokens_read(posed(2, size=5))
