"""Planted functions: certified, described exactly, noisy in a way that no order of questions changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError
from benchmark.families.description import grid, scale_of
from benchmark.language import evaluate, parse
from benchmark.subjects import Run, Saved
from tasks.models.numeric_functions.drawing import draw_functions
from tasks.models.numeric_functions.functions import NumericFunction
from tasks.models.numeric_functions.identifiability import identifiable, measure
from tasks.models.numeric_functions.noise import Noise, hashed_uniform
from tasks.models.numeric_functions.shapes import SHAPES, Atom
from tasks.models.numeric_functions.subject import NumericFunctions

KINDS = ("atomic", "composed", "noisy", "biased", "corrupted", "mlp")


def saved(kind, seed=0, **parameters):
    subject = NumericFunctions(kind=kind, **parameters)
    trained = subject.train(Run(seed))
    return trained, Saved(subject, seed, torch.device("cpu"), trained.weights, trained.public)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_passes_its_certificate_and_comes_back_the_same(kind):
    trained, stored = saved(kind)
    assert all(check.passed for check in trained.checks), [c for c in trained.checks if not c.passed]
    assert set(trained.public) == {"domains"}
    first, second = stored.subject.load(stored), stored.subject.load(stored)
    x = torch.from_numpy(np.stack([grid(*function.domain, 33) for function in first.planted]))
    assert torch.equal(first(x), second(x))
    assert [f.program for f in first.planted] == [f.program for f in second.planted]


@pytest.mark.parametrize("kind", KINDS)
def test_the_canonical_program_is_what_the_box_says_without_noise(kind):
    _, stored = saved(kind, seed=1)
    model = stored.subject.load(stored)
    for index, function in enumerate(model.planted):
        x = grid(*function.domain, 101)
        y = evaluate(parse(function.program), x)
        error = np.mean((model.respond(index, x) - y) ** 2) / scale_of(y) ** 2
        assert error <= (0.01 if kind == "mlp" else 0.0)
        assert len(parse(function.program)) <= 64
        assert function.sentence.endswith(".")


@pytest.mark.parametrize("kind", ["noisy", "biased", "mlp"])
def test_answers_do_not_depend_on_order_or_company(kind):
    _, stored = saved(kind, functions=3)
    model = stored.subject.load(stored)
    x = grid(*model.planted[1].domain, 40)
    together = model.answer(1, x)
    backwards = model.answer(1, x[::-1].copy())[::-1]
    alone = np.array([model.answer(1, point[None])[0] for point in x])
    np.testing.assert_array_equal(together, backwards)
    np.testing.assert_array_equal(together, alone)


def test_exceptions_hold_inside_their_interval_only():
    for function in draw_functions("corrupted", 10, seed=3, budget=64):
        x = grid(*function.domain, 2000)
        low, high = function.interval
        departs = np.abs(function.respond(x) - evaluate(parse(function.plain), x)) > 1e-9
        assert not departs[(x < low) | (x > high)].any()
        assert departs[(x >= low) & (x <= high)].mean() > 0.9
        assert 0.079 <= (high - low) / (function.domain[1] - function.domain[0]) <= 0.161


@pytest.mark.parametrize("kind", ["normal", "uniform", "one-sided"])
def test_noise_has_the_moments_it_states(kind):
    noise = Noise(kind, 2.0)
    drawn = noise.at(np.linspace(-10, 10, 100_001), key=7)
    assert drawn.mean() == pytest.approx(noise.mean, abs=0.02)
    assert drawn.std() == pytest.approx(noise.sd, rel=0.02)
    if kind == "one-sided":
        assert drawn.min() >= 0


@given(st.floats(-1e6, 1e6), st.integers(0, 2**64 - 1))
def test_the_hash_is_a_number_between_0_and_1_and_knows_one_zero(x, key):
    u = hashed_uniform(np.array([x, 0.0, -0.0]), key)
    assert ((u > 0) & (u < 1)).all()
    assert u[1] == u[2]


def test_neighbouring_points_and_keys_get_unrelated_noise():
    x = 1.0 + np.arange(20_000) * 2.0**-52
    one, other = hashed_uniform(x, 1), hashed_uniform(x, 2)
    assert abs(np.corrcoef(one[:-1], one[1:])[0, 1]) < 0.03
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.03


def test_what_the_budget_cannot_tell_is_rejected():
    def judged(program, varied, **more):
        return measure(NumericFunction("s", program, program, (-10.0, 10.0), **more), varied, (), 64)

    fast = judged("sin(40*x)", {"w": "sin(41*x)"})
    assert fast["resolution"] > 0.1
    assert not identifiable(fast)
    twins = judged("2*x + 3*x", {"a": "2.5*x + 3*x", "b": "2*x + 3.5*x"})
    assert twins["independence"] < 1e-6
    assert not identifiable(twins)
    drowned = judged("x", {"a": "1.1*x"}, noise=Noise("normal", 20.0))
    assert not identifiable(drowned)
    assert identifiable(judged("3*x + 1", {"a": "3.5*x + 1", "b": "3*x + 3"}))


def test_a_component_that_does_nothing_is_rejected():
    function = NumericFunction("s", "x + 0.001*sin(x)", "x + 0.001*sin(x)", (-10.0, 10.0))
    measures = measure(function, {"a": "2*x"}, ("x", "0.001*sin(x)"), 64)
    assert measures["components"] < 0.01


@given(st.integers(0, 2**31), st.sampled_from(["atomic", "corrupted", "noisy"]))
@settings(max_examples=10, deadline=None)
def test_any_seed_yields_identifiable_functions(seed, kind):
    functions = draw_functions(kind, 2, seed, 64)
    assert all(identifiable(function.measures) for function in functions)


def test_every_shape_is_a_program_and_a_sentence_for_any_signs():
    for shape in SHAPES:
        atom = Atom(shape, {name: -(low + high) / 2 or -1.0 for name, (low, high) in shape.ranges.items()})
        parse(atom.program())
        parse(atom.program("x + 1"))
        assert "{" not in atom.sentence


@pytest.mark.parametrize("parameters", [{"functions": 1}, {"budget": 2}, {"hidden": 0}])
def test_bad_parameters_are_named(parameters):
    with pytest.raises(TouchstoneError, match=f"got {next(iter(parameters))} = .*expected at least"):
        NumericFunctions(**parameters)


def test_a_budget_too_small_for_anything_is_explained():
    with pytest.raises(TouchstoneError, match="raise the budget"):
        draw_functions("corrupted", 2, 0, 8)
