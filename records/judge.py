"""Judges the committed records a second time, sharing no code with the program `coherence`.

Reads experiments/*.toml and records/*/*.csv, computes every verdict from the raw rows, and writes
records/verdicts.json. A test of coherence-lab compares that file with its own judgement, and the
report shows it beside a new run. Standard library only, Python 3.11 or later:

    python3 records/judge.py
"""

import csv
import json
import math
import re
import tomllib
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEVEL = 0.025
INFINITY = math.inf


# Distributions.

def beta_fraction(a, b, x):
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    tiny, c, d = 1e-300, 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    h = d
    for m in range(1, 500):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 + numerator * d
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = 1.0 + numerator / c
            c = c if abs(c) > tiny else tiny
            h *= c * d
        if abs(c * d - 1.0) < 1e-16:
            break
    return h


def incomplete_beta(a, b, x):
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1.0) / (a + b + 2.0):
        return front * beta_fraction(a, b, x) / a
    return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b


def t_above(t, freedom):
    """P(T >= t)."""
    half = 0.5 * incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))
    return half if t >= 0 else 1.0 - half


def at_least(yes, n, p):
    """The probability of at least `yes` of n at p."""
    return sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(yes, n + 1))


def holm(values):
    """Whether each hypothesis is rejected at LEVEL for all of them together."""
    rejected = [False] * len(values)
    for rank, i in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        if values[i] > LEVEL / (len(values) - rank):
            break
        rejected[i] = True
    return rejected


# Formulas. A value is a pair (low, high): of a censored time only one end is known.

TOKEN = re.compile(r"\s*(\d+\.?\d*(?:e-?\d+)?|[A-Za-z][\w.]*|[-+*/()<>,=])")
PLACES = {"start", "end", "max", "min", "step_of_max", "at", "sum", "reaches", "falls_to"}


class Missing(Exception):
    pass


def arithmetic(sign, a, b):
    if a[0] == a[1] and b[0] == b[1]:
        x, y = a[0], b[0]
        if sign == "/":
            value = x / y if y else math.copysign(INFINITY, x) if x else math.nan
        else:
            value = {"+": x + y, "-": x - y, "*": x * y}[sign]
        return value, value
    if sign == "+":
        return a[0] + b[0], a[1] + b[1]
    if sign == "-":
        return a[0] - b[1], a[1] - b[0]
    exact, other = (a, b) if a[0] == a[1] else (b, a)
    if sign == "*" and exact[0] == exact[1] and exact[0] != 0:
        ends = sorted((exact[0] * other[0], exact[0] * other[1]))
        return ends[0], ends[1]
    if sign == "/" and b[0] == b[1] and b[0] != 0:
        ends = sorted((a[0] / b[0], a[1] / b[0]))
        return ends[0], ends[1]
    if sign == "/" and a[0] == a[1] and b[0] > 0 and b[1] == INFINITY:
        if a[0] == 0:
            return 0.0, 0.0
        return (a[0] / b[0], INFINITY) if a[0] < 0 else (-INFINITY, a[0] / b[0])
    return -INFINITY, INFINITY


class Formula:
    """Evaluates a formula while it reads it."""

    def __init__(self, text, record, cell, seed):
        self.text, self.record, self.cell, self.seed = text, record, cell, seed
        self.at = 0

    def peek(self):
        match = TOKEN.match(self.text, self.at)
        return match.group(1) if match else None

    def take(self, *wanted):
        token = self.peek()
        if token is None or (wanted and token not in wanted):
            return None
        self.at = TOKEN.match(self.text, self.at).end()
        return token

    def evaluate(self):
        left = self.sum(self.factor, arithmetic)
        sign = self.take("<", ">")
        if sign:
            right = self.sum(self.factor, arithmetic)
            low, high = arithmetic("-", left, right) if sign == ">" else arithmetic("-", right, left)
            exact = low == high
            if low > 0 or (low == 0 and not exact):
                left = (1.0, 1.0)
            elif high <= 0:
                left = (0.0, 0.0)
            else:
                left = (-INFINITY, INFINITY)
        assert self.peek() is None, self.text[self.at :]
        if math.isnan(left[0]) or (left[0] == left[1] and not math.isfinite(left[0])):
            raise Missing("no number")
        return left

    def sum(self, factor, apply):
        def terms():
            value = factor()
            while sign := self.take("*", "/"):
                value = apply(sign, value, factor())
            return value

        value = terms()
        while sign := self.take("+", "-"):
            value = apply(sign, value, terms())
        return value

    def factor(self):
        if self.take("("):
            value = self.sum(self.factor, arithmetic)
            assert self.take(")")
            return value
        if self.take("-"):
            return arithmetic("-", (0.0, 0.0), self.factor())
        token = self.take()
        if token[0].isdigit():
            return float(token), float(token)
        if token in PLACES and self.peek() == "(":
            return self.reading(token)
        return self.number_of(token), self.number_of(token)

    def number_of(self, axis):
        if not isinstance(self.cell.get(axis), (int, float)):
            raise Missing(axis)
        return float(self.cell[axis])

    def reading(self, place):
        self.take("(")
        start = self.at
        depth = 0
        while depth or self.peek() not in (",", ")"):  # the settings behind the curve come first
            token = self.take()
            depth += (token == "(") - (token == ")")
        argument, first, own = None, 0, {}
        if place in ("at", "sum", "reaches", "falls_to"):
            self.take(",")
            sign = -1.0 if self.take("-") else 1.0
            token = self.take()
            argument = sign * (float(token) if token[0].isdigit() else self.number_of(token))
        while self.take(","):
            name = self.take()
            if name == "from":
                first = int(self.take())
            else:
                self.take("=")
                raw = re.match(r"[^,()]*", self.text[self.at :]).group(0)
                self.at += len(raw)
                own[name] = setting(raw.strip())
        assert self.take(")")
        end, self.at = self.at, start
        cell = {**{k: v for k, v in self.cell.items() if k in self.record["axes"]}, **own}
        try:
            key = tuple(cell[axis] for axis in self.record["axes"])
        except KeyError as axis:
            raise Missing(axis) from None
        curve = self.curve(key)
        self.at = end
        return read(place, argument, [(s, v) for s, v in curve if s >= first])

    def curve(self, key):
        """A list of (step, value); numbers are curves without steps."""

        def factor():
            if self.take("("):
                value = self.sum(factor, apply)
                assert self.take(")")
                return value
            if self.take("-"):
                return apply("-", 0.0, factor())
            token = self.take()
            if token[0].isdigit():
                return float(token)
            rows = self.record["rows"].get((key, self.seed, token))
            if not rows:
                raise Missing(token)
            return dict(rows)

        def apply(sign, a, b):
            f = lambda x, y: arithmetic(sign, (x, x), (y, y))[0]
            if isinstance(a, dict) and isinstance(b, dict):
                return {step: f(a[step], b[step]) for step in a if step in b}
            if isinstance(a, dict):
                return {step: f(x, b) for step, x in a.items()}
            return {step: f(a, y) for step, y in b.items()}

        return sorted(self.sum(factor, apply).items())


def read(place, argument, rows):
    if not rows:
        raise Missing("no rows")
    values = [value for _, value in rows]
    if place not in ("start", "end", "at") and any(math.isnan(value) for value in values):
        raise Missing("no number")
    if place == "at":
        found = [value for step, value in rows if step == argument]
        if not found:
            raise Missing(f"step {argument}")
        return found[0], found[0]
    if place == "sum":
        total = 0.0
        for step, value in rows:  # one after the other: sum() rounds otherwise from Python 3.12 on
            total += value if step <= argument else 0.0
        return total, total
    if place in ("reaches", "falls_to"):
        sign = 1.0 if place == "reaches" else -1.0
        short = [sign * (argument - value) for value in values]
        for i, missing in enumerate(short):
            if missing <= 0.0:
                time = float(rows[i][0])
                if i:
                    left = missing / (missing - short[i - 1])
                    time -= left * (rows[i][0] - rows[i - 1][0])
                return time, time
        return float(rows[-1][0]), INFINITY
    value = {
        "start": values[0],
        "end": values[-1],
        "max": max(values),
        "min": min(values),
        "step_of_max": float(rows[values.index(max(values))][0]),
    }[place]
    return value, value


# Records and claims.

def setting(text):
    try:
        return float(text)
    except ValueError:
        return text


def load(path):
    header = tomllib.loads(path.with_suffix(".toml").read_text())
    axes = [axis["name"] for axis in header["axes"]]
    rows = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            key = tuple(setting(row[axis]) for axis in axes)
            rows.setdefault((key, int(row["seed"]), row["series"]), []).append(
                (int(row["step"]), float(row["value"]))
            )
    values = {axis["name"]: [normal(v) for v in axis["values"]] for axis in header["axes"]}
    return {"header": header, "axes": values, "rows": rows}


def normal(value):
    return float(value) if isinstance(value, (int, float)) else value


def shown(cell):
    text = lambda v: v if isinstance(v, str) else repr(v).removesuffix(".0")
    return ",".join(f"{axis}={text(value)}" for axis, value in cell.items()) or "all"


def sides(expect):
    """(sign, bound, strict) of each inequality: sign * value >= bound, or > if strict."""
    (kind, value), = expect.items()
    if kind == "at_least":
        return [(1, value, False)]
    if kind == "at_most":
        return [(-1, -value, False)]
    if kind == "between":
        return [(1, value[0], False), (-1, -value[1], False)]
    if kind == "equals":
        low, high = value["value"] - value["tolerance"], value["value"] + value["tolerance"]
        return [(1, low, False), (-1, -high, False)]
    return [(1 if kind == "rises_along" else -1, 0.0, True)]


def p_values(values, outcome, random, side):
    """p values of "violated" and of "satisfied"."""
    sign, bound, strict = side
    ends = [(a, b) if sign > 0 else (-b, -a) for a, b in values]
    admits = lambda x: x > bound if strict else x >= bound
    certain = lambda yes: (0.0, 1.0) if yes else (1.0, 0.0)
    exact = all(a == b for a, b in ends)
    n = len(ends)
    if exact and not random:
        return certain(admits(ends[0][0]))
    if exact and outcome:
        yes = sum(1 for a, _ in values if a == 1.0)
        share = sign * bound
        above = 1.0 if share >= 1 or not yes else 0.0 if share <= 0 else at_least(yes, n, share)
        below = 1.0 if share <= 0 or yes == n else 0.0 if share >= 1 else at_least(n - yes, n, 1 - share)
        return (above, below) if sign > 0 else (below, above)
    if exact:
        if n < 3:
            return 1.0, 1.0
        numbers = [a for a, _ in ends]
        if len(set(numbers)) == 1:
            if numbers[0] == bound == 0:  # no seed shows an order, nor its reverse
                return 1.0, 1.0
            return certain(admits(numbers[0]))
        mean = math.fsum(numbers) / n
        spread = math.sqrt(math.fsum((x - mean) ** 2 for x in numbers) / (n - 1))
        p = t_above((mean - bound) * math.sqrt(n) / spread, n - 1)
        return p, 1.0 - p
    known = lambda a, b: a == b
    satisfies = sum(1 for a, b in ends if (admits(a) if known(a, b) else a >= bound))
    violates = sum(1 for a, b in ends if (not admits(b) if known(a, b) else b <= bound))
    p = lambda yes: at_least(yes, n, 0.5)
    return p(satisfies), p(violates)


def measure(claim, record):
    """(label, values or None) of each measurement."""
    axes, seeds = record["axes"], record["header"]["seeds"] or [0]
    each = {name: [normal(v) for v in values] for name, values in sorted(claim.get("each", {}).items())}
    each = {n: [v for v in vs if n not in axes or v in axes[n]] for n, vs in each.items()}
    cells = [dict(zip(each, values)) for values in product(*each.values())]

    def values(*terms):
        out = []
        for seed in seeds:
            found = [Formula(claim["quantity"], record, cell, seed).evaluate() for cell in terms]
            out.append(found[0] if len(found) == 1 else arithmetic("-", found[1], found[0]))
        return out

    def attempt(label, get):
        try:
            return label, get()
        except Missing:
            return label, None

    (kind, axis), = claim["expect"].items()
    if claim.get("pool"):
        share = lambda seed: sum(
            Formula(claim["quantity"], record, cell, seed).evaluate()[0] for cell in cells
        ) / len(cells)
        return [attempt(f"{len(cells)} cells", lambda: [(share(s), share(s)) for s in seeds])]
    if kind not in ("rises_along", "falls_along"):
        return [attempt(shown(cell), lambda cell=cell: values(cell)) for cell in cells]
    out = []
    for a, b in zip(axes[axis], axes[axis][1:]):
        for cell in cells:
            first, second = {**cell, axis: a}, {**cell, axis: b}
            label = f"({shown(second)}) - ({shown(first)})"
            out.append(attempt(label, lambda f=first, s=second: values(f, s)))
    return out


def judge(claim, record):
    header = record["header"]
    if header["scale"] not in claim.get("scales", [header["scale"]]):
        return {"id": claim["id"], "quantity": claim["quantity"], "verdict": "not-applicable", "cells": []}
    measured = measure(claim, record)
    outcome = not claim.get("pool") and re.search("[<>]", claim["quantity"]) is not None
    random = bool(header["seeds"])
    tests = []
    for _, values in measured:
        if values is not None:
            pairs = [p_values(values, outcome, random, side) for side in sides(claim["expect"])]
            # Each side may seem violated by chance.
            satisfied = min(1.0, len(pairs) * min(p for _, p in pairs))
            tests.append((max(p for p, _ in pairs), satisfied))
    holds, fails = holm([p for p, _ in tests]), holm([p for _, p in tests])
    wrong = "not-shown" if claim.get("bound") == "ours" else "fails"
    decided = iter(["holds" if h else wrong if f else "undecided" for h, f in zip(holds, fails)])
    cells = []
    for label, values in measured:
        exact = values is not None and all(a == b for a, b in values)
        mean = math.fsum(a for a, _ in values) / len(values) if exact else None
        verdict = "not-measured" if values is None else next(decided)
        cells.append({"label": label, "verdict": verdict, "mean": mean})
    worst = ["fails", "not-measured", "not-shown", "undecided", "holds"]
    found = {cell["verdict"] for cell in cells}
    verdict = next((v for v in worst if v in found), "not-measured")
    return {"id": claim["id"], "quantity": claim["quantity"], "verdict": verdict, "cells": cells}


def main():
    out = []
    for path in sorted((ROOT / "records").glob("*/*.csv")):
        record = load(path)
        header = record["header"]
        experiment = tomllib.loads((ROOT / "experiments" / f"{header['experiment']}.toml").read_text())
        first = min([made["first"] for made in header.get("made", [])] or [header.get("date")])
        out.append({
            "experiment": header["experiment"],
            "scale": header["scale"],
            "record": str(path.relative_to(ROOT / "records")),
            "first": first,
            "claims": [judge(claim, record) for claim in experiment["claim"]],
        })
    text = json.dumps(out, indent=1, ensure_ascii=False)
    (ROOT / "records" / "verdicts.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
