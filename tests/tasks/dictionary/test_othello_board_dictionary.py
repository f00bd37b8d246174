"""The Othello board as a dictionary task: rows, boards and the twin fit each other."""

import dataclasses

import torch

from benchmark.families.dictionary import check
from benchmark.families.dictionary.metrics.board_reconstruction import board_reconstruction
from benchmark.families.dictionary.metrics.coverage_above_null import coverage_above_null
from benchmark.families.dictionary.pictures import pictures
from benchmark.families.dictionary.references import oracle
from benchmark.families.family import Case
from methods.dictionary.moves_played import moves_played
from methods.dictionary.pca import pca
from methods.dictionary.supervised import supervised
from tasks.dictionary.othello_board import OthelloBoardTask


def test_rows_boards_and_twin_belong_together(othello):
    task = OthelloBoardTask(held_out_rows=150, atoms=20)
    question, truth = task.pose(othello), task.truth(othello)
    assert question.train.shape == (600, 16)
    assert question.labels.shape == (600, 32)
    assert truth.test.shape == (150, 32)
    assert not (truth.test[:, :16] & truth.test[:, 16:]).any()
    assert (truth.names[17], truth.grid.cells[17], truth.grid.signs[17]) == ("yours b1", 1, -1)
    drawn = truth.grid.lay_out(truth.test[0].float())
    mine, yours = truth.test[0, :16], truth.test[0, 16:]
    assert torch.equal(torch.from_numpy(drawn).flatten(), mine.double() - yours.double())
    assert dataclasses.replace(task, sparsity=3).pose(othello).source == question.source
    assert dataclasses.replace(task, train_rows=7).pose(othello).source != question.source
    # without training the twin is the model itself, which is stored in bfloat16
    torch.testing.assert_close(truth.twin_test, question.test, rtol=2e-2, atol=2e-2)


def test_the_list_of_moves_fits_the_rows(othello):
    task = OthelloBoardTask(held_out_rows=300, atoms=96, sparsity=16)
    question, truth = task.pose(othello), task.truth(othello)
    assert [len(question.inputs[split]) for split in ("train", "validation", "test")] == [600, 300, 300]
    played = check(moves_played(question), question).test_codes > 0
    mine, yours = truth.test[:, :16], truth.test[:, 16:]
    taken = played[:, :16] | played[:, 16:]
    assert not (taken & ~(mine | yours)).any(), "a disc lies where a move was made, and stays"
    assert (mine | yours).sum() == taken.sum() + 4 * 300, "the others were there from the start"
    assert (played & truth.test).sum() > 0.6 * played.sum(), "most have kept their colour"


def test_oracle_reads_the_board_and_pictures_are_drawn(othello):
    task = OthelloBoardTask(held_out_rows=300, atoms=40, sparsity=4)
    question, truth = task.pose(othello), task.truth(othello)
    planted = oracle(dataclasses.replace(question, sparsity=40), truth)  # as many codes as there are properties
    assert board_reconstruction(planted, truth) > 0.99
    assert coverage_above_null(planted, truth, question)["twin"] > 0.99
    cases = []
    for sparsity in (4, 8):
        asked = dataclasses.replace(question, sparsity=sparsity)
        for method in (pca, supervised):
            scores = {"board_reconstruction": 0.5, "l0": float(sparsity), "explained_variance": 0.5}
            found = check(method(asked), asked)
            cases.append(Case("othello_board", f"l0_{sparsity}", 0, method.__name__, asked, truth, found, scores))
    assert [picture.name for picture in pictures(cases)] == ["data", "frontier", "grid"]
