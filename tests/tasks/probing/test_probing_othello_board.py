"""The Othello board as a probing task, on a tiny model with random weights."""

import dataclasses
import functools

import pytest
import torch

from benchmark.errors import TouchstoneError, UnknownNameError, Unsupported
from benchmark.families.probing import blinded, check
from benchmark.families.probing.metrics import test_accuracy as accuracy_module
from benchmark.families.probing.metrics.beyond_inputs import beyond_inputs
from benchmark.families.probing.metrics.interchange_accuracy import interchange_accuracy
from benchmark.families.probing.references import oracle, random
from benchmark.subjects import Run, Saved, generator_for
from methods.probing.moves_probe import moves_probe
from tasks.models.othello.labels import board_labels
from tasks.models.othello.subject import OthelloModel
from tasks.probing.othello_board import OthelloBoardTask, errors_removed

TASK = OthelloBoardTask(train_inputs=400, test_inputs=100, controls=3, pairs=10, erased_squares=2)


@functools.cache
def saved():
    setting = OthelloModel(
        training="none",
        size=4,
        layers=2,
        width=16,
        heads=2,
        place="block0.residual",
        train_positions=400,
        validation_positions=20,
        test_positions=100,
        positions_a_game=4,
    )
    result = setting.train(Run(seed=0))
    return Saved(subject=setting, seed=0, device=torch.device("cpu"), weights=result.weights, public=result.public)


def test_squares_are_labelled_as_the_board_and_controls_by_pairs_of_moves():
    question, truth = TASK.pose(saved()), TASK.truth(saved())
    assert len(truth.real) == 16
    assert len(truth.controls) == 3
    tokens, index = saved().public["test_tokens"], saved().public["test_index"].long()
    board = board_labels(tokens, index, 4)
    for concept in truth.real:
        cell = truth.grid.cells[concept]
        assert torch.equal(truth.labels[:, concept] - 1, board[:, cell].long())
        assert truth.names[concept] == f"{'abcd'[cell % 4]}{cell // 4 + 1}"
    assert {truth.grid.cells[concept] for concept in truth.controls} == {None}
    assert truth.class_names[1 + 1] == "mine", "the class of +1 among -1, 0 and +1"
    moves = [tuple(tokens[g, max(0, p - 1) : p + 1].tolist()) for g, p in index.tolist()]
    for concept in truth.controls:
        seen = {}
        for move, label in zip(moves, truth.labels[:, concept].tolist(), strict=True):
            assert seen.setdefault(move, label) == label
    assert question.labels.shape == (400, 19)


def test_unedited_activations_continue_as_the_model():
    question = TASK.pose(saved())
    model = saved().subject.load(saved())
    tokens, index = saved().public["test_tokens"], saved().public["test_index"].long()
    some = torch.tensor([5, 0, 99, 5])
    with torch.no_grad():
        expected = model(tokens[index[some, 0], :-1].long())[torch.arange(4), index[some, 1]][:, :16]
    found = question.run_from("block0.residual", question.test[some], some)
    torch.testing.assert_close(found, expected, atol=5e-2, rtol=5e-2)  # activations are stored in bfloat16
    edited = question.run_from("block0.residual", question.test[some].flip(1), some)
    assert not torch.allclose(found, edited, atol=0.1)


def test_bad_input_is_named():
    question = TASK.pose(saved())
    with pytest.raises(UnknownNameError, match=r"block0\.residual"):
        question.run_from("block7.residual", question.test[:1], torch.tensor([0]))
    with pytest.raises(TouchstoneError, match="train_inputs=500"):
        dataclasses.replace(TASK, train_inputs=500).pose(saved())


def test_pairs_turn_one_disc_over():
    truth = TASK.truth(saved())
    pairs = truth.interchange
    assert len(pairs.concept) == 10
    base, source = truth.labels[pairs.base, pairs.concept], truth.labels[pairs.source, pairs.concept]
    assert (base + source == 2).all()
    assert (base != 1).all(), "from mine to yours or back, never from or to an empty square"


def test_references():
    question, truth = TASK.pose(saved()), TASK.truth(saved())
    best = oracle(question, truth)
    assert accuracy_module.test_accuracy(best, truth) == {"": 1.0}
    assert beyond_inputs(best, truth) == 1
    with pytest.raises(Unsupported, match="no subspace"):  # where the board lies was not planted
        interchange_accuracy(best, truth, question)
    chance = random(question, generator_for(0, "random"))
    assert interchange_accuracy(chance, truth, question)[""] < 0.5
    assert abs(beyond_inputs(chance, truth) - 0.5) < 0.1


def test_what_is_known_is_what_the_linear_control_says():
    question, truth = TASK.pose(saved()), TASK.truth(saved())
    control = check(moves_probe(question), question)
    torch.testing.assert_close(control.scores, truth.known)
    accuracy = accuracy_module.test_accuracy(control, truth)[""]
    assert accuracy > 0.7
    assert beyond_inputs(control, truth) < 0.65, "of a hundred positions, few are alike"


def test_the_moves_are_those_that_were_read_and_contestants_see_none():
    question = TASK.pose(saved())
    tokens, index = saved().public["test_tokens"], saved().public["test_index"].long()
    for row, (game, ply) in enumerate(index.tolist()):
        assert question.inputs["test"][row].tolist() == [*tokens[game, : ply + 1].tolist(), *[16] * (11 - ply)]
    assert blinded(question).inputs is None


def test_no_edit_removes_no_errors():
    question, pairs = TASK.pose(saved()), TASK.truth(saved()).interchange
    outputs = question.run_from(question.layer, question.test[pairs.base], pairs.base)
    assert pairs.follows(outputs).mean() == pytest.approx(0, abs=1e-6)


def test_the_share_of_errors_that_an_edit_removes():
    want = torch.tensor([[True, True, False, False], [True, False, False, False]])
    exact, unedited = want.float(), torch.tensor([4.0, 0.0])
    assert errors_removed(exact, want, unedited).tolist() == [1, 1]
    half = torch.tensor([[1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    assert errors_removed(half, want, unedited).mean() == 0.5, "2 of 4 are left"
    assert errors_removed(exact.flip(1), want, unedited).mean() == pytest.approx(1 - 6 / 4), "more than before"
