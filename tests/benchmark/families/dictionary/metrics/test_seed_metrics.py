"""What several seeds of a learner find again, and whether they have come closer, against closed forms."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import InvalidExplanation, Unsupported
from benchmark.families.dictionary import Dictionary, DictionaryExplanation, check, references
from benchmark.families.dictionary.metrics.recall_at_cosine import recall_at_cosine
from benchmark.families.dictionary.metrics.reproduced_recall import reproduced_recall
from benchmark.families.dictionary.metrics.stabilisation import gained, stabilisation
from benchmark.families.dictionary.trivial import trivial
from benchmark.families.family import Labelled

POSED, TRUTH = trivial(0)


def learned(atoms: torch.Tensor, start: torch.Tensor | None = None, question=POSED) -> Labelled:
    nothing = torch.zeros(1, 1)
    explanation = DictionaryExplanation(atoms, atoms[0], nothing.int(), nothing, nothing.int(), nothing, start=start)
    return Labelled("m", "v", 0, explanation, TRUTH, question)


def random(seed: int, atoms: int = 8) -> torch.Tensor:
    return torch.randn(atoms, 4, generator=torch.Generator().manual_seed(seed))


def test_what_is_always_the_same_and_wrong_counts_nothing() -> None:
    across = torch.linalg.svd(TRUTH.directions).Vh[-1:]
    assert float((TRUTH.directions @ across.T).abs().max()) < 0.9
    assert reproduced_recall([learned(across), learned(across)]) == 0


def test_only_features_that_both_seeds_find_count() -> None:
    features = TRUTH.directions
    halves = [learned(features[:4]), learned(features[2:]), learned(features)]
    pairs = {(0, 1): 2 / 6, (0, 2): 4 / 6, (1, 2): 4 / 6}
    for (one, other), share in pairs.items():
        assert reproduced_recall([halves[one], halves[other]]) == pytest.approx(share)
    assert reproduced_recall(halves) == pytest.approx(sum(pairs.values()) / 3)
    assert reproduced_recall([learned(features), learned(features)]) == 1
    assert reproduced_recall([learned(-features), learned(-features)]) < 1, "a direction has a sign"


@given(st.integers(0, 500))
def test_it_never_exceeds_a_seeds_own_recall(seed: int) -> None:
    both = [learned(random(seed)), learned(random(seed + 1000))]
    least = min(recall_at_cosine(one.explanation, TRUTH) for one in both)
    assert reproduced_recall(both) <= least + 1e-6


def test_the_gain_is_a_share_of_what_could_be_gained_or_lost() -> None:
    assert gained(0.2, 1.0) == 1
    assert gained(0.5, 0.75) == pytest.approx(0.5)
    assert gained(0.5, 0.25) == pytest.approx(-0.5)
    assert gained(1.0, 1.0) == 0
    assert gained(1.0, 0.6) == pytest.approx(-0.4)
    assert gained(0.0, 0.0) == 0


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_gain_has_the_sign_of_the_change_and_stays_in_its_range(before: float, after: float) -> None:
    gain = gained(before, after)
    assert -1 - 1e-9 <= gain <= 1 + 1e-9
    assert gain * (after - before) >= 0


def test_convergence_is_not_agreement() -> None:
    ends, starts = random(0), (random(1), random(2))
    together = [learned(ends, starts[0]), learned(ends, starts[1])]
    assert stabilisation(together) == pytest.approx(1)
    kept = [learned(ends, ends), learned(ends, ends)]
    assert stabilisation(kept) == pytest.approx(0, abs=1e-6), "as alike as they began"
    apart = [learned(starts[0], ends), learned(starts[1], ends)]
    assert stabilisation(apart) < -0.1
    still = [learned(starts[0], starts[0]), learned(starts[1], starts[1])]
    assert stabilisation(still) == pytest.approx(0, abs=1e-6)


def test_who_tells_nothing_of_a_start_has_no_stabilisation() -> None:
    with pytest.raises(Unsupported, match="without its first atoms"):
        stabilisation([learned(random(0), random(1)), learned(random(0))])
    with pytest.raises(Unsupported, match="one seed"):
        reproduced_recall([learned(random(0))])


def test_references_begin_where_the_task_says() -> None:
    asked = [replace(POSED, start_seed=number) for number in (0, 0, 1)]
    found = [references.oracle(question, TRUTH).start for question in asked]
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert references.oracle(POSED, TRUTH).start is None
    drawn = references.random(asked[0], torch.Generator().manual_seed(5))
    assert torch.equal(drawn.start, found[0]), "the start is not among what is drawn"


@pytest.mark.parametrize(
    ("start", "message"),
    [(torch.zeros(3, 5), r"shape \(3, 5\), expected rows of length 4"), (torch.full((3, 4), torch.nan), "NaN")],
)
def test_first_atoms_are_checked(start: torch.Tensor, message: str) -> None:
    codes = torch.zeros(len(POSED.validation), 2), torch.zeros(len(POSED.test), 2)
    with pytest.raises(InvalidExplanation, match=message):
        check(Dictionary(random(0, 2), torch.zeros(4), *codes, start=start), POSED)
