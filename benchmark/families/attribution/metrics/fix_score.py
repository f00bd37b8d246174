"""FIX score (Jin et al. 2024, arXiv:2409.13684): do the groups of an explanation coincide with the planted ones?

    align(g) = max over planted groups p of  |g and p| / |g or p|
    fix_score = mean over entries of align(the entry's group);    an entry in no group counts 0

Groups of an explanation do not overlap here, so that the published mean over all groups that hold an entry has one
term. The mean is over the entries that are in a planted group: who finds all groups has 1, and entries that belong to
none and are taken into a group enlarge it. `fix_score@all` is the published mean over all entries; of the planted truth
it is the share of entries in a planted group.

Each entry as a group of its own has 1 / size where groups are of one size, and all entries in one group have size /
entries: an explanation without groups is not given either of them, but is unsupported. Chance is what groups of the
planted number and sizes have whose entries are drawn at random; it falls with the size.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionTruth
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, cites="arXiv:2409.13684", needs=("groups",))
def fix_score(explanation: AttributionExplanation, truth: AttributionTruth) -> dict[str, float]:
    """The mean alignment of the groups in which the entries of planted groups are, and `all`, that of all entries.

    Raises:
        Unsupported: the explanation has no groups, or has groups of entries where the truth is about pixels.
    """
    assert truth.groups is not None, "declared in `needs`"
    if explanation.groups is None:
        raise Unsupported("the explanation has no groups")
    found, planted = explanation.groups.flatten(1).long(), truth.groups.flatten(1).cpu()
    if found.shape != planted.shape:
        raise Unsupported(
            f"got groups of {found.shape[1]} entries an input, expected {planted.shape[1]}: the truth is about pixels"
        )
    aligned, inside = alignment(found, planted), planted >= 0
    own = (aligned * inside).sum(1) / inside.sum(1)
    return {"": float(own.mean()), "all": float(aligned.mean())}


def alignment(found: Int[Tensor, "n d"], planted: Int[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """For each entry, the intersection over union of its group with the planted group that it fits best; 0 where it is
    in no group (a negative number)."""
    own, theirs = _numbered(found), _numbered(planted)
    columns = int(theirs.max()) + 1
    pairs = torch.zeros(len(own), (int(own.max()) + 1) * columns, dtype=torch.float64)
    pairs.scatter_add_(1, own * columns + theirs, torch.ones(own.shape, dtype=torch.float64))
    counts = pairs.view(len(own), -1, columns)
    both = counts[:, :, 1:]
    either = counts.sum(2, keepdim=True) + counts.sum(1, keepdim=True)[:, :, 1:] - both
    best = torch.nn.functional.pad(both / either.clamp(min=1), (1, 0)).amax(2)
    best[:, 0] = 0
    return best.gather(1, own)


def _numbered(groups: Int[Tensor, "n d"]) -> Int[Tensor, "n d"]:
    """The groups of each row numbered from 1 without gaps, 0 for none."""
    ordered, order = groups.clamp(min=-1).sort(dim=1)
    steps = (ordered.diff(dim=1) > 0).long()
    first = (ordered[:, :1] >= 0).long()
    numbers = torch.cat([first, first + steps.cumsum(1)], dim=1)
    return torch.zeros_like(groups).scatter(1, order, numbers)
