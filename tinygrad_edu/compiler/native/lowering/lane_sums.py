"""Sums over all lanes, eight at a time: gradients, adjoints of single lanes, outputs."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from tinygrad_edu.compiler.native.lowering.nodes import Beside, LaneSums, Number, Row, Zero
from tinygrad_edu.compiler.native.lowering.row_program import Writer
from tinygrad_edu.compiler.native.machine.interpreter import BLOCK

__all__ = ["LaneSum", "sums", "sums_by_lane"]

LaneSum = list[tuple[Row, Row]]  # products of two rows, which are added over all lanes


def sums_by_lane(writer: Writer, wanted: Sequence[LaneSum]) -> Row:
    """Adds a row with a sum for each lane, which begin at 0 in each chunk, and returns it."""
    eights = [wanted[k : k + BLOCK] for k in range(0, len(wanted), BLOCK)]
    return writer.row(
        Beside(
            tuple(
                sums(writer, eight, fresh=True) if any(eight) else writer.row(Zero())
                for eight in eights
            )
        )
    )


def sums(writer: Writer, wanted: Sequence[LaneSum], fresh: bool = False) -> Row:
    """Adds a row with up to eight sums, one in each of its first lanes, and returns it.

    A term is a hub and eight more rows: sum k adds hub * rows[k]. If sum k has no product left with
    this hub, rows[k] is 0 in all lanes. Fewer terms are faster, so of the two rows of a product,
    the hub is the row that occurs in more sums. fresh: see `LaneSums`.
    """
    zero = writer.filling(Number(0.0))
    if wanted and all(len(products) == 1 for products in wanted):  # the usual case, done quickly
        single = [product for (product,) in wanted]
        hub = max(single[0], key=lambda row: sum(row in product for product in single))
        if all(hub in product for product in single):
            others = [y if x is hub else x for x, y in single]
            others += [zero] * (BLOCK - len(others))
            return writer.row(LaneSums(((hub, *others),), fresh))
    terms: list[tuple[Row, ...]] = []
    having: dict[Row, dict[int, deque[int]]] = {}  # places of products, by row and sum
    for k, products in enumerate(wanted):
        for i, product in enumerate(products):
            for row in dict.fromkeys(product):
                having.setdefault(row, {}).setdefault(k, deque()).append(i)
    done: set[tuple[int, int]] = set()

    def sharing(row: Row) -> list[int]:
        """Returns each sum that has an unused product with this row: one that is in no term yet."""
        for k, places in having[row].items():
            while places and (k, places[0]) in done:
                places.popleft()
        return [k for k, places in having[row].items() if places]

    for k, products in enumerate(wanted):
        for i, product in enumerate(products):
            if (k, i) not in done:
                hub = max(product, key=lambda row: len(sharing(row)))
                term = [hub, *[zero] * BLOCK]
                for j in sharing(hub):
                    place = having[hub][j].popleft()
                    x, y = wanted[j][place]
                    term[1 + j] = y if x is hub else x
                    done.add((j, place))
                terms.append(tuple(term))
    return writer.row(LaneSums(tuple(terms), fresh))
