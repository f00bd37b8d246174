"""Explanations of any family's form come back from disk as they were."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import DamagedArtifactError
from benchmark.explanations import read_explanation, write_explanation
from benchmark.registry import plugins
from benchmark.stages.instances import family_of


@dataclass(frozen=True, eq=False)
class Mixed:
    atoms: torch.Tensor
    text: str
    score: float
    extra: torch.Tensor | None = None


@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(allow_nan=False), st.booleans(), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_tensors_texts_numbers_and_absences_come_back(
    tmp_path_factory: pytest.TempPathFactory, text: str, score: float, has_extra: bool, size: int
) -> None:
    folder = tmp_path_factory.mktemp("explanation")
    original = Mixed(torch.arange(size * 3.0).reshape(size, 3), text, score, torch.ones(2) if has_extra else None)
    record = json.loads(json.dumps(write_explanation(folder / "a.safetensors", original)))
    read = read_explanation(folder, record, Mixed)
    assert torch.equal(read.atoms, original.atoms)
    assert (read.text, read.score) == (text, score)
    assert (read.extra is None) == (original.extra is None)


def test_an_altered_explanation_is_named(tmp_path: Path) -> None:
    record = write_explanation(tmp_path / "a.safetensors", Mixed(torch.ones(4), "", 0.0))
    content = bytearray((tmp_path / "a.safetensors").read_bytes())
    content[-1] ^= 1
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(DamagedArtifactError, match=r"a\.safetensors is damaged: its checksum"):
        read_explanation(tmp_path, record, Mixed)


@pytest.mark.parametrize("family", plugins().families)
def test_every_family_has_an_explanation(family: str) -> None:
    assert dataclasses.is_dataclass(family_of(family).explanation)
