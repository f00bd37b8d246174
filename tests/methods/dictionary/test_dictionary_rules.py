"""The formulas of learned dictionaries, each in a case that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark.families.dictionary import DictionaryQuestion
from benchmark.learning.dictionaries import train
from benchmark.learning.rules import Seen, tied
from methods.dictionary._archetypes import Archetypal
from methods.dictionary._codebook import Codebook, pursued
from methods.dictionary._gates import auxiliary, gated, opened
from methods.dictionary.archetypal import archetypal
from methods.dictionary.batch_topk import BatchTopK
from methods.dictionary.frozen_decoder import FrozenDecoder
from methods.dictionary.gated import Gated
from methods.dictionary.gated_p_anneal import GatedPAnneal
from methods.dictionary.icfl import ICFL, whitening
from methods.dictionary.jump_relu import JumpReLU
from methods.dictionary.matching_pursuit import MatchingPursuit
from methods.dictionary.matryoshka_batch_topk import MatryoshkaBatchTopK, prefixes
from methods.dictionary.relaxed_archetypal import RelaxedArchetypal

RULES = (
    *(Gated(), GatedPAnneal(), BatchTopK(), MatryoshkaBatchTopK(), JumpReLU(), FrozenDecoder()),
    *(Archetypal(), RelaxedArchetypal(), MatchingPursuit(), ICFL()),
)


def rows(count: int = 200, d: int = 6, seed: int = 0) -> torch.Tensor:
    x = torch.randn(count, d, generator=torch.Generator().manual_seed(seed))
    return x / x.square().sum(1).mean().sqrt()


def started(rule, size: int = 10, asked: int = 2, d: int = 6):
    return rule.start(torch.Generator().manual_seed(1), rows(d=d), size, asked)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_codes_and_reconstruction_are_the_same_in_any_units(rule) -> None:
    x = rows() * 3.0 + torch.arange(6.0)
    coder = train([x], [2], [0], size=10, rule=rule, steps=30, batch=32)[0]
    again = train([x * 7.0 - 1.0], [2], [0], size=10, rule=rule, steps=30, batch=32)[0]
    codes = coder.encode(x)
    torch.testing.assert_close(again.encode(x * 7.0 - 1.0), codes, rtol=1e-2, atol=1e-3)
    rebuilt = codes @ coder.atoms + coder.bias
    torch.testing.assert_close(
        again.encode(x * 7.0 - 1.0) @ again.atoms + again.bias, rebuilt * 7.0 - 1.0, rtol=1e-2, atol=3e-2
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_codes_of_a_row_depend_on_that_row_alone(rule) -> None:
    p = started(rule)
    x = rows(40)
    torch.testing.assert_close(rule.encode(p, x)[7:8], rule.encode(p, x[7:8]))
    assert (rule.encode(p, x) >= 0).all()


def test_gates_that_are_shut_let_nothing_through_and_open_ones_do_not_shrink() -> None:
    p = started(Gated())
    x = rows(50)
    torch.testing.assert_close(gated(p, x), opened(p, x), msg="at first both are relu(E x)")
    shut = replace(p, encoder_bias=torch.full_like(p.encoder_bias, -100.0))
    assert not gated(shut, x).any()
    wide = replace(p, magnitude_bias=p.magnitude_bias + 1.0, stretch=p.stretch + 2.0)
    on = opened(p, x) > 0
    torch.testing.assert_close(gated(wide, x), torch.where(on, opened(p, x) * torch.e**2 + 1.0, 0.0))


def test_atoms_learn_nothing_from_what_gates_rebuild() -> None:
    p = started(Gated())
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in p.trained().items()}
    p = replace(p, **leaves)
    x = rows(20)
    auxiliary(p, Seen(x, x, gated(p, x)), opened(p, x)).backward()
    assert leaves["atoms"].grad is None
    assert leaves["bias"].grad is not None, "it is subtracted from the input as well"
    assert leaves["encoder"].grad.abs().sum() > 0
    assert leaves["stretch"].grad is None


@given(st.integers(1, 4), st.integers(1, 30))
def test_a_batch_keeps_as_many_codes_as_it_may(asked: int, count: int) -> None:
    rule = BatchTopK()
    p = started(rule, asked=asked)
    codes = rule.encode_batch(p, rows(count))
    every = rule.encode(p, rows(count))
    assert int((codes > 0).sum()) == min(asked * count, int((every > 0).sum()))
    assert codes[codes > 0].min() >= every[codes == 0].max(), "the largest are kept"


def test_the_threshold_of_a_batch_gives_the_asked_codes_where_there_is_none() -> None:
    x = rows(2000)
    coder = train([x], [2], [0], size=12, rule=BatchTopK(), steps=400, batch=128)[0]
    assert float((coder.encode(x) > 0).float().sum(1).mean()) == pytest.approx(2, rel=0.15)
    assert len({int(n) for n in (coder.encode(x) > 0).sum(1)}) > 2, "some rows have more, others fewer"


@given(st.integers(1, 300))
def test_prefixes_grow_to_the_whole_dictionary(size: int) -> None:
    found = prefixes(size)
    assert found == sorted(set(found))
    assert found[0] >= 1
    assert found[-1] == size
    assert prefixes(64) == [2, 6, 14, 30, 64]


def test_the_error_of_nested_dictionaries_is_the_mean_over_prefixes() -> None:
    rule = MatryoshkaBatchTopK()
    p = started(rule, size=64)
    x = rows(30)
    codes = rule.encode_batch(p, x)
    each = [(codes[:, :m] @ p.atoms[:m] + p.bias - x).square().sum(1).mean() for m in prefixes(64)]
    torch.testing.assert_close(rule.error(p, Seen(x, x, codes)), torch.stack(each).mean())


def test_a_threshold_learns_from_what_lies_close_to_it() -> None:
    rule = JumpReLU(bandwidth=0.2, weight=3.0)
    pi = torch.tensor([[0.05], [0.35], [0.45], [0.9]])
    threshold = torch.tensor([0.4], requires_grad=True)
    p = replace(
        started(rule, size=1, d=1), encoder=torch.ones(1, 1), encoder_bias=torch.zeros(1), bias=torch.zeros(1),
        threshold=threshold, aim=torch.tensor(0.25),
    )  # fmt: skip
    codes = rule.encode(p, pi)
    assert codes.flatten().tolist() == pytest.approx([0.0, 0.0, 0.45, 0.9])
    (slope,) = torch.autograd.grad(codes.sum(), threshold, retain_graph=True)
    assert float(slope) == pytest.approx(-0.4 * 2 / 0.2), "two of the four lie within the window of height 1 / 0.2"
    off = rule.penalty(p, Seen(pi, pi, codes))
    assert off.item() == pytest.approx(3.0 * (0.5 / 0.25 - 1) ** 2)
    (slope,) = torch.autograd.grad(off, threshold)
    assert float(slope) == pytest.approx(3.0 * 2 * (0.5 / 0.25 - 1) / 0.25 * (-2 / 0.2 / 4))


def test_a_frozen_decoder_keeps_its_atoms_and_learns_to_write_with_them() -> None:
    x = rows(500)
    first, last = (train([x], [2], [0], size=12, rule=FrozenDecoder(), steps=steps, batch=64)[0] for steps in (1, 300))
    torch.testing.assert_close(first.atoms, last.atoms)

    def left(coder) -> float:
        return float((coder.encode(x) @ coder.atoms + coder.bias - x).square().sum(1).mean())

    assert left(last) < left(first)


def test_archetypes_stay_in_the_hull_and_relaxed_ones_near_it() -> None:
    x = rows(300)
    coder = train([x], [2], [0], size=6, rule=Archetypal(), steps=50, batch=64)[0]
    weights = coder.parameters.mixture
    assert weights.min() >= 0
    torch.testing.assert_close(weights.sum(1), torch.ones(6))
    assert (weights > 0).sum() > 6, "atoms have left the points at which they started"
    scale = (x - x.mean(0)).square().sum(1).mean().sqrt()
    torch.testing.assert_close(coder.atoms, weights @ coder.parameters.points * scale, rtol=1e-4, atol=1e-5)
    rule = RelaxedArchetypal(slack=0.25)
    p = started(rule)
    p = replace(p, away=torch.randn(p.away.shape, generator=torch.Generator().manual_seed(3)) * 9)
    away = rule.directions(p) - Archetypal().directions(p)
    torch.testing.assert_close(away.norm(dim=1), torch.full((10,), 0.25), rtol=1e-4, atol=1e-5)


def test_seeds_share_their_first_atoms_where_they_are_told_to() -> None:
    def first(shared: bool, seed: int, start_seed: int | None = None) -> torch.Tensor:
        x = rows()
        question = DictionaryQuestion(x, x, x, 10, 2, seed, start_seed=start_seed)
        return archetypal([question], steps=1, batch=20, learning_rate=1e-12, shared=shared)[0].atoms

    torch.testing.assert_close(first(True, 0), first(True, 1))
    assert not torch.allclose(first(False, 0), first(False, 1))
    torch.testing.assert_close(first(True, 0, start_seed=7), first(False, 1, start_seed=7))
    assert not torch.allclose(first(True, 0, start_seed=7), first(True, 0, start_seed=8))


def test_pursuit_takes_the_parts_one_after_the_other() -> None:
    atoms = torch.tensor([[2.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    p = Codebook(torch.empty(0, 2), atoms, torch.empty(0), torch.zeros(2), torch.tensor(2.0))
    codes, left = pursued(p, torch.tensor([[6.0, 1.0], [-3.0, -1.0]]), rounds=2, each=1)
    assert codes.tolist() == [[3.0, 1.0, 0.0], [0.0, 0.0, 3.0]]
    assert left.tolist() == [[0.0, 0.0], [0.0, -1.0]], "nothing is taken for a negative correlation"


@given(st.integers(1, 9), st.integers(1, 6))
def test_a_codebook_takes_as_many_codes_as_are_asked_for(asked: int, rounds: int) -> None:
    rule = ICFL(rounds)
    p = started(rule, size=30, asked=asked)
    counts = (rule.encode(p, rows(20)) > 0).sum(1)
    assert int(counts.max()) <= asked


def test_a_codebook_learns_nothing_through_its_choice() -> None:
    rule = ICFL()
    p = started(rule)
    atoms = p.atoms.clone().requires_grad_()
    x = rows(20)
    q = replace(p, atoms=atoms)
    codes = rule.encode(q, x)
    rule.error(q, Seen(x, x, codes)).backward()
    expected = 2 / 20 * codes.detach().T @ (codes.detach() @ p.atoms + p.bias - x)
    torch.testing.assert_close(atoms.grad, expected, rtol=1e-4, atol=1e-6)


def test_whitening_is_undone() -> None:
    x = rows(400) @ torch.randn(6, 6, generator=torch.Generator().manual_seed(2)) + 3.0
    mean, forth, back = whitening(x)
    white = (x - mean) @ forth
    torch.testing.assert_close(torch.cov(white.T), torch.eye(6), rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(white @ back + mean, x, rtol=1e-3, atol=1e-3)


def test_parameters_that_are_not_trained_are_not_among_those_that_are() -> None:
    assert set(started(FrozenDecoder()).trained()) == {"encoder", "encoder_bias", "bias"}
    assert set(started(MatchingPursuit()).trained()) == {"atoms", "bias"}
    assert set(started(Archetypal()).trained()) == {"encoder", "encoder_bias", "bias", "mixture"}
    assert set(tied(torch.Generator(), 4, 3, 1).state()) == {"asked"}
