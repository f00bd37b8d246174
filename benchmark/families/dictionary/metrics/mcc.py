"""Mean correlation coefficient: the best one-to-one matching of atoms and true directions by absolute cosine."""

from __future__ import annotations

from scipy.optimize import linear_sum_assignment

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.families.dictionary.metrics._cosines import cosines
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", perfect=1.0, needs=("directions",), cites="arXiv:2505.20254")
def mcc(explanation: DictionaryExplanation, truth: DictionaryTruth) -> float:
    """Mean over true directions of the absolute cosine with the atom assigned to each; 0 where none is left.

    The published mean runs over the matched pairs alone, which is the same number unless there are fewer atoms than
    directions.
    """
    similarity = cosines(explanation, truth).abs().numpy()
    rows, columns = linear_sum_assignment(similarity, maximize=True)
    return float(similarity[rows, columns].sum() / len(similarity))
