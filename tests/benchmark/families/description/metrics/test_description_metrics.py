"""Metrics of descriptions on cases that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.families.description import (
    FORMULAS,
    BlackBox,
    DescriptionQuestion,
    DescriptionTruth,
    Reals,
    check,
    grid,
    scale_of,
)
from benchmark.families.description.metrics.description_length import description_length
from benchmark.families.description.metrics.exact_structure import exact_structure
from benchmark.families.description.metrics.exception_location import exception_location
from benchmark.families.description.metrics.exception_recall import exception_recall
from benchmark.families.description.metrics.function_recovery import function_recovery
from benchmark.families.description.metrics.normalised_error import normalised_error
from benchmark.families.description.metrics.program_success import program_success
from benchmark.families.description.metrics.queries_used import queries_used
from benchmark.families.description.references import oracle
from benchmark.scores import Metric
from tests.support.measuring import measure

LOW, HIGH, POINTS = 0.0, 10.0, 1000
X, NOWHERE = grid(LOW, HIGH, POINTS), (1.0, 0.0)
FAR = grid(LOW - HIGH, 2 * HIGH, POINTS)
TRUE, PLAIN = "if 4 <= x <= 5 then 30 else x", "x"


def truth_at(points, count, true, plain, interval, extension=None):
    return DescriptionTruth(
        sentences=("s",) * count,
        programs=(true,) * count,
        plain=(plain,) * count,
        points=(points,) * count,
        outputs=np.stack([FORMULAS.run(true, points)] * count),
        departs=np.stack([(interval[0] <= points) & (interval[1] >= points)] * count),
        extension=extension,
    )


def case(programs, true=TRUE, plain=PLAIN, interval=(4.0, 5.0), extended=False):
    count = len(programs)
    question = DescriptionQuestion(tuple(BlackBox(np.sin, Reals(LOW, HIGH), 8) for _ in range(count)), 0)
    beyond = truth_at(FAR, count, true, plain, interval) if extended else None
    return check([("t", program) for program in programs], question), truth_at(X, count, true, plain, interval, beyond)


def test_success_and_error_of_the_mean_the_truth_and_nothing():
    mean = FORMULAS.run(TRUE, X).mean()
    arguments = case([TRUE, repr(float(mean)), "log(x - 5)", "not a program"])
    success, error = program_success(*arguments), normalised_error(*arguments)
    assert success[""] == success["strict"] == 0.25
    assert error[""] == pytest.approx((0 + 1 + 1 + 1) / 4)
    assert program_success(*case([PLAIN])) == {"": 0.0, "global": 1.0, "strict": 0.0, "published": 0.0}


def test_the_published_criterion_forgives_what_an_offset_hides():
    arguments = case(["100"], true="100 + sin(x)", plain="100 + sin(x)", interval=NOWHERE)
    assert program_success(*arguments)["published"] == 1.0
    assert normalised_error(*arguments)["uncentred"] < 1e-4


def test_a_near_constant_is_judged_in_tenths_of_its_size():
    good, bad = (program_success(*case([p], true="20", plain="20", interval=NOWHERE))[""] for p in ("20.6", "20.7"))
    assert (good, bad) == (1.0, 0.0)


def test_exception_recall_counts_the_points_where_the_rule_is_wrong():
    half = "if 4 <= x <= 4.5 then 30 else x"
    assert exception_recall(*case([TRUE, PLAIN, half, "nonsense"])) == pytest.approx((1 + 0 + 0.5 + 0) / 4)


def test_location_is_the_overlap_of_what_departs_with_what_is_said_to():
    programs = {
        TRUE: 1.0,
        PLAIN: 0.0,
        "if 4 <= x <= 4.5 then 30 else x": 0.5,
        "if 3.5 <= x <= 4.5 then 30 else x": 1 / 3,
        "if 4 <= x <= 5 then -99 else x": 1.0,
        "if 7 <= x <= 8 then 30 else x": 0.0,
        "-500": 0.1,
        "nonsense": 0.0,
    }
    for program, expected in programs.items():
        assert exception_location(*case([program])) == pytest.approx(expected, abs=1e-9), program
    mean = exception_location(*case(list(programs)))
    assert mean == pytest.approx(np.mean(list(programs.values())))


def test_where_an_exception_agrees_with_the_rule_nothing_is_asked_for():
    mirrored = "if 4 <= x <= 5 then 9 - x else x"
    assert exception_location(*case([mirrored], true=mirrored)) == 1.0
    assert exception_recall(*case([mirrored], true=mirrored)) == 0.0, "no point of it is telling"


def test_recovery_asks_for_the_rule_within_and_beyond_in_few_words():
    true = "2*x + 1"
    long = "(2*x + 1)*1*1*1"
    inside = "if x < 10.5 then 2*x + 1 else 21"
    programs = [true, "2.0001*x + 1", long, inside, "x*3", "log(x)", "what?"]
    arguments = case(programs, true=true, plain=true, interval=NOWHERE, extended=True)
    found = function_recovery(*arguments)
    assert found["domain"] == pytest.approx(4 / 7)
    assert found["extended"] == pytest.approx(3 / 7)
    assert found["any_length"] == pytest.approx(3 / 7)
    assert found["length"] == pytest.approx(4 / 7), "of five instructions, seven are allowed"
    assert found[""] == pytest.approx(2 / 7)
    assert function_recovery(*case([inside], true=true, plain=true, interval=NOWHERE))["domain"] == 1.0
    assert "extended" not in function_recovery(*case([inside]))


@given(st.floats(0.001, 0.5))
def test_an_offset_is_forgiven_up_to_a_tenth_of_the_scale(share):
    scale = scale_of(X)
    recovered = function_recovery(*case([f"x + {share * scale!r}"], true="x", plain="x", interval=NOWHERE))
    assert recovered["domain"] == float(share < 0.1)


def test_a_program_that_is_nowhere_finite_beyond_its_domain_recovers_nothing():
    arguments = case(["sqrt(x)"], true="sqrt(x)", plain="sqrt(x)", interval=NOWHERE)
    assert function_recovery(*arguments)[""] == 1.0
    absolute = "sqrt(abs(x))"
    found = function_recovery(*case(["sqrt(x)"], true=absolute, plain=absolute, interval=NOWHERE, extended=True))
    assert (found["domain"], found["extended"], found[""]) == (1.0, 0.0, 0.0)


def test_structure_leaves_the_numbers_aside():
    programs = ["5*sin(x) - 9", "cos(2*x)", "sin(x) + x", "x", "no program"]
    arguments = case(programs, true="3*sin(2*x + 1) + 4", plain="x", interval=NOWHERE)
    assert exact_structure(*arguments) == pytest.approx(2 / 5)
    needs = exact_structure.__touchstone__.options["needs"]
    assert measure([Metric("structure", exact_structure, needs=needs)], *arguments, None) != {}


def test_functions_without_exceptions_have_no_recall():
    needs = exception_recall.__touchstone__.options["needs"]
    explanation, truth = case([PLAIN], true=PLAIN, interval=NOWHERE)
    assert measure([Metric("recall", exception_recall, needs=needs)], explanation, truth, None) == {}


def test_costs_are_counted():
    explanation, truth = case(["x + 1", "x", "2 +"])
    assert description_length(explanation, truth) == pytest.approx((3 + 1 + 0) / 3)
    question = DescriptionQuestion(tuple(BlackBox(np.sin, Reals(LOW, HIGH), 8) for _ in range(3)), 0)
    question.boxes[0].query([1.0, 2.0, 3.0])
    assert queries_used(check([("t", "x")] * 3, question)) == 1.0
    assert queries_used(oracle(truth)) == 0.0


def test_every_metric_stays_in_its_range():
    for programs in (["exp(x*x*x)"], ["1e300*x"], ["-x"]):
        arguments = case(programs)
        for metric in (program_success, normalised_error, function_recovery):
            assert all(0.0 <= value <= 1.0 for value in metric(*arguments).values())
        for metric in (exception_recall, exception_location, exact_structure):
            assert 0.0 <= metric(*arguments) <= 1.0
