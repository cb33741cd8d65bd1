"""Names that differ by numbers alone, written once: `{0-2,5}` stands for each of these numbers."""

import itertools
import re


def collapse(tensors):
    """{pattern: value} of {name: value}; every combination of the numbers in the braces is a name of that value."""
    groups = {}
    for name, value in tensors.items():
        parts = re.split(r"(?<!\d)(0|[1-9]\d*)(?!\d)", name)
        groups.setdefault((tuple(parts[::2]), value), []).append(tuple(int(i) for i in parts[1::2]))
    rows = {}
    for (texts, value), indices in groups.items():
        for axes in boxes(sorted(indices)):
            numbers = ["{" + ranges(axis) + "}" if len(axis) > 1 else str(axis[0]) for axis in axes]
            pattern = "".join(itertools.chain.from_iterable(itertools.zip_longest(texts, numbers, fillvalue="")))
            rows[pattern] = value
    assert sorted(expand(rows)) == sorted(tensors)
    return rows


def boxes(indices):
    """Tuples of indices as products of lists: one where they are one, else one for each first index."""
    axes = [sorted(set(axis)) for axis in zip(*indices)]
    if len(indices) == 1 or sorted(itertools.product(*axes)) == indices:
        return [axes]
    firsts = {}
    for first, *rest in indices:
        firsts.setdefault(tuple(rest), []).append(first)
    by_firsts = {}
    for rest, first in firsts.items():
        by_firsts.setdefault(tuple(first), []).append(rest)
    return [[list(first), *axes] for first, rests in by_firsts.items() for axes in boxes(sorted(rests))]


def ranges(numbers):
    runs = []
    for n in numbers:
        if runs and runs[-1][1] + 1 == n:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def expand(rows):
    """The names of the patterns."""
    for pattern in rows:
        texts = re.split(r"\{([^}]*)\}", pattern)
        axes = []
        for text in texts[1::2]:
            spans = [[int(n) for n in span.split("-")] for span in text.split(",")]
            axes.append([n for span in spans for n in range(span[0], span[-1] + 1)])
        for numbers in itertools.product(*axes):
            pairs = itertools.zip_longest(texts[::2], map(str, numbers), fillvalue="")
            yield "".join(itertools.chain.from_iterable(pairs))
