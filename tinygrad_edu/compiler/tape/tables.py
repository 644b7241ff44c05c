"""Arrays of NumPy as the columns of a call; NumPy is imported late, for not everybody has it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, cast, overload

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Tables", "column_of_array", "tables"]

Array: TypeAlias = "npt.NDArray[np.float64]"  # or of another real type

SMALL = 2**13  # numbers that are copied more quickly than they are looked at part by part


class Tables(Sequence[Sequence[float]]):
    """Two-dimensional arrays side by side, whose rows are examples, as one list of columns.

    Nothing is copied before somebody asks for a column, which is an array of floats. parts: the
    arrays, of any real type, with the same number of rows.
    """

    def __init__(self, parts: Sequence[Array]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return sum(part.shape[1] for part in self.parts)

    @overload
    def __getitem__(self, k: int) -> Sequence[float]: ...
    @overload
    def __getitem__(self, k: slice) -> Sequence[Sequence[float]]: ...
    def __getitem__(self, k: int | slice) -> Sequence[float] | Sequence[Sequence[float]]:
        if isinstance(k, slice):
            return [self[i] for i in range(*k.indices(len(self)))]
        at = range(len(self))[k]
        for part in self.parts:
            if at < part.shape[1]:
                break
            at -= part.shape[1]
        return cast(Sequence[float], part[:, at].astype(float, copy=False))


def tables(parts: Sequence[object], inputs: int) -> Sequence[Sequence[float]] | None:
    """Returns arrays of NumPy, of which one has two dimensions, as `inputs` columns of floats.

    None for anything that needs a closer look, such as a wrong number of columns.
    """
    if "numpy" not in sys.modules or not 0 < len(parts) < 3:
        return None
    import numpy as np

    found, flat = list[Array](), 0
    for x in parts:
        if type(x) is not np.ndarray or not _is_real(x.dtype.kind, x.dtype.itemsize):
            return None
        if x.ndim not in (1, 2):
            return None
        flat += x.ndim == 1
        found.append(x if x.ndim == 2 else x[:, None])
    if flat == len(found):
        return None
    rows, columns = {len(x) for x in found}, sum(x.shape[1] for x in found)
    if columns != inputs or len(rows) > 1 or {0} & {*rows, columns}:
        return None
    if len(found) == 1:
        return cast(Sequence[Sequence[float]], found[0].T.astype(float, copy=False))
    if columns * len(found[0]) > SMALL:
        return Tables(found)
    return cast(Sequence[Sequence[float]], np.concatenate(found, axis=1, dtype=float).T)


def column_of_array(x: object) -> Sequence[float] | None:
    """Returns an array of NumPy as a column of doubles, without a copy if it is one.

    None for anything but one row of floats, integers or bools.
    """
    if "numpy" not in sys.modules:  # whoever has an array has imported it
        return None
    import numpy as np

    if type(x) is not np.ndarray or x.ndim != 1 or not _is_real(x.dtype.kind, x.dtype.itemsize):
        return None
    return cast(Sequence[float], x.astype(float, copy=False))


def _is_real(kind: str, size: int) -> bool:
    """Returns whether a float can hold each number of this kind, of so many bytes."""
    return kind in "fiub" and size <= 8
