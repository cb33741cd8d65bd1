"""Writes tests/data/fixtures/vision.json: the tensors of models of torchvision and timm, with their laws.

Needs torch, torchvision and timm: `python tests/data/vision/make.py`; `--zeros DIR` writes for each model a safetensors
file of zeros instead, DIR/GROUP/NAME.safetensors, and beside it the full rows as JSON.

The fixture has for each model, under GROUP/NAME, the tensors of its state_dict, names that share a tensor but once.
The groups `torchvision` and `timm` are the forty models of docs/recipes.md; `others` is more of timm, `layers` torch's
layers. A row is a name, in which numbers in braces stand for every combination of them, and
[shape, class, torch's law, the library's law if it is another one, dtype if it is another one than F32]. Class, laws
and dtype are numbers of the list `words`. `torch's law` is what the owner holds if it is a layer of torch, or derives
from one, before anyone initializes it; null for all else. The class of a buffer has `buffer ` before it. How laws are
written stands in record.py.
"""

import argparse
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # no cache beside the data
sys.path.insert(1, str(Path(__file__).resolve().parent.parent))  # patterns

import header
import models
import patterns
import record
import torch

OUT = Path(__file__).resolve().parent.parent / "fixtures/vision.json"


def rows(build):
    """{name: {shape, dtype, owner, parameter, torch, own}} of a model."""
    torch.manual_seed(1)
    model, own = record.own(build)
    state = model.state_dict()
    shared = {}
    for name, tensor in state.items():
        shared.setdefault(tensor.data_ptr() if tensor.numel() else name, name)
    owners, default = record.owners(model), record.torch_default(model)
    return {
        name: {
            "shape": list(state[name].shape),
            "dtype": header.NAMES[str(state[name].dtype)],
            "class": owners[name][0],
            "kind": "parameter" if owners[name][1] else "buffer",
            "torch": default[name],
            "own": own[name],
        }
        for name in shared.values()
    }


def compact(group, word):
    """The rows of a group's models as the fixture has them."""
    return {name: patterns.collapse(
        {key: tuple(packed(row, word)) for key, row in tensors.items()}) for name, tensors in group.items()}


def packed(row, word):
    owner = row["class"] if row["kind"] == "parameter" else "buffer " + row["class"]
    law = None if row["torch"] is None else word(row["torch"])
    fields = [tuple(row["shape"]), word(owner), law, word(row["own"]) if row["own"] != row["torch"] else None,
        word(row["dtype"]) if row["dtype"] != "F32" else None]
    while len(fields) > 3 and fields[-1] is None:
        fields.pop()
    return fields


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zeros", type=Path, metavar="DIR", help="write files of zeros and full rows there instead")
    parser.add_argument("--group", action="append", help="this group alone; may be given several times")
    args = parser.parse_args()
    torch.set_num_threads(1)
    groups = {group: {name: rows(build) for name, build in made.items()}
        for group, made in models.groups().items() if not args.group or group in args.group}
    if args.zeros:
        for group, made in groups.items():
            (args.zeros / group).mkdir(parents=True, exist_ok=True)
            for name, tensors in made.items():
                path = args.zeros / group / name
                header.write(f"{path}.safetensors", {k: (r["dtype"], r["shape"]) for k, r in tensors.items()})
                Path(f"{path}.json").write_text("{\n" + ",\n".join(
                    f"{json.dumps(k)}: {json.dumps(r)}" for k, r in tensors.items()) + "\n}\n")
        return
    words = {}
    number = lambda text: words.setdefault(text, len(words))  # noqa: E731
    compacted = {group: compact(made, number) for group, made in groups.items()}
    fixture = {"versions": models.versions(), "words": list(words)}
    fixture |= {f"{group}/{name}": tensors for group, made in compacted.items() for name, tensors in made.items()}
    lines = (f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in fixture.items())
    OUT.write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
