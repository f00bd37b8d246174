"""What the attribution family accepts, refuses, and draws."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmark.errors import InvalidExplanation
from benchmark.explanations import parts, whole
from benchmark.families.attribution import (
    AttributionExplanation,
    AttributionQuestion,
    AttributionTruth,
    check,
    references,
)
from benchmark.families.attribution import pictures as drawing
from benchmark.families.attribution.pictures import pictures
from benchmark.families.attribution.trivial import trivial
from benchmark.families.family import Case

POSED, TRUTH = trivial(seed=0)
SHAPE = tuple(POSED.inputs.shape)


def test_tensors_and_arrays_become_float32_without_gradients():
    for raw in (torch.ones(SHAPE, dtype=torch.float64, requires_grad=True), np.ones(SHAPE)):
        found = check(raw, POSED).attributions
        assert found.dtype == torch.float32
        assert not found.requires_grad
        assert torch.equal(found, torch.ones(SHAPE))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("a map", "got str, expected a torch.Tensor or numpy.ndarray"),
        (torch.ones(2, 2), r"got shape \[2, 2\], expected \[8, 1, 6, 6\]"),
        (torch.ones(SHAPE, dtype=torch.long), "got torch.int64"),
        (np.full(SHAPE, "x"), "expected floating point"),
        (torch.full(SHAPE, torch.nan), "got 288 NaN and 0 infinite values out of 288"),
        (torch.full(SHAPE, 1e300, dtype=torch.float64), "got 0 NaN and 288 infinite"),
    ],
)
def test_what_is_no_explanation_is_refused(raw, message):
    with pytest.raises(InvalidExplanation, match=message):
        check(raw, POSED)


def test_a_truth_must_leave_something_out():
    mask = TRUTH.masks[""]
    with pytest.raises(ValueError, match="primary"):
        AttributionTruth(masks={"digit": mask})
    with pytest.raises(ValueError, match=r"expected torch\.bool"):
        AttributionTruth(masks={"": mask, "digit": mask.float()})
    with pytest.raises(ValueError, match="entries outside"):
        AttributionTruth(masks={"": torch.ones_like(mask)})
    with pytest.raises(ValueError, match="zero_set"):
        AttributionTruth(masks={"": mask}, zero_set=torch.zeros_like(mask))


def test_pixels_may_stand_for_their_channels_where_the_question_says_so():
    inputs = torch.rand(2, 3, 4, 5)
    entries = AttributionQuestion(POSED.model, inputs, None, inputs, inputs[0], seed=0)
    pixels = replace(entries, per_pixel=True)
    for raw in (torch.ones(2, 4, 5), torch.ones(2, 1, 4, 5)):
        assert check(raw, pixels).attributions.shape == (2, 1, 4, 5)
        assert check(check(raw, pixels), pixels).magnitudes.shape == (2, 20)
        with pytest.raises(InvalidExplanation, match=r"expected \[2, 3, 4, 5\], the shape of the inputs$"):
            check(raw, entries)
    with pytest.raises(InvalidExplanation, match=r"or \[2, 1, 4, 5\], a number for each pixel"):
        check(torch.ones(2, 2, 4, 5), pixels)
    signed = torch.tensor([-1.0, 2.0, 3.0])[:, None, None].expand(2, 3, 4, 5)
    assert check(signed, pixels).magnitudes.eq(6).all(), "the sum of |attribution| over channels"
    assert check(signed, entries).magnitudes.shape == (2, 60), "channels apart"
    plain, tensors = parts(check(signed, pixels))
    assert whole(AttributionExplanation, plain, tensors).magnitudes.eq(6).all()


def test_places_may_stand_for_the_tokens_of_a_sequence():
    inputs = torch.rand(2, 3, 5)
    entries = AttributionQuestion(POSED.model, inputs, None, inputs, inputs[0], seed=0)
    places = replace(entries, per_pixel=True)
    assert places.sequential
    assert not entries.sequential
    assert not replace(places, inputs=inputs[..., None]).sequential
    for raw in (torch.ones(2, 5), torch.ones(2, 1, 5)):
        assert check(raw, places).attributions.shape == (2, 1, 5)
        with pytest.raises(InvalidExplanation, match=r"expected \[2, 3, 5\], the shape of the inputs$"):
            check(raw, entries)
    signed = torch.tensor([-1.0, 2.0, 3.0])[:, None].expand(2, 3, 5)
    assert torch.equal(check(signed, places).magnitudes, torch.full((2, 5), 6.0))


def test_pictures_of_a_sequence_outline_the_columns_of_the_truth():
    inputs = torch.eye(3)[None, :, [0, 1, 2, 1]]
    truth = AttributionTruth(masks={"": torch.tensor([[[True, False, False, True]]])})
    question = AttributionQuestion(POSED.model, inputs, None, inputs, torch.zeros(3, 4), seed=0, per_pixel=True)
    case = Case("t", "v", 0, "oracle", question, truth, references.oracle(truth), {"rank_accuracy": 1.0})
    shown = drawing._input(case, 0)
    height, width = shown.shape[0] // 3, shown.shape[1] // 4
    outlined = (shown == drawing.TRUTH).all(-1)
    assert outlined[:, :width].any(0).all()
    assert outlined[:, 3 * width :].any(0).all()
    assert outlined[:, 0].all(), "the border runs down the whole column"
    assert not outlined[:, width : 3 * width].any()
    assert height == width
    assert drawing._map(case, 0).shape == shown.shape
    for picture in pictures([case]):
        picture.draw().canvas.draw()


@pytest.mark.parametrize("shape", [(1, 6, 6), (3, 5, 4), (7, 7), (9,)])
def test_pictures_show_every_method_whatever_the_shape(shape):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.rand((4, *shape), generator=generator)
    mask = inputs > inputs.flatten(1).median(dim=1).values.view(-1, *[1] * len(shape))
    truth = AttributionTruth(masks={"": mask})
    question = AttributionQuestion(POSED.model, inputs, None, inputs, torch.zeros(shape), seed=0)
    cases = [
        Case("t", variant, 0, name, question, truth, made, {"rank_accuracy": 0.5})
        for variant in ("first", "second")
        for name, made in (
            ("oracle", references.oracle(truth)),
            ("random", references.random(question, truth, generator)),
        )
    ]
    found = pictures(cases)
    assert [picture.name for picture in found] == ["overview", "oracle", "random"]
    for picture in found:
        picture.draw().canvas.draw()


def test_no_cases_no_pictures():
    assert pictures([]) == []


def test_a_method_may_decide_and_may_group():
    values = torch.zeros(SHAPE)
    selected, groups = values == 0, torch.zeros_like(values, dtype=torch.int64)
    found = check(AttributionExplanation(values, selected=selected, groups=groups), POSED)
    assert found.selected is not None
    assert found.groups is not None
    assert torch.equal(found.selected, selected)
    assert torch.equal(found.groups, groups)
    for wrong in ({"selected": values}, {"groups": values}, {"selected": selected[:1]}, {"groups": [0]}):
        with pytest.raises(InvalidExplanation, match=rf"{next(iter(wrong))}: got .*, expected torch\."):
            check(AttributionExplanation(values, **wrong), POSED)
