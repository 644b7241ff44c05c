"""Names for the slots of a tape: labels where that is possible, else v3, d_x or t7."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from tinygrad_edu.compiler.tape.tape import Tape

__all__ = ["free", "names", "readable"]

_READABLE = re.compile(r"[^\W\d][\w.\[\]']*")


def readable(label: str) -> str:
    """Returns the label if readers take it for one name, else ''."""
    return label if _READABLE.fullmatch(label) else ""


def names(tape: Tape, write: Callable[[str], str] = readable) -> list[str]:
    """Returns a name for each slot.

    It is the slot's label if no other slot has the same; v3 for node 3 of the picture of the graph;
    d_x for the adjoint of x; and t7 for any other slot, by its number. write: returns the name
    that a label becomes, '' if it cannot be a name. A label that is a name already is kept.
    """
    count = Counter(tape.labels.values())
    labels = {k: x for k, x in tape.labels.items() if count[x] == 1}
    kept = {k: x for k, x in labels.items() if write(x) == x}
    taken = set(kept.values())
    found = [
        kept.get(k) or free(write(labels.get(k, "")) or f"v{tape.ids[k]}", taken)
        for k in range(tape.forward)
    ]
    found += [free(f"t{k}", taken) for k in range(tape.forward, len(tape))]
    for k, d in tape.adjoints.items():
        if d >= tape.forward and found[d].startswith("t"):
            found[d] = free(f"d_{found[k]}", taken)
    return found


def free(name: str, taken: set[str]) -> str:
    """Returns the name, with _ added until it is not in `taken`; adds it to `taken`."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name
