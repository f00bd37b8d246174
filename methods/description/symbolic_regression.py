"""Symbolic regression by genetic programming (Koza 1992), with the package gplearn where it is installed.

The functions are total, so that every program says something everywhere and translates word for word: the quotient is
the analytic one, a / sqrt(1 + b^2) (Ni, Drieberg & Rockett 2013), roots and logarithms are of absolute values.
Population and generations are the library's own, 20,000 programs a function; a profile for a laptop may lower them.
Programs are of `x` itself, so that a formula of `x` needs nothing beside itself to be said; the outputs are scaled, and
offset and factor fitted last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmark.errors import Unsupported
from benchmark.families.description import Description, DescriptionQuestion, description_method
from benchmark.language import parse
from methods.description._queries import number, spread

_TEXT = {
    "add": "({} + {})", "sub": "({} - {})", "mul": "({} * {})", "over": "({} / sqrt(1 + {}**2))",
    "sin": "sin({})", "abs": "abs({})", "max": "max({}, {})", "min": "min({}, {})",
    "root": "sqrt(abs({}))", "logs": "log(1 + abs({}))", "gauss": "exp(-{}**2)", "tanh": "tanh({})",
}  # fmt: skip
_LIMIT = 1e100
_EXACT = 1e-6
"""Mean squared error, in units of the answers' variance, at which nothing is left to evolve."""


@description_method(
    cites="doi:10.1007/BF00175355",
    requires=("reals",),
    small={"population": 40, "generations": 3},
    tunable={"parsimony": {"low": 1e-4, "high": 3e-2}},
)
def symbolic_regression(
    question: DescriptionQuestion, *, population: int = 1000, generations: int = 20, parsimony: float = 0.002
) -> list[Description]:
    """Spend the budget on spread points and evolve a program, with outputs scaled to unit spread."""
    try:
        from gplearn.genetic import SymbolicRegressor
    except ImportError:
        raise Unsupported("gplearn is not installed: `pip install gplearn`") from None
    functions = _functions()
    found = []
    for index, box in enumerate(question.boxes):
        x = spread(box, box.left, question.seed)
        y = box.query(x)
        centre, scale = float(y.mean()), float(y.std())
        if scale == 0:
            found.append(Description(f"Always {centre:.4g}.", number(centre)))
            continue
        model = SymbolicRegressor(
            population_size=population, generations=generations, function_set=functions, metric="mse",
            const_range=(-3.0, 3.0), init_depth=(2, 5), parsimony_coefficient=parsimony,
            random_state=(question.seed + index) % 2**32, stopping_criteria=_EXACT,
            p_crossover=0.7, p_subtree_mutation=0.1, p_hoist_mutation=0.05, p_point_mutation=0.1, tournament_size=12,
        )  # fmt: skip
        target = (y - centre) / scale
        model.fit(x[:, None], target)
        text = _shortest_enough(model, centre, scale, x, target, question.longest)
        found.append(Description(f"An evolved formula of {len(parse(text))} instructions.", text))
    return found


def _functions() -> list[Any]:
    from gplearn.functions import make_function

    own: dict[str, tuple[Callable[..., np.ndarray], int]] = {
        "over": (lambda a, b: a / np.sqrt(1 + np.clip(b, -_LIMIT, _LIMIT) ** 2), 2),
        "root": (lambda a: np.sqrt(np.abs(a)), 1),
        "logs": (lambda a: np.log(1 + np.abs(a)), 1),
        "gauss": (lambda a: np.exp(-(np.clip(a, -_LIMIT, _LIMIT) ** 2)), 1),
        "tanh": (np.tanh, 1),
    }
    made = [make_function(function=f, name=name, arity=arity) for name, (f, arity) in own.items()]
    return ["add", "sub", "mul", "sin", "abs", "max", "min", *made]


def _shortest_enough(model: Any, centre: float, scale: float, x: np.ndarray, target: np.ndarray, longest: int) -> str:
    """The program of the last generation of least BIC, a node for a parameter, that is not too long; with offset and
    factor fitted anew. By the least error alone it would be one of the longest."""
    count = len(target)

    def bic(program: Any) -> float:
        error, nodes = float(program.raw_fitness_), int(program.length_)
        return count * float(np.log(error + _EXACT)) + nodes * float(np.log(count))

    for program in sorted(model._programs[-1], key=bic):
        values = np.broadcast_to(program.execute(x[:, None]), target.shape)
        design = np.stack([np.ones_like(target), values], axis=1)
        offset, factor = np.linalg.lstsq(design, target, rcond=None)[0]
        text = f"{number(centre + scale * offset)} + {number(scale * factor)}*{_translated(program.program, 'x')}"
        if len(text) < 5_000 and len(parse(text)) <= longest:
            return text
    return number(centre)


def _translated(program: Sequence[Any], x: str) -> str:
    """gplearn's prefix notation as program text."""
    waiting: list[tuple[str, int, list[str]]] = []
    done = ""
    for node in program:
        if hasattr(node, "arity"):
            waiting.append((node.name, node.arity, []))
            continue
        done = x if isinstance(node, int | np.integer) else number(float(node))
        while waiting:
            name, arity, parts = waiting[-1]
            parts.append(done)
            if len(parts) < arity:
                break
            waiting.pop()
            done = _TEXT[name].format(*parts)
    return done
