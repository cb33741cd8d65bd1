#!/usr/bin/env python3
"""Where torch's eye_ and dirac_ have their ones: writes tests/data/torch_structured.tsv. torch 2.15 wrote the file."""

from pathlib import Path

import torch

lines = ["# The flat indices of the ones of torch's eye_ and dirac_, all else 0, by torch_structured.py.",
    "# scheme\tshape\tindices"]
cases = [("identity(gain=1)", s, torch.nn.init.eye_, {}) for s in ([1, 1], [1, 7], [7, 1], [5, 5], [3, 8], [8, 3])]
for groups, shape in [(1, [4, 4, 3]), (1, [5, 2, 4]), (2, [6, 3, 5]), (3, [9, 5, 3, 4]), (1, [2, 5, 3, 3]),
                      (4, [8, 2, 1, 2]), (2, [4, 3, 2, 3, 4]), (1, [3, 3, 1, 1, 1]), (5, [5, 1, 3])]:
    cases.append((f"dirac(groups={groups})", shape, torch.nn.init.dirac_, {"groups": groups}))
for scheme, shape, init, given in cases:
    values = init(torch.full(shape, 9.0), **given).flatten()
    assert set(values.tolist()) <= {0.0, 1.0}
    ones = " ".join(map(str, values.nonzero().flatten().tolist()))
    lines.append(f"{scheme}\t{' '.join(map(str, shape))}\t{ones}")
(Path(__file__).parent / "torch_structured.tsv").write_text("\n".join(lines) + "\n")
