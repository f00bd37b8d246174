"""What else than a function of the question a family takes, against the registered methods that do the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from captum.attr import GradientShap, IntegratedGradients, Occlusion, Saliency
from sklearn.decomposition import NMF, PCA, DictionaryLearning, FastICA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor, nn

from benchmark.conformance.trivial import Trivial
from benchmark.errors import TouchstoneError
from benchmark.families.circuit.trivial import trivial as circuit
from benchmark.families.description import check as check_descriptions
from benchmark.families.description.trivial import trivial as description
from benchmark.families.dictionary import Dictionary
from benchmark.notebook.engine import adapter_of
from benchmark.registry import plugins
from benchmark.runtime import make_deterministic
from methods.attribution.gradient import gradient
from methods.attribution.gradient_shap import gradient_shap
from methods.attribution.integrated_gradients import integrated_gradients
from methods.dictionary.pca import pca
from methods.probing.linear_probe import linear_probe


def answer(family: str, handed: Any, question: Any) -> Any:
    make_deterministic(0)
    plugin = plugins().find("family", family)
    return plugin.load().check(adapter_of(plugin)(handed)(question), question)


def posed(family: str) -> Any:
    return plugins().find("family", family).load().trivial(0)[0]


def skill(family: str, explanation: Any) -> float:
    return Trivial(plugins().find("family", family)).skill(explanation)[0]


def test_a_class_of_captum_is_the_registered_method_to_the_last_bit() -> None:
    question = posed("attribution")
    expected = integrated_gradients(question, steps=50)
    for handed in (IntegratedGradients, lambda model: IntegratedGradients(model)):
        assert torch.equal(answer("attribution", handed, question).attributions, expected)


def test_parts_of_the_question_come_by_name() -> None:
    question = posed("attribution")

    def by_parts(model: nn.Module, inputs: Tensor, targets: Tensor, baseline: Tensor, steps: int = 32) -> Tensor:
        return IntegratedGradients(model).attribute(inputs, baseline[None], targets, n_steps=steps)  # type: ignore[no-any-return]

    for handed in (by_parts, integrated_gradients):
        found = answer("attribution", handed, question).attributions
        assert torch.equal(found, integrated_gradients(question))
    signed = answer("attribution", lambda model: Saliency(model), question).attributions
    assert torch.equal(signed, gradient(question).abs())


def test_captum_gets_the_background_where_it_needs_a_distribution() -> None:
    question = posed("attribution")
    make_deterministic(0)
    expected = GradientShap(question.model).attribute(
        question.inputs, baselines=question.background, target=question.targets
    )
    assert torch.equal(answer("attribution", GradientShap, question).attributions, expected)
    assert gradient_shap(question).shape == expected.shape


@pytest.mark.parametrize(
    ("family", "handed", "message"),
    [
        ("attribution", IntegratedGradients(nn.Identity()), "the class IntegratedGradients, or `lambda model"),
        ("attribution", Occlusion, "needs sliding_window_shapes"),
        ("attribution", lambda model, inputz: model(inputz), "did you mean 'inputs'"),
        ("attribution", {"not": "callable"}, "got an object of dict, expected a function of the question"),
        ("attribution", lambda: 0, "a function of nothing"),
        ("probing", LogisticRegression, r"expected an object of it: LogisticRegression\(\)"),
        ("probing", PCA(), "a classifier of scikit-learn"),
        ("dictionary", PCA, r"expected an object of it: PCA\(\)"),
        ("dictionary", LogisticRegression(), "an estimator with fit and transform"),
        ("description", 3, 'or of one "box"'),
        ("circuit", 3, "got an object of int"),
    ],
)
def test_what_a_family_does_not_take_is_said(family: str, handed: Any, message: str) -> None:
    with pytest.raises(TouchstoneError, match=message):
        answer(family, handed, posed(family))


def test_a_classifier_reads_and_locates_as_the_registered_probe_does() -> None:
    question = posed("probing")
    (registered,) = linear_probe([question])
    found = answer("probing", LogisticRegression(max_iter=500), question)
    classes = [question.classes[concept] for concept in range(question.concepts)]
    for concept, count in enumerate(classes):
        own, other = (one.scores[:, concept, :count].argmax(1) for one in (found, registered))
        assert float((own == other).float().mean()) > 0.97
        cosines = torch.linalg.svdvals(found.subspace[concept] @ registered.subspace[concept].T)
        assert float(cosines[0]) > 0.97
    assert skill("probing", found) == pytest.approx(skill("probing", registered), abs=0.02)


def test_a_classifier_behind_a_scaler_names_no_place() -> None:
    question = posed("probing")
    for handed in (make_pipeline(StandardScaler(), LogisticRegression()), lambda seed: SVC(random_state=seed)):
        found = answer("probing", handed, question)
        assert found.subspace is None
        assert skill("probing", found) > 0.9


def test_a_class_that_the_train_inputs_lack_is_never_named() -> None:
    question = posed("probing")
    concept = next(i for i, count in enumerate(question.classes) if count == 3)
    question.labels[question.labels[:, concept] == 1, concept] = 2
    found = answer("probing", LogisticRegression(), question).scores[:, concept]
    assert int((found.argmax(1) == 1).sum()) == 0


def test_principal_components_of_scikit_learn_are_the_registered_ones() -> None:
    question = posed("dictionary")
    registered = plugins().find("family", "dictionary").load().check(pca(question), question)
    found = answer("dictionary", PCA(), question)
    half = len(found.atoms) // 2
    assert len(found.atoms) == len(registered.atoms) == 2 * half
    cosines = torch.nn.functional.normalize(found.atoms) @ torch.nn.functional.normalize(registered.atoms).T
    assert cosines.amax(1).tolist() == pytest.approx([1.0] * len(found.atoms), abs=1e-4), "up to the sign of an axis"
    for name in ("validation_codes", "test_codes"):
        ours, theirs = (getattr(one, name).sort(1).values for one in (found, registered))
        assert torch.allclose(ours, theirs, atol=1e-4)
    assert skill("dictionary", found) == pytest.approx(skill("dictionary", registered), abs=1e-4)


@pytest.mark.parametrize(
    "estimator",
    [
        FastICA(whiten="unit-variance", max_iter=1000),
        PCA(whiten=True),
        DictionaryLearning(4, transform_algorithm="omp", max_iter=5),
        NMF(4, max_iter=1000),
    ],
    ids=["ica", "whitened", "learned", "not negative"],
)
def test_atoms_and_codes_of_an_estimator_say_what_it_reconstructs(estimator: Any) -> None:
    question = posed("dictionary")
    rows = {name: getattr(question, name).abs() for name in ("train", "validation", "test")}
    question = replace(question, sparsity=8, **(rows if isinstance(estimator, NMF) else {}))
    found = answer("dictionary", estimator, question)
    assert len(found.atoms) == (4 if isinstance(estimator, NMF) else 8), "two atoms for codes of either sign"
    make_deterministic(0)
    own = type(estimator)(**estimator.get_params())
    if own.get_params().get("n_components") is None:
        own.set_params(n_components=4)
    own.fit(question.train.numpy())
    codes = own.transform(question.test.numpy())
    written = own.inverse_transform(codes) if hasattr(own, "inverse_transform") else codes @ own.components_
    assert torch.allclose(found.test_codes @ found.atoms + found.bias, torch.as_tensor(written).float(), atol=1e-3)


class Autoencoder(nn.Module):
    """Tied weights, trained for a few steps; the decoder can be bent."""

    def __init__(self, width: int, size: int, bend: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(size, width) / width**0.5)
        self.bias = nn.Parameter(torch.zeros(width))
        self.bend = bend

    def encode(self, rows: Tensor) -> Tensor:
        return torch.relu((rows - self.bias) @ self.weight.T)

    def decode(self, codes: Tensor) -> Tensor:
        return codes @ self.weight + self.bias + self.bend * codes.square().sum(1, keepdim=True)

    def fit(self, rows: Tensor) -> None:
        optimiser = torch.optim.Adam(self.parameters(), 0.01)
        for _ in range(20):
            optimiser.zero_grad()
            (self.decode(self.encode(rows)) - rows).square().mean().backward()
            optimiser.step()


def test_an_autoencoder_is_fitted_afresh_and_read() -> None:
    question = posed("dictionary")
    torch.manual_seed(0)
    module = Autoencoder(question.train.shape[1], question.size)
    before = module.weight.detach().clone()
    found = answer("dictionary", module, question)
    assert torch.equal(module.weight, before), "the copy was fitted"
    assert found.atoms.shape == (question.size, question.train.shape[1])
    assert not torch.allclose(found.atoms, before)
    assert float((found.test_codes > 0).sum(1).float().mean()) <= question.sparsity
    made = answer("dictionary", lambda train, size: Autoencoder(train.shape[1], size), question)
    assert isinstance(made, type(found))
    with pytest.raises(TouchstoneError, match="expected an affine one"):
        answer("dictionary", Autoencoder(question.train.shape[1], question.size, bend=1.0), question)


def test_a_function_may_still_return_a_dictionary() -> None:
    question = posed("dictionary")
    found = answer("dictionary", pca, question)
    assert isinstance(pca(question), Dictionary)
    assert torch.equal(found.atoms, pca(question).atoms)


def test_a_function_of_one_box_is_asked_for_each() -> None:
    question, _ = description(0)
    asked = []

    def constant(box: Any) -> Any:
        asked.append(box)
        return ("a constant", "1") if len(asked) == 1 else "2"

    found = answer("description", constant, question)
    assert len(asked) == len(question.boxes)
    assert found.programs.split("\n")[:2] == ["1", "2"][: len(asked)]
    whole = answer("description", lambda question: [("a constant", "1")] * len(question.boxes), question)
    assert whole.programs == check_descriptions([("a constant", "1")] * len(question.boxes), question).programs


def test_circuits_take_functions_of_parts() -> None:
    question, _ = circuit(0)
    found = answer("circuit", lambda graph: torch.arange(len(graph.edges)).float(), question)
    assert found.scores.tolist() == list(range(question.size))
