"""Writes values.tsv: what other people's programs make of some matrices.

    python -m venv venv
    venv/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
    venv/bin/pip install --no-deps byzfl==0.0.11
    venv/bin/python make.py

Columns: source, rule as `Rule` reads it (in brackets: the test builds it), n, matrix row by row,
expected result, tolerance relative to the greatest magnitude.
"""

import pathlib
import sys
import types

import numpy as np
import scipy.optimize
import scipy.stats
import statsmodels.stats.robust_compare as robust

# ByzFL imports torch, which its NumPy path does not use: an empty module stands in, and the package's
# own initialisation, which imports more of it, is passed over.
torch = types.ModuleType("torch")
torch.Tensor = type("Tensor", (), {})
byzfl = types.ModuleType("byzfl")
byzfl.__path__ = [str(pathlib.Path(np.__file__).parents[1] / "byzfl")]
sys.modules["torch"] = torch
sys.modules["byzfl"] = byzfl
sys.modules["byzfl.utils.torch_tools"] = types.ModuleType("torch_tools")
import byzfl.aggregators.aggregators as agg
import byzfl.aggregators.preaggregators as pre

rng = np.random.default_rng(20260101)
lines = []


def text(values):
    return " ".join(repr(float(v)) for v in np.ravel(values))


def add(source, rule, matrix, expected, tolerance=1e-13):
    lines.append("\t".join([source, rule, str(len(matrix)), text(matrix), text(expected), repr(tolerance)]))


def documented():
    """Numbers printed in manuals."""
    # NAG Library Manual, Mark 30.3, g07ddc: the example program's data (alpha 0.15) and results.
    x = [26, 12, 9, 2, 5, 6, 8, 14, 7, 3, 1, 11, 10, 4, 17, 21]
    add("NAG g07ddc example", "winsorized:15%:rounded", x, 9.1250, 0.5e-5)
    add("NAG g07ddc example", "trimmed:2", x, 8.8333, 0.5e-5)
    # R package psych 2.5.3, reference of winsor: of 1 … 20 with trim 0.2 the low threshold is 4.8,
    # hence the high one 16.2.
    x = np.arange(1.0, 21.0)
    add("R psych winsor example", "winsorized:20%:interpolated", x, np.clip(x, 4.8, 16.2).mean())


def one_coordinate(n):
    x = np.round(rng.standard_t(2, n), 4)
    add("numpy median", "median", x, np.median(x))
    for p in [0.05, 0.15, 0.25, 0.4]:
        percent, k = f"{100 * p:.10g}%", int(p * n)
        win = scipy.stats.mstats.winsorize(x.copy(), (p, p))
        add("scipy winsorize", f"winsorized:{percent}:truncated", x, win.mean())
        if p * n % 1 != 0.5:  # halves: SciPy to even, NAG and we up
            win = scipy.stats.mstats.winsorize(x.copy(), (p, p), inclusive=(False, False))
            add("scipy winsorize, inclusive=False", f"winsorized:{percent}:rounded", x, win.mean())
        add("scipy trim_mean", f"trimmed:{k}", x, scipy.stats.trim_mean(x, p))
        both = robust.TrimmedMean(x, p)
        add("statsmodels TrimmedMean", f"winsorized:{k}", x, both.mean_winsorized)
        add("statsmodels TrimmedMean", f"trimmed:{k}", x, both.mean_trimmed)
        for method, name in [("linear", "interpolated"), ("nearest", "nearest-rank")]:
            if method == "linear" or p * (n - 1) % 1 != 0.5:  # halves: NumPy to even, we up
                low, high = np.percentile(x, [100 * p, 100 - 100 * p], method=method)
                add(f"numpy percentile, {method}", f"winsorized:{percent}:{name}", x, np.clip(x, low, high).mean())


def vectors(n, d, f):
    x = np.round(rng.standard_normal((n, d)), 4)
    x[:f] += 20
    add("byzfl Median", "median", x, agg.Median()(x))
    add("byzfl TrMean", f"trimmed:{f}", x, agg.TrMean(f)(x))
    add("byzfl Meamed", f"mean-around-median:{f}", x, agg.Meamed(f)(x))
    add("byzfl MDA", f"minimum-diameter:{f}", x, agg.MDA(f)(x))
    # ByzFL sums over the n-f-1 nearest, the paper over n-f-2: its f is our f + 1.
    add("byzfl Krum", f"krum:{f - 1}", x, agg.Krum(f)(x))
    add("byzfl MultiKrum", f"multi-krum:{f - 1}:{n - f}", x, agg.MultiKrum(f)(x))
    add("byzfl Clipping, then the mean", "norm-clipping:1.5", x, pre.Clipping(1.5)(x.copy()).mean(axis=0))
    add("byzfl NNM", f"(nearest-neighbor-mixing:{f})", x, pre.NNM(f)(x))
    # ByzFL starts from zero, which is what the test gives as a centre.
    add("byzfl CenteredClipping", "(centered-clipping:1.25:3)", x, agg.CenteredClipping(L=3, tau=1.25)(x))

    def sum_of_distances(y):
        return np.linalg.norm(x - y, axis=1).sum()

    options = {"xatol": 1e-10, "fatol": 1e-14, "maxiter": 100_000, "maxfev": 100_000}
    best = scipy.optimize.minimize(sum_of_distances, np.median(x, axis=0), method="Nelder-Mead", options=options)
    add("scipy minimize of the sum of distances", "geometric-median", x, best.x, 1e-7)


documented()
for n in [5, 10, 16, 33]:
    one_coordinate(n)
for n, d, f in [(7, 3, 1), (11, 5, 2), (15, 2, 4)]:
    vectors(n, d, f)
pathlib.Path("values.tsv").write_text("\n".join(lines) + "\n")
