"""Prints what Python's safetensors sees in a file, as JSON: python3 open_safetensors.py FILE

For each tensor: shape, dtype, its bytes in the file, the first 16 of them in hex. Exits 2 where the package is missing.
"""

import json
import sys

try:
    from safetensors import deserialize, safe_open
except ImportError as error:
    print(f"open_safetensors.py: {error}", file=sys.stderr)
    sys.exit(2)


def main(path):
    with open(path, "rb") as file:
        tensors = deserialize(file.read())
    found = {
        name: {
            "shape": list(info["shape"]),
            "dtype": info["dtype"],
            "bytes": len(info["data"]),
            "first": bytes(info["data"][:16]).hex(),
        }
        for name, info in tensors
    }
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
        names = sorted(file.keys())
    if names != sorted(found):
        sys.exit(f"{path}: safe_open lists {names}, deserialize {sorted(found)}")
    print(json.dumps({"metadata": metadata, "tensors": found}, sort_keys=True, indent=1))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
