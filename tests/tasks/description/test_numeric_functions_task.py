"""The task from end to end: the oracle reaches the ceiling, swapped descriptions do not, exceptions cost what they
should."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from benchmark.errors import TouchstoneError
from benchmark.families.description import check
from benchmark.families.description.metrics.exact_structure import exact_structure
from benchmark.families.description.metrics.exception_location import exception_location
from benchmark.families.description.metrics.exception_recall import exception_recall
from benchmark.families.description.metrics.function_recovery import function_recovery
from benchmark.families.description.metrics.program_success import program_success
from benchmark.families.description.references import oracle, random, without_exceptions
from benchmark.registry import plugins
from benchmark.subjects import Run, Saved, generator_for
from methods.description.constant import constant
from methods.description.interpolation import interpolation
from methods.description.lookup_table import lookup_table
from tasks.description.numeric_functions import NumericFunctionsTask
from tasks.models.numeric_functions.subject import NumericFunctions


@functools.cache
def saved(kind, seed):
    subject = NumericFunctions(kind=kind)
    trained = subject.train(Run(seed))
    return Saved(subject, seed, torch.device("cpu"), trained.weights, trained.public)


def instance(kind, seed=0):
    task = NumericFunctionsTask()
    return task.pose(saved(kind, seed)), task.truth(saved(kind, seed))


@pytest.mark.parametrize("kind", ["atomic", "composed", "noisy", "biased", "corrupted", "mlp"])
def test_the_references_span_the_scale(kind):
    question, truth = instance(kind)
    assert program_success(oracle(truth), truth)[""] == 1.0
    assert set(function_recovery(oracle(truth), truth).values()) == {1.0}
    assert exact_structure(oracle(truth), truth) == 1.0
    assert check(list(zip(truth.sentences, truth.programs, strict=True)), question).problems.strip() == ""
    draws = [random(question, truth, generator_for(0, f"r{i}")) for i in range(20)]
    assert np.mean([program_success(draw, truth)[""] for draw in draws]) < 0.1
    assert np.mean([function_recovery(draw, truth)[""] for draw in draws]) < 0.01


def test_knowing_the_rule_alone_misses_every_exception():
    _, truth = instance("corrupted")
    explanation = without_exceptions(truth)
    success = program_success(explanation, truth)
    assert (success[""], success["global"]) == (0.0, 1.0)
    assert function_recovery(explanation, truth)[""] == 0.0
    assert exception_recall(explanation, truth) == exception_location(explanation, truth) == 0.0
    assert exception_location(oracle(truth), truth) == 1.0


@pytest.mark.parametrize("kind", ["atomic", "corrupted", "mlp"])
def test_beyond_the_domain_the_rule_holds_and_no_question_is_allowed(kind):
    question, truth = instance(kind)
    beyond = truth.extension
    for index, box in enumerate(question.boxes):
        x = beyond.points[index]
        outside = (x < box.low) | (x > box.high)
        assert 0.45 < outside.mean() < 0.55
        assert not beyond.departs[index][outside].any()
        with pytest.raises(TouchstoneError, match="expected finite ones in"):
            box.query(x[outside][:1])
    rule = without_exceptions(beyond).programs.split("\n")
    off = np.stack([beyond.errors(index, line) for index, line in enumerate(rule)])
    limit = 0.0 if kind != "mlp" else 0.3
    assert (off <= limit * np.array([[beyond.scale(i)] for i in range(len(rule))]) + 1e-9)[~beyond.departs].all()


@pytest.mark.parametrize("kind", ["atomic", "composed", "corrupted", "mlp"])
@pytest.mark.parametrize("control", [constant, lookup_table, interpolation])
def test_what_only_repeats_the_answers_recovers_next_to_nothing(kind, control):
    question, truth = instance(kind, seed=1)
    found = function_recovery(check(control(question), question), truth)
    assert found[""] <= 0.1, "the constant, where one is among ten functions"
    if control is not constant:
        assert found["length"] == 0.0


def test_boxes_answer_what_the_truth_says_up_to_the_noise():
    question, truth = instance("biased")
    for index, box in enumerate(question.boxes):
        x = truth.points[index][::8]
        rest = box.query(x) - truth.outputs[index][::8]
        assert abs(rest.mean()) < 4 * rest.std() / np.sqrt(len(x))
        assert box.left == 0


def test_plugins_are_found_without_a_problem():
    found = [
        plugin for plugin in plugins().plugins if "numeric_functions" in plugin.name or plugin.family == "description"
    ]
    assert not [plugin.problem for plugin in found if plugin.problem]
    assert {"method", "metric", "reference", "task"} <= {p.kind for p in found}
