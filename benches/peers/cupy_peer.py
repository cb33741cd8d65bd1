#!/usr/bin/env python3
"""cuRAND's Philox through its host API, by CuPy: python3 benches/peers/cupy_peer.py

cuRAND makes f32 and f64: its 16-bit cases do not exist.
"""

import sys

import common

try:
    import cupy
    from cupy_backends.cuda.libs import curand
except ImportError:
    common.missing("cuRAND", "pip install cupy-cuda13x, on a machine with a CUDA device")
    sys.exit(1)


def case(law):
    def prepare(count):
        out = cupy.empty(count, dtype=cupy.float32)
        generator = curand.createGenerator(curand.CURAND_RNG_PSEUDO_PHILOX4_32_10)
        curand.setPseudoRandomGeneratorSeed(generator, 1)

        def fill():
            if law == "normal":
                curand.generateNormal(generator, out.data.ptr, count, 0.0, 0.02)
            else:
                curand.generateUniform(generator, out.data.ptr, count)
            cupy.cuda.Device().synchronize()

        return fill

    return common.Case(f"cuRAND Philox {law} f32", law, "f32", "gpu", prepare)


def main():
    if not cupy.cuda.is_available():
        common.missing("cuRAND", "CuPy finds no CUDA device")
        sys.exit(1)
    name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    version = curand.getVersion()
    common.main(f"cuRAND {version}, CuPy {cupy.__version__}, {name}", [case("normal"), case("uniform")])


if __name__ == "__main__":
    main()
