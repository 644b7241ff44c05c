"""What surrounds a picture: its title, and the legend of its lines."""

from __future__ import annotations

from tinygrad_edu import Value, group, relu, tanh
from tinygrad_edu.analysis.graph import graph
from tinygrad_edu.analysis.zoom import zoom
from tinygrad_edu.draw.heading import said
from tinygrad_edu.draw.picture import Picture, draw
from tinygrad_edu.draw.textbook import textbook
from tinygrad_edu.draw.view import View


def loss() -> Value:
    x, w = Value(2.0, label="x"), Value(-0.5, label="w")
    with group("layer1/neuron1"):
        y = tanh(x * w)
    error = (y - 1) ** 2
    error.label = "error"
    error.backward()
    return error


def legend(picture: Picture) -> list[str]:
    """The small words of the picture that are outside of all boxes and links."""
    scene, _ = picture._scene(picture.graphs)
    return ["".join(span.text for span in line) for line, _ in scene.notes if line[0].size < 20]


def test_a_title_calls_a_group_by_the_name_in_its_box() -> None:
    assert said(zoom(graph(loss()), "neuron")) == "error = ((layer1/neuron1) - 1)²"
    assert said(zoom(graph(loss()), "layer")) == "error = (layer1 - 1)²"


def test_a_legend_says_what_the_lines_of_this_picture_mean() -> None:
    assert legend(draw(loss())) == [
        "contribution to the gradient:",
        "positive",
        "negative",
        "thicker is larger",
    ]
    assert legend(draw(loss(), level="network"))[0] == "weight, and below it its gradient:"
    assert legend(draw(graph(Value(1.0) * 2), level=None)) == []


def test_on_a_highlighted_path_no_line_shows_a_sign_or_a_size() -> None:
    assert legend(draw(loss(), highlight=["w"])) == ["on the path"]


def test_what_a_network_subtracts_is_minus_a_weight_with_the_gradient_of_that() -> None:
    """y = relu(-b - w*x) = relu((-b) + (-w)*x): by -w it has the derivative x, by w the other."""
    x, w, b = Value(2.0, label="x"), Value(-3.0, label="w"), Value(-7.0, label="b")
    y = relu(-b - w * x)
    y.backward()
    assert (w.grad, b.grad) == (-2.0, -1.0)
    made = textbook(graph(y), View())
    (weight,) = (link for link in made.links if link.label)
    assert ["".join(span.text for span in line) for line in weight.label] == ["3", "grad 2"]
    circle = next(box for box in made.boxes if box.kind.startswith("neuron"))
    assert "".join(span.text for span in circle.lines[-1]) == "bias 7"
