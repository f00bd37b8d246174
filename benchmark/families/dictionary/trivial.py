"""Dictionary: more features than dimensions, nearly without noise and almost never on together."""

from __future__ import annotations

import torch

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth
from benchmark.families.family import Template
from benchmark.subjects import generator_for

FEATURES, DIMENSIONS, ROWS = 6, 4, 600

JUDGE = "firing_f1"

TEMPLATE = Template(
    returns="Dictionary",
    parameter="centre: bool = True",
    imports="""from __future__ import annotations

import torch

from benchmark.families.dictionary import Dictionary, DictionaryQuestion, dictionary_method, keep_largest""",
    body="""    mean = question.train.mean(0) if centre else torch.zeros(question.train.shape[1])
    rows = (question.train - mean)[: question.size]
    atoms = torch.nn.functional.normalize(rows, dim=1)
    codes = [keep_largest((part - mean) @ atoms.T, question.sparsity) for part in (question.validation, question.test)]
    return Dictionary(atoms, mean, codes[0], codes[1])""",
    metric_imports="""from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth""",
    metric_body="""    together = truth.test.float().T @ (explanation.test_codes > 0).float()
    recall = together / truth.test.float().sum(0).clamp(min=1)[:, None]
    return float(recall.amax(1)[truth.occurring].mean())""",
)


def trivial(seed: int) -> tuple[DictionaryQuestion, DictionaryTruth]:
    """Six random directions in four dimensions, each on in a seventh of the rows: fewer than the one code a row that is
    asked for, so that the whole truth may be said."""
    generator = generator_for(seed, "the trivial problem")  # with the seed itself learners draw their first atoms
    directions = torch.nn.functional.normalize(torch.randn(FEATURES, DIMENSIONS, generator=generator), dim=1)
    codes = (torch.rand(3, ROWS, FEATURES, generator=generator) < 1 / (FEATURES + 1)).float()
    rows = codes @ directions + 0.01 * torch.randn(3, ROWS, DIMENSIONS, generator=generator)
    question = DictionaryQuestion(
        rows[0], rows[1], rows[2], size=2 * FEATURES, sparsity=1, seed=seed, labels=codes[0] > 0
    )
    truth = DictionaryTruth(
        codes[1] > 0,
        codes[2] > 0,
        directions,
        torch.zeros(DIMENSIONS),
        validation_codes=codes[1],
        test_codes=codes[2],
    )
    return question, truth
