"""Which tensors `transformers` keeps in float32 in models of 16 bits, against what `seedbed init --dtype` writes.

Needs torch and transformers: `python tests/data/models/dtypes.py target/release/seedbed [FAMILY ..]`. The first tiny
config of each family beside this script is written in bf16 and in f16, loaded by `from_pretrained` in that dtype, and
saved again: every tensor must have the same dtype in both files.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers
from safetensors import safe_open

HERE = Path(__file__).resolve().parent


def dtypes(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_slice(name).get_dtype() for name in file.keys()}


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    binary, *families = sys.argv[1:]
    models = kept = 0
    for family in families or sorted(p.stem for p in HERE.glob("*.json")):
        name, config = next(iter(json.loads((HERE / f"{family}.json").read_text())["tiny"].items()))
        for short, dtype in (("bf16", torch.bfloat16), ("f16", torch.float16)):
            with tempfile.TemporaryDirectory() as folder:
                folder = Path(folder)
                (folder / "source.json").write_text(json.dumps(config))
                command = [binary, "init", folder / "source.json", "-o", folder / "ours", "--seed", "7"]
                command += ["--dtype", short, "--device", "cpu"]
                subprocess.run(command, check=True, capture_output=True)
                cls = getattr(transformers, config["architectures"][0])
                cls.from_pretrained(folder / "ours", dtype=dtype).save_pretrained(folder / "theirs")
                ours, theirs = (dtypes(folder / side / "model.safetensors") for side in ("ours", "theirs"))
                assert ours == theirs, (name, short, set(ours.items()) ^ set(theirs.items()))
                models += 1
                kept += sum(kind == "F32" for kind in ours.values())
    print(f"{models} models, {kept} tensors in float32: the library's dtypes")


if __name__ == "__main__":
    main()
