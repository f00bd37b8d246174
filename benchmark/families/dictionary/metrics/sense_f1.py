"""Sense F1: does some atom fire where a word is used in one sense, and nowhere else?

For each sense of each word the atom and threshold of greatest F1 are chosen on the validation rows and scored on the
test rows. An atom that knows the word and no more has F1 = 2p / (1 + p) of a sense that is meant in a share p of the
word's rows, so that only what is above counts:

    (F1 - 2p / (1 + p)) / (1 - 2p / (1 + p)),      at least 0

`@within` is the same among the rows of that word alone, where an atom may do on other words what it likes. It is the
weaker question: the rows of one word are a few clusters, and with a free threshold many directions divide them, drawn
at random or not. After Minegishi et al. 2025 (arXiv:2501.06254), who ask whether features separate the meanings of
polysemous words by comparing the strongest features of two contexts; there no sense is known to be in the model.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.families.dictionary.firing import Firings, best_detectors, firings, test_f1
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("alternatives",), cites="arXiv:2501.06254")
def sense_f1(explanation: DictionaryExplanation, truth: DictionaryTruth) -> dict[str, float]:
    """Mean over the senses that occur of the F1 above that of the word; `@within` among the rows of the word."""
    assert truth.alternatives is not None, "declared in `needs`"
    validation, test = explanation.validation_codes, explanation.test_codes
    everywhere = _f1(explanation.firings, validation, test, truth.validation, truth.test)
    above: dict[str, list[Tensor]] = {"": [], "within": []}
    for columns in truth.alternatives.values():
        senses = list(columns)
        chosen, scored = truth.validation[:, senses], truth.test[:, senses]
        here, there = chosen.any(1), scored.any(1)
        rate = scored[there].float().mean(0) if there.any() else torch.zeros(len(senses))
        seen = truth.occurring[senses] & (rate < 1)
        if not seen.any():
            continue
        own = validation[here], test[there]
        within = _f1(firings(own[0]), *own, chosen[here], scored[there])
        word = 2 * rate / (1 + rate)
        for name, f1 in (("", everywhere[senses]), ("within", within)):
            above[name].append(((f1 - word) / (1 - word)).clamp(min=0)[seen])
    return {name: float(torch.cat(values).mean()) if values else 0.0 for name, values in above.items()}


def _f1(
    fires: Firings,
    validation: Float[Tensor, "v m"],
    test: Float[Tensor, "t m"],
    chosen: Bool[Tensor, "v g"],
    scored: Bool[Tensor, "t g"],
) -> Float[Tensor, " g"]:
    """Test F1 of the best detector of each feature."""
    return test_f1(validation, test, scored, *best_detectors(fires.against(chosen).f1))
