"""The adversary that classifiers are trained against."""

import torch

from benchmark.subjects import generator_for
from tasks.models.shared import nets
from tasks.models.shared.training import accuracy, attack, fit


def test_the_attack_stays_in_its_ball_and_raises_the_loss():
    generator = generator_for(0, "images")
    labels = torch.arange(2).repeat(25)
    images = torch.rand(50, 1, 8, 8, generator=generator)
    images[..., :4] *= torch.where(labels == 1, 1.0, 0.8)[:, None, None, None]
    model = nets.build("mlp", (1, 8, 8), 2, seed=0)
    fit(
        model,
        lambda: (images, labels),
        epochs=40,
        batch=25,
        learning_rate=0.003,
        eps=0.0,
        steps=1,
        generator=generator,
        progress=lambda *_, **__: None,
    )
    model.eval()
    attacked = attack(model, images, labels, eps=1.5, steps=5, generator=generator_for(0, "a"))
    assert (attacked - images).flatten(1).norm(dim=1).max() <= 1.5 + 1e-4
    assert attacked.min() >= 0
    assert attacked.max() <= 1
    assert accuracy(model, attacked, labels) < accuracy(model, images, labels)
