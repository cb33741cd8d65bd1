"""Records what a library does to each parameter while it builds and initializes a model on the meta device.

No memory and no random number is needed: on the meta device a tensor is a shape, and an initialization is a list of
calls. `record()` is entered before `transformers` is imported, since that keeps the functions of `torch.nn.init`.
"""

import contextlib
import math

import torch
from torch.utils._python_dispatch import TorchDispatchMode

INIT = (
    "uniform_", "normal_", "constant_", "ones_", "zeros_", "eye_", "dirac_", "xavier_uniform_", "xavier_normal_",
    "kaiming_uniform_", "kaiming_normal_", "trunc_normal_", "orthogonal_", "sparse_",
)
MODULES = (
    "torch.nn.init", "torch.nn.modules.activation", "torch.nn.modules.transformer", "torch.nn.modules.linear",
    "torch.nn.modules.batchnorm", "torch.nn.modules.conv", "torch.nn.modules.normalization", "torch.nn.modules.rnn",
    "torch.nn.modules.sparse",
)


class Recorder(TorchDispatchMode):
    """Events by storage: [(what, arguments, first element, elements)]."""

    def __init__(self):
        super().__init__()
        self.events = {}
        # A storage that is freed could be given to another tensor.
        self.alive = []

    def clear(self):
        self.events, self.alive = {}, []

    def note(self, tensor, what, *arguments):
        if isinstance(tensor, torch.Tensor):
            self.alive.append(tensor)
            key = tensor.untyped_storage()._cdata
            event = (what, arguments, tensor.storage_offset(), tensor.numel())
            self.events.setdefault(key, []).append(event)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        out = func(*args, **kwargs)
        if name.endswith("_") and not name.endswith("__") and args and isinstance(args[0], torch.Tensor):
            self.in_place(name, args, kwargs)
        elif isinstance(out, torch.Tensor):
            if name in ("ones", "ones_like", "new_ones"):
                self.note(out, "constant", 1.0)
            elif name in ("zeros", "zeros_like", "new_zeros"):
                self.note(out, "constant", 0.0)
            elif name in ("full", "full_like", "new_full"):
                self.note(out, "constant", float(args[1] if name != "new_full" else args[2]))
            elif name in ("randn", "randn_like"):
                self.note(out, "normal", 0.0, 1.0)
            elif name in ("rand", "rand_like"):
                self.note(out, "uniform", 0.0, 1.0)
            elif name in ("_to_copy", "lift_fresh", "clone"):
                self.copied(out, args[0])
            elif name in ("mul", "div") and len(args) == 2:
                self.scaled(name, out, args)
            elif name not in ("empty", "empty_like", "new_empty", "empty_strided", "detach", "alias", "view"):
                if not self.shares(out, args):
                    self.note(out, "computed", name)
        return out

    @staticmethod
    def shares(out, args):
        tensors = (a for a in args if isinstance(a, torch.Tensor))
        return any(a.untyped_storage()._cdata == out.untyped_storage()._cdata for a in tensors)

    def in_place(self, name, args, kwargs):
        tensor, rest = args[0], args[1:]
        if name == "normal_":
            mean, std = (list(rest) + [0.0, 1.0][len(rest):])[:2]
            self.note(tensor, "normal", float(kwargs.get("mean", mean)), float(kwargs.get("std", std)))
        elif name == "uniform_":
            lo, hi = (list(rest) + [0.0, 1.0][len(rest):])[:2]
            self.note(tensor, "uniform", float(kwargs.get("from", lo)), float(kwargs.get("to", hi)))
        elif name == "zero_":
            self.note(tensor, "constant", 0.0)
        elif name == "fill_":
            value = rest[0]
            self.note(tensor, "constant", None if isinstance(value, torch.Tensor) else float(value))
        elif name == "copy_":
            self.copied(tensor, rest[0])
        elif name in ("mul_", "div_") and rest and isinstance(rest[0], (int, float)):
            self.note(tensor, "scale", float(rest[0]) if name == "mul_" else 1 / float(rest[0]))
        elif name in ("requires_grad_", "set_", "detach_", "as_strided_", "t_", "transpose_", "squeeze_", "unsqueeze_"):
            pass
        else:
            self.note(tensor, "computed", name)

    def copied(self, tensor, source):
        """A copy has the law of its source, or the values of a source that has memory."""
        events = self.events.get(source.untyped_storage()._cdata, [])
        if source.device.type != "meta" and source.numel() and bool((source == source.flatten()[0]).all()):
            self.note(tensor, "constant", float(source.flatten()[0]))
        elif source.device.type == "meta" and events and source.numel() == tensor.numel():
            what, arguments, *_ = events[-1]
            self.note(tensor, what, *arguments)
        else:
            self.note(tensor, "computed", "copy")

    def scaled(self, name, out, args):
        """A new tensor that is a number times another: its law is that law times the number."""
        tensors = [a for a in args if isinstance(a, torch.Tensor) and a.dim() > 0]
        numbers = [a for a in args if isinstance(a, (int, float))]
        if len(tensors) != 1 or len(numbers) != 1 or (name == "div" and args[0] is not tensors[0]):
            return self.note(out, "computed", name)
        events = self.events.get(tensors[0].untyped_storage()._cdata, [])
        if not events or events[-1][3] != out.numel():
            return self.note(out, "computed", name)
        what, arguments, *_ = events[-1]
        self.note(out, what, *arguments)
        self.note(out, "scale", float(numbers[0]) if name == "mul" else 1 / float(numbers[0]))

    # What stands on top of the dispatcher: the functions of torch.nn.init, noted by their meaning.

    def init(self, name, tensor, *args, **kwargs):
        def argument(at, key, default):
            return kwargs.get(key, args[at] if len(args) > at else default)

        fans = lambda: torch.nn.init._calculate_fan_in_and_fan_out(tensor)
        if name == "normal_":
            self.note(tensor, "normal", float(argument(0, "mean", 0.0)), float(argument(1, "std", 1.0)))
        elif name == "uniform_":
            self.note(tensor, "uniform", float(argument(0, "a", 0.0)), float(argument(1, "b", 1.0)))
        elif name == "constant_":
            self.note(tensor, "constant", float(argument(0, "val", 0.0)))
        elif name in ("ones_", "zeros_"):
            self.note(tensor, "constant", float(name == "ones_"))
        elif name == "trunc_normal_":
            mean, std = float(argument(0, "mean", 0.0)), float(argument(1, "std", 1.0))
            lo, hi = float(argument(2, "a", -2.0)), float(argument(3, "b", 2.0))
            self.note(tensor, "truncated_normal", mean, std, lo, hi)
        elif name in ("xavier_uniform_", "xavier_normal_"):
            std = float(argument(0, "gain", 1.0)) * math.sqrt(2.0 / sum(fans()))
            self.drawn(tensor, name, std)
        elif name in ("kaiming_uniform_", "kaiming_normal_"):
            a, mode = argument(0, "a", 0), argument(1, "mode", "fan_in")
            gain = torch.nn.init.calculate_gain(argument(2, "nonlinearity", "leaky_relu"), a)
            self.drawn(tensor, name, gain / math.sqrt(fans()[mode == "fan_out"]))
        else:
            self.note(tensor, name.rstrip("_"))
        return tensor

    def drawn(self, tensor, name, std):
        if "uniform" in name:
            self.note(tensor, "uniform", -math.sqrt(3.0) * std, math.sqrt(3.0) * std)
        else:
            self.note(tensor, "normal", 0.0, std)

    def law(self, parameter):
        """The law that a parameter ends with, the rows that are zero, and whether anything is known: (law, rows)."""
        first, count = parameter.storage_offset(), parameter.numel()
        law, rows = None, []
        for what, arguments, at, n in self.events.get(parameter.untyped_storage()._cdata, []):
            if at + n <= first or at >= first + count:
                continue
            whole = at <= first and at + n >= first + count
            if what == "scale" and whole:
                law = scaled(law, arguments[0])
            elif whole:
                law, rows = (what, *arguments), []
            elif what == "constant" and arguments[0] == 0.0 and parameter.dim() == 2 and n == parameter.shape[1]:
                rows.append((at - first) // n)
            else:
                law = ("parts",)
        return law, rows


def scaled(law, factor):
    match law:
        case ("normal", mean, std):
            return ("normal", mean * factor, std * abs(factor))
        case ("uniform", lo, hi):
            return ("uniform", min(lo * factor, hi * factor), max(lo * factor, hi * factor))
        case ("constant", value) if value is not None:
            return ("constant", value * factor)
        case ("truncated_normal", mean, std, lo, hi):
            return ("truncated_normal", mean * factor, std * factor, lo * factor, hi * factor)
        case _:
            return ("computed", "scaled")


@contextlib.contextmanager
def record():
    """Patches torch.nn.init for good, and records while it is entered."""
    import sys

    recorder = Recorder()
    for name in INIT:
        def patched(tensor, *args, name=name, **kwargs):
            return recorder.init(name, tensor, *args, **kwargs)

        for module in MODULES:
            if hasattr(sys.modules.get(module), name):
                setattr(sys.modules[module], name, patched)
    with torch.no_grad(), recorder:
        yield recorder
