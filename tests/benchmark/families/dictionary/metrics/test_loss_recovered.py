"""Loss recovered: closed forms on a loss that is a squared distance."""

import pytest
import torch

from benchmark.errors import Unsupported
from benchmark.families.dictionary import Dictionary, DictionaryQuestion, DictionaryTruth, Loss, check
from benchmark.families.dictionary.metrics.loss_recovered import loss_recovered

ROWS = torch.tensor([[1.0, 0], [0, 2], [1, 1], [5, 5]])


def recovered(codes, wanted=ROWS[:3]):
    question = DictionaryQuestion(ROWS, ROWS, ROWS, size=2, sparsity=1, seed=0)
    loss = Loss(torch.arange(3), lambda given: (given - wanted).square().sum(1))
    explanation = check(Dictionary(torch.eye(2), torch.zeros(2), codes, codes), question)
    return loss_recovered(explanation, DictionaryTruth(ROWS > 0, ROWS > 0, loss=loss), question)


def test_all_and_nothing():
    assert recovered(ROWS) == 1.0
    assert recovered(torch.zeros(4, 2)) == 0.0


def test_half_of_each_activation_recovers_three_quarters_of_a_square():
    assert recovered(ROWS / 2) == pytest.approx(0.75)


def test_rows_that_are_not_run_do_not_count():
    codes = ROWS.clone()
    codes[3] = 0
    assert recovered(codes) == 1.0


def test_a_model_that_loses_nothing_without_its_activations_is_declined():
    with pytest.raises(Unsupported, match="nothing is lost"):
        recovered(ROWS, torch.zeros(3, 2))
