#!/usr/bin/env python3
"""The stream, a second time: written from docs/stream.md and the pages under docs/stream, standard library only, slow
and plain. The structured laws are in reference_structured.py.

    python3 tests/data/reference.py             writes tests/data/values.tsv
    python3 tests/data/reference.py --check     compares it instead
    python3 tests/data/reference.py --examples  prints the worked examples of docs/stream.md

f32 numbers are exact fractions, rounded once per operation; a result that is neither 0 nor a normal f32 is an
assertion. f64 numbers are Python's floats. Their erf, erfc, exp, expm1 and log are the platform's, not those of
src/value/libm: a last bit may differ, which the rounding of every constant to f32 hides: `narrow` asserts that no
constant here lies so near to a tie that it could show.
"""

import math
import re
import struct
import sys
from fractions import Fraction
from pathlib import Path

import reference_structured as structured

HERE = Path(__file__).parent
MASK = 0xFFFFFFFF

# ---- BLAKE3, key derivation


IV = [0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19]
PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8]
CHUNK_START, CHUNK_END, PARENT, ROOT, CONTEXT, MATERIAL = 1, 2, 4, 8, 32, 64


def compress(cv, block, counter, length, flags):
    """The 16 output words of one compression."""
    v = cv + IV[:4] + [counter & MASK, counter >> 32, length, flags]
    m = list(block)

    def g(a, b, c, d, x, y):
        def rotate(w, n):
            return (w >> n | w << (32 - n)) & MASK

        v[a] = (v[a] + v[b] + x) & MASK
        v[d] = rotate(v[d] ^ v[a], 16)
        v[c] = (v[c] + v[d]) & MASK
        v[b] = rotate(v[b] ^ v[c], 12)
        v[a] = (v[a] + v[b] + y) & MASK
        v[d] = rotate(v[d] ^ v[a], 8)
        v[c] = (v[c] + v[d]) & MASK
        v[b] = rotate(v[b] ^ v[c], 7)

    for _ in range(7):
        for i in range(4):
            g(i, 4 + i, 8 + i, 12 + i, m[2 * i], m[2 * i + 1])
        for i in range(4):
            g(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[8 + 2 * i], m[9 + 2 * i])
        m = [m[i] for i in PERMUTATION]
    return [v[i] ^ v[i + 8] for i in range(8)] + [v[i + 8] ^ cv[i] for i in range(8)]


def blake3(data, key, flags):
    """32 bytes of BLAKE3 under a key of 8 words."""

    def words(block):
        return struct.unpack("<16I", block.ljust(64, b"\0"))

    def node(start, end):
        """The inputs of the last compression over data[start:end], which begins at a chunk."""
        if end - start <= 1024:
            cv = key
            for at in range(start, max(end, start + 1), 64):
                block = data[at : min(at + 64, end)]
                f = flags | (CHUNK_START if at == start else 0)
                if at + 64 >= end:
                    return cv, words(block), start // 1024, len(block), f | CHUNK_END
                cv = compress(cv, words(block), start // 1024, 64, f)[:8]
        half = 1024
        while 2 * half < end - start:
            half *= 2
        left, right = (compress(*node(*span))[:8] for span in ((start, start + half), (start + half, end)))
        return key, left + right, 0, 64, flags | PARENT

    cv, block, _, length, f = node(0, len(data))
    return struct.pack("<8I", *compress(cv, block, 0, length, f | ROOT)[:8])


def tensor_key(seed, name):
    context = blake3(b"seedbed 1 tensor key", IV, CONTEXT)
    material = struct.pack("<Q", seed) + name.encode()
    return struct.unpack("<2I", blake3(material, list(struct.unpack("<8I", context)), MATERIAL)[:8])


# ---- Philox4x32-10


def philox(counter, key):
    (x0, x1, x2, x3), (k0, k1) = counter, key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * x0, 0xCD9E8D57 * x2
        x0, x1, x2, x3 = p1 >> 32 ^ x1 ^ k0, p1 & MASK, p0 >> 32 ^ x3 ^ k1, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return x0, x1, x2, x3


def words_of(key, block, draw=0, domain=0):
    return philox((block & MASK, block >> 32, draw, domain), key)


# ---- f32 as exact fractions


def round_to(x, digits, least_exponent):
    """The fraction x to nearest even, with so many binary digits, its last place at least 2^(least_exponent)."""
    if x == 0:
        return x
    exponent = abs(x).numerator.bit_length() - x.denominator.bit_length()
    if abs(x) < Fraction(2) ** exponent:
        exponent -= 1
    place = Fraction(2) ** max(exponent - digits + 1, least_exponent)
    return round(x / place) * place  # Python rounds a half to even


def rn(x):
    """RN: to f32, which must be 0 or normal."""
    y = round_to(Fraction(x), 24, -149)
    assert y == 0 or Fraction(2) ** -126 <= abs(y) < Fraction(2) ** 128, float(x)
    return y


def bits(pattern):
    return Fraction(struct.unpack("<f", struct.pack("<I", pattern & MASK))[0])


def pattern(x):
    assert x == rn(x)
    return struct.unpack("<I", struct.pack("<f", float(x)))[0]


def fma(a, b, c):
    return rn(a * b + c)


def horner(x, first, *rest):
    y = bits(first)
    for c in rest:
        y = fma(x, y, bits(c))
    return y


def signed(w):
    return w - (1 << 32) if w >> 31 else w


# ---- words to values


def half_up(w):
    return fma(Fraction(w >> 16), Fraction(65536), rn(Fraction(w & 0xFFFF) + Fraction(1, 2)))


def split(y):
    """y = m 2^n with m in [sqrt 1/2, sqrt 2): (n, m - 1)."""
    b = pattern(y)
    n = signed((b - 0x3F3504F3) & MASK) >> 23
    return n, rn(bits(b - (n << 23)) - 1)


def neg2ln(w):
    near = w >= 0xB504F334
    y = half_up(~w & MASK if near else w)
    n, f = split(y)
    k = fma(Fraction(n), bits(0xBFB17218), bits(0x42317218))
    if near:
        f, k = rn(y * bits(0xAF800000)), Fraction(0)
    h = horner(f, 0x3E5362BC, 0xBEA6E829, 0x3EB02BF9, 0xBECBA7F7, 0x3EFFBB77, 0xBF2AAD6E, 0x3F800028, 0xC0000000)
    return fma(f, h, k)


def root(v):
    y = bits(0x5F374740 - (pattern(v) >> 1))
    s = rn(v * y)
    e = fma(-s, y, Fraction(1))
    p = horner(e, 0x3E8CDEFE, 0x3EA0BB10, 0x3EBFFF9A, 0x3EFFFFC9)
    return fma(s, rn(e * p), s)


def turn(w):
    v = (w + 0x20000000) & MASK
    r = (v & 0x3FFFFFFF) - 0x20000000
    low = fma(Fraction(r & 0xFFFF), bits(0x2F800000), bits(0x2F000000))
    return quarter_turn(v, fma(Fraction(r >> 16), bits(0x37800000), low))


def quarter_turn(v, x):
    z = rn(x * x)
    s = rn(x * horner(z, 0xC2998CC7, 0x42A34052, 0xC2255E12, 0x40C90FDB))
    c = horner(z, 0xC2A73C5F, 0x4281D82C, 0xC19DE9CE, 0x3F800000)
    if v & 0x40000000:
        c, s = s, c
    if (v + 0x40000000) & 0x80000000:
        c = -c
    if v & 0x80000000:
        s = -s
    return c, s


def clamp(x, lo, hi):
    return lo if x < lo else hi if x > hi else x


def uniform(p, w):
    t = rn(Fraction(2 * (w >> 8) - 0x00FFFFFF) * bits(0x33800000))
    return clamp(fma(t, p["scale"], p["center"]), p["lo"], p["hi"])


def normal(p, w0, w1, odd):
    return fma(rn(root(neg2ln(w0)) * turn(w1)[odd]), p["scale"], p["center"])


# h(f) = ln(1 + f) / f; z / c in the middle; numerator and denominator of z beyond: highest degree first.
LOG = 0xBDCF198B, 0x3E261B9C, 0xBE309F18, 0x3E4BC6FA, 0xBE7FB1D6, 0x3EAAACF3, 0xBF00003C, 0x3F7FFFFF
MIDDLE = (0x32BBFE80, 0x32A1034A, 0xB5B71C50, 0xB6FB91A4, 0x37E15AA2, 0x3A1B27FA, 0x3B408228, 0xBC69611C, 0xBF30E9FB)
MIDDLE += (0x408D7294,)
NUMERATOR = 0x33A86A86, 0x38B2A006, 0x3C13B3E2, 0x3E52B014, 0x3FA0E2A7, 0x4008DE67
DENOMINATOR = 0x3638A19D, 0x3A49C366, 0x3D13822A, 0x3ECB7E49, 0x3F800000
LN2, K0, T1, K1, K2 = (bits(b) for b in (0x3F317218, 0x40845C86, 0xC028D342, 0x40020E65, 0x3F83FD5B))


def truncated(p, w, second):
    """`second` gives the same lane's word of draw 1."""
    s, left = p["s"], w < p["T"]
    c = fma(rn(w - p["T"]), s, p["off"])
    tail = fma(rn(w if left else (1 << 32) - w), s, p["rl"] if left else p["rr"])
    k = w if left else ~w & MASK
    if p["refine"] and k < 1 << 20:
        steps = fma(rn(second() | 1), Fraction(1, 1 << 32), Fraction(k))
        tail = fma(steps, s, p["left_edge"] if left else p["right_edge"])
    if p["tail"]:
        n, f = split(tail)
        if n == 0:
            f = -c
        v = rn(fma(f, horner(f, *LOG), rn(n * LN2)) * p["inv"])
        y = p["H"][8]
        for h in p["H"][7::-1]:
            y = fma(v, y, h)
        return clamp(fma(v, y, p["center"]), p["lo"], p["hi"])
    n, f = split(fma(-tail, tail, tail))
    t = fma(f, horner(f, *LOG), fma(Fraction(n), LN2, K0))
    if t >= T1:
        z = rn(c * horner(t, *MIDDLE))
    else:
        g, d = horner(-t, *NUMERATOR), horner(-t, *DENOMINATOR)
        y = bits(0x7EF00000 - pattern(d))
        y = rn(y * fma(-rn(K2 * d), y, K1))
        r = fma(-d, y, Fraction(1))
        r = fma(r, r, r)
        y = fma(y, r, y)
        q = rn(g * y)
        z = fma(fma(-d, q, g), y, q)
        z = -z if left else z
    return clamp(fma(z, p["scale"], p["center"]), p["lo"], p["hi"])


# ---- dtypes: (digits, exponent of the least place, largest finite value)
DTYPES = {
    "f32": (24, -149, (2 - 2.0**-23) * 2.0**127),
    "f16": (11, -24, 65504.0),
    "bf16": (8, -133, (2 - 2.0**-7) * 2.0**127),
}


def stored(x, dtype):
    """The pattern of the f32 value x as a dtype."""
    if dtype == "f32":
        return pattern(x)
    digits, least, largest = DTYPES[dtype]
    y = round_to(x, digits, least)
    assert abs(y) <= largest
    sign = 0x8000 if x < 0 else 0
    if dtype == "f16":
        return sign | struct.unpack("<H", struct.pack("<e", float(abs(y))))[0]
    return sign | pattern(abs(y)) >> 16


def stored_by(x, dtype, w):
    """The pattern of the f32 value x as a 16-bit dtype, rounded by the word w."""
    digits, least, largest = DTYPES[dtype]
    magnitude, sign = abs(x), 0x8000 if x < 0 else 0
    exponent = math.frexp(float(magnitude))[1] - 1 if x else least
    place = Fraction(2) ** max(exponent - digits + 1, least)
    steps = magnitude // place
    position = (magnitude / place - steps) * (1 << 32) // 1
    y = (steps + (position + w >= 1 << 32)) * place
    assert y <= largest
    if dtype == "f16":
        return sign | struct.unpack("<H", struct.pack("<e", float(y)))[0]
    return sign | pattern(y) >> 16


def inward(x, dtype, up):
    """The bound x, brought to the dtype from inside the window."""
    digits, least, largest = DTYPES[dtype]
    x = Fraction(min(max(x, -largest), largest))
    if x == 0:
        return x
    exponent = math.frexp(float(x))[1] - 1
    place = Fraction(2) ** max(exponent - digits + 1, least)
    return (math.ceil(x / place) if up else math.floor(x / place)) * place


# ---- laws: their numbers

SQRT_2, SQRT_HALF_PI, HALF_LN_TWO_PI = (
    struct.unpack(">d", bytes.fromhex(h))[0] for h in ("3ff6a09e667f3bcd", "3ff40d931ff62706", "3fed67f1c864beb5")
)
GAUSS_8 = """3f9454e34f533998 3fa9ea1d04ca0374 3fba06d536d82f88 3fbc76fb531d2b96 3fce5dad4f9af698 3fc413c50a255615
3fda214dac30e32f 3fc736360b199343 3fe2ef5929e78e69 3fc736360b199343 3fe86894ac19425a 3fc413c50a255615
3fecbf255924fa0f 3fbc76fb531d2b96 3fef5d58e5856633 3fa9ea1d04ca0374""".split()
COSINES = """3ff0000000000000 3fef838b8c811c17 3fee11f642522d1c 3febb67ae8584caa 3fe8836fa2cf5039 3fe491b7523c161d
3fe0000000000000 3fd5e3a8748a0bf5 3fc63a1a7e0b738a 0000000000000000""".split()
f64 = lambda hexes: [struct.unpack(">d", bytes.fromhex(h))[0] for h in hexes]
GAUSS_8 = list(zip(f64(GAUSS_8[::2]), f64(GAUSS_8[1::2])))
COSINES = f64(COSINES)


def cosine(m):
    m %= 36
    return COSINES[m] if m <= 9 else -COSINES[18 - m] if m <= 18 else -COSINES[m - 18] if m <= 26 else COSINES[36 - m]


def upper_tail(x):
    return math.erfc(x / SQRT_2) / 2


def central(x):
    return math.erf(x / SQRT_2) / 2


def mills(x):
    if x < 4:
        return SQRT_HALF_PI * math.exp(x * x / 2) * math.erfc(x / SQRT_2)
    y = x
    for k in range(40, 0, -1):
        y = x + k / y
    return 1 / y


def log_drop(a, d):
    if d * max(a, 1.0) < 0.5:
        total = 0.0
        for t, w in GAUSS_8:
            total = total + w / mills(a + d * t)
        return d * total
    if d == math.inf:
        return math.inf
    return d * (a + d / 2) + math.log(mills(a) / mills(a + d))


def offset_of_drop(a, e):
    r = 1 / mills(a)
    d = (2 * e) / (r + math.sqrt(r * r + 2 * e))
    for _ in range(5):
        d = d - (log_drop(a, d) - e) * mills(a + d)
    return d


def narrow(x, margin=2.0**-40):
    """RN, subnormals to 0; x must lie farther than `margin` from a tie: the platform's last bits never matter."""
    x = Fraction(x)
    if abs(round_to(x, 24, -149)) < Fraction(2) ** -126:
        return Fraction(0)
    assert rn(x * (1 + Fraction(margin))) == rn(x * (1 - Fraction(margin))) or x == rn(x), f"{float(x)} is near a tie"
    return rn(x)


def window(mean, std, lo, hi):
    a, b, d = (lo - mean) / std, (hi - mean) / std, (hi - lo) / std
    sigma, edge = std, lo
    if a + b < 0:
        a, b, sigma, edge = -b, -a, -std, hi
    p = {"T": 0, "left_edge": 0.0, "rl": 0.0, "inv": 0.0, "H": [0.0] * 9, "scale": sigma, "center": mean}
    if a > 0:
        e = log_drop(a, d)
        tail = min(e, 44.4) <= 1.25 * ((a * a / 2 + HALF_LN_TWO_PI) - math.log(mills(a)))
        mass = None if tail else upper_tail(a) * -math.expm1(-e)
    else:
        mass = central(b) + central(-a)
        tail, e = mass < 2.0**-60, mass
    p["tail"] = tail
    if tail:
        flat, e = e < 2.0**-60, max(e, 2.0**-60)
        em = min(e, 44.4)
        s, p["right_edge"] = -math.expm1(-e) / 2.0**32, math.exp(-e)
        p["off"], p["center"], p["inv"] = s / 2, edge, -1 / em
        p["H"] = [math.copysign(hi - lo, sigma)] + [0.0] * 8 if flat else polynomial(a, sigma, em)
    elif a > 0:
        s, p["right_edge"] = mass / 2.0**32, upper_tail(b)
        p["off"] = central(a) + s / 2
    else:
        s, p["right_edge"], p["left_edge"] = mass / 2.0**32, upper_tail(b), upper_tail(-a)
        q0 = central(-a) / s
        p["T"] = int(65536 * math.floor(q0 / 65536 + 0.5))
        off = ((p["T"] + 0.5) - q0) * s
        p["off"] = 0.0 if abs(off) < s / 2.0**24 else off
        p["rl"] = p["left_edge"] + s / 2
    p["s"], p["rr"] = s, p["right_edge"] - s / 2
    far = min(p["right_edge"], p["left_edge"]) if p["T"] > 0 else p["right_edge"]
    p["refine"] = far < s * 2.0**20
    # The last bits of q0 cancel in `off`: to s 2^-20 at most, where it is not symmetric and exact.
    margins = {"off": 2.0**-30, "H": 2.0**-34}
    for name in ("scale", "center", "s", "off", "rl", "rr", "left_edge", "right_edge", "inv"):
        p[name] = narrow(p[name], margins.get(name, 2.0**-46))
    p["H"] = [narrow(h, margins["H"]) for h in p["H"]]
    return p


def polynomial(a, sigma, em):
    f = []
    for j in range(9):
        v = (1 + cosine(2 * j + 1)) / 2
        f.append((sigma * offset_of_drop(a, v * em)) / v)
    H, t, u = [0.0] * 9, [1.0] + [0.0] * 8, [0.0] * 9
    for k in range(9):
        c = 0.0
        for j in range(9):
            c = c + f[j] * cosine(k * (2 * j + 1))
        c = c / 9 if k == 0 else (c * 2) / 9
        H = [h + c * x for h, x in zip(H, t)]
        m = 1 if k == 0 else 2
        t, u = [m * (2 * (t[i - 1] if i else 0.0) - t[i]) - u[i] for i in range(9)], t
    least = abs(H[0]) / 2.0**32
    return [math.copysign(least, h) if abs(h) < least else h for h in H]


def parameters(law, dtype):
    kind, *n = law
    if kind == "sinusoidal":
        return {"kind": kind, "table": n}
    if kind == "log_range":
        return {"kind": kind, "length": n[0]}
    if kind == "linspace":
        first, last, length = n
        step = (last - first) / (length - 1) if length > 1 else 0.0
        middle = (first + last) / 2 if length > 1 else first
        numbers = {"first": first, "last": last, "step": step, "middle": middle}
        return {"kind": kind, "length": length, **{k: rn(x) for k, x in numbers.items()}}
    if kind == "log_of_uniform":
        lo, hi = n
        numbers = {"s": (hi - lo) / 2.0**24, "first": lo + (hi - lo) / 2.0**25, "lo": math.log(lo), "hi": math.log(hi)}
        return {"kind": kind, **{k: narrow(x) for k, x in numbers.items()}}
    if kind == "dt_bias":
        low, high, floor = n
        poly = [rn(c) for c in structured.bias_polynomial(low, high)]
        lo, hi = (narrow(structured.inverse_softplus(x)) for x in (max(low, floor), high))
        return {"kind": kind, "poly": poly, "lo": lo, "hi": hi}
    if isinstance(n[-1], dict):
        return {**parameters(law[:-1], dtype), "cut": n[-1]}
    if kind == "constant":
        return {"kind": kind, "center": rn(n[0])}
    if kind == "uniform":
        lo, hi = n
        numbers = {"scale": (hi - lo) / 2, "center": (lo + hi) / 2, "lo": lo, "hi": hi}
        return {"kind": kind, **{k: rn(x) for k, x in numbers.items()}}
    if kind == "normal":
        return {"kind": kind, "scale": rn(n[1]), "center": rn(n[0])}
    mean, std, lo, hi = n
    p = {"kind": kind, **window(mean, std, lo, hi), "lo": inward(lo, dtype, True), "hi": inward(hi, dtype, False)}
    assert p["lo"] <= p["hi"]
    return p


# ---- schemes

STD_CUT_AT_2 = 0.87962566103423978
PHI_0 = struct.unpack(">d", bytes.fromhex("3fd9884533d43651"))[0]


def std_of_truncated(mean, std, lo, hi):
    a, b, d = (lo - mean) / std, (hi - mean) / std, (hi - lo) / std
    if a + b < 0:
        a, b = -b, -a
    if a > 0:
        q, start, end = a, 0.0, min(d, 120 / (a + math.sqrt(a * a + 120)))
    else:
        q, start, end = 0.0, max(a, -11.0), min(b, 11.0)

    def integral(f):
        width, total = (end - start) / 32, 0.0
        for n in range(32):
            at = start + width * n
            for node, weight in GAUSS_8:
                x = at + width * node
                total = total + weight * (f(x) * math.exp(-(q + x / 2) * x))
        return total * width

    mass = integral(lambda x: 1.0)
    if a > 0:
        m = integral(lambda x: x) / mass
    else:
        r = 1.0 if b == math.inf else -math.expm1(-d * (a + b) / 2)
        m = PHI_0 * math.exp(-a * a / 2) * r / (central(b) + central(-a))
    return std * math.sqrt(integral(lambda x: (x - m) * (x - m)) / mass)


def sigma_of_cut(mean, std, lo, hi, bounds):
    if bounds == "sigma":
        return std / std_of_truncated(0.0, 1.0, lo, hi)
    if lo == -math.inf and hi == math.inf:
        return std
    wide = lambda x: std_of_truncated(mean, x, lo, hi) >= std
    below = above = std
    while not wide(above):
        below, above = above, 2 * above
    while True:
        m = below + (above - below) / 2
        if m <= below or m >= above:
            return above
        below, above = (below, m) if wide(m) else (m, above)


def fans(layout, dims):
    if layout.startswith("axes"):
        lists = re.fullmatch(r"axes\(in=\[(.*)\], out=\[(.*)\], batch=\[(.*)\]\)", layout).groups()
        axes = [[int(a) % len(dims) for a in one.split(", ") if a] for one in lists]
        kernel = math.prod(d for a, d in enumerate(dims) if a not in sum(axes, []))
        return tuple(kernel * math.prod(dims[a] for a in one) for one in axes[:2])
    name, *groups = re.findall(r"\w+", layout)
    g = int(groups[1]) if groups else 1
    k = math.prod(dims[2:])
    if name == "out_in":
        return dims[1] * k, dims[0] * k
    if name in ("in_out", "conv_in_out"):
        k = math.prod(dims[:-2])
        return dims[-2] * k, dims[-1] // g * k
    if name == "conv":
        return dims[1] * k, dims[0] // g * k
    assert name == "conv_transpose"
    return dims[0] // g * k, dims[1] * k


def law_of(scheme, layout, dims):
    """`name(key=value, ..)` and a shape to a law."""
    name, inside = re.fullmatch(r"(\w+)(?:\((.*)\))?", scheme).groups()
    given = dict(part.split("=") for part in inside.split(", ")) if inside else {}
    if name in structured.KINDS:
        return structured.law_of(name, given, dims)
    number = lambda key, default=None: float(given.get(key, default))
    symmetric = lambda b: ("uniform", -b, b)

    def cut(s):
        sigma = s / STD_CUT_AT_2
        return "truncated", 0.0, sigma, -2 * sigma, 2 * sigma

    def of_std(s, distribution):
        if distribution == "uniform":
            return symmetric(math.sqrt(3.0) * s)
        return ("normal", 0.0, s) if distribution == "normal" else cut(s)

    def n(mode):
        i, o = (float(x) for x in fans(layout, dims))
        return {"fan_in": i, "fan_out": o, "fan_avg": (i + o) / 2, "fan_geo_avg": math.sqrt(i * o)}[mode]

    def scaled(scale, mode, distribution):
        v = scale / n(mode)
        if distribution == "uniform":
            return symmetric(math.sqrt(3.0 * v))
        return ("normal", 0.0, math.sqrt(v)) if distribution == "normal" else cut(math.sqrt(v))

    if name == "zeros":
        return "constant", 0.0
    if name == "ones":
        return "constant", 1.0
    if name == "constant":
        return "constant", number("value")
    if name == "uniform":
        return "uniform", number("lo"), number("hi")
    if name == "normal":
        return "normal", number("mean", 0), number("std")
    if name == "truncated_normal":
        mean, std, lo, hi = number("mean", 0), number("std"), number("lo", -2), number("hi", 2)
        bounds = given.get("bounds", "sigma")
        if given.get("std_of") == "cut":
            std = sigma_of_cut(mean, std, lo, hi, bounds)
        if bounds == "sigma":
            lo, hi = mean + lo * std, mean + hi * std
        return "truncated", mean, std, lo, hi
    if name == "variance_scaling":
        return scaled(number("scale"), given.get("mode", "fan_in"), given.get("distribution", "normal"))
    if name == "he_fan_avg":
        return scaled(2.0, "fan_avg", given.get("distribution", "normal"))
    if name == "torch_embedding":
        return "normal", 0.0, 1.0
    if name in ("torch_linear", "torch_conv", "torch_bias"):
        fan_in = number("fan_in") if name == "torch_bias" else n("fan_in")
        return symmetric(1 / math.sqrt(fan_in))
    if name == "unit_frobenius":
        return "normal", 0.0, number("norm", 1) / math.sqrt(float(math.prod(dims)))
    family, distribution = name.split("_", 1)
    if family == "lecun":
        return scaled(1.0, "fan_in", distribution)
    if family == "xavier":
        i, o = (float(x) for x in fans(layout, dims))
        return of_std(number("gain", 1) * math.sqrt(2 / (i + o)), distribution)
    assert family == "kaiming", name
    a = number("a", 0.01)
    gains = {"tanh": 5.0 / 3.0, "relu": math.sqrt(2.0), "leaky_relu": math.sqrt(2.0 / (1.0 + a * a)), "selu": 3.0 / 4.0}
    gain = gains.get(given.get("nonlinearity", "relu"), 1.0)
    return of_std(gain / math.sqrt(n(given.get("mode", "fan_in"))), distribution)


# ---- elements


def turn_64(phase):
    v = ((phase >> 32) + 0x20000000) & MASK
    r = (v & 0x3FFFFFFF) - 0x20000000
    low = fma(Fraction(r & 0xFFFF), bits(0x2F800000), Fraction((phase & MASK) >> 8, 1 << 56))
    return quarter_turn(v, fma(Fraction(r >> 16), bits(0x37800000), low))


def sinusoidal(p, index):
    base, width, layout = p["table"]
    position, column = divmod(index, width)
    pair, second = divmod(column, 2) if layout == "interleaved" else (column % (width // 2), column // (width // 2))
    phase = structured.frequency(base, width, layout, pair) * position % (1 << 64)
    return turn_64(phase)[1 - second]


def log_of(y):
    n, f = split(y)
    return fma(f, horner(f, *LOG), fma(Fraction(n + 64), LN2, bits(0xC2317218)))


def linspace(p, column):
    rest = p["length"] - 1 - column
    if column == rest:
        return p["middle"]
    if column < rest:
        return fma(Fraction(column), p["step"], p["first"])
    return fma(Fraction(rest), -p["step"], p["last"])


def log_of_uniform(p, w):
    return clamp(log_of(fma(Fraction(w >> 8), p["s"], p["first"])), p["lo"], p["hi"])


def dt_bias(p, w):
    t = rn(Fraction(2 * (w >> 8) - 0x00FFFFFF) * bits(0x33800000))
    h = p["poly"][11]
    for c in p["poly"][10::-1]:
        h = fma(t, h, c)
    return clamp(h, p["lo"], p["hi"])


def element(p, key, index):
    """The f32 value of one element."""
    block, lane = divmod(index, 4)
    cut = p.get("cut", {})
    if "zeros" in cut:
        row, column = divmod(index, cut["cols"])
        if structured.place_in_permutation(philox, key, column, row, cut["rows"]) < cut["zeros"]:
            return Fraction(0)
    elif cut and not cut["on"](index):
        if "centered" not in cut:
            return Fraction(0)
        p = {**p, "center": Fraction(0)}
    if p["kind"] == "sinusoidal":
        return sinusoidal(p, index)
    if p["kind"] == "log_range":
        return log_of(Fraction(index % p["length"] + 1))
    if p["kind"] == "linspace":
        return linspace(p, index % p["length"])
    if p["kind"] == "log_of_uniform":
        return log_of_uniform(p, words_of(key, block)[lane])
    if p["kind"] == "dt_bias":
        return dt_bias(p, words_of(key, block)[lane])
    if p["kind"] == "constant":
        return p["center"]
    w = words_of(key, block)
    if p["kind"] == "uniform":
        return uniform(p, w[lane])
    if p["kind"] == "normal":
        return normal(p, w[lane & 2], w[lane | 1], lane & 1)
    return truncated(p, w[lane], lambda: words_of(key, block, 1)[lane])


# Cases: seed, name, dtype, shape, layout, scheme, start of a slab, its extent. `T` after the shape: stored transposed;
# `Z3`: row 3 is zero.
F = "out_in"
NEAR, FAR = 1 << 60, (1 << 34) + 3
CASES = [
    (42, "wte.weight", "f32", [1024], F, "uniform(lo=-1, hi=1)", [0], [8]),
    (42, "wte.weight", "f32", [1024], F, "normal(mean=0, std=0.02)", [0], [8]),
    (42, "wte.weight", "f16", [1024], F, "normal(mean=0, std=0.02)", [0], [8]),
    (42, "wte.weight", "bf16", [1024], F, "normal(mean=0, std=0.02)", [0], [8]),
    (42, "wte.weight", "f32", [1024], F, "truncated_normal(mean=0, std=1, lo=-2, hi=2, bounds=sigma)", [0], [8]),
    (42, "wte.weight", "f16", [1024], F, "truncated_normal(mean=0, std=1, lo=-2, hi=2, bounds=sigma)", [0], [8]),
    (42, "wte.weight", "bf16", [1024], F, "truncated_normal(mean=0, std=1, lo=-2, hi=2, bounds=sigma)", [0], [8]),
    (0, "", "f32", [64], F, "normal(mean=0, std=1)", [0], [16]),
    (0, "a", "f32", [], F, "normal(mean=3, std=0.5)", [], []),
    ((1 << 64) - 1, "h.0.attn.c_attn.weight", "f32", [1 << 20], F, "normal(mean=-1, std=0.1)", [1313], [13]),
    (7, "gewichtä.β", "bf16", [100], F, "normal(mean=0, std=1)", [1], [11]),
    (7, "x" * 55, "f32", [100], F, "uniform(lo=0, hi=1)", [3], [9]),
    (7, "x" * 56, "f32", [100], F, "uniform(lo=0, hi=1)", [3], [9]),
    (7, "x" * 57, "f32", [100], F, "uniform(lo=0, hi=1)", [3], [9]),
    (7, "y" * 1016, "f32", [100], F, "uniform(lo=0, hi=1)", [0], [8]),
    (7, "y" * 1017, "f32", [100], F, "uniform(lo=0, hi=1)", [0], [8]),
    (7, "z" * 5000, "f32", [100], F, "uniform(lo=0, hi=1)", [0], [8]),
    (1, "w", "f32", [NEAR], F, "uniform(lo=-0.1, hi=0.3)", [(1 << 32) - 1], [8]),
    (1, "w", "f16", [NEAR], F, "uniform(lo=-0.1, hi=0.3)", [(1 << 34) - 3], [9]),
    (1, "w", "f32", [NEAR], F, "normal(mean=0, std=1)", [FAR], [8]),
    (1, "w", "bf16", [NEAR], F, "normal(mean=0, std=1)", [FAR], [11]),
    (1, "w", "f32", [NEAR], F, "normal(mean=0, std=1)", [NEAR - 11], [11]),
    (1, "w", "f16", [NEAR], F, "truncated_normal(mean=0, std=1, lo=5, hi=6, bounds=absolute)", [NEAR - 9], [9]),
    (2, "w", "f16", [64], F, "normal(mean=0, std=5e-8)", [0], [16]),
    (2, "w", "f16", [64], F, "uniform(lo=-0.00006, hi=0.00007)", [5], [16]),
    (2, "w", "bf16", [64], F, "uniform(lo=-3e-20, hi=2e-20)", [2], [8]),
    (2, "w", "f32", [64], F, "normal(mean=0, std=1.3234889800848443e-23)", [0], [8]),
    (2, "w", "f32", [64], F, "normal(mean=1e30, std=1e36)", [0], [8]),
    (3, "c", "f32", [9], F, "constant(value=0.1)", [1], [3]),
    (3, "c", "f16", [9], F, "constant(value=-1e-9)", [0], [9]),
    (3, "c", "bf16", [9], F, "constant(value=-0)", [0], [2]),
    (3, "c", "f16", [9], F, "ones", [0], [5]),
    (4, "t", "f32", [4096], F, "truncated_normal(mean=0, std=1, lo=5, hi=6, bounds=absolute)", [0], [16]),
    (4, "t", "f32", [4096], F, "truncated_normal(mean=0, std=1, lo=0.1, hi=0.1001, bounds=absolute)", [1], [9]),
    (4, "t", "f32", [4096], F, "truncated_normal(mean=0, std=1, lo=-8.5, hi=-8, bounds=absolute)", [2], [9]),
    (4, "t", "f32", [4096], F, "truncated_normal(mean=1, std=0.5, lo=0, hi=inf, bounds=absolute)", [0], [16]),
    (4, "t", "f32", [4096], F, "truncated_normal(mean=0, std=0.02, lo=-inf, hi=0.01, bounds=absolute)", [0], [8]),
    (4, "t", "f32", [4096], F, "truncated_normal(mean=0, std=0.02, lo=-2, hi=2, bounds=absolute)", [0], [8]),
    (4, "t", "f32", [4096], F, "truncated_normal(mean=0, std=1, lo=1, hi=inf, bounds=sigma)", [0], [8]),
    (4, "t", "f32", [4096], F, "truncated_normal(mean=0, std=1, lo=-0.5, hi=4, bounds=sigma)", [0], [16]),
    (4, "t", "f32", [4096], F, "truncated_normal(mean=5, std=2, lo=-1e-19, hi=1e-19, bounds=absolute)", [0], [8]),
    (4, "t", "f32", [4096], F, "truncated_normal(mean=0, std=1, lo=-1e-19, hi=1e-19, bounds=absolute)", [0], [8]),
    (4, "t", "bf16", [4096], F, "truncated_normal(mean=0, std=0.02, lo=-0.04, hi=0.04, bounds=absolute)", [0], [16]),
    (4, "t", "bf16", [4096], F, "truncated_normal(mean=0, std=1, lo=12, hi=inf, bounds=sigma)", [3], [9]),
    (4, "t", "f16", [4096], F, "truncated_normal(mean=0, std=1e-6, lo=-2, hi=2, bounds=sigma)", [0], [16]),
    (4, "t", "f32", [4096], F, "truncated_normal(std=0.02, lo=-2, hi=2, bounds=sigma, std_of=cut)", [0], [8]),
    (4, "t", "f32", [4096], F, "truncated_normal(mean=0.1, std=0.5, lo=-1, hi=1.5, bounds=absolute, std_of=cut)", [0],
     [8]),
    (4, "t", "f32", [4096], F, "truncated_normal(mean=0, std=0.1, lo=1, hi=3, bounds=sigma, std_of=cut)", [0], [8]),
    (4, "t", "f32", [4096], F, "truncated_normal(mean=0, std=0.1, lo=-inf, hi=-0.5, bounds=sigma, std_of=cut)", [0],
     [8]),
    (4, "t", "f32", [4096], F, "truncated_normal(mean=0, std=0.1, lo=-inf, hi=inf, bounds=absolute, std_of=cut)", [0],
     [8]),
    (5, "experts", "f32", [8, 100, 300], "axes(in=[1], out=[2], batch=[0])", "lecun_uniform", [3, 99, 7], [1, 1, 8]),
    (5, "heads", "f32", [768, 12, 64], "axes(in=[-3], out=[-2, -1], batch=[])", "xavier_uniform(gain=1)", [1, 1, 60],
     [1, 1, 4]),
    (5, "kernel", "f32", [3, 3, 16, 64], "in_out", "kaiming_uniform(mode=fan_avg, nonlinearity=sigmoid)",
     [2, 2, 15, 56], [1, 1, 1, 8]),
    (5, "fc.weight", "bf16", [48, 32], F, "zeros", [0, 0], [2, 3]),
    (5, "conv.weight", "f32", [64, 16, 3, 3], F, "kaiming_normal(mode=fan_out, nonlinearity=relu)", [5, 3, 1, 0],
     [1, 2, 2, 3]),
    (5, "conv.weight", "f16", [64, 16, 3, 3], "conv(groups=4)",
     "kaiming_uniform(mode=fan_out, nonlinearity=leaky_relu, a=0.2)", [0, 0, 0, 0], [1, 1, 3, 3]),
    (5, "conv.weight", "bf16", [16, 64, 3, 3], "conv_transpose(groups=2)",
     "kaiming_truncated_normal(mode=fan_in, nonlinearity=tanh)", [15, 62, 0, 1], [1, 2, 3, 2]),
    (5, "fc.weight", "f32", [48, 32], F, "xavier_uniform(gain=1.5)", [0, 0], [1, 8]),
    (5, "fc.weight", "f32", [48, 32], F, "xavier_normal(gain=1)", [47, 24], [1, 8]),
    (5, "fc.weight", "f32", [48, 32], "in_out", "lecun_truncated_normal", [2, 29], [3, 3]),
    (5, "fc.weight", "f32", [48, 32], F, "variance_scaling(scale=1.7, mode=fan_geo_avg, distribution=uniform)", [0, 0],
     [1, 8]),
    (5, "fc.weight", "f32", [48, 32], F, "he_fan_avg(distribution=truncated_normal)", [0, 0], [1, 8]),
    (5, "fc.weight", "f32", [48, 32], F, "kaiming_normal(mode=fan_in, nonlinearity=selu)", [0, 0], [1, 8]),
    (5, "fc.weight", "bf16", [48, 32], F, "torch_linear", [0, 0], [1, 8]),
    (5, "fc.bias", "f32", [48], F, "torch_bias(fan_in=32)", [0], [8]),
    (6, "emb", "f16", [5, 7, "Z3"], F, "torch_embedding", [2, 4], [3, 3]),
    (6, "emb", "f32", [70000, 70000, "Z65000"], F, "torch_embedding", [64999, 69997], [3, 3]),
    (6, "tied", "bf16", [7, 5, "T"], F, "uniform(lo=-1, hi=1)", [1, 1], [3, 3]),
    (6, "tied", "f32", [70000, 90000, "T"], F, "normal(mean=0, std=1)", [69998, 89996], [2, 4]),
    (6, "tied", "f32", [70000, 90000, "T"], F, "truncated_normal(mean=0, std=1, lo=0, hi=inf, bounds=sigma)",
     [69998, 3], [2, 5]),
]


def find_fine(scheme, seed, name, count=2):
    """Indices whose words take the second word, near index 0."""
    p, key = parameters(law_of(scheme, F, [1]), "f32"), tensor_key(seed, name)
    assert p["refine"]
    found, block = [], 0
    while len(found) < count:
        for lane, w in enumerate(words_of(key, block)):
            if (w if w < p["T"] else ~w & MASK) < 1 << 20:
                found.append(4 * block + lane)
        block += 1
    return found


FINE = [  # scheme, seed, name, dtype
    ("truncated_normal(mean=0, std=1, lo=0, hi=inf, bounds=sigma)", 8, "fine", "f32"),
    ("truncated_normal(mean=0, std=1, lo=-100, hi=100, bounds=sigma)", 8, "fine", "f32"),
    ("truncated_normal(mean=0, std=1, lo=12, hi=inf, bounds=sigma)", 8, "fine", "f32"),
    ("truncated_normal(mean=0, std=1, lo=-13, hi=-12, bounds=sigma)", 8, "fine", "bf16"),
]


# Rounded by words of domain 3, in f16's subnormals too, and at the largest value.
S16, SB16 = "f16 stochastic", "bf16 stochastic"
STOCHASTIC = [
    (42, "wte.weight", S16, [1024], F, "normal(mean=0, std=0.02)", [0], [8]),
    (42, "wte.weight", SB16, [1024], F, "normal(mean=0, std=0.02)", [0], [8]),
    (42, "wte.weight", SB16, [1024], F, "truncated_normal(mean=0, std=1, lo=-2, hi=2, bounds=sigma)", [0], [8]),
    (9, "s", S16, [1024], F, "uniform(lo=-1, hi=1)", [3], [9]),
    (9, "s", S16, [64], F, "constant(value=0.1)", [0], [16]),
    (9, "s", SB16, [64], F, "constant(value=-0.1)", [1], [15]),
    (9, "s", S16, [64], F, "constant(value=65504)", [0], [4]),
    (9, "s", S16, [64], F, "constant(value=-65503.9)", [0], [8]),
    (9, "s", S16, [64], F, "normal(mean=0, std=5e-8)", [0], [16]),
    (9, "s", S16, [64], F, "normal(mean=0.00006, std=3e-6)", [0], [16]),
    (9, "s", S16, [64], F, "constant(value=5.9604644775390625e-8)", [0], [4]),
    (9, "s", S16, [64], F, "constant(value=4e-8)", [0], [16]),
    (9, "s", SB16, [64], F, "uniform(lo=-3e-20, hi=2e-20)", [2], [8]),
    (9, "s", SB16, [NEAR], F, "normal(mean=0, std=1)", [FAR], [11]),
    (9, "s", S16, [5, 7, "Z3"], F, "torch_embedding", [2, 4], [3, 3]),
    (9, "s", SB16, [7, 5, "T"], F, "uniform(lo=-1, hi=1)", [1, 1], [3, 3]),
    (9, "s", SB16, [64], F, "truncated_normal(mean=0, std=1, lo=12, hi=inf, bounds=sigma)", [3], [9]),
]

NORMS = [
    (10, "mlp.in", "f32", [48, 32], F, "unit_frobenius", [0, 0], [1, 8]),
    (10, "mlp.out", "bf16", [32, 48], F, "unit_frobenius(norm=2.5)", [31, 40], [1, 8]),
]


def row(seed, name, dtype, shape, layout, scheme, start, extent):
    column = dtype
    dtype, *rounding = dtype.split(" ")
    flag = shape[-1] if shape and isinstance(shape[-1], str) else ""
    dims = shape[: len(shape) - bool(flag)]
    law = law_of(scheme, layout, dims[::-1] if flag == "T" else dims)
    p, key = parameters(law, dtype), tensor_key(seed, name)
    values = []
    for at in range(math.prod(extent)):
        index, place = 0, []
        for e in extent[::-1]:
            at, digit = divmod(at, e)
            place.insert(0, digit)
        place = [s + k for s, k in zip(start, place)]
        logical = list(zip(place, dims))[:: -1 if flag == "T" else 1]
        for k, d in logical:
            index = index * d + k
        zero = flag.startswith("Z") and place[0] == int(flag[1:])
        if zero:
            values.append(0)
        elif rounding == ["stochastic"]:
            block, lane = divmod(index, 4)
            values.append(stored_by(element(p, key, index), dtype, words_of(key, block, domain=3)[lane]))
        else:
            values.append(stored(element(p, key, index), dtype))
    width = 8 if dtype == "f32" else 4
    lists = (" ".join(map(str, x)) for x in (shape, start, extent))
    shape, start, extent = lists
    patterns = " ".join(f"{v:0{width}x}" for v in values)
    return "\t".join([str(seed), name, column, shape, layout, scheme, start, extent, patterns])


def table():
    cases = list(CASES)
    for scheme, seed, name, dtype in FINE:
        for index in find_fine(scheme, seed, name):
            cases.append((seed, name, dtype, [1 << 20], F, scheme, [index - 1], [3]))
    cases += structured.CASES + STOCHASTIC + NORMS
    lines = [
        "# Values of stream version 1, frozen: written by reference.py from docs/stream.md. "
        "Patterns, in the order of the slab.",
        "# T: the shape is stored transposed, the last axis of the logical tensor first. Zn: row n is zero.",
        "# seed\tname\tdtype\tshape\tlayout\tscheme\tslab start\tslab extent\telements",
    ]
    return "\n".join(lines + [row(*case) for case in cases]) + "\n"


def self_test():
    empty = blake3(b"", IV, 0).hex()
    assert empty == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262", empty
    for line in (HERE / "kat_vectors").read_text().splitlines():
        if line.startswith("philox4x32 10 "):
            w = [int(x, 16) for x in line.split()[2:]]
            assert philox(w[:4], w[4:6]) == tuple(w[6:])


def examples():
    """The worked examples of docs/stream.md: seed 42, wte.weight."""
    seed, name = 42, "wte.weight"
    material = struct.pack("<Q", seed) + name.encode()
    context = blake3(b"seedbed 1 tensor key", IV, CONTEXT)
    digest = blake3(material, list(struct.unpack("<8I", context)), MATERIAL)
    key = tensor_key(seed, name)
    hexes = lambda *w: " ".join(f"{x:08x}" for x in w)
    little = lambda v, width: v.to_bytes(width, "little").hex(" ")
    show = lambda x: f"{pattern(x):08x}"
    block = words_of(key, 0)
    print(f"material     {material.hex(' ')}")
    print(f"context key  {context.hex()}")
    print(f"H            {digest.hex()}")
    print(f"key          {hexes(*key)}   shown {key[1]:08x}{key[0]:08x}")
    for b, draw in ((0, 0), (1, 0), (0, 1), ((1 << 32) + 5, 0)):
        print(f"block {b} draw {draw}: {hexes(b & MASK, b >> 32, draw, 0)} -> {hexes(*words_of(key, b, draw))}")

    def stores(x):
        return ", ".join(f"{d} {little(stored(x, d), 4 if d == 'f32' else 2)}" for d in DTYPES)

    p = parameters(("uniform", -1.0, 1.0), "f32")
    w = block[0]
    t = rn(Fraction(2 * (w >> 8) - 0x00FFFFFF) * bits(0x33800000))
    print(f"uniform w {w:08x} t {show(t)} value {show(uniform(p, w))}: {stores(uniform(p, w))}")
    p = parameters(("normal", 0.0, 0.02), "f32")
    w0, w1 = block[:2]
    near = w0 >= 0xB504F334
    y = half_up(~w0 & MASK if near else w0)
    n, f = split(y)
    k = fma(Fraction(n), bits(0xBFB17218), bits(0x42317218))
    h = horner(f, 0x3E5362BC, 0xBEA6E829, 0x3EB02BF9, 0xBECBA7F7, 0x3EFFBB77, 0xBF2AAD6E, 0x3F800028, 0xC0000000)
    v = neg2ln(w0)
    print(f"normal w0 {w0:08x} near {near} y {show(y)} n {n} f {show(f)} k {show(k)} h {show(h)} neg2ln {show(v)}")
    y = bits(0x5F374740 - (pattern(v) >> 1))
    s = rn(v * y)
    e = fma(-s, y, Fraction(1))
    q = horner(e, 0x3E8CDEFE, 0x3EA0BB10, 0x3EBFFF9A, 0x3EFFFFC9)
    r = root(v)
    print(f"root y {show(y)} s {show(s)} e {show(e)} p {show(q)} e*p {show(rn(e * q))} r {show(r)}")
    u = (w1 + 0x20000000) & MASK
    rest = (u & 0x3FFFFFFF) - 0x20000000
    low = fma(Fraction(rest & 0xFFFF), bits(0x2F800000), bits(0x2F000000))
    x = fma(Fraction(rest >> 16), bits(0x37800000), low)
    z = rn(x * x)
    sine = rn(x * horner(z, 0xC2998CC7, 0x42A34052, 0xC2255E12, 0x40C90FDB))
    cosi = horner(z, 0xC2A73C5F, 0x4281D82C, 0xC19DE9CE, 0x3F800000)
    print(f"turn w1 {w1:08x} v {u:08x} r {rest & MASK:08x} ({rest}) low {show(low)} x {show(x)} z {show(z)}")
    print(f"  before the quadrant: s {show(sine)} c {show(cosi)}; c, s {' '.join(map(show, turn(w1)))}")
    for odd in (0, 1):
        value = normal(p, w0, w1, odd)
        product, scale = show(rn(r * turn(w1)[odd])), show(p["scale"])
        print(f"  r * {'cs'[odd]} {product} scale {scale} value {show(value)}: {stores(value)}")
    p = parameters(("truncated", 0.0, 1.0, -2.0, 2.0), "f32")
    w = block[0]
    left = w < p["T"]
    c = fma(rn(w - p["T"]), p["s"], p["off"])
    tail = fma(rn(w if left else (1 << 32) - w), p["s"], p["rl"] if left else p["rr"])
    y = fma(-tail, tail, tail)
    n, f = split(y)
    h = horner(f, *LOG)
    t = fma(f, h, fma(Fraction(n), LN2, K0))
    print(f"truncated w {w:08x} left {left} J {show(rn(w - p['T']))} c {show(c)} ", end="")
    print(f"p {show(tail)} y {show(y)} n {n} f {show(f)}")
    print(f"  h {show(h)} t {show(t)} P {show(horner(t, *MIDDLE))} z {show(rn(c * horner(t, *MIDDLE)))}")
    for d in DTYPES:
        q = parameters(("truncated", 0.0, 1.0, -2.0, 2.0), d)
        x = truncated(q, w, None)
        print(f"  {d}: {little(stored(x, d), 4 if d == 'f32' else 2)}")


def main():
    self_test()
    if "--examples" in sys.argv:
        return examples()
    path = HERE / "values.tsv"
    if "--check" in sys.argv:
        sys.exit(0 if path.read_text() == table() else "values.tsv differs")
    path.write_text(table())


if __name__ == "__main__":
    main()
