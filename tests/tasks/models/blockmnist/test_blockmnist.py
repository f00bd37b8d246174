"""BlockMNIST: what is planted where, the split, and a short training."""

import dataclasses
import os
from pathlib import Path

import pytest
import torch

from benchmark.registry import PROJECT
from benchmark.subjects import Run, Saved, generator_for
from tasks.attribution.blockmnist import BlockMnistTask
from tasks.models.blockmnist.subject import BlockMnist
from tasks.models.shared import stacking
from tasks.models.shared.digits import read_digits
from tasks.models.shared.training import predict

FEW = 5
MNIST = Path(os.environ.get("TOUCHSTONE_MNIST", PROJECT.parent / "shared" / "data" / "mnist"))


def saved(subject: BlockMnist, seed: int = 0):
    trained = subject.train(Run(seed))
    return trained, Saved(subject, seed, torch.device("cpu"), trained.weights, trained.public)


@pytest.fixture(scope="module")
def short():
    return saved(BlockMnist(epochs=FEW))


def halves(images):
    return images[:, 0, : stacking.SIDE], images[:, 0, stacking.SIDE :]


@pytest.mark.skipif(
    not MNIST.is_dir(), reason=f"no MNIST at {MNIST}; set TOUCHSTONE_MNIST to a folder of the hub's form"
)
def test_a_subject_is_trained_and_certified_on_mnist_itself():
    pytest.importorskip("datasets")
    data = read_digits("mnist", str(MNIST), generator_for(0, "split"))
    assert data.train.shape[1:] == data.test.shape[1:] == (28, 28)
    assert set(data.train_labels.tolist()) == set(data.test_labels.tolist()) == set(range(10))
    assert (data.train.min(), data.train.max()) == (0, 1)
    trained = BlockMnist(data="mnist", source=str(MNIST), epochs=4).train(Run(0))
    assert all(check.passed for check in trained.checks)


@pytest.mark.parametrize("null", ["square", "noise"])
@pytest.mark.parametrize("position", ["random", "top"])
def test_blocks_are_where_the_truth_says(null, position):
    subject = BlockMnist(null=null, position=position)
    run = Run(3)
    data = read_digits("digits", "", run.generator("split"))
    plant = subject._plant(data, run)
    mask = stacking.first_mask(plant.tops)
    images = plant.images()
    assert torch.equal(images[mask].view(-1, 28, 28), data.test)
    nulls = images[~mask].view(-1, 28, 28)
    assert bool((nulls == nulls[:1]).all()) == (null != "noise")
    assert bool(plant.tops.all()) == (position == "top")
    upper, lower = halves(images)
    assert torch.equal(torch.where(plant.tops[:, None, None], upper, lower), data.test)
    # the training images share the fixed null block
    composed, labels = subject._epoch(data, subject._square(run), run.generator("x"), torch.device("cpu"))
    assert len(composed) == 2 * len(data.train)
    assert torch.equal(labels.bincount(), 2 * data.train_labels.bincount())
    if null != "noise":
        upper, lower = halves(composed)
        is_null = (upper == nulls[0]).all((1, 2)) | (lower == nulls[0]).all((1, 2))
        assert is_null.all()


def test_each_digit_is_seen_once_in_each_place():
    run = Run(0)
    data = read_digits("digits", "", run.generator("split"))
    subject = BlockMnist()
    images, _ = subject._epoch(data, subject._square(run), run.generator("x"), torch.device("cpu"))
    train = {image.numpy().tobytes() for image in data.train}
    for half in halves(images):
        assert {image.numpy().tobytes() for image in half} >= train


def test_a_few_epochs_learn_the_digits_and_pass_the_certificate(short):
    trained, _ = short
    values = {check.name: check for check in trained.checks}
    assert list(values) == ["accuracy", "signal followed", "null ignored", "blocks exchanged"]
    assert values["accuracy"].value > 0.85
    assert values["signal followed"].value > 0.85
    assert set(trained.public) == {"inputs", "labels", "predictions", "background"}


def test_training_is_deterministic(short):
    trained, _ = short
    torch.manual_seed(123)  # the global generator has no say
    again = BlockMnist(epochs=FEW).train(Run(0))
    assert all(torch.equal(trained.weights[name], again.weights[name]) for name in trained.weights)
    assert all(torch.equal(trained.public[name], again.public[name]) for name in trained.public)
    assert trained.checks == again.checks


def test_a_loaded_model_predicts_what_the_trained_one_did(short):
    trained, stored = short
    model = stored.subject.load(stored)
    assert not model.training
    assert torch.equal(predict(model, stored.public["inputs"]), trained.public["predictions"])


def test_the_task_poses_correct_images_and_rebuilds_their_truth(short):
    _, stored = short
    task = BlockMnistTask(inputs=40)
    question, truth = task.pose(stored), task.truth(stored)
    assert question.inputs.shape == (40, *stacking.SHAPE)
    assert question.targets is not None
    assert torch.equal(predict(question.model, question.inputs), question.targets)
    block, digit = truth.masks[""], truth.masks["digit"]
    assert bool((block | ~digit).all())
    assert torch.equal(truth.zero_set, ~block)
    null = question.inputs[truth.zero_set].view(40, 28, 28)
    assert torch.equal(null, null[:1].expand_as(null))


@pytest.mark.parametrize("setting", [{}, {"position": "top"}, {"null": "noise"}, {"architecture": "cnn"}])
def test_the_untrained_twin_is_a_null(setting):
    trained, stored = saved(BlockMnist(training="none", **setting))
    assert [check.passed for check in trained.checks] == [True]
    assert len(BlockMnistTask(inputs=40).pose(stored).inputs) == 40


def test_adversarial_training_runs_and_is_certified_under_attack():
    subject = BlockMnist(training="robust", epochs=2, attack_steps=2, tests=60)
    trained = subject.train(Run(0))
    assert trained.checks[-1].name == "accuracy under attack"
    assert "accuracy under attack" in trained.facts


def test_parameters_are_plain_literals():
    for subject in (BlockMnist(), BlockMnistTask()):
        for field in dataclasses.fields(subject):
            assert isinstance(field.default, int | float | str)
