#!/usr/bin/env python3
"""Orthogonal matrices, a second time: written from docs/stream/orthogonal.md on top of reference.py, in exact
fractions.

    python3 tests/data/orthogonal.py [MOST]     compares the lines of orthogonal.tsv of at most MOST elements (4096)

Every operation asserts that its result is 0 or a normal f32.
"""

import sys
from fractions import Fraction
from pathlib import Path

import reference
from reference import bits, fma, pattern, rn

LEAST = Fraction(2) ** -40
ZERO, ONE, HALF = Fraction(0), Fraction(1), Fraction(1, 2)


def flush(x):
    return ZERO if abs(x) < LEAST else x


def recip(d):
    y = bits(0x7EF311C3 - pattern(d))
    for _ in range(2):
        e = fma(-d, y, ONE)
        y = fma(y, fma(e, e, e), y)
    return y


def deviates(key, t, j, count):
    out = []
    for block in range((count + 3) // 4):
        w = reference.philox((block, j, t, 1), key)
        for k in (0, 2):
            r = reference.root(reference.neg2ln(w[k]))
            c, s = reference.turn(w[k + 1])
            out += [rn(r * c), rn(r * s)]
    return out[:count]


def reflector(key, t, j, length):
    """v and the sign."""
    x = deviates(key, t, j, length)
    s = [ZERO] * 64
    for e, value in enumerate(x):
        s[e // 4 % 64] = fma(value, value, s[e // 4 % 64])
    h = 32
    while h:
        for lane in range(h):
            s[lane] = rn(s[lane] + s[lane + h])
        h //= 2
    d = fma(reference.root(rn(4 * s[0])), HALF, abs(x[0]))
    c = recip(d)
    negative = x[0] < 0
    if negative:
        c = -c
    return [ONE] + [flush(rn(value * c)) for value in x[1:]], ONE if negative else -ONE


def sequence(pairs):
    a = ZERO
    for x, y in pairs:
        if x and y:
            a = fma(x, y, a)
    return a


def chunked(left, right):
    """Sums over rows: chunks of 256, from the last row to the first."""
    rows, w = len(left), ZERO
    for chunk in reversed(range(0, rows, 256)):
        w = rn(w + sequence((left[r], right[r]) for r in reversed(range(chunk, min(chunk + 256, rows)))))
    return w


def tall(key, t, p, q):
    c = {}
    for first in reversed(range(0, q, 64)):
        b, rows, cols = min(64, q - first), p - first, q - first
        v = []
        for k in range(b):
            column, sign = reflector(key, t, first + k, rows - k)
            v.append([ZERO] * k + column)
            for r in range(rows):
                c[first + r, first + k] = sign if r == k else ZERO
        for col in range(b, cols):
            for r in range(b):
                c[first + r, first + col] = ZERO
        columns = [[c[first + r, first + col] for r in range(rows)] for col in range(cols)]
        s = {(i, k): chunked(v[i], v[k]) for i in range(b) for k in range(i, b)}
        w = [[flush(chunked(v[k], column)) for k in range(b)] for column in columns]
        t_ = {}
        for j in range(b):
            t_[j, j] = recip(rn(HALF * s[j, j]))
        for j in range(b):
            for i in reversed(range(j)):
                a = sequence((flush(s[i, k]), t_[k, j]) for k in range(i + 1, j + 1))
                t_[i, j] = flush(-rn(flush(a) * t_[i, i]))
        for col in range(cols):
            out = [flush(sequence((t_[i, k], w[col][k]) for k in range(i, b))) for i in range(b)]
            for r in range(rows):
                a = sequence((v[k][r], out[k]) for k in range(b))
                c[first + r, first + col] = flush(rn(columns[col][r] - a))
    return c


def words(key, t, rows, cols, gain):
    p, q = max(rows, cols), min(rows, cols)
    c = tall(key, t, p, q)
    return [pattern(rn(c[(i, j) if rows >= cols else (j, i)] * gain)) for i in range(rows) for j in range(cols)]


def digest(values):
    h = 0xCBF29CE484222325
    for value in values:
        for byte in value.to_bytes(4, "little"):
            h = (h ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return h


def main():
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 4096
    done = 0
    for line in (Path(__file__).parent / "orthogonal.tsv").read_text().splitlines():
        if line.startswith("#"):
            continue
        k0, k1, t, rows, cols, gain, *wanted = line.split("\t")
        if int(rows) * int(cols) > most:
            continue
        values = words((int(k0, 16), int(k1, 16)), int(t), int(rows), int(cols), bits(int(gain, 16)))
        got = [f"{digest(values):016x}", " ".join(f"{v:08x}" for v in values[:4])]
        if got != wanted:
            sys.exit(f"{line}\nis not {got}")
        done += 1
    print(f"{done} matrices are those of the page")


if __name__ == "__main__":
    main()
