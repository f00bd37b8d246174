"""The circuit family: graphs with cut edges, what a method may return, references, pictures."""

import dataclasses
import io
import pickle  # noqa: TID251 - posed questions go to other processes; nothing is read from disk

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import InvalidExplanation, TouchstoneError
from benchmark.families.circuit import (
    CircuitExplanation,
    CircuitQuestion,
    CircuitTruth,
    Edge,
    Graph,
    check,
    count_calls,
)
from benchmark.families.circuit.pictures import pictures
from benchmark.families.circuit.references import inverted, oracle, random
from benchmark.families.circuit.trivial import HEARD, trivial
from benchmark.families.circuit.units import Unit, Units
from benchmark.families.family import Case
from benchmark.subjects import generator_for

EDGES = 2 * (HEARD + 1)
"""Of the trivial problem."""


@pytest.fixture
def question():
    return trivial(0)[0]


def test_all_edges_kept_is_the_clean_run_and_none_the_corrupted_one(question):
    clean = (question.graph(question.clean) * question.contrast).sum(-1)
    corrupted = (question.graph(question.corrupted) * question.contrast).sum(-1)
    assert torch.equal(question.values(torch.ones(EDGES)), clean)
    assert torch.equal(question.values(torch.zeros(EDGES)), corrupted)
    assert torch.equal(question.restored(torch.ones(EDGES)), corrupted)
    assert torch.equal(question.restored(torch.zeros(EDGES)), clean)


def test_many_cut_graphs_run_at_once(question):
    keep = torch.rand(3, 5, EDGES, generator=generator_for(0, "keep"))
    together = question.values(keep)
    assert together.shape == (3, 5, 16)
    torch.testing.assert_close(together[1, 4], question.values(keep[1, 4]))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=6, max_size=6))
def test_a_linear_network_mixes_its_messages(shares):
    weights = {("a", "h"): 2.0, ("b", "h"): -1.0, ("a", "y"): 0.5, ("b", "y"): 3.0, ("h", "y"): -2.0, ("c", "y"): 1.0}
    graph = Units([Unit("a", "input"), Unit("b", "input"), Unit("c", "input"), Unit("h"), Unit("y")], weights)
    generator = generator_for(0, "inputs")
    clean, corrupted = torch.randn(2, 4, 3, generator=generator)
    question = CircuitQuestion(graph=graph, clean=clean, corrupted=corrupted, contrast=torch.ones(4, 1), seed=0)
    ah, bh, ay, by, hy, cy = shares

    def mixed(column, share):
        return share * clean[:, column] + (1 - share) * corrupted[:, column]

    h = 2 * mixed(0, ah) - mixed(1, bh)
    h = hy * h + (1 - hy) * (2 * corrupted[:, 0] - corrupted[:, 1])
    expected = 0.5 * mixed(0, ay) + 3 * mixed(1, by) - 2 * h + mixed(2, cy)
    torch.testing.assert_close(question.values(torch.tensor(shares)), expected, atol=1e-4, rtol=1e-4)


def test_edges_are_named_with_their_ports_and_nodes_have_depths():
    graph = Graph(["x", "y", "z"], [Edge(0, 1, "q"), Edge(0, 2), Edge(1, 2)])
    assert graph.edge_names == ["x->y (q)", "x->z", "y->z"]
    assert graph.depths == [0, 1, 2]


def test_graphs_that_cannot_be_are_refused(question):
    with pytest.raises(TouchstoneError, match="from node 1 to 1 of 2"):
        Graph(["x", "y"], [Edge(1, 1)])
    with pytest.raises(TouchstoneError, match=r"keep \[5\], expected \[..., 80\]"):
        question.values(torch.ones(5))
    with pytest.raises(TouchstoneError, match="expected both or neither"):
        question.graph(question.clean, torch.ones(EDGES))
    with pytest.raises(TouchstoneError, match="expected pairs of one shape"):
        dataclasses.replace(question, corrupted=question.corrupted[:3])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("an edge", "got str, expected a tensor of edge scores"),
        (torch.ones(5), r"got scores \[5\], expected one for each edge, \[80\]"),
        (torch.where(torch.arange(EDGES) == HEARD, torch.nan, 0.0), "got NaN or infinity for x39->h1"),
    ],
)
def test_what_is_no_explanation_is_refused(question, raw, message):
    with pytest.raises(InvalidExplanation, match=message):
        check(raw, question)


def test_rounding_errors_do_not_rank_edges():
    strengths = CircuitExplanation(scores=torch.tensor([-2.0, 1.0, 1.0 + 1e-6, 1e-9, 0.0, -1e-8])).strengths
    assert strengths[0] > strengths[1] == strengths[2] > strengths[3] == strengths[4] == strengths[5] == 0
    assert CircuitExplanation(scores=torch.zeros(3)).strengths.tolist() == [0, 0, 0]


def test_a_truth_has_known_roles_inside_and_outside():
    with pytest.raises(TouchstoneError, match="got roles helpful, expected some of essential"):
        CircuitTruth(roles=("helpful", "dead"))
    with pytest.raises(TouchstoneError, match="expected both"):
        CircuitTruth(roles=("dead", "noise_reader"))


def test_references():
    question, truth = trivial(1)
    assert torch.equal(oracle(truth).scores + inverted(truth).scores, torch.ones(EDGES))
    draws = [random(question, generator_for(1, "r")).scores for _ in range(2)]
    assert torch.equal(*draws)


def test_runs_are_counted(question):
    count = count_calls([question])
    question.graph(question.clean)
    question.graph(question.clean, torch.ones(3, EDGES), torch.zeros(EDGES, 16))
    question.graph.messages(question.clean)
    assert count() == (1 + 3 + 1) * 16
    assert count_calls([question])() == 0, "what was run before does not count"


def test_a_posed_question_can_be_sent_to_another_process(question):
    question.values(torch.ones(EDGES))
    sent = pickle.load(io.BytesIO(pickle.dumps(question)))  # noqa: S301 - made here
    assert torch.equal(sent.values(torch.full((EDGES,), 0.3)), question.values(torch.full((EDGES,), 0.3)))


def test_pictures_show_a_graph_for_every_method():
    question, truth = trivial(0)
    made = {"mine": random(question, generator_for(0, "p")), "inverted": inverted(truth), "oracle": oracle(truth)}
    cases = [Case("t", "v", 0, name, question, truth, made[name], {"edge_auroc": 0.5}) for name in made]
    data, picture = pictures(cases)
    assert [axis.get_title() for axis in data.draw().axes] == ["v"]
    titles = [axis.get_title() for axis in picture.draw().axes]
    assert titles == ["oracle\n0.50", "mine\n0.50"]
    planted, edges = picture.draw().axes[1].collections[:2]
    assert len(planted.get_segments()) == int(truth.circuit.sum())
    assert len(edges.get_segments()) == question.size
    assert pictures([]) == []
