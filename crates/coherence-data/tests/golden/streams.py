"""Makes the golden values of tests/random.rs: ChaCha8 (Bernstein 2008, 64-bit counter, zero nonce)
keyed by SHA-256(name + seed as 8 little-endian bytes), written from the definition alone."""

import hashlib
import struct

MASK32, MASK64 = 0xFFFFFFFF, (1 << 64) - 1


def rotate(x, n):
    return ((x << n) | (x >> (32 - n))) & MASK32


def quarter(s, a, b, c, d):
    for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & MASK32
        s[z] = rotate(s[z] ^ s[x], n)


def block(key, counter):
    start = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key))
    start += [counter & MASK32, counter >> 32, 0, 0]
    s = start[:]
    for _ in range(4):  # 8 rounds
        for i in range(4):
            quarter(s, i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return [(x + y) & MASK32 for x, y in zip(s, start)]


def stream(seed, name):
    key = hashlib.sha256(name.encode() + struct.pack("<Q", seed)).digest()
    counter = 0
    while True:
        words = block(key, counter)
        for i in range(0, 16, 2):
            yield words[i] | words[i + 1] << 32
        counter += 1


def below(rng, n):
    unfair = (1 << 64) % n
    while True:
        wide = next(rng) * n
        if wide & MASK64 >= unfair:
            return wide >> 64


def permutation(rng, n):
    order = list(range(n))
    for last in range(n - 1, 0, -1):
        j = below(rng, last + 1)
        order[last], order[j] = order[j], order[last]
    return order


def fold(values):
    total = 0
    for value in values:
        total = (total * 1_000_003 + value) & MASK64
    return total


if __name__ == "__main__":
    for seed, name in ((0, ""), (1, "example"), (MASK64, "shuffle")):
        rng = stream(seed, name)
        draws = [next(rng) for _ in range(1000)]
        print(f"({seed:#x}, {name!r}): first {[hex(x) for x in draws[:3]]}, 1000th {hex(draws[-1])}")
    rng = stream(1, "example")
    print("dice", [1 + below(rng, 6) for _ in range(12)])
    print("permutation", permutation(stream(1, "example"), 10))
    rng = stream(2, "example")
    print("rejection", [hex(below(rng, (1 << 63) + 1)) for _ in range(4)])
    rng = stream(1, "example")
    print("unit", [(next(rng) >> 11) / (1 << 53) for _ in range(3)])
    for name, n in (("digits.train", 60_000), ("digits.test", 10_000)):
        chosen = permutation(stream(0, name), n)
        print(name, chosen[:5], hex(fold(chosen)))
