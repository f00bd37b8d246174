"""Cells, what they show, and the null hypothesis that holds of all but those that are read and shifted."""

from __future__ import annotations

import functools

import pytest
import torch

from benchmark.subjects import Run, Saved
from tasks.attribution.important_or_not import ImportantOrNot
from tasks.models.shifted_cells.cells import COUNT, Plant
from tasks.models.shifted_cells.subject import ShiftedCells

FORMS = ("table", "image")


def plant_of(form, shift: float = 3.0, seed: int = 0) -> Plant:
    return Plant.draw(form, shift, torch.Generator().manual_seed(seed))


@functools.cache
def saved(form, **parameters) -> dict[str, Saved]:
    found = {}
    for reads in ("first", "second"):
        subject = ShiftedCells(reads=reads, form=form, **parameters)
        trained = subject.train(Run(0))
        found[reads] = Saved(subject, 0, torch.device("cpu"), trained.weights, trained.public)
    return found


@pytest.mark.parametrize("form", FORMS)
def test_every_cell_is_read_by_one_net(form) -> None:
    plant = plant_of(form)
    assert sorted(plant.read.flatten().tolist()) == list(range(COUNT[form]))
    assert torch.equal(plant.is_read(0), ~plant.is_read(1))
    assert plant.weights.abs().min() >= 2**-0.5
    assert plant.weights.abs().max() <= 2**0.5
    assert 0 < (plant.weights > 0).sum() < COUNT[form]


@pytest.mark.parametrize("form", FORMS)
def test_cells_show_noise_or_a_shift(form) -> None:
    plant = plant_of(form, shift=3.0)
    drawn = plant.inputs(4000, torch.Generator().manual_seed(1))
    shows = plant.shows(drawn.inputs)
    spread = 1.0 if form == "table" else (1 + 0.3**2 / 4) ** 0.5
    for shifted, mean in ((False, 0.0), (True, 3.0)):
        values = shows[drawn.shifted == shifted]
        assert float(values.mean()) == pytest.approx(mean, abs=0.02)
        assert float(values.std()) == pytest.approx(spread, abs=0.02)
    none = plant.inputs(50, torch.Generator().manual_seed(2), shown=0.0)
    assert not none.shifted.any()


def test_a_cell_of_an_image_is_a_square_of_four_pixels() -> None:
    plant = plant_of("image")
    cells = torch.zeros(1, 64, dtype=torch.bool)
    cells[0, 9] = True
    entries = plant.entries(cells)
    assert entries.nonzero()[:, 2:].tolist() == [[2, 2], [2, 3], [3, 2], [3, 3]]
    image = torch.zeros(1, 1, 16, 16)
    image[entries] = torch.tensor([5.0, -5, -5, 5])
    assert plant.shows(image)[0, 9] == 5
    assert plant.shows(image).count_nonzero() == 1


@pytest.mark.parametrize("form", FORMS)
def test_only_read_cells_move_the_rule_and_a_shift_moves_it_out_of_the_noise(form) -> None:
    plant = plant_of(form, shift=4.0)
    generator = torch.Generator().manual_seed(3)
    drawn, noise = (plant.inputs(2000, generator, shown=shown) for shown in (0.5, 0.0))
    whole = plant.values(drawn.inputs, 0)
    for cell in (*plant.read[0, :3].tolist(), *plant.read[1, :3].tolist()):
        one = torch.zeros(1, COUNT[form], dtype=torch.bool).index_fill_(1, torch.tensor([cell]), True)
        change = plant.values(torch.where(plant.entries(one), noise.inputs, drawn.inputs), 0) - whole
        if cell in plant.read[1]:
            assert not change.any(), "null: it is not read"
            continue
        change *= -plant.weights[cell].sign()
        shifted = drawn.shifted[:, cell]
        assert float((change[shifted] > 0).double().mean()) > 0.99
        assert float((change[~shifted] > 0).double().mean()) == pytest.approx(0.5, abs=0.06), (
            "null: as likely either way"
        )


@pytest.mark.parametrize("given", [{}, {"cut": False}, {"form": "image"}, {"training": "none"}], ids=str)
def test_nets_are_certified(given) -> None:
    trained = ShiftedCells(steps=300, **given).train(Run(1))
    assert all(check.passed for check in trained.checks), trained.checks


@pytest.mark.parametrize("form", FORMS)
def test_a_net_is_cut_off_from_the_other_half(form) -> None:
    for which, one in enumerate(saved(form, steps=20).values()):
        plant, model = one.subject.plant(one), one.subject.load(one)
        inputs = one.public["inputs"][:50].clone().requires_grad_()
        (slope,) = torch.autograd.grad(model(inputs).sum(), inputs)
        read = plant.entries(plant.is_read(which)[None]).expand_as(inputs)
        assert not slope[~read].any()
        assert slope[read].any()


@pytest.mark.parametrize("form", FORMS)
def test_rivals_are_asked_the_same_and_share_what_is_shown(form) -> None:
    given = saved(form, steps=20)
    posed = [ImportantOrNot(reader=reader, inputs=30) for reader in ("first", "second")]
    one, other = (task.pose(given) for task in posed)
    assert torch.equal(one.inputs, other.inputs)
    assert torch.equal(one.background, other.background)
    truths = [task.truth(given) for task in posed]
    first, second = (truth.masks[""] for truth in truths)
    assert not (first & second).any()
    for truth in truths:
        assert truth.figure is not None
        assert torch.equal(truth.figure, first | second)
        assert truth.figure.shape == one.inputs.shape
        assert truth.masks[""].flatten(1).any(1).all()
    assert given["first"].public["background"].mean().abs() < 0.05, "nothing is shifted there"
