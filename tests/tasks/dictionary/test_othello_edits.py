"""Edits of a board: pairs, what follows an edit, and the truth's directions."""

import pytest
import torch

from benchmark.subjects import Run, Saved
from tasks.dictionary.othello_edits import OthelloEditsTask, written
from tasks.models.othello.labels import positions
from tasks.models.othello.rules import rules
from tasks.models.othello.subject import OthelloModel


@pytest.fixture(scope="module")
def instance():
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


def test_edits_turn_one_disc_and_change_the_legal_moves(instance):
    task = OthelloEditsTask(held_out_rows=200, pairs=30)
    truth = task.truth(instance)
    edits = truth.edits["test"]
    assert len(edits.rows) == 30
    assert len(truth.edits["validation"].rows) == 10
    everyone = torch.arange(30)
    assert truth.test[edits.rows][everyone, edits.off].all()
    assert not truth.test[edits.rows][everyone, edits.on].any()
    assert ((edits.off - edits.on).abs() == 16).all(), "mine and yours of one square"
    index = instance.public["test_index"][torch.linspace(0, 399, 200).long()]
    mine, yours, legal = positions(instance.public["test_tokens"], index, 4)
    for row, square in zip(edits.rows.tolist(), (edits.off % 16).tolist(), strict=True):
        bit = mine.dtype.type(1 << square)
        turned = rules(4).legal(mine[row : row + 1] ^ bit, yours[row : row + 1] ^ bit)
        assert turned != 0
        assert turned != legal[row]


def test_no_edit_follows_by_nothing_on_average_and_the_loss_is_that_of_the_model(instance):
    task = OthelloEditsTask(held_out_rows=200, pairs=30)
    question, truth = task.pose(instance), task.truth(instance)
    edits = truth.edits["test"]
    unedited = edits.follows(question.test[edits.rows])
    assert float(unedited.mean()) == pytest.approx(0.0, abs=1e-6)
    assert (unedited <= 1).all()
    model, index = instance.subject.load(instance), instance.public["test_index"][torch.linspace(0, 399, 200).long()]
    game, ply = index.long()[truth.loss.rows].T
    tokens = instance.public["test_tokens"].long()
    with torch.no_grad():
        logits = model(tokens[game, :-1])[torch.arange(len(game)), ply][:, :16]
    whole = torch.nn.functional.cross_entropy(logits, tokens[game, ply + 1], reduction="none")
    read = truth.loss.of(question.test[truth.loss.rows])
    torch.testing.assert_close(read, whole, atol=0.02, rtol=0.02)  # activations are kept in bfloat16


def test_what_features_write_is_recovered_where_they_write():
    generator = torch.Generator().manual_seed(0)
    on = torch.rand(200, 5, generator=generator) < 0.5
    on[:, 4] = False
    effects, bias = torch.randn(5, 3, generator=generator), torch.randn(3, generator=generator)
    found, rest = written(on, on.float() @ effects + bias)
    torch.testing.assert_close(found[:4], effects[:4])
    torch.testing.assert_close(rest, bias)
    assert not found[4].any()
