"""Controls that read the board off the moves: what they reach, and that they never touch the model."""

import dataclasses

import pytest
import torch

from benchmark.errors import Unsupported
from benchmark.families.probing import ProbingQuestion, blinded, check
from benchmark.learning.moves import bag
from methods.probing.moves_net import moves_net
from methods.probing.moves_probe import moves_probe

METHODS = (moves_probe, moves_net)


def posed(n=900, m=300):
    """Concept 0 says who played on square 4; concept 1 whether that was one of the last two moves."""
    draw = torch.Generator().manual_seed(0)
    read = torch.stack([torch.randperm(9, generator=draw) for _ in range(n + m)])
    read[:, 6:] = 9
    cells = bag(read, 9)
    late = (read[:, 4:6] == 4).any(1).long()
    labels = torch.stack([(cells[:, 4] - cells[:, 13]).long() + 1, late], 1)
    x = torch.randn(n + m, 5, generator=draw)
    return ProbingQuestion(
        layer="hidden",
        train=x[:n],
        test=x[n:],
        labels=labels[:n],
        classes=(3, 2),
        run_from=lambda *_: pytest.fail("a control ran the model"),
        seed=0,
        inputs={"train": read[:n], "test": read[n:]},
    ), labels[n:]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
def test_the_moves_say_who_played_where(method):
    question, labels = posed()
    right = (check(method(question), question).scores.argmax(2) == labels).float().mean(0)
    assert right[0] > 0.98
    if method is moves_net:
        assert right[1] > 0.95, "and when"


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
def test_it_never_touches_the_model(method):
    question, _ = posed()
    blind = dataclasses.replace(question, train=torch.zeros_like(question.train), test=torch.ones_like(question.test))
    assert torch.equal(method(question), method(blind))


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)
def test_contestants_see_no_moves(method):
    question, _ = posed()
    assert blinded(question).inputs is None
    with pytest.raises(Unsupported, match="no moves"):
        method(blinded(question))
