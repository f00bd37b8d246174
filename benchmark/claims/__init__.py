"""Claims: published findings as data, checked against the scores, and findings of this suite beside them.

    claims = load([Path("tasks/claims")])
    table = evaluate(claims, scores)         # claim, source, tasks, effect, ci_low, ci_high, verdict, ...

A file tasks/claims/<paper>.yaml is a list of claims. A claim is a difference of two scores and what is expected of it:

    - name: shah2021-standard-leaks
      statement: Gradients of a standard model mark the block without information.
      source: "arXiv:2102.12781, BlockMNIST experiments"
      left: {family: attribution, task: blockmnist, variant: standard, method: gradient, metric: null_share@10%}
      right: {reference: ceiling}            # or `floor`, of the other side's task; or a number; or another selector
      margin: 0.25
      margin_from: half-way between the planted truth (0) and chance (0.5)

effect = left - right, averaged over seeds; both sides are paired by seed where they have the same seeds. The claim is
`reproduced` if the whole 95 % interval lies beyond the margin on the expected side, `not reproduced` if the whole
interval lies on the other side, and `undecided` otherwise: also if a row it needs is missing or failed, if its subject
failed the certificate, or if there is only one seed. Nothing is dropped; `reason` says why. Variants that are not
ranked can be asked about like others. Each claim stands for itself: verdicts are not corrected for their number.

Two verdicts are given by whoever writes the claim, with the reason, and hold whatever the effect is:

    out_of_regime: ...     `out of regime`: this comparison would test the statement, but not under these conditions,
                           whose difference from those of the paper decides the effect
    not_testable: ...      `not testable here`: what the statement is about is not here, the sides stand for something
                           else

Where a published claim is not reproduced, `fails_because` says what was found out about the reason; it moves no
verdict.

A margin must be set before the scores are seen. `finding: true` marks what no paper says but a board of this suite
showed, and whose margin was set after that sight: its verdict says whether it is still so, on more seeds, other sizes
or changed methods, and is no independent confirmation.
"""

from typing import TYPE_CHECKING, Any

from benchmark.claims.files import Calibration, Claim, ClaimError, Published, Selector, load

if TYPE_CHECKING:
    from benchmark.claims.evaluation import COLUMNS, EXTRAS, Verdict, evaluate, verdict

__all__ = [
    "COLUMNS",
    "EXTRAS",
    "Calibration",
    "Claim",
    "ClaimError",
    "Published",
    "Selector",
    "Verdict",
    "evaluate",
    "load",
    "verdict",
]


def __getattr__(name: str) -> Any:
    """What evaluates claims is imported when it is used: it needs pandas and scipy, and listing claims does not."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from benchmark.claims import evaluation

    return getattr(evaluation, name)
