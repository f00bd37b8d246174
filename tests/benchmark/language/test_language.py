"""The language says what it seems to say: values against numpy, precedence, types, and a round trip through text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.language import (
    Limits,
    ProgramError,
    ProgramLimitError,
    ProgramSyntaxError,
    ProgramValueError,
    evaluate,
    number_text,
    parse,
    to_text,
)

POINTS = np.linspace(-3.0, 3.0, 61)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("2*x + 1", 2 * POINTS + 1),
        ("-x**2", -(POINTS**2)),
        ("(-x)^2", POINTS**2),
        ("2**3**2 + 0*x", np.full(61, 512.0)),
        ("2**-x", 2.0**-POINTS),
        ("1 - 2 - x", -1 - POINTS),
        ("8 / 4 / 2 * x", POINTS),
        ("if x < 0 then 1 else if x < 1 then 2 else 3", np.where(POINTS < 0, 1, np.where(POINTS < 1, 2, 3))),
        ("where(-1 <= x < 1 or x == 3, 5, -5)", np.where(((POINTS >= -1) & (POINTS < 1)) | (POINTS == 3), 5, -5)),
        ("piecewise(x < -1, 0, not x < 1, 9, x)", np.where(POINTS < -1, 0, np.where(POINTS >= 1, 9, POINTS))),
        ("if x > 0 then log(x) else 0", np.log(np.where(POINTS > 0, POINTS, 1.0))),
        ("min(x, 1, x**2) + max(x) - mod(x, 2)", np.minimum(np.minimum(POINTS, 1), POINTS**2) + POINTS - POINTS % 2),
        ("sin(pi*x) + e + abs(x)*sign(x)", np.sin(np.pi * POINTS) + np.e + POINTS),
        ("sigmoid(x) + relu(x) + tanh(x) + floor(x) + ceil(x) + round(x)",
         1 / (1 + np.exp(-POINTS)) + np.maximum(POINTS, 0) + np.tanh(POINTS) + np.floor(POINTS) + np.ceil(POINTS)
         + np.round(POINTS)),
    ],
)  # fmt: skip
def test_values_are_those_of_numpy(source, expected):
    np.testing.assert_allclose(evaluate(parse(source), POINTS), expected, rtol=1e-12, atol=1e-12)


def test_any_shape_and_any_chunk_give_the_same_values():
    program = parse("if x < 0 then 1 else sqrt(x)")
    grid = POINTS[:60].reshape(3, 4, 5)
    np.testing.assert_array_equal(evaluate(program, grid).reshape(-1), evaluate(program, POINTS[:60], Limits(chunk=7)))
    assert evaluate(program, []).shape == (0,)
    assert evaluate(parse("3"), POINTS).tolist() == [3.0] * 61


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "end of the program"),
        ("2 x", "expected an operator"),
        ("x +", "end of the program"),
        ("(x", "expected '\\)'"),
        ("sine(x)", "did you mean"),
        ("y + 1", "available: "),
        ("sin(x, 2)", "expected 1"),
        ("mod(x)", "expected 2"),
        ("piecewise(x < 1, 2)", "expected 3, 5, 7"),
        ("x < 1", "expected a number"),
        ("if x then 1 else 2", "expected a condition"),
        ("(x < 1) + 1", "expected a number"),
        ("x and x < 1", "expected a condition"),
        ("where(x, 1, 2)", "argument 1"),
        ("if 3 > x > 1 then 1 else 2", "ascends"),
        ("if x < 1 then 2", "expected 'else'"),
        ("sin x", "expected '\\('"),
        ("x; x", "got ';'"),
    ],
)
def test_refusals_say_what_and_where(source, message):
    with pytest.raises(ProgramSyntaxError, match=message):
        parse(source)


def test_length_counts_instructions():
    assert len(parse("-3")) == 1
    assert len(parse("2*x + 1")) == 5
    assert len(parse("if 1 <= x <= 2 then 3 else x")) == 7


def test_values_that_are_not_finite_are_refused_with_the_point():
    with pytest.raises(ProgramValueError, match=r"at x = -3 \(30 of 61 points\)"):
        evaluate(parse("log(x + 1e-9)"), POINTS)
    with pytest.raises(ProgramLimitError, match="steps"):
        evaluate(parse("x + 1"), np.zeros(1000), Limits(steps=2999))
    with pytest.raises(ProgramLimitError, match="instructions"):
        parse("x + 1", Limits(instructions=2))


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e3), st.sampled_from([-1.0, 1.0]))
def test_the_remainder_is_that_of_numpy_with_the_sign_of_the_divisor(a, b, sign):
    assert evaluate(parse(f"mod(x, {sign * b!r})"), [a]) == np.mod(a, sign * b)


def test_a_remainder_without_a_right_digit_is_refused():
    assert evaluate(parse("mod(9007199254740992, x)"), [1.0]) == 0.0
    for program in ("mod(9007199254740994, x)", "mod(1e308, x)", "mod(x, 1e-300)"):
        with pytest.raises(ProgramValueError, match="got nan"):
            evaluate(parse(program), [1.0])


def test_numbers_are_written_short():
    assert [number_text(value) for value in (3.0, -0.5, 1e-9)] == ["3", "-0.5", "1e-09"]
    assert number_text(2 / 3, digits=3) == "0.667"


def _texts() -> st.SearchStrategy[str]:
    numbers = st.floats(0, 1e6).map(repr) | st.integers(-50, 50).map(str)
    leaves = numbers | st.sampled_from(["x", "pi", "-x", "--x", "-(2)"])

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        signs = st.sampled_from(["+", "-", "*", "/", "**", "^"])
        binary = st.tuples(inner, signs, inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})")
        bare = st.tuples(inner, signs, inner).map(lambda t: f"{t[0]} {t[1]} {t[2]}")
        calls = st.tuples(st.sampled_from(["sin", "abs", "relu", "sqrt"]), inner).map(lambda t: f"{t[0]}({t[1]})")
        folds = st.tuples(st.sampled_from(["min", "max"]), st.lists(inner, min_size=1, max_size=3))
        compare = st.tuples(inner, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), inner).map(" ".join)
        between = st.tuples(inner, inner, inner).map(lambda t: f"({t[0]}) <= ({t[1]}) < ({t[2]})")
        atoms = compare | between
        joined = st.tuples(atoms, st.sampled_from(["and", "or"]), atoms).map(lambda t: f"{t[0]} {t[1]} {t[2]}")
        condition = atoms | joined | atoms.map(lambda c: f"not ({c})") | joined.map(lambda c: f"not ({c}) or x < 1")
        choice = st.tuples(condition, inner, inner).map(lambda t: f"if {t[0]} then {t[1]} else {t[2]}")
        where = st.tuples(condition, inner, inner).map(lambda t: f"where({t[0]}, {t[1]}, {t[2]})")
        pieces = st.tuples(condition, inner, condition, inner, inner).map(lambda t: f"piecewise({', '.join(t)})")
        negative = inner.map(lambda text: f"-({text})")
        listed = folds.map(lambda t: f"{t[0]}({', '.join(t[1])})")
        return binary | bare | calls | listed | choice | where | pieces | negative

    return st.recursive(leaves, grow, max_leaves=12)


@given(_texts())
def test_text_reads_back_as_the_same_program(source):
    try:
        program = parse(source)
    except ProgramError:  # a constant part that overflows, a comparison without brackets around `if`
        return
    text = to_text(program)
    assert parse(text) == program
    assert to_text(parse(text)) == text
    assert len(text.splitlines()) == 1
