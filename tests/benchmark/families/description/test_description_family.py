"""Boxes count and refuse; what methods return is checked; references are what they say."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import InvalidExplanation, TouchstoneError
from benchmark.families import description as family
from benchmark.families.description import (
    BlackBox,
    BudgetExhausted,
    Description,
    DescriptionQuestion,
    DescriptionTruth,
    Reals,
    references,
)
from benchmark.families.description.pictures import pictures
from benchmark.families.family import Case
from benchmark.subjects import generator_for


def make_truth(programs=("x", "2*x", "x**2", "5"), interval=None, points=64):
    plain = tuple(programs)
    x = family.grid(-1.0, 1.0, points)
    low, high = interval or (1.0, -1.0)
    return DescriptionTruth(
        sentences=tuple(f"It is {program}." for program in plain),
        programs=plain,
        plain=plain,
        points=(x,) * len(plain),
        outputs=np.stack([family.FORMULAS.run(program, x) for program in plain]),
        departs=np.stack([(x >= low) & (x <= high)] * len(plain)),
    )


def make_question(count=4, budget=10):
    return DescriptionQuestion(tuple(BlackBox(np.square, Reals(-1.0, 1.0), budget) for _ in range(count)), seed=0)


def test_a_box_answers_counts_and_refuses():
    box = BlackBox(np.square, Reals(-1.0, 1.0), 3)
    assert box.query([0.5, -0.5]).tolist() == [0.25, 0.25]
    assert (box.used, box.left) == (2, 1)
    with pytest.raises(BudgetExhausted, match="a query of 2 points, expected at most 1: 2 of the budget of 3"):
        box.query([0.1, 0.2])
    for wrong in ([2.0], [np.nan], [np.inf]):
        with pytest.raises(TouchstoneError, match=r"expected finite ones in \[-1, 1\]"):
            box.query(wrong)
    assert box.used == 2
    assert box.query(1.0).shape == ()
    with pytest.raises(BudgetExhausted):
        box.query(0.0)


def test_calls_are_counted_over_all_boxes():
    questions = [make_question(), make_question()]
    count = family.count_calls(questions)
    questions[0].boxes[1].query([0.0, 0.1])
    questions[1].boxes[0].query([0.0])
    assert count() == 3


def test_check_keeps_what_is_valid_and_says_why_the_rest_is_not():
    question = make_question()
    question.boxes[2].query([0.0, 0.5])
    raw = [Description("A\n line.", " 2 *(x)"), ("A sum.", "x.real"), ("Long.", "+".join(["x"] * 99)), (" ", "x")]
    explanation = family.check(raw, question)
    assert explanation.programs.split("\n") == ["2 * x", "", "", ""]
    assert explanation.texts.split("\n") == ["A line.", "A sum.", "Long.", ""]
    problems = explanation.problems.split("\n")
    assert problems[0] == ""
    assert "'.'" in problems[1]
    assert "197 instructions, expected at most 64" in problems[2]
    assert "empty text" in problems[3]
    assert explanation.queries.tolist() == [0, 0, 2, 0]
    assert np.isnan(family.errors(explanation, make_truth())[1:]).all()


@pytest.mark.parametrize("raw", [None, "x", [], [("a", "x")] * 3, [("a", "x")] * 3 + ["x"], [("a", 3)] * 4, 5])
def test_check_refuses_what_is_no_list_of_descriptions(raw):
    with pytest.raises(InvalidExplanation, match=r"got .*expected"):
        family.check(raw, make_question())


@given(st.integers(0, 2**31))
def test_random_gives_every_box_the_description_of_another(seed):
    truth = make_truth()
    swapped = references.random(make_question(), truth, torch.Generator().manual_seed(seed)).programs.split("\n")
    assert sorted(swapped) == sorted(truth.programs)
    assert all(got != own for got, own in zip(swapped, truth.programs, strict=True))


def test_a_lone_function_has_no_other_to_swap_with():
    with pytest.raises(TouchstoneError, match="at least 2"):
        references.random(make_question(1), make_truth(("x",)), generator_for(0, "r"))


def test_the_oracle_predicts_exactly():
    truth = make_truth()
    explanation = references.oracle(truth)
    assert (family.errors(explanation, truth) == 0).all()


def test_the_scale_of_a_constant_is_a_tenth_of_it():
    assert family.scale_of(np.full(9, -5.0)) == pytest.approx(0.5)
    assert family.scale_of(np.array([-1.0, 1.0])) == pytest.approx(1.0)


def test_pictures_show_a_panel_for_each_method_and_function():
    question, truth = make_question(), make_truth(interval=(0.2, 0.5))
    explanation = family.check([("a", "x"), ("b", "nonsense"), ("c", "1"), ("d", "x**2")], question)
    names = ("random", "oracle", "some_method")
    cases = [Case("t", "v", 0, name, question, truth, explanation, {"program_success": 0.5}) for name in names]
    _, picture = pictures(cases)
    assert len(picture.draw().axes) == 2 * 3
    assert picture.draw().axes[1].get_title() == "some method\n50% of all predicted"


def test_pictures_go_beyond_the_domain_where_the_truth_does():
    near, far = make_truth(("sqrt(x + 1)", "x")), family.grid(-2.0, 2.0, 64)
    programs = ("sqrt(abs(x + 1))", "x")
    beyond = dataclasses.replace(
        near, points=(far, far), outputs=np.stack([family.FORMULAS.run(program, far) for program in programs])
    )
    truth = dataclasses.replace(near, extension=beyond)
    explanation = references.oracle(truth)
    case = Case("t", "v", 0, "oracle", make_question(2), truth, explanation, {"function_recovery": 1.0})
    _, picture = pictures([case])
    above, below = picture.draw().axes
    assert above.get_title() == "oracle\n100% of all recovered"
    assert [len(axis.lines[1].get_xdata()) for axis in (above, below)] == [64, 64]
    assert above.lines[1].get_xdata().min() > -1 > below.lines[1].get_xdata().min()
