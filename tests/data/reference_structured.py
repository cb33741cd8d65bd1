"""The structured laws, a second time: written from docs/stream/structured.md, standard library only, for reference.py.

The polynomial of the step's bias takes the platform's cos, exp, expm1 and log, not those of src/value/libm: the last
bits of its highest coefficients may differ, by less than 1e-12 in the value, which the value's rounding hides.
"""

import math
from decimal import Decimal, localcontext

MASK = 0xFFFFFFFF
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
KINDS = "identity", "dirac", "near_identity", "block_diagonal", "sparse", "sinusoidal"
KINDS += "log_range", "linspace", "log_of_uniform", "dt_bias"


def law_of(name, given, dims):
    """The kind of the law underneath, its numbers, and a dict of what cuts it."""
    number = lambda key, default=None: float(given.get(key, default))
    if name == "identity":
        rows, cols = dims
        return "constant", number("gain", 1), {"on": lambda index: index // cols == index % cols}
    if name == "dirac":
        out, inputs, *kernel = dims
        size, spot = math.prod(kernel), 0
        for k in kernel:
            spot = spot * k + k // 2
        group = out // int(given.get("groups", 1))

        def on(index):
            pair, at = divmod(index, size)
            output, i = divmod(pair, inputs)
            return at == spot and output % group == i

        return "constant", 1.0, {"on": on}
    if name == "near_identity":
        rows, cols = dims
        return "normal", number("alpha", 1), number("std"), {"on": lambda i: i // cols == i % cols, "centered": True}
    if name == "block_diagonal":
        (rows, cols), blocks = dims, int(given["blocks"])
        on = lambda i: i // cols // (rows // blocks) == i % cols // (cols // blocks)
        return "normal", 0.0, number("std"), {"on": on}
    if name == "sparse":
        rows, cols = dims
        zeros = math.ceil(number("sparsity") * rows)
        return "normal", 0.0, number("std", 0.01), {"rows": rows, "cols": cols, "zeros": zeros}
    if name == "sinusoidal":
        return "sinusoidal", number("base", 10000), dims[1], given.get("layout", "interleaved")
    if name == "log_range":
        return "log_range", dims[-1]
    if name == "linspace":
        return "linspace", number("first"), number("last"), dims[-1]
    if name == "log_of_uniform":
        return "log_of_uniform", number("lo"), number("hi")
    return "dt_bias", number("min", 0.001), number("max", 0.1), number("floor", 1e-4)


def place_in_permutation(philox, key, column, row, rows):
    words = [w for q in range(6) for w in philox((column, 0, q, 2), key)]
    width = max(4, (rows - 1).bit_length())
    left, right = width // 2, width - width // 2
    x = row
    while True:
        l, r = x >> right, x & ((1 << right) - 1)
        for k in words:
            p = 0xD2B74407B1CE6E93 * l & ((1 << 64) - 1)
            lo = (p & MASK) << (right - left) | r >> left
            l, r = ((p >> 32) ^ k ^ r) & ((1 << left) - 1), lo & ((1 << right) - 1)
        x = l << right | r
        if x < rows:
            return x


def frequency(base, width, layout, pair):
    with localcontext() as context:
        context.prec = 60
        e = Decimal(pair) / (width // 2 - 1) if layout == "halves_to_end" else Decimal(2 * pair) / width
        return int(((-e * Decimal(base).ln()).exp() * 2**64 / (2 * PI) + Decimal("0.5")) // 1)


def inverse_softplus(dt):
    return dt + math.log(-math.expm1(-dt))


def bias_polynomial(low, high):
    """12 monomials, in f64."""
    a, b = math.log(low), math.log(high)
    angle = lambda m: math.cos(m * math.pi / 24)
    f = [inverse_softplus(math.exp((a + b) / 2 + angle(2 * j + 1) * ((b - a) / 2))) for j in range(12)]
    total, basis, before = [0.0] * 12, [1.0] + [0.0] * 11, [0.0] * 12
    for k in range(12):
        c = 0.0
        for j in range(12):
            c = c + f[j] * angle(k * (2 * j + 1))
        c = c / 12 if k == 0 else c * 2 / 12
        total = [t + c * x for t, x in zip(total, basis)]
        m = 1 if k == 0 else 2
        basis, before = [m * (basis[i - 1] if i else 0.0) - before[i] for i in range(12)], basis
    return [0.0 if abs(t) < 2.0**-60 else t for t in total]


S, H = "sinusoidal(base=10000, layout=interleaved)", "sinusoidal(base=10000, layout=halves)"
D = "dt_bias(min=0.001, max=0.1, floor=0.0001)"
E, O = "sinusoidal(base=10000, layout=halves_to_end)", "out_in"
CASES = [
    (9, "eye", "f32", [3, 5], O, "identity(gain=1)", [0, 0], [3, 5]),
    (9, "eye", "f16", [5, 3], O, "identity(gain=-0.3)", [1, 0], [3, 3]),
    (9, "eye", "bf16", [70000, 70000], O, "identity(gain=2)", [69998, 69997], [2, 3]),
    (9, "conv", "f32", [6, 3, 5], O, "dirac(groups=2)", [3, 0, 1], [2, 2, 3]),
    (9, "conv", "f16", [4, 3, 2, 3, 4], "conv(groups=2)", "dirac(groups=2)", [3, 1, 1, 1, 1], [1, 1, 1, 1, 3]),
    (9, "conv", "bf16", [2, 2, 3, 3], O, "dirac(groups=1)", [0, 0, 0, 0], [1, 1, 3, 3]),
    (9, "near", "f32", [4, 3], O, "near_identity(alpha=1, std=0.02)", [0, 0], [4, 3]),
    (9, "near", "f16", [4, 3], O, "near_identity(alpha=-2, std=0.5)", [1, 0], [2, 3]),
    (9, "near", "bf16", [90000, 90000], O, "near_identity(alpha=1, std=0.02)", [89998, 89997], [2, 3]),
    (9, "block", "f32", [4, 6], O, "block_diagonal(blocks=2, std=0.02)", [0, 0], [4, 6]),
    (9, "block", "f16", [90000, 90000], O, "block_diagonal(blocks=30000, std=1)", [89996, 89995], [2, 5]),
    (9, "block", "bf16", [4, 6, "T"], O, "block_diagonal(blocks=2, std=1)", [1, 1], [3, 4]),
    (9, "sparse", "f32", [5, 4], O, "sparse(sparsity=0.3, std=0.01)", [0, 0], [5, 4]),
    (9, "sparse", "f16", [37, 11], O, "sparse(sparsity=0.5, std=1)", [3, 7], [12, 1]),
    (9, "sparse", "bf16", [100000, 70000], O, "sparse(sparsity=0.5, std=0.01)", [99990, 69990], [3, 5]),
    (9, "sparse", "f32", [7, 5, "T"], O, "sparse(sparsity=0.4, std=0.01)", [1, 0], [2, 5]),
    (9, "pos", "f32", [8, 6], O, S, [0, 0], [3, 6]),
    (9, "pos", "f32", [1000001, 4096], O, S, [1000000, 1020], [1, 8]),
    (9, "pos", "f16", [1000001, 4096], O, H, [123456, 2045], [1, 6]),
    (9, "pos", "bf16", [448, 1280], O, E, [447, 637], [1, 6]),
    (9, "pos", "f32", [448, 1280], O, E, [446, 1277], [2, 3]),
    (9, "pos", "f32", [1 << 40, 4], O, S, [(1 << 40) - 3, 0], [2, 4]),
    (9, "mamba.A_log", "f32", [4, 16], O, "log_range", [1, 0], [2, 16]),
    (9, "mamba.A_log", "f16", [17], O, "log_range", [11], [6]),
    (9, "mamba.A_log", "bf16", [3, 16777216], O, "log_range", [2, 16777210], [1, 6]),
    (9, "mamba.dt_bias", "f32", [64], O, D, [0], [12]),
    (9, "mamba.dt_bias", "f16", [64], O, "dt_bias(min=0.001, max=0.1, floor=0.02)", [0], [8]),
    (9, "mamba.dt_bias", "bf16", [64], O, D, [1], [9]),
    (9, "mamba2.A_log", "f32", [64], O, "log_of_uniform(lo=1, hi=16)", [0], [16]),
    (9, "mamba2.A_log", "f32", [64], O, "log_of_uniform(lo=0.01, hi=16)", [1], [16]),
    (9, "mamba2.A_log", "f16", [64], O, "log_of_uniform(lo=0.01, hi=16)", [0], [9]),
    (9, "mamba2.A_log", "bf16", [1 << 40], O, "log_of_uniform(lo=1e-9, hi=1000000)", [(1 << 36) + 3], [9]),
    (9, "mamba2.A_log", "f32", [64], O, "log_of_uniform(lo=0.999, hi=1.001)", [2], [9]),
    (9, "grid", "f32", [2, 11], O, "linspace(first=-1, last=1)", [0, 0], [2, 11]),
    (9, "grid", "f32", [3, 10], O, "linspace(first=0.1, last=-3.7)", [1, 0], [2, 10]),
    (9, "grid", "f16", [17], O, "linspace(first=0, last=0.7)", [3], [14]),
    (9, "grid", "bf16", [3, 16777216], O, "linspace(first=-5, last=1000)", [2, 16777210], [1, 6]),
    (9, "grid", "f32", [5, 1], O, "linspace(first=0.3, last=0.4)", [1, 0], [3, 1]),
]
