"""Evidence that a net takes columns together as they were planted, by exchanging columns between inputs.

    together(i, j) = f(x with i and j exchanged) - f(x with i) - f(x with j) + f(x)

- *outputs told*: the share of each output's variance that the net tells; the least of them.
- *columns followed*: of what the exchange of a column does to the planted output, how much it does to the net's.
- *other columns ignored*: the share of an output's variance that comes from columns in no group.
- *groups act together*: of what two columns of a group do together beyond what each does alone, how much they do so in
  the net. This is what makes a group.
- *groups act apart*: the mean square of the same for columns of two groups, as a share of that within groups.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from benchmark.subjects import Check, Run
from tasks.models.feature_groups.units import OUTPUTS, Plant

FOLLOWS = 0.8
"""Of every output: so much of the planted variance is told by the net."""
COLUMN = 0.5
"""Of every column: so much of what its exchange does to the planted output, it does to the net's."""
IGNORES = 0.1
"""Of every output: so much of its variance, at most, comes from columns that are in no group."""
TOGETHER = 0.5
"""Of what pairs of a group do together, so much is done in the net."""
APART = 0.2
"""What pairs of two groups do together, at most, as a share of what pairs of one group do."""
GUESS = 0.1
"""The most that random weights may tell of any output."""
PAIRS = 40
"""So many pairs of columns of each sort are exchanged, for each output."""


def certify(
    model: nn.Module, plant: Plant, inputs: Float[Tensor, "n d"], run: Run, *, trained: bool
) -> tuple[list[Check], dict[str, float]]:
    """Exchange columns of test inputs: the certificate's lines, and numbers worth showing."""
    generator = run.generator("exchanged")
    said, wanted = model(inputs.to(run.device)).cpu(), plant.values(inputs)
    told = _told(said - wanted, wanted - wanted.mean(0))
    if not trained:
        return [Check("outputs told (random weights)", float(told.max()), GUESS, at_least=False)], {}
    others = inputs[torch.randperm(len(inputs), generator=generator)]

    def exchanged(columns: list[int]) -> tuple[Float[Tensor, "n outputs"], Float[Tensor, "n outputs"]]:
        """What an exchange does to the net's outputs, and to the planted ones."""
        mixed = inputs.clone()
        mixed[:, columns] = others[:, columns]
        return model(mixed.to(run.device)).cpu() - said, plant.values(mixed) - wanted

    groups = plant.groups()
    used = (groups[0] >= 0).nonzero()[:, 0].tolist()
    alone = {column: exchanged([column]) for column in used}
    followed = [_told(change - due, due) for change, due in alone.values()]
    noise = (groups[0] < 0).nonzero()[:, 0].tolist()
    moved = exchanged(noise)[0].square().mean(0) / (2 * said.var(0)) if noise else torch.zeros(OUTPUTS)
    here: list[Tensor] = []
    there: list[Tensor] = []
    for output in range(OUTPUTS):
        for within, kept in ((True, here), (False, there)):
            for first, second in _pairs(groups[output], within, generator):
                change, due = exchanged([first, second])
                change = change - alone[first][0] - alone[second][0]
                due = due - alone[first][1] - alone[second][1]
                kept.append(torch.stack([change[:, output], due[:, output]]))
    (change, due), (apart, _) = torch.stack(here).unbind(1), torch.stack(there).unbind(1)
    checks = [
        Check("outputs told", float(told.min()), FOLLOWS),
        Check("columns followed", float(torch.stack(followed).min()), COLUMN),
        Check("other columns ignored", float(moved.max()), IGNORES, at_least=False),
        Check("groups act together", float(_told((change - due).flatten(), due.flatten())), TOGETHER),
        Check("groups act apart", float(apart.square().mean() / change.square().mean()), APART, at_least=False),
    ]
    return checks, {"mean variance told": float(told.mean())}


def _told(errors: Float[Tensor, "n ..."], due: Float[Tensor, "n ..."]) -> Float[Tensor, "..."]:
    """The share of the squares of `due` that is not left in the errors."""
    return torch.as_tensor(1 - errors.square().mean(0) / due.square().mean(0))


def _pairs(groups: Int[Tensor, " d"], within: bool, generator: torch.Generator) -> list[list[int]]:
    """Random pairs of columns of one group, or of two."""
    pairs = torch.combinations((groups >= 0).nonzero()[:, 0])
    same = groups[pairs[:, 0]] == groups[pairs[:, 1]]
    chosen = pairs[same == within]
    found: list[list[int]] = chosen[torch.randperm(len(chosen), generator=generator)[:PAIRS]].tolist()
    return found
