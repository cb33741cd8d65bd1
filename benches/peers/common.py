"""What the peers' scripts share: rounds of both sides in turns, seedbed's figures, the table.

Each script names its cases and calls `main`. A case fills one tensor of the peer's, in place where the peer can;
seedbed's side is `seedbed bench --json` of the same law, dtype and size, started between the rounds of the peer.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
from typing import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZES = {"f32": 4, "f16": 2, "bf16": 2}


@dataclasses.dataclass
class Case:
    """One filling of the peer's: `prepare(count)` returns a call that fills once and waits until it is done."""

    peer: str
    law: str
    dtype: str
    device: str  # "cpu" or "gpu"
    prepare: Callable[[int], Callable[[], None]]
    by: str = "all"  # or "one": seedbed's figure of one thread is taken


def missing(what, how):
    """Says that a peer is not measured; the others go on."""
    print(f"MISSING {what}: {how}")


def best(fill, seconds=0.6, least=3):
    """Seconds of the best of at least `least` rounds."""
    found, start, rounds = float("inf"), time.perf_counter(), 0
    while rounds < least or time.perf_counter() - start < seconds:
        before = time.perf_counter()
        fill()
        found = min(found, time.perf_counter() - before)
        rounds += 1
    return found


def binary(given):
    """The release binary: given, or where cargo puts it."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = pathlib.Path(given) if given else target / "release" / "seedbed"
    if not path.is_file():
        sys.exit(f"{path} is missing: cargo build --release")
    return path


def ours(path, case, device, count):
    """Seedbed's report of one case."""
    command = [path, "bench", "--json", "--device", device, "--size", str(count)]
    command += ["--law", case.law, "--dtype", case.dtype]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def rate(report, case, count):
    """Bytes per second of the row that is compared: the best level, the case's threads, the host's clock."""
    rows = [r for r in report["fills"] if r["elements"] == count and r["by"] in ("device", report["device"]["level"])]
    threads = {"all": report["device"]["threads"], "one": 1}[case.by]
    rows = [r for r in rows if r["threads"] in (None, threads)]
    return max(r["bytes"] / r["wall_seconds"] for r in rows)


def main(title, cases):
    """Measures every case in rounds (the peer, seedbed, the peer, ..); prints the best of each side, and the ratio."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--size", type=int, default=16 << 20, help="elements of a case on the CPU (16 Mi)")
    # Large: both sides are timed on the host, which waits some microseconds for any work on a device.
    parser.add_argument("--gpu-size", type=int, default=256 << 20, help="elements of a case on a GPU (256 Mi)")
    parser.add_argument("--rounds", type=int, default=3, help="how often the sides take turns")
    parser.add_argument("--gpu", default="gpu", help="seedbed's --device where the peer is on a GPU")
    parser.add_argument("--seedbed", help="the release binary")
    args = parser.parse_args()
    path = binary(args.seedbed)
    load = f", load average {os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else ""
    print(f"{title}; {args.rounds} rounds{load}")
    described = set()
    for case in cases:
        count = args.size if case.device == "cpu" else args.gpu_size
        fill = case.prepare(count)
        fill()
        size = count * SIZES[case.dtype]
        theirs = seedbed = 0.0
        for _ in range(args.rounds):
            theirs = max(theirs, size / best(fill))
            report = ours(path, case, "cpu" if case.device == "cpu" else args.gpu, count)
            seedbed = max(seedbed, rate(report, case, count))
        del fill
        device = report["device"]
        if device["name"] not in described:
            described.add(device["name"])
            parts = [device[k] for k in ("name", "level", "driver", "tier") if device[k]]
            print(f"seedbed {report['version']}: {', '.join(parts)}, {device['threads']} threads; {report['timing']}")
        threads = "" if case.device == "gpu" else ", one thread" if case.by == "one" else ", all cores"
        print(
            f"{case.law:10} {case.dtype:5} {count:11,} seedbed{threads} {seedbed / 1e6:9.0f} MB/s   "
            f"{case.peer:36} {theirs / 1e6:9.0f} MB/s   {seedbed / theirs:.2f}x",
            flush=True,
        )
