"""A regression tree (Breiman et al. 1984): constants on intervals, written as nested conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from sklearn.tree import DecisionTreeRegressor

from benchmark.families.description import Description, DescriptionQuestion, description_method
from methods.description._queries import number, spread


@description_method(cites="doi:10.1201/9781315139470", requires=("reals",))
def regression_tree(
    question: DescriptionQuestion, *, leaves: tuple[int, ...] = (2, 4, 6, 8, 10, 12), folds: int = 4
) -> list[Description]:
    """Spend the budget on spread points; choose the number of leaves by cross-validation, as far as programs may be
    long."""
    found = []
    for box in question.boxes:
        x = spread(box, box.left, question.seed)
        y = box.query(x)
        sizes = [count for count in leaves if 5 * count - 4 <= question.longest] or [2]
        tree = _grown(x, y, sizes[int(np.argmin(_validated(x, y, sizes, folds)))])
        text = f"Constant on each of {tree.get_n_leaves()} intervals."
        found.append(Description(text, _program(tree.tree_, 0)))
    return found


def _grown(x: Float64[ndarray, " n"], y: Float64[ndarray, " n"], leaves: int) -> DecisionTreeRegressor:
    return DecisionTreeRegressor(max_leaf_nodes=leaves, random_state=0).fit(x[:, None], y)


def _validated(x: Float64[ndarray, " n"], y: Float64[ndarray, " n"], sizes: Sequence[int], folds: int) -> list[float]:
    """Squared error of interleaved folds for each number of leaves."""
    fold = np.arange(len(x)) % folds
    errors = []
    for size in sizes:
        held = (fold == number for number in range(folds))
        errors.append(sum(float(np.sum((_grown(x[~h], y[~h], size).predict(x[h][:, None]) - y[h]) ** 2)) for h in held))
    return errors


def _program(tree: Any, node: SupportsIndex) -> str:  # scikit-learn's compiled tree has no public type
    if tree.children_left[node] == -1:
        return number(float(tree.value[node].item()))
    left, right = _program(tree, tree.children_left[node]), _program(tree, tree.children_right[node])
    return f"(if x <= {number(float(tree.threshold[node]))} then {left} else {right})"
