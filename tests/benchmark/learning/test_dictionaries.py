"""Training of dictionaries: gradients against autograd, the two ways against each other, the schedule, the steering,
the errors.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.learning import dictionary_sparse, dictionary_step
from benchmark.learning.dictionaries import DivergedError, train
from benchmark.learning.dictionary_step import EPSILON, RectifiedStep
from benchmark.learning.memory import TooLargeError, memory_needed
from benchmark.learning.rules import Autoencoder
from methods.dictionary import _annealing
from methods.dictionary.p_anneal import PAnneal
from methods.dictionary.relu_l1 import ReluL1
from methods.dictionary.topk import TopK

K, M, D, B = 3, 24, 8, 50


def random_stack(seed=0):
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    atoms = torch.nn.functional.normalize(draw(K, M, D), dim=-1)
    return Autoencoder(draw(K, M, D), atoms, 0.3 * draw(K, M) - 0.5, 0.2 * draw(K, D), torch.ones(K))


@pytest.fixture
def sparse_way(monkeypatch):
    monkeypatch.setattr(dictionary_step, "SPARSE_BELOW", 1.1)
    monkeypatch.setattr(dictionary_step, "SPARSE_FROM", 0)


@pytest.fixture(params=["dense", "sparse"])
def way(request):
    if request.param == "sparse":
        request.getfixturevalue("sparse_way")
    return request.param


def planted(rows=4000, features=16, d=8, active=1.5, seed=0):
    # far from the seeds of learners, whose first atoms would be these directions
    generator = torch.Generator().manual_seed(1000 + seed)
    directions = torch.nn.functional.normalize(torch.randn(features, d, generator=generator), dim=1)
    on = torch.rand(rows, features, generator=generator) < active / features
    return on.float() @ directions + 0.02 * torch.randn(rows, d, generator=generator)


def by_formula(p, inputs, weight, power, keep):
    """The objective in double precision, as the module's docstring has it, and its gradients by autograd."""
    parameters = [t.clone().double().requires_grad_() for t in p.trained().values()]
    encoder, atoms, encoder_bias, bias = parameters
    pre = (inputs.double() - bias[:, None]) @ encoder.transpose(1, 2) + encoder_bias[:, None]
    codes = pre.relu()
    if keep is not None:
        least = torch.stack([pre[i].topk(int(n), dim=-1).values[:, -1] for i, n in enumerate(keep)])
        codes = codes * (pre >= least[..., None])
    error = (codes @ atoms + bias[:, None] - inputs).square().sum(-1).mean(1)
    # the trained objective's slope is that of (f + epsilon)^p on active codes
    powers = torch.where(codes > 0, (codes + (0 if power == 1 else EPSILON)).pow(power), 0.0).sum(-1).mean(1)
    (error + weight * powers).sum().backward()
    grads = [t.grad for t in parameters]
    grads[1] = grads[1] - (grads[1] * atoms).sum(-1, keepdim=True) * atoms
    return error.detach(), codes.detach(), [g.detach() for g in grads]


@pytest.mark.parametrize(
    ("power", "weight", "keep"), [(1.0, 0.3, None), (0.4, 0.3, None), (1.0, 0.0, [2, 5, 24]), (1.0, 0.0, [1, 1, 3])]
)
def test_gradients_are_those_of_the_formula(way, power, weight, keep):
    p = random_stack()
    inputs = torch.randn(K, B, D, generator=torch.Generator().manual_seed(1))
    weights = torch.tensor([weight, 2 * weight, 0.5 * weight])
    error, codes, expected = by_formula(p, inputs, weights, power, keep)
    keep = None if keep is None else torch.tensor(keep)
    step = RectifiedStep(p, B, keep=keep, penalty=lambda: (weights, power))
    assert step.way == way
    measured = step.gradients(inputs, inputs)
    torch.testing.assert_close(torch.stack(list(step.codes())), codes.float(), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(measured.error.double(), error, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(measured.l0.double(), (codes > 0).sum((1, 2)).double() / B, rtol=1e-5, atol=0)
    for tensor, grad in zip(p.trained().values(), expected, strict=True):
        torch.testing.assert_close(tensor.grad.double(), grad, rtol=1e-3, atol=1e-4)


def test_large_products_are_those_of_bmm():
    left, right = torch.randn(2, 600, 500), torch.randn(2, 500, 7)
    torch.testing.assert_close(dictionary_step._products(left, right), torch.bmm(left, right), rtol=1e-4, atol=1e-4)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def sparse_gradients(keep):
    inputs = torch.randn(K, B, D, generator=torch.Generator().manual_seed(1))
    p = random_stack()
    RectifiedStep(p, B, keep=keep).gradients(inputs, inputs)
    return [tensor.grad for tensor in p.trained().values()]


@pytest.mark.parametrize("keep", [None, torch.tensor([2, 3, 4])])
def test_parts_and_blocks_do_not_change_the_gradients(keep, monkeypatch, two_threads, sparse_way):
    whole = sparse_gradients(keep)
    monkeypatch.setattr(dictionary_sparse, "ROWS", 7)
    monkeypatch.setattr(dictionary_sparse, "TILE", 4)
    monkeypatch.setattr(dictionary_sparse, "CACHED", 3 * M)
    in_parts = sparse_gradients(keep)
    torch.testing.assert_close(in_parts, whole)
    torch.set_num_threads(1)
    for one, two in zip(sparse_gradients(keep), in_parts, strict=True):
        assert torch.equal(one, two), "the number of threads must not change a sum"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.floats(0, 3))
def test_the_least_of_the_largest_is_found_whatever_was_guessed(seed, count, guess):
    codes = torch.randn(7, 9, generator=torch.Generator().manual_seed(seed)).numpy()
    positive = np.sort(codes[codes > 0])[::-1]
    expected = positive[min(count, len(positive)) - 1] if len(positive) else dictionary_sparse.TINY
    assert dictionary_sparse.least_of_all(codes, count, guess=guess) == expected
    shift = np.arange(9, dtype=np.float32)
    assert dictionary_sparse.least_of_all(codes - shift, count, shift, guess) == pytest.approx(expected, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 12), st.floats(0, 3))
def test_the_least_kept_of_a_row_is_found_whatever_was_guessed(seed, keep, guess):
    codes = torch.randn(7, 9, generator=torch.Generator().manual_seed(seed)).numpy()
    codes[:, 3] = codes[:, 5]  # equal codes
    expected = [max(np.sort(row)[-keep] if keep < 9 else 0, dictionary_sparse.TINY) for row in codes]
    assert dictionary_sparse.least_kept(codes, keep, guess=guess).tolist() == expected
    shift = np.arange(9, dtype=np.float32)
    np.testing.assert_allclose(dictionary_sparse.least_kept(codes - shift, keep, shift, guess), expected, atol=1e-5)


def test_nothing_is_active_where_no_code_is_positive():
    assert dictionary_sparse.least_of_all(-np.ones((3, 4), np.float32), 5) == dictionary_sparse.TINY


def test_a_nan_in_one_weight_is_seen(way):
    p = random_stack()
    p.encoder[1, 3, 2] = math.nan
    inputs = torch.randn(K, B, D)
    assert torch.isnan(RectifiedStep(p, B).gradients(inputs, inputs).error).tolist() == [False, True, False]


def test_the_sparse_way_is_for_float32_alone(sparse_way):
    assert RectifiedStep(random_stack(), B).way == "sparse"
    assert RectifiedStep(random_stack(), B, dtype=torch.bfloat16).way == "dense"


def test_the_closed_form_refuses_other_targets():
    inputs = torch.zeros(K, B, D)
    with pytest.raises(ValueError, match="expected an autoencoder"):
        RectifiedStep(random_stack(), B).gradients(inputs, inputs.clone())


@pytest.mark.parametrize("updates", [1, 3, 10])
@pytest.mark.parametrize("steps", [50, 1000, 36621])
def test_every_update_of_the_power_is_followed_by_training(updates, steps):
    schedule = _annealing.schedule(steps, 0.2, updates)
    assert len(schedule) == updates
    assert schedule[-1][1] == pytest.approx(0.2)
    ends = [at for at, _ in schedule] + [steps]
    lengths = [later - at for at, later in pairwise(ends)]
    assert min(lengths) > 0
    assert max(lengths) - min(lengths) <= 1


def test_annealing_really_trains_at_its_last_power():
    (coder,) = train([planted()], [2], [0], size=24, rule=PAnneal(power=0.2, updates=4), steps=400, batch=64)
    powers = coder.history["power"]
    assert powers[0] == 1
    assert powers[-1] == pytest.approx(0.2)
    assert len({round(p, 6) for p in powers}) == 5
    assert sum(p == powers[-1] for p in powers) >= 2


@pytest.mark.parametrize("rule", [ReluL1(), PAnneal()])
def test_penalised_dictionaries_get_the_asked_sparsity(rule):
    activations = planted()
    coders = train([activations] * 2, [1, 3], [0, 0], size=24, rule=rule, steps=1000, batch=128)
    for coder, asked in zip(coders, (1, 3), strict=True):
        assert float((coder.encode(activations) > 0).float().sum(1).mean()) == pytest.approx(asked, rel=0.25)


def test_topk_keeps_what_was_asked_and_reconstructs():
    activations = planted()
    (coder,) = train([activations], [3], [0], size=24, rule=TopK(), steps=600, batch=128, learning_rate=1e-2)
    codes = coder.encode(activations)
    assert int((codes > 0).sum(1).max()) <= 3
    left = (codes @ coder.atoms + coder.bias - activations).square().sum()
    assert left < 0.1 * (activations - activations.mean(0)).square().sum()


@pytest.mark.parametrize("rule", [ReluL1(), TopK()])
def test_a_dictionary_does_not_depend_on_its_companions(rule):
    one, two = planted(seed=0), planted(seed=1)
    together = train([one, two], [2, 4], [5, 6], size=16, rule=rule, steps=60, batch=64)
    alone = train([two], [4], [6], size=16, rule=rule, steps=60, batch=64)
    torch.testing.assert_close(together[1].atoms, alone[0].atoms, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("rule", [ReluL1(), TopK(), PAnneal(updates=2)])
def test_both_ways_train_the_same_dictionary(rule, monkeypatch):
    activations = [planted(seed=0), planted(seed=1)]
    monkeypatch.setattr(dictionary_step, "SPARSE_BELOW", 1.1)
    found = []
    for least in (math.inf, 0):
        monkeypatch.setattr(dictionary_step, "SPARSE_FROM", least)
        found.append(train(activations, [2, 4], [5, 6], size=16, rule=rule, steps=60, batch=64))
    for dense, sparse in zip(*found, strict=True):
        torch.testing.assert_close(dense.atoms, sparse.atoms, rtol=1e-2, atol=1e-3)
        assert dense.history.get("power") == sparse.history.get("power")
        torch.testing.assert_close(
            torch.tensor(dense.history["l0"]), torch.tensor(sparse.history["l0"]), rtol=1e-2, atol=1e-2
        )


def test_training_leaves_the_number_of_threads_as_it_was(two_threads, sparse_way):
    train([planted()], [2], [0], size=16, rule=ReluL1(), steps=3, batch=64)
    assert torch.get_num_threads() == 2


def test_results_follow_the_units_of_the_activations():
    activations = planted()
    (coder,) = train([activations], [2], [0], size=16, rule=TopK(), steps=60, batch=64)
    (scaled,) = train([activations * 8 + 3], [2], [0], size=16, rule=TopK(), steps=60, batch=64)
    rebuilt = coder.encode(activations) @ coder.atoms + coder.bias
    again = scaled.encode(activations * 8 + 3) @ scaled.atoms + scaled.bias
    torch.testing.assert_close((again - 3) / 8, rebuilt, rtol=1e-2, atol=2e-2)


def test_bfloat16_products_reach_what_float32_reaches():
    activations = planted()
    spread = float((activations - activations.mean(0)).square().sum())
    left = {}
    for dtype in (torch.float32, torch.bfloat16):
        (coder,) = train([activations], [3], [0], size=24, rule=TopK(), steps=500, batch=128, dtype=dtype)
        assert coder.atoms.dtype == torch.float32
        left[dtype] = (
            float((coder.encode(activations) @ coder.atoms + coder.bias - activations).square().sum()) / spread
        )
    assert left[torch.bfloat16] < left[torch.float32] + 0.03


def test_nan_is_an_error_that_names_the_step_and_the_sparsity():
    activations = planted()
    activations[::3] = math.nan
    with pytest.raises(DivergedError, match=r"step 0 in 1 of 1 dictionaries .*\[3\].*check the activations"):
        train([activations], [3], [0], size=16, rule=TopK(), steps=5, batch=32)


def test_a_size_that_memory_cannot_hold_says_what_it_needs():
    assert memory_needed(1, 10**9, 8, 512) > 10**12
    with pytest.raises(
        TooLargeError, match=r"1,000,000,000 atoms .* needs \d+\.\d GB of memory, and \d+\.\d GB are free"
    ):
        train([planted()], [3], [0], size=10**9, rule=TopK(), steps=5)
