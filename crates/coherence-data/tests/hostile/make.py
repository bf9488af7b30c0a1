"""Makes the hostile files: each breaks one rule, and tests/hostile.rs says what the error must be.

The two safetensors files "overflow" and "short" follow the published proofs of concept against
safetensors-cpp; "header-bomb" and "lying-header" the attacks its audit lists."""

import gzip
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).parent


def write(name, content):
    (HERE / name).write_bytes(content)


def idx(*dims, data=b"", magic=None):
    header = magic or bytes([0, 0, 8, len(dims)])
    return header + b"".join(struct.pack(">I", d) for d in dims) + data


def npy(header, data=b"", version=(1, 0), length=None):
    text = header.encode()
    length = len(text) if length is None else length
    packed = struct.pack("<H" if version == (1, 0) else "<I", length)
    return b"\x93NUMPY" + bytes(version) + packed + text + data


def matrix(descr="<f4", order="False", shape="(2, 3)", data=bytes(24), **more):
    return npy(f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n", data, **more)


def safe(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(shape, offsets, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


good = idx(2, 3, 3, data=bytes(range(18)))
zipped = gzip.compress(good, mtime=0)
write("idx/empty", b"")
write("idx/magic-cut", b"\0\0\x08")
write("idx/not-idx", b"<!DOCTYPE html><title>404</title>")
write("idx/floats", idx(2, 3, 3, data=bytes(72), magic=b"\0\0\x0d\x03"))
write("idx/labels-for-images", idx(4, data=bytes(4)))
write("idx/dimensions-cut", good[:11])
write("idx/data-cut", good[:-1])
write("idx/trailing", good + b"\0")
write("idx/overflow", idx(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF))
write("idx/invented-count", idx(0x7FFFFFFF, 1, 1, data=b"\0"))
write("idx/zero-beside-overflow", idx(0xFFFFFFFF, 0, 0xFFFFFFFF))
write("idx/gzip-cut", zipped[:-9])
write("idx/gzip-checksum", zipped[:-8] + bytes([zipped[-8] ^ 1]) + zipped[-7:])
write("idx/gzip-trailing", zipped + b"\0")
write("idx/gzip-of-text", gzip.compress(b"not an IDX file at all", mtime=0))
write("idx/gzip-bomb", gzip.compress(idx(1, 1, 1, data=bytes(10_000_000)), mtime=0))
write("idx/gzip-name-only", b"\x1f\x8b")

write("npy/empty", b"")
write("npy/magic-only", b"\x93NUMPY\x01\x00")
write("npy/version", matrix(version=(9, 0)))
write("npy/header-bomb", npy("", version=(2, 0), length=0xFFFFFFFF))
write("npy/header-cut", npy("{'descr': '<f4', ", length=118))
write("npy/not-a-dictionary", npy("[1, 2, 3]\n"))
write("npy/nested", npy("{" * 9_000))
write("npy/not-utf8", b"\x93NUMPY\x01\x00\x02\x00\xff\xfe")
write("npy/unclosed-quote", npy("{'descr: "))
write("npy/integers", matrix("<i4"))
write("npy/no-order", matrix("|f4"))
write("npy/objects", matrix("|O"))
write("npy/records", npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }"))
write("npy/unknown-key", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': 1}"))
write("npy/twice", npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}"))
write("npy/no-shape", npy("{'descr': '<f4', 'fortran_order': False}"))
write("npy/order-word", matrix(order="Maybe"))
write("npy/after-brace", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} + 1"))
write("npy/scalar", matrix(shape="()"))
write("npy/vector", matrix(shape="(6,)"))
write("npy/cube", matrix(shape="(1, 2, 3)"))
write("npy/negative", matrix(shape="(-2, 3)"))
write("npy/beyond-64-bits", matrix(shape="(99999999999999999999, 3)"))
write("npy/2-to-the-64", matrix(shape="(1, 18446744073709551616)"))
write("npy/words", matrix(shape="(n, d)"))
write("npy/overflow", matrix(shape="(4294967296, 4294967296)"))
write("npy/invented-count", matrix(shape="(1000000000, 1000)"))
write("npy/data-cut", matrix(data=bytes(23)))
write("npy/trailing", matrix(data=bytes(25)))

write("safetensors/empty", b"")
write("safetensors/seven-bytes", bytes(7))
write("safetensors/header-bomb", safe(b"{}", length=0xFFFFFFFFFFFFFFFF))
write("safetensors/lying-header", safe(b"{}", length=100_000_000))
write("safetensors/not-json", safe(b"{'a': 1}"))
write("safetensors/after-json", safe(b"{} {}"))
write("safetensors/nested", safe(b'{"__metadata__": ' + b"[" * 100_000))
write("safetensors/no-tensor", safe({}))
write("safetensors/two", safe({"a": tensor([1, 1], [0, 4]), "b": tensor([1, 1], [4, 8])}, bytes(8)))
write("safetensors/overflow", safe({"a": tensor([4194305, 4194305, 211106198978564], [0, 16])}, bytes(16)))
write("safetensors/overflow-2d", safe({"a": tensor([1 << 32, 1 << 32], [0, 16])}, bytes(16)))
write("safetensors/short", safe({"a": tensor([2, 2], [1, 4])}, bytes(16)))
write("safetensors/backward", safe({"a": tensor([1, 1], [8, 4])}, bytes(8)))
write("safetensors/gap", safe({"a": tensor([1, 1], [4, 8])}, bytes(8)))
write("safetensors/overlap", safe({"a": tensor([2, 1], [0, 8]), "b": tensor([1, 1], [4, 8])}, bytes(8)))
write("safetensors/beyond", safe({"a": tensor([4, 1], [0, 16])}, bytes(8)))
write("safetensors/trailing", safe({"a": tensor([1, 1], [0, 4])}, bytes(5)))
write("safetensors/size", safe({"a": tensor([3, 1], [0, 8])}, bytes(8)))
write("safetensors/negative", safe({"a": tensor([-1, 1], [0, 4])}, bytes(4)))
write("safetensors/2-to-the-64", safe({"a": tensor([1, 1 << 64], [0, 4])}, bytes(4)))
write("safetensors/scalar", safe({"a": tensor([], [0, 4])}, bytes(4)))
write("safetensors/vector", safe({"a": tensor([2], [0, 8])}, bytes(8)))
write("safetensors/integers", safe({"a": tensor([1, 1], [0, 8], "I64")}, bytes(8)))
