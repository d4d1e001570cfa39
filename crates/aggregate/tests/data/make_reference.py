"""Writes ttests.json and power.json: SciPy's answers, with p-values to 17 digits by mpmath where SciPy's tails end.

Run with Python 3, SciPy, statsmodels and mpmath; the files it writes are tracked, so that the tests need none of them.
"""

import json
import random

import mpmath
import numpy as np
from scipy import stats
from statsmodels.stats.power import TTestIndPower

mpmath.mp.dps = 40


def exact_p(t, df):
    """Two-sided p-value of t (a float, taken exactly)."""
    t, df = mpmath.mpf(float(t)), mpmath.mpf(float(df))
    if df / 2 * mpmath.log1p(t * t / df) > 800:
        return mpmath.mpf(0)
    if df < 500:
        return mpmath.betainc(df / 2, mpmath.mpf(1) / 2, 0, df / (df + t * t), regularized=True)
    # 1 - I_y(1/2, a) by the series of positive terms in y (DLMF 8.17.8), with digits to spare for the difference.
    with mpmath.workdps(400):
        a, b = mpmath.mpf(1) / 2, df / 2
        y = t * t / (df + t * t)
        front = y**a * (1 - y) ** b * mpmath.gammaprod([a + b], [a, b]) / a
        term, total, k = mpmath.mpf(1), mpmath.mpf(1), 0
        while k < 20 or term > total * mpmath.mpf(10) ** -395:
            term *= (a + b + k) / (a + 1 + k) * y
            total += term
            k += 1
        return 1 - front * total


def result(kind, a, b):
    if kind == "paired":
        return stats.ttest_rel(a, b)
    return stats.ttest_ind(a, b, equal_var=kind == "student")


def main():
    draw = random.Random(20200713)
    samples = [
        ("the issue's example", [1.0, 2.0], [1.5, 2.5]),
        ("small integers", [1, 2, 3, 4, 5], [2, 3, 4, 5, 9]),
        ("equal samples that vary", [1.0, 2.0, 4.0], [1.0, 2.0, 4.0]),
        ("far apart", [1.0, 1.1, 0.9, 1.05], [9.0, 9.1, 8.9, 9.2]),
        ("very far apart", [1e6 + i / 64 for i in range(12)], [i * 3 / 128 for i in range(12)]),
        ("one side constant", [3.0, 3.0, 3.0], [1.0, 2.0, 4.0]),
        ("large offset", [1e8 + 1, 1e8 + 2, 1e8 + 4], [1e8 + 3, 1e8 + 5, 1e8 + 9]),
        ("tiny values", [1e-9, 2e-9, 3.5e-9], [2e-9, 5e-9, 4e-9]),
        ("percentages", [92.13, 91.6, 92.8, 91.9, 92.4, 92.0, 91.7, 92.5, 92.2, 92.1],
         [90.5, 89.9, 91.2, 90.0, 91.4, 90.8, 90.1, 90.3, 91.0, 90.2]),
        ("many values", [draw.gauss(0, 1) for _ in range(400)], [draw.gauss(0.3, 2) for _ in range(400)]),
        ("many values far apart", [draw.gauss(0, 1) for _ in range(300)], [draw.gauss(8, 1) for _ in range(300)]),
    ]
    unequal = [
        ("unequal sizes", [1.0, 2.5, 3.0], [2.0, 4.0, 3.5, 6.0, 5.0, 4.5]),
        ("unequal sizes and spreads", [10.0, 10.1, 9.9, 10.05], [draw.gauss(9, 3) for _ in range(40)]),
        ("two against many", [0.0, 1.0], [draw.gauss(2, 1) for _ in range(50)]),
    ]
    cases = []
    for kind in ["student", "welch", "paired"]:
        for name, a, b in samples + ([] if kind == "paired" else unequal):
            with np.errstate(all="ignore"):
                r = result(kind, a, b)
                ci = r.confidence_interval(0.95)
            if not np.isfinite(r.statistic):
                continue
            cases.append({
                "name": name, "kind": kind, "a": [float(v) for v in a], "b": [float(v) for v in b],
                "t": float(r.statistic), "df": float(r.df), "p": float(r.pvalue),
                "difference": float(np.mean(np.subtract(a, b)) if kind == "paired" else np.mean(a) - np.mean(b)),
                "ci_low": float(ci.low), "ci_high": float(ci.high),
            })
    tails = []
    for df in [1, 1.5, 2, 3, 4.7, 9, 18, 30, 99.5, 198, 1000, 12345.6, 1e6, 1e8]:
        for t in [1e-8, 0.1, 0.5, 1, 1.7320508, 2, 3, 5, 9, 20, 36, 100, 1e4, 1e8, 1e16, 1e30]:
            p = exact_p(t, df)
            if p > mpmath.mpf("1e-300"):
                tails.append({"t": t, "df": df, "p": mpmath.nstr(p, 17), "scipy": 2 * float(stats.t.sf(t, df))})
    json.dump({"tests": cases, "tails": tails}, open("ttests.json", "w"), indent=0)
    power = []
    for d in [0.0, 0.2, 0.5, 0.8, 1.5, 3.0, 6.0]:
        for n_a, n_b in [(2, 2), (3, 3), (10, 10), (10, 25), (60, 60)]:
            for significance in [0.01, 0.05]:
                df = n_a + n_b - 2
                delta = d * (n_a * n_b / (n_a + n_b)) ** 0.5
                critical = stats.t.isf(significance / 2, df)
                by_nct = float(stats.nct.sf(critical, df, delta) + stats.nct.cdf(-critical, df, delta))
                if not np.isfinite(by_nct):
                    continue
                by_statsmodels = float(TTestIndPower().power(d, n_a, significance, ratio=n_b / n_a))
                power.append({"d": d, "n_a": n_a, "n_b": n_b, "significance": significance,
                              "power": by_nct, "statsmodels": by_statsmodels})
    json.dump(power, open("power.json", "w"), indent=0)


main()
