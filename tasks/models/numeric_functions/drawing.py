"""Drawing functions of each kind until one is identifiable from the budget of queries.

    draw_functions("corrupted", count=10, seed=0, budget=64) -> [NumericFunction, ...]      the same for the same
    arguments

Kinds: `atomic` (one shape), `composed` (a sum, product, switch or nesting of two), `noisy` (centred noise), `biased`
(one-sided noise, whose mean is part of the truth, since it cannot be told from an offset), `corrupted` (an interval in
which the rule does not hold), `mlp` (a network stands for the shape).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from torch import Generator, randint, randperm

from benchmark.errors import TouchstoneError
from benchmark.families.description import grid, scale_of
from benchmark.language import ProgramError, evaluate, number_text, parse, to_text
from benchmark.subjects import generator_for
from tasks.models.numeric_functions.functions import NumericFunction
from tasks.models.numeric_functions.identifiability import POINTS, identifiable, measure
from tasks.models.numeric_functions.noise import Noise
from tasks.models.numeric_functions.shapes import BY_NAME, DOMAINS, SHAPES, Atom, Shape, draw_atom, uniform

Kind = Literal["atomic", "composed", "noisy", "biased", "corrupted", "mlp"]
ATTEMPTS = 100
"""Draws of one shape before the next one is tried."""
SHAPES_TRIED = 6
_OUTER = ("absolute", "tanh", "sine", "gaussian", "leaky_ramp")


@dataclass(frozen=True)
class _Draft:
    """A function before it is judged: the template's atoms, to see what each parameter and component does."""

    sentence: str
    plain: str
    domain: tuple[float, float]
    varied: Mapping[str, str]
    """For each parameter, the program with this parameter moved."""
    components: tuple[str, ...] = ()


def draw_functions(kind: Kind, count: int, seed: int, budget: int) -> list[NumericFunction]:
    """`count` functions, each identifiable; shapes take turns in a random order."""
    shapes = [shape for shape in SHAPES if shape.name != "constant" or kind not in ("corrupted", "mlp")]
    order = randperm(len(shapes), generator=generator_for(seed, f"{kind}/shapes")).tolist()
    turns = [shapes[place] for place in order]
    return [_draw(kind, turns[i % len(turns) :] + turns[: i % len(turns)], i, seed, budget) for i in range(count)]


def _draw(kind: Kind, shapes: list[Shape], index: int, seed: int, budget: int) -> NumericFunction:
    """A function of the first of `shapes` that yields an identifiable one within `ATTEMPTS` draws."""
    generator = generator_for(seed, f"{kind}/{index}")
    key = int.from_bytes(hashlib.sha256(f"{seed}/{kind}/{index}/noise".encode()).digest()[:8], "little")
    tries = ATTEMPTS * min(len(shapes), SHAPES_TRIED)
    for attempt in range(tries):
        shape = shapes[attempt // ATTEMPTS]
        try:
            draft = _composed(generator) if kind == "composed" else _single(draw_atom(shape, generator))
            function = replace(_complete(kind, draft, generator), key=key)
            measures = measure(function, draft.varied, draft.components, budget)
        except ProgramError:  # not finite everywhere on its domain
            continue
        if identifiable(measures):
            return replace(function, measures=measures)
    raise TouchstoneError(
        f"got no identifiable function of kind {kind!r} in {tries} draws at a budget of {budget} queries, "
        "expected one; raise the budget"
    )


def canonical(program: str) -> str:
    """A program's text with as few brackets and signs as the language needs."""
    return _signs(to_text(parse(program)))


def _signs(text: str) -> str:
    return text.replace(" - -", " + ").replace(" + -", " - ")


def _single(atom: Atom) -> _Draft:
    return _Draft(atom.sentence, atom.program(), DOMAINS[atom.shape.domain], _varied(atom, "{}"))


def _varied(atom: Atom, around: str, x: str = "x") -> dict[str, str]:
    """The programs in which one parameter is moved by a tenth of its range."""
    moved = {}
    for name, (low, high) in atom.shape.ranges.items():
        changed = replace(atom, parameters={**atom.parameters, name: atom.parameters[name] + 0.1 * (high - low)})
        moved[f"{atom.shape.name}.{name}"] = around.format(changed.program(x))
    return moved


def _composed(generator: Generator) -> _Draft:
    """Two atoms, joined in one of four ways."""

    def pick(names: list[str]) -> Atom:
        return draw_atom(BY_NAME[names[int(randint(len(names), (), generator=generator))]], generator)

    line = [shape.name for shape in SHAPES if shape.domain == "line" and shape.name != "constant"]
    way = int(randint(4, (), generator=generator))
    if way == 3:
        outer, inner = pick(list(_OUTER)), pick(line)
        program = outer.program(inner.program())
        varied = {f"outer.{k}": v for k, v in _varied(outer, "{}", inner.program()).items()}
        varied |= {f"inner.{k}": outer.program(v) for k, v in _varied(inner, "{}").items()}
        sentence = f"{outer.sentence}, where x stands for {inner.sentence}"
        return _Draft(sentence, program, DOMAINS["line"], varied, (outer.program(), inner.program()))
    first, second = pick(line), pick(line)
    cut = uniform(generator, -4, 4)
    join = ("({}) + ({})", "({}) * ({})", f"if x < {cut!r} then {{}} else {{}}")[way]
    words = ("the sum of {} and {}", "the product of {} and {}", f"left of {cut:g} {{}}, right of it {{}}")[way]
    a, b = first.program(), second.program()
    varied = {f"first.{k}": join.format(v, b) for k, v in _varied(first, "{}").items()}
    varied |= {f"second.{k}": join.format(a, v) for k, v in _varied(second, "{}").items()}
    if way < 2:  # two offsets of a sum, or two factors of a product, are one parameter
        varied = {name: text for name, text in varied.items() if not name.startswith("second.") or name[-1] not in "ab"}
    return _Draft(words.format(first.sentence, second.sentence), join.format(a, b), DOMAINS["line"], varied, (a, b))


def _complete(kind: Kind, draft: _Draft, generator: Generator) -> NumericFunction:
    """Add what the kind adds: noise, bias, an exception."""
    plain = canonical(draft.plain)
    sentence = _signs(draft.sentence[0].upper() + draft.sentence[1:])
    scale = scale_of(evaluate(parse(plain), grid(*draft.domain, POINTS)))
    if kind == "noisy":
        which: Literal["normal", "uniform"] = "normal" if int(randint(2, (), generator=generator)) else "uniform"
        noise = Noise(which, float(number_text(scale * uniform(generator, 0.1, 0.3), 3)))
        return NumericFunction(f"{sentence}, with {which} noise of standard deviation {noise.size:g}.", plain, plain,
                               draft.domain, noise=noise)  # fmt: skip
    if kind == "biased":
        noise = Noise("one-sided", float(number_text(scale * uniform(generator, 0.4, 0.8), 3)))
        shifted = canonical(f"({plain}) + {noise.size!r}")
        return NumericFunction(f"{sentence}, with one-sided noise that adds {noise.size:g} on the average.", shifted,
                               shifted, draft.domain, noise=noise)  # fmt: skip
    if kind == "corrupted":
        return _corrupted(sentence, plain, draft.domain, scale, generator)
    prefix = "A network's approximation of: " if kind == "mlp" else ""
    return NumericFunction(f"{prefix}{sentence}.", plain, plain, draft.domain)


def _corrupted(
    sentence: str, plain: str, domain: tuple[float, float], scale: float, generator: Generator
) -> NumericFunction:
    """Break the rule in an interval of 8 to 16 % of the domain: stuck at a value, shifted, or mirrored at the mean."""
    low, high = domain
    width = round((high - low) * uniform(generator, 0.08, 0.16, 4), 2)
    start = uniform(generator, low, high - width)
    end = round(start + width, 2)
    x = grid(low, high, POINTS)
    y = evaluate(parse(plain), x)
    offset = scale * uniform(generator, 1.5, 3.0) * (1 if int(randint(2, (), generator=generator)) else -1)
    match int(randint(3, (), generator=generator)):
        case 0:
            level = number_text(float(y[(x >= start) & (x <= end)].mean()) + offset, 3)
            inside, how = level, f"it is stuck at {level}"
        case 1:
            shift = number_text(offset, 3)
            inside, how = f"({plain}) + ({shift})", f"it is shifted by {shift}"
        case _:
            mean = number_text(float(y.mean()), 3)
            inside, how = f"2*({mean}) - ({plain})", f"it is mirrored at {mean}"
    program = canonical(f"if {start!r} <= x <= {end!r} then {inside} else {plain}")
    return NumericFunction(
        f"{sentence}; except between {start:g} and {end:g}, where {how}.", program, plain, domain, (start, end)
    )
