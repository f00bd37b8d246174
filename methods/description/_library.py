"""A library of common shapes, fitted by least squares: what is linear is solved, what is not is searched on grids
that narrow.

    best_fit(x, y, kept, low, high, terms=2) -> Fit      the shape, or the sum of two, of least BIC over the points
    `kept`

A form has features f_j(x; theta) and says y = c_0 + sum_j c_j f_j(x; theta). For each theta of a grid the c are
solved for (variable projection, Golub & Pereyra 1973); the grid then narrows around the best theta. Steps and kinks
are found like everything else. The library was chosen for what people call a function's shape; damped waves, square
waves, sawteeth, fractions and products are not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray

from methods.description._queries import number

Points = Float64[ndarray, " n"]
Theta = Float64[ndarray, "g p"]
_ROUNDS, _SHRINK, _SIDE = 7, 3.0, {1: 7, 2: 5}
_NOTHING = 1e-4
"""A slope this small beside a kink's is left unsaid."""
_EXACT = 1e-6
"""Residual variance, relative to the data's, below which differences are those of rounding."""


@dataclass(frozen=True)
class Form:
    """One shape of the library."""

    name: str
    features: Callable[[Points, Theta], Float64[ndarray, "g n k"]]
    grids: Callable[[float, float, int], Sequence[Points]]
    """(low, high, points) -> the first grid of each nonlinear parameter."""
    says: Callable[[Float64[ndarray, " p"], Float64[ndarray, " k"]], str]
    """(theta, coefficients) -> the term as program text, as short as it can be said."""


@dataclass(frozen=True)
class Term:
    """A form with its parameters and coefficients."""

    form: Form
    theta: Float64[ndarray, " p"]
    coefficients: Float64[ndarray, " k"]

    def __call__(self, x: Points) -> Points:
        """The term's values."""
        values: Points = self.form.features(x, self.theta[None])[0] @ self.coefficients
        return values


@dataclass(frozen=True)
class Fit:
    """A sum of terms over an offset."""

    offset: float
    terms: tuple[Term, ...]
    rss: float
    bic: float

    def __call__(self, x: Points) -> Points:
        """The fitted values."""
        return self.offset + sum((term(x) for term in self.terms), np.zeros_like(x))

    @property
    def program(self) -> str:
        """The fit as a program."""
        return " + ".join([number(self.offset), *(t.form.says(t.theta, t.coefficients) for t in self.terms)])

    @property
    def words(self) -> str:
        """The fit as a noun phrase."""
        names = [term.form.name for term in self.terms]
        return (
            " plus ".join(f"{'an' if name[0] in 'aeiou' else 'a'} {name}" for name in names)
            or f"the constant {self.offset:.4g}"
        )


def _columns(*features: ndarray) -> ndarray:
    return np.stack(np.broadcast_arrays(*features), axis=-1)


def _none(*_: float) -> list[Points]:
    return []


def _places(low: float, high: float, points: int) -> Points:
    return np.linspace(low, high, points + 1)[1:-1]


def _widths(low: float, high: float, points: int) -> Points:
    return (high - low) * np.geomspace(1.5 / points, 0.5, 8)


def _sum(*features: str) -> Callable[[ndarray, ndarray], str]:
    """Features that say nothing of theta, each times its coefficient."""
    return lambda _, c: " + ".join(f"{number(each)}*{text}" for each, text in zip(c, features, strict=True))


def _one(template: str) -> Callable[[ndarray, ndarray], str]:
    """A text of the coefficient and the nonlinear parameters, in this order."""
    return lambda theta, c: template.format(number(c[0]), *map(number, theta))


def _kink(theta: ndarray, c: ndarray) -> str:
    bend = f"{number(c[1])}*abs(x - {number(theta[0])})"
    return bend if abs(c[0]) < _NOTHING * abs(c[1]) else f"{number(c[0])}*x + {bend}"


def _wave(theta: ndarray, c: ndarray) -> str:
    return f"{number(float(np.hypot(*c)))}*sin({number(theta[0])}*x + {number(float(np.arctan2(c[1], c[0])))})"


def _power(degree: int) -> Form:
    def features(x: Points, theta: Theta) -> ndarray:
        return np.stack([x**k for k in range(1, degree + 1)], axis=-1)[None].repeat(len(theta), axis=0)

    names = {1: "straight line", 2: "parabola", 3: "cubic"}
    return Form(names[degree], features, _none, _sum(*["x", "x**2", "x**3"][:degree]))


def _singular(name: str, function: Callable[[ndarray], ndarray], text: str) -> Form:
    """A function of the distance to a point left of the domain, theta."""

    def features(x: Points, theta: Theta) -> ndarray:
        return function(x[None] - theta[:, :1])[..., None]

    def grids(low: float, high: float, _: int) -> list[Points]:
        return [low - (high - low) * np.geomspace(3e-3, 3, 16)]

    return Form(name, features, grids, lambda theta, c: text.format(number(c[0]), number(-theta[0])))


FORMS: tuple[Form, ...] = (
    _power(1),
    _power(2),
    _power(3),
    Form("kink", lambda x, t: _columns(x[None] + 0 * t[:, :1], np.abs(x[None] - t[:, :1])),
         lambda low, high, n: [_places(low, high, n // 2)], _kink),
    Form("step", lambda x, t: (x[None] >= t[:, :1]).astype(float)[..., None],
         lambda low, high, n: [_places(low, high, n)], _one("where(x < {1}, 0, {0})")),
    Form("plateau", lambda x, t: (np.abs(x[None] - t[:, :1]) < t[:, 1:]).astype(float)[..., None],
         lambda low, high, n: [_places(low, high, n // 2), _widths(low, high, n)],
         _one("where(abs(x - {1}) < {2}, {0}, 0)")),
    Form("sine wave", lambda x, t: _columns(np.sin(t[:, :1] * x[None]), np.cos(t[:, :1] * x[None])),
         lambda low, high, n: [np.arange(1.5, n / 2, 0.5) * np.pi / (high - low)],
         _wave),
    Form("smooth step", lambda x, t: np.tanh((x[None] - t[:, :1]) / t[:, 1:])[..., None],
         lambda low, high, n: [_places(low, high, n // 3), _widths(low, high, n)],
         _one("{0}*tanh((x - {1})/{2})")),
    Form("bell", lambda x, t: np.exp(-(((x[None] - t[:, :1]) / t[:, 1:]) ** 2))[..., None],
         lambda low, high, n: [_places(low, high, n // 3), _widths(low, high, n)],
         _one("{0}*exp(-((x - {1})/{2})**2)")),
    Form("exponential", lambda x, t: np.exp(np.clip(t[:, :1] * x[None], -50, 50))[..., None],
         lambda low, high, _: [np.concatenate([-(s := np.geomspace(0.5, 12, 10)), s]) / (high - low)],
         _one("{0}*exp({1}*x)")),
    _singular("logarithm", lambda d: np.log(np.maximum(d, 1e-9)), "{}*log(x + {})"),
    _singular("square root", lambda d: np.sqrt(np.maximum(d, 1e-9)), "{}*sqrt(x + {})"),
    _singular("reciprocal", lambda d: 1 / np.maximum(d, 1e-9), "{}/(x + {})"),
)  # fmt: skip


def best_fit(
    x: Points,
    y: Points,
    kept: Bool[ndarray, " n"],
    low: float,
    high: float,
    *,
    terms: int = 2,
    forms: Sequence[Form] = FORMS,
) -> Fit:
    """The constant, form or sum of `terms` forms of least BIC over the points `kept`."""
    inside, values = x[kept], y[kept]
    variance = float(values.var())
    best = _scored(inside, values, (), variance)
    while len(best.terms) < terms and best.rss > _EXACT * variance * len(values):
        rest = values - best(inside)
        candidates = []
        for form in forms:
            added = (*best.terms, _fit_form(form, inside, rest, low, high))
            candidates.append(_scored(inside, values, added, variance))
        chosen = _backfitted(min(candidates, key=lambda fit: fit.bic), inside, values, low, high, variance)
        if chosen.bic >= best.bic:
            break
        best = chosen
    return best


def _backfitted(fit: Fit, x: Points, y: Points, low: float, high: float, variance: float) -> Fit:
    """Fit each term anew to what the others leave."""
    for _ in range(2 if len(fit.terms) > 1 else 0):
        for place in range(len(fit.terms)):
            others = [term for i, term in enumerate(fit.terms) if i != place]
            rest = y - sum((term(x) for term in others), np.zeros_like(x))
            own = _fit_form(fit.terms[place].form, x, rest, low, high)
            terms = (*fit.terms[:place], own, *fit.terms[place + 1 :])
            fit = min(fit, _scored(x, y, terms, variance), key=lambda f: f.bic)
    return fit


def _scored(x: Points, y: Points, terms: tuple[Term, ...], variance: float) -> Fit:
    """Solve the coefficients of all terms together and compute the BIC."""
    blocks = [term.form.features(x, term.theta[None])[0] for term in terms]
    design = np.concatenate([np.ones((len(x), 1)), *blocks], axis=1)
    size = np.maximum(np.linalg.norm(design, axis=0), 1e-12)
    solution = np.linalg.lstsq(design / size, y, rcond=1e-10)[0] / size
    rss = float(np.sum((y - design @ solution) ** 2))
    solved, start = [], 1
    for term in terms:
        width = len(term.coefficients)
        solved.append(Term(term.form, term.theta, solution[start : start + width]))
        start += width
    parameters = len(solution) + sum(len(term.theta) for term in terms)
    n = len(x)
    bic = n * float(np.log(rss / n + _EXACT * max(variance, 1e-12))) + parameters * float(np.log(n))
    return Fit(float(solution[0]), tuple(solved), rss, bic)


def _fit_form(form: Form, x: Points, y: Points, low: float, high: float) -> Term:
    """The form's best parameters for the points."""
    grids = list(form.grids(low, high, max(len(x), 12)))
    if not grids:
        theta = np.zeros((1, 0))
        return Term(form, theta[0], _solve(form.features(x, theta), y)[0][0])
    steps = [float(np.median(np.abs(np.diff(g)))) for g in grids]
    theta = np.array(list(product(*grids)))
    best, least, coefficients = theta[0], np.inf, np.zeros(1)
    for _ in range(_ROUNDS):
        solved, rss = _solve(form.features(x, theta), y)
        place = int(np.argmin(rss))
        if rss[place] < least:
            best, least, coefficients = theta[place], float(rss[place]), solved[place]
        side = _SIDE[len(grids)]
        offsets = np.linspace(-1, 1, side)
        theta = np.array(list(product(*(b + s * offsets for b, s in zip(best, steps, strict=True)))))
        theta = theta[_admissible(form, theta, low)]
        steps = [s / _SHRINK for s in steps]
    return Term(form, best, coefficients)


def _admissible(form: Form, theta: Theta, low: float) -> Bool[ndarray, " g"]:
    """Widths stay positive, singularities left of the domain."""
    if theta.shape[1] == 2:
        return theta[:, 1] > 1e-6
    if form.name in ("logarithm", "square root", "reciprocal"):
        return theta[:, 0] < low - 1e-9
    return np.ones(len(theta), dtype=bool)


def _solve(features: Float64[ndarray, "g n k"], y: Points) -> tuple[Float64[ndarray, "g k"], Float64[ndarray, " g"]]:
    """Coefficients and residual sum of squares of y = offset + features c, for every grid point at once."""
    centred = features - features.mean(axis=1, keepdims=True)
    size = np.sqrt(np.einsum("gnk,gnk->gk", centred, centred)) + 1e-12
    centred = centred / size[:, None]
    target = y - y.mean()
    right = np.einsum("gnk,n->gk", centred, target)
    if centred.shape[2] == 1:
        solution = right
    else:
        gram = np.einsum("gnk,gnl->gkl", centred, centred) + 1e-9 * np.eye(centred.shape[2])
        solution = np.linalg.solve(gram, right[..., None])[..., 0]
    rss = target @ target - np.einsum("gk,gk->g", solution, right)
    return solution / size, np.maximum(rss, 0.0)
