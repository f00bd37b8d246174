"""Questions and truths of dictionaries as tables: a row for each activation, or for each planted feature."""

from __future__ import annotations

import torch

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth
from benchmark.families.family import Table


def question_tables(question: DictionaryQuestion) -> list[Table]:
    """The activations of the three sets, with those of other layers beside them, and what is asked for."""
    about = {
        "train": "activations to learn from",
        "validation": "activations on which choices are made",
        "test": "activations on which dictionaries are scored",
    }
    tables = []
    for split, what in about.items():
        layers = {f"layer_{name}": getattr(layer, split) for name, layer in (question.layers or {}).items()}
        further = "; `layer_*` are those of the same row elsewhere in the model" if layers else ""
        columns = {"activations": getattr(question, split), **layers}
        if split == "train" and question.outputs is not None:
            columns["outputs"] = question.outputs
            further += "; `outputs`: what the model makes of the row next"
        tables.append(Table(split, f"`activations`: {what}{further}", columns))
    asked = {"size": torch.tensor([question.size]), "sparsity": torch.tensor([question.sparsity])}
    about_asked = "the most atoms that a dictionary may have (`size`) and the mean active codes a row (`sparsity`)"
    tables.append(Table("asked", about_asked, asked))
    if question.jacobian_gram is not None:
        about_gram = "the mean of J^T J over training rows, J being the derivative of what is read next by activations"
        tables.append(Table("jacobian_gram", about_gram, {"jacobian_gram": question.jacobian_gram}))
    return tables


def truth_tables(truth: DictionaryTruth) -> list[Table]:
    """Which features are on in the held-out rows and how strongly, and their directions."""
    rows = []
    for name, split in (("truth", "test"), ("truth_validation", "validation")):
        codes = getattr(truth, f"{split}_codes")
        columns = {"on": getattr(truth, split)} | ({} if codes is None else {"magnitude": codes})
        about = f"a row for each row of `{split}`: which features are `on` and, where it is known, their `magnitude`"
        rows.append(Table(name, about, columns))
    features: dict[str, object] = {"feature": torch.arange(truth.test.shape[1])}
    if truth.names:
        features["name"] = list(truth.names)
    if truth.directions is not None:
        features["direction"] = truth.directions
    about = "a row for each feature: its `name` and its unit `direction`, where they are known"
    if truth.parents is not None:
        features["parent"] = truth.parents
        about += "; its `parent`, -1 where it has none"
    if truth.subspaces is not None:
        of = [number for number, axes in enumerate(truth.subspaces) for _ in axes]
        features["subspace"] = torch.tensor(of * 2)
        about += "; features of one `subspace` are its axes and their opposites, and belong together"
    return [*rows, Table("truth_features", about, features)]
