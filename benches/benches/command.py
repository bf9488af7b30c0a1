"""NumPy beside `coherence aggregate`: for each line RULE on stdin, loads the matrix argv[1], aggregates
its rows, saves the vector to argv[2] and answers with one line. The interpreter's start does not count."""
import sys
import numpy as np

CLIP = 8


def clipped(x):
    x.sort(axis=0)
    np.clip(x, x[CLIP], x[-1 - CLIP], out=x)
    return x.mean(axis=0)


def around(x):
    x.sort(axis=0)
    n, d = x.shape
    median, kept = (x[(n - 1) // 2] + x[n // 2]) / 2, n - CLIP
    start = sum((median - x[s] > x[s + kept] - median).astype(np.intp) for s in range(CLIP))
    sums = np.vstack([np.zeros((1, d)), x.cumsum(axis=0, dtype=np.float64)])
    columns = np.arange(d)
    return ((sums[start + kept, columns] - sums[start, columns]) / kept).astype(x.dtype)


RULES = {
    "mean": lambda x: x.mean(axis=0),
    "median": lambda x: np.median(x, axis=0, overwrite_input=True),
    f"winsorized:{CLIP}": clipped,
    f"trimmed:{CLIP}": lambda x: np.sort(x, axis=0)[CLIP:-CLIP].mean(axis=0),
    "median-of-means:10": lambda x: np.median(
        [part.mean(axis=0) for part in np.array_split(x, 10)], axis=0
    ),
    f"mean-around-median:{CLIP}": around,
    "winsorized:5%:interpolated": lambda x: np.clip(
        x, *np.percentile(x, [5, 95], axis=0).astype(x.dtype)
    ).mean(axis=0),
    "sign-majority": lambda x: np.sign(np.sign(x).sum(axis=0)),
}

for line in sys.stdin:
    np.save(sys.argv[2], RULES[line.strip()](np.load(sys.argv[1])))
    print("done", flush=True)
