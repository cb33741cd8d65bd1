"""Writes tests/data/fixtures/models/*.json: what `transformers` itself makes of a config.json.

Needs torch and transformers; run from anywhere: `python tests/data/model_fixtures.py`.

`<name>.json`: a published config, and the names and shapes that save_pretrained would write, from a model
on the meta device. `law-<name>.json`: a tiny config, initialized for real with a fixed seed and saved with
save_pretrained; per saved tensor its shape and its sample moments. The tiny models also prove the rule by
which the first kind leaves out tied tensors: it must give what save_pretrained wrote.
"""

import json
import struct
import tempfile
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file
from transformers import AutoConfig

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/data/fixtures/models"


def example(name):
    return json.loads((ROOT / "examples" / name / "config.json").read_text())


def gpt2(**fields):
    return {**example("gpt2"), **fields}


def llama(**fields):
    return {"architectures": ["LlamaForCausalLM"], "model_type": "llama", **fields}


# Published shapes; the fields that shape nothing are left out, and fields equal to the default here and there.
PUBLISHED = {
    "gpt2": gpt2(),
    "gpt2-medium": gpt2(n_embd=1024, n_head=16, n_layer=24),
    "gpt2-large": gpt2(n_embd=1280, n_head=20, n_layer=36),
    "gpt2-xl": gpt2(n_embd=1600, n_head=25, n_layer=48),
    "gpt2-cross-attention": gpt2(add_cross_attention=True),
    "gpt2-untied": gpt2(tie_word_embeddings=False, vocab_size=50304, n_inner=2048),
    "gpt2-base": gpt2(architectures=["GPT2Model"]),
    "gpt2-defaults": {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]},
    "smollm2-135m": example("smollm2-135m"),
    "llama-3.2-1b": example("llama-3.2-1b"),
    "llama-2-7b": llama(
        hidden_size=4096, intermediate_size=11008, num_attention_heads=32, num_hidden_layers=32,
        num_key_value_heads=32, vocab_size=32000, tie_word_embeddings=False, torch_dtype="float16",
    ),
    "llama-3-8b": llama(
        hidden_size=4096, intermediate_size=14336, num_attention_heads=32, num_hidden_layers=32,
        num_key_value_heads=8, vocab_size=128256, torch_dtype="bfloat16",
    ),
    "llama-3-70b": llama(
        hidden_size=8192, intermediate_size=28672, num_attention_heads=64, num_hidden_layers=80,
        num_key_value_heads=8, vocab_size=128256, tie_word_embeddings=False, torch_dtype="bfloat16",
    ),
    "llama-3.1-405b": llama(
        hidden_size=16384, intermediate_size=53248, num_attention_heads=128, num_hidden_layers=126,
        num_key_value_heads=8, vocab_size=128256, tie_word_embeddings=False, torch_dtype="bfloat16",
    ),
    "llama-bias": llama(
        hidden_size=1024, intermediate_size=2816, num_attention_heads=16, num_hidden_layers=4,
        num_key_value_heads=4, head_dim=128, attention_bias=True, mlp_bias=True, vocab_size=32000,
    ),
    "llama-pad": llama(
        hidden_size=1024, intermediate_size=2816, num_attention_heads=16, num_hidden_layers=4,
        num_key_value_heads=None, head_dim=None, vocab_size=32001, pad_token_id=32000,
    ),
    "llama-base": llama(architectures=["LlamaModel"], num_hidden_layers=4),
    "llama-defaults": llama(),
}

GPT2_TINY = dict(vocab_size=211, n_positions=64, n_embd=48, n_layer=3, n_head=4)
LLAMA_TINY = dict(
    vocab_size=211, hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2,
)
TINY = {
    "gpt2": gpt2(**GPT2_TINY),
    "gpt2-cross-attention": gpt2(**GPT2_TINY, add_cross_attention=True, initializer_range=0.05),
    # GPT-2 gives its embedding no padding row: the field shapes nothing, even out of range.
    "gpt2-untied-pad": gpt2(**GPT2_TINY, tie_word_embeddings=False, n_inner=100, pad_token_id=3000),
    # transformers lets the general names override GPT-2's own.
    "gpt2-aliases": gpt2(
        **GPT2_TINY, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=40
    ),
    "gpt2-base": gpt2(**GPT2_TINY, architectures=["GPT2Model"]),
    "llama": llama(**LLAMA_TINY),
    "llama-tied-pad": llama(**LLAMA_TINY, tie_word_embeddings=True, pad_token_id=7, initializer_range=0.1),
    # torch counts a negative padding row from the end.
    "llama-negative-pad": llama(**LLAMA_TINY, pad_token_id=-1),
    "llama-bias": llama(**LLAMA_TINY, attention_bias=True, mlp_bias=True, head_dim=20),
    "llama-base": llama(**LLAMA_TINY, architectures=["LlamaModel"], pad_token_id=0),
}


def parse(config):
    """The config as from_pretrained reads it, and the class that `architectures` names."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(config))
        return AutoConfig.from_pretrained(folder), getattr(transformers, config["architectures"][0])


def names_and_shapes(config):
    """What save_pretrained would write, without the memory."""
    parsed, cls = parse(config)
    with torch.device("meta"):
        model = cls(parsed)
    tied = set(model.all_tied_weights_keys)
    return {name: list(t.shape) for name, t in model.state_dict().items() if name not in tied}


def saved(config, seed):
    """The tensors of a real save_pretrained."""
    parsed, cls = parse(config)
    torch.manual_seed(seed)
    model = cls(parsed).float()
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        file = Path(folder) / "model.safetensors"
        with open(file, "rb") as f:
            header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        shapes = {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}
        tensors = {name: t.double() for name, t in load_file(file).items()}
    assert set(shapes) == set(tensors)
    return tensors


def moments(t):
    """Mean and std over the rows that are not zero, with the number of values they are taken over."""
    row = {"shape": list(t.shape)}
    if bool((t == 0).all()):
        return {**row, "constant": 0}
    if bool((t == 1).all()):
        return {**row, "constant": 1}
    zero = (t.flatten(1) == 0).all(1)
    rest = t[~zero]
    return {
        **row,
        "count": rest.numel(),
        "mean": float(rest.mean()),
        "std": float(rest.std()),
        "zero_rows": zero.nonzero().flatten().tolist(),
    }


def write(name, fixture):
    fixture = {"transformers": transformers.__version__, **fixture}
    (OUT / f"{name}.json").write_text(json.dumps(fixture, separators=(",", ":")) + "\n")


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    OUT.mkdir(parents=True, exist_ok=True)
    for name, config in TINY.items():
        seed = 20240607
        tensors = saved(config, seed)
        expected = names_and_shapes(config)
        assert {n: list(t.shape) for n, t in tensors.items()} == expected, name
        laws = {n: moments(tensors[n]) for n in expected}
        write(f"law-{name}", {"torch": torch.__version__, "seed": seed, "config": config, "tensors": laws})
    for name, config in PUBLISHED.items():
        write(name, {"config": config, "tensors": names_and_shapes(config)})


if __name__ == "__main__":
    main()
