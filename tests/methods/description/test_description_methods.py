"""Every method keeps to the budget, says something valid, repeats itself exactly, and finds what it can express."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest

from benchmark.errors import Unsupported
from benchmark.families.description import BlackBox, DescriptionQuestion, Reals, check, grid
from benchmark.language import evaluate, parse
from methods.description._library import FORMS, best_fit
from methods.description._queries import spread
from methods.description._windows import best_window
from methods.description.interpolation import chosen

CONTROLS = ("constant", "lookup_table", "interpolation")
METHODS = (*CONTROLS, "polynomial", "regression_tree", "shape_library", "symbolic_regression", "piecewise_search")
SMALL = {"symbolic_regression": {"population": 40, "generations": 3}}


def run(name, *functions, budget=64, low=-10.0, high=10.0, seed=0, longest=64, **parameters):
    if name == "symbolic_regression":
        pytest.importorskip("gplearn")
    question = DescriptionQuestion(tuple(BlackBox(f, Reals(low, high), budget) for f in functions), seed, longest)
    method = getattr(importlib.import_module(f"methods.description.{name}"), name)
    explanation = check(method(question, **(SMALL.get(name, {}) | parameters)), question)
    assert not explanation.problems.strip(), explanation.problems
    assert all(box.used <= budget for box in question.boxes)
    return explanation


def error(explanation, *functions, low=-10.0, high=10.0):
    x = grid(low, high, 512)
    said = [evaluate(parse(line), x) for line in explanation.programs.split("\n")]
    return [float(np.mean((s - f(x)) ** 2) / np.var(f(x))) for s, f in zip(said, functions, strict=True)]


def line(x):
    return 2.0 * x - 3.0


def wave(x):
    return 3.0 * np.sin(1.1 * x + 0.4) - 2.0


def step(x):
    return np.where(x < 1.7, -2.0, 5.0)


def broken(x):
    return np.where((x >= 2.31) & (x <= 4.56), 30.0, 2.0 * x - 3.0)


def shifted(x):
    return np.where((x >= -6.2) & (x <= -3.9), wave(x) + 9.0, wave(x))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("budget", [64, 20])
def test_any_function_is_described_within_the_budget_and_the_length(name, budget):
    functions = (line, step, broken, np.zeros_like, lambda x: np.full_like(x, 1e-8), lambda x: 1e8 * np.exp(x))
    explanation = run(name, *functions, budget=budget, longest=40)
    assert len(explanation.programs.split("\n")) == 6
    assert max(len(parse(program)) for program in explanation.programs.split("\n")) <= 40


@pytest.mark.parametrize("name", METHODS)
def test_the_same_seed_gives_the_same_description(name):
    first, second = (run(name, wave, broken, seed=5) for _ in range(2))
    assert (first.texts, first.programs) == (second.texts, second.programs)


@pytest.mark.parametrize("name", METHODS)
def test_an_uneven_domain_is_no_trouble(name):
    explanation = run(name, lambda x: 1 / (x + 1), low=0.2, high=20.0)
    if name in ("polynomial", "shape_library", "piecewise_search"):
        assert error(explanation, lambda x: 1 / (x + 1), low=0.2, high=20.0)[0] < 0.01


@pytest.mark.parametrize(
    ("name", "functions"),
    [
        ("polynomial", (line, lambda x: 0.1 * x**3 - x)),
        ("shape_library", (line, wave, lambda x: np.abs(x - 2), lambda x: np.exp(-(((x - 1) / 2) ** 2)))),
        ("piecewise_search", (line, wave, step, broken, shifted)),
    ],
)
def test_what_a_method_can_express_is_found_exactly(name, functions):
    assert max(error(run(name, *functions), *functions)) < 2e-3


def test_a_tree_says_a_step_and_no_more():
    explanation = run("regression_tree", step)
    assert len(parse(explanation.programs)) == 6
    assert error(explanation, step)[0] < 0.05


def test_piecewise_search_says_where_the_exception_is():
    explanation = run("piecewise_search", broken)
    assert "except between 2.3" in explanation.texts
    x = np.array([2.30, 2.33, 4.54, 4.58])
    np.testing.assert_allclose(evaluate(parse(explanation.programs), x), broken(x), rtol=1e-3)


def test_no_window_is_suspected_where_the_rule_holds():
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(-10, 10, 40))
    assert best_window(x, line(x), -10, 10) is None
    assert best_window(x, line(x) + rng.normal(0, 1, 40), -10, 10) is None
    first, last = best_window(x, broken(x), -10, 10)
    inside = np.flatnonzero((x >= 2.31) & (x <= 4.56))
    assert abs(first - inside[0]) <= 2
    assert abs(last - inside[-1]) <= 3


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_form_recovers_its_own_kind_and_writes_what_it_fits(form):
    x = np.linspace(0.3, 19.9, 64)
    grids = form.grids(0.2, 20.0, 64)
    theta = np.array([g[len(g) // 2] for g in grids])
    features = form.features(x, theta[None])[0]
    y = 1.5 + features @ np.linspace(2.0, -1.0, features.shape[1])
    fit = best_fit(x, y, np.ones(64, dtype=bool), 0.2, 20.0, terms=1)
    assert fit.rss / 64 < 1e-3 * y.var()
    np.testing.assert_allclose(evaluate(parse(fit.program), x), fit(x), atol=2e-3 * np.abs(y).max())


@pytest.mark.parametrize("name", ["lookup_table", "interpolation"])
@pytest.mark.parametrize("longest", [10, 40, 64])
def test_a_control_fills_the_program_whatever_the_function(name, longest):
    lengths = {len(parse(p)) for p in run(name, line, wave, step, longest=longest).programs.split("\n")}
    assert longest - 7 < min(lengths) <= max(lengths) <= longest


def test_a_table_says_the_mean_of_each_cell():
    said = evaluate(parse(run("lookup_table", line).programs), grid(-10, 10, 16))
    np.testing.assert_allclose(said, line(grid(-10, 10, 16)), atol=0.4)


def test_lines_between_answers_follow_a_curve_within_its_domain():
    explanation = run("interpolation", np.square, np.abs)
    assert max(error(explanation, np.square, np.abs)) < 0.01
    beyond = evaluate(parse(explanation.programs.split("\n")[0]), [20.0])
    assert beyond < 350


def test_knots_are_where_the_answers_bend():
    x = np.linspace(-10, 10, 41)
    assert chosen(x, np.maximum(x, 3.0), 1) == [26]
    assert chosen(x, 2 * x, 0) == []


def test_spread_points_are_one_to_a_cell():
    box = BlackBox(np.sin, Reals(-2.0, 6.0), 99)
    x = spread(box, 16, seed=3)
    assert ((x - box.low) // 0.5).astype(int).tolist() == list(range(16))


def test_evolved_programs_translate_word_for_word():
    genetic = pytest.importorskip("gplearn.genetic")
    module = importlib.import_module("methods.description.symbolic_regression")
    x = np.linspace(-3, 3, 50)
    model = genetic.SymbolicRegressor(
        population_size=60, generations=2, function_set=module._functions(), random_state=1, const_range=(-3.0, 3.0)
    )
    model.fit(x[:, None], np.sin(x))
    for program in model._programs[-1]:
        text = module._translated(program.program, "x")
        said = evaluate(parse(text), x)
        np.testing.assert_allclose(said, program.execute(x[:, None]) * np.ones(50), rtol=1e-2, atol=1e-3)


def test_without_gplearn_symbolic_regression_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "gplearn.genetic", None)
    module = importlib.import_module("methods.description.symbolic_regression")
    with pytest.raises(Unsupported, match="gplearn is not installed"):
        module.symbolic_regression(DescriptionQuestion((BlackBox(line, Reals(-1.0, 1.0), 9),), 0))
