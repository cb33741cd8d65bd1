#!/usr/bin/env python3
"""torch's orthogonal_ on the CPU beside ours, in turns: python3 benches/peers/orthogonal_peer.py [--shape ROWSxCOLS ..]

Ours is examples/orthogonal_time.rs: cargo build --release --example orthogonal_time
"""

import argparse
import os
import pathlib
import subprocess
import sys

import common

try:
    import torch
except ImportError:
    common.missing("torch", "pip install torch")
    sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", nargs="+", default=["64x64", "1024x1024", "2048x2048", "4096x512", "512x4096"])
    parser.add_argument("--rounds", type=int, default=3, help="how often the sides take turns")
    parser.add_argument("--binary", help="the example's binary")
    # run.sh gives every script the sizes of tensors.
    args, _ = parser.parse_known_args()
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", common.ROOT / "target"))
    ours = pathlib.Path(args.binary) if args.binary else target / "release" / "examples" / "orthogonal_time"
    if not ours.is_file():
        sys.exit(f"{ours} is missing: cargo build --release --example orthogonal_time")
    load = f", load average {os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else ""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; {args.rounds} rounds{load}")
    for shape in args.shape:
        rows, cols = (int(n) for n in shape.split("x"))
        tensor = torch.empty(rows, cols)
        theirs = seedbed = float("inf")
        for _ in range(args.rounds):
            theirs = min(theirs, common.best(lambda: torch.nn.init.orthogonal_(tensor), seconds=1.0))
            out = subprocess.run([ours, str(rows), str(cols), "1"], check=True, capture_output=True, text=True).stdout
            seconds, level, threads = out.split()
            seedbed = min(seedbed, float(seconds))
        print(
            f"{shape:>10}  seedbed {level}, {threads} threads {1e3 * seedbed:9.3f} ms   "
            f"torch orthogonal_ {1e3 * theirs:9.3f} ms   {theirs / seedbed:.2f}x",
            flush=True,
        )


if __name__ == "__main__":
    main()
