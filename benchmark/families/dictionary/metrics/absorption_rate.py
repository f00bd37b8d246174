"""The absorption rate: how often is a parent's own atom silent while atoms of others carry its direction?

With the truth known no probe is needed. The *own* atoms of a parent p are those of cosine above 0.9 with its direction;
it counts as found if one of them fires in at least half of the validation rows in which p is on without any child. A
test row with p and a child is absorbed if no own atom fires and the other atom that gives most along p gives enough:

    max_j f_j cos(d_j, p) |d_j|  >=  0.4 of p's magnitude in that row

This is the "full" absorption of SAEBench with the planted direction and magnitude in the place of a probe's, and the
same 0.4. Taken over parents that were found it is low where nothing was. So the score counts parents that were not
found as fully absorbed, and `@found` is the rate over the found ones.
"""

from __future__ import annotations

from benchmark.families.dictionary import DictionaryExplanation, DictionaryTruth
from benchmark.families.dictionary.metrics._cosines import cosines
from benchmark.families.dictionary.metrics._trees import edges
from benchmark.plugins import metric

OWN, FOUND, CARRIED = 0.9, 0.5, 0.4


@metric(
    range=(0.0, 1.0),
    direction="lower",
    perfect=0.0,
    needs=("parents", "directions", "test_codes"),
    cites="arXiv:2409.14507",
)
def absorption_rate(explanation: DictionaryExplanation, truth: DictionaryTruth) -> dict[str, float]:
    """Mean over parents of the share of their rows with a child that are absorbed; 1 for a parent that is not found.

    `@found` is the mean over parents that are found (no value where none is), `@parents_found` their share.
    """
    assert truth.directions is not None
    assert truth.test_codes is not None
    parents, children = edges(truth)
    along = explanation.atoms @ truth.directions.T
    own = cosines(explanation, truth).T > OWN
    rates = []
    for parent in parents.unique():
        under = children[parents == parent]
        mine = own[:, parent]
        alone = truth.validation[:, parent] & ~truth.validation[:, under].any(1)
        firing = (explanation.validation_codes[alone][:, mine] > 0).any(1)
        if not (len(firing) and float(firing.float().mean()) >= FOUND):
            continue
        rows = truth.test[:, parent] & truth.test[:, under].any(1)
        codes, magnitude = explanation.test_codes[rows], truth.test_codes[rows, parent]
        most = (codes * along[:, parent] * ~mine).amax(1)
        absorbed = ~(codes[:, mine] > 0).any(1) & (most >= CARRIED * magnitude)
        rates.append(float(absorbed.float().mean()))
    every = len(parents.unique())
    found = len(rates)
    scores = {"": (sum(rates) + every - found) / max(every, 1), "parents_found": found / max(every, 1)}
    return scores | ({"found": sum(rates) / found} if found else {})
