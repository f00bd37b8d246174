"""Copies that are laid out, what they carry, and inputs near by that are searched."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, Contrast
from benchmark.families.attribution.copies import Copies
from benchmark.families.attribution.near import HELD, near_copies, near_inputs, with_copies, with_near_copies
from benchmark.families.attribution.tables import question_tables, truth_tables

SIZE, COUNT = 6, 4
IDLE = torch.arange(SIZE)


def swapped() -> torch.Tensor:
    """For each of four originals a shift by its number, and a reflection."""
    shifts = torch.stack([IDLE.roll(number) for number in range(COUNT)])
    return torch.stack([shifts, IDLE.flip(0).expand(COUNT, -1)], 1)


def question_of(model: nn.Module, inputs: torch.Tensor, targets: torch.Tensor | None) -> AttributionQuestion:
    model.requires_grad_(False)
    background = torch.randn(50, *inputs.shape[1:], generator=torch.Generator().manual_seed(3))
    return AttributionQuestion(model, inputs, targets, background, torch.zeros(inputs.shape[1:]), seed=0)


def bent(seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(SIZE, 64), nn.ReLU(), nn.Linear(64, 3))


def test_copies_stand_behind_their_originals() -> None:
    copies = Copies.laid_out(swapped(), 2)
    assert copies.of.tolist() == [0, 1, 2, 3] * 5
    assert copies.near.tolist() == [False] * 12 + [True] * 8
    assert copies.moved.tolist() == [False] * 4 + [True] * 8 + [False] * 8
    values = torch.randn(COUNT, 2, 3)
    carried = copies.carried(values)
    assert torch.equal(carried[:4], values)
    assert torch.equal(carried[5].flatten(), values[1].flatten().roll(1))
    assert torch.equal(carried[8:12].flatten(1), values.flatten(1).flip(1))
    assert torch.equal(carried[12:], values.repeat(2, 1, 1))
    assert torch.equal(copies.carried(carried), carried), "a row for every input will do, too"


def test_pixels_move_with_their_channels() -> None:
    pixels = torch.tensor([2, 0, 3, 1])
    moves = torch.cat([pixels, pixels + 4])[None, None]
    images, mask = torch.randn(1, 2, 2, 2), torch.tensor([True, False, False, False]).view(1, 1, 2, 2)
    copies = Copies.laid_out(moves)
    assert torch.equal(copies.carried(images)[1], images.flatten(2)[0][:, pixels].view(2, 2, 2))
    assert copies.carried(mask)[1].flatten().tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("of", "moves", "near", "message"),
    [
        ([0, 0, 1], IDLE.expand(3, -1), [False, False, False], "originals must name themselves"),
        ([0, 3, 0], IDLE.expand(3, -1), [False, False, False], "must name an original"),
        ([0, 0, 0], IDLE.expand(3, -1), [True, False, False], "no near copy of itself"),
        ([0, 0, 0], torch.zeros(3, SIZE, dtype=torch.int64), [False, False, False], "each of the 6 entries once"),
        ([0, 0, 0], IDLE.roll(1).expand(3, -1), [False, False, False], "originals and near copies are not moved"),
        ([0, 0], IDLE.expand(3, -1), [False, False, False], r"got the shapes \[2\], \[3, 6\], \[3\]"),
    ],
)
def test_what_are_no_copies_is_refused(of: list[int], moves: torch.Tensor, near: list[bool], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Copies(torch.tensor(of), moves, torch.tensor(near))


def test_a_truth_about_originals_becomes_one_about_copies_in_all_its_parts() -> None:
    mask, figure = torch.zeros(COUNT, SIZE, dtype=torch.bool), torch.zeros(COUNT, SIZE, dtype=torch.bool)
    mask[:, 0], figure[:, :2] = True, True
    references = {"derivative": torch.randn(COUNT, SIZE)}
    plain = AttributionTruth(
        {"": mask, "fine": mask},
        zero_set=~mask,
        contrast=Contrast(figure, True),
        figure=figure,
        references=references,
        groups=torch.arange(SIZE).expand(COUNT, -1).clone(),
    )
    copies = Copies.laid_out(swapped(), 1)
    whole = with_copies(plain, copies)
    assert whole.copies is copies
    assert whole.contrast is not None
    pairs = [(mask, whole.masks["fine"]), (~mask, whole.zero_set), (figure, whole.figure)]
    pairs += [
        (plain.groups, whole.groups),
        (figure, whole.contrast.region),
        (references["derivative"], whole.references["derivative"]),
    ]
    for before, after in pairs:
        assert torch.equal(after, copies.carried(before))
    (table,) = truth_tables(whole)
    assert {"copy_of", "copy_near", "copy_source"} <= table.columns.keys()
    assert {len(column) for column in table.columns.values()} == {len(copies.of)}
    with pytest.raises(ValueError, match=r"copies: got moves \[16, 6\], expected those of masks \[4, 6\]"):
        replace(plain, copies=copies)


def test_the_moves_of_a_question_are_a_table() -> None:
    plain = question_of(bent(0), torch.randn(COUNT, SIZE), torch.zeros(COUNT, dtype=torch.int64))
    named = replace(plain, symmetries=swapped()[:, 0])
    assert [table.name for table in question_tables(plain)] == ["inputs", "background", "baseline"]
    assert question_tables(named)[-1].name == "symmetries"


def test_near_inputs_leave_the_answers_of_all_models_and_turn_their_gradients() -> None:
    generator = torch.Generator().manual_seed(1)
    inputs, targets = torch.randn(30, SIZE, generator=generator), torch.arange(30) % 3
    questions = [question_of(bent(seed), inputs, targets) for seed in (0, 1)]

    def gradients(question: AttributionQuestion, points: torch.Tensor) -> torch.Tensor:
        points = points.clone().requires_grad_()
        question.model(points)[torch.arange(30), targets].sum().backward()
        return points.grad

    found = {steps: near_inputs(questions, 1, torch.Generator().manual_seed(0), 0.2, steps)[0] for steps in (3, 60)}
    alike = {steps: [] for steps in found}
    for question in questions:
        reach = 0.2 * float(question.background.std())
        said = question.model(inputs)[torch.arange(30), targets]
        for steps, near in found.items():
            assert float((near - inputs).abs().max()) <= reach * (1 + 1e-5)
            change = question.model(near)[torch.arange(30), targets] - said
            assert float(change.abs().max()) <= HELD * float(said.std()) * 1.01
            pair = torch.stack([gradients(question, inputs), gradients(question, near)])
            pair = pair - pair.mean(2, keepdim=True)
            alike[steps].append(torch.cosine_similarity(*pair, dim=1))
    few, many = (torch.stack(alike[steps]).mean(0) for steps in (3, 60))
    moved = (found[3] != inputs).any(1)
    assert moved.float().mean() > 0.5
    assert (many <= few + 1e-6)[moved].all(), "a longer search is never worse"
    assert float(many.mean()) < float(few.mean()) - 0.02


def test_a_question_with_near_copies_asks_about_the_same_targets() -> None:
    question = question_of(bent(0), torch.randn(COUNT, SIZE), torch.arange(COUNT) % 3)
    more = with_near_copies(question, 2)
    assert more.inputs.shape == (3 * COUNT, SIZE)
    assert torch.equal(more.targets, question.targets.repeat(3))
    assert torch.equal(more.inputs[:COUNT], question.inputs)
    assert torch.equal(more.inputs, with_near_copies(question, 2).inputs)
    copies = near_copies(COUNT, SIZE, 2)
    assert copies.near.sum() == 2 * COUNT
    assert torch.equal(copies.carried(question.inputs)[~copies.near], question.inputs)


def test_a_model_with_one_output_and_a_constant_slope_has_near_copies() -> None:
    linear = nn.Sequential(nn.Linear(SIZE, 1), nn.Flatten(0))
    question = question_of(linear, torch.randn(COUNT, SIZE), None)
    more = with_near_copies(question, 1)
    assert more.targets is None
    assert bool((more.inputs[COUNT:] != question.inputs).any(1).all())
    torch.testing.assert_close(linear(more.inputs[COUNT:]), linear(question.inputs), rtol=0, atol=0.05)
