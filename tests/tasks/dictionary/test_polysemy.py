"""The polysemy task: its language, what single tokens say, its certificate, and that truth and rows belong together."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError
from benchmark.families.dictionary import check
from benchmark.families.dictionary.metrics.sense_f1 import sense_f1
from benchmark.subjects import Run, Saved, generator_for
from methods.dictionary.tokens_read import tokens_read
from tasks.dictionary.polysemy import PolysemyTask
from tasks.models.homonyms.language import BEFORE, CONTEXT, FILLERS, HOMONYMS, PLAIN, STYLE, STYLES, Language
from tasks.models.homonyms.subject import Homonyms, encoded, taken

SMALL = {"rows": 600, "held_out": 2000}


def drawn(senses: int = 2, seed: int = 0) -> Language:
    return Language.drawn(senses, generator_for(seed, "language"))


def saved(seed: int = 0, **settings: object) -> Saved:
    subject = Homonyms(**{**SMALL, "training": "none", **settings})  # type: ignore[arg-type]
    trained = subject.train(Run(seed))
    assert all(check.passed for check in trained.checks), trained.checks
    return Saved(subject, seed, torch.device("cpu"), trained.weights, trained.public)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 4), st.integers(0, 1000))
def test_topics_are_shared_evenly_among_senses_which_share_no_continuation(senses: int, seed: int) -> None:
    language = drawn(senses, seed)
    assert language.of.shape == (HOMONYMS + PLAIN, 2 * senses)
    for row in language.of[:HOMONYMS]:
        assert row.bincount(minlength=senses).tolist() == [2] * senses
    assert not language.of[HOMONYMS:].any()
    for word in language.follow:
        assert len(word.unique()) == 2 * senses


def test_tokens_say_what_the_sentence_is() -> None:
    language = drawn()
    sentences = language.draw(500, torch.Generator().manual_seed(1))
    tokens = sentences.tokens
    assert tokens.shape == (500, BEFORE + 1)
    assert int(tokens.max()) < language.vocabulary
    styles = 3 * language.topics
    assert torch.equal(tokens[:, -1] - styles - STYLES - FILLERS, sentences.word)
    assert torch.equal(tokens[:, -1 - CONTEXT] // 3, sentences.topic)
    assert torch.equal(tokens[:, -1 - STYLE] - styles, sentences.style)
    assert torch.equal(sentences.sense, language.of[sentences.word, sentences.topic])
    follows = language.follow[sentences.word, sentences.sense]
    assert (follows == sentences.next[:, None]).any(1).all()


def test_one_sense_of_one_homonym_is_on_and_none_of_a_plain_word() -> None:
    sentences = drawn(3).draw(500, torch.Generator().manual_seed(1))
    assert torch.equal(sentences.on.sum(1), (sentences.word < HOMONYMS).long())
    number = sentences.on.int().argmax(1)[sentences.word < HOMONYMS]
    here = taken(sentences, sentences.word < HOMONYMS)
    assert torch.equal(number, here.word * 3 + here.sense)


def test_another_topic_changes_the_context_word_alone() -> None:
    sentences = drawn().draw(200, torch.Generator().manual_seed(1))
    other = sentences.under((sentences.topic + 1) % 4)
    assert (other.tokens != sentences.tokens).float().mean(0).tolist() == [1.0] + [0.0] * BEFORE


def test_single_tokens_do_not_tell_the_sense() -> None:
    instance, task = saved(), PolysemyTask()
    question, truth = task.pose(instance), task.truth(instance)
    found = sense_f1(check(tokens_read(question), question), truth)
    assert found[""] < 0.02
    assert found["within"] < 0.05


def test_truth_labels_and_tokens_belong_to_the_activations() -> None:
    instance, task = saved(3), PolysemyTask()
    question, truth = task.pose(instance), task.truth(instance)
    assert question.inputs is not None
    subject: Homonyms = instance.subject
    model, language = subject.load(instance), subject.language(3)
    for split in ("train", "test"):
        stream = model.stream(encoded(question.inputs[split], language.vocabulary))
        torch.testing.assert_close(stream, getattr(question, split))
    assert torch.equal(truth.test, subject.sentences(3, "test").on)
    assert torch.equal(subject.sentences(3, "train").on, question.labels)
    assert len(truth.names) == truth.test.shape[1]


def test_languages_of_seeds_differ_and_a_seed_has_one() -> None:
    assert torch.equal(drawn(seed=1).of, drawn(seed=1).of)
    assert not torch.equal(drawn(seed=1).of, drawn(seed=2).of)


def test_senses_out_of_range_are_errors() -> None:
    with pytest.raises(TouchstoneError, match="expected 2, 3 or 4"):
        Homonyms(senses=5).language(0)
