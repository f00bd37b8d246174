"""Motifs, their flaws, and a net that knows no order of nodes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.subjects import Run, Saved
from tasks.attribution.graph_motifs import GraphMotifsTask
from tasks.models.graph_motifs.graphs import LOST, MOTIFS, NODES, Graphs, draw
from tasks.models.graph_motifs.net import MessagePassing
from tasks.models.graph_motifs.subject import GraphMotifs

SIZE = 8


def drawn(count: int = 300, seed: int = 0) -> Graphs:
    return draw(SIZE, count, torch.Generator().manual_seed(seed))


def degrees(motif: int) -> list[int]:
    return sorted(sum(node in edge for edge in MOTIFS[motif]) for node in range(NODES))


def test_motifs_are_a_house_and_a_cycle_and_no_flaw_makes_one_of_the_other() -> None:
    assert degrees(0) == [2, 2, 2, 3, 3]
    assert degrees(1) == [2, 2, 2, 2, 2]
    for lost in MOTIFS[0][: LOST[0]]:
        left = sorted(sum(node in edge for edge in MOTIFS[0] if edge != lost) for node in range(NODES))
        assert left != degrees(1)
    left = [sum(node in edge for edge in MOTIFS[0][:-1]) for node in range(NODES)]
    assert sorted(left) == degrees(1), "the edge that is never lost"


@given(seed=st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_a_motif_is_whole_or_has_one_flaw(seed: int) -> None:
    graphs = drawn(60, seed)
    for motif, edges in enumerate(MOTIFS):
        missing = len(edges) - graphs.shapes[:, motif].flatten(1).sum(1) / 2
        start = SIZE + NODES * motif
        wrong = (graphs.kinds[:, start : start + NODES] == -1).sum(1)
        assert torch.equal(missing + wrong, 1.0 - graphs.classes[:, motif])


def test_inputs_are_symmetric_and_hold_what_the_masks_say() -> None:
    graphs = drawn()
    x = graphs.inputs()[:, 0]
    assert torch.equal(x, x.mT)
    present = x != 0
    edges, nodes, ground = graphs.edges(), graphs.nodes(), graphs.ground()
    for motif in range(2):
        assert not (edges[:, motif] & ~present).any()
        assert torch.equal(edges[:, motif].flatten(1).sum(1), graphs.shapes[:, motif].flatten(1).sum(1).long())
        assert (nodes[:, motif].flatten(1).sum(1) == NODES).all()
    parts = [edges[:, 0], edges[:, 1], nodes[:, 0], nodes[:, 1], ground]
    assert (torch.stack(parts).sum(0) <= 1).all(), "no entry is of two parts"
    bridges = present & ~torch.stack(parts).any(0)
    assert (bridges.flatten(1).sum(1) == 4).all(), "two edges remain, each of them two entries"


def test_nodes_of_a_motif_stand_together_and_all_else_anywhere() -> None:
    graphs = drawn()
    places = graphs.order.argsort(1)
    for motif in range(2):
        start = SIZE + NODES * motif
        assert torch.equal(places[:, start : start + NODES].diff(), torch.ones(300, NODES - 1, dtype=torch.int64))
    assert len(places[:, SIZE].unique()) > 10
    assert all(row == list(range(SIZE + 2 * NODES)) for row in graphs.order.sort(1).values.tolist())


def test_the_base_is_connected_and_prefers_nodes_with_many_neighbours() -> None:
    base = drawn(2000).base
    assert torch.equal(base, base.mT)
    reached = torch.linalg.matrix_power(base + torch.eye(SIZE), SIZE)
    assert (reached > 0).all()
    assert set(base.unique().tolist()) == {0.0, 1.0}
    mean = base.sum(2).mean(0)
    assert mean[0] > 2 * mean[-1], "older nodes have more"


def test_exchanges_change_their_part_alone() -> None:
    one, two = drawn(), drawn(seed=1)
    x = one.inputs()[:, 0]
    edges, nodes, ground = one.edges(), one.nodes(), one.ground()
    block = torch.zeros(300, SIZE + 2 * NODES, SIZE + 2 * NODES)
    for motif in range(2):
        mixed = one.with_motif_of(motif, two)
        assert torch.equal(mixed.classes[:, motif], two.classes[:, motif])
        assert torch.equal(mixed.classes[:, 1 - motif], one.classes[:, 1 - motif])
        changed = mixed.inputs()[:, 0] != x
        of_it = nodes[:, motif].any(1)
        assert not (changed & ~(of_it[:, :, None] & of_it[:, None, :])).any()
        block += changed
        for number in range(len(MOTIFS[motif])):
            gone = one.without_edge(motif, number).inputs()[:, 0] != x
            assert not (gone & ~edges[:, motif]).any()
        assert ((one.without_node(motif, 0).inputs()[:, 0] != x).flatten(1).sum(1) <= 1).all()
    changed = one.with_base_of(two).inputs()[:, 0] != x
    assert changed.any()
    assert not (changed & ~ground).any()
    assert not (block.bool() & ground).any()


def test_a_flaw_is_a_flaw_of_its_motif() -> None:
    graphs = drawn()
    whole = graphs.of(graphs.classes.all(1))
    for motif in range(2):
        flawed = whole.without_edge(motif, 2)
        assert (flawed.shapes[:, motif].flatten(1).sum(1) / 2 == len(MOTIFS[motif]) - 1).all()
        assert torch.equal(flawed.classes[:, motif], torch.zeros(len(flawed.classes), dtype=torch.int64))
        assert flawed.classes[:, 1 - motif].all()


def test_nodes_have_no_order_for_the_net_and_entries_of_an_edge_count_alike() -> None:
    torch.manual_seed(0)
    net = MessagePassing(8, 3, NODES).double()
    x = drawn(10).inputs().double()
    order = torch.randperm(x.shape[-1])
    torch.testing.assert_close(net(x[:, :, order][..., order]), net(x))
    x.requires_grad_()
    (slope,) = torch.autograd.grad(net(x)[:, 1].sum(), x)
    torch.testing.assert_close(slope, slope.mT)


def test_one_round_of_messages_is_what_the_formula_says() -> None:
    torch.manual_seed(0)
    net = MessagePassing(4, 1, 1.0)
    x = torch.tensor([[[[2.0, 1.0], [1.0, -1.0]]]])
    values = torch.tensor([[2.0, 1.0], [-1.0, 1.0]])
    state = (net.own[0](values) + net.neighbours[0](values.flip(0))).relu()
    torch.testing.assert_close(net(x)[0], net.answer(net.said(state).sum(0)))


def test_trained_nets_are_certified_and_their_truths_complete_each_other() -> None:
    saved = {}
    for reads in ("house", "cycle"):
        subject = GraphMotifs(reads=reads, base=6, steps=250)
        trained = subject.train(Run(1))
        assert all(check.passed for check in trained.checks), trained.checks
        saved[reads] = Saved(subject, 1, torch.device("cpu"), trained.weights, trained.public)
    house, cycle = (GraphMotifsTask(reader=reads, inputs=30) for reads in ("house", "cycle"))
    one, two = house.pose(saved), cycle.pose(saved)
    assert torch.equal(one.inputs, two.inputs)
    assert torch.equal(one.targets, torch.ones(30, dtype=torch.int64))
    assert torch.equal(one.targets, two.targets)
    mine, theirs = house.truth(saved), cycle.truth(saved)
    assert torch.equal(mine.figure, mine.masks[""] | theirs.masks[""])
    assert not (mine.masks[""] & theirs.masks[""]).any()
    assert mine.masks[""].flatten(1).sum(1).tolist() == [2 * 6 + NODES] * 30
    assert theirs.masks[""].flatten(1).sum(1).tolist() == [2 * 5 + NODES] * 30
    assert not (mine.zero_set & mine.masks[""]).any()
    for question, truth in ((one, mine), (two, theirs)):
        entries = truth.masks[""].nonzero()
        chosen = entries[torch.randperm(len(entries), generator=torch.Generator().manual_seed(0))[:100]]
        points = question.inputs[chosen[:, 0]].clone()
        for point, (_, _, i, j) in zip(points, chosen.tolist(), strict=True):
            point[0, i, j] = point[0, j, i] = -1 if i == j else 0
        assert (question.model(points).argmax(1) == 0).all(), "every entry of the truth is needed"


@pytest.mark.parametrize("reads", ["house", "cycle"])
def test_random_weights_know_nothing(reads: str) -> None:
    trained = GraphMotifs(reads=reads, training="none", tests=400).train(Run(0))
    assert [check.passed for check in trained.checks] == [True]
    assert not trained.public["confirmed"].any()
