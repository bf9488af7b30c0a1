"""Makes tests/golden/npy/*.npy with NumPy: one matrix in every element type, order and version.

Value (i, j) is i - j / 4 + 0.125, which every type holds exactly."""

import pathlib

import numpy as np

folder = pathlib.Path(__file__).parent / "npy"
rows, cols = np.indices((5, 3))
matrix = rows - cols / 4 + 0.125
for kind in ("f2", "f4", "f8"):
    for sign, endian in (("<", "little"), (">", "big")):
        for order in "CF":
            values = np.array(matrix, dtype=sign + kind, order=order)
            np.save(folder / f"{kind}-{endian}-{order}.npy", values)
for version in ((2, 0), (3, 0)):
    with open(folder / f"version-{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, np.array(matrix, dtype="<f4"), version=version)
