"""Metrics of descriptions on cases that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.families.description import (
    FORMULAS,
    BlackBox,
    DescriptionQuestion,
    DescriptionTruth,
    Reals,
    check,
    grid,
)
from benchmark.families.description.metrics.description_length import description_length
from benchmark.families.description.metrics.exception_recall import exception_recall
from benchmark.families.description.metrics.normalised_error import normalised_error
from benchmark.families.description.metrics.program_success import program_success
from benchmark.families.description.metrics.queries_used import queries_used
from benchmark.families.description.references import oracle
from benchmark.scores import Metric
from tests.support.measuring import measure

LOW, HIGH, POINTS = 0.0, 10.0, 1000
X, NOWHERE = grid(LOW, HIGH, POINTS), (1.0, 0.0)
TRUE, PLAIN = "if 4 <= x <= 5 then 30 else x", "x"


def case(programs, true=TRUE, plain=PLAIN, interval=(4.0, 5.0)):
    count = len(programs)
    question = DescriptionQuestion(tuple(BlackBox(np.sin, Reals(LOW, HIGH), 8) for _ in range(count)), 0)
    truth = DescriptionTruth(
        sentences=("s",) * count,
        programs=(true,) * count,
        plain=(plain,) * count,
        points=(X,) * count,
        outputs=np.stack([FORMULAS.run(true, X)] * count),
        departs=np.stack([(interval[0] <= X) & (interval[1] >= X)] * count),
    )
    return check([("t", program) for program in programs], question), truth


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
    recall = exception_recall(*case([TRUE, PLAIN, half, "nonsense"]))
    assert recall[""] == pytest.approx((1 + 0 + 0.5 + 0) / 4)
    assert recall["located"] == pytest.approx((1 + 0 + 0.5 + 0.1) / 4, abs=0.01)


def test_functions_without_exceptions_have_no_recall():
    needs = exception_recall.__touchstone__.options["needs"]
    explanation, truth = case([PLAIN], true=PLAIN, interval=NOWHERE)
    assert measure([Metric("recall", exception_recall, needs=needs)], explanation, truth, None) == {}


def test_an_exception_where_nothing_is_known_is_not_located():
    assert exception_recall(*case(["-500"]))["located"] == pytest.approx(0.1, abs=0.01)


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
        for metric in (program_success, normalised_error, exception_recall):
            assert all(0.0 <= value <= 1.0 for value in metric(*arguments).values())
