"""The subject: what it publishes, that it repeats itself, and that its certificate measures what it says."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.subjects import Run, Saved, Trained
from tasks.models.othello.certificate import (
    fit_probe,
    flip_errors,
    patch_errors,
    top_errors,
)
from tasks.models.othello.gpt import OthelloGPT, initialised
from tasks.models.othello.labels import board_labels, legal_labels
from tasks.models.othello.readings import activations_at, sample
from tasks.models.othello.subject import OthelloModel
from tasks.models.othello.thresholds import Thresholds, thresholds

TINY = OthelloModel(
    size=4,
    layers=2,
    width=32,
    heads=2,
    steps=40,
    games=32,
    place="block0.residual",
    train_positions=600,
    validation_positions=100,
    test_positions=300,
    positions_a_game=5,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small(seed: int = 0) -> OthelloGPT:
    return initialised(OthelloGPT(4, layers=2, width=16, heads=2), generator(seed))


@pytest.fixture(scope="module")
def trained() -> Trained:
    return TINY.train(Run(seed=0))


def saved(trained: Trained) -> Saved:
    return Saved(TINY, 0, torch.device("cpu"), trained.weights, trained.public)


def test_the_certificate_is_filled_in(trained: Trained) -> None:
    assert [check.name for check in trained.checks] == [
        "legal moves",
        "board accuracy above random weights",
        "errors left after a disc is turned",
        "errors left after activations are exchanged",
    ]
    assert all(check.value == check.value for check in trained.checks)
    assert 0 < trained.facts["board accuracy"] <= 1


def test_the_thresholds_are_frozen(trained: Trained) -> None:
    assert thresholds(6) == thresholds(8) == Thresholds(legal=0.97, gap=0.10, left=0.6)
    assert thresholds(4) == Thresholds(legal=0.95, gap=0.05, left=0.8)
    assert [check.threshold for check in trained.checks] == [0.95, 0.05, 0.8, 0.8]
    assert [check.at_least for check in trained.checks] == [True, True, False, False]


def test_public_arrays_have_their_shapes_and_no_board(trained: Trained) -> None:
    for split, n in (("train", 600), ("validation", 100), ("test", 300)):
        tokens, index = trained.public[f"{split}_tokens"], trained.public[f"{split}_index"]
        activations = trained.public[f"{split}_activations"]
        assert tokens.shape == (n // 5, 12)
        assert index.shape == (n, 2)
        assert activations.shape == (n, 32)
        assert activations.dtype == torch.bfloat16
        assert len(index.unique(dim=0)) == n
        assert legal_labels(tokens, index, 4).any(1).all()
    assert {name.split("_", 1)[1] for name in trained.public} == {"tokens", "index", "activations"}
    assert not torch.equal(trained.public["train_tokens"][:60], trained.public["test_tokens"])


def test_the_model_read_back_gives_the_public_activations(trained: Trained) -> None:
    back = saved(trained)
    model = TINY.load(back)
    assert isinstance(model, OthelloGPT)
    assert not model.training
    again = activations_at(model, TINY.place, back.public["test_tokens"], back.public["test_index"])
    assert torch.equal(again.bfloat16(), back.public["test_activations"])


def test_training_repeats_itself_and_depends_on_the_seed(trained: Trained) -> None:
    again = TINY.train(Run(seed=0))
    for ours, theirs in ((trained.weights, again.weights), (trained.public, again.public)):
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert trained.checks == again.checks
    assert not torch.equal(TINY.train(Run(seed=1)).weights["head.weight"], trained.weights["head.weight"])


def test_the_twin_has_the_initial_weights_and_the_same_games(trained: Trained) -> None:
    twin = OthelloModel(**{**vars(TINY), "training": "none"}).train(Run(seed=0))
    start = initialised(OthelloGPT(4, layers=2, width=32, heads=2), Run(seed=0).generator("weights"))
    assert all(torch.equal(twin.weights[name], weight) for name, weight in start.state_dict().items())
    assert torch.equal(twin.public["test_tokens"], trained.public["test_tokens"])
    assert torch.equal(twin.public["test_index"], trained.public["test_index"])
    assert not torch.equal(twin.public["test_activations"], trained.public["test_activations"])
    assert twin.facts["board accuracy"] == pytest.approx(trained.facts["board accuracy of random weights"])


def test_mistaken_parameters_are_explained_before_training() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'block0.residual'"):
        OthelloModel(**{**vars(TINY), "place": "block0.residuals"}).train(Run(seed=0))
    with pytest.raises(TouchstoneError, match="board size: got 5"):
        OthelloModel(**{**vars(TINY), "size": 5}).train(Run(seed=0))
    with pytest.raises(TouchstoneError, match=r"positions a game: got 40, but these games have 9\.|10\."):
        sample(4, 400, 40, generator())


def planted(n: int = 800) -> tuple[Tensor, Tensor]:
    """Activations that are a linear map of the board, and the boards."""
    readings = sample(4, n, 4, generator())
    boards = board_labels(readings.tokens, readings.index, 4)
    mine, yours = (torch.randn(16, 64, generator=generator(s)) for s in (1, 2))
    return (boards == 1).float() @ mine + (boards == -1).float() @ yours, boards


def test_a_planted_linear_board_is_read() -> None:
    x, boards = planted()
    assert fit_probe(x[:600], boards[:600], ridge=1e-6).accuracy(x[600:], boards[600:]) > 0.97


@pytest.mark.parametrize("square", [0, 6, 15])
def test_a_direction_turns_the_read_out_of_its_square(square: int) -> None:
    x, boards = planted()
    probe = fit_probe(x, boards, ridge=1e-6)
    yours = boards[:, square] == -1
    turned = probe.boards(x[yours] + probe.directions()[square])
    assert (turned[:, square] == 1).float().mean() > 0.99


def test_activations_without_a_board_are_read_as_the_commonest_value() -> None:
    _, boards = planted()
    noise = torch.randn(800, 4, generator=generator(5))
    common = float((boards[600:] == boards[:600].mode(0).values).float().mean())
    assert fit_probe(noise[:600], boards[:600]).accuracy(noise[600:], boards[600:]) == pytest.approx(common, abs=0.03)


def test_errors_count_missing_and_wrong_moves() -> None:
    logits = torch.tensor([[9.0, 8.0, 7.0, 0.0, 99.0], [5.0, 0.0, 0.0, 9.0, 99.0]])  # the last token is padding
    legal = torch.tensor([[True, True, False, True], [False, False, False, True]])
    assert top_errors(logits[:1], legal[:1]) == 2  # square 2 stands where square 3 should
    assert top_errors(logits[1:], legal[1:]) == 0
    assert top_errors(logits, legal) == 1


def test_an_intervention_of_nothing_changes_nothing() -> None:
    readings = sample(4, 200, 4, generator())
    nothing = torch.zeros(16, 16)
    errors = flip_errors(small(), "block0.residual", nothing, readings.tokens, readings.index, generator())
    assert errors.before == errors.after
    assert errors.before != errors.original
    arguments, large = (readings.tokens, readings.index), 5 * torch.randn(16, 16, generator=generator(1))
    moved = [
        flip_errors(small(), "block0.residual", large, *arguments, generator(), elsewhere=elsewhere)
        for elsewhere in (False, True)
    ]
    assert moved[0].before == moved[1].before == errors.before
    assert moved[0].after != moved[1].after


def test_exchanging_the_last_activations_exchanges_the_predictions() -> None:
    readings = sample(4, 200, 4, generator())
    donors = torch.randperm(200, generator=generator()) % len(readings.tokens)
    model = small()
    early, late = (patch_errors(model, p, readings.tokens, readings.index, donors) for p in ("embedding", "final"))
    assert early.before == late.before
    other = torch.stack([donors.to(readings.index), readings.index[:, 1]], 1)
    want, had = (legal_labels(readings.tokens, i, 4) for i in (other, readings.index))
    use = want.any(1) & (want != had).any(1)
    with torch.no_grad():
        logits = model(readings.tokens[other[use, 0].long(), :-1].long())
    assert late.after == top_errors(logits[torch.arange(int(use.sum())), other[use, 1].long()], want[use])
