"""Writes student_scipy.in and binomial_scipy.in beside itself: numbers of scipy for the tests."""
import pathlib
from scipy import stats

here = pathlib.Path(__file__).parent
samples = [([1.0, 2.0, 3.0], 0.5), ([1.0, 2.0, 3.0], 2.5), ([0.834, 0.855, 0.841], 0.9),
           ([1.0, 1.5, 0.5, 2.0, 1.25, 0.75, 1.1, 0.9, 1.3, 1.6], 0.25)]
lines = []
for x, b in samples:
    p = stats.ttest_1samp(x, b, alternative="greater").pvalue
    lines.append(f"    (&{x}, {b}, {float(p)!r}),\n")
(here / "student_scipy.in").write_text("[\n" + "".join(lines) + "]\n")

lines = []
for yes, n in [(0, 3), (2, 3), (3, 3), (9, 10), (1, 5), (377, 441)]:
    ci = stats.binomtest(yes, n).proportion_ci(0.95, "exact")
    lines.append(f"    ({yes}, {n}, {float(ci.low)!r}, {float(ci.high)!r}),\n")
(here / "binomial_scipy.in").write_text("[\n" + "".join(lines) + "]\n")
