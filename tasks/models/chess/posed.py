"""What tasks on the language model of chess have in common: rows, controls' inputs, and the model before training."""

from __future__ import annotations

from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.families.dictionary import DictionaryQuestion
from benchmark.subjects import Saved
from tasks.models.chess.labels import at_tokens, moves_read
from tasks.models.othello.readings import activations_at


def place_of(layer: int) -> str:
    """The residual stream behind a block."""
    return f"block{layer}.residual"


def question(saved: Saved, labels: Bool[Tensor, "n g"], layer: int, size: int, sparsity: int) -> DictionaryQuestion:
    """The activations behind a block, and for controls which piece each move moved where."""
    train, validation, test = (
        saved.public[f"{split}_{place_of(layer)}"].float() for split in ("train", "validation", "test")
    )
    return DictionaryQuestion(
        train,
        validation,
        test,
        size=size,
        sparsity=sparsity,
        seed=saved.method_seed,
        source=f"{saved.identity}/{layer}",
        labels=labels,
        inputs={s: moves_read(saved.public[f"{s}_played"], indexed(saved, s)) for s in ("train", "validation", "test")},
    )


def indexed(saved: Saved, split: str) -> Int[Tensor, "n 2"]:
    """Game and number of moves of each row of a split."""
    return saved.public[f"{split}_index"].long()


def before_training(saved: Saved, split: str, layer: int) -> Float[Tensor, "n d"]:
    """Activations of the same rows in the same model before training."""
    at = at_tokens(indexed(saved, split))
    return activations_at(saved.subject.twin(saved), place_of(layer), saved.public[f"{split}_tokens"], at)


def common(labels: Bool[Tensor, "n g"], least: float) -> Int[Tensor, " kept"]:
    """The columns that are on, and off, in at least a share of the rows: of others too few firings could be told."""
    rate = labels.float().mean(0)
    return ((rate >= least) & (rate <= 1 - least)).nonzero()[:, 0]
