"""A control of graphs: neighbours are counted, and nothing is asked of the model."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, check
from methods.attribution.input_magnitude import input_magnitude
from methods.attribution.node_degree import node_degree


class Untouchable(nn.Module):
    """A model that is not called."""

    def __call__(self, *_):
        raise AssertionError("a control asked the model")


def asked(inputs: torch.Tensor) -> AttributionQuestion:
    targets = torch.zeros(len(inputs), dtype=torch.int64)
    return AttributionQuestion(Untouchable(), inputs, targets, inputs, torch.zeros_like(inputs[0]), 0)


def star() -> torch.Tensor:
    """A hub with three leaves, and a node alone; kinds of either sign on the diagonal."""
    graph = torch.diag(torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0]))
    graph[0, 1:4] = graph[1:4, 0] = 1
    return graph[None, None]


def test_a_star_has_a_hub_and_edges_in_between() -> None:
    question = asked(star())
    found = check(node_degree(question), question).attributions[0, 0]
    assert found.diagonal().tolist() == [3, 1, 1, 1, 0], "whatever the kinds"
    assert found[0, 1:].tolist() == [2, 2, 2, 0]
    assert torch.equal(found, found.T)
    assert not found[1:, 1:].triu(1).any()


def test_it_tells_edges_apart_as_the_magnitude_does_not() -> None:
    graph = star()
    graph[..., 1, 2] = graph[..., 2, 1] = 1
    question = asked(graph)
    edges = (0, 0, [0, 0], [1, 3])
    assert node_degree(question)[edges].tolist() == [2.5, 2.0]
    assert input_magnitude(question)[edges].tolist() == [1.0, 1.0]


def test_an_edge_in_one_direction_counts_one_half() -> None:
    graph = torch.zeros(1, 1, 3, 3)
    graph[0, 0, 0, 1] = 1
    assert node_degree(asked(graph))[0, 0].diagonal().tolist() == [0.5, 0.5, 0.0]


@pytest.mark.parametrize("shape", [(2, 9), (2, 1, 4, 6)])
def test_what_is_no_matrix_of_a_graph_is_unsupported(shape: tuple[int, ...]) -> None:
    with pytest.raises(Unsupported, match="square matrices"):
        node_degree(asked(torch.ones(shape)))
