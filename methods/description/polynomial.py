"""A polynomial whose degree is chosen by leave-one-out cross-validation (Allen 1974), fitted by least squares."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from numpy.polynomial import Chebyshev, Polynomial

from benchmark.families.description import Description, DescriptionQuestion, description_method
from methods.description._queries import number, spread

_EXACT = 1e-9
"""Error, relative to the answers' variance, below which differences are those of rounding."""


@description_method(cites="doi:10.1080/00401706.1974.10489157", requires=("reals",))
def polynomial(question: DescriptionQuestion, *, largest: int = 9) -> list[Description]:
    """Spend the budget on spread points and choose the degree from 0 to `largest` of least leave-one-out error, the
    lowest of those that differ by rounding."""
    found = []
    for box in question.boxes:
        x = spread(box, box.left, question.seed)
        y = box.query(x)
        domain = (box.low, box.high)
        degrees = range(min(largest, len(x) // 3, (question.longest - 1) // 6) + 1)
        errors = np.array([left_out(x, y, degree, domain) for degree in degrees])
        degree = int(np.argmax(errors <= errors.min() + _EXACT * float(y.var())))
        fit = Chebyshev.fit(x, y, degree, domain=domain)
        found.append(Description(f"A polynomial of degree {degree}.", _program(fit, domain)))
    return found


def left_out(x: Float64[ndarray, " n"], y: Float64[ndarray, " n"], degree: int, domain: tuple[float, float]) -> float:
    """Mean squared error of each point predicted from all others (PRESS), from one fit: residual / (1 - leverage)."""
    u = (2 * x - domain[0] - domain[1]) / (domain[1] - domain[0])
    q, _ = np.linalg.qr(np.polynomial.chebyshev.chebvander(u, degree))
    residual, leverage = y - q @ (q.T @ y), np.sum(q**2, axis=1)
    return float(np.mean((residual / np.maximum(1 - leverage, 1e-6)) ** 2))


def _program(fit: Chebyshev, domain: tuple[float, float]) -> str:
    """Horner's form in x less the domain's middle, around which five digits are enough for every coefficient."""
    middle, half = (domain[0] + domain[1]) / 2, (domain[1] - domain[0]) / 2
    x = "x" if middle == 0 else f"(x - {number(middle)})"
    scaled: Float64[ndarray, " k"] = fit.convert(kind=Polynomial, domain=domain, window=(-1, 1)).coef
    coefficients = scaled / half ** np.arange(len(scaled))
    text = number(coefficients[-1])
    for c in coefficients[-2::-1]:
        text = f"({text})*{x} + {number(c)}"
    return text
