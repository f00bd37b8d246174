"""Collages: glyphs that nothing linear tells, their places, and what is exchanged."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError
from benchmark.subjects import generator_for
from tasks.models.collages.certificate import class_directions, effects, share_added
from tasks.models.collages.glyphs import ALIKE, SIDE, glyphs, likeness
from tasks.models.collages.images import CELL, CELLS, NOISE, Collages, draw
from tasks.models.collages.subject import CollageReader


def drawn(objects: int = 4, classes: int = 8, count: int = 400) -> Collages:
    return draw(glyphs(classes, generator_for(0, "glyphs")), objects, count, generator_for(0, "collages"))


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 10**6))
def test_glyphs_are_mirrored_balanced_and_unlike_each_other(seed: int) -> None:
    found = glyphs(12, generator_for(seed, "glyphs"))
    assert torch.equal(found, found.flip(2))
    assert (found.sum((1, 2)) == 0).all()
    assert (found.abs() == 1).all()
    for index in range(1, 12):
        assert likeness(found[index], found[:index]).max() <= ALIKE
        assert likeness(found[index], found[index : index + 1]) == pytest.approx(1)


def test_a_shifted_negative_is_as_like_as_itself() -> None:
    glyph = glyphs(1, generator_for(0, "glyphs"))[0]
    assert likeness(glyph, -glyph[None]) == pytest.approx(1)
    shifted = torch.zeros(1, SIDE, SIDE)
    shifted[0, 1:, 2:] = glyph[:-1, :-2]
    assert likeness(glyph, shifted) == pytest.approx((SIDE - 1) * (SIDE - 2) / SIDE**2)


@pytest.mark.parametrize("objects", [1, 2, 4])
def test_each_object_lies_in_a_cell_of_its_own_and_no_glyph_is_there_twice(objects: int) -> None:
    collages = drawn(objects)
    assert (collages.present().sum(1) == objects).all()
    clean = (collages.pixels()[:, 0] - collages.noise).unfold(1, CELL, CELL).unfold(2, CELL, CELL)
    filled = (clean != 0).flatten(3).sum(3).flatten(1)
    assert torch.equal(filled.sort(1).values[:, CELLS - objects :], torch.full((400, objects), SIDE * SIDE))
    assert torch.equal(filled.sum(1), torch.full((400,), objects * SIDE * SIDE))


def test_the_mean_of_each_pixel_says_nothing() -> None:
    collages = drawn(objects=1, classes=2, count=20000)
    pixels, first = collages.pixels().flatten(1), collages.present()[:, 0]
    apart = (pixels[first].mean(0) - pixels[~first].mean(0)).abs().max()
    assert apart < 6 * (1 + NOISE**2) ** 0.5 * (2 / 10000) ** 0.5


def test_an_exchanged_object_stays_where_it_was() -> None:
    collages = drawn()
    other = (collages.present().int().argmin(1)).long()
    new = collages.exchanged(other)
    row = torch.arange(400)
    assert new.present()[row, other].all()
    assert not new.present()[row, collages.classes[:, 0]].any()
    changed = (new.pixels() != collages.pixels())[:, 0].unfold(1, CELL, CELL).unfold(2, CELL, CELL)
    assert (changed.flatten(3).any(3).flatten(1).sum(1) == 1).all()


def test_effects_and_what_rows_gain_by_them_in_closed_form() -> None:
    """Rows that are sums of written directions: the effects rebuild them, whatever all objects have in common."""
    present = drawn(classes=6).present()
    written = torch.randn(6, 5, generator=generator_for(0, "written"))
    rows = present.float() @ written
    found = effects(rows, present)
    # of equally frequent and exchangeable objects; the draw is only nearly so
    expected = (written - written.mean(0)) / share_added(6)
    torch.testing.assert_close(found, expected, atol=0.5, rtol=0)
    every = torch.tensor([[i != a and i != b for i in range(6)] for a in range(6) for b in range(a)])
    torch.testing.assert_close(effects(every.float() @ written, every), expected, atol=1e-5, rtol=1e-5)


def test_class_directions_do_not_see_what_all_rows_share() -> None:
    weight = torch.randn(5, 4, generator=generator_for(0, "weight"))
    shifted = weight + torch.tensor([3.0, -1.0, 0.5, 7.0])
    torch.testing.assert_close(class_directions(shifted), class_directions(weight))
    torch.testing.assert_close(class_directions(weight).norm(dim=1), torch.ones(5))


def test_more_objects_than_cells_are_refused() -> None:
    with pytest.raises(TouchstoneError, match="objects: got 5"):
        CollageReader(objects=5)
