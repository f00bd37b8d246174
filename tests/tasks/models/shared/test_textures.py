"""Textures: what all have in common, and what tells them apart."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tasks.models.shared.textures import TEXTURES, textures

NUMBERS = {name: number for number, name in enumerate(TEXTURES)}


@given(st.integers(0, 10_000), st.sampled_from(range(len(TEXTURES))), st.sampled_from([16, 24]))
def test_every_texture_has_mean_0_and_variance_1(seed: int, number: int, side: int) -> None:
    found = textures(torch.full((3,), number), side, torch.Generator().manual_seed(seed))
    assert found.shape == (3, side, side)
    torch.testing.assert_close(found.mean((1, 2)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(found.square().mean((1, 2)), torch.ones(3), atol=1e-4, rtol=0)


def test_neighbours_are_alike_but_for_grain() -> None:
    for name, number in NUMBERS.items():
        found = textures(torch.full((200,), number), 24, torch.Generator().manual_seed(0))
        beside = float((found[:, :, 1:] * found[:, :, :-1]).mean())
        assert beside == pytest.approx(0, abs=0.03) if name == "grain" else beside > 0.2, (name, beside)


def test_waves_are_high_or_low_and_seldom_between() -> None:
    for name in ("stripes", "rings"):
        found = textures(torch.full((100,), NUMBERS[name]), 24, torch.Generator().manual_seed(0))
        assert float((found.abs() < 0.5).float().mean()) < 0.25, name


def test_stripes_do_not_change_along_themselves() -> None:
    """All slopes of a plane wave point one way, or the opposite one, but for the pixels' coarseness."""
    found = textures(torch.full((50,), NUMBERS["stripes"]), 24, torch.Generator().manual_seed(0)).double()
    down, right = torch.gradient(found, dim=(1, 2))
    inside = (slice(None), slice(2, -2), slice(2, -2))
    tensor = torch.stack([(a[inside] * b[inside]).sum((1, 2)) for a in (down, right) for b in (down, right)], 1)
    values = torch.linalg.eigvalsh(tensor.view(-1, 2, 2))
    assert float((values[:, 0] / values[:, 1]).max()) < 0.1


def test_each_row_has_its_own_kind_and_a_seed_gives_the_same_again() -> None:
    kinds = torch.arange(len(TEXTURES)).repeat(3)
    first, again = (textures(kinds, 24, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    rough = (first[:, :, 1:] - first[:, :, :-1]).square().mean((1, 2))
    assert torch.equal(rough > 1.5, kinds == NUMBERS["grain"])
