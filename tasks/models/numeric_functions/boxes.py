"""The black boxes of an instance: its functions, or the networks that stand for them."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64
from numpy import ndarray
from torch import Tensor, nn

from benchmark.families.description import grid, scale_of
from tasks.models.numeric_functions.functions import NumericFunction
from tasks.models.numeric_functions.identifiability import POINTS
from tasks.models.numeric_functions.networks import Networks


class Boxes(nn.Module):
    """The functions of an instance; with weights, networks answer in their place."""

    def __init__(self, planted: tuple[NumericFunction, ...], weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.planted = planted
        self.networks: Networks | None = None
        if weights:
            self.networks = Networks(*weights["out"].shape)
            self.networks.load_state_dict(weights)
            self.centre, self.scale = standards(planted)

    def respond(self, index: int, x: Float64[ndarray, "*shape"]) -> Float64[ndarray, "*shape"]:
        """The mean answer of one function at the points `x`."""
        function = self.planted[index]
        if self.networks is None:
            return function.respond(x)
        low, high = function.extended
        points = torch.from_numpy((np.ravel(x) - low) / (high - low) * 2 - 1)
        values = self.networks.answer(index, points).numpy()
        answers: Float64[ndarray, "*shape"] = (self.centre[index] + self.scale[index] * values).reshape(np.shape(x))
        return answers

    def answer(self, index: int, x: Float64[ndarray, "*shape"]) -> Float64[ndarray, "*shape"]:
        """One answer of one function at the points `x`, noise included."""
        function = self.planted[index]
        mean, noise = self.respond(index, x), function.noise
        answers: Float64[ndarray, "*shape"] = mean + noise.at(x, function.key) - noise.mean
        return answers

    def forward(self, x: Float64[Tensor, "n m"]) -> Float64[Tensor, "n m"]:
        """Mean answers of all functions, a row of points each."""
        return torch.from_numpy(np.stack([self.respond(i, row) for i, row in enumerate(x.double().cpu().numpy())]))


def standards(planted: tuple[NumericFunction, ...]) -> tuple[Float64[ndarray, " n"], Float64[ndarray, " n"]]:
    """Mean and scale of each function on its extended domain, with which networks are trained."""
    outputs = [function.respond(grid(*function.extended, POINTS)) for function in planted]
    return np.array([y.mean() for y in outputs]), np.array([scale_of(y) for y in outputs])
