"""Description: say in a sentence and a short program what a black box does, from a limited number of questions to it.

    method(question: DescriptionQuestion, *, ...) -> [Description(text, program), ...]      one for each box, in order

A box answers `box.query(points [n]) -> answers [n]` on its domain (`domains`: reals, strings, tokens, images),
`box.budget` points in all. A program is written in the safe language of the question (`languages`; that of real
functions unless the task brings another) and is judged by running it on points that were never asked for, against what
the box says there without noise (`truth`). A task may also judge beyond the domain of the questions, where the rule
still holds and a repetition of the answers does not, and it may ask for brevity (`metrics/function_recovery`). The task
is that of FIND (Schwettmann et al. 2023, arXiv:2309.03886); differences are stated where they arise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64, Int64
from numpy import ndarray
from torch import Tensor

from benchmark.errors import InvalidExplanation
from benchmark.families.description.boxes import BlackBox, BudgetExhausted
from benchmark.families.description.domains import Domain, Images, Reals, Strings, Tokens, grid
from benchmark.families.description.languages import FORMULAS, Language
from benchmark.families.description.truth import EXACT, TOLERANCE, DescriptionTruth, scale_of
from benchmark.language import ProgramError
from benchmark.plugins import method_decorator, task_decorator

__all__ = [
    "EXACT",
    "FORMULAS",
    "TOLERANCE",
    "BlackBox",
    "BudgetExhausted",
    "Description",
    "DescriptionExplanation",
    "DescriptionQuestion",
    "DescriptionTruth",
    "Domain",
    "Images",
    "Language",
    "Reals",
    "Strings",
    "Tokens",
    "check",
    "count_calls",
    "description_method",
    "description_task",
    "errors",
    "grid",
    "scale_of",
]

description_method = method_decorator("description")
description_task = task_decorator("description")

LONGEST_TEXT = 2_000
"""Characters of one sentence."""


@dataclass(frozen=True)
class DescriptionQuestion:
    """What a method sees: black boxes, a seed for its own random draws, how long a program may be and its language."""

    boxes: tuple[BlackBox, ...]
    seed: int
    longest: int = 64
    """The greatest length of one program. Longer ones are refused: a table of the answers is no description."""
    language: Language = FORMULAS


@dataclass(frozen=True)
class Description:
    """What a method returns for one box."""

    text: str
    """A sentence for people; it is shown, not judged."""
    program: str
    """A program in the question's language; it is judged."""


@dataclass(frozen=True)
class DescriptionExplanation:
    """What is stored: line i of each text belongs to box i."""

    texts: str
    programs: str
    """In canonical form; an empty line where the program was refused."""
    problems: str
    """Why a program was refused; an empty line where it was not. A refused program counts as one that predicts
    nothing."""
    queries: Int64[Tensor, " n"]
    """Points asked of each box, as the boxes counted them."""


def check(raw: Any, question: DescriptionQuestion) -> DescriptionExplanation:
    """Validate a method's descriptions. A refused program is recorded with its reason; a wrong number of them is an
    error."""
    refused: list[str] = []
    if isinstance(raw, DescriptionExplanation):
        refused = raw.problems.split("\n")
        raw = list(zip(raw.texts.split("\n"), raw.programs.split("\n"), strict=False))
    if not isinstance(raw, Sequence) or isinstance(raw, str) or len(raw) != len(question.boxes):
        got = f"{len(raw)} in a {type(raw).__name__}" if hasattr(raw, "__len__") else type(raw).__name__
        raise InvalidExplanation(f"got {got}, expected a list of {len(question.boxes)} descriptions, one for each box")
    texts, programs, problems = [], [], []
    for index, item in enumerate(raw):
        parts = (item.text, item.program) if isinstance(item, Description) else item
        if not isinstance(parts, tuple) or len(parts) != 2 or not all(isinstance(part, str) for part in parts):
            raise InvalidExplanation(
                f"got {type(item).__name__} for box {index}, "
                "expected a Description or a tuple (text, program) of two texts"
            )
        text, program, problem = _checked(parts[0], parts[1], question)
        if not program and index < len(refused):
            problem = refused[index] or problem
        texts.append(text)
        programs.append(program)
        problems.append(problem)
    queries = torch.tensor([box.used for box in question.boxes], dtype=torch.int64)
    return DescriptionExplanation("\n".join(texts), "\n".join(programs), "\n".join(problems), queries)


def _checked(text: str, program: str, question: DescriptionQuestion) -> tuple[str, str, str]:
    """The sentence on one line, the program in canonical form, and why the description is refused (empty if it is
    not)."""
    sentence = " ".join(text[:LONGEST_TEXT].split())
    if len(text) > LONGEST_TEXT:
        return sentence, "", f"got a text of {len(text)} characters, expected at most {LONGEST_TEXT}"
    if not sentence:
        return sentence, "", "got an empty text, expected a sentence"
    try:
        canonical = question.language.canonical(program)
        length = question.language.length(canonical)
    except ProgramError as error:
        return sentence, "", " ".join(str(error).split())
    if length > question.longest:
        return sentence, "", f"got a program of {length} instructions, expected at most {question.longest}"
    return sentence, canonical, ""


def count_calls(questions: Sequence[DescriptionQuestion]) -> Callable[[], int]:
    """How many points the boxes of these questions have been asked for, as a function to call afterwards."""
    return lambda: sum(box.used for question in questions for box in question.boxes)


def errors(explanation: DescriptionExplanation, truth: DescriptionTruth) -> Float64[ndarray, "n m"]:
    """How far the programs are from the truth at the held-out points, see `DescriptionTruth.errors`: a row of NaN where
    a program is missing or has no value somewhere."""
    return np.stack([truth.errors(index, line) for index, line in enumerate(explanation.programs.split("\n"))])
