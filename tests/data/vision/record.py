"""The laws of a model's tensors, recorded from the code that initializes them. Nothing is matched by name.

A dispatch mode sees each operation that writes into a tensor, and the functions of torch.nn.init that draw by trial are
noted by their arguments. `own` is what building the model leaves in each tensor: the library's law. `torch` is what the
`reset_parameters` of torch's own layers gives, whatever the library did to them afterwards; a tensor that belongs to
none of torch's layers has no such law.

A law is text: `0`, `1`, `constant(c)`, `uniform(lo, hi)`, `normal(mean, std)`, `truncated(mean, std, lo, hi)` of a
normal of that mean and std cut at lo and hi; `measured(mean, std, min, max)` where the code computes the values in a
way of its own.
"""

import math

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Recorder(TorchDispatchMode):
    """What was written last into each storage, as a law."""

    def __init__(self):
        super().__init__()
        self.laws, self.alive, self.quiet = {}, [], 0

    def note(self, tensor, law):
        storage = tensor.untyped_storage()
        if storage._cdata not in self.laws:
            self.alive.append(storage)  # or its address is given away again
        self.laws[storage._cdata] = law

    def law(self, tensor):
        return self.laws.get(tensor.untyped_storage()._cdata)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        name = func._schema.name.split("::")[1]
        if self.quiet or not isinstance(result, torch.Tensor) or name.startswith("_"):
            return result
        if name.endswith("_"):
            target = args[0]
            whole = target.numel() * target.element_size() == target.untyped_storage().nbytes()
            self.note(target, written(name, self.law(target), args[1:], kwargs) if whole else None)
        elif name in ("randn", "randn_like"):
            self.note(result, ("normal", 0.0, 1.0))
        elif name in ("rand", "rand_like"):
            self.note(result, ("uniform", 0.0, 1.0))
        elif name == "clone" and self.law(args[0]):
            self.note(result, self.law(args[0]))
        elif name in ("mul", "div", "add", "sub") and isinstance(args[0], torch.Tensor) and self.law(args[0]):
            self.note(result, written(name + "_", self.law(args[0]), args[1:], kwargs))
        return result


def written(name, law, args, kwargs):
    """The law after an operation in place; None where that is no law that is known here."""
    numbers = [float(a) for a in args if isinstance(a, (int, float))]
    if name == "zero_":
        return ("constant", 0.0)
    if name == "fill_" and numbers:
        return ("constant", numbers[0])
    if name in ("normal_", "uniform_"):
        ends = ["mean", "std"] if name == "normal_" else ["from", "to"]
        given = dict(zip(ends, numbers)) | {k: float(v) for k, v in kwargs.items() if k in ends}
        return (name[:-1], given.get(ends[0], 0.0), given.get(ends[1], 1.0))
    if name == "erfinv_" and law and law[0] == "uniform":
        # As timm cuts a normal: erfinv of a uniform. The ends are multiples of the std.
        lo, hi = (quantile(p) for p in law[1:])
        return ("truncated", 0.0, math.sqrt(0.5), lo * math.sqrt(0.5), hi * math.sqrt(0.5))
    if law and len(numbers) == 1 and name in ("mul_", "div_", "add_", "sub_"):
        (c,) = numbers
        if name in ("add_", "sub_"):
            c = c if name == "add_" else -c
            moves = {"constant": [1], "uniform": [1, 1], "normal": [1, 0], "truncated": [1, 0, 1, 1]}[law[0]]
            return (law[0], *(x + c * m for x, m in zip(law[1:], moves)))
        c = c if name == "mul_" else 1 / c
        return (law[0], *(x * c for x in law[1:])) if c > 0 or law[0] == "constant" else None
    if name == "clamp_" and law and law[0] == "truncated":
        return law
    return None


def quantile(p):
    """The point where the standard normal's erf(x / sqrt 2) is p; infinite beyond what f32 tells from 1."""
    if 1 - abs(p) < 1e-12:
        return math.copysign(math.inf, p)
    return math.sqrt(2) * torch.erfinv(torch.tensor(p, dtype=torch.float64)).item()


active = None


def noted(function, law):
    """A function of torch.nn.init that is noted by its arguments instead of its operations."""

    def call(tensor, *args, **kwargs):
        if active is None:
            return function(tensor, *args, **kwargs)
        active.quiet += 1
        try:
            result = function(tensor, *args, **kwargs)
        finally:
            active.quiet -= 1
        active.note(tensor, law(tensor, *args, **kwargs))
        return result

    return call


def cut(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    return ("truncated", float(mean), float(std), float(a), float(b))


torch.nn.init._no_grad_trunc_normal_ = noted(torch.nn.init._no_grad_trunc_normal_, cut)


def recording(work):
    """Runs `work()`: its result, and the recorder of what it wrote."""
    global active
    active = recorder = Recorder()
    try:
        with recorder:
            result = work()
    finally:
        active = None
    return result, recorder


def own(build):
    """The model that `build()` makes, and {name: law} of its state_dict."""
    model, recorder = recording(build)
    return model, {name: text(recorder.law(t)) or measured(t) for name, t in model.state_dict().items()}


def resets(module):
    """The method by which the layer of torch that a module is, or derives from, draws its parameters, if it is one."""
    for cls in type(module).__mro__:
        for name in ("reset_parameters", "_reset_parameters"):
            if name in vars(cls) and cls.__module__.startswith("torch.nn."):
                return vars(cls)[name]
    return None


def torch_default(model):
    """{name: law} of what torch's own layers hold before anyone initializes them. The model goes to the meta device."""
    model.to("meta")

    def reset():
        # A module's children first: attention draws its projections after they drew themselves.
        for module in reversed(list(model.modules())):
            method = resets(module)
            if method is not None:
                method(module)

    _, recorder = recording(reset)
    return {name: text(recorder.law(t)) for name, t in model.state_dict().items()}


def owners(model):
    """{name: (class of the module that holds it, whether a parameter)}."""
    found = {}
    for prefix, module in model.named_modules(remove_duplicate=False):
        dot = prefix + "." if prefix else ""
        found |= {dot + name: (type(module).__name__, True) for name, _ in module.named_parameters(recurse=False)}
        found |= {dot + name: (type(module).__name__, False) for name, _ in module.named_buffers(recurse=False)}
    return {name: found[name] for name in model.state_dict()}


def number(x):
    return f"{x:.7g}"


def text(law):
    if law is None:
        return None
    kind, *numbers = law
    if kind == "constant":
        return number(numbers[0]) if numbers[0] in (0.0, 1.0) else f"constant({number(numbers[0])})"
    return f"{kind}({', '.join(map(number, numbers))})"


def measured(t):
    """A tensor whose law no operation tells: by its values."""
    if t.numel() == 0:
        return "empty"
    t = t.double()
    first = t.flatten()[0]
    if bool((t == first).all()):
        return text(("constant", float(first)))
    return f"measured({', '.join(f'{float(x):.3g}' for x in (t.mean(), t.std(), t.min(), t.max()))})"
