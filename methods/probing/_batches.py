"""Stacks posed subjects of equal shape, so that probes for all of them are fitted as one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.families.probing import ProbingExplanation, ProbingSubject


@dataclass(frozen=True)
class Batch:
    """Some subjects with the same numbers of inputs, widths and classes."""

    train: Float[Tensor, "b n d"]
    test: Float[Tensor, "b m d"]
    labels: Int[Tensor, "b n concepts"]
    classes: tuple[int, ...]
    seeds: tuple[int, ...]

    @property
    def one_hot(self) -> Float[Tensor, "b n concepts classes"]:
        """Labels as indicator variables."""
        return torch.nn.functional.one_hot(self.labels.long(), max(self.classes)).to(self.train)


@dataclass(frozen=True)
class Answer:
    """Explanations of a whole batch."""

    scores: Float[Tensor, "b m concepts classes"]
    subspace: Float[Tensor, "b concepts k d"] | None = None
    reader: Float[Tensor, "b concepts k d"] | None = None


def solve(subjects: Sequence[ProbingSubject], answer: Callable[[Batch], Answer]) -> list[ProbingExplanation]:
    """Answer batch by batch and hand the explanations back in the order of the subjects."""
    shapes: dict[tuple[object, ...], list[int]] = {}
    for i, subject in enumerate(subjects):
        shapes.setdefault((subject.train.shape, subject.test.shape, subject.classes), []).append(i)
    explanations: dict[int, ProbingExplanation] = {}
    for members in shapes.values():
        chosen = [subjects[i] for i in members]
        found = answer(
            Batch(
                train=torch.stack([subject.train for subject in chosen]),
                test=torch.stack([subject.test for subject in chosen]),
                labels=torch.stack([subject.labels for subject in chosen]),
                classes=chosen[0].classes,
                seeds=tuple(subject.seed for subject in chosen),
            )
        )
        for place, i in enumerate(members):
            explanations[i] = ProbingExplanation(
                scores=found.scores[place],
                subspace=None if found.subspace is None else found.subspace[place],
                reader=None if found.reader is None else found.reader[place],
            )
    return [explanations[i] for i in range(len(subjects))]


def class_means(batch: Batch) -> tuple[Float[Tensor, "b concepts classes d"], Float[Tensor, "b concepts classes"]]:
    """Mean activation and frequency of every class; one without train inputs has the overall mean and frequency 0."""
    one_hot = batch.one_hot
    counts = one_hot.sum(1)
    # about the overall mean, so that float32 does not lose small differences beside large offsets
    overall = batch.train.mean(1, keepdim=True)
    sums = (one_hot.flatten(2).mT @ (batch.train - overall)).unflatten(1, counts.shape[1:])
    return sums / counts.clamp_min(1)[..., None] + overall[:, None], counts / one_hot.shape[1]


def span(rows: Float[Tensor, "... r d"], classes: tuple[int, ...], tolerance: float = 1e-4) -> Float[Tensor, "... k d"]:
    """Orthonormal basis of each concept's rows, at most one direction per class but one, zeros beyond the rank.

    `rows` is [b, concepts, r, d]; singular values below `tolerance` times the largest count as zero.
    """
    k = max(classes) - 1
    _, size, directions = torch.linalg.svd(rows, full_matrices=False)
    room = torch.arange(k, device=rows.device) < torch.tensor(classes, device=rows.device)[:, None] - 1
    kept = (size[..., :k] > tolerance * size[..., :1].clamp_min(1e-30)) & room
    return directions[..., :k, :] * kept[..., None]
