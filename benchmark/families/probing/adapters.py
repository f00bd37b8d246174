"""A classifier of scikit-learn in the place of a method: LogisticRegression(), or a function that makes one.

It is cloned and fitted afresh for each concept, on the train activations. Its scores are those of `decision_function`,
or of `predict_proba` where it has no other. Where it is linear in the activations themselves (`coef_`), what its
weights span, about their mean, is the concept's subspace; a pipeline that scales them first has no `coef_`, names no
place and declines the metrics that ask for one: whoever wants them writes a function that returns a
`ProbingExplanation`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from sklearn.base import clone
from torch import Tensor

from benchmark.errors import TouchstoneError
from benchmark.families.asking import Answer, asked, described, require_function
from benchmark.families.probing import ProbingExplanation, ProbingQuestion
from benchmark.learning.class_means import span


def adapted(handed: Any) -> Answer:
    """A function of the question from one of its parts, or from a classifier."""
    if isinstance(handed, type) and _classifies(handed):
        raise TouchstoneError(f"got {described(handed)}, expected an object of it: {handed.__name__}()")
    if _classifies(handed):
        return lambda question: _probed(handed, question)
    require_function(handed, ", or a classifier of scikit-learn with decision_function or predict_proba")

    def answer(question: ProbingQuestion) -> Any:
        found = asked(handed, question)
        return _probed(found, question) if _classifies(found) else found

    return answer


def _classifies(thing: Any) -> bool:
    return hasattr(thing, "fit") and (hasattr(thing, "decision_function") or hasattr(thing, "predict_proba"))


def _probed(classifier: Any, question: ProbingQuestion) -> ProbingExplanation:
    most = max(question.classes)
    fitted = [
        clone(classifier, safe=False).fit(question.train.cpu().numpy(), question.labels[:, concept].cpu().numpy())
        for concept in range(question.concepts)
    ]
    scores = torch.stack([_scores(one, question.test, most) for one in fitted], 1)
    if not all(hasattr(one, "coef_") for one in fitted):
        return ProbingExplanation(scores=scores)
    weights = torch.stack([_weights(one, most, question.train.shape[1]) for one in fitted])
    found = span(weights[None], question.classes)[0]
    allowed = torch.tensor(question.ranks or [count - 1 for count in question.classes])
    return ProbingExplanation(
        scores=scores, subspace=found * (torch.arange(found.shape[1]) < allowed[:, None])[..., None]
    )


def _scores(fitted: Any, test: Float[Tensor, "m d"], most: int) -> Float[Tensor, "m classes"]:
    """A column for each class; those that the train inputs do not have lie below all others."""
    score = fitted.decision_function if hasattr(fitted, "decision_function") else fitted.predict_proba
    found = np.asarray(score(test.cpu().numpy()), dtype=np.float32)
    if found.ndim == 1:
        found = np.stack([-found, found], 1)
    scores = np.full((len(found), most), found.min() - 1, dtype=np.float32)
    scores[:, fitted.classes_] = found
    return torch.from_numpy(scores)


def _weights(fitted: Any, most: int, width: int) -> Float[Tensor, "classes d"]:
    """The weights about their mean, rows of zeros filling up; two classes have one row between them."""
    rows = np.asarray(fitted.coef_, dtype=np.float32)
    weights = torch.zeros(most, width)
    weights[: len(rows)] = torch.from_numpy(rows - rows.mean(0) if len(rows) > 1 else rows)
    return weights
