"""Writes src/model/traits.json: what `transformers` does in each of its model types that no shape and no name tells.

Needs torch and transformers: `python tests/data/models/traits.py [--check] [MODEL_TYPE ..]`. Every model type is built
on the meta device from the defaults of its config, and its initialization is recorded call by call (recorder.py).
`--check` compares with the committed file and writes nothing; where types are named, their rows are printed. `--part
I/N` makes every Nth row and prints it, for several processes at once; `--join FILE ..` writes the table of what they
have printed. `--page` writes the table in docs/recipes.md, between its markers, from the committed file; the library is
not needed.

A row has, as far as there is something to say:
  std       the field of the config whose value is the std of matrices and embeddings; `std_default` where it is absent,
            alone where the code has a number
  offset    norms that multiply by 1 + weight: their weights begin at 0, and the code of the module adds the 1
  pad       {field: embeddings whose row of that number is zero}; `pad_default` are the fields' defaults, where not null
  rows      rows that are zero whatever the config says: {pattern: row}
  float32   tensors that stay float32 in a model of bfloat16 or float16; `float32_half`: in one of float16 alone
  special   {pattern: law} of every other tensor whose law is neither N(0, std), nor a norm's 1, nor a bias's 0
A pattern is the end of a name in the checkpoint, `*` a number in it; with `^` before it, it is the whole name. A type
that cannot be built has `error` alone.
"""

import inspect
import json
import re
import signal
import sys
from collections import Counter
from pathlib import Path

import torch
from recorder import record

HERE = Path(__file__).resolve().parent
TABLE = HERE.parents[2] / "src/model/traits.json"
PAGE = HERE.parents[2] / "docs/recipes.md"
MARKS = ("<!-- traits.py: begin -->\n", "<!-- traits.py: end -->\n")
PAD = 5
SECONDS = 240
LAYERS, EXPERTS = 4, 8
# Fields that may scale an initialization.
# Fields that add parameters.
OPTIONS = re.compile(r"^use_.*(bias|position|mask_token)|relative_attention$")
SCALES = re.compile(r"init|layer_?scale|_std$|std_")
# The kinds of classes that are built beside the base model, the first two that a type has.
KINDS = (
    "MODEL", "FOR_CAUSAL_LM", "FOR_SEQ_TO_SEQ_CAUSAL_LM", "FOR_MASKED_LM", "FOR_IMAGE_TEXT_TO_TEXT",
    "FOR_MULTIMODAL_LM", "FOR_SPEECH_SEQ_2_SEQ", "FOR_CTC", "FOR_PRETRAINING", "FOR_IMAGE_CLASSIFICATION",
    "FOR_ZERO_SHOT_IMAGE_CLASSIFICATION", "FOR_OBJECT_DETECTION", "FOR_SEMANTIC_SEGMENTATION",
    "FOR_SEQUENCE_CLASSIFICATION", "FOR_TOKEN_CLASSIFICATION", "FOR_QUESTION_ANSWERING", "FOR_AUDIO_CLASSIFICATION",
)


def classes_of(model_type):
    from transformers.models.auto import modeling_auto

    found = []
    for kind in KINDS:
        name = "MODEL_MAPPING_NAMES" if kind == "MODEL" else f"MODEL_{kind}_MAPPING_NAMES"
        names = getattr(modeling_auto, name).get(model_type, ())
        for cls in [names] if isinstance(names, str) else names:
            if cls not in found:
                found.append(cls)
    return found[:3]


def value_of(config, name):
    """A field, where it is one for all layers."""
    try:
        return getattr(config, name, None)
    except Exception:
        return None


def inner_configs(config, path=""):
    yield path, config
    for name in getattr(config, "sub_configs", {}):
        inner = value_of(config, name)
        if inner is not None and not isinstance(inner, dict):
            yield from inner_configs(inner, f"{path}{name}.")


def small_config(model_type):
    """The config of a type with few layers and few experts, whose other fields are the defaults."""
    from transformers import AutoConfig

    default = AutoConfig.for_model(model_type)

    def fewer(config):
        fields = {}
        for name in ("num_hidden_layers", "encoder_layers", "decoder_layers", "num_layers", "n_layer", "n_layers"):
            if isinstance(value_of(config, name), int) and value_of(config, name) > LAYERS:
                fields[name] = LAYERS
        for name in ("num_experts", "num_local_experts", "n_routed_experts"):
            if isinstance(value_of(config, name), int) and value_of(config, name) > EXPERTS:
                fields[name] = EXPERTS
        if "num_key_value_heads" in vars(config) and config.num_key_value_heads is None:
            fields["num_key_value_heads"] = config.num_attention_heads
        for name in getattr(config, "sub_configs", {}):
            inner = value_of(config, name)
            if inner is not None and not isinstance(inner, dict) and inner.model_type:
                fields[name] = {"model_type": inner.model_type, **fewer(inner)}
        return fields

    fields = fewer(default)
    for chosen in (fields, {n: v for n, v in fields.items() if "experts" not in n}):
        try:
            return AutoConfig.for_model(model_type, **chosen)
        except Exception:
            pass
    return default


def with_options(model_type):
    """The small config with parameters that the defaults leave out, where there are such options."""
    config, found = small_config(model_type), False
    for _, inner in inner_configs(config):
        for name in vars(inner):
            if OPTIONS.search(name) and value_of(inner, name) is False:
                setattr(inner, name, True)
                found = True
    return config if found else None


def marked(config):
    """Gives the fields that scale an initialization values of their own: {value: path}."""
    values = {}
    for path, inner in inner_configs(config):
        for name in sorted(vars(inner)):
            if isinstance(value_of(inner, name), float) and SCALES.search(name):
                value = 0.0101 + 0.0002 * len(values)
                setattr(inner, name, value)
                values[value] = path + name
    return values


def padded(config):
    """Gives every `pad_token_id` a value of its own: {value: path}."""
    rows = {}
    for path, inner in inner_configs(config):
        if "pad_token_id" in vars(inner):
            inner.pad_token_id = PAD + len(rows)
            rows[inner.pad_token_id] = path + "pad_token_id"
    return rows


def saved_names(model, state):
    """{name in memory: names in the checkpoint}, one name for all that differ by numbers alone."""
    from transformers.core_model_loading import revert_weight_conversion

    names, first = {}, {}
    for name in state:
        first.setdefault(re.sub(r"(?<![^.])\d+(?![^.])", "*", name), name)
    for kind, name in first.items():
        try:
            saved = list(revert_weight_conversion(model, {name: state[name]}))
        except Exception:
            saved = [name]
        names[kind] = [re.sub(r"(?<![^.])\d+(?![^.])", "*", saved) for saved in saved]
    return names


def adds_one(module):
    try:
        source = inspect.getsource(type(module))
    except (OSError, TypeError):
        return False
    return bool(re.search(r"\b1(\.0)? ?\+ ?\(?self\.weight|self\.weight(\.\w+\(\))* ?\+ ?1\b", source))


def look(recorder, cls, config):
    """[(name in the checkpoint, kind, law, zero rows, norm of 1 + weight)] for one class, and its float32 tensors."""
    from transformers import initialization as init
    from transformers.core_model_loading import build_glob_alternation

    recorder.clear()
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("meta"), init.no_tie_weights():
            model = cls(config)
        model.initialize_weights()
    finally:
        torch.set_default_dtype(default)
    state = model.state_dict()
    ties = set(model.all_tied_weights_keys)
    modules = dict(model.named_modules())
    names = saved_names(model, {n: t for n, t in state.items() if n not in ties})
    kept = {}
    for key, dtype in (("float32", torch.bfloat16), ("float32_half", torch.float16)):
        plan = model._get_dtype_plan(dtype)
        kept[key] = build_glob_alternation(list(plan))[0] if plan else None
    rows, seen = [], set()
    for name, tensor in state.items():
        kind = re.sub(r"(?<![^.])\d+(?![^.])", "*", name)
        if name in ties:
            continue
        law, zero = recorder.law(tensor)
        module = modules[name.rpartition(".")[0]]
        is_norm = "Norm" in type(module).__name__ and tensor.dim() == 1
        f32 = "float32" if tensor.dtype == torch.float32 or kept["float32"] and kept["float32"].search(name) else ""
        if not f32 and kept["float32_half"] and kept["float32_half"].search(name):
            f32 = "float32_half"
        if not tensor.dtype.is_floating_point:
            continue
        row = (kind, law, tuple(zero), is_norm, is_norm and adds_one(module), f32, tensor.dim())
        if row in seen:
            continue
        seen.add(row)
        rows += [(saved, *row[1:]) for saved in names.get(kind, [kind])]
    return rows


def shown(law, marks):
    """A law in words: with the field that it goes by, or without numbers, which may depend on other fields."""
    def field(x):
        return next((path for value, path in marks.items() if abs(x - value) < 1e-9 * value), None)

    match law:
        case ("normal", mean, std):
            std = f"std={field(std)}" if field(std) else "a std of its own"
            return f"normal({std})" if mean == 0 else f"normal(mean={mean:g}, {std})"
        case ("uniform", lo, hi):
            return "uniform(lo=0, hi=1)" if (lo, hi) == (0, 1) else "uniform(bounds of its own)"
        case ("truncated_normal", mean, std, lo, hi):
            std_text = f"std={field(std)}" if field(std) else "a std of its own"
            # Bounds that no value reaches.
            return f"normal({std_text})" if lo < mean - 9 * std else f"truncated_normal({std_text})"
        case ("constant", value) if value is not None:
            return f"constant({field(value) or format(value, '.6g')})"
        case None:
            return "no law: the memory as it was"
        case ("computed", *_) | ("parts",) | ("constant", None):
            return "values of its own"
        case (other, *_):
            return other


def patterns(chosen, all_names):
    """The shortest ends of these names that no other name has."""
    chosen, others = set(chosen), set(all_names) - set(chosen)
    found = []
    for name in sorted(chosen, key=lambda n: (n.count("."), n)):
        parts = name.split(".")
        if any(ends(name, p) for p in found):
            continue
        for n in range(1, len(parts) + 1):
            pattern = ".".join(parts[-n:])
            if pattern.strip("*.") and not any(ends(other, pattern) for other in others):
                break
        else:
            pattern = f"^{name}"
        found.append(pattern)
    return sorted(set(found))


def ends(name, pattern):
    return f"^{name}" == pattern or name == pattern or name.endswith("." + pattern)


def row_of(recorder, model_type):
    import transformers
    from transformers import AutoConfig

    classes = classes_of(model_type)
    if not classes:
        return None
    seen, row = {}, {}
    marks, pads, fields, errors = {}, {}, {}, []
    for name in classes:
        cls = getattr(transformers, name, None)
        if cls is None:
            continue
        # Of tensors with one name, the first counts; of configs, the one without options; of classes, the first.
        own = {}
        for make in (with_options, small_config, AutoConfig.for_model):
            try:
                config = make(model_type)
                if config is None:
                    continue
                fields |= {p + n: value_of(c, n) for p, c in inner_configs(config) for n in vars(c)}
                marks, pads = marked(config), padded(config)
                first = {}
                for saved, *facts in look(recorder, cls, config):
                    first.setdefault(saved, facts)
                own |= first
                if make is not with_options:
                    break
            except Timeout:
                raise
            except Exception as error:
                errors.append(f"{name}: {type(error).__name__}: {error}".split("\n")[0][:160])
        seen |= {saved: facts for saved, facts in own.items() if saved not in seen}
    if not seen:
        return {"error": errors[0] if errors else "no class"}
    # The std of most matrices, where it is a field's value or a round number that the code has.
    count = Counter(law[2] for law, _, _, _, _, rank in seen.values() if law and law[0] == "normal" and rank > 1)
    std = count.most_common(1)[0][0] if count else None
    if std is not None:
        path = next((p for value, p in marks.items() if abs(std - value) < 1e-9), None)
        if path:
            row |= {"std": path, "std_default": fields[path]}
        elif abs(std - round(std, 3)) < 1e-12:
            row["std_default"] = std
        else:
            std = None
    groups = {"offset": set(), "float32": set(), "float32_half": set()}
    padding = {}
    rows, special = {}, {}
    for saved, (law, zero, is_norm, adds, f32, rank) in seen.items():
        if f32:
            groups[f32].add(saved)
        for at in zero:
            if at in pads:
                padding.setdefault(pads[at], set()).add(saved)
            else:
                rows.setdefault(at, set()).add(saved)
        text = shown(law, marks)
        is_zero, is_one = text == "constant(0)", text == "constant(1)"
        if is_norm and adds and is_zero and saved.endswith("weight"):
            groups["offset"].add(saved)
        elif is_norm and is_zero and saved.endswith(("bias", "running_mean")):
            pass
        elif is_norm and is_one and not saved.endswith("bias"):
            pass
        elif rank <= 1 and "bias" in saved.rpartition(".")[2] and is_zero:
            pass
        elif rank > 1 and law and law[0] == "normal" and law[1] == 0 and law[2] == std:
            pass
        else:
            special.setdefault(text, set()).add(saved)
    for key, names in groups.items():
        if names:
            row[key] = patterns(names, seen)
    if padding:
        row["pad"] = {path: patterns(names, seen) for path, names in sorted(padding.items())}
        defaults = {path: fields[path] for path in sorted(padding) if fields[path] is not None}
        row |= {"pad_default": defaults} if defaults else {}
    if rows:
        row["rows"] = {p: at for at, names in sorted(rows.items()) for p in patterns(names, seen)}
    if special:
        row["special"] = {p: text for text, names in special.items() for p in patterns(names, seen)}
        row["special"] = dict(sorted(row["special"].items()))
    return row


def text_of(about, table):
    lines = [f"{json.dumps(name)}: {json.dumps(row)}" for name, row in table.items()]
    return '{"about": ' + json.dumps(about) + ',\n"types": {\n' + ",\n".join(lines) + "\n}}\n"


class Timeout(Exception):
    pass


def expire(*_):
    raise Timeout


def write_page(table):
    types = table["types"]
    of = lambda key: ", ".join(f"`{name}`" for name, row in types.items() if row.get(key))
    rows = [
        ("norms of 1 + weight, which begin at 0", of("offset")),
        ("a zero row for padding: `pad_token_id`, its default where the config lacks it", of("pad")),
        ("other zero rows", of("rows")),
        ("tensors that stay float32 in bfloat16 and float16", of("float32")),
        ("tensors that stay float32 in float16 alone", of("float32_half")),
        ("not known, because no model of the type could be built from its defaults", of("error")),
    ]
    lines = [f"`transformers` {table['about']['transformers']}, {len(types)} model types:\n\n"]
    lines += ["| | types |\n", "|---|---|\n"]
    lines += [f"| {what} | {names or 'none'} |\n" for what, names in rows]
    before, rest = PAGE.read_text().split(MARKS[0])
    _, after = rest.split(MARKS[1])
    PAGE.write_text(before + MARKS[0] + "".join(lines) + MARKS[1] + after)


def main():
    if "--page" in sys.argv:
        return write_page(json.loads(TABLE.read_text()))
    if "--join" in sys.argv:
        texts = [Path(path).read_text() for path in sys.argv[sys.argv.index("--join") + 1 :]]
        # A module of the library may print a line when it is imported.
        parts = [json.loads(text[text.index('{"about"') :]) for text in texts]
        rows = {name: row for part in parts for name, row in part["types"].items()}
        TABLE.write_text(text_of(parts[0]["about"], dict(sorted(rows.items()))))
        return
    named = [a for a in sys.argv[1:] if not a.startswith("-")]
    signal.signal(signal.SIGALRM, expire)
    with record() as recorder:
        import transformers
        from transformers.models.auto.auto_mappings import CONFIG_MAPPING_NAMES

        transformers.logging.set_verbosity_error()
        table = {}
        if "--part" in sys.argv:
            part, parts = map(int, named[0].split("/"))
            named = sorted(CONFIG_MAPPING_NAMES)[part::parts]
        for model_type in named or sorted(CONFIG_MAPPING_NAMES):
            signal.alarm(SECONDS)
            try:
                row = row_of(recorder, model_type)
            except Timeout:
                row = {"error": f"not built in {SECONDS} seconds"}
            finally:
                signal.alarm(0)
            if row is not None:
                table[model_type] = row
            print(model_type, json.dumps(row)[:200], file=sys.stderr, flush=True)
    text = text_of({"transformers": transformers.__version__}, table)
    if named:
        print(text)
    elif "--check" in sys.argv:
        assert TABLE.read_text() == text, f"{TABLE} is not what this script makes"
    else:
        TABLE.write_text(text)


if __name__ == "__main__":
    main()
