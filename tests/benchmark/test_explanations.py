"""Explanations of any family's form come back from their parts as they were."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.explanations import parts, whole
from benchmark.registry import plugins
from benchmark.stages.instances import family_of
from benchmark.store import Store


@dataclass(frozen=True, eq=False)
class Mixed:
    atoms: torch.Tensor
    text: str
    score: float
    extra: torch.Tensor | None = None
    layers: Mapping[str, torch.Tensor] = dataclasses.field(default_factory=dict)


class Liar(torch.Tensor):
    """A tensor whose own functions say what it likes."""

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return torch.ones(())


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.floats(allow_nan=False),
    st.booleans(),
    st.lists(st.text("abc./", min_size=1, max_size=3), max_size=2, unique=True),
)
@settings(max_examples=40, deadline=None)
def test_tensors_texts_numbers_and_absences_come_back(
    tmp_path_factory: pytest.TempPathFactory, text: str, score: float, has_extra: bool, names: list[str]
) -> None:
    layers = {name: torch.full((2,), float(number)) for number, name in enumerate(names)}
    original = Mixed(torch.arange(6.0).reshape(2, 3).T, text, score, torch.ones(2) if has_extra else None, layers)
    plain, tensors = parts(original)
    kept = Store(tmp_path_factory.mktemp("explanation")).put("a", "key", {"plain": plain}, {"": tensors})
    read = whole(Mixed, kept.content["plain"], dict(kept.tensors()))
    assert torch.equal(read.atoms, original.atoms)
    assert (read.text, read.score) == (text, score)
    assert (read.extra is None) == (original.extra is None)
    assert list(read.layers) == sorted(layers) or set(read.layers) == set(layers)
    assert all(torch.equal(read.layers[name], layers[name]) for name in layers)


def test_a_tensor_is_the_numbers_that_it_holds() -> None:
    lying = torch.tensor([1.0, float("nan")]).as_subclass(Liar)
    _, tensors = parts(Mixed(lying, "", 0.0))
    assert type(tensors["atoms"]) is torch.Tensor
    assert tensors["atoms"].isnan().tolist() == [False, True]


def test_parts_that_are_none_are_refused() -> None:
    with pytest.raises(TypeError):
        whole(Mixed, {"text": "", "score": 0.0}, {"other": torch.ones(1)})
    with pytest.raises(TypeError):
        whole(Mixed, {"text": "", "score": 0.0}, {})


@pytest.mark.parametrize("family", plugins().families)
def test_every_family_has_an_explanation(family: str) -> None:
    assert dataclasses.is_dataclass(family_of(family).explanation)
