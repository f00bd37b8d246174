"""Planted functions: certified, described exactly, noisy in a way that no order of questions changes."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError
from benchmark.families.description import grid, scale_of
from benchmark.language import ProgramError, evaluate, parse
from benchmark.subjects import Run, Saved, generator_for
from tasks.models.numeric_functions import drawing
from tasks.models.numeric_functions.canonical import canonical, shortest
from tasks.models.numeric_functions.drawing import draw_functions
from tasks.models.numeric_functions.functions import NumericFunction
from tasks.models.numeric_functions.identifiability import identifiable, measure, turns
from tasks.models.numeric_functions.noise import Noise, hashed_uniform
from tasks.models.numeric_functions.shapes import DOMAINS, SHAPES, Atom, draw_atom
from tasks.models.numeric_functions.subject import NumericFunctions

KINDS = ("atomic", "composed", "noisy", "biased", "corrupted", "mlp")


@functools.cache
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
        assert error <= (0.001 if kind == "mlp" else 0.0)
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


LINE = (-10.0, 10.0)


def judged(template, *values, **more):
    """Measures of a program with numbers {0}, {1}, ..., each of which has a range of 5."""
    program = template.format(*values)

    def moved(share):
        shifted = ([v + 5 * share * (i == place) for i, v in enumerate(values)] for place in range(len(values)))
        return [template.format(*each) for each in shifted]

    return measure(NumericFunction("s", program, program, LINE, **more), moved, (), 64)


def test_what_the_budget_cannot_tell_is_rejected():
    assert judged("sin({0}*x)", 12.0)["sampling"] < 1
    assert not identifiable(judged("sin({0}*x)", 12.0))
    twins = judged("{0}*x + {1}*x", 2.0, 3.0)
    assert twins["independence"] < 1e-6
    assert not identifiable(twins)
    assert not identifiable(judged("{0}*x", 1.0, noise=Noise("normal", 20.0)))
    assert identifiable(judged("{0}*x + {1}", 3.0, 1.0))


def test_what_is_not_smooth_is_admitted():
    """Functions that straight lines between the answers miss by far more than the tolerance."""
    x, asked = grid(*LINE, 512), grid(*LINE, 64)
    for template, values in (("sin({0}*x + {1})", (4.5, 0.3)), ("{0}*sign(sin({1}*x))", (3.0, 1.9))):
        assert identifiable(judged(template, *values))
        y, between = (evaluate(parse(template.format(*values)), each) for each in (x, asked))
        assert np.mean((np.interp(x, asked, between) - y) ** 2) > 0.02 * y.var()


def test_the_expected_error_of_a_line_is_that_of_least_squares():
    """For y = a x + b, the mean variance of the prediction at m points is sd^2 (1/n + mean(x^2) / sum(x_i^2))."""
    sd, asked = 0.5, grid(*LINE, 64)
    measures = judged("{0}*x + {1}", 3.0, 1.0, noise=Noise("normal", sd))
    shares = []
    for domain in (LINE, (-20.0, 20.0)):
        x = grid(*domain, 512)
        shares.append(sd**2 * (1 / 64 + np.mean(x**2) / np.sum(asked**2)) / np.var(3 * x + 1))
    assert measures["estimable"] == pytest.approx(max(shares), rel=1e-6)


def test_what_does_not_follow_from_the_answers_beyond_them_is_rejected():
    """Through the same noise a wave is known beyond the domain, and a wave of an exponential is not."""
    noise = Noise("normal", 0.1)
    wild, tame = judged("sin(exp({0}*x))", 0.3, noise=noise), judged("sin({0}*x)", 3.0, noise=noise)
    assert wild["estimable"] > 0.0025 > tame["estimable"]


def test_values_that_end_within_the_extended_domain_are_no_functions():
    with pytest.raises(ProgramError, match="finite"):
        judged("sqrt(x + {0})", 11.0)


def test_turns_are_counted():
    counts = {
        "x": 0, "3": 0, "abs(x)": 1, "sin(pi*x/5)": 4, "if abs(x) < 1 then 2 else 1": 1, "mod(x + 0.1, 5)": 8,
    }  # fmt: skip
    x = grid(*LINE, 512)
    assert {program: turns(evaluate(parse(program), x)) for program in counts} == counts


def test_a_component_that_does_nothing_is_rejected():
    function = NumericFunction("s", "x + 0.001*sin(x)", "x + 0.001*sin(x)", LINE)
    measures = measure(function, lambda share: [f"(1 + {share})*x + 0.001*sin(x)"], ("x", "0.001*sin(x)"), 64)
    assert measures["components"] < 0.01


def test_canonical_programs_say_nothing_twice():
    assert canonical("1*(x - -3)**2 + 0") == "(x + 3)**2"
    assert canonical("(2*x + 1) + (0 + -3)") == "2 * x - 2"
    assert shortest(["if x < 1 then 2*x + 3 else 2*x", "2*x + (if x < 1 then 3 else 0)"]).startswith("2 * x")


@given(st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_numbers_that_join_are_one(seed):
    """A sum has one offset, a product one factor, a nesting neither inside: no parameter stands in for others."""
    for function in draw_functions("composed", 3, seed, 64):
        assert function.measures["independence"] >= 0.02
        assert len(parse(function.program)) <= 40
        assert canonical(function.program) == function.program


@given(st.sampled_from(SHAPES), st.floats(-5, 5), st.floats(0.2, 5), st.integers(0, 2**31))
def test_an_atom_is_raised_and_multiplied_by_its_parameters(shape, by, factor, seed):
    atom = draw_atom(shape, generator_for(seed, "atom"))
    x = grid(*DOMAINS[shape.domain], 64)
    y = evaluate(parse(atom.program()), x)
    near = {"rtol": 2e-4, "atol": 2e-3 * max(1.0, np.abs(y).max())}
    if shape.levels:
        np.testing.assert_allclose(evaluate(parse(atom.raised(by).program()), x), y + by, **near)
    np.testing.assert_allclose(evaluate(parse(atom.multiplied(factor).program()), x), factor * y, **near)


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


def test_a_budget_too_small_for_anything_is_explained(monkeypatch):
    monkeypatch.setattr(drawing, "ATTEMPTS", 10)
    with pytest.raises(TouchstoneError, match="raise the budget"):
        draw_functions("corrupted", 2, 0, 8)
