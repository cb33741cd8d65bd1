#!/usr/bin/env python3
"""Whole checkpoints: seedbed beside the disk and beside transformers: python3 benches/peers/checkpoint.py [DIR]

    1. a Llama of 4.4 GB in f32, fsync on both sides, beside a plain sequential write of the same bytes;
    2. GPT-2 124M, the whole command, with and without fsync, beside `GPT2LMHeadModel(GPT2Config())` in memory.

Takes turns, several rounds of each, prints the best and the median, and their ratios. Needs 9 GB free in DIR (a
temporary directory where none is given), and `cargo build --release`; part 2 also torch and transformers. Removes what
it writes.
"""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
SEEDBED = TARGET / "release/seedbed"
ROUNDS = 3
LARGE = {"model_type": "llama", "num_hidden_layers": 16, "hidden_size": 2048, "intermediate_size": 8192,
         "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 64000, "tie_word_embeddings": True}


def timed(work, clean):
    os.sync()
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    clean()
    return seconds


def seedbed(config, place, *more):
    command = [SEEDBED, "init", config, "-o", place, "--seed", "1", "--device", "cpu", *more]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def plain_write(path, size, sync):
    piece = memoryview(os.urandom(32 << 20))
    with open(path, "wb", buffering=0) as file:
        left = size
        while left:
            left -= file.write(piece[:left])
        if sync:
            os.fsync(file.fileno())


def rounds(sides, count=ROUNDS):
    """The sides in turn, so that a slow spell of the machine meets all of them."""
    times = {name: [] for name in sides}
    for _ in range(count):
        for name, (work, clean) in sides.items():
            times[name].append(timed(work, clean))
    return times


def report(times, against, size=None):
    peer = times[against]
    for name, seconds in times.items():
        rate = f" {size / min(seconds) / 1e6:6.0f} MB/s" if size else ""
        ratio = f"{min(peer) / min(seconds):.2f}x / {statistics.median(peer) / statistics.median(seconds):.2f}x"
        best, median = min(seconds), statistics.median(seconds)
        print(f"{name:44} best {best:7.3f} s  median {median:7.3f} s{rate}  {ratio}", flush=True)


def large(place):
    config = place / "large.json"
    config.write_text(json.dumps(LARGE))
    model = place / "model"
    remove = lambda: shutil.rmtree(model)
    seedbed(config, model, "--no-sync")
    size = (model / "model.safetensors").stat().st_size
    remove()
    plain = place / "plain"
    sides = {
        "plain write, fsync": (lambda: plain_write(plain, size, True), plain.unlink),
        "seedbed init, fsync": (lambda: seedbed(config, model), remove),
        "seedbed init, fsync, shards of 1 GB": (lambda: seedbed(config, model, "--max-shard-size", "1GB"), remove),
    }
    print(f"\n{size:,} bytes; against the plain write: best / median")
    report(rounds(sides), "plain write, fsync", size)


def gpt2(place):
    try:
        import torch
        import transformers
    except ImportError as error:
        print(f"\nGPT-2 beside transformers: skipped, {error}")
        return
    model = place / "gpt2"
    remove = lambda: shutil.rmtree(model)
    config = ROOT / "examples/gpt2/config.json"
    sides = {
        "GPT2LMHeadModel(GPT2Config())": (
            lambda: transformers.GPT2LMHeadModel(transformers.GPT2Config()),
            lambda: None,
        ),
        "seedbed init, no fsync": (lambda: seedbed(config, model, "--no-sync"), remove),
        "seedbed init, fsync": (lambda: seedbed(config, model), remove),
    }
    threads = torch.get_num_threads()
    print(f"\nGPT-2 124M f32, torch {torch.__version__}, transformers {transformers.__version__}, {threads} threads; "
          "against transformers: best / median")
    rounds(sides, 1)
    report(rounds(sides), "GPT2LMHeadModel(GPT2Config())")


def main():
    if not SEEDBED.exists():
        sys.exit(f"{SEEDBED} is missing: cargo build --release")
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as place:
        place = pathlib.Path(place)
        free = shutil.disk_usage(place).free
        print(f"{os.cpu_count()} cores, {place}, {free / 1e9:.0f} GB free")
        if free < 9e9:
            print("a checkpoint of 4.4 GB: skipped, 9 GB free are needed")
        else:
            large(place)
        gpt2(place)


if __name__ == "__main__":
    main()
