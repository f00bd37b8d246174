"""The shared classifiers can be explained by libraries that hook modules."""

import pytest
import torch

from tasks.models.shared import nets

SHAPE = (1, 16, 8)


@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_every_activation_is_a_module_used_once(architecture):
    model = nets.build(architecture, SHAPE, 10, seed=0)
    calls: list[torch.nn.Module] = []
    for module in model.modules():
        if isinstance(module, torch.nn.ReLU):
            module.register_forward_hook(lambda module, *_: calls.append(module))
    model(torch.rand(2, *SHAPE))
    assert len(calls) == len(set(calls)) >= 2
