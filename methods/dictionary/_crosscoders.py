"""What crosscoders share: one encoder reads all models, an atom has a part for each, and its length is their sum.

    |d_i| = sum over models l of |d_i^l|_2

Plain autoencoders on the same rows have the length of the whole atom instead. The sum lets a part that explains little
shrink to nothing, as the sum of absolute values does with numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jaxtyping import Float
from torch import Tensor

from benchmark.families.dictionary import Dictionary, DictionaryQuestion
from benchmark.learning.dictionaries import learn
from benchmark.learning.rules import P, Rule


def lengths(atoms: Float[Tensor, "*k m d"], widths: tuple[int, ...]) -> Float[Tensor, "*k m"]:
    """The sum of the lengths of each atom's parts."""
    return sum((part.norm(dim=-1) for part in atoms.split(list(widths), dim=-1)), start=atoms.new_zeros(()))


def learn_parts(
    questions: Sequence[DictionaryQuestion],
    rule: Callable[[tuple[int, ...]], Rule[P]],
    *,
    steps: int,
    batch: int,
    learning_rate: float,
) -> list[Dictionary]:
    """Train one dictionary for each question, by the rule for the widths of its models."""
    found: dict[int, Dictionary] = {}
    for widths in dict.fromkeys(question.widths for question in questions):
        members = [index for index, question in enumerate(questions) if question.widths == widths]
        chosen = [questions[index] for index in members]
        learned = learn(chosen, rule(widths), steps=steps, batch=batch, learning_rate=learning_rate)
        found |= dict(zip(members, learned, strict=True))
    return [found[index] for index in range(len(questions))]
