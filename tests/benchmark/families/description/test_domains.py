"""Boxes over texts, tokens and images: what may be asked, how it is counted, how answers are judged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError
from benchmark.families.description import (
    BlackBox,
    BudgetExhausted,
    Description,
    DescriptionQuestion,
    DescriptionTruth,
    Images,
    Reals,
    Strings,
    Tokens,
    check,
    references,
    scale_of,
)
from benchmark.families.description.metrics.description_length import description_length
from benchmark.families.description.metrics.exception_location import exception_location
from benchmark.families.description.metrics.exception_recall import exception_recall
from benchmark.families.description.metrics.function_recovery import function_recovery
from benchmark.families.description.metrics.normalised_error import normalised_error
from benchmark.families.description.metrics.program_success import program_success
from benchmark.families.description.pictures import pictures
from benchmark.families.family import Case
from benchmark.posing.handover import pack, unpack
from tests.support.rewriting import REWRITING

DOMAINS = [Reals(-2.0, 3.0), Strings("abc", 5), Tokens(7, 4), Images((3, 2, 2), -1.0, 1.0)]
TEXTS = np.array(["abc", "bca", "cc", "", "ab", "ba", "cab", "bb"])


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
@given(count=st.integers(0, 30), seed=st.integers(0, 2**32 - 1))
def test_a_domain_admits_its_samples_as_they_are_and_counts_them(domain, count, seed):
    points = domain.sample(count, seed)
    admitted = domain.admit(points)
    assert domain.count(admitted) == count
    assert admitted.dtype == points.dtype
    np.testing.assert_array_equal(admitted, points)
    np.testing.assert_array_equal(points, domain.sample(count, seed))


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_a_box_counts_the_points_of_its_domain_and_refuses_more(domain):
    box = BlackBox(lambda points: np.zeros(domain.count(points)), domain, 5)
    assert box.query(domain.sample(3, 0)).shape == (3,)
    assert (box.used, box.left) == (3, 2)
    with pytest.raises(BudgetExhausted, match="a query of 3 points, expected at most 2"):
        box.query(domain.sample(3, 0))
    assert box.used == 3


REFUSED = [
    (Reals(0.0, 1.0), [1.5], r"got points from 1.5 to 1.5, expected finite ones in \[0, 1\]"),
    (Strings("ab", 3), ["abab"], "got 'abab', expected texts .n. of at most 3 letters of 'ab'"),
    (Strings("ab", 3), ["c"], "got 'c', expected texts"),
    (Strings("ab", 3), [["a"]], r"shape \[1, 1\], expected texts"),
    (Strings("ab", 3), [1, 2], "got int64 .*expected texts"),
    (Tokens(5, 3), [[0, 5]], "got tokens from 0 to 5, expected whole numbers below 5"),
    (Tokens(5, 3), [[-1]], "got tokens from -1 to -1"),
    (Tokens(5, 3), [[0, 1, 2, 3]], r"shape \[1, 4\], expected whole numbers below 5 in rows \[n, 1 to 3\]"),
    (Tokens(5, 3), [[0.5]], "got float64"),
    (Images((1, 2, 2)), np.full((1, 2, 2), 2.0), r"expected finite ones in \[0, 1\]"),
    (Images((1, 2, 2)), np.full((1, 2, 2), np.nan), "expected finite ones"),
    (Images((1, 2, 2)), np.zeros((2, 2)), r"shape \[2, 2\], expected \[n, 1, 2, 2\]"),
]


@pytest.mark.parametrize(("domain", "asked", "message"), REFUSED)
def test_what_is_no_point_is_refused_and_costs_nothing(domain, asked, message):
    box = BlackBox(lambda points: np.zeros(domain.count(points)), domain, 9)
    with pytest.raises(TouchstoneError, match=message):
        box.query(asked)
    assert box.used == 0


def test_an_alphabet_has_every_letter_once():
    for alphabet in ("", "aa", "a\0"):
        with pytest.raises(TouchstoneError, match="expected letters, each once"):
            Strings(alphabet, 3)


def test_only_boxes_over_reals_have_ends():
    assert (BlackBox(np.sin, Reals(-1.0, 2.0), 1).low, BlackBox(np.sin, Reals(-1.0, 2.0), 1).high) == (-1.0, 2.0)
    with pytest.raises(TouchstoneError, match=r"over strings.*requires=\(\"reals\",\)"):
        _ = BlackBox(np.char.upper, Strings("ab", 3), 1).low


def case(*programs, true="keep a; reverse", plain="reverse"):
    count = len(programs)
    boxes = tuple(BlackBox(lambda x: REWRITING.run(true, x), Strings("abc", 3), 9) for _ in programs)
    question = DescriptionQuestion(boxes, 0, longest=4, language=REWRITING)
    truth = DescriptionTruth(
        sentences=("s",) * count,
        programs=(true,) * count,
        plain=(plain,) * count,
        points=(TEXTS,) * count,
        outputs=np.stack([REWRITING.run(true, TEXTS)] * count),
        departs=np.stack([np.char.startswith(TEXTS, "a") & (true != plain)] * count),
        language=REWRITING,
    )
    return question, check([Description("t", program) for program in programs], question), truth


def test_programs_are_checked_in_the_language_of_the_question():
    _, explanation, _ = case(" reverse ;upper", "sin(x)", "; ".join(["upper"] * 5))
    assert explanation.programs.split("\n") == ["reverse; upper", "", ""]
    assert "'sin(x)', expected one of" in explanation.problems
    assert "5 instructions, expected at most 4" in explanation.problems


def test_texts_are_right_or_wrong():
    _, explanation, truth = case("keep a; reverse", "reverse", "first 0", "nonsense")
    assert scale_of(truth.outputs[0]) == pytest.approx(np.sqrt(6 / 8)), "two of eight texts become ab"
    assert program_success(explanation, truth) == {"": 0.25, "global": 0.5, "strict": 0.25}
    # "reverse" is wrong on "abc" and "ab", the two that begin with a; "first 0" is right on the empty text alone
    assert normalised_error(explanation, truth) == pytest.approx({"": (0 + 2 / 6 + 1 + 1) / 4, "global": 2 / 4})
    assert description_length(explanation, truth) == pytest.approx((2 + 1 + 1 + 0) / 4)
    assert exception_recall(explanation, truth) == 0.25
    assert exception_location(explanation, truth) == pytest.approx((1 + 0 + 2 / 7 + 0) / 4)
    assert function_recovery(explanation, truth) == {"": 0.25, "domain": 0.25, "length": 0.75, "any_length": 0.25}


def test_references_speak_the_language():
    _, _, truth = case("reverse", "upper")
    assert program_success(references.oracle(truth), truth)[""] == 1
    assert program_success(references.without_exceptions(truth), truth)["global"] == 1


def test_a_function_that_is_always_the_same_is_predicted_by_its_value_alone():
    _, explanation, truth = case("first 0", "swap a b", true="first 0", plain="first 0")
    assert program_success(explanation, truth)["strict"] == 0.5


def test_a_box_over_texts_answers_across_processes():
    question, _, _ = case("reverse")
    served = []
    copied = unpack(*pack(question, lambda function: served.append(function) or len(served) - 1), served.__getitem__)
    assert copied.boxes[0].query(["cba", "abc"]).tolist() == ["abc", "abc"]
    assert (copied.boxes[0].domain, copied.boxes[0].used, copied.language) == (Strings("abc", 3), 2, REWRITING)


def test_pictures_list_points_with_what_was_said():
    question, explanation, truth = case("keep a; reverse", "upper", "nonsense")
    _, picture = pictures([Case("t", "v", 0, "m", question, truth, explanation, {"program_success": 1 / 3})])
    right, wrong, none = ([text.get_text() for text in axis.texts] for axis in picture.draw().axes)
    assert right == ["abc: abc", "ab: ab", "bca: acb", "cc: cc", "(empty): (empty)", "ba: ab", "cab: bac", "bb: bb"]
    assert wrong[0] == "abc: abc, not ABC"
    assert none == ["no program"]
