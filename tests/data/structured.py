#!/usr/bin/env python3
"""What the tests of the structured laws compare with, standard library only, computed with 60 digits.

    python3 tests/data/structured.py    writes tests/data/frequencies.tsv and tests/data/sinusoidal.tsv
"""

from decimal import Decimal, getcontext
from pathlib import Path

HERE = Path(__file__).parent
getcontext().prec = 60


def arctan_of_inverse(n):
    total, term, k = Decimal(0), Decimal(1) / n, 0
    while abs(term) > Decimal(10) ** -70:
        total += term / (2 * k + 1) * (-1) ** k
        term /= n * n
        k += 1
    return total


PI = 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239))


def exponent(layout, width, j):
    return Decimal(j) / (width // 2 - 1) if layout == "halves_to_end" else Decimal(2 * j) / width


def frequency(base, layout, width, j):
    """base^-e, in radians a position."""
    return (-exponent(layout, width, j) * Decimal(base).ln()).exp()


def sine(x):
    x %= 2 * PI
    total, term, k = Decimal(0), x, 1
    while abs(term) > Decimal(10) ** -50:
        total += term
        term *= -x * x / ((k + 1) * (k + 2))
        k += 2
    return total


def value(base, layout, width, position, column):
    half = width // 2
    j, second = divmod(column, 2) if layout == "interleaved" else (column % half, column // half)
    x = frequency(base, layout, width, j) * position
    return sine(x + PI / 2) if second else sine(x)


TABLES = [
    (10000.0, 4096, "interleaved"),
    (10000.0, 768, "halves"),
    (10000.0, 1280, "halves_to_end"),
    (500000.0, 65536, "interleaved"),
    (1.0000001, 6, "halves"),
    (1e30, 64, "interleaved"),
    (3.5, 22, "halves_to_end"),
    (10000.0, 2, "interleaved"),
]


def main():
    lines = ["# round(2^64 base^-e / (2 pi)) of pairs of columns, by structured.py.",
        "# base\tcolumns\tlayout\tpair:frequency .."]
    for base, width, layout in TABLES:
        half = width // 2
        pairs = sorted({0, 1, half - 1, *range(0, half, max(1, half // 40))} & set(range(half)))
        words = [int((frequency(base, layout, width, j) / (2 * PI) * 2**64 + Decimal("0.5")) // 1) for j in pairs]
        lines.append(f"{base!r}\t{width}\t{layout}\t" + " ".join(f"{j}:{w}" for j, w in zip(pairs, words)))
    (HERE / "frequencies.tsv").write_text("\n".join(lines) + "\n")
    lines = ["# Sines and cosines at far positions, by structured.py.",
        "# base\tcolumns\tlayout\tposition\tcolumn:value .."]
    for base, width, layout in [t for t in TABLES if t[1] <= 4096 and 1.1 < t[0] < 1e10]:
        for position in (1, 3, 1000, 123456, 1000000, 16777259):
            columns = {0, 1, 2, 3, width // 2, width - 2, width - 1, *range(5, width, max(1, width // 48))}
            columns = sorted(columns & set(range(width)))
            values = [f"{c}:{value(base, layout, width, position, c):.20f}" for c in columns]
            lines.append(f"{base!r}\t{width}\t{layout}\t{position}\t" + " ".join(values))
    (HERE / "sinusoidal.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
