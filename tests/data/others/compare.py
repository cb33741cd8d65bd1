"""Compares seedbed's laws with the library's own for architectures of `transformers` that seedbed has no recipe for.

Needs torch and transformers: `python tests/data/others/compare.py target/release/seedbed [--write] [NAME ..]`.
Each tiny model beside this script (configs.json) is initialized by the library and saved; `seedbed init --like` makes
its tensors by a general recipe, with the config that stands beside them. Compared are

- norms, biases and zero rows: the very values, none may be wrong, where the recipe's law for them is a constant;
- every other tensor: the library's values against the law that seedbed names, by the Kolmogorov-Smirnov distance, or
  the very value of a constant. What differs must be said: `seedbed plan --only` of these tensors must print a warning.

A control goes with each comparison: the same test must reject a uniform law in place of a normal one, and the other way
round, of the same mean and std. Tensors that differ by the numbers in their names are one sample. `--write` writes the
table into docs/recipes.md, between its markers.
"""

import json
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[2] / "docs/recipes.md"
MARKS = ("<!-- compare.py: begin -->\n", "<!-- compare.py: end -->\n")
RECIPES = ("llama", "torch-default")
SEED = 20240607
# Where a right law is refused in one of 10^6 cases.
ALPHA = 1e-6
# A sample of fewer values does not tell a uniform law from a normal one.
ENOUGH = 4000


def library(config, folder):
    """Saves a model as the library initializes it: its tensors."""
    cls = getattr(transformers, config["architectures"][0])
    fields = {k: v for k, v in config.items() if k not in ("architectures", "model_type")}
    parsed = transformers.AutoConfig.for_model(config["model_type"], **fields)
    torch.manual_seed(SEED)
    cls(parsed).float().save_pretrained(folder)
    return {n: t.double().numpy() for n, t in load_file(folder / "model.safetensors").items()}


def run(binary, *arguments):
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def ours(binary, folder, recipes, out):
    """The rows of the plan, the tensors that are made, and what is said; or the error."""
    arguments = ["--like", folder, "--recipe", recipes, "--seed", 7]
    code, rows, said = run(binary, "plan", *arguments, "--json")
    if code:
        return None, None, said
    code, _, error = run(binary, "init", *arguments, "-o", out, "--device", "cpu", "--force")
    assert code == 0, error
    tensors = {n: t.double().numpy() for n, t in load_file(out / "model.safetensors").items()}
    return {row["name"]: row for row in json.loads(rows)["tensors"]}, tensors, said


def accept(binary, folder, recipe, out):
    """The same, with the lines of TOML that an error prints where tensors are not known."""
    rows, tensors, said = ours(binary, folder, recipe, out)
    unknown = 0
    if rows is None and "[[r" in said:
        lines = said[said.index("[[r") :].splitlines()
        toml = "\n".join(line for line in lines if not line.startswith(("note", "error", "warning")))
        unknown = toml.count("name =")
        path = out.parent / "settled.toml"
        path.write_text(toml + "\n")
        rows, tensors, said = ours(binary, folder, f"{path},{recipe}", out)
        recipe = f"{path},{recipe}"
    return rows, tensors, said, unknown, recipe


def kind(name):
    return re.sub(r"(?<![^.])\d+(?![^.])", "*", name)


def distance(values, cdf):
    """The Kolmogorov-Smirnov distance of a sample from a law, as sqrt(n) D."""
    values = np.sort(values)
    n, expected = len(values), cdf(values)
    steps = np.arange(1, n + 1) / n
    return math.sqrt(n) * max((steps - expected).max(), (expected - (steps - 1 / n)).max())


def normal(mean, std):
    erf = np.vectorize(math.erf)
    return lambda x: (1 + erf((x - mean) / (std * math.sqrt(2)))) / 2


def uniform(mean, std):
    half = std * math.sqrt(3)
    return lambda x: np.clip((x - mean + half) / (2 * half), 0, 1)


def is_law(values, row):
    """Whether values may be drawn by a row's law: None where the sample cannot tell."""
    law = row["scheme"].partition("(")[0]
    if values.min() == values.max():
        return bool(row["std"] == 0 and abs(row["mean"] - values[0]) <= 1e-6 * max(1, abs(values[0])))
    mean, std = row["mean"], row["std"]
    if std == 0:
        return False
    limit = math.sqrt(math.log(2 / ALPHA) / 2)
    # A normal law reaches beyond six stds, a uniform one ends at sqrt(3); no other law is tried.
    reach = (row["max"] - mean) / std
    if reach < 1.8 and "uniform" in law or law.startswith("torch_") and reach < 1.8:
        cdf, other = uniform, normal
    elif reach > 5:
        cdf, other = normal, uniform
    else:
        return False
    if distance(values, cdf(mean, std)) > limit:
        return False
    # The control.
    if len(values) < ENOUGH:
        return None
    assert distance(values, other(mean, std)) > limit, ("the control passed", row["name"])
    return True


def zero_rows(values):
    return np.flatnonzero((values.reshape(len(values), -1) == 0).all(1)).tolist() if values.ndim > 1 else []


def compare(binary, name, config, recipe, folder):
    theirs = library(config, folder / "theirs")
    rows, made, said, unknown, recipe = accept(binary, folder / "theirs", recipe, folder / "ours")
    assert rows is not None, (name, said)
    count = dict(tensors=0, same=0, few=0, differ=0, wrong=0, unknown=unknown)
    wrong, silent, samples = [], [], {}
    for tensor, values in theirs.items():
        row = rows.get(tensor)
        if row is None:
            # Not a weight: what the plan leaves out or copies, it says.
            continue
        count["tensors"] += 1
        mine = made[tensor]
        is_vector = row["role"].startswith("norm") or row["role"] in ("bias", "router.bias", "bias.attention")
        if zero_rows(values) != zero_rows(mine) and not is_vector and values.ndim == 2:
            if not (values == 0).all() and not (mine == 0).all():
                wrong.append((tensor, "zero rows", zero_rows(values), zero_rows(mine)))
        # A recipe may have a law of its own for biases, as torch-default: that is a difference, which must be said.
        if is_vector and values.min() == values.max() and row["std"] == 0:
            if not np.array_equal(values, mine):
                wrong.append((tensor, "values", values.flat[0], mine.flat[0]))
            continue
        rest = np.delete(values, zero_rows(values), 0) if values.ndim > 1 and not (values == 0).all() else values
        key = (kind(tensor), row["law"])
        samples.setdefault(key, (row, []))[1].append((tensor, rest.ravel()))
    for (pattern, _), (row, parts) in samples.items():
        verdict = is_law(np.concatenate([values for _, values in parts]), row)
        if verdict is not False:
            count["same" if verdict else "few"] += len(parts)
            continue
        count["differ"] += len(parts)
        for tensor, _ in parts[:1]:
            code, _, said = run(binary, "plan", "--like", folder / "theirs", "--recipe", recipe, "--only", tensor)
            if f"warning: {tensor}" not in said:
                silent.append((tensor, row["law"], said))
    count["wrong"] = len(wrong)
    assert not wrong, (name, recipe, wrong)
    assert not silent, (name, recipe, silent)
    return count


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    binary, *names = [a for a in sys.argv[1:] if not a.startswith("--")]
    configs = json.loads((HERE / "configs.json").read_text())
    lines = [
        "| model_type | recipe | tensors | as the library draws | too few values to tell | differ, each said | norms, "
        "biases, padding rows wrong | settled by the printed TOML |\n",
        "|---|---|---|---|---|---|---|---|\n",
    ]
    failed = 0
    for name, config in configs.items():
        if names and name not in names:
            continue
        for recipe in RECIPES:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    c = compare(binary, name, config, recipe, Path(folder))
                except AssertionError as error:
                    failed += 1
                    print(f"{name} {recipe}: {str(error)[:1500]}", file=sys.stderr)
                    continue
            fixed = c["tensors"] - c["same"] - c["few"] - c["differ"]
            lines.append(
                f"| `{name}` | `{recipe}` | {c['tensors']} | {c['same'] + fixed} | {c['few']} | {c['differ']} | "
                f"{c['wrong']} | {c['unknown']} |\n"
            )
    print("".join(lines))
    if "--write" in sys.argv and not failed:
        text = PAGE.read_text()
        before, rest = text.split(MARKS[0])
        _, after = rest.split(MARKS[1])
        PAGE.write_text(before + MARKS[0] + "".join(lines) + MARKS[1] + after)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
