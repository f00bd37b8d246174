"""Drawing functions of each kind until one is identifiable from the budget of queries.

    draw_functions("corrupted", count=10, seed=0, budget=64) -> (NumericFunction, ...)      the same for the same
    arguments

Kinds: `atomic` (one shape), `composed` (a sum, product, switch or nesting of two), `noisy` (centred noise), `biased`
(one-sided noise, whose mean is part of the truth, since it cannot be told from an offset), `corrupted` (an interval in
which the rule does not hold), `mlp` (a network stands for the shape).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from torch import Generator, randint, randperm

from benchmark.errors import TouchstoneError
from benchmark.families.description import grid, scale_of
from benchmark.language import ProgramError, evaluate, number_text, parse
from benchmark.subjects import generator_for
from tasks.models.numeric_functions.canonical import canonical, plain_signs, shortest
from tasks.models.numeric_functions.functions import NumericFunction
from tasks.models.numeric_functions.identifiability import POINTS, identifiable, measure
from tasks.models.numeric_functions.noise import Noise
from tasks.models.numeric_functions.shapes import BY_NAME, DOMAINS, SHAPES, Atom, Shape, draw_atom, tidy, uniform

Kind = Literal["atomic", "composed", "noisy", "biased", "corrupted", "mlp"]
ATTEMPTS = 100
"""Draws of one shape before the next one is tried."""
SHAPES_TRIED = 6
LEFT_OUT: Mapping[Kind, Collection[str]] = {
    "corrupted": {"constant"},
    "mlp": {"constant", *(shape.name for shape in SHAPES if shape.jumps)},  # networks of ramps are continuous
}
_OUTER = ("absolute", "tanh", "sine", "gaussian", "leaky_ramp")


@dataclass(frozen=True)
class _Draft:
    """A function before it is judged: its atoms and how they join, to see what each parameter and component does."""

    sentence: str
    atoms: tuple[Atom, ...]
    join: Callable[..., str]
    """(program or atom of each) -> the program."""
    domain: tuple[float, float]
    fixed: frozenset[tuple[int, str]] = frozenset()
    """Parameters, by atom, that stand for nothing of their own: another one can take their place."""
    components: tuple[str, ...] = ()

    @property
    def program(self) -> str:
        return self.join(*self.atoms)

    def moved(self, share: float) -> list[str]:
        """For each parameter, the program in which it is moved by a share of its range."""
        found = []
        for place, atom in enumerate(self.atoms):
            for name, (low, high) in atom.shape.ranges.items():
                if (place, name) not in self.fixed:
                    parameters = {**atom.parameters, name: atom.parameters[name] + share * (high - low)}
                    changed = replace(atom, parameters=parameters)
                    found.append(self.join(*self.atoms[:place], changed, *self.atoms[place + 1 :]))
        return found


@lru_cache(maxsize=64)  # pure, and asked again by whoever poses, judges or draws a picture
def draw_functions(kind: Kind, count: int, seed: int, budget: int) -> tuple[NumericFunction, ...]:
    """`count` functions, each identifiable; shapes take turns in a random order."""
    shapes = [shape for shape in SHAPES if shape.name not in LEFT_OUT.get(kind, ())]
    order = randperm(len(shapes), generator=generator_for(seed, f"{kind}/shapes")).tolist()
    turns = [shapes[place] for place in order]
    return tuple(_draw(kind, turns[i % len(turns) :] + turns[: i % len(turns)], i, seed, budget) for i in range(count))


def _draw(kind: Kind, shapes: list[Shape], index: int, seed: int, budget: int) -> NumericFunction:
    """A function of the first of `shapes` that yields an identifiable one within `ATTEMPTS` draws."""
    generator = generator_for(seed, f"{kind}/{index}")
    key = int.from_bytes(hashlib.sha256(f"{seed}/{kind}/{index}/noise".encode()).digest()[:8], "little")
    tries = ATTEMPTS * min(len(shapes), SHAPES_TRIED)
    for attempt in range(tries):
        shape = shapes[attempt // ATTEMPTS]
        try:
            draft = _composed(generator) if kind == "composed" else _single(draw_atom(shape, generator))
            function, draft = _complete(kind, draft, generator)
            measures = measure(replace(function, key=key), draft.moved, draft.components, budget)
        except ProgramError:  # not finite everywhere on its extended domain
            continue
        if identifiable(measures):
            return replace(function, key=key, measures=measures)
    raise TouchstoneError(
        f"got no identifiable function of kind {kind!r} in {tries} draws at a budget of {budget} queries, "
        "expected one; raise the budget"
    )


def _single(atom: Atom) -> _Draft:
    return _Draft(atom.sentence, (atom,), Atom.program, DOMAINS[atom.shape.domain])


def _composed(generator: Generator) -> _Draft:
    """Two atoms, joined in one of four ways, each without the parameters that the other can take over."""

    def pick(names: Sequence[str]) -> Atom:
        return draw_atom(BY_NAME[names[int(randint(len(names), (), generator=generator))]], generator)

    line = [shape.name for shape in SHAPES if shape.domain == "line" and shape.name != "constant"]
    way = int(randint(4, (), generator=generator))
    if way == 3:
        return _nested(pick(_OUTER), pick(line))
    first, second = pick(line), pick(line)
    cut = uniform(generator, -4, 4)
    fixed: set[tuple[int, str]] = set()
    if way == 0 and first.shape.levels and second.shape.levels:  # two offsets of a sum are one
        level = second.parameters["b"]
        first, second, fixed = first.raised(level), second.raised(-level), {(1, "b")}
    if way == 1:  # two factors of a product are one
        name = "a" if "a" in second.parameters else "c"
        second, fixed = second.multiplied(1 / (second.parameters[name] or 1.0)), {(1, name)}
    template = ("({}) + ({})", "({}) * ({})", f"if x < {cut!r} then {{}} else {{}}")[way]
    words = ("the sum of {} and {}", "the product of {} and {}", f"left of {cut:g} {{}}, right of it {{}}")[way]

    def join(a: Atom, b: Atom) -> str:
        return template.format(a.program(), b.program())

    return _Draft(words.format(first.sentence, second.sentence), (first, second), join, DOMAINS["line"],
                  frozenset(fixed), (first.program(), second.program()))  # fmt: skip


def _nested(outer: Atom, inner: Atom) -> _Draft:
    """outer(inner), where the inner factor and offset become the outer shape's own scale and place."""
    fixed = set()
    if "a" in inner.shape.factors:
        factor, level = abs(inner.parameters["a"]), inner.parameters["b"] if inner.shape.levels else 0.0
        inner = inner.multiplied(1 / factor)
        if inner.shape.levels:
            inner = inner.raised(-inner.parameters["b"])
        own = dict(outer.parameters)
        if "w" in own:  # sin(w (f g + l) + p)
            own |= {"w": own["w"] * factor, "p": own["p"] + own["w"] * level}
        else:  # h(f g + l - m) = h(f (g - (m - l) / f))
            own["m"] = (own["m"] - level) / factor
            scale, power = {"tanh": ("k", 1), "gaussian": ("s", -1)}.get(outer.shape.name, ("a", 1))
            own[scale] = own[scale] * factor**power
        outer = replace(outer, parameters={name: tidy(value) for name, value in own.items()})
        fixed = {(1, "a"), (1, "b")}

    def join(a: Atom, b: Atom) -> str:
        return a.program(b.program())

    sentence = f"{outer.sentence}, where x stands for {inner.sentence}"
    return _Draft(sentence, (outer, inner), join, DOMAINS["line"], frozenset(fixed), (outer.program(), inner.program()))


def _complete(kind: Kind, draft: _Draft, generator: Generator) -> tuple[NumericFunction, _Draft]:
    """Add what the kind adds: noise, bias, an exception. The draft comes back as it is measured."""
    plain = canonical(draft.program)
    sentence = plain_signs(draft.sentence[0].upper() + draft.sentence[1:])
    scale = scale_of(evaluate(parse(plain), grid(*draft.domain, POINTS)))
    if kind == "noisy":
        which: Literal["normal", "uniform"] = "normal" if int(randint(2, (), generator=generator)) else "uniform"
        noise = Noise(which, float(number_text(scale * uniform(generator, 0.1, 0.3), 3)))
        return NumericFunction(f"{sentence}, with {which} noise of standard deviation {noise.size:g}.", plain, plain,
                               draft.domain, noise=noise), draft  # fmt: skip
    if kind == "biased":
        noise = Noise("one-sided", float(number_text(scale * uniform(generator, 0.4, 0.8), 3)))
        (atom,) = draft.atoms
        draft = replace(draft, atoms=(atom.raised(noise.size),))
        if not atom.shape.levels:
            draft = replace(draft, join=lambda atom: f"{atom.program()} + {noise.size!r}")
        shifted = canonical(draft.program)
        return NumericFunction(f"{sentence}, with one-sided noise that adds {noise.size:g} on the average.", shifted,
                               shifted, draft.domain, noise=noise), draft  # fmt: skip
    if kind == "corrupted":
        return _corrupted(sentence, plain, draft.domain, scale, generator), draft
    prefix = "A network's approximation of: " if kind == "mlp" else ""
    return NumericFunction(f"{prefix}{sentence}.", plain, plain, draft.domain), draft


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
    inside = f"{start!r} <= x <= {end!r}"
    match int(randint(3, (), generator=generator)):
        case 0:
            level = number_text(float(y[(x >= start) & (x <= end)].mean()) + offset, 3)
            ways, how = [f"if {inside} then {level} else {plain}"], f"it is stuck at {level}"
        case 1:
            shift = number_text(offset, 3)
            ways = [
                f"({plain}) + (if {inside} then {shift} else 0)",
                f"if {inside} then ({plain}) + ({shift}) else {plain}",
            ]
            how = f"it is shifted by {shift}"
        case _:
            mean = number_text(float(y.mean()), 3)
            twice = number_text(2 * float(mean), 3 + 1)
            ways = [
                f"if {inside} then ({twice}) - ({plain}) else {plain}",
                f"({plain} - ({mean}))*(if {inside} then -1 else 1) + ({mean})",
            ]
            how = f"it is mirrored at {mean}"
    return NumericFunction(
        f"{sentence}; except between {start:g} and {end:g}, where {how}.", shortest(ways), plain, domain, (start, end)
    )
