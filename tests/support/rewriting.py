"""A language over texts, as a task would bring one: steps applied from the left, `keep a; reverse; drop b`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmark.language import ProgramError

STEPS: dict[str, tuple[int, Callable[..., str]]] = {
    "reverse": (0, lambda text: text[::-1]),
    "upper": (0, lambda text: text.upper()),
    "first": (1, lambda text, count: text[: int(count)]),
    "drop": (1, lambda text, letter: text.replace(letter, "")),
    "swap": (2, lambda text, a, b: text.replace(a, b)),
}
"""Each step with the number of its arguments; `keep a` comes first and spares the texts that begin with a."""


@dataclass(frozen=True)
class Rewriting:
    """See `benchmark.families.description.Language`; the length is the number of steps."""

    longest: int = 8

    def steps(self, program: str) -> list[list[str]]:
        steps = [step.split() for step in program.split(";") if step.strip()]
        for place, (name, *arguments) in enumerate(steps):
            arity = 1 if name == "keep" and place == 0 else STEPS.get(name, (None, None))[0]
            if arity != len(arguments) or (name == "first" and not arguments[0].isdigit()):
                raise ProgramError(f"got the step {' '.join([name, *arguments])!r}, expected one of {sorted(STEPS)}")
        if not 0 < len(steps) <= self.longest:
            raise ProgramError(f"got {len(steps)} steps, expected 1 to {self.longest}")
        return steps

    def canonical(self, program: str) -> str:
        return "; ".join(" ".join(step) for step in self.steps(program))

    def length(self, program: str) -> int:
        return len(self.steps(program))

    def run(self, program: str, points: np.ndarray) -> np.ndarray:
        steps = self.steps(program)
        spared = steps.pop(0)[1] if steps[0][0] == "keep" else None
        return np.array([text if text[:1] == spared else self._rewritten(text, steps) for text in points.tolist()])

    def _rewritten(self, text: str, steps: list[list[str]]) -> str:
        for name, *arguments in steps:
            text = STEPS[name][1](text, *arguments)
        return text


REWRITING = Rewriting()
