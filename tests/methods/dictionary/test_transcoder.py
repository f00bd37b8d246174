"""The transcoder finds what a layer computes, which in the activations themselves is nothing special."""

import pytest
import torch

from benchmark.errors import Unsupported
from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, check
from benchmark.families.dictionary.metrics.firing_f1 import firing_f1
from benchmark.learning.dictionaries import Training
from methods.dictionary.topk import topk
from methods.dictionary.transcoder import Transcoding, transcoder

UNITS, WIDTH = 6, 12


def computed(seed=0, rows=3000):
    """Gaussian rows, and a layer of rectified units that are seldom on."""
    generator = torch.Generator().manual_seed(seed)
    read = torch.nn.functional.normalize(torch.randn(UNITS, WIDTH, generator=generator), dim=1)
    write = torch.nn.functional.normalize(torch.randn(UNITS, 8, generator=generator), dim=1)
    x = torch.randn(3, rows, WIDTH, generator=generator)
    units = (x @ read.T - 1.0).relu()
    question = DictionaryQuestion(*x, size=2 * UNITS, sparsity=1, seed=0, outputs=units[0] @ write)
    return question, DictionaryTruth(units[1] > 0, units[2] > 0)


def test_it_finds_the_units_of_a_layer_where_activations_hold_nothing():
    question, truth = computed()
    found = check(transcoder(question, steps=1500, learning_rate=1e-2), question)
    (blind,) = topk([question], steps=1500, learning_rate=1e-2)
    assert firing_f1(found, truth) > 0.8
    assert firing_f1(check(blind, question), truth) < 0.6
    assert float((found.test_codes > 0).sum(1).float().mean()) <= 1


def test_units_do_not_change_codes():
    question, _ = computed()
    training = Training(
        [5 * question.train + 3],
        [1],
        [0],
        size=12,
        rule=Transcoding(8),
        steps=40,
        batch=64,
        learning_rate=1e-2,
        targets=[question.outputs],
    )
    for _ in range(40):
        training.advance()
    (coder,) = training.coders()
    mean, scale = training.sources[0].mean, training.sources[0].scale
    normalised = (5 * question.train + 3 - mean) / scale
    inside = coder.rule.encode(training.p.one(0), normalised)
    torch.testing.assert_close(coder.encode(5 * question.train + 3), inside, atol=1e-4, rtol=1e-4)


def test_without_outputs_it_declines():
    question, _ = computed()
    with pytest.raises(Unsupported, match="outputs"):
        transcoder(DictionaryQuestion(question.train, question.validation, question.test, size=4, sparsity=1, seed=0))
