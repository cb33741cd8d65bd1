"""Writes tests/data/fixtures/models/*.json: what `transformers` itself makes of a config.json.

Needs torch and transformers: `python tests/data/models/make.py [--new] [FAMILY ..]`, every family where none is named.
`--new` leaves fixtures that are there as they are.

The configs stand beside this script, a file a family: `published` ones are planned only, `tiny` ones are initialized.
`<name>.json`: a published config, and the names and shapes that save_pretrained would write, from a model on the meta
device, with the names that are tied to them. Names that differ by numbers alone are written once, the numbers as
`{0-59}` or `{0-2,5}`: every combination of them is meant.
`law-<name>.json`: a tiny config, initialized for real with a fixed seed and saved with save_pretrained; for each saved
tensor its shape and its sample moments. The tiny models also prove how the first kind is made: it must give what
save_pretrained wrote.
"""

import itertools
import json
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parent.parent))  # patterns

import patterns
import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoConfig

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "fixtures/models"
SEED = 20240607
# Configs that name code of their own, which is a copy of a family of transformers.
COPIES = {"kimi_k2": "deepseek_v3"}


def parse(config):
    """The config as from_pretrained reads it, and the class that `architectures` names."""
    known = {**config, "model_type": COPIES.get(config["model_type"], config["model_type"])}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(known))
        return AutoConfig.from_pretrained(folder), getattr(transformers, config["architectures"][0])


def names_and_shapes(config):
    """What save_pretrained would write, without the memory, and the ties: {name: stored name}."""
    parsed, cls = parse(config)
    with torch.device("meta"):
        model = cls(parsed)
    ties = dict(model.all_tied_weights_keys)
    state = {name: t for name, t in model.state_dict().items() if name not in ties}
    ties = {stored_name(model, name): stored_name(model, stored) for name, stored in ties.items()}
    state = revert_conversion(model, state)
    return {name: list(t.shape) for name, t in state.items()}, ties


def stored_name(model, name):
    """A name of the model as the checkpoint has it."""
    return next(iter(revert_conversion(model, {name: model.state_dict()[name]})))


def revert_conversion(model, state):
    """The names of the checkpoint, where transformers 5 keeps tensors otherwise in memory: experts one by one."""
    from transformers.core_model_loading import revert_weight_conversion

    return revert_weight_conversion(model, state)


def saved(config):
    """The tensors of a real save_pretrained."""
    parsed, cls = parse(config)
    torch.manual_seed(SEED)
    model = cls(parsed).float()
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return {name: t.double() for name, t in load_file(Path(folder) / "model.safetensors").items()}


def moments(t):
    """Mean, std and range over the rows that are not zero, with the number of values they are taken over."""
    row = {"shape": list(t.shape)}
    if bool((t == t.flatten()[0]).all()):
        return {**row, "constant": float(t.flatten()[0])}
    zero = (t.flatten(1) == 0).all(1) if t.dim() > 1 else torch.zeros(len(t), dtype=torch.bool)
    rest = t[~zero]
    row |= {"count": rest.numel(), "mean": float(rest.mean()), "std": float(rest.std())}
    row |= {"min": float(rest.min()), "max": float(rest.max())}
    if t.dim() == 2 and bool((t == t[0]).all()) or t.dim() == 1 and len(t) <= 64:
        row["values"] = t.reshape(-1)[: t.shape[-1]].tolist()
    return {**row, "zero_rows": zero.nonzero().flatten().tolist()}


def collapse(tensors):
    """{name pattern: shape}, where every combination of the numbers in the braces is a name of that shape."""
    groups = {}
    for name, shape in tensors.items():
        parts = re.split(r"(?<![^.])(\d+)(?![^.])", name)
        groups.setdefault((tuple(parts[::2]), tuple(shape)), []).append(tuple(int(i) for i in parts[1::2]))
    rows = {}
    for (texts, shape), indices in groups.items():
        for axes in patterns.boxes(sorted(indices)):
            numbers = ["{" + patterns.ranges(axis) + "}" for axis in axes]
            pattern = "".join(itertools.chain.from_iterable(itertools.zip_longest(texts, numbers, fillvalue="")))
            rows[pattern] = list(shape)
    assert sum(1 for _ in patterns.expand(rows)) == len(tensors)
    return rows


def write(name, fixture):
    fixture = {"transformers": transformers.__version__, **fixture}
    (OUT / f"{name}.json").write_text(json.dumps(fixture, separators=(",", ":")) + "\n")


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    OUT.mkdir(parents=True, exist_ok=True)
    families = [argument for argument in sys.argv[1:] if argument != "--new"]
    for family in families or sorted(p.stem for p in HERE.glob("*.json")):
        configs = json.loads((HERE / f"{family}.json").read_text())
        if "--new" in sys.argv:
            configs["tiny"] = {n: c for n, c in configs["tiny"].items() if not (OUT / f"law-{n}.json").exists()}
            configs["published"] = {n: c for n, c in configs["published"].items() if not (OUT / f"{n}.json").exists()}
        for name, config in configs["tiny"].items():
            tensors = saved(config)
            expected, ties = names_and_shapes(config)
            shapes = {n: list(t.shape) for n, t in tensors.items()}
            assert shapes == expected, (name, shapes.items() ^ expected.items())
            laws = {n: moments(tensors[n]) for n in expected}
            fixture = {"torch": torch.__version__, "seed": SEED, "config": config, "tensors": laws, "ties": ties}
            write(f"law-{name}", fixture)
        for name, config in configs["published"].items():
            tensors, ties = names_and_shapes(config)
            write(name, {"config": config, "tensors": collapse(tensors), "ties": ties})


if __name__ == "__main__":
    main()
