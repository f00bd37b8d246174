"""Subjects that several tests of dictionary tasks ask about."""

import pytest
import torch

from benchmark.subjects import Run, Saved
from tasks.models.othello.subject import OthelloModel


@pytest.fixture(scope="session")
def othello():
    subject = OthelloModel(
        training="none",
        size=4,
        layers=2,
        width=16,
        heads=2,
        train_positions=600,
        validation_positions=400,
        test_positions=400,
    )
    trained = subject.train(Run(0))
    return Saved(subject, 0, torch.device("cpu"), trained.weights, trained.public)
