"""Captum in the place of a method: a class, or a function that makes an object of one for a model.

    IntegratedGradients                                    lambda model: Occlusion(model)

The object's `attribute` is called with the inputs, the targets, and as baselines the question's neutral input; where it
cannot do without baselines (GradientShap, DeepLiftShap), it wants a distribution, and gets the background. All else
keeps Captum's defaults: whoever wants other ones writes a function of `(model, inputs, targets, baseline)`.

Captum does not say where a rule of its own does not hold (DeepLift treats a GELU as linear). Nothing is checked here;
the suite's own methods decline such models.
"""

from __future__ import annotations

import inspect
from typing import Any

from benchmark.errors import TouchstoneError
from benchmark.families.asking import Answer, asked, described, require_function
from benchmark.families.attribution import AttributionQuestion


def adapted(handed: Any) -> Answer:
    """A function of the question from one of its parts, or from Captum's classes."""
    if isinstance(handed, type) and _attributes(handed):
        return lambda question: _attributions(handed(question.model), question)
    if _attributes(handed):
        name = type(handed).__name__
        raise TouchstoneError(
            f"got {described(handed)}, which is made for one model, but every question brings its own; "
            f"expected the class {name}, or `lambda model: {name}(model)`"
        )
    require_function(handed, ", or a class of Captum")

    def answer(question: AttributionQuestion) -> Any:
        found = asked(handed, question)
        return _attributions(found, question) if _attributes(found) else found

    return answer


def _attributes(thing: Any) -> bool:
    return callable(getattr(thing, "attribute", None))


def _attributions(made: Any, question: AttributionQuestion) -> Any:
    parameters = inspect.signature(made.attribute).parameters
    given: dict[str, Any] = {"inputs": question.inputs, "target": question.targets}
    if "baselines" in parameters:
        needed = parameters["baselines"].default is inspect.Parameter.empty
        given["baselines"] = question.background if needed else question.baseline[None]
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    lacking = [p.name for p in parameters.values() if p.default is p.empty and p.kind not in kinds]
    if missing := [name for name in lacking if name not in given]:
        raise TouchstoneError(
            f"{type(made).__name__}.attribute needs {', '.join(missing)}, which no question has; "
            "expected a function of (model, inputs, targets, baseline) that calls it"
        )
    return made.attribute(**given)
