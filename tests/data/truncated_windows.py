"""Writes truncated_windows.csv: exact quantiles and moments of truncated normals, by mpmath at 120 digits.

Run in this folder: python truncated_windows.py > truncated_windows.csv

Lines:
  window,mean,std,lo,hi,mean after truncation,std after truncation
  word,x,second,value,refined value (of the window above; "-" where the word is too far from an end)
Word x is the quantile at (x + 1/2) / 2^32, counted from lo, or from hi where (lo - mean) + (hi - mean) < 0. Refined, it
is the one at (k + (second | 1) / 2^32) / 2^32 from its own end, k = x or 2^32 - 1 - x, where k < 2^20.
"""

from mpmath import erfc, exp, inf, log, mp, mpf, pi, sqrt

mp.dps = 120

WINDOWS = [
    (0, 1, -2, 2), (0, 0.02, -0.04, 0.04), (0, 1, -3, 3), (0, 1, -100, 100), (0, 1, -inf, inf), (0, 1, 0, inf),
    (0, 1, -0.5, 4), (0, 1, 5, inf), (0, 1, 5, 6), (0, 1, 8, 8.5), (0, 1, 0.1, 0.1001), (0, 1, 12, inf),
    (0, 1, 50, inf),
    (0, 1, 1e6, inf), (-1e6, 1, 0, inf), (0, 1, -inf, -3), (0, 1, -9, -8), (0, 1, 1e-22, 1), (0, 1, -1e-18, 3e-18),
    (0, 1, 1e-12, 2e-12), (1, 0.5, -inf, 1.25), (0, 1, 1, 3), (0, 1, 0.3, 40), (3, 2, 2.9, 30), (0, 1, -40, -0.001),
    (0, 1e-6, -3e-6, 1e-6), (0, 1e30, -1e30, 5e30), (0, 1, 7, 40), (0, 1, -1e-5, 1e-5), (0, 1, -1e-7, 9),
    (0, 1, 2, 2.9),
    (0, 1, 0.9, 7), (1e9, 1, 2e9, inf), (0, 1, 3.9, 4.1),
]
WORDS = [0, 1, 0xFFFFF, 0x12345678, 0x40000000, 0x7FFFFFFF, 0x80000000, 0x9ABCDEF0, 0xDEADBEEF, 0xFFF00000, 0xFFFFFFFE,
    0xFFFFFFFF]


def upper(z):
    return erfc(z / sqrt(mpf(2))) / 2 if abs(z) != inf else mpf(0 if z > 0 else 1)


def phi(z):
    return exp(-z * z / 2) / sqrt(2 * pi) if abs(z) != inf else mpf(0)


def upper_quantile(q, start):
    """z with upper(z) = q, by Newton on the logarithm: concave, so after one step it falls towards the root."""
    z, target = start, log(q)
    for _ in range(400):
        u = upper(z)
        step = (log(u) - target) * u / phi(z)
        z += step
        if abs(step) <= mpf(10) ** -100 * max(1, abs(z)):
            return z
    raise ArithmeticError((q, start))


def quantile(lower_part, a, mass_above_b, mass):
    """z at the fraction `lower_part` of the window that begins at a."""
    q = mass_above_b + (1 - lower_part) * mass
    if q <= 0.5:
        return upper_quantile(q, max(a, mpf(0)))
    return -upper_quantile(1 - q, mpf(0))


def main():
    for mean, std, lo, hi in WINDOWS:
        m, s = mpf(mean), mpf(std)
        a, b = (mpf(lo) - m) / s, (mpf(hi) - m) / s
        turned = lo != -inf and a + b < 0 or lo == -inf and hi != inf
        if turned:
            a, b = -b, -a
        sign = -1 if turned else 1
        above_b = upper(b)
        mass = upper(a) - above_b
        first = (phi(a) - phi(b)) / mass
        second = 1 + ((a * phi(a) if abs(a) != inf else 0) - (b * phi(b) if b != inf else 0)) / mass - first**2
        moments = [m + sign * s * first, s * sqrt(second)]
        print("window", *(repr(float(x)) for x in [mean, std, lo, hi, *moments]), sep=",")
        for x in WORDS:
            last = x in (0, WORDS[-1])
            other = 0 if last else (x * 0x9E3779B9 + 0x7F4A7C15) % 2**32
            value = m + sign * s * quantile((mpf(x) + 0.5) / 2**32, a, above_b, mass)
            refined = "-"
            k = min(x, 2**32 - 1 - x)
            if k < 2**20:
                fraction = (k + mpf(other | 1) / 2**32) / 2**32
                fraction = fraction if k == x else 1 - fraction
                refined = repr(float(m + sign * s * quantile(fraction, a, above_b, mass)))
            print("word", x, other, repr(float(value)), refined, sep=",")


if __name__ == "__main__":
    main()
