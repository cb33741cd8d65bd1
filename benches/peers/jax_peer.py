#!/usr/bin/env python3
"""jax.random on jax's default device, compiled: python3 benches/peers/jax_peer.py"""

import sys

import common

try:
    import jax
except ImportError:
    common.missing("jax", "pip install jax, or jax[cuda13]")
    sys.exit(1)

import jax.numpy as jnp

LAWS = {
    "normal": lambda key, n, dtype: 0.02 * jax.random.normal(key, (n,), dtype),
    "uniform": lambda key, n, dtype: jax.random.uniform(key, (n,), dtype, -0.1, 0.1),
    "truncated": lambda key, n, dtype: 0.02 * jax.random.truncated_normal(key, -2, 2, (n,), dtype),
}
DTYPES = {"f32": jnp.float32, "bf16": jnp.bfloat16}


def case(law, dtype, where):
    def prepare(count):
        draw = jax.jit(lambda key: LAWS[law](key, count, DTYPES[dtype]))
        key = jax.random.key(1)
        return lambda: draw(key).block_until_ready()

    return common.Case(f"jax {where} {law} {dtype}", law, dtype, "cpu" if where == "cpu" else "gpu", prepare)


def main():
    device = jax.devices()[0]
    cases = [case(law, dtype, device.platform) for law in LAWS for dtype in DTYPES]
    common.main(f"jax {jax.__version__}, {device.device_kind}, {jax.config.jax_default_prng_impl}", cases)


if __name__ == "__main__":
    main()
