"""Crosscoders: the lengths that they penalise or rank, and two features of two models worked out by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark.families.dictionary import DictionaryQuestion, check
from benchmark.families.dictionary.exclusive import owner
from benchmark.learning.dictionaries import train
from benchmark.learning.rules import Seen
from methods.dictionary._crosscoders import lengths
from methods.dictionary.batch_topk_crosscoder import BatchTopKCrosscoder, batch_topk_crosscoder
from methods.dictionary.crosscoder import Crosscoder, crosscoder


def rows(count: int = 200, d: int = 6, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, d, generator=torch.Generator().manual_seed(seed))


def question(seed: int = 0, parts: dict[str, int] | None = None) -> DictionaryQuestion:
    """Rows of two models with four dimensions each: two shared features, and two of each model alone."""
    generator = torch.Generator().manual_seed(seed)
    halves = torch.zeros(2, 6, 4)
    halves[0, :4], halves[1, 2:] = torch.eye(4), torch.eye(4)
    written = torch.cat(list(halves), 1)
    sets = [(torch.rand(n, 6, generator=generator) < 1 / 8).float() @ written for n in (2000, 300, 300)]
    return DictionaryQuestion(*sets, 8, 1, seed=seed, parts=parts)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99))
def test_the_length_is_the_sum_over_models_and_one_model_has_the_plain_one(one: int, other: int, seed: int) -> None:
    atoms = rows(4, one + other, seed)
    found = lengths(atoms, (one, other))
    torch.testing.assert_close(found, atoms[:, :one].norm(dim=1) + atoms[:, one:].norm(dim=1))
    torch.testing.assert_close(lengths(atoms, (one + other,)), atoms.norm(dim=1))
    assert bool((found >= atoms.norm(dim=1) - 1e-5).all())
    torch.testing.assert_close(lengths(torch.stack([atoms, 2 * atoms]), (one, other)), torch.stack([found, 2 * found]))


def test_the_penalty_does_not_depend_on_who_has_the_scale() -> None:
    rule, x = Crosscoder((4, 2)), rows()
    p = rule.start(torch.Generator().manual_seed(0), x, 10, 2)
    q = p.map(torch.clone)
    q.atoms.mul_(3)
    q.encoder.div_(3)
    codes = rule.encode(p, x)
    torch.testing.assert_close(rule.encode(q, x), codes / 3)
    one, other = (rule.penalty(each, Seen(x, x, rule.encode(each, x))) for each in (p, q))
    torch.testing.assert_close(one, other)


def test_measuring_atoms_changes_no_reconstruction() -> None:
    rule, x = BatchTopKCrosscoder((4, 2)), rows()
    p = rule.start(torch.Generator().manual_seed(0), x, 10, 2)
    torch.testing.assert_close(lengths(p.atoms, (4, 2)), torch.ones(10))
    torch.testing.assert_close(p.atoms.norm(dim=1) * p.encoder.norm(dim=1), torch.ones(10))
    p.atoms.mul_(torch.rand(10, 1, generator=torch.Generator().manual_seed(1)) + 0.5)
    before = rule.decode(p, rule.encode(p, x))
    rule.measure(p)
    torch.testing.assert_close(lengths(p.atoms, (4, 2)), torch.ones(10))
    torch.testing.assert_close(rule.decode(p, rule.encode(p, x)), before)


@pytest.mark.parametrize("rule", [Crosscoder, BatchTopKCrosscoder])
def test_codes_and_reconstruction_are_the_same_in_any_units(rule) -> None:
    x = rows(400)
    plain, scaled = (train([y], [2], [0], size=8, rule=rule((4, 2)), steps=40, batch=64)[0] for y in (x, 5 * x + 2))
    torch.testing.assert_close(plain.encode(x), scaled.encode(5 * x + 2), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(5 * plain.atoms, scaled.atoms, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("method", [crosscoder, batch_topk_crosscoder])
def test_it_tells_whose_a_feature_is(method) -> None:
    asked = question(parts={"a": 4, "b": 4})
    found = check(method([asked], steps=800, batch=128, learning_rate=1e-2)[0], asked)
    written = found.test_codes * found.atoms.norm(dim=1)
    fires = (written > 0.2).float().mean(0) > 0.05
    assert set(owner(found.atoms[fires], (4, 4)).tolist()) == {-1, 0, 1}


@pytest.mark.parametrize("method", [crosscoder, batch_topk_crosscoder])
def test_questions_of_other_widths_keep_their_order(method) -> None:
    asked = [question(0, {"a": 4, "b": 4}), question(1), question(2, {"a": 1, "b": 7}), question(0, {"a": 4, "b": 4})]
    together = method(asked, steps=5, batch=32)
    for one, alone in zip(together, (method([each], steps=5, batch=32)[0] for each in asked), strict=True):
        torch.testing.assert_close(one.atoms, alone.atoms)
