#!/usr/bin/env python3
"""Fits the polynomials of shaders/math.wgsl: minimax by linear programming, each coefficient rounded to f32 in turn
(lowest degree first, the rest fitted again around it). Needs numpy and scipy. Prints f32 bit patterns, c0 upward."""

import numpy as np
from scipy.optimize import linprog


def f32(x):
    return float(np.float32(x))


def fit(x, target, tolerance, powers, fixed=()):
    """Coefficients c of sum c_k x^powers[k] with max |sum - target| / tolerance least; `fixed` are the first ones."""
    done = list(fixed)
    while True:
        basis = np.array([x**p for p in powers]).T
        rest = target - basis[:, : len(done)] @ np.array(done) if done else target.copy()
        free = basis[:, len(done) :]
        scale = np.abs(free).max(axis=0)
        # Units of 2^-20: the solver's own tolerance is 1e-7.
        a = free / scale / tolerance[:, None] * 2.0**20
        b = rest / tolerance * 2.0**20
        one = np.ones((len(x), 1))
        if free.shape[1] == 0:
            return done, float(np.abs(b).max()) * 2.0**-20
        solved = linprog(
            np.r_[np.zeros(free.shape[1]), 1.0],
            A_ub=np.r_[np.c_[a, -one], np.c_[-a, -one]],
            b_ub=np.r_[b, -b],
            bounds=[(None, None)] * free.shape[1] + [(0, None)],
            method="highs",
        )
        done.append(f32(solved.x[0] / scale[0]))


def show(name, coefficients, error):
    bits = [f"0x{np.float32(c).view(np.uint32):08x}" for c in coefficients]
    print(f"{name}: error {error:.2e}\n  {' '.join(bits)}")


def grid(lo, hi, n=3000):
    k = np.arange(n)
    return (lo + hi) / 2 + (hi - lo) / 2 * np.cos(np.pi * (k + 0.5) / n)


# -2 ln(1 + f) / f. Where f < 0 the relative error counts (the exponent may be 0); elsewhere -2 ln u >= ln 2.
f = grid(np.sqrt(0.5) - 1, np.sqrt(2) - 1)
f = f[np.abs(f) > 1e-6]
g = -2 * np.log1p(f) / f
for degree in (7, 8):
    tolerance = np.where(f < 0, np.abs(g), np.log(2) / np.abs(f))
    show(f"log degree {degree}", *fit(f, g, tolerance, range(degree + 1), fixed=[-2.0]))

# sin(2 pi x) / x and cos(2 pi x) in z = x^2, |x| <= 1/8.
x = grid(1e-4, 0.125)
s = np.sin(2 * np.pi * x) / x
show("sin", *fit(x * x, s, np.abs(s), range(4)))
c = np.cos(2 * np.pi * x)
for terms in (4, 5):
    show(f"cos {terms} terms", *fit(x * x, c, np.abs(c), range(terms)))
    show(f"cos {terms} terms, c0 = 1", *fit(x * x, c, np.abs(c), range(terms), fixed=[1.0]))

# (1 - e)^(-1/2) = 1 + e p(e): e = 1 - v y^2 for the seed y = bits(magic - (bits(v) >> 1)).
v = np.float32(2.0) ** np.linspace(-2, 2, 400001).astype(np.float32)
best = None
for magic in range(0x5F370000, 0x5F380000, 64):
    y = (np.uint32(magic) - (v.view(np.uint32) >> 1)).view(np.float32).astype(float)
    e = 1 - v.astype(float) * y * y
    if best is None or np.abs(e).max() < best[0]:
        best = (np.abs(e).max(), magic, e.min(), e.max())
print(f"sqrt seed 0x{best[1]:08x}: e in [{best[2]:.5f}, {best[3]:.5f}]")
e = grid(best[2] * 1.0001, best[3] * 1.0001)
e = e[np.abs(e) > 1e-7]
q = np.expm1(-0.5 * np.log1p(-e)) / e
for degree in (3, 4):
    show(f"sqrt degree {degree}", *fit(e, q, 1 / np.abs(e), range(degree + 1)))
