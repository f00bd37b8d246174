"""True features of several dimensions, such as circles, and how atoms find them.

    a feature adds  coordinates [k] @ axes [k, d],  axes orthonormal                  k = 2: an angle and a strength

Codes are not negative, so a dictionary writes such a feature with atoms of several directions. One that is exact has
two for each axis, with the positive and the negative part of its coordinate; `truth_of_subspaces` makes a truth of
these halves. Which axes are taken in a subspace is arbitrary. A metric that compares single atoms with single
directions would ask for them, so a task on such features asks for the subspaces instead (`found_by`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from benchmark.families.dictionary import DictionaryTruth

COSINE = 0.9
"""Within 26 degrees, as in `recall_at_cosine_0.9`."""


def halves(coordinates: Float[Tensor, "n axes"]) -> Float[Tensor, "n halves"]:
    """Codes of all axes and then of their opposites, of which one of each two is positive."""
    return torch.cat([coordinates.clamp(min=0), (-coordinates).clamp(min=0)], 1)


def truth_of_subspaces(
    subspaces: Sequence[Float[Tensor, "k d"]],
    validation: Float[Tensor, "v axes"],
    test: Float[Tensor, "t axes"],
    bias: Float[Tensor, d],
    names: Sequence[str] = (),
) -> DictionaryTruth:
    """A truth whose features are halves of axes; coordinates lie along the axes of all subspaces in their order.

    `names` are those of the axes, if they have any.
    """
    axes = torch.cat(list(subspaces))
    codes = halves(validation), halves(test)
    return DictionaryTruth(
        codes[0] > 0,
        codes[1] > 0,
        torch.cat([axes, -axes]),
        bias,
        validation_codes=codes[0],
        test_codes=codes[1],
        names=(*(f"{name} > 0" for name in names), *(f"{name} < 0" for name in names)),
        subspaces=tuple(subspaces),
    )


def found_by(atoms: Float[Tensor, "m d"], subspace: Float[Tensor, "k d"]) -> bool:
    """Whether the atoms near a subspace span it.

    Near are atoms whose cosine with the subspace exceeds 0.9. Of their unit vectors the k principal axes (right
    singular vectors, about the origin) are taken. The subspace is found where its least principal cosine with them
    exceeds 0.9, and the k-th squared singular value exceeds 1 - 0.9: two atoms of cosine 0.9 or more count as one.
    Signs, lengths and order of atoms do not matter, and copies do not help. With k = 1 it is an absolute cosine.
    """
    k = len(subspace)
    unit = normalize(atoms.double(), dim=1)
    near = unit[(unit @ subspace.double().T).norm(dim=1) > COSINE]
    if len(near) < k:
        return False
    _, lengths, axes = torch.linalg.svd(near, full_matrices=False)
    cosines = torch.linalg.svdvals(axes[:k] @ subspace.double().T)
    return bool(lengths[k - 1] ** 2 > 1 - COSINE) and bool(cosines[-1] > COSINE)
