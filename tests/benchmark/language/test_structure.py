"""Formulas that differ by numbers alone have one structure; formulas that differ by more have two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.language import parse, structure
from benchmark.language.structure import DEGREE, TERMS

EQUAL = [
    ("3*sin(2*x + 1) - 4", "1 + 7*cos(x)"),
    ("sin(x)", "-sin(-x)"),
    ("2*(x - 3)**2 + 1", "(2*x + 3)*x + 1"),
    ("x*x*x", "1 + 2*x + 3*x**2 + 4*x^3"),
    ("if x < 3 then 2 else 5", "4 + 2*where(x >= 1, 0, 1)"),
    ("if abs(x - 2) < 1 then 3 else 4", "if 1 <= x <= 3 then 3 else 4"),
    ("2*max(x - 1, 0.1*(x - 1)) + 3", "1 + 2*x + 3*abs(x - 2)"),
    ("relu(x - 1)", "min(0, x)"),
    ("sigmoid(3*x - 1)", "tanh(x)"),
    ("2*exp(x - 3)", "exp(0.1*x) + 4"),
    ("log(3*x)", "2*log(x) + 1"),
    ("sqrt(4*x)", "(9*x)**0.5"),
    ("3/(2*x + 1)", "(x + 5)**-1"),
    ("(3*sin(x) + 1)*where(1 <= x <= 2, -1, 1)", "if 0 <= x <= 4 then 3 - sin(x) else sin(x)"),
    ("piecewise(x < 1, 2, 3)", "if not x < 1 then 2 else 3"),
    ("where(x < 1 or x < 1, 2, 3)", "where(x < 4, 0, 1)"),
    ("x - x + 1", "pi"),
    ("sqrt(2)*x", "x"),
]
DIFFERENT = [
    ("sin(x)", "sin(x) + x"),
    ("sin(x)", "sin(x) + sin(2*x)"),
    ("sin(x)", "tanh(x)"),
    ("x**2", "x**3"),
    ("abs(x)", "relu(x)"),
    ("x", "1"),
    ("x*sin(x)", "x + sin(x)"),
    ("sin(x**2)", "sin(x)"),
    ("if x < 1 then 2 else 3", "if abs(x) < 1 then 2 else 3"),
    ("if x < 1 then x else 3", "if x < 1 then 2 else 3"),
    ("exp(-x**2)", "exp(-abs(x))"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_other_numbers_are_the_same_structure(one, other):
    assert structure(parse(one)) == structure(parse(other))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_other_functions_are_another_structure(one, other):
    assert structure(parse(one)) != structure(parse(other))


def test_what_has_no_short_normal_form_has_no_structure():
    table = ", ".join(f"x < {i}, {i * i}" for i in range(20))
    assert structure(parse(f"piecewise({table}, 0)")) is None
    assert structure(parse("*".join(["x"] * (DEGREE + 1)))) is None
    assert structure(parse("+".join(f"sin({i}*x)" for i in range(1, TERMS + 2)))) is None
    assert structure(parse("1e300*x*1e300")) is None


numbers = st.floats(0.1, 9, allow_nan=False).map(lambda v: f"{v:.3f}")


@given(numbers, numbers, numbers, st.sampled_from(["sin", "tanh", "abs", "exp", "atan", "floor", "relu"]))
def test_an_affine_change_outside_and_inside_changes_nothing_but_numbers(a, b, c, name):
    changed = f"{a}*{name}({c}*x + {b}) - {b}"
    if name != "floor":
        assert structure(parse(changed)) == structure(parse(f"{name}(x)"))
    assert structure(parse(f"{b} + {changed}")) == structure(parse(changed))
    assert structure(parse(f"({changed})*2 - ({changed})")) == structure(parse(changed))
