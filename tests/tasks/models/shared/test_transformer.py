"""The small decoder: what reads what, and where its attention can be found."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tasks.models.shared.transformer import Attention, Transformer


def drawn(**given) -> Transformer:
    torch.manual_seed(0)
    return Transformer(vocabulary=5, places=9, classes=3, width=16, glances=(1, 2, 4, 8), **given).eval()


def inputs(count: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(5, (count, 9), generator=generator)
    return torch.eye(5)[tokens].mT.contiguous()


@pytest.mark.parametrize("read", [1, 2])
def test_logits_are_read_at_the_last_places_and_no_place_sees_a_later_one(read: int) -> None:
    model = drawn(read=read, layers=1)
    seen: list[torch.Tensor] = []
    model.layers[0].register_forward_hook(lambda _module, _arguments, output: seen.append(output))
    first = inputs()
    other = first.clone()
    other[:, :, 6] = first[:, :, 6].roll(1, 1)
    assert model(first).shape == (4, 3)
    model(other)
    assert torch.equal(seen[0][:, :6], seen[1][:, :6])
    assert not torch.allclose(seen[0][:, 6:], seen[1][:, 6:])
    changed = seen[0].clone()
    changed[:, :-read] = 0
    torch.testing.assert_close(model.read(model.norm(changed[:, -read:]).flatten(1)), model(first))


def test_attention_leaves_a_softmax_module_and_the_first_heads_glance_back() -> None:
    model = drawn()
    found: list[torch.Tensor] = []
    for module in model.modules():
        if isinstance(module, nn.Softmax):
            module.register_forward_hook(lambda _module, _arguments, output: found.append(output))
    model(inputs())
    assert [tuple(weights.shape) for weights in found] == [(4, 4, 9, 9)] * 2
    for weights in found:
        torch.testing.assert_close(weights.sum(-1), torch.ones(4, 4, 9))
        assert not weights.triu(1).any()
    last = found[0][:, :, 8]
    for head, back in enumerate((1, 2, 4, 8)):
        assert (last[:, head].argmax(1) == 8 - back).all()
    assert not model.layers[1].attention.near.any()


def test_attention_is_that_of_the_formula() -> None:
    torch.manual_seed(0)
    layer = Attention(width=8, heads=2, places=3).requires_grad_(False)
    layer.near.normal_()
    x = torch.randn(1, 3, 8)
    q, k, v = (part.view(3, 2, 4) for part in layer.reads(x)[0].split(8, dim=1))
    expected = torch.zeros(3, 8)
    for place in range(3):
        for head in range(2):
            scores = torch.stack(
                [q[place, head] @ k[at, head] / 2 + layer.near[head, place - at] for at in range(place + 1)]
            )
            shares = scores.exp() / scores.exp().sum()
            taken = sum(share * v[at, head] for at, share in enumerate(shares))
            expected[place, 4 * head : 4 * head + 4] = taken
    torch.testing.assert_close(layer(x)[0], layer.writes(expected))
