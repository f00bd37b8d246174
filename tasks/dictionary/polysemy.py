"""Polysemy: in a language model over planted homonyms, does an atom stand for a word in one of its senses?

    c7 f1 s3 f4 w5   ->   ?        c7 belongs to a topic, which decides the sense of w5 and with it what comes next

The model is a small transformer; the activations are those at the word, from which the next two tokens are read: one
that goes with the sense, and the style s3 again. Six words have 2, 3 or 4 senses (the dial) and six have one. After
Minegishi et al. 2025 (arXiv:2501.06254), who ask of real polysemous words whether features separate their meanings.

*Used* is the sense: exchanging the difference of two senses' mean activations makes the model go on as in the other
sense, and leaves the style; another context word changes what follows if and only if it changes the sense (the
certificate). *Associated* are the context word and its topic, which the activations may hold as well: two topics go
with each sense, others for each word. *Blind* are the tokens. Together they give the sense away to whoever knows what
goes with what, which is why contestants are not shown them; one by one they tell nothing above the word
(`tokens_read`), nor does a pair of word and context word, which is one of six that mean the same. In the activations
of random weights (`untrained`) dictionaries find no senses either, but detectors that are shown the senses do: that a
sense can be read there is no evidence that it is computed.

The primary metric asks for atoms that fire on one sense of one word and nowhere else. Among the rows of one word alone
(`@within`) random directions reach .45 to .63 and pca .82 to .99 (three seeds, two senses), where they have .05 to .14
and .11 to .24 by the primary: these rows are a few tight clusters, and some direction out of 64 divides them.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.subjects import Saved
from tasks.models.homonyms.language import HOMONYMS
from tasks.models.homonyms.subject import SPLITS, Homonyms


@dictionary_task(
    cites="arXiv:2501.06254",
    subject="homonyms",
    primary="sense_f1",
    provides=("tokens",),
    controls=("random_directions", "training_rows", "tokens_read"),
    metrics=("sense_f1", "coverage", "firing_f1", "l0", "explained_variance", "dead_fraction"),
    variants={
        "senses_2": {},
        "senses_3": {"senses": 3},
        "senses_4": {"senses": 4},
        "untrained": {"training": "none"},
    },
    twins={"senses_2": "untrained"},
    unranked=("untrained",),
    dials={"senses of a homonym": ("senses_2", "senses_3", "senses_4")},
    small={"variants": ("senses_2",)},
)
@dataclass(frozen=True, kw_only=True)
class PolysemyTask:
    """Find atoms that tell the senses in which a word is used."""

    size: int = 64
    """The most atoms a dictionary may have."""
    sparsity: int = 4
    """Active codes a row that are asked for."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The model's activations at the word, and the senses of the training rows for the supervised ceiling."""
        subject: Homonyms = saved.subject
        train, validation, test = (saved.public[split].clone() for split in SPLITS)
        return DictionaryQuestion(
            train,
            validation,
            test,
            size=self.size,
            sparsity=self.sparsity,
            seed=saved.method_seed,
            source=saved.identity,
            labels=subject.sentences(saved.seed, "train").on,
            inputs={split: saved.public[f"{split}_tokens"].long() for split in SPLITS},
        )

    def truth(self, saved: Saved) -> DictionaryTruth:
        """Which homonym stands there in which sense."""
        subject: Homonyms = saved.subject
        senses = range(subject.senses)
        return DictionaryTruth(
            subject.sentences(saved.seed, "validation").on,
            subject.sentences(saved.seed, "test").on,
            names=tuple(f"word {word}: sense {sense}" for word in range(HOMONYMS) for sense in senses),
            alternatives={
                f"word {word}": tuple(word * subject.senses + sense for sense in senses) for word in range(HOMONYMS)
            },
        )
