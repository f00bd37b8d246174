"""The circuit tasks: certificates, that the truth of a seed is rebuilt, and that only the model gives it away."""

import pytest
import torch

from benchmark.families.circuit import CircuitExplanation
from benchmark.families.circuit.metrics.edge_auroc import edge_auroc
from benchmark.families.circuit.metrics.faithfulness import faithfulness
from benchmark.families.circuit.references import oracle
from benchmark.subjects import Run, Saved
from methods.circuit.activation_patching import activation_patching
from methods.circuit.edge_attribution_patching import edge_attribution_patching
from methods.circuit.weight_norm import weight_norm
from tasks.circuit.small_transformer import SmallTransformerTask
from tasks.circuit.written_circuits import WrittenCircuitsTask
from tasks.models.small_transformer.subject import CONTENT, SmallTransformer
from tasks.models.written_circuits.subject import KINDS, WrittenCircuits


def instance(subject, task, seed=0):
    trained = subject.train(Run(seed))
    saved = Saved(subject, seed, torch.device("cpu"), trained.weights, trained.public)
    return task.pose(saved), task.truth(saved), trained


def gates(kind, seed=0):
    return instance(WrittenCircuits(gates=kind), WrittenCircuitsTask(), seed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_the_certificate_holds_for_every_kind_of_gate(kind, seed):
    question, truth, trained = gates(kind, seed)
    assert [check for check in trained.checks if not check.passed] == []
    found = faithfulness(oracle(truth), question)
    assert found["cmd"] == pytest.approx(float(truth.circuit.float().mean()) / 2, abs=1e-4), "complete once it is whole"


def test_roles_that_are_wrong_fail_the_certificate(monkeypatch):
    # closed gates that open after all: what the truth calls dead is not
    monkeypatch.setattr("tasks.models.written_circuits.subject.CLOSED", -1000.0)
    _, _, trained = gates("linear")
    failed = {check.name for check in trained.checks if not check.passed}
    assert "greatest_change_by_a_dead_edge" in failed
    assert "lacking_in_the_circuit_alone" in failed


def test_every_seed_is_another_network_and_the_same_seed_the_same():
    one, again, other = gates("mixed", 0), gates("mixed", 0), gates("mixed", 1)
    assert torch.equal(one[0].graph.weights, again[0].graph.weights)
    assert one[1].roles == again[1].roles != other[1].roles
    assert set(one[2].public) == {"clean", "corrupted", "contrast"}
    assert not one[2].weights


def test_each_kind_of_gate_hides_from_whom_it_should():
    for kind, exact, slope in (("and", 1.0, 1.0), ("or", 0.5, 0.5), ("saturated", 1.0, 0.5), ("suppressor", 1.0, 1.0)):
        question, truth, _ = gates(kind)
        role = {"or": "or_redundant", "saturated": "and"}.get(kind, kind)
        for method, expected in ((activation_patching, exact), (edge_attribution_patching, slope)):
            scores = edge_auroc(CircuitExplanation(scores=method(question)), truth)
            assert scores[role] == pytest.approx(expected), (kind, method.__name__)


def test_neither_weights_nor_degrees_give_the_gates_away():
    weights, senders, receivers = [], [], []
    for seed in range(40):
        subject = WrittenCircuits(gates="mixed")
        plant = subject.plant(seed)
        layer = [edge for edge, pair in enumerate(plant.graph.edge_names) if pair.startswith("x")]
        inside = torch.tensor([plant.roles[edge] not in ("dead", "noise_reader") for edge in layer])
        sizes = plant.graph.norms()[layer]
        weights.append(float(sizes[inside].mean() - sizes[~inside].mean()))
        edges = plant.graph.edges
        senders.append({sum(other.sender == edges[edge].sender for other in edges) for edge in layer})
        receivers.append({sum(other.sender == edges[edge].receiver for other in edges) for edge in layer})
    mean = torch.tensor(weights).mean()
    assert abs(float(mean)) < 3 * float(torch.tensor(weights).std()) / 40**0.5
    assert all(found == {1} for found in senders), "every input is read once"
    assert all(found == {2} for found in receivers), "every gate is read twice"


@pytest.fixture(scope="module", params=["induction", "suppressed"])
def transformer(request):
    torch.set_num_threads(1)
    return instance(SmallTransformer(circuit=request.param), SmallTransformerTask())


def test_the_transformer_does_induction_by_the_planted_edges(transformer):
    question, truth, trained = transformer
    assert [check for check in trained.checks if not check.passed] == []
    suppressors = int(truth.having("suppressor").sum())
    assert int(truth.circuit.sum()) - suppressors == 14
    assert int(truth.having("noise_reader").sum()) == 3
    names = {name for name, inside in zip(question.graph.edge_names, truth.circuit.tolist(), strict=True) if inside}
    assert sum(name.startswith("positions->a0") for name in names) == 4


def test_pairs_of_the_transformer_are_what_they_claim(transformer):
    question, _, _ = transformer
    tokens = question.clean[..., : CONTENT + 4].argmax(-1)
    for row, contrast in zip(tokens.tolist(), question.contrast, strict=True):
        cue = row[-1]
        assert row.count(cue) == 2
        assert row[row.index(cue) + 1] == int(contrast.argmax())
        assert sum(token >= CONTENT for token in row) == 1, "one token without meaning"
    assert torch.equal(question.contrast[0::2], -question.contrast[1::2]), "twos with right and wrong exchanged"
    starts = [inputs[..., CONTENT + 4 :].argmax(-1)[:, 0] for inputs in (question.clean, question.corrupted)]
    assert (starts[0] != starts[1]).all(), "positions begin elsewhere"


def test_weights_alone_do_not_show_who_listens_to_whom(transformer):
    # composition scores (Elhage et al. 2021): norm of what is written, as it is read, over the product of both norms
    question, truth, _ = transformer
    graph = question.graph
    writes = [graph.tokens, graph.positions, *graph.o]
    reads = [getattr(graph, e.port)[e.receiver - 2] if e.port else graph.answer for e in graph.edges]
    joint = torch.stack([(writes[e.sender] @ read).norm() for e, read in zip(graph.edges, reads, strict=True)])
    for scores in (joint, joint / graph.norms()):
        assert edge_auroc(CircuitExplanation(scores=scores), truth)[""] < 0.85


def test_every_planted_edge_of_the_transformer_is_found_by_patching(transformer):
    question, truth, _ = transformer
    assert edge_auroc(CircuitExplanation(scores=activation_patching(question)), truth)[""] == 1
    assert edge_auroc(CircuitExplanation(scores=weight_norm(question)), truth)[""] < 0.75
