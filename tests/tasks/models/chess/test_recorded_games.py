"""Recorded games: what a PGN file may hold, and what is said of an illegal move."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("chess", reason="the optional package chess is not installed")

from benchmark.errors import TouchstoneError
from tasks.models.chess.games import NOTHING, Games, recorded_games
from tasks.models.chess.text import START, VOCABULARY

GAMES = """[Event "one"]
[Result "1-0"]

1. e4 {a comment
that 1. d4 goes on} e5 2. Nf3 (2. f4 exf4 (2... d5)) 2... Nc6 $1 3. Bb5+ a6 ; 3... d6
1-0

[Event "two"]

1.d4 d5 2.c4 dxc4
3.Nc9 e5 4.e3 *

1. e4 c5 1/2-1/2
"""


def words(games: Games) -> list[str]:
    return [" ".join(VOCABULARY[token] for token in tokens).strip(f" {START}") for tokens in games.tokens]


def test_an_illegal_move_is_named_with_its_line_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "games.pgn"
    path.write_text(GAMES)
    games, problems = recorded_games(path, 5)
    assert words(games) == ["e4 e5 Nf3 Nc6 Bb5 a6", "d4 d5 c4 dc4", "e4 c5"]
    (problem,) = problems
    assert "games.pgn, line 11: 'Nc9' is no legal move of White (game 2, move 3)" in problem


def test_games_are_cut_to_the_moves_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "games.pgn"
    path.write_text(GAMES)
    games, problems = recorded_games(path, 2)
    assert problems == []
    assert words(games)[0] == "e4 e5 Nf3 Nc6"
    assert (games.played[2] == NOTHING).tolist() == [False, False, True, True]


def test_the_one_move_that_was_played_follows(tmp_path: Path) -> None:
    path = tmp_path / "games.pgn"
    path.write_text("1. e4 e5 *\n")
    games, _ = recorded_games(path, 2)
    assert (games.follows[0] != NOTHING).sum(1).tolist() == [1, 1, 0, 0, 0]
    assert games.follows[0, :2, 0].tolist() == games.tokens[0, 1:3].tolist()


@pytest.mark.parametrize("text", ["", "[Event]\n", "1. e5 *\n", "what is this\n"])
def test_a_file_without_a_game_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "games.pgn"
    path.write_text(text)
    with pytest.raises(TouchstoneError, match="holds no game"):
        recorded_games(path, 3)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TouchstoneError, match="cannot be read"):
        recorded_games(tmp_path / "none.pgn", 3)
