"""Suppressors: a column that the model uses, and that says nothing of the class.

    x1 = y + e1,  x2 = e2,  corr(e1, e2) = c;    the best score is x1 - (c s1 / s2) x2
    an input has two such pairs, with classes of their own, and columns of noise; one net names the class of the first
    pair, its rival that of the second

Two truths, and they differ. **Used** are both columns of the pair: without the suppressor the answer changes, as the
certificate shows. That is what `first` and `second` ask for. **Associated** with the class is the class column alone:
the suppressor is independent of it. That is what `associated` asks for (and whoever wants to read an explanation as
"this has to do with the class" wants to have). A gradient, a path integral, a Shapley value with marginal removal give
the suppressor its weight; a pattern, the covariance with the score, gives it none. Neither is wrong: they answer
different questions, and the page shows both.

**Blind**: which pair a net reads, nobody can tell who does not look at it, so that the two nets are rivals; the
figure is the four columns of both pairs. What is associated with the class is a fact about the data, which needs no
model: `associated` and `associated_half` are a diagnosis, where `false_positive_mass` is the share of the attribution
that lies on the suppressor.

Closed forms (Wilming et al. 2023, arXiv:2306.01464) are held against the methods in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.suppressors.plant import CLASS, SUPPRESSOR
from tasks.models.suppressors.subject import PAIR, Reads
from tasks.models.suppressors.subject import Suppressors as Subject


@attribution_task(
    cites="arXiv:2306.01464",
    subjects={
        "first": {"subject": "suppressors", "reads": "first"},
        "second": {"subject": "suppressors", "reads": "second"},
    },
    primary="figure_auroc",
    controls=("input_magnitude", "random_weights_gradient", "blind_segmenter"),
    metrics=("figure_auroc", "rank_accuracy", "truth_mass", "false_positive_mass", "infidelity"),
    variants={
        "first": {},
        "second": {"reader": "second"},
        "mlp_first": {"architecture": "mlp"},
        "mlp_second": {"architecture": "mlp", "reader": "second"},
        "half_first": {"correlation": 0.5},
        "half_second": {"correlation": 0.5, "reader": "second"},
        "associated": {"truth_of": "associated"},
        "associated_half": {"truth_of": "associated", "correlation": 0.5},
        "untrained_first": {"training": "none"},
        "untrained_second": {"training": "none", "reader": "second"},
    },
    rivals={"first": "second", "mlp_first": "mlp_second", "half_first": "half_second"},
    twins={"first": "untrained_first", "second": "untrained_second"},
    unranked=("associated", "associated_half", "untrained_first", "untrained_second"),
    dials={"correlation": ("half_first", "first")},
    small={"variants": ("first", "second", "associated"), "inputs": 60},
)
@dataclass(frozen=True, kw_only=True)
class Suppressors:
    """What does the net use, and what has it to do with the class?"""

    reader: Reads = "first"
    """Whose answer is to be explained."""
    truth_of: Literal["used", "associated"] = "used"
    """What is to be found: both columns of the pair that is read, or its class column."""
    inputs: int = 200
    """So many inputs are explained: the first ones on which both best scores say 1, or both say 0."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The net, inputs with the class that it should name, inputs of the distribution, and 0 as baseline."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: Subject = asked.subject
        background = asked.public["background"].to(asked.device)
        return AttributionQuestion(
            model=subject.load(asked),
            inputs=asked.public["inputs"][chosen].to(asked.device),
            targets=asked.public["classes"][chosen, PAIR[self.reader]].to(asked.device),
            background=background,
            baseline=torch.zeros_like(background[0]),
            seed=asked.method_seed,
        )

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """The pair that is read, among both; or its class column, among the pair."""
        asked, count = saved[self.reader], len(self._chosen(saved))
        subject: Subject = asked.subject
        plant = subject.plant(asked)
        own = plant.columns[PAIR[self.reader]]

        def mask(columns: torch.Tensor) -> torch.Tensor:
            found = torch.zeros(count, plant.width, dtype=torch.bool)
            found[:, columns] = True
            return found

        if self.truth_of == "associated":
            associated = mask(own[[CLASS]])
            return AttributionTruth(masks={"": associated}, zero_set=mask(own[[SUPPRESSOR]]), figure=mask(own))
        used = mask(own)
        return AttributionTruth(masks={"": used}, zero_set=~used, figure=mask(plant.columns.flatten()))

    def _chosen(self, saved: Mapping[str, Saved]) -> torch.Tensor:
        """The indices of the test inputs to explain, the same for both readers: their targets are the same, too."""
        classes = saved["first"].public["classes"].cpu()
        return (classes[:, 0] == classes[:, 1]).nonzero()[: self.inputs, 0]
