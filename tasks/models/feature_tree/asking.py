"""What tasks ask about a forest, and its truth: several tasks ask the same of it."""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth
from benchmark.subjects import Saved
from tasks.models.feature_tree.subject import FeatureTree
from tasks.models.shared.activations import question_of as ask


def question_of(saved: Saved, size: int, sparsity: int) -> DictionaryQuestion:
    """What is asked about a forest."""
    subject: FeatureTree = saved.subject
    return ask(
        saved,
        size=size,
        sparsity=sparsity,
        on=subject.plant(saved.seed).codes["train"] > 0,
    )


def truth_of(saved: Saved) -> DictionaryTruth:
    """What is planted in a forest."""
    subject: FeatureTree = saved.subject
    planted = subject.plant(saved.seed)
    validation, test = planted.codes["validation"], planted.codes["test"]
    return DictionaryTruth(
        validation > 0,
        test > 0,
        planted.directions,
        planted.bias,
        validation_codes=validation,
        test_codes=test,
        parents=planted.forest.parents,
    )
