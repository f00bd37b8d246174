"""Which tokens did a small transformer look up?

    lookup       k1 k2 v1 v2 ... k2 k1 ? ?      what belongs to the key that is asked for?
    induction    ... a f x ... b y x ... a b ? ?      what came after the token, when it was there before?
    negation     f not f food f good ... ? ?      is the food praised?
    distance     places from a key to its value, from a modifier to its word
    two rivals: one net answers the first of the two questions of a sequence, the other the second one
    truth: the places on which the answer depends;   figure: the same of both questions

**Used** are the place of the key that is asked for, that of the same key in the body, and that of the value behind it;
of a negation, the aspect, the word, and its modifier. The certificate exchanges each of them, and all others at once.
The finer truth `address` is what the answer is found by: the key in both places. It is compared, not copied, and a
trained attention is saturated there: a gradient need not see it. **Associated** with an answer are all places of the
body that show its token (both judging words, of a negation), whatever a net reads; `associated` asks for these, which
needs no model, and is a diagnosis.

**Blind**, nobody can tell: sequences and targets of both nets are the same, since only sequences are asked about whose
two answers are equal, and both questions are posed and answered in the same way. The output is read at both "?" alike.
A place is an entry (the question is asked `per_pixel`): of a token's column the magnitudes are added up.

Attribution of language models is mostly judged by examples, or by what the attributed tokens do to the same model
(Sarti et al. 2023, Inseq, arXiv:2302.13942); here it is known which tokens the answer was made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.token_dependencies.subject import QUESTION, Reads
from tasks.models.token_dependencies.subject import TokenDependencies as Subject


@attribution_task(
    cites="arXiv:2302.13942",
    subjects={
        "first": {"subject": "token_dependencies", "reads": "first"},
        "second": {"subject": "token_dependencies", "reads": "second"},
    },
    primary="figure_auroc",
    controls=("input_magnitude", "position_prior", "random_weights_gradient", "blind_segmenter"),
    metrics=(
        *("figure_auroc", "rank_accuracy", "average_precision", "truth_mass", "pointing_game"),
        *("insertion", "deletion", "completeness_gap"),
    ),
    variants={
        "lookup_first": {},
        "lookup_second": {"reader": "second"},
        "near_first": {"distance": 2},
        "near_second": {"distance": 2, "reader": "second"},
        "far_first": {"distance": 6},
        "far_second": {"distance": 6, "reader": "second"},
        "induction_first": {"rule": "induction"},
        "induction_second": {"rule": "induction", "reader": "second"},
        "negation_first": {"rule": "negation"},
        "negation_second": {"rule": "negation", "reader": "second"},
        "scope_6_first": {"rule": "negation", "distance": 6},
        "scope_6_second": {"rule": "negation", "distance": 6, "reader": "second"},
        "associated": {"truth_of": "associated"},
        "untrained_first": {"training": "none"},
        "untrained_second": {"training": "none", "reader": "second"},
    },
    rivals={
        f"{name}_first": f"{name}_second" for name in ("lookup", "near", "far", "induction", "negation", "scope_6")
    },
    twins={"lookup_first": "untrained_first", "lookup_second": "untrained_second"},
    unranked=("associated", "untrained_first", "untrained_second"),
    dials={
        "distance from a key to its value": ("near_first", "lookup_first", "far_first"),
        "distance from a modifier to its word": ("negation_first", "scope_6_first"),
    },
    small={"variants": ("lookup_first", "lookup_second"), "inputs": 24},
)
@dataclass(frozen=True, kw_only=True)
class TokenDependenciesTask:
    """On which places does the answer to the question that the net reads depend?"""

    reader: Reads = "first"
    """Whose answer is to be explained."""
    truth_of: Literal["used", "associated"] = "used"
    """What is to be found: what the answer depends on, or what of the body has to do with it, model or no model."""
    inputs: int = 40
    """So many test sequences are explained: the first ones with one answer to both questions, on which both nets are
    confirmed."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The net, one-hot sequences with the answer as target, sequences of the distribution, and no tokens as
        baseline."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: Subject = asked.subject
        inputs = subject.encoded(asked.public["tokens"][chosen]).to(asked.device)
        return AttributionQuestion(
            model=subject.load(asked),
            inputs=inputs,
            targets=asked.public["answers"][chosen, QUESTION[self.reader]].to(asked.device),
            background=subject.encoded(asked.public["background"]).to(asked.device),
            baseline=torch.zeros_like(inputs[0]),
            seed=asked.method_seed,
            per_pixel=True,
        )

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """The places that the answer depends on, among those of both answers; or those that are associated with it."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: Subject = asked.subject
        sequences = subject.sequences(asked)
        question = [QUESTION[self.reader]]
        if self.truth_of == "associated":
            associated = sequences.associated[chosen][:, question]
            body = torch.arange(subject.law.places) < subject.law.body
            return AttributionTruth(masks={"": associated}, figure=body.expand_as(associated))
        used = sequences.used[chosen]
        return AttributionTruth(
            masks={"": used[:, question], "address": sequences.address[chosen][:, question]},
            zero_set=~used[:, question],
            figure=used.any(1, keepdim=True),
        )

    def _chosen(self, saved: Mapping[str, Saved]) -> Int[Tensor, " inputs"]:
        """The indices of the test sequences to explain, the same for both readers."""
        first, second = (saved[reader].public for reader in ("first", "second"))
        chosen = first["answers"][:, 0] == first["answers"][:, 1]
        if saved[self.reader].subject.training != "none":
            chosen &= first["confirmed"] & second["confirmed"]
        return chosen.cpu().nonzero()[: self.inputs, 0]
