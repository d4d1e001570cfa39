"""Reference values for crates/verify, by methods that the crate does not use.

Closed forms with mpmath at 80 digits; the mean of n cross-entropy losses by n-fold real convolution on Chebyshev panels
with NumPy (about 13 digits). Prints crates/verify/tests/reference.json:

    pip install mpmath numpy scipy
    python scripts/theorem_reference.py > crates/verify/tests/reference.json
"""

import json

import mpmath as mp
import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.special import ndtr

mp.mp.dps = 80


def finish(risk, mse, b, below):
    """All quantities from the moments (1, x, x^2) over x < b."""
    i0, i1, i2 = below
    flooded_below = (2 * b - risk) ** 2 * i0 - 2 * (2 * b - risk) * i1 + i2
    plain_below = i2 - 2 * risk * i1 + risk**2 * i0
    return {
        "risk": risk,
        "mse_empirical": mse,
        "mse_flooded": mse - plain_below + flooded_below,
        "gain": plain_below - flooded_below,
        "shortfall": b * i0 - i1,
        "prob_below": i0,
    }


def binomial(n, b, p, c=mp.mpf(0)):
    moments = [mp.mpf(0)] * 3
    weight = (1 - p) ** n
    for k in range(n + 1):
        x = c + mp.mpf(k) / n
        if b - x > mp.mpf(10) ** -60:  # equal decimals differ by rounding
            for j in range(3):
                moments[j] += weight * x**j
        if k < n:
            weight *= mp.mpf(n - k) / (k + 1) * p / (1 - p)
    return finish(c + p, p * (1 - p) / n, b, moments)


def exponential(n, b, theta):
    x = n * b / theta
    scale = theta / n
    moments, factor = [], mp.mpf(1)
    for j in range(3):
        moments.append(factor * mp.gammainc(n + j, 0, x, regularized=True))
        factor *= scale * (n + j)
    return finish(theta, theta**2 / n, b, moments)


def gaussian(n, b, mu, s):
    sigma = s / mp.sqrt(n)
    z = (b - mu) / sigma
    cdf = mp.erfc(-z / mp.sqrt(2)) / 2
    pdf = mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)
    first = mu * cdf - sigma * pdf
    second = mu**2 * cdf - 2 * mu * sigma * pdf + sigma**2 * (cdf - z * pdf)
    return finish(mu, sigma**2, b, [cdf, first, second])


class CrossEntropy:
    """Sums of softplus(W), W a mixture of two normals."""

    def __init__(self, alpha, eps, m, d):
        self.a, self.s, self.eps = alpha * m * d / 2, abs(alpha) * np.sqrt(d), eps
        self.low, self.high = -abs(self.a) - 13 * self.s, abs(self.a) + 13 * self.s
        x, weight = self.nodes(np.linspace(self.low, self.high, 400))
        loss, p = self.loss(x), weight * self.density(x)
        self.risk = (p * loss).sum()
        self.variance = (p * (loss - self.risk) ** 2).sum()

    @staticmethod
    def loss(w):
        return np.logaddexp(0, w)

    @staticmethod
    def inverse(y):
        return y + np.log(-np.expm1(-y))

    def density(self, w):
        normal = lambda mean: np.exp(-0.5 * ((w - mean) / self.s) ** 2) / (self.s * np.sqrt(2 * np.pi))
        return (1 - self.eps) * normal(-self.a) + self.eps * normal(self.a)

    def cdf(self, w):
        return (1 - self.eps) * ndtr((w + self.a) / self.s) + self.eps * ndtr((w - self.a) / self.s)

    @staticmethod
    def nodes(breaks):
        breaks = np.unique(breaks)
        gx, gw = leggauss(24)
        centre, half = (breaks[1:] + breaks[:-1]) / 2, (breaks[1:] - breaks[:-1]) / 2
        return (centre[:, None] + half[:, None] * gx).ravel(), (half[:, None] * gw).ravel()

    def below(self, y, graded):
        """Nodes and probabilities of W with loss below y, graded towards the end."""
        end = min(self.inverse(y), self.high)
        step = 0.6 if self.s > 0.6 else self.s / 2
        breaks = np.concatenate([[self.low], np.arange(self.low, end, step), end - 2.0 ** -np.arange(graded) * min(1, self.s), [end]])
        breaks = breaks[(breaks >= self.low) & (breaks <= end)]
        if len(np.unique(breaks)) < 2:
            return np.zeros(1), np.zeros(1)
        x, weight = self.nodes(breaks)
        return self.loss(x), weight * self.density(x)

    def cell(self, n, b):
        """Shortfall and probability of the mean of n losses below b."""
        total = n * b
        least = total * (1e-18 if self.s > 1 else 1e-10)
        edges, order = np.linspace(np.log(least), np.log(total), 160), 16
        angle = np.pi * (2 * np.arange(order) + 1) / (2 * order)
        points, bary = np.cos(angle), (-1.0) ** np.arange(order) * np.sin(angle)
        middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1] - edges[0]) / 2
        grid = np.exp(middle[:, None] + half * points)

        def interpolate(table, y):
            height = np.log(np.maximum(y, least))
            panel = np.clip(((height - edges[0]) / (2 * half)).astype(int), 0, len(middle) - 1)
            distance = ((height - middle[panel]) / half)[:, None] - points
            distance[distance == 0] = 1e-300
            weights = bary / distance
            values = (weights * table[panel]).sum(1) / weights.sum(1)
            values[y <= least] = 0
            return values

        def single(y):
            loss, p = self.below(y, 8)
            return (p * (y - loss)).sum(), self.cdf(self.inverse(y))

        def convolve(table, y):
            loss, p = self.below(y, 60)
            return (p * interpolate(table, y - loss)).sum()

        if n == 1:
            return single(total)
        tables = np.moveaxis(np.array([[single(y) for y in row] for row in grid]), -1, 0)
        for _ in range(n - 2):
            tables = [np.array([[convolve(table, y) for y in row] for row in grid]) for table in tables]
        shortfall, prob = (convolve(table, total) for table in tables)
        return shortfall / n, prob


def cross_entropy(n, multiple, alpha, eps, m, d):
    law = CrossEntropy(alpha, eps, m, d)
    b = multiple * law.risk
    shortfall, prob = law.cell(n, b)
    gain = 4 * (law.risk - b) * shortfall
    mse = law.variance / n
    return b, {"risk": law.risk, "mse_empirical": mse, "mse_flooded": mse - gain, "gain": gain, "shortfall": shortfall, "prob_below": prob}


def main():
    cases = []

    def add(scenario, n, b, values):
        cases.append({"scenario": scenario, "n": n, "b": float(b), "values": {k: float(v) for k, v in values.items()}})

    exact = lambda text: mp.mpf(text)
    for p, n, b in [("0.3", 10, "0.2"), ("0.3", 10, "0.3"), ("0.3", 10, "0.6"), ("0.1", 1, "0.05"), ("0.1", 100, "0.101"),
                    ("0.5", 100, "0.02"), ("0.01", 1000, "0.005"), ("0.3", 100000, "0.299"), ("0.3", 100000, "0.28"),
                    ("0.9", 100, "0.95"), ("0.3", 10, "5")]:
        add({"kind": "bernoulli", "p": float(p)}, n, b, binomial(n, exact(b), exact(p)))
    for p, c, n, b in [("0.3", "0.2", 10, "0.1"), ("0.3", "0.2", 10, "0.2"), ("0.3", "0.2", 10, "0.9"), ("0.3", "0.2", 100, "0.45")]:
        add({"kind": "shifted-bernoulli", "p": float(p), "c": float(c)}, n, b, binomial(n, exact(b), exact(p), exact(c)))
    for theta, n, b in [("0.5", 1, "0.1"), ("0.5", 10, "0.5"), ("0.5", 10, "0.505"), ("0.5", 100, "0.125"), ("0.5", 100, "0.005"),
                        ("2", 3, "1e-6"), ("0.5", 100, "5"), ("0.5", 100000, "0.495"), ("0.5", 100000, "0.5005"), ("1", 2, "1")]:
        add({"kind": "exponential", "theta": float(theta)}, n, b, exponential(n, exact(b), exact(theta)))
    for mu, s, n, b in [("0.5", "0.2", 1, "0.25"), ("0.5", "0.2", 10, "0.5"), ("0.5", "0.2", 100, "0.25"), ("0.5", "0.2", 10, "0.505"),
                        ("0.5", "0.2", 100, "1"), ("0.5", "0.2", 1000, "0.3"), ("-0.5", "0.2", 10, "0"), ("0.5", "3", 7, "0.4")]:
        add({"kind": "gaussian", "mu": float(mu), "s": float(s)}, n, b, gaussian(n, exact(b), exact(mu), exact(s)))
    for alpha, eps, m, d, n, multiples in [(1.0, 0.1, 1.0, 10, 1, [0.25, 1.01, 2.0]), (1.0, 0.1, 1.0, 10, 2, [0.25, 2.0]),
                                           (1.0, 0.1, 1.0, 10, 5, [0.25, 1.01]), (0.3, 0.05, 1.0, 4, 3, [0.25, 2.0]),
                                           (-0.5, 0.2, 1.0, 4, 3, [0.75]), (4.0, 0.0, 1.0, 10, 4, [0.5])]:
        for multiple in multiples:
            b, values = cross_entropy(n, multiple, alpha, eps, m, d)
            add({"kind": "cross-entropy", "alpha": alpha, "eps": eps, "m": m, "d": d}, n, b, values)
    print("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]")


if __name__ == "__main__":
    main()
