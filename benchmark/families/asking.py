"""What a notebook hands over in the place of a method: a function of the question, or of parts of it.

    asked(lambda question: ..., question)                    the whole question
    asked(lambda model, inputs, targets: ..., question)      those fields of it that the parameters name

Every family takes both. What else it takes stands in its `adapters.py`, whose `adapted(handed)` makes a function of the
question of it (a scikit-learn estimator, a class of Captum), or raises `TouchstoneError` where it is none of these.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

from benchmark.errors import TouchstoneError, unknown

Answer = Callable[[Any], Any]
"""From a posed question to what the family's `check` takes."""
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
SEVERAL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def adapted(handed: Any) -> Answer:
    """For families without adapters of their own: functions alone."""
    require_function(handed, "")
    return lambda question: asked(handed, question)


def require_function(handed: Any, others: str) -> None:
    """Raise `TouchstoneError` unless `handed` can be called; `others` says what else the family takes."""
    if not callable(handed):
        raise TouchstoneError(
            f"got {described(handed)}, expected a function of the question, or of those parts of it that its "
            f"parameters name{others}"
        )


def described(handed: Any) -> str:
    """How messages call what was handed over."""
    return f"the class {handed.__name__}" if isinstance(handed, type) else f"an object of {type(handed).__name__}"


def asked(function: Callable[..., Any], question: Any) -> Any:
    """What a function makes of a question.

    Where all parameters without a default are named like fields of the question, it gets these fields, by name; a
    single other one gets the question. Parameters with a default keep it.

    Raises:
        TouchstoneError: it needs something that the question does not have.
    """
    names = required(function)
    fields = [field.name for field in dataclasses.fields(question)]
    if names and all(name in fields for name in names):
        return function(**{name: getattr(question, name) for name in names})
    if len(names) == 1:
        return function(question)
    if not names:
        raise TouchstoneError("got a function of nothing, expected one of the question, or of parts of it")
    strange = next(name for name in names if name not in fields)
    wanted = f"got a function of ({', '.join(names)})"
    raise TouchstoneError(f"{wanted}: {unknown('part', strange, fields, where=f'a {type(question).__name__}')}")


def required(function: Callable[..., Any]) -> list[str]:
    """The parameters that must be given; one without a name where it takes whatever it is given, or does not say."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # written in C
        return [""]
    needed = [p.name if p.kind in NAMED else "" for p in parameters if p.default is p.empty and p.kind not in SEVERAL]
    return needed or [""] * any(p.kind is p.VAR_POSITIONAL for p in parameters)
