"""A network on the moves: what training without the model makes of who played where and when.

A control, and a better one than the linear `moves_probe`: an early disc in the middle has mostly been turned over
since, and a network with two hidden layers learns such things. It sees the train positions of the question and no
others; with more games, or the rules, the moves give the board away completely. Contestants do not see them. Its sizes
were chosen on games of their own, apart from those of every subject.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmark.errors import Unsupported
from benchmark.families.probing import ProbingQuestion, probing_method
from benchmark.learning.moves import dated_bag, squares_in
from benchmark.learning.probes import absent_classes


@probing_method(
    cites="arXiv:2309.00941", control=True, supervised=True, requires=("moves",), small={"steps": 100, "hidden": 64}
)
def moves_net(
    question: ProbingQuestion,
    *,
    hidden: int = 384,
    steps: int = 600,
    batch: int = 256,
    rate: float = 2e-3,
    decay: float = 0.1,
) -> Tensor:
    """Train one network for all concepts, moves -> hidden -> hidden -> classes, with AdamW and a triangular rate."""
    if question.inputs is None:
        raise Unsupported("the question has no moves")
    device, generator = question.train.device, torch.Generator().manual_seed(question.seed)
    squares = squares_in(question.inputs)
    train, test = (dated_bag(question.inputs[split].to(device), squares) for split in ("train", "test"))
    absent = absent_classes(question.classes, train)
    net = nn.Sequential(
        nn.Linear(train.shape[1], hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, absent.numel()),
    )
    for layer in net:
        if isinstance(layer, nn.Linear):
            with torch.no_grad():
                bound = layer.in_features**-0.5
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.zero_()
    net.to(device)
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=decay)
    peak = 0.3 * steps
    labels = question.labels.to(device).long()
    for step in range(steps):
        rows = torch.randint(len(train), (batch,), generator=generator).to(device)
        optimiser.param_groups[0]["lr"] = rate * min((step + 1) / peak, (steps - step) / (steps - peak))
        logits = net(train[rows]).view(batch, *absent.shape) + absent
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), labels[rows].flatten())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        scores: Tensor = net(test).view(-1, *absent.shape)
    return scores
