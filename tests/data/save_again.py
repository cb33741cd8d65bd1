"""Saves the model of one directory to another, as `save_pretrained` of transformers does.

    python3 save_again.py FROM TO DTYPE

The floats are converted to DTYPE (float16, float32 or float64), integers are left as they are, and the metadata is
{"format": "pt"}. Beside the weights stand config.json, which names the dtype, and whatever else FROM has but for other
weights. Exits 2 where a package is missing.
"""

import json
import pathlib
import shutil
import sys

try:
    import numpy
    from safetensors.numpy import load_file, save_file
except ImportError as error:
    print(f"save_again.py: {error}", file=sys.stderr)
    sys.exit(2)


def main(source, target, dtype):
    source, target = pathlib.Path(source), pathlib.Path(target)
    target.mkdir(parents=True)
    tensors = load_file(source / "model.safetensors")
    saved = {
        name: tensor.astype(dtype) if numpy.issubdtype(tensor.dtype, numpy.floating) else tensor
        for name, tensor in tensors.items()
    }
    save_file(saved, target / "model.safetensors", metadata={"format": "pt"})
    for path in source.iterdir():
        if path.suffix == ".json" and "index" not in path.name:
            shutil.copy(path, target / path.name)
    config = target / "config.json"
    if config.exists():
        fields = json.loads(config.read_text())
        fields["dtype"] = dtype
        config.write_text(json.dumps(fields))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
