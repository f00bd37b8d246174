"""The language model: causality, its named places, and training on the smallest board."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from benchmark.errors import TouchstoneError, UnknownNameError
from tasks.models.othello.games import random_games
from tasks.models.othello.gpt import OthelloGPT, initialised
from tasks.models.othello.muon import orthogonalised
from tasks.models.othello.training import (
    Recipe,
    batches,
    fit,
    legal_rate,
    surplus_loss,
)

STREAM = ["embedding", "block0.middle", "block0.residual", "block1.middle", "block1.residual", "final"]
PARTS = [f"block{i}.{part}" for i in (0, 1) for part in ("attention", "neurons", "mlp")]


def small(size: int = 4, seed: int = 0) -> OthelloGPT:
    return initialised(OthelloGPT(size, layers=2, width=16, heads=2), torch.Generator().manual_seed(seed))


def some_tokens(size: int = 4, count: int = 5) -> Tensor:
    games = random_games(size, count, torch.Generator().manual_seed(9))
    return torch.from_numpy(games.tokens[:, :-1].astype("int64"))


def test_later_moves_do_not_change_earlier_predictions() -> None:
    model, tokens = small(), some_tokens()
    changed = tokens.clone()
    changed[:, 6:] = (changed[:, 6:] + 3) % 16
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[:, :6], after[:, :6])
    assert (before[:, 6:] - after[:, 6:]).abs().amax(-1).min() > 1e-4
    torch.testing.assert_close(model(tokens[:, :4]), before[:, :4])


def test_the_places_are_those_of_the_architecture() -> None:
    model = small()
    assert model.stream == STREAM
    assert sorted(model.places) == sorted(STREAM + PARTS)
    read = model.read(some_tokens(), model.places)
    assert {place: x.shape[-1] for place, x in read.items()} == {p: 64 if "neurons" in p else 16 for p in model.places}


@pytest.mark.parametrize("place", STREAM)
def test_running_on_from_what_was_read_gives_the_same_logits(place: str) -> None:
    model, tokens = small(), some_tokens()
    torch.testing.assert_close(model.run_from(place, model.read(tokens, [place])[place]), model(tokens))


@pytest.mark.parametrize("place", STREAM + PARTS)
def test_writing_what_was_read_changes_nothing_and_writing_zeros_does(place: str) -> None:
    model, tokens = small(), some_tokens()
    logits = model(tokens)
    torch.testing.assert_close(model.write(tokens, {place: model.read(tokens, [place])[place]}), logits)
    assert (model.write(tokens, {place: torch.zeros_like}) - logits).abs().max() > 1e-3


@pytest.mark.parametrize("place", ["block1.middle", "block1.residual", "final"])
def test_single_positions_will_do_behind_the_last_attention(place: str) -> None:
    model, tokens = small(), some_tokens()
    x = model.read(tokens, [place])[place]
    torch.testing.assert_close(model.run_from(place, x[:, 3]), model(tokens)[:, 3])


def test_the_stream_adds_up() -> None:
    read = small().read(some_tokens(), STREAM + PARTS)
    torch.testing.assert_close(read["block0.middle"], read["embedding"] + read["block0.attention"])
    torch.testing.assert_close(read["block1.residual"], read["block1.middle"] + read["block1.mlp"])


def test_mistaken_places_and_shapes_are_explained() -> None:
    model, tokens = small(), some_tokens()
    with pytest.raises(UnknownNameError, match=r"'block1.residul'.*did you mean 'block1.residual'.*available: block0"):
        model.read(tokens, ["block1.residul"])
    with pytest.raises(UnknownNameError, match="did you mean 'embedding'"):
        model.write(tokens, {"embeding": torch.zeros_like})
    with pytest.raises(TouchstoneError, match=r"use write\(tokens"):
        model.run_from("block0.mlp", torch.zeros(1, 3, 16))
    with pytest.raises(TouchstoneError, match=r"got activations of shape \(3, 16\), expected \[games, plies, 16\]"):
        model.run_from("block0.middle", torch.zeros(3, 16))
    with pytest.raises(TouchstoneError, match=r"write 'final': got activations of shape \(1,\)"):
        model.write(tokens, {"final": torch.zeros(1)})
    with pytest.raises(TouchstoneError, match=r"tokens: got shape \(1, 13\), expected \[games, at most 12\]"):
        model(torch.zeros(1, 13, dtype=torch.long))
    with pytest.raises(TouchstoneError, match="heads: got 3, expected a divisor of the width 16"):
        OthelloGPT(4, layers=1, width=16, heads=3)


def test_the_loss_is_zero_for_the_true_distribution_and_never_below() -> None:
    batch = next(batches(6, 32, torch.Generator().manual_seed(1), torch.device("cpu")))
    padded = torch.nn.functional.pad(batch.legal, (0, 1))
    perfect = torch.where(padded, 0.0, -1e4)
    assert abs(float(surplus_loss(perfect, batch.legal))) < 1e-6
    assert legal_rate(perfect, batch.legal) == 1.0
    uniform = torch.zeros(padded.shape)
    count = batch.legal.sum(-1).float()
    expected = (math.log(37) - count[count > 0].log()).mean()
    torch.testing.assert_close(surplus_loss(uniform, batch.legal), expected)


def test_the_loss_is_the_expected_cross_entropy_of_the_next_move() -> None:
    generator = torch.Generator().manual_seed(2)
    batch = next(batches(4, 64, generator, torch.device("cpu")))
    logits = torch.randn(*batch.legal.shape[:2], 17, generator=generator)
    known = batch.legal.any(-1)
    legal, scores = batch.legal[known], logits[known].log_softmax(-1)
    rows = torch.stack([-s[:16][m].mean() - math.log(int(m.sum())) for s, m in zip(scores, legal, strict=True)])
    torch.testing.assert_close(surplus_loss(logits, batch.legal), rows.mean())


@pytest.mark.parametrize("shape", [(2, 12, 12), (1, 8, 32), (3, 32, 8)])
def test_orthogonalised_updates_keep_directions_and_level_the_singular_values(shape: tuple[int, ...]) -> None:
    gradient = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    update = orthogonalised(gradient)
    values = torch.linalg.svdvals(update)
    assert values.min() > 0.5
    assert values.max() < 1.3
    u, _, v = torch.linalg.svd(gradient, full_matrices=False)
    inner = u.mT @ update @ v.mT
    torch.testing.assert_close(inner, torch.diag_embed(inner.diagonal(dim1=1, dim2=2)), atol=1e-4, rtol=0)


def trained(steps: int, seed: int = 0, **rates: float) -> tuple[OthelloGPT, list[float]]:
    losses: list[float] = []
    recipe = Recipe(steps, 32, **rates)

    def progress(step: int, total: int, **values: float) -> None:
        losses.append(values["loss"])

    return fit(small(), recipe, torch.Generator().manual_seed(seed), progress), losses


def test_a_short_training_learns_and_repeats_itself() -> None:
    model, losses = trained(60)
    assert losses[-1] < 0.75 * losses[0]
    again, _ = trained(60)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    other, _ = trained(20, seed=1)
    assert not torch.equal(next(other.parameters()), next(model.parameters()))


def test_a_training_that_diverges_says_so() -> None:
    with pytest.raises(TouchstoneError, match=r"the loss is nan at step \d+ of 30; rates .* may be too high"):
        trained(30, muon_rate=1e30, adam_rate=1e30)
