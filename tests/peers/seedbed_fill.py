"""Tensors that the command `seedbed fill` makes, for the shims beside this file."""

import json
import os
import subprocess
import tempfile

import numpy as np

BINARY = os.environ.get("SEEDBED", "target/release/seedbed")


class Refused(ValueError):
    """What the command refuses, with its line."""


def run(arguments):
    """What a run of the command prints on stdout, bytes."""
    done = subprocess.run([BINARY, "--quiet", *arguments], capture_output=True, check=False)
    if done.returncode != 0:
        raise Refused(done.stderr.decode().strip())
    return done.stdout


def fill(shape, scheme, seed, layout="out_in", dtype="f32", name="weight"):
    """The elements of a tensor as f32, whatever the dtype: every value of f16 and bf16 is one of f32."""
    shape = [int(d) for d in shape]
    text = ",".join(map(str, shape)) or "[]"
    words = run(["fill", "--shape", text, "--scheme", scheme, "--layout", layout, "--dtype", dtype, "--name", name,
                 "--seed", str(int(seed)), "--device", "cpu", "-o", "-"])
    if dtype == "bf16":
        values = (np.frombuffer(words, "<u2").astype("<u4") << 16).view("<f4")
    else:
        values = np.frombuffer(words, {"f32": "<f4", "f16": "<f2"}[dtype]).astype("<f4")
    return values.reshape(shape)


def std(scheme):
    """The std that a scheme of fans has where fan_in and fan_out are 1, in f64: the gain."""
    recipe = f"[[tensor]]\nname = 'w'\nshape = [1, 1]\nrole = 'mlp.in'\n[[rule]]\nscheme = {json.dumps(scheme)}\n"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "gain.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(recipe)
        return json.loads(run(["plan", "--recipe", path, "--json"]))["tensors"][0]["std"]
