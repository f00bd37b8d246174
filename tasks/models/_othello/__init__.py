"""Othello for the board-game language model: rules on bit-boards, random games, labels, a GPT and its training."""
