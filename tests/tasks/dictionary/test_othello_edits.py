"""Edits of a board: pairs, what follows an edit, and the truth's directions."""

import pytest
import torch

from tasks.dictionary.othello_edits import OthelloEditsTask
from tasks.models.othello.labels import positions
from tasks.models.othello.rules import rules


def test_edits_turn_one_disc_and_change_the_legal_moves(othello):
    task = OthelloEditsTask(held_out_rows=200, pairs=30)
    truth = task.truth(othello)
    edits = truth.edits["test"]
    assert len(edits.rows) == 30
    assert len(truth.edits["validation"].rows) == 10
    everyone = torch.arange(30)
    assert truth.test[edits.rows][everyone, edits.off].all()
    assert not truth.test[edits.rows][everyone, edits.on].any()
    assert ((edits.off - edits.on).abs() == 16).all(), "mine and yours of one square"
    index = othello.public["test_index"][torch.linspace(0, 399, 200).long()]
    mine, yours, legal = positions(othello.public["test_tokens"], index, 4)
    for row, square in zip(edits.rows.tolist(), (edits.off % 16).tolist(), strict=True):
        bit = mine.dtype.type(1 << square)
        turned = rules(4).legal(mine[row : row + 1] ^ bit, yours[row : row + 1] ^ bit)
        assert turned != 0
        assert turned != legal[row]


def test_no_edit_follows_by_nothing_on_average_and_the_loss_is_that_of_the_model(othello):
    task = OthelloEditsTask(held_out_rows=200, pairs=30)
    question, truth = task.pose(othello), task.truth(othello)
    edits = truth.edits["test"]
    unedited = edits.follows(question.test[edits.rows])
    assert float(unedited.mean()) == pytest.approx(0.0, abs=1e-6)
    assert (unedited <= 1).all()
    model, index = othello.subject.load(othello), othello.public["test_index"][torch.linspace(0, 399, 200).long()]
    game, ply = index.long()[truth.loss.rows].T
    tokens = othello.public["test_tokens"].long()
    with torch.no_grad():
        logits = model(tokens[game, :-1])[torch.arange(len(game)), ply][:, :16]
    whole = torch.nn.functional.cross_entropy(logits, tokens[game, ply + 1], reduction="none")
    read = truth.loss.of(question.test[truth.loss.rows])
    torch.testing.assert_close(read, whole, atol=0.02, rtol=0.02)  # activations are kept in bfloat16
