"""Networks in columns: straight links, and texts that nothing strikes through."""

from __future__ import annotations

from itertools import combinations, pairwise
from random import Random

import pytest

from tinygrad_edu.analysis.graph import graph
from tinygrad_edu.draw.compose import laid_out, single
from tinygrad_edu.draw.layout import OVERRIDE
from tinygrad_edu.draw.rows import Drawn
from tinygrad_edu.draw.scene import Place
from tinygrad_edu.draw.textbook import textbook
from tinygrad_edu.draw.view import View
from tinygrad_edu.losses import mse_loss
from tinygrad_edu.nn import MLP

NETWORKS = [(1, 1), (2, 1), (2, 2, 1), (2, 3, 1), (3, 2, 2), (4, 3, 1), (6, 2, 1), (1, 2, 2, 1)]


def drawn(sizes: tuple[int, ...], direction: str) -> Drawn:
    random = Random(str(sizes))
    model = MLP(sizes[0], sizes[1:], "tanh", seed=4)
    targets = [0.5] * sizes[-1]
    loss = mse_loss(model([random.uniform(-1, 1) for _ in range(sizes[0])]), targets)
    loss.backward()
    view = View(direction=direction)
    sketch = textbook(graph(loss), view)
    return single(sketch, laid_out([sketch], view, 20.0), view)


def points(curve: tuple[tuple[int, int], ...]) -> list[tuple[float, float]]:
    (x, y), (to_x, to_y) = curve[0], curve[-1]
    assert all(point in (curve[0], curve[-1]) for point in curve)  # straight
    return [(x + (to_x - x) * i / 200, y + (to_y - y) * i / 200) for i in range(201)]


def holds(place: Place, point: tuple[float, float], round_: bool = False) -> bool:
    x, y = point[0] - place.x, point[1] - place.y
    if round_:
        return x * x + y * y < (place.width / 2) ** 2
    return abs(x) < place.width / 2 and abs(y) < place.height / 2


def apart(a: Place, b: Place) -> bool:
    return 2 * abs(a.x - b.x) >= a.width + b.width or 2 * abs(a.y - b.y) >= a.height + b.height


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("sizes", NETWORKS, ids=lambda sizes: "-".join(map(str, sizes)))
def test_no_text_touches_another_and_no_link_strikes_through(
    sizes: tuple[int, ...], direction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OVERRIDE, "none")  # Graphviz has no part in it
    made = drawn(sizes, direction)
    texts = [(link.name, text) for link, _, text in made.links if text]
    assert len(texts) == sum(a * b for a, b in pairwise(sizes))
    places = [place for _, place in made.boxes] + [text for _, text in texts]
    for place in places:
        assert place.width // 2 - 1 <= place.x <= made.width - place.width // 2 + 1
        assert place.height // 2 - 1 <= place.y <= made.height - place.height // 2 + 1
    for a, b in combinations(places, 2):
        assert apart(a, b)
    for link, curves, _ in made.links:
        for point in (point for curve in curves for point in points(curve)):
            assert not [name for name, text in texts if holds(text, point)]
            for box, place in made.boxes:
                if box.name not in (link.tail, link.head):
                    assert not holds(place, point, box.shape == "circle")


def test_a_text_stands_on_its_own_link() -> None:
    for _, curves, text in drawn((2, 2, 1), "LR").links:
        if text:
            (x, y), (to_x, to_y) = curves[0][0], curves[1][-1]
            share = (text.x - x) / (to_x - x)
            assert abs(y + (to_y - y) * share - text.y) <= 1


def test_inputs_are_in_the_first_column_and_the_target_is_just_before_the_loss() -> None:
    made = drawn((2, 2, 1), "LR")
    at = {box.name: place for box, place in made.boxes}
    inputs = [at[box.name].x for box, _ in made.boxes if "input" in box.kind]
    (target,) = (at[box.name] for box, _ in made.boxes if "target" in box.kind)
    neurons = sorted(place.x for box, place in made.boxes if "neuron" in box.kind)
    assert len(inputs) == 2
    assert max(inputs) < neurons[0] == neurons[1] < neurons[2] == target.x < at["after"].x


def test_too_many_weights_have_no_texts_and_are_still_drawn() -> None:
    made = drawn((8, 8, 1), "LR")
    assert not [text for _, _, text in made.links if text]
    assert len([link for link, _, _ in made.links if link.kind.startswith("weight")]) == 72
