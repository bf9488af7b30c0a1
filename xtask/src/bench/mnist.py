"""Writes MNIST as the peers' scripts read it: argv is the folder of the IDX files and the pickle to write."""
import gzip
import os
import pickle
import sys

import numpy as np

folder, out = sys.argv[1:3]


def idx(name, header):
    path = os.path.join(folder, name)
    opener, path = (open, path) if os.path.exists(path) else (gzip.open, path + ".gz")
    with opener(path, "rb") as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def images(name):
    return idx(name, 16).reshape(-1, 784).astype(np.float32) / 255


x, y = images("train-images-idx3-ubyte"), idx("train-labels-idx1-ubyte", 8).astype(np.int64)
test = images("t10k-images-idx3-ubyte"), idx("t10k-labels-idx1-ubyte", 8).astype(np.int64)
with gzip.open(out, "wb", compresslevel=1) as file:
    pickle.dump(((x[:50000], y[:50000]), (x[50000:], y[50000:]), test), file)
