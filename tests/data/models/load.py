"""Loads what `seedbed init` writes with `transformers`: no missing, unexpected or mismatched key, and the very values.

Needs torch and transformers: `python tests/data/models/load.py target/release/seedbed [FAMILY ..]`, every family where
none is named. Each tiny config beside this script is written by the binary and loaded by `from_pretrained`.
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
# transformers does not know this name; the checkpoints bring code of their own.
COPIES = {"kimi_k2": "deepseek_v3"}


def check(binary, name, config, folder):
    source, out = folder / "source.json", folder / name
    config = {**config, "model_type": COPIES.get(config["model_type"], config["model_type"])}
    source.write_text(json.dumps(config))
    command = [binary, "init", source, "-o", out, "--seed", "7", "--device", "cpu"]
    subprocess.run(command, check=True, capture_output=True)
    cls = getattr(transformers, config["architectures"][0])
    model, info = cls.from_pretrained(out, output_loading_info=True)
    faults = {key: value for key, value in info.items() if value}
    assert not faults, (name, faults)
    # Saved again, the tensors are those of the file: nothing was drawn anew.
    model.save_pretrained(folder / "again")
    first, again = out / "model.safetensors", folder / "again/model.safetensors"
    with safe_open(first, "pt") as ours, safe_open(again, "pt") as theirs:
        assert set(ours.keys()) == set(theirs.keys()), (name, set(ours.keys()) ^ set(theirs.keys()))
        for key in ours.keys():
            a, b = ours.get_tensor(key), theirs.get_tensor(key)
            a, b = a.float(), b.float()
            if config.get("rescale_prenorm_residual") and key.endswith("mixer.out_proj.weight"):
                # transformers 5.23 divides these once more on every load, its own checkpoints' too.
                a = a / config["num_hidden_layers"] ** 0.5
            assert a.shape == b.shape and torch.equal(a, b), (name, key)
        return len(ours.keys())


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    binary, *families = sys.argv[1:]
    models = tensors = 0
    for family in families or sorted(p.stem for p in HERE.glob("*.json")):
        for name, config in json.loads((HERE / f"{family}.json").read_text())["tiny"].items():
            with tempfile.TemporaryDirectory() as folder:
                tensors += check(binary, name, config, Path(folder))
                models += 1
    print(f"{models} models, {tensors} tensors: every key found, every value as written")


if __name__ == "__main__":
    main()
