"""Explained variance: how much of the test activations' variance the reconstruction leaves nothing of."""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation, DictionaryQuestion
from benchmark.plugins import metric


@metric(range=(-1e999, 1.0), direction="higher", truth_free=True)
def explained_variance(explanation: DictionaryExplanation, question: DictionaryQuestion) -> float:
    """1 - |x - (codes @ atoms + bias)|^2 / |x - mean x|^2, summed over test rows and dimensions; 0 is what the mean
    alone explains.
    """
    left = question.test - explanation.test_codes @ explanation.atoms - explanation.bias
    spread = question.test - question.test.mean(0)
    return float(1 - left.square().sum() / spread.square().sum().clamp(min=1e-12))
