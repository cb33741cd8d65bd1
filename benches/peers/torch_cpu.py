#!/usr/bin/env python3
"""torch's initializers beside seedbed's twin, on the same cores in the same run: python3 benches/peers/torch_cpu.py

Needs torch; builds nothing but `cargo bench --bench twin`. Prints MB/s of each, and the ratio, best of several rounds of both.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

try:
    import torch
except ImportError:
    sys.exit("torch is missing: pip install torch")

ROOT = pathlib.Path(__file__).resolve().parents[2]
COUNT = 16 << 20
PEERS = [
    ("normal", "f32", torch.float32, lambda t: t.normal_(0, 0.02)),
    ("normal", "bf16", torch.bfloat16, lambda t: t.normal_(0, 0.02)),
    ("uniform", "f32", torch.float32, lambda t: t.uniform_(-0.1, 0.1)),
    ("truncated", "f32", torch.float32, lambda t: torch.nn.init.trunc_normal_(t, 0, 0.02, -0.04, 0.04)),
]


def torch_rate(dtype, fill):
    tensor = torch.empty(COUNT, dtype=dtype)
    best = float("inf")
    for _ in range(7):
        start = time.perf_counter()
        fill(tensor)
        best = min(best, time.perf_counter() - start)
    return tensor.numel() * tensor.element_size() / best / 1e6


def seedbed_rates():
    subprocess.run(["cargo", "bench", "-q", "--bench", "twin", "--", "--measurement-time", "2"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    rates = {}
    for law, dtype, _, _ in PEERS:
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        sample = json.loads((target / f"criterion/twin/{law}/{dtype}/new/sample.json").read_text())
        seconds = min(t / i for t, i in zip(sample["times"], sample["iters"])) * 1e-9
        rates[law, dtype] = (64 << 20) / seconds / 1e6
    return rates


def main():
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    before = {p[:2]: torch_rate(*p[2:]) for p in PEERS}
    ours = seedbed_rates()
    after = {p[:2]: torch_rate(*p[2:]) for p in PEERS}
    for key in ours:
        theirs = max(before[key], after[key])
        print(f"{key[0]:10} {key[1]:5} seedbed {ours[key]:8.0f} MB/s   torch {theirs:8.0f} MB/s   {ours[key] / theirs:.2f}x")


if __name__ == "__main__":
    main()
