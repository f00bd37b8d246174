"""Dictionaries whose codes write other layers than the one they read: transcoders and crosscoders."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmark.errors import InvalidExplanation
from benchmark.explanations import parts, whole
from benchmark.families.dictionary import (
    Decoder,
    Dictionary,
    DictionaryExplanation,
    DictionaryQuestion,
    Layer,
    check,
    decoders,
)
from benchmark.posing.handover import pack, unpack


def refused(*_: object) -> int:
    raise AssertionError("nothing of the question is a function")


def question() -> DictionaryQuestion:
    """Rows of 4 numbers, and an MLP's output of 3 that is their ReLU written by a matrix."""
    generator = torch.Generator().manual_seed(0)
    sets = [torch.randn(rows, 4, generator=generator) for rows in (30, 10, 12)]
    write = torch.randn(4, 3, generator=generator)
    return DictionaryQuestion(*sets, 4, 4, seed=0, layers={"mlp/out": Layer(*(x.relu() @ write + 1 for x in sets))})


def transcoder(question: DictionaryQuestion) -> Dictionary:
    """Reads the positive part of each number; writes what least squares finds."""
    assert question.layers is not None
    layer = question.layers["mlp/out"]
    design = torch.cat([question.train.relu(), torch.ones(len(question.train), 1)], 1)
    solved = torch.linalg.lstsq(design, layer.train).solution
    codes = question.validation.relu(), question.test.relu()
    return Dictionary(torch.eye(4), torch.zeros(4), *codes, decoders={"mlp/out": Decoder(solved[:-1], solved[-1])})


def test_a_transcoder_is_checked_kept_and_read_back() -> None:
    posed = question()
    returned = transcoder(posed)
    plain, tensors = parts(check(returned, posed))
    explanation = whole(DictionaryExplanation, plain, tensors)
    again = check(explanation, posed)
    found = decoders(again)
    assert found is not None
    layer = posed.layers["mlp/out"]
    torch.testing.assert_close(again.test_codes @ found["mlp/out"].atoms + found["mlp/out"].bias, layer.test)
    assert torch.equal(found["mlp/out"].bias, returned.decoders["mlp/out"].bias)


def test_a_question_with_layers_reaches_a_method_as_a_copy() -> None:
    posed = question()
    copied = unpack(*pack(posed, refused), refused)
    assert torch.equal(copied.layers["mlp/out"].train, posed.layers["mlp/out"].train)
    assert check(transcoder(copied), posed).layer_atoms.keys() == {"mlp/out"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, r"got decoders for layers \[\], expected one for each of \['mlp/out'\]"),
        ({"other": Decoder(torch.zeros(4, 3), torch.zeros(3))}, r"\['other'\], expected one for each of \['mlp/out'\]"),
        ({"mlp/out": Decoder(torch.zeros(3, 4), torch.zeros(3))}, r"shape \(3, 4\).*expected \(4, 3\)"),
        ({"mlp/out": Decoder(torch.zeros(4, 3), torch.zeros(4))}, r"bias of shape \(4,\)"),
        ({"mlp/out": torch.zeros(4, 3)}, r"got Tensor, expected a Decoder"),
        ({"mlp/out": Decoder(torch.full((4, 3), torch.nan), torch.zeros(3))}, "NaN or infinity"),
    ],
)
def test_what_writes_no_layer_is_refused(given, message) -> None:
    posed = question()
    with pytest.raises(InvalidExplanation, match=message):
        check(replace(transcoder(posed), decoders=given), posed)


def test_without_layers_there_are_no_decoders() -> None:
    returned, posed = transcoder(question()), replace(question(), layers=None)
    assert decoders(check(replace(returned, decoders=None), posed)) is None
    with pytest.raises(InvalidExplanation, match=r"expected one for each of \[\]"):
        check(returned, posed)
