#!/usr/bin/env python3
"""torch's initializers, on the CPU and where there is one on a CUDA device: python3 benches/peers/torch_peer.py"""

import sys

import common

try:
    import torch
except ImportError:
    common.missing("torch", "pip install torch")
    sys.exit(1)

LAWS = {
    "normal": ("normal_", lambda t: t.normal_(0, 0.02)),
    "uniform": ("uniform_", lambda t: t.uniform_(-0.1, 0.1)),
    "truncated": ("trunc_normal_", lambda t: torch.nn.init.trunc_normal_(t, 0, 0.02, -0.04, 0.04)),
}
# torch draws the whole tensor again until no value lies outside: one pass where the window is never left, about 7 at 2
# sigma.
WIDE = ("trunc_normal_ +-100 sigma", lambda t: torch.nn.init.trunc_normal_(t, 0, 0.02, -2, 2))
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def case(law, dtype, where, peer=None):
    name, init = peer or LAWS[law]

    def prepare(count):
        tensor = torch.empty(count, dtype=DTYPES[dtype], device=where)

        def fill():
            init(tensor)
            if where == "cuda":
                torch.cuda.synchronize()

        return fill

    return common.Case(f"torch {where} {name} {dtype}", law, dtype, "gpu" if where == "cuda" else "cpu", prepare)


def main():
    devices = ["cpu"]
    title = f"torch {torch.__version__}, {torch.get_num_threads()} threads"
    if torch.cuda.is_available():
        devices.append("cuda")
        title += f", {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    else:
        common.missing("torch on CUDA", "this torch finds no CUDA device")
    cases = []
    for where in devices:
        cases += [case(law, dtype, where) for law in LAWS for dtype in DTYPES]
        cases.append(case("truncated", "f32", where, WIDE))
    common.main(title, cases)


if __name__ == "__main__":
    main()
