"""Properties of known positions, and what the text of a game says, against the library itself."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

chess = pytest.importorskip("chess", reason="the optional package chess is not installed")

from tasks.models.chess import properties  # noqa: E402
from tasks.models.chess.games import NOTHING, length, origin, piece, promotion, random_games, target  # noqa: E402
from tasks.models.chess.labels import at_tokens, board_labels, boards, moves_read, points, strategy_labels  # noqa: E402
from tasks.models.chess.notation import legal_moves  # noqa: E402
from tasks.models.chess.properties import BOARD_NAMES, STRATEGY, STRATEGY_GROUPS, STRATEGY_NAMES  # noqa: E402
from tasks.models.chess.text import NUMBER, SQUARES, START, VOCABULARY, word  # noqa: E402

POSITIONS = {
    # white to move in each; the property, and what it says there
    "rnb1kbnr/pppp1ppp/8/4p3/6Pq/5P2/PPPPP2P/RNBQKBNR w KQkq - 1 3": {"check": True, "pin": False, "castling": True},
    "4k3/8/8/8/8/8/4r3/4K3 w - - 0 1": {"check": True, "has queen": False, "castling": False, "pin": False},
    "4k3/4r3/8/8/8/8/4B3/4K3 w - - 0 1": {"pin": True, "check": False, "bishop pair": False},
    "4k3/4r3/8/8/8/8/4K3/4R3 w - - 0 1": {"check": True, "pin": False},
    "4k3/2q3r1/8/3N4/8/8/8/4K3 w - - 0 1": {"fork": False, "can capture queen": True, "can check": True},
    "2q1k3/8/3N4/8/8/8/8/4K3 w - - 0 1": {"fork": True, "can capture queen": True},
    "2q1k1r1/8/3N4/8/8/8/3r4/3K4 w - - 0 1": {"fork": True, "check": True, "can capture queen": False},
    "3rk3/8/8/3N4/1q3r2/8/8/3K4 w - - 0 1": {"fork": False, "pin": True},
    "4k3/8/3r1r2/4P3/8/8/8/4K3 w - - 0 1": {"fork": True},
    "4k3/8/3p1p2/4P3/8/8/8/4K3 w - - 0 1": {"fork": False},
    "r3k2r/8/8/8/8/8/8/R3K2R w KQkq - 0 1": {"castling": True, "castling kingside": True, "castling queenside": True},
    "r3k2r/8/8/8/8/8/8/R3K2R w Qkq - 0 1": {"castling": True, "castling kingside": False, "castling queenside": True},
    "r3k2r/8/8/8/8/8/8/R3K2R w kq - 0 1": {"castling": False, "ambiguous move": False},
    "4k3/8/8/8/8/8/4K3/R6R w - - 0 1": {"castling": False, "ambiguous move": True},
    "4k3/8/8/3pP3/8/8/8/4K3 w - d6 0 1": {"en passant": True},
    "4k3/8/8/3pP3/8/8/8/4K3 w - - 0 1": {"en passant": False},
    "4r1k1/8/8/3pP3/8/8/8/4K3 w - d6 0 1": {"en passant": False, "pin": True},
    "4k3/8/8/8/8/8/8/2B1KB2 w - - 0 1": {"bishop pair": True, "has queen": False, "ambiguous move": False},
    "4k3/8/8/8/8/8/4P3/1N2KN2 w - - 0 1": {"ambiguous move": True},
    "4k3/8/8/8/8/8/8/1N2K1N1 w - - 0 1": {"ambiguous move": False},
    "4k3/8/8/8/8/8/8/Q3K3 w - - 0 1": {"has queen": True, "can check": True, "ambiguous move": False},
}


@pytest.mark.parametrize("position", POSITIONS)
def test_properties_of_known_positions(position: str) -> None:
    board = chess.Board(position)
    expected = POSITIONS[position]
    assert {name: STRATEGY[name](board) for name in expected} == expected


def on(cells: list[bool]) -> set[str]:
    return {SQUARES[i] for i, cell in enumerate(cells) if cell}


def test_squares_that_are_attacked_and_reached() -> None:
    board = chess.Board("4k3/8/8/8/8/2n5/8/R3K3 w Q - 0 1")
    assert on(properties.threat(board)) == {
        "d8",
        "d7",
        "e7",
        "f7",
        "f8",
        "a4",
        "b5",
        "d5",
        "e4",
        "e2",
        "d1",
        "b1",
        "a2",
    }
    rook = {"b1", "c1", "d1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"}
    assert on(properties.legal(board)) == rook | {"d2", "f2", "f1"}


def test_a_board_is_what_has_moved() -> None:
    assert properties.board_cells(chess.Board()) == []
    board = chess.Board()
    for move in ("e4", "d5", "exd5", "Nf6", "Bc4", "Nxd5", "Nf3", "e6", "O-O"):
        board.push_san(move)
    names = {BOARD_NAMES[cell] for cell in properties.board_cells(board)}
    white = {"white bishop c4", "white knight f3", "white king g1", "white rook f1"}
    assert names == white | {"black knight d5", "black pawn e6"}
    assert {square: (p.piece_type, p.color) for square, p in chess.Board().piece_map().items()} == properties.INITIAL


def test_columns_have_names_and_groups() -> None:
    assert len(BOARD_NAMES) == 768 == len(set(BOARD_NAMES))
    assert len(STRATEGY_NAMES) == 2 * 64 + 12 == len(set(STRATEGY_NAMES))
    assert set(STRATEGY_GROUPS) == set(STRATEGY)
    assert len(properties.strategy(chess.Board())) == len(STRATEGY_NAMES)


def test_moves_are_written_as_the_library_does_but_for_the_marks_of_check() -> None:
    draw = random.Random(0)
    for _ in range(4):
        board = chess.Board()
        for _ in range(120):
            moves, texts = legal_moves(board)
            if not moves:
                break
            assert texts == [board.san(move).rstrip("+#") for move in moves]
            assert len(set(texts)) == len(texts)
            board.push(draw.choice(moves))
    board = chess.Board("1r2k3/P1P5/8/8/8/1Q3Q2/8/1Q2K3 w - - 0 1")  # promotions, and queens that need a rank or both
    moves, texts = legal_moves(board)
    assert texts == [board.san(move).rstrip("+#") for move in moves]
    assert "axb8=N" in texts
    assert any(text.startswith("Qb3") for text in texts)


def test_every_move_of_a_game_has_a_word() -> None:
    assert len(VOCABULARY) == len(set(VOCABULARY)) == len(NUMBER)
    words = {
        "e4": "e4",
        "exd5": "ed5",
        "e8=Q+": "e8=Q",
        "exd8=N#": "ed8=N",
        "Nf3": "Nf3",
        "Nbxd2": "Nbd2",
        "N1d2": "Nd2",
        "Rae1": "Rae1",
        "R1xa3": "Ra3",
        "Qh4xe1": "Qe1",
        "Qxf7#": "Qf7",
        "Kxe2": "Ke2",
        "O-O+": "O-O",
        "O-O-O": "O-O-O",
    }
    assert {written: word(written) for written in words} == words
    assert set(words.values()) <= set(VOCABULARY)
    draw = random.Random(1)
    for _ in range(20):
        board = chess.Board()
        while not board.is_game_over() and board.fullmove_number < 80:
            moves, texts = legal_moves(board)
            assert {word(text) for text in texts} <= NUMBER.keys()
            board.push(draw.choice(moves))


def test_what_follows_is_the_words_of_all_legal_moves() -> None:
    games = random_games(6, 5, torch.Generator().manual_seed(0))
    assert games.tokens.shape == (6, length(5))
    assert (games.tokens[:, 0] == NUMBER[START]).all()
    for tokens, follows, played in zip(games.tokens, games.follows, games.played, strict=True):
        board = chess.Board()
        for ply, code in enumerate(played.tolist()):
            words = [NUMBER[word(board.san(move))] for move in board.legal_moves]
            assert follows[ply].tolist() == words + [NOTHING] * (follows.shape[1] - len(words))
            move = chess.Move(origin(code), target(code), promotion(code) or None)
            assert board.piece_type_at(move.from_square) == piece(code)
            assert tokens[ply + 1] == NUMBER[word(board.san(move))]
            board.push(move)
        assert (follows[-1] == NOTHING).all()
    assert (games.follows != NOTHING).any((0, 1)).all()


def test_the_generator_determines_the_games() -> None:
    one, two, other = (random_games(3, 3, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one.played, two.played)
    assert not np.array_equal(one.played, other.played)


def test_labels_are_those_of_the_boards_that_the_words_lead_to() -> None:
    games = random_games(5, 6, torch.Generator().manual_seed(1))
    played = torch.from_numpy(games.played)
    index = points(played)
    assert index.tolist() == [[game, number] for game in range(5) for number in range(1, 6)]
    assert torch.equal(at_tokens(index), index * torch.tensor([1, 2]))
    board_of, strategy_of = board_labels(played, index), strategy_labels(played, index)
    for row, (game, number) in enumerate(index.tolist()):
        board = chess.Board()
        for token in games.tokens[game, 1 : 2 * number + 1].tolist():
            (move,) = [m for m in board.legal_moves if NUMBER[word(board.san(m))] == token]
            board.push(move)
        assert board.turn
        assert board.fullmove_number == number + 1
        assert board_of[row].nonzero()[:, 0].tolist() == sorted(properties.board_cells(board))
        assert strategy_of[row].tolist() == properties.strategy(board)


def test_boards_come_in_any_order_of_the_index() -> None:
    games = random_games(3, 4, torch.Generator().manual_seed(2))
    index = torch.tensor([[2, 3], [0, 1], [2, 1], [0, 1]])
    played = torch.from_numpy(games.played)
    found = {row: board.fen() for row, board in boards(played, index)}
    alone = {row: board.fen() for row in range(4) for _, board in boards(played, index[row : row + 1])}
    assert found == alone


def test_the_moves_that_controls_see() -> None:
    games = random_games(8, 4, torch.Generator().manual_seed(3))
    played = torch.from_numpy(games.played)
    read = moves_read(played, torch.tensor([[game, 3] for game in range(8)]))
    assert (read[:, 6:] == 384).all()
    kind = torch.where(promotion(played) > 0, promotion(played), piece(played))
    assert torch.equal(read[:, :6] // 64, kind[:, :6].long() - 1)
    assert torch.equal(read[:, :6] % 64, target(played)[:, :6].long())
    assert (played != NOTHING).all()
