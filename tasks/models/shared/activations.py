"""What dictionary tasks ask about a subject whose public arrays are its activations."""

from __future__ import annotations

from typing import Any

from jaxtyping import Bool
from torch import Tensor

from benchmark.families.dictionary import DictionaryQuestion
from benchmark.subjects import Saved


def question_of(
    saved: Saved, *, size: int, sparsity: int, on: Bool[Tensor, "n g"], **further: Any
) -> DictionaryQuestion:
    """The splits `train`, `validation` and `test`, and which features are on in the training rows, for the supervised
    ceiling; `further` are other fields of the question."""
    train, validation, test = (saved.public[split].clone() for split in ("train", "validation", "test"))
    return DictionaryQuestion(
        train,
        validation,
        test,
        size=size,
        sparsity=sparsity,
        seed=saved.method_seed,
        source=saved.identity,
        labels=on,
        **further,
    )
