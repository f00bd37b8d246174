"""The task from end to end: the oracle reaches the ceiling, swapped descriptions do not, exceptions cost what they
should."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmark.families.description import check
from benchmark.families.description.metrics.exception_recall import exception_recall
from benchmark.families.description.metrics.program_success import program_success
from benchmark.families.description.references import oracle, random, without_exceptions
from benchmark.registry import plugins
from benchmark.subjects import Run, Saved, generator_for
from tasks.description.numeric_functions import NumericFunctionsTask
from tasks.models.numeric_functions.subject import NumericFunctions


def instance(kind, seed=0):
    subject = NumericFunctions(kind=kind)
    trained = subject.train(Run(seed))
    saved = Saved(subject, seed, torch.device("cpu"), trained.weights, trained.public)
    task = NumericFunctionsTask()
    return task.pose(saved), task.truth(saved)


@pytest.mark.parametrize("kind", ["atomic", "composed", "noisy", "biased", "corrupted", "mlp"])
def test_the_references_span_the_scale(kind):
    question, truth = instance(kind)
    assert program_success(oracle(truth), truth)[""] == 1.0
    assert check(list(zip(truth.sentences, truth.programs, strict=True)), question).problems.strip() == ""
    draws = [random(question, truth, generator_for(0, f"r{i}")) for i in range(20)]
    assert np.mean([program_success(draw, truth)[""] for draw in draws]) < 0.1


def test_knowing_the_rule_alone_misses_every_exception():
    _, truth = instance("corrupted")
    explanation = without_exceptions(truth)
    success = program_success(explanation, truth)
    assert (success[""], success["global"]) == (0.0, 1.0)
    assert exception_recall(explanation, truth) == {"": 0.0, "located": 0.0}


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
