"""How peers.py reads the law of an initializer of torch, jax, keras or timm off the library itself."""

import importlib.util
import itertools
import math
import os
from pathlib import Path

os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu", TF_CPP_MIN_LOG_LEVEL="3")

import jax
import mpmath
import numpy as np
import torch

jax.config.update("jax_enable_x64", True)

import jax._src.nn.initializers as jax_source
import jax.nn.initializers as jax_init
import jax.numpy as jnp
import keras.initializers as keras_init
from keras.src.initializers.random_initializers import RandomInitializer as keras_random
from torch.nn import init as torch_init

# timm's package wants torchvision, this file of it only torch.
_timm = Path(importlib.util.find_spec("timm").origin).parent / "layers/weight_init.py"
_spec = importlib.util.spec_from_file_location("timm_weight_init", _timm)
timm_init = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(timm_init)

PROBES = "center sigma lo hi".split()
SAMPLE = 4096
rows = []


class Probe:
    """What stands in for the samplers while it is entered."""

    at = None
    kinds = set()

    @classmethod
    def draw(cls, kind, center=0.0, sigma=0.0, lo=0.0, hi=0.0):
        cls.kinds.add(kind)
        return {"center": center, "sigma": center + sigma, "lo": lo, "hi": hi}[cls.at]

    @classmethod
    def uniform(cls, lo, hi):
        return cls.draw("uniform", center=lo, lo=lo, hi=hi)

    def __init__(self, at):
        self.to = at

    def __enter__(self):
        Probe.at = self.to
        Probe.kinds = set()
        self.saved = [(owner, name, getattr(owner, name)) for owner, name, _ in STANDINS]
        for owner, name, standin in STANDINS:
            setattr(owner, name, standin)

    def __exit__(self, *_):
        for owner, name, true in self.saved:
            setattr(owner, name, true)


def torch_uniform(tensor, a=0.0, b=1.0, *, generator=None):
    return tensor.fill_(Probe.uniform(a, b))


def torch_normal(tensor, mean=0.0, std=1.0, *, generator=None):
    return tensor.fill_(Probe.draw("normal", mean, std))


def torch_truncated(tensor, mean, std, a, b, generator=None):
    return tensor.fill_(Probe.draw("truncated", mean, std, a, b))


def jax_uniform(key, shape=(), dtype=float, minval=0.0, maxval=1.0, **_):
    return jnp.full(shape, Probe.uniform(minval, maxval), dtype)


def jax_normal(key, shape=(), dtype=float, **_):
    return jnp.full(shape, Probe.draw("normal", 0.0, 1.0), dtype)


def jax_truncated(key, lower, upper, shape=None, dtype=float, **_):
    return jnp.full(shape, Probe.draw("truncated", 0.0, 1.0, lower, upper), dtype)


# keras reaches jax's samplers through jax.random, jax's own initializers through the module behind it.
STANDINS = [
    (torch.Tensor, "uniform_", torch_uniform),
    (torch.Tensor, "normal_", torch_normal),
    (torch_init, "_no_grad_trunc_normal_", torch_truncated),
    (timm_init, "_trunc_normal_", torch_truncated),
] + [
    (owner, name, standin)
    for owner in (jax_source.random, jax.random)
    for name, standin in (("uniform", jax_uniform), ("normal", jax_normal), ("truncated_normal", jax_truncated))
]


def truncated_moments(center, sigma, lo, hi):
    with mpmath.workdps(40):
        a, b = ((mpmath.mpf(x) - mpmath.mpf(center)) / mpmath.mpf(sigma) for x in (lo, hi))
        mass = mpmath.ncdf(b) - mpmath.ncdf(a)
        pa, pb = mpmath.npdf(a), mpmath.npdf(b)
        mean = (pa - pb) / mass
        variance = 1 + (a * pa - b * pb) / mass - mean * mean
        return float(center + sigma * mean), float(sigma * mpmath.sqrt(variance))


def law_of(call):
    """(mean, std, lo, hi) of the initializer that `call` runs."""
    seen = {}
    for at in PROBES:
        with Probe(at):
            array = np.asarray(call(), np.float64)
            kinds = Probe.kinds
        assert array.size and np.all(array == array.flat[0]), "the elements are not alike"
        seen[at] = float(array.flat[0])
    assert len(kinds) <= 1, kinds
    kind = next(iter(kinds), "constant")
    if kind == "constant":
        assert len(set(seen.values())) == 1
        return seen["center"], 0.0, seen["center"], seen["center"]
    center, sigma, lo, hi = seen["center"], seen["sigma"] - seen["center"], seen["lo"], seen["hi"]
    if kind == "uniform":
        return (lo + hi) / 2, (hi - lo) / math.sqrt(12), lo, hi
    if kind == "normal":
        return center, sigma, -math.inf, math.inf
    return *truncated_moments(center, sigma, lo, hi), lo, hi


def check_sample(call, mean, std, lo, hi):
    """The true sampler, against the law: a probe that missed a step would show."""
    sample, size = [], 0
    while size < SAMPLE:
        sample.append(np.asarray(call(), np.float64).ravel())
        size += sample[-1].size
    sample = np.concatenate(sample)
    slack = 1e-12 * max(abs(mean), std)
    assert lo - slack <= sample.min() and sample.max() <= hi + slack, (sample.min(), sample.max(), lo, hi)
    if std == 0.0:
        assert np.all(sample == mean)
        return
    assert abs(sample.mean() - mean) < 6 * std / math.sqrt(size), (sample.mean(), mean)
    # Kurtosis is 3 or less for every law here, so the relative error of a std is at most 1 / sqrt(2 n).
    assert abs(sample.std() / std - 1) < 6 / math.sqrt(2 * size), (sample.std(), std)


def text(value):
    return repr(value).replace(" ", "")


def add(library, function, args, shape, layout, kind, numbers=("", "", "", ""), pattern="", seedbed="-", differs=""):
    shown = ", ".join(f"{k}={text(v)}" for k, v in args.items())
    numbers = [n if isinstance(n, str) else repr(float(n)) for n in numbers]
    rows.append([library, function, shown, text(list(shape)), layout, kind, *numbers, pattern, seedbed, differs])


torch.manual_seed(1)
keras_seeds = itertools.count()
jax_keys = (jax.random.key(i) for i in itertools.count())


def caller(library, function, args, shape):
    """The real call, to be run any number of times."""
    if library in ("torch", "timm"):
        f = getattr(torch_init if library == "torch" else timm_init, function)

        def call():
            tensor = torch.full(shape, math.nan, dtype=torch.float64)
            f(tensor, **args)
            return tensor.numpy()
    elif library == "jax":
        f = getattr(jax_init, function)
        if function in ("zeros", "ones"):
            return lambda: f(next(jax_keys), shape, jnp.float64)

        def call():
            return f(**args)(next(jax_keys), shape, jnp.float64)
    else:
        f = getattr(keras_init, function)
        seeded = issubclass(f, keras_random)

        def call():
            return f(**args, **({"seed": next(keras_seeds)} if seeded else {}))(shape, dtype="float64")
    return call


def law(library, function, args, shapes, layout, *schemes):
    """A row for each shape and scheme; a scheme is its text, or (text, why it differs[, layout])."""
    for shape in shapes:
        call = caller(library, function, args, shape)
        numbers = law_of(call)
        check_sample(call, *numbers)
        for scheme in schemes:
            scheme, differs, its_layout = (*((scheme, "") if isinstance(scheme, str) else scheme), layout)[:3]
            add(library, function, args, shape, its_layout, "law", numbers, "", scheme, differs)


def positions(library, function, args, shape, layout, seedbed):
    array = np.asarray(caller(library, function, args, shape)()).ravel()
    at = np.flatnonzero(array)
    assert at.size and np.all(array[at] == array[at[0]])
    pattern = f"{text(float(array[at[0]]))} at {', '.join(map(str, at))}"
    add(library, function, args, shape, layout, "structure", pattern=pattern, seedbed=seedbed)


SIGN = "a 0 on the diagonal of R: the peer's sign(0) zeroes a column, seedbed takes +1"


def gram(matrix, gain):
    shorter = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    assert np.allclose(shorter @ shorter.T, gain**2 * np.eye(len(shorter)), atol=1e-12 * gain**2)


def orthogonal(library, args, shape, layout, columns=None):
    """`columns`: the axis that stays whole, as the matrix's columns; None for torch, whose rows are axis 0."""
    function = {"torch": "orthogonal_", "jax": "orthogonal", "keras": "Orthogonal"}[library]
    array = np.asarray(caller(library, function, args, shape)())
    gain = args.get("gain", args.get("scale", 1.0))
    if columns is None:
        matrix = array.reshape(shape[0], -1)
    else:
        matrix = np.moveaxis(array, columns, -1).reshape(-1, shape[columns])
    gram(matrix, gain)
    pattern = f"gain {text(float(gain))}, gram of {matrix.shape[0]}x{matrix.shape[1]}"
    scheme = f"orthogonal(gain={gain:g})"
    add(library, function, args, shape, layout, "structure", pattern=pattern, seedbed=scheme, differs=SIGN)


def delta_orthogonal(args, shape, layout):
    array = np.asarray(caller("jax", "delta_orthogonal", args, shape)())
    gain = args.get("scale", 1.0)
    slices = array.reshape(-1, *shape[-2:])
    (at,) = np.flatnonzero(np.any(slices != 0, axis=(1, 2)))
    gram(slices[at], gain)
    pattern = f"gain {text(float(gain))}, gram of {shape[-2]}x{shape[-1]}, at {at}"
    scheme = f"delta_orthogonal(gain={gain:g})"
    add("jax", "delta_orthogonal", args, shape, layout, "structure", pattern=pattern, seedbed=scheme, differs=SIGN)


def sparse(args, shape):
    call = caller("torch", "sparse_", args, shape)
    array = call()
    zeros = math.ceil(args["sparsity"] * shape[0])
    assert np.all((array == 0).sum(axis=0) == zeros)
    std = args.get("std", 0.01)
    if zeros < shape[0]:
        parts = [(a := call())[a != 0] for _ in range(SAMPLE // array.size + 1)]
        rest = np.concatenate(parts)
        assert abs(rest.std() / std - 1) < 6 / math.sqrt(2 * rest.size)
    add("torch", "sparse_", args, shape, "out_in", "structure", (0.0, std, -math.inf, math.inf),
        f"{zeros} zeros of {shape[0]} in each column", f"sparse({args['sparsity']:g}, std={std:g})")


