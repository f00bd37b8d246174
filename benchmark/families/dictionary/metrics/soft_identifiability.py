"""Soft identifiability: can one atom, with a threshold, tell for each concept whether it is there?

Fel et al. 2025 (arXiv:2502.12892) take for each class the best accuracy of a latent's code above a threshold, and the
mean over classes. Their definition is given here as it was recalled, not read again; `@accuracy` is that. Of a concept
that is there in one row of five, silence has .8 by it. So the value is the balanced accuracy, the mean of those
on the rows with the concept and on those without: .5 for a code that is always on, always off or blind.

Unlike there, atom and threshold are chosen on validation rows and scored on test rows. Any threshold may be chosen; one
atom may serve several concepts. Nothing is asked of directions.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.plugins import metric

CHUNK = 2**24
"""Entries of a table that is held at once."""


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, draws=10, cites="arXiv:2502.12892")
def soft_identifiability(explanation: DictionaryExplanation, truth: DictionaryTruth) -> dict[str, float]:
    """Mean over the concepts that occur of the balanced test accuracy of the atom and threshold that are best for each
    on the validation rows; `@accuracy` chooses and counts by plain accuracy.
    """
    validation, test = explanation.validation_codes, explanation.test_codes
    seen = truth.occurring
    labels, held = truth.validation[:, seen], truth.test[:, seen]
    scores = {}
    for name, balanced in (("", True), ("accuracy", False)):
        atom, level = best_cuts(validation, labels, balanced=balanced)
        right = (test[:, atom] > level) == held
        scores[name] = float((right * _weights(held, balanced)).sum(0).mean())
    return scores


def best_cuts(
    codes: Float[Tensor, "v m"], labels: Bool[Tensor, "v g"], *, balanced: bool
) -> tuple[Int[Tensor, " g"], Float[Tensor, " g"]]:
    """For each concept the atom, and the level that its code must exceed, of greatest accuracy.

    Levels lie half-way between two codes, at 0 where every positive code counts, and at infinity where no code tells
    more than silence.
    """
    weights = _weights(labels, balanced)
    gain = torch.where(labels, weights, -weights)  # of saying yes instead of no
    best = torch.zeros(labels.shape[1])
    atom, level = torch.zeros_like(best, dtype=torch.int64), torch.full_like(best, torch.inf)
    step = max(1, CHUNK // max(1, gain.numel()))
    for start in range(0, codes.shape[1], step):
        part = codes[:, start : start + step]
        most_on = max(1, int((part > 0).sum(0).max()))  # of an atom; codes of 0 are silence
        ordered, order = part.topk(most_on, dim=0)
        sums = gain[order].cumsum(0)
        below = torch.cat([ordered[1:], torch.zeros_like(ordered[:1])])
        sums.masked_fill_((ordered <= below)[..., None], -torch.inf)  # equal codes are cut together
        most, rank = sums.amax(0), sums.argmax(0)
        found, which = most.max(0)
        better = found > best
        chosen = rank[which, torch.arange(len(which))]
        next_lower = below[chosen, which]
        middle = torch.where(next_lower > 0, (ordered[chosen, which] + next_lower) / 2, 0.0)
        best = torch.where(better, found, best)
        atom = torch.where(better, which + start, atom)
        level = torch.where(better, middle, level)
    return atom, level


def _weights(labels: Bool[Tensor, "n g"], balanced: bool) -> Float[Tensor, "n g"]:
    """What each row counts for each concept; columns sum to 1."""
    if not balanced:
        return torch.full(labels.shape, 1 / max(1, len(labels)))
    on = labels.sum(0)
    return torch.where(labels, 0.5 / on.clamp(min=1), 0.5 / (len(labels) - on).clamp(min=1))
