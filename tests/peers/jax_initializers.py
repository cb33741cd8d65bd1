#!/usr/bin/env python3
"""Runs jax's own tests of jax.nn.initializers with `seedbed fill` in the place of jax's initializers.

    python3 tests/peers/jax_initializers.py nn_test.py

The file is jax's, and not part of this repository: tests/nn_test.py of jax-ml/jax, at commit
cec06d116c05f0d52adfceee3d3b730fdbcb0ce5,
https://raw.githubusercontent.com/jax-ml/jax/cec06d116c05f0d52adfceee3d3b730fdbcb0ce5/tests/nn_test.py. Of it the class
NNInitializersTest is run. It wants jax, scipy and absl-py. SEEDBED names the command, by default
target/release/seedbed.

Each initializer is replaced: it hands shape, layout and a scheme's text to the command. seedbed has no complex numbers:
the tests of such dtypes are skipped and counted. The words of the one error that the tests read are jax's, where the
command refuses a shape for its rank; a matrix without elements is made here, since the command makes none.
"""

import hashlib
import importlib.util
import os
import sys
import unittest

import jax
import jax.numpy as jnp
import numpy as np
from seedbed_fill import Refused, fill

KNOWN = "6155ef856cc1a19c97bb6bdb8040ddfe18e16f7dc9957011a4d18cea00fe1a9b"
DTYPES = {"float16": "f16", "bfloat16": "bf16"}
calls = 0


def made(key, shape, dtype, scheme, layout="in_out"):
    global calls
    dtype = jax.dtypes.canonicalize_dtype(dtype)
    if jnp.issubdtype(dtype, jnp.complexfloating):
        raise unittest.SkipTest("seedbed has no complex numbers")
    if 0 in shape:
        return jnp.zeros(shape, dtype)
    words = np.asarray(jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key).ravel()
    seed = int(words[-2]) << 32 | int(words[-1])
    calls += 1
    return jnp.asarray(fill(shape, scheme, seed, layout, DTYPES.get(str(dtype), "f32")), dtype)


def plain(scheme):
    """An initializer whose argument is a number, which may be an array of one."""

    def initializer(stddev=1e-2, dtype=jnp.float32):
        return lambda key, shape, dtype=dtype: made(key, shape, dtype, scheme(float(stddev)))

    return initializer


def axes(of):
    return str([of] if isinstance(of, int) else list(of))


def variance_scaling(scale, mode, distribution, in_axis=-2, out_axis=-1, batch_axis=(), dtype=jnp.float32):
    layout = f"axes(in={axes(in_axis)}, out={axes(out_axis)}, batch={axes(batch_axis)})"
    scheme = f"variance_scaling({float(scale)!r}, mode={mode}, distribution={distribution})"

    def initializer(key, shape, dtype=dtype):
        try:
            return made(key, shape, dtype, scheme, layout)
        except Refused as refused:
            if f"rank {len(shape)} has no fan_in and fan_out" not in str(refused):
                raise
            raise ValueError(
                f"Can't compute input and output sizes of a {len(shape)}-dimensional weights tensor with default"
                " in_axis. Must be at least 2D or specify in_axis explicitly."
            ) from refused

    return initializer


def scaled(scale, mode, distribution):
    def initializer(in_axis=-2, out_axis=-1, batch_axis=(), dtype=jnp.float32):
        return variance_scaling(scale, mode, distribution, in_axis, out_axis, batch_axis, dtype)

    return initializer


def truncated_normal(stddev=1e-2, dtype=jnp.float32, lower=-2.0, upper=2.0):
    scheme = f"truncated_normal(std={float(stddev)!r}, lo={lower!r}, hi={upper!r})"
    return lambda key, shape, dtype=dtype: made(key, shape, dtype, scheme)


def orthogonal(scale=1.0, column_axis=-1, dtype=jnp.float32):
    assert column_axis == -1
    return lambda key, shape, dtype=dtype: made(key, shape, dtype, f"orthogonal(gain={float(scale)!r})")


def delta_orthogonal(scale=1.0, column_axis=-1, dtype=jnp.float32):
    assert column_axis == -1
    return lambda key, shape, dtype=dtype: made(key, shape, dtype, f"delta_orthogonal(gain={float(scale)!r})")


SHIM = {
    "uniform": plain(lambda scale: f"uniform(0, {scale!r})"),
    "normal": plain(lambda std: f"normal(std={std!r})"),
    "truncated_normal": truncated_normal,
    "variance_scaling": variance_scaling,
    "he_normal": scaled(2.0, "fan_in", "truncated_normal"),
    "he_uniform": scaled(2.0, "fan_in", "uniform"),
    "glorot_normal": scaled(1.0, "fan_avg", "truncated_normal"),
    "glorot_uniform": scaled(1.0, "fan_avg", "uniform"),
    "lecun_normal": scaled(1.0, "fan_in", "truncated_normal"),
    "lecun_uniform": scaled(1.0, "fan_in", "uniform"),
    "orthogonal": orthogonal,
    "delta_orthogonal": delta_orthogonal,
}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = sys.argv.pop()
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    print(f"{path}: sha256 {digest}" + ("" if digest == KNOWN else ", another version than the one named above"))
    # Every case that the file lists, where jax would take ten of them by chance.
    os.environ.setdefault("JAX_NUM_GENERATED_CASES", "100000")
    for name, function in SHIM.items():
        assert hasattr(jax.nn.initializers, name), name
        setattr(jax.nn.initializers, name, function)
    spec = importlib.util.spec_from_file_location("nn_test", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["nn_test"] = module
    spec.loader.exec_module(module)
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(module.NNInitializersTest)
    result = unittest.TextTestRunner().run(suite)
    good = result.testsRun - len(result.failures) - len(result.errors) - len(result.skipped)
    is_complex = sum("no complex numbers" in why for _, why in result.skipped)
    others = len(result.skipped) - is_complex
    skipped = f"skipped: {is_complex} complex, {others} others"
    print(f"{good} of {result.testsRun} pass; {skipped}; {calls} tensors by seedbed")
    sys.exit(0 if good + is_complex == result.testsRun and calls > 0 else 1)


if __name__ == "__main__":
    main()
