"""What learns a dictionary elsewhere, in the place of a method: a decomposition of scikit-learn, or an autoencoder.

    PCA()                                               fit, transform, and inverse_transform or components_
    lambda train, size: Autoencoder(train.shape[1], size)    encode and decode, and fit(train) if it has that

It is copied afresh for each question, fitted on its training activations, and read on the other rows. Its decoder must
be affine: the atoms are what each code adds to what no code gives. Codes with two signs become two atoms each, since a
dictionary's are not negative. Where the mean number of active codes in a row exceeds the sparsity that is asked for, a
row keeps its `sparsity` largest. An estimator that leaves `n_components` open gets half as many as there may be atoms,
and at most one for each dimension.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from sklearn.base import clone
from torch import Tensor

from benchmark.errors import TouchstoneError
from benchmark.families.asking import Answer, asked, described, require_function
from benchmark.families.dictionary import Dictionary, DictionaryQuestion, keep_largest

AFFINE = 1e-3
"""How far a decoder may be from affine, as a share of what it decodes."""
Map = Callable[[Tensor], Any]


def adapted(handed: Any) -> Answer:
    """A function of the question from one of its parts, from an estimator or from an autoencoder."""
    if isinstance(handed, type) and hasattr(handed, "transform"):
        raise TouchstoneError(f"got {described(handed)}, expected an object of it: {handed.__name__}()")
    if not isinstance(handed, type) and _learns(handed):
        return lambda question: _dictionary(handed, question)
    require_function(handed, ", an estimator with fit and transform, or an object with encode and decode")

    def answer(question: DictionaryQuestion) -> Any:
        found = asked(handed, question)
        return _dictionary(found, question) if _learns(found) else found

    return answer


def _learns(thing: Any) -> bool:
    return _is_estimator(thing) or (hasattr(thing, "encode") and hasattr(thing, "decode"))


def _is_estimator(thing: Any) -> bool:
    return hasattr(thing, "fit") and hasattr(thing, "transform")


def _dictionary(learner: Any, question: DictionaryQuestion) -> Dictionary:
    encode, decode = (_estimator if _is_estimator(learner) else _autoencoder)(learner, question)
    with torch.no_grad():
        validation, test = (_numbers(encode(rows)) for rows in (question.validation, question.test))
        bias = _numbers(decode(torch.zeros(1, validation.shape[1])))[0]
        atoms = _numbers(decode(torch.eye(validation.shape[1]))) - bias
        written = _numbers(decode(validation))
    gap = float((validation @ atoms + bias - written).norm() / (written - bias).norm().clamp_min(1e-12))
    if not gap <= AFFINE:
        raise TouchstoneError(
            f"got a decoder whose output is off by {gap:.2g} from codes @ atoms + bias, expected an affine one"
        )
    if bool((validation < 0).any() or (test < 0).any()):
        atoms, validation, test = torch.cat([atoms, -atoms]), _split(validation), _split(test)
    if float((validation > 0).sum(1).float().mean()) > question.sparsity:
        validation, test = (keep_largest(codes, question.sparsity) for codes in (validation, test))
    return Dictionary(atoms, bias, validation, test)


def _estimator(estimator: Any, question: DictionaryQuestion) -> tuple[Map, Map]:
    """Encoder and decoder of a fitted clone."""
    own = clone(estimator, safe=False)
    if hasattr(own, "get_params") and own.get_params(deep=False).get("n_components", 0) is None:
        own.set_params(n_components=min(question.train.shape[1], question.size // 2))
    own.fit(question.train.numpy())

    def decode(codes: Tensor) -> Any:
        if hasattr(own, "inverse_transform"):
            return own.inverse_transform(codes.numpy())
        return codes.numpy() @ own.components_ + getattr(own, "mean_", 0.0)

    return lambda rows: own.transform(rows.numpy()), decode


def _autoencoder(module: Any, question: DictionaryQuestion) -> tuple[Map, Map]:
    """`encode` and `decode` of a copy, which is fitted first if it can be."""
    own = copy.deepcopy(module)
    if hasattr(own, "fit"):
        own.fit(question.train)
    return own.encode, own.decode


def _numbers(values: Any) -> Tensor:
    return torch.as_tensor(values).detach().float()


def _split(codes: Float[Tensor, "n m"]) -> Float[Tensor, "n twice_m"]:
    """Codes of either sign as codes of two atoms."""
    return torch.cat([codes.clamp(min=0), (-codes).clamp(min=0)], 1)
