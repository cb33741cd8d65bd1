"""Plans the models of tests/data/fixtures/vision.json by torch-default, and prints the table of docs/recipes.md.

`python tests/data/vision/table.py target/release/seedbed`; Python alone, no library. For each model a file with its
names, shapes and dtypes goes to `seedbed plan --like FILE --recipe torch-default --json`. Where tensors are unknown,
the TOML that the error prints goes into a recipe before torch-default's, and the model must be accepted then. With
`--init-below MB` the smaller models are written and verified too.

The law of each parameter is compared with what the layer of torch that holds it has before anyone initializes it; that
of a parameter that no layer of torch holds with the library's own. `--details` lists what is unknown, what differs from
torch's law, and what has another law than the library's own (`other`). `--expected tests/data/vision/expected.tsv` with
every `--group` writes what tests/it/vision holds. The exit code is 1 where a law of torch's layers is another one, a
model is not accepted once the TOML is pasted, a buffer is drawn, or more than 2 % of the tensors of all the models are
unknown.
"""

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

sys.dont_write_bytecode = True  # no cache beside the data
sys.path.insert(1, str(Path(__file__).resolve().parent.parent))  # patterns

import header
import patterns

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures/vision.json"
MOST_UNKNOWN = 0.02
INTEGERS = ("I64", "I32", "BOOL")
PASTED = "pasted.toml"


def models(fixture):
    """{group/name: {tensor: row}} with the fixture's words put in."""
    words = fixture["words"]

    def word(row, i):
        return words[row[i]] if len(row) > i and row[i] is not None else None

    found = {}
    for key, tensors in fixture.items():
        if key in ("versions", "words"):
            continue
        found[key] = {}
        for pattern, row in tensors.items():
            owner, torch = words[row[1]], word(row, 2)
            full = {"shape": row[0], "owner": owner.removeprefix("buffer "), "buffer": owner.startswith("buffer "),
                "torch": torch, "own": word(row, 3) or torch, "dtype": word(row, 4) or "F32"}
            found[key] |= dict.fromkeys(patterns.expand([pattern]), full)
    return found


def seedbed(binary, *args):
    return subprocess.run([binary, *map(str, args)], capture_output=True, text=True, check=False)


def plan(binary, file, recipes, settings):
    """The table of a plan, or the text of the error."""
    args = ["plan", "--like", file, "--json", *(a for r in recipes for a in ("--recipe", r))]
    ran = seedbed(binary, *args, *(a for s in settings for a in ("--set", s)))
    return (json.loads(ran.stdout), "") if ran.returncode == 0 else (None, ran.stderr)


def printed_toml(error):
    """The lines of TOML in an error, with its indentation taken away."""
    lines = [line.strip() for line in error.splitlines()]
    starts = [i for i, line in enumerate(lines) if line.startswith("[[")]
    return "\n".join(lines[starts[0]:]) + "\n" if starts else ""


def settled_by(toml, tensors, table):
    """The tensors that the pasted TOML gives a role or a law: those that were unknown."""
    entries = tomllib.loads(toml).get("role", [])
    globs = [pattern(g) for entry in entries for g in listed(entry["name"])]
    named = {name for name in tensors if any(re.fullmatch(g, name) for g in globs)}
    return sorted(named | {row["name"] for row in table["tensors"] if PASTED in row["rule"]})


def listed(value):
    return value if isinstance(value, list) else [value]


def pattern(glob):
    """A regular expression of a glob: `*` is any text, `{a,b}` either."""
    text = re.escape(glob).replace(r"\*", ".*")
    return re.sub(r"\\\{(.*?)\\\}", lambda m: "(" + m[1].replace(",", "|") + ")", text)


def law(row):
    """The law of a row of the plan, in the fixture's words."""
    text, numbers = row["law"], {key: row[key] for key in ("mean", "std", "min", "max")}
    if text.startswith("constant "):
        return ("constant", numbers["mean"])
    if text.startswith("U("):
        return ("uniform", numbers["min"], numbers["max"])
    if text.startswith("N(") and " on " not in text and "cut" not in text and "[" not in text:
        return ("normal", numbers["mean"], numbers["std"])
    return (text,)


def recorded(text):
    """A law of the fixture. A normal that is cut where no value lies is a normal."""
    if text in ("0", "1"):
        return ("constant", float(text))
    kind, numbers = re.fullmatch(r"(\w+)\((.*)\)", text).groups()
    numbers = [float(n) for n in numbers.split(", ")]
    if kind == "truncated" and min(numbers[0] - numbers[2], numbers[3] - numbers[0]) > 8 * numbers[1]:
        return ("normal", *numbers[:2])
    return (kind, *numbers)


def same(ours, theirs):
    if ours[0] != theirs[0] or len(ours) != len(theirs):
        return False
    return all(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12) for a, b in zip(ours[1:], theirs[1:]))


def check(binary, folder, name, tensors, settings, init_below):
    """One model: {what is counted: names, or a fault as text}."""
    file = folder / "model.safetensors"
    header.write(file, {key: (row["dtype"], row["shape"]) for key, row in tensors.items()})
    found = {"name": name, "tensors": len(tensors), "unknown": [], "differs": [], "other": [], "compared": 0,
        "kept": 0, "alone": 0, "faults": []}
    recipes = ["torch-default"]
    table, error = plan(binary, file, recipes, settings)
    if table is None:
        found["first error"] = error
        toml = printed_toml(error)
        count = re.search(r"(\d+) of \d+ tensors?", error)
        if not toml or not count:
            found["faults"].append(f"no TOML: {error.strip().splitlines()[0][:200]}")
            return found
        (folder / PASTED).write_text(toml)
        recipes = [folder / PASTED, "torch-default"]
        table, error = plan(binary, file, recipes, settings)
        if table is None:
            found["faults"].append(f"refused after the paste: {error.strip().splitlines()[0][:200]}")
            return found
        found["unknown"] = settled_by(toml, tensors, table)
        if len(found["unknown"]) != int(count[1]):
            found["faults"].append(f"{count[1]} unknown, {len(found['unknown'])} settled by the TOML")
    rows = {row["name"]: row for row in table["tensors"]}
    for key, row in tensors.items():
        ours = rows.get(key)
        if row["buffer"]:
            ok = ours is None if row["dtype"] in INTEGERS else ours is None or not row["torch"] or \
                same(law(ours), recorded(row["torch"]))
            if not ok:
                found["faults"].append(f"{key} is a buffer, and has the law {ours['law']}")
            continue
        if key in found["unknown"]:
            continue
        if ours is None:
            found["faults"].append(f"{key} is left out")
        elif row["torch"]:
            found["compared"] += 1
            found["kept"] += row["own"] == row["torch"]
            if not same(law(ours), recorded(row["torch"])):
                found["differs"].append((key, row, ours))
        else:
            found["alone"] += 1
            if row["own"].startswith("measured") or not same(law(ours), recorded(row["own"])):
                found["other"].append((key, row, ours))
    size = sum(header.BYTES[row["dtype"]] * math.prod(row["shape"]) for row in tensors.values())
    if size < init_below * 1e6:
        found["faults"] += made(binary, folder, file, recipes, settings, tensors)
    return found


def made(binary, folder, file, recipes, settings, tensors):
    """What is wrong with a model that was written: it must verify, and have the tensors, integers zero."""
    out = folder / "made"
    args = ["init", "--like", file, "-o", out, "--force", "--device", "cpu"]
    args += [a for r in recipes for a in ("--recipe", r)] + [a for s in settings for a in ("--set", s)]
    ran = seedbed(binary, *args)
    if ran.returncode:
        return [f"init: {ran.stderr.strip().splitlines()[-1][:200]}"]
    ran = seedbed(binary, "verify", out, "--device", "cpu")
    if ran.returncode not in (0, 3):
        return [f"verify: {ran.stderr.strip().splitlines()[-1][:200]}"]
    data = (out / "model.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    theirs = json.loads(data[8 : 8 + size])
    faults = []
    for key, row in tensors.items():
        if key not in theirs:
            faults.append(f"{key} is not in the file")
            continue
        entry = theirs[key]
        if (entry["dtype"], entry["shape"]) != (row["dtype"], row["shape"]):
            faults.append(f"{key} is {entry['dtype']} {entry['shape']} in the file")
        first, last = (8 + size + n for n in entry["data_offsets"])
        if row["dtype"] in INTEGERS and any(data[first:last]):
            faults.append(f"{key} is not zero in the file")
    return faults


def markdown(found, versions):
    """The table, a line for each model."""
    heads = ["model", "tensors", "unknown", "accepted", "laws of torch's layers", "differ", "kept by the library",
        "other parameters", "not as the library"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    counts = ("tensors", "unknown", "compared", "differs", "kept", "alone", "other")
    total = dict.fromkeys(counts, 0)
    for model in found:
        accepted = "no" if model["faults"] else "once pasted" if model["unknown"] else "yes"
        own = {key: model[key] if isinstance(model[key], int) else len(model[key]) for key in counts}
        total = {key: total[key] + own[key] for key in counts}
        lines.append(line(f"`{model['name'].split('/')[1]}`", accepted, own))
    accepted = sum(not model["faults"] for model in found)
    lines.append(line(f"{len(found)} models", str(accepted), total))
    lines += ["", ", ".join(f"{key} {value}" for key, value in versions.items())]
    return "\n".join(lines)


def line(name, accepted, counts):
    tensors, unknown, *rest = (f"{count:,}" for count in counts.values())
    return "| " + " | ".join([name, tensors, unknown, accepted, *rest]) + " |"


def expectations(found):
    """The lines of expected.tsv: the tensors that are unknown, that differ, and that are told otherwise."""
    lines = []
    for model in found:
        for kind in ("differs", "other", "unknown"):
            names = [entry if kind == "unknown" else entry[0] for entry in model[kind]]
            collapsed = patterns.collapse(dict.fromkeys(names, ()))
            lines += [f"{kind}\t{model['name']}\t{pattern}\n" for pattern in collapsed]
    return "".join(lines)


def details(model):
    """What is unknown and what differs, names collapsed."""
    lines = []
    if model["unknown"]:
        lines += ["unknown: " + p for p in patterns.collapse(dict.fromkeys(model["unknown"], ()))]
    for what in ("differs", "other"):
        rows = {key: (row["owner"], tuple(row["shape"]), row["torch"] or row["own"], ours["law"], ours["role"])
            for key, row, ours in model[what]}
        lines += [f"{what}: {key}: {value}" for key, value in patterns.collapse(rows).items()]
    return lines + [f"fault: {fault}" for fault in model["faults"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=Path, help="seedbed")
    parser.add_argument("--group", action="append", help="torchvision and timm where none is given; others, layers")
    parser.add_argument("--model", action="append", help="these models alone")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="handed on to seedbed")
    parser.add_argument("--init-below", type=float, default=0, metavar="MB", help="also write models below this size")
    parser.add_argument("--details", action="store_true", help="list what is unknown and what differs")
    parser.add_argument("--expected", type=Path, metavar="FILE", help="write what tests/it/vision expects there")
    args = parser.parse_args()
    fixture = json.loads(FIXTURE.read_text())
    wanted = args.group or ["torchvision", "timm"]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, tensors in models(fixture).items():
            group, model = name.split("/")
            if group in wanted and (not args.model or model in args.model):
                found.append(check(args.binary.resolve(), Path(folder), name, tensors, args.set, args.init_below))
    if args.expected:
        args.expected.write_text(expectations(found))
    if args.details:
        for model in found:
            print(f"{model['name']}:", *details(model), sep="\n    ")
    print(markdown(found, fixture["versions"]))
    unknown, tensors = sum(len(m["unknown"]) for m in found), sum(m["tensors"] for m in found)
    print(f"\n{unknown} of {tensors:,} tensors are unknown: {unknown / tensors:.2%}")
    wrong = any(m["faults"] or m["differs"] for m in found)
    sys.exit(int(wrong or unknown > MOST_UNKNOWN * tensors))


if __name__ == "__main__":
    main()
