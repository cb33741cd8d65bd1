"""Writes three models of torchvision by the recipe torch-default, and trains them for one step: they must be alive.

Needs torch and torchvision: `python tests/data/vision/alive.py target/release/seedbed`. For mobilenet_v2, vgg11_bn and
convnext_tiny, `seedbed init --like FILE --recipe torch-default` makes the weights from a file with the model's names,
shapes and dtypes. The library loads them, strictly; logits must be finite and differ from input to input, and the
gradient of a cross-entropy must have an element that is not 0 in every parameter: with batch statistics, and with the
running ones.

The control: the same weights with every norm 0, as a norm that is taken for a bias would be, must fail.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # no cache beside the data

import header
import torch
import torchvision
from safetensors.torch import load_file

# With what docs/recipes.md sets for each.
MODELS = {"mobilenet_v2": [], "vgg11_bn": [], "convnext_tiny": ["layer_scale=1e-6"]}
NORMS = (torch.nn.modules.batchnorm._BatchNorm, torch.nn.LayerNorm)


def made(binary, folder, model, settings):
    """The weights that seedbed writes for a model."""
    like, out = folder / "like.safetensors", folder / "made"
    header.write(like, {k: (header.NAMES[str(t.dtype)], list(t.shape)) for k, t in model.state_dict().items()})
    command = [binary, "init", "--like", like, "--recipe", "torch-default", "-o", out, "--seed", "7", "--force"]
    subprocess.run([*command, "--device", "cpu", *(a for s in settings for a in ("--set", s))], check=True,
        capture_output=True)
    return load_file(out / "model.safetensors")


def faults(model, train):
    """What is dead in a model: nothing, if it is alive."""
    torch.manual_seed(3)
    model.train(train).zero_grad()
    logits = model(torch.randn(4, 3, 96, 96))
    torch.nn.functional.cross_entropy(logits, torch.tensor([1, 10, 100, 999])).backward()
    found = [] if bool(logits.isfinite().all()) else ["logits are not finite"]
    if bool((logits == logits[0]).all()):
        found.append("logits do not depend on the input")
    dead = [name for name, p in model.named_parameters() if p.grad is None or not bool(p.grad.isfinite().all())
        or not bool(p.grad.any())]
    return found + [f"no gradient in {name}" for name in dead]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=Path, help="seedbed")
    args = parser.parse_args()
    torch.set_num_threads(1)
    wrong = False
    for name, settings in MODELS.items():
        model = torchvision.models.get_model(name, weights=None)
        with tempfile.TemporaryDirectory() as folder:
            weights = made(args.binary.resolve(), Path(folder), model, settings)
        model.load_state_dict(weights)
        for train in (True, False):
            found = faults(model, train)
            wrong |= bool(found)
            statistics = "batch" if train else "running"
            print(f"{name}, {statistics} statistics: {'; '.join(found[:5]) or 'alive'}")
        model.load_state_dict(weights)
        for module in model.modules():
            if isinstance(module, NORMS):
                torch.nn.init.zeros_(module.weight)
        control = [len(faults(model, train)) for train in (True, False)]
        wrong |= 0 in control
        print(f"{name}, control of norms 0: {control[0]} and {control[1]} faults found")
    sys.exit(int(wrong))


if __name__ == "__main__":
    main()
