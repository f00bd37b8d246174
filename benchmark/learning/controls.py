"""Control concepts: labels that can only be memorised (Hewitt and Liang 2019, arXiv:1909.03368), among the real ones.

    mixed = with_controls(train, test, train_types, test_types, classes, copies=(0, 1, 2), generator=generator)

Every type of input (a word, say) gets one label, drawn once from the frequencies of the concept that the control
copies, and keeps it in train and test. A probe that predicts it has learnt the types by heart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor


@dataclass(frozen=True)
class Mixed:
    """Real and control concepts in one shuffled order."""

    train: Int[Tensor, "n concepts"]
    test: Int[Tensor, "m concepts"]
    classes: tuple[int, ...]
    control_of: tuple[int, ...]
    """-1 for a real concept, else the position of the real concept that the control copies."""
    order: tuple[int, ...]
    """Where each position came from: the number of a real concept, or `len(real) + i` for the i-th control."""

    def position(self, concept: int) -> int:
        """Where the real concept with this number went."""
        return self.order.index(concept)


def control_labels(
    labels: Int[Tensor, " n"], classes: int, types: Int[Tensor, " t"], generator: torch.Generator
) -> Int[Tensor, " t"]:
    """A label for each of the inputs of types `types` [t]: one per type, drawn from the frequencies of `labels`."""
    frequencies = torch.bincount(labels.long(), minlength=classes).double()
    kinds, which = torch.unique(types, return_inverse=True)
    drawn = torch.multinomial(frequencies, len(kinds), replacement=True, generator=generator)
    return drawn[which]


def with_controls(
    train: Int[Tensor, "n real"],
    test: Int[Tensor, "m real"],
    train_types: Int[Tensor, " n"],
    test_types: Int[Tensor, " m"],
    classes: Sequence[int],
    *,
    copies: Sequence[int],
    generator: torch.Generator,
) -> Mixed:
    """Add a control for each concept in `copies` and shuffle them all, so that nothing tells which are controls."""
    types = torch.cat([train_types, test_types]).cpu()
    drawn = [control_labels(train[:, concept].cpu(), classes[concept], types, generator) for concept in copies]
    controls = torch.stack(drawn, 1) if drawn else torch.zeros(len(types), 0, dtype=torch.long)
    order = torch.randperm(train.shape[1] + len(copies), generator=generator)
    everything = torch.cat([torch.cat([train, test]).long().cpu(), controls], 1)[:, order]
    kinds = [*classes, *(classes[concept] for concept in copies)]
    twin = [*[-1] * train.shape[1], *copies]
    place = {int(source): position for position, source in enumerate(order)}
    return Mixed(
        train=everything[: len(train)],
        test=everything[len(train) :],
        classes=tuple(kinds[i] for i in order.tolist()),
        control_of=tuple(place[twin[i]] if twin[i] >= 0 else -1 for i in order.tolist()),
        order=tuple(order.tolist()),
    )
