#!/usr/bin/env python3
"""numpy's generators, which run on one thread, beside one thread of ours: python3 benches/peers/numpy_peer.py"""

import sys

import common

try:
    import numpy
except ImportError:
    common.missing("numpy", "pip install numpy")
    sys.exit(1)


def case(law, bits):
    def prepare(count):
        generator = numpy.random.Generator(getattr(numpy.random, bits)(1))
        out = numpy.empty(count, dtype=numpy.float32)
        draw = generator.standard_normal if law == "normal" else generator.random
        return lambda: draw(dtype=numpy.float32, out=out)

    call = "standard_normal" if law == "normal" else "random"
    return common.Case(f"numpy {bits} {call} f32", law, "f32", "cpu", prepare, by="one")


def main():
    cases = [case(law, bits) for law in ("normal", "uniform") for bits in ("Philox", "SFC64")]
    common.main(f"numpy {numpy.__version__}", cases)


if __name__ == "__main__":
    main()
