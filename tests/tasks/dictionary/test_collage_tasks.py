"""The two tasks on collages: rows and glyphs belong together, and each oracle says what its task asks."""

import dataclasses

import pytest
import torch

from benchmark.families.dictionary import blinded, check
from benchmark.families.dictionary.metrics.plausibility import plausibility
from benchmark.families.dictionary.metrics.recall_at_cosine import recall_at_cosine
from benchmark.families.dictionary.metrics.soft_identifiability import soft_identifiability
from benchmark.families.dictionary.references import oracle
from benchmark.subjects import Run, Saved
from methods.dictionary.pixel_clusters import pixel_clusters
from tasks.dictionary.identifiability import IdentifiabilityTask
from tasks.dictionary.plausibility import PlausibilityTask
from tasks.models.collages.certificate import activations
from tasks.models.collages.subject import CollageReader


@pytest.fixture(scope="module")
def saved():
    subject = CollageReader(classes=6, objects=2, steps=80, rows=900, held_out=300, dimensions=12, width=8)
    trained = subject.train(Run(5))
    return Saved(subject, 5, torch.device("cpu"), trained.weights, trained.public)


def test_rows_belong_to_their_pixels_and_labels(saved):
    question = IdentifiabilityTask().pose(saved)
    assert (question.size, question.sparsity) == (12, 2)
    assert question.labels.sum(1).eq(2).all()
    model = saved.subject.load(saved)
    for split in ("train", "validation", "test"):
        rows = model.encoder(question.inputs[split])
        torch.testing.assert_close(rows, getattr(question, split), atol=1e-4, rtol=1e-4)
    assert blinded(question).inputs is None
    collages = saved.subject.collages("test", saved)
    torch.testing.assert_close(activations(model, collages), question.test, atol=1e-4, rtol=1e-4)
    assert torch.equal(IdentifiabilityTask().truth(saved).test, collages.present())


def test_each_oracle_has_what_its_task_asks_for(saved):
    for task, metrics in (
        (IdentifiabilityTask(), (recall_at_cosine,)),
        (PlausibilityTask(), (recall_at_cosine, plausibility)),
    ):
        question, truth = task.pose(saved), task.truth(saved)
        planted = oracle(question, truth)
        assert soft_identifiability(planted, truth)[""] == pytest.approx(1)
        for metric in metrics:
            assert metric(planted, truth) == pytest.approx(1, abs=1e-5)


def test_both_tasks_ask_about_the_same_rows(saved):
    one, other = IdentifiabilityTask(), PlausibilityTask()
    assert one.pose(saved).source == other.pose(saved).source
    torch.testing.assert_close(one.truth(saved).class_directions, other.truth(saved).directions)


def test_clusters_of_pixels_are_a_dictionary_and_need_the_pixels(saved):
    question = IdentifiabilityTask().pose(saved)
    found = check(pixel_clusters(question), question)
    assert found.atoms.shape == (12, 12)
    assert 0 < float((found.test_codes > 0).float().sum(1).mean()) <= 6
    # pixels that say nothing of a row have no direction for it
    mute = dataclasses.replace(question, inputs={name: torch.zeros_like(p) for name, p in question.inputs.items()})
    assert not check(pixel_clusters(mute), mute).test_codes.any()
