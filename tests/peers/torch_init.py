#!/usr/bin/env python3
"""Runs torch's own tests of torch.nn.init with `seedbed fill` in the place of torch's initializers.

    python3 tests/peers/torch_init.py test_init.py

The file is torch's, and not part of this repository: test/nn/test_init.py of pytorch/pytorch, at commit
0202320fe821c01380b7749199c8024f54081217,
https://raw.githubusercontent.com/pytorch/pytorch/0202320fe821c01380b7749199c8024f54081217/test/nn/test_init.py,
27,789 bytes, 48 tests. It wants torch, scipy, expecttest and hypothesis. SEEDBED names the command, by default
target/release/seedbed.

Each initializer of torch.nn.init is replaced: it hands the tensor's shape and a scheme's text to the command, and
copies the elements that come back. What the command refuses is a ValueError, as the tests expect of torch. Of torch's
own there remain: the deprecated names without an underscore, which torch makes of the replaced functions; the warning
about tensors without elements, which hold nothing to initialize; and the check that a slope is a number.
"""

import hashlib
import importlib.util
import os
import sys
import unittest
import warnings

import torch
from seedbed_fill import fill, std
from torch.nn import init

KNOWN = "b6571329219bf10e43c1aa566bd358eb1f45f5ae4f8294540fbdb0279b81336f"
DTYPES = {torch.float16: "f16", torch.bfloat16: "bf16"}
calls = 0


def put(tensor, scheme, generator=None):
    """Fills a tensor in place. Its seed is drawn from torch's generator, so that torch's seeds go on to rule."""
    global calls
    seed = torch.randint(2**62, (), generator=generator).item()
    values = fill(tensor.shape, scheme, seed, dtype=DTYPES.get(tensor.dtype, "f32"))
    calls += 1
    with torch.no_grad():
        return tensor.copy_(torch.from_numpy(values.copy()))


def is_empty(tensor):
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return 0 in tensor.shape


def calculate_gain(nonlinearity, param=None):
    slope = ""
    if param is not None:
        if isinstance(param, bool) or not isinstance(param, int | float):
            raise ValueError(f"negative_slope {param} not a valid number")
        slope = f", a={param!r}"
    return std(f"kaiming_normal(nonlinearity={nonlinearity}{slope})")


def kaiming(name):
    def function_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
        if is_empty(tensor):
            return tensor
        slope = f", a={a!r}" if nonlinearity == "leaky_relu" else ""
        return put(tensor, f"{name}(mode={mode}, nonlinearity={nonlinearity}{slope})", generator)

    return function_


def xavier(name):
    return lambda tensor, gain=1.0, generator=None: put(tensor, f"{name}(gain={gain!r})", generator)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    scheme = f"truncated_normal(mean={mean!r}, std={std!r}, lo={a!r}, hi={b!r}, bounds=absolute)"
    return put(tensor, scheme, generator)


SHIM = {
    "calculate_gain": calculate_gain,
    "uniform_": lambda t, a=0.0, b=1.0, generator=None: put(t, f"uniform({a!r}, {b!r})", generator),
    "normal_": lambda t, mean=0.0, std=1.0, generator=None: put(t, f"normal({mean!r}, {std!r})", generator),
    "trunc_normal_": trunc_normal_,
    "constant_": lambda t, val: put(t, f"constant({float(val)!r})"),
    "ones_": lambda t: put(t, "ones"),
    "zeros_": lambda t: put(t, "zeros"),
    "eye_": lambda t: put(t, "identity"),
    "dirac_": lambda t, groups=1: put(t, f"dirac(groups={groups})"),
    "xavier_uniform_": xavier("xavier_uniform"),
    "xavier_normal_": xavier("xavier_normal"),
    "kaiming_uniform_": kaiming("kaiming_uniform"),
    "kaiming_normal_": kaiming("kaiming_normal"),
    "orthogonal_": lambda t, gain=1, generator=None: put(t, f"orthogonal(gain={gain!r})", generator),
    "sparse_": lambda t, sparsity, std=0.01, generator=None: put(t, f"sparse({sparsity!r}, std={std!r})", generator),
}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = sys.argv[1]
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    print(f"{path}: sha256 {digest}" + ("" if digest == KNOWN else ", another version than the one named above"))
    for name, function in SHIM.items():
        function.__name__ = name
        assert hasattr(init, name), name
        setattr(init, name, function)
    for name in [name for name in SHIM if name.endswith("_")]:
        if hasattr(init, name[:-1]):
            setattr(init, name[:-1], init._make_deprecate(SHIM[name]))
    os.environ.setdefault("PYTORCH_TEST_WITH_SLOW", "1")
    spec = importlib.util.spec_from_file_location("test_init", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["test_init"] = module
    spec.loader.exec_module(module)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    good = result.testsRun - len(result.failures) - len(result.errors) - len(result.skipped)
    print(f"{good} of {result.testsRun} pass, {len(result.skipped)} skipped; {calls} tensors by seedbed")
    sys.exit(0 if good == result.testsRun and calls > 0 else 1)


if __name__ == "__main__":
    main()
