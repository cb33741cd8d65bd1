"""Writes tests/data/peers.tsv: the laws of the initializers of torch, jax, keras and timm, as the libraries have them.

Made with torch 2.15.0, jax 0.10.2, keras 3.15.1 (on jax) and timm 1.0.31, plus numpy and mpmath:
`pip install torch jax keras timm numpy mpmath`, then `python tests/data/peers.py`; `--check` compares instead.

The numbers are the laws', not samples'. Each initializer runs with its library's sampler replaced by a probe, which
returns, run by run, the draw's center, its center plus one sigma, and its two ends; what the initializer makes of these
is the law's own center, sigma and ends, to f64. Then it runs once more with the true sampler, and the sample must
agree with the law to 6 standard errors.

Columns: library, function, arguments, shape, layout (seedbed's text), kind, mean, std, lo, hi, pattern, seedbed,
differs.

- kind `law`: elements independent and alike; mean and std after any cut; lo and hi are infinite for a normal.
- kind `structure`: `pattern` says what holds. `V at I, J, ..`: the elements that are not 0 by flat row-major index;
  `gain G, gram of RxC`: as that matrix, the Gram matrix of its shorter side is G^2 I; `.. at I`: in that slice of the
  kernel, 0 elsewhere; `Z zeros of R in each column`: the others have mean and std.
- kind `absent`: seedbed has no such scheme.
- `seedbed` is the scheme's text. Where `differs` is empty, it is the peer's law. Else it is a scheme that a reader
  might take for it, by name or by habit, and is not; or the scheme does something better on purpose. `differs` says
  why.
"""

import importlib.metadata
import itertools
import math
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # no cache beside the data

from peers_law import add, delta_orthogonal, jax_init, keras_init, law, orthogonal, positions, rows, sparse, torch_init

OUT = Path(__file__).with_name("peers.tsv")
COLUMNS = "library function arguments shape layout kind mean std lo hi pattern seedbed differs".split()

MATRICES = [(64, 32), (1, 48), (48, 1)]
OUT_IN = [*MATRICES, (16, 8, 3, 3), (8, 4, 5), (4, 3, 2, 3, 5)]
GROUPED = [(16, 2, 3, 3)]
IN_OUT = [(32, 64), (1, 48), (48, 1), (3, 3, 8, 16), (5, 4, 8)]
ANY = [(7,), (64, 32)]
GROUPS = ("torch's fan_out of a grouped convolution is not divided by the groups; layout conv's is", "conv(groups=4)")
TRANSPOSED = ("torch takes a transposed convolution's two fans for each other; layout conv_transpose does not",
    "conv_transpose")
CUT = "the peer cuts this one at 2 sigma; seedbed's of this name is torch's, uncut"
ABSOLUTE = "the peer's a, b are absolute, which at this std cut nothing; seedbed's default window is +-2 sigma"
# Name for name: the words of torch's calculate_gain, and seedbed's.
GAINS = {"linear": "linear", "sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu", "leaky_relu": "leaky_relu",
    "selu": "selu"}
GAINS |= {f"conv{t}{d}d": "conv" for t in ("", "_transpose") for d in (1, 2, 3)}


def of_torch():
    t = "torch"
    law(t, "uniform_", {}, ANY, "out_in", "uniform(0, 1)")
    law(t, "uniform_", {"a": -0.25, "b": 0.75}, ANY, "out_in", "uniform(-0.25, 0.75)")
    law(t, "normal_", {}, ANY, "out_in", "normal(std=1)", "torch_embedding")
    law(t, "normal_", {"mean": 1.5, "std": 0.02}, ANY, "out_in", "normal(1.5, 0.02)")
    law(t, "constant_", {"val": 0.3}, ANY, "out_in", "constant(0.3)")
    law(t, "ones_", {}, ANY, "out_in", "ones", "torch_norm_weight")
    law(t, "zeros_", {}, ANY, "out_in", "zeros", "torch_norm_bias")
    law(t, "trunc_normal_", {}, ANY, "out_in", "truncated_normal(std=1)", "truncated_normal(0, 1, -2, 2, absolute)")
    law(t, "trunc_normal_", {"std": 0.02}, ANY, "out_in",
        "truncated_normal(0, 0.02, -2, 2, absolute)", ("truncated_normal(std=0.02)", ABSOLUTE))
    # A std of the elements, as transformers' ViT and timm write it by hand.
    law(t, "trunc_normal_", {"mean": 0.1, "std": 0.02, "a": 0.06, "b": 0.14}, ANY, "out_in",
        "truncated_normal(0.1, 0.02, -2, 2, sigma)", "truncated_normal(0.1, 0.02, 0.06, 0.14, absolute)",
        ("truncated_normal(0.1, 0.02, -2, 2, sigma, cut)", "torch's std is the normal's, before the cut"))
    law(t, "trunc_normal_", {"std": 1.0, "a": 0.5, "b": 3.0}, ANY, "out_in", "truncated_normal(0, 1, 0.5, 3, absolute)")
    law(t, "trunc_normal_", {"std": 0.5, "a": -0.1, "b": 0.1}, ANY, "out_in",
        "truncated_normal(0, 0.5, -0.1, 0.1, absolute)")
    for name in ("uniform", "normal"):
        law(t, f"xavier_{name}_", {}, OUT_IN, "out_in", f"xavier_{name}", f"glorot_{name}")
        law(t, f"xavier_{name}_", {"gain": 5 / 3}, MATRICES, "out_in", f"xavier_{name}(gain=1.6666666666666667)")
        law(t, f"xavier_{name}_", {}, GROUPED, "out_in", f"xavier_{name}", (f"xavier_{name}", *GROUPS))
        kaiming = f"kaiming_{name}_"
        law(t, kaiming, {}, OUT_IN, "out_in", f"kaiming_{name}", f"he_{name}",
            (f"kaiming_{name}(nonlinearity=leaky_relu)",
             "torch's a is 0 where none is given; seedbed's leaky_relu has the slope 0.01"))
        law(t, kaiming, {"a": math.sqrt(5)}, OUT_IN + GROUPED, "out_in",
            f"kaiming_{name}(a=2.23606797749979)", *(["torch_linear", "torch_conv"] if name == "uniform" else []))
        for mode, (theirs, ours) in itertools.product(("fan_in", "fan_out"), GAINS.items()):
            scheme = f"kaiming_{name}(mode={mode}, nonlinearity={ours}%s)"
            args = {"mode": mode, "nonlinearity": theirs}
            shapes = OUT_IN if theirs == "relu" else [(64, 32), (16, 8, 3, 3)]
            if theirs == "leaky_relu":
                for a in (0, 0.01, 0.2):
                    law(t, kaiming, {"a": a, **args}, shapes, "out_in", scheme % f", a={a}")
            else:
                # a is read for leaky_relu alone.
                law(t, kaiming, {"a": 0.7, **args}, shapes, "out_in", scheme % "")
        law(t, kaiming, {"mode": "fan_out", "nonlinearity": "relu"}, GROUPED, "out_in",
            f"kaiming_{name}(mode=fan_out)", (f"kaiming_{name}(mode=fan_out)", *GROUPS))
        law(t, kaiming, {"mode": "fan_in", "nonlinearity": "relu"}, GROUPED, "out_in", f"kaiming_{name}",
            (f"kaiming_{name}", "", "conv(groups=4)"))
        law(t, kaiming, {"mode": "fan_in", "nonlinearity": "relu"}, [(8, 16, 3, 3)], "out_in",
            f"kaiming_{name}", (f"kaiming_{name}", *TRANSPOSED))
        law(t, kaiming, {"nonlinearity": "selu"}, [(64, 32)], "out_in",
            f"kaiming_{name}(nonlinearity=selu)",
            (f"lecun_{name}",
             "torch's gain of selu is 3/4, found by trial; self-normalizing networks have variance 1 / fan_in"))
    for shape in ((4, 4), (3, 5), (5, 3), (1, 4), (4, 1)):
        positions(t, "eye_", {}, shape, "out_in", "identity(gain=1)")
    for shape, groups in itertools.product(((4, 4, 3), (4, 2, 4), (6, 3, 3, 3), (2, 4, 2, 3), (4, 2, 3, 2, 1)), (1, 2)):
        positions(t, "dirac_", {"groups": groups}, shape, "out_in", f"dirac(groups={groups})")
    for shape in ((8, 8), (12, 5), (5, 12), (1, 6), (6, 1), (8, 3, 3, 3), (16, 2, 3)):
        orthogonal(t, {}, shape, "out_in")
    orthogonal(t, {"gain": 1.5}, (8, 3, 3, 3), "out_in")
    for args in ({"sparsity": 0.1}, {"sparsity": 0.5, "std": 0.25}, {"sparsity": 0.0}, {"sparsity": 1.0}):
        for shape in ((10, 7), (13, 4), (1, 5), (6, 1)):
            sparse(args, shape)


def of_jax():
    j = "jax"
    law(j, "zeros", {}, ANY, "in_out", "zeros")
    law(j, "ones", {}, ANY, "in_out", "ones")
    law(j, "constant", {"value": 0.3}, ANY, "in_out", "constant(0.3)")
    ZERO_UP = "jax's uniform lies on [0, scale), not around 0"
    law(j, "uniform", {}, ANY, "in_out", "uniform(0, 0.01)", ("uniform(-0.01, 0.01)", ZERO_UP))
    law(j, "uniform", {"scale": 0.5}, ANY, "in_out", "uniform(0, 0.5)")
    law(j, "normal", {}, ANY, "in_out", "normal(std=0.01)")
    law(j, "normal", {"stddev": 0.02}, ANY, "in_out", "normal(std=0.02)")
    BEFORE = "jax's stddev is the normal's, before the cut"
    law(j, "truncated_normal", {}, ANY, "in_out", "truncated_normal(std=0.01)",
        ("truncated_normal(std=0.01, std_of=cut)", BEFORE))
    law(j, "truncated_normal", {"stddev": 0.02, "lower": -1.0, "upper": 3.0}, ANY, "in_out",
        "truncated_normal(0, 0.02, -1, 3, sigma)")
    modes = ("fan_in", "fan_out", "fan_avg", "fan_geo_avg")
    for mode, distribution in itertools.product(modes, ("truncated_normal", "normal", "uniform")):
        scheme = f"mode={mode}, distribution={distribution})"
        args = {"mode": mode, "distribution": distribution}
        law(j, "variance_scaling", {"scale": 1.5, **args}, IN_OUT, "in_out", f"variance_scaling(1.5, {scheme}")
        for shape, axes, layout in (
            ((8, 10, 30), {"in_axis": 1, "out_axis": 2, "batch_axis": 0}, "axes(in=1, out=2, batch=0)"),
            ((12, 4, 16), {"in_axis": 0, "out_axis": (1, 2)}, "axes(in=0, out=[1, 2])"),
            ((4, 16, 12), {"in_axis": (-3, -2), "out_axis": -1}, "axes(in=[-3, -2], out=-1)"),
            ((16, 8, 3, 3), {"in_axis": 1, "out_axis": 0}, "axes(in=1, out=0)"),
        ):
            law(j, "variance_scaling", {"scale": 0.5, **args, **axes}, [shape], layout,
                f"variance_scaling(0.5, {scheme}")
    law(j, "variance_scaling", {"scale": 2.0, "mode": "fan_avg", "distribution": "uniform"}, IN_OUT, "in_out",
        "he_fan_avg(uniform)")
    for names, ours in ((("glorot", "xavier"), "glorot"), (("he", "kaiming"), "he"), (("lecun",), "lecun")):
        for name in names:
            law(j, f"{name}_uniform", {}, IN_OUT, "in_out", f"{ours}_uniform")
            law(j, f"{name}_normal", {}, IN_OUT, "in_out", f"{ours}_truncated_normal", (f"{ours}_normal", CUT))
            axes = {"in_axis": 1, "out_axis": 2, "batch_axis": 0}
            law(j, f"{name}_uniform", axes, [(8, 10, 30)], "axes(in=1, out=2, batch=0)", f"{ours}_uniform")
    for shape, column in (((8, 8), -1), ((12, 5), -1), ((5, 12), -1), ((1, 6), -1), ((6, 1), -1), ((3, 3, 4, 8), -1)):
        orthogonal(j, {}, shape, "in_out", column)
    orthogonal(j, {"scale": 1.5}, (3, 3, 4, 8), "in_out", -1)
    orthogonal(j, {"column_axis": 0}, (8, 4, 3), "out_in", 0)
    for shape in ((3, 4, 8), (4, 4, 4), (3, 3, 4, 8), (2, 5, 2, 6), (3, 2, 1, 2, 3)):
        delta_orthogonal({}, shape, "in_out")
    delta_orthogonal({"scale": 1.5}, (3, 3, 4, 8), "in_out")


def of_keras():
    k = "keras"
    law(k, "Zeros", {}, ANY, "in_out", "zeros")
    law(k, "Ones", {}, ANY, "in_out", "ones")
    law(k, "Constant", {}, ANY, "in_out", "constant(0)")
    law(k, "Constant", {"value": 0.3}, ANY, "in_out", "constant(0.3)")
    law(k, "RandomUniform", {}, ANY, "in_out", "uniform(-0.05, 0.05)")
    law(k, "RandomUniform", {"minval": -0.25, "maxval": 0.75}, ANY, "in_out", "uniform(-0.25, 0.75)")
    law(k, "RandomNormal", {}, ANY, "in_out", "normal(std=0.05)")
    law(k, "RandomNormal", {"mean": 1.5, "stddev": 0.02}, ANY, "in_out", "normal(1.5, 0.02)")
    BEFORE = "keras's stddev is the normal's, before the cut"
    law(k, "TruncatedNormal", {}, ANY, "in_out", "truncated_normal(std=0.05)",
        ("truncated_normal(std=0.05, std_of=cut)", BEFORE))
    law(k, "TruncatedNormal", {"mean": 1.5, "stddev": 0.02}, ANY, "in_out", "truncated_normal(1.5, 0.02)")
    theirs = {"truncated_normal": "truncated_normal", "untruncated_normal": "normal", "uniform": "uniform"}
    for mode, (distribution, ours) in itertools.product(("fan_in", "fan_out", "fan_avg"), theirs.items()):
        args = {"scale": 1.5, "mode": mode, "distribution": distribution}
        law(k, "VarianceScaling", args, IN_OUT, "in_out", f"variance_scaling(1.5, {mode}, {ours})")
        law(k, "VarianceScaling", {**args, "input_axes": [0], "output_axes": [1, 2]}, [(12, 4, 16)],
            "axes(in=0, out=[1, 2])", f"variance_scaling(1.5, {mode}, {ours})")
    law(k, "VarianceScaling", {}, IN_OUT, "in_out", "variance_scaling(1, fan_in, truncated_normal)",
        "lecun_truncated_normal",
        ("variance_scaling(1)", "keras's distribution is truncated_normal where none is given, seedbed's normal"))
    law(k, "VarianceScaling", {"distribution": "normal"}, MATRICES, "in_out",
        "variance_scaling(1, fan_in, truncated_normal)",
        ("variance_scaling(1, fan_in, normal)", "keras's normal is cut at 2 sigma, its untruncated_normal is not"))
    named = {"input_axes": [1], "output_axes": [2]}
    KERNEL = ("keras leaves the axes that it was not told out of both fans; seedbed's axes takes them for the kernel",
        "axes(in=1, out=2)")
    law(k, "VarianceScaling", named, [(8, 10, 30)], "axes(in=1, out=2, batch=0)",
        "variance_scaling(1, fan_in, truncated_normal)", ("variance_scaling(1, fan_in, truncated_normal)", *KERNEL))
    RANK = "keras takes both fans of rank 1 to be its size; seedbed refuses: a bias's own shape has no fans"
    law(k, "VarianceScaling", {}, [(48,)], "in_out", ("variance_scaling(1, fan_in, truncated_normal)", RANK))
    for name, ours in (("Glorot", "glorot"), ("He", "he"), ("Lecun", "lecun")):
        law(k, f"{name}Uniform", {}, IN_OUT, "in_out", f"{ours}_uniform")
        law(k, f"{name}Normal", {}, IN_OUT, "in_out", f"{ours}_truncated_normal", (f"{ours}_normal", CUT))
        law(k, f"{name}Uniform", named, [(8, 10, 30)], "axes(in=1, out=2, batch=0)", f"{ours}_uniform")
    for args, shape in (({}, (4, 4)), ({}, (3, 5)), ({}, (5, 3)), ({"gain": 0.5}, (4, 4)), ({}, (1, 4))):
        positions(k, "Identity", args, shape, "in_out", f"identity(gain={args.get('gain', 1):g})")
    for shape in ((8, 8), (12, 5), (5, 12), (1, 6), (6, 1), (3, 3, 4, 8)):
        orthogonal(k, {}, shape, "in_out", -1)
    orthogonal(k, {"gain": 1.5}, (3, 3, 4, 8), "in_out", -1)
    add(k, "STFT", {}, (8, 1, 5), "in_out", "absent",
        differs="a fixed Fourier kernel, not an initialization of weights that are trained")


def of_timm():
    t = "timm"
    law(t, "trunc_normal_", {}, ANY, "out_in", "truncated_normal(std=1)")
    law(t, "trunc_normal_", {"std": 0.02}, ANY, "out_in",
        "truncated_normal(0, 0.02, -2, 2, absolute)", ("truncated_normal(std=0.02)", ABSOLUTE))
    law(t, "trunc_normal_", {"mean": 0.5, "std": 1.0, "a": 0.0, "b": 2.0}, ANY, "out_in",
        "truncated_normal(0.5, 1, 0, 2, absolute)")
    law(t, "trunc_normal_tf_", {"std": 0.02}, ANY, "out_in", "truncated_normal(std=0.02)")
    law(t, "trunc_normal_tf_", {"mean": 0.5, "std": 0.02, "a": -1.0, "b": 3.0}, ANY, "out_in",
        "truncated_normal(0.5, 0.02, -1, 3, sigma)")
    distributions = ("truncated_normal", "normal", "uniform")
    for mode, distribution in itertools.product(("fan_in", "fan_out", "fan_avg"), distributions):
        args = {"scale": 1.5, "mode": mode, "distribution": distribution}
        law(t, "variance_scaling_", args, OUT_IN, "out_in", f"variance_scaling(1.5, {mode}, {distribution})")
    law(t, "variance_scaling_", {}, OUT_IN, "out_in", "variance_scaling(1)", "lecun_normal")
    law(t, "lecun_normal_", {}, OUT_IN, "out_in", "lecun_truncated_normal", ("lecun_normal", CUT))


for make in (of_torch, of_jax, of_keras, of_timm):
    make()

covered = {library: {row[1] for row in rows if row[0] == library} for library in ("torch", "jax", "keras")}
# Nothing of the three libraries is left out: what they export is in the table, or named here with the reason.
deprecated = {name.removesuffix("_") for name in covered["torch"]}
assert set(torch_init.__all__) - {"calculate_gain"} - deprecated == covered["torch"]
assert {n for n in dir(jax_init) if not n.startswith("_")} - {"Initializer"} == covered["jax"]
classes = {c for c in vars(keras_init).values() if isinstance(c, type)} - {keras_init.Initializer}
assert classes == {getattr(keras_init, name) for name in covered["keras"]}, classes

versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "jax", "keras", "timm"))
content = f"# {versions}; written by peers.py, which describes the columns\n" + "\t".join(COLUMNS) + "\n"
content += "".join("\t".join(row) + "\n" for row in rows)
assert all(len(row) == len(COLUMNS) and not any("\t" in cell or "\n" in cell for cell in row) for row in rows)
if sys.argv[1:] == ["--check"]:
    sys.exit(OUT.read_text() != content and f"{OUT} differs from what {versions} give")
OUT.write_text(content)
print({name: sum(row[0] == name for row in rows) for name in ("torch", "jax", "keras", "timm")},
    f"{OUT.stat().st_size} bytes")
