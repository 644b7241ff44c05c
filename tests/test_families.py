"""The family trees: the examples, the network, the measures of a code, and the pictures."""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest

from tinygrad_edu import Value
from tinygrad_edu.data import (
    CHILDREN,
    ENGLISH,
    ITALIAN,
    PEOPLE,
    RELATIONS,
    Example,
    family_facts,
    family_trees,
)
from tinygrad_edu.demos.family_trees import CHECK_SUM
from tinygrad_edu.demos.laboratory import families, trial
from tinygrad_edu.demos.laboratory.codes import likeness, ranks, separable, similarity
from tinygrad_edu.demos.laboratory.families import (
    CASES,
    FEATURES,
    MODERN,
    PRINTED,
    WORKING,
    FamilyNetwork,
    begin,
    code,
    compiled,
    ends,
    learn,
    learned_examples,
    network,
    pulls,
    ranked,
    shared,
    split,
    weights,
)
from tinygrad_edu.demos.laboratory.family_pictures import Lit, Trees
from tinygrad_edu.draw.compose import letters
from tinygrad_edu.draw.scene import Scene, room
from tinygrad_edu.losses import half_squared_error

SVG = "{http://www.w3.org/2000/svg}"
# Of the English, by hand, from the tree of the paper.
BY_HAND = """
Christopher: wife Penelope, son Arthur, daughter Victoria
Penelope: husband Christopher, son Arthur, daughter Victoria
Andrew: wife Christine, son James, daughter Jennifer
Christine: husband Andrew, son James, daughter Jennifer
Margaret: husband Arthur, nephew Colin, niece Charlotte
Arthur: father Christopher, mother Penelope, wife Margaret, sister Victoria, nephew Colin,
  niece Charlotte
Victoria: father Christopher, mother Penelope, husband James, son Colin, daughter Charlotte,
  brother Arthur
James: father Andrew, mother Christine, wife Victoria, son Colin, daughter Charlotte,
  sister Jennifer
Jennifer: father Andrew, mother Christine, husband Charles, brother James, nephew Colin,
  niece Charlotte
Charles: wife Jennifer, nephew Colin, niece Charlotte
Colin: father James, mother Victoria, sister Charlotte, uncle Arthur, uncle Charles,
  aunt Margaret, aunt Jennifer
Charlotte: father James, mother Victoria, brother Colin, uncle Arthur, uncle Charles,
  aunt Margaret, aunt Jennifer
"""


# --- the examples ---------------------------------------------------------------------------------


def test_the_facts_are_those_that_are_read_off_the_tree() -> None:
    said = set()
    for line in BY_HAND.replace(",\n ", ",").strip().splitlines():
        person, facts = line.split(": ")
        said |= {(person, *fact.split()) for fact in facts.split(", ")}
    assert said == {
        (PEOPLE[person], relation, PEOPLE[x])
        for person, relation, answers in family_facts()
        for x in answers
        if person < 12
    }
    assert len(said) == 56


def test_the_check_sum_of_the_lesson_is_that_of_the_table_by_hand() -> None:
    """Both trees: the Italians have the same table, with persons and answers from 12."""
    total = 0
    for line in BY_HAND.replace(",\n ", ",").strip().splitlines():
        person, told = line.split(": ")
        for relation, x in (fact.split() for fact in told.split(", ")):
            a, b, k = PEOPLE.index(person), PEOPLE.index(x), RELATIONS.index(relation)
            total += ((a + 1) * (b + 1) + (a + 13) * (b + 13)) * (k + 1)
    assert total == CHECK_SUM


def test_there_are_104_and_the_trees_are_alike() -> None:
    facts = family_facts()
    assert len(facts) == len(family_trees()) == 104
    twins = [f._replace(person=f.person + 12, answers=tuple(x + 12 for x in f.answers))
             for f in facts[:52]]  # fmt: skip
    assert facts[52:] == twins
    assert Counter(len(fact.answers) for fact in facts) == {1: 96, 2: 8}
    assert Counter(fact.relation for fact in facts) == {
        **dict.fromkeys(("father", "mother", "son", "daughter"), 12),
        **dict.fromkeys(("husband", "wife"), 10),
        **dict.fromkeys(("nephew", "niece"), 8),
        **dict.fromkeys(("brother", "sister"), 6),
        **dict.fromkeys(("uncle", "aunt"), 4),
    }


def test_a_example_has_one_person_and_one_relation_on() -> None:
    for example, fact in zip(family_trees(), family_facts()):
        on = [i for i, x in enumerate(example.inputs) if x]
        assert on == [fact.person, 24 + RELATIONS.index(fact.relation)]
        assert tuple(i for i, x in enumerate(example.targets) if x) == fact.answers
    assert family_trees(targets=(0.1, 0.9))[0].targets.count(0.9) == 1


def test_each_seed_holds_four_out() -> None:
    shown, hidden = split(3)
    assert (len(shown), len(hidden)) == (100, 4)
    assert sorted([*shown, *hidden]) == list(range(104))
    assert split(4)[1] != hidden


# --- the gradients -------------------------------------------------------------------------------


def eager(
    model: FamilyNetwork | object, loss: object, examples: list[Example], parameters: list[Value]
) -> list[float]:
    """The gradients by `backward`, of all examples added up."""
    sums = [0.0] * len(parameters)
    for example in examples:
        y = loss(model(example.inputs), example.targets)  # type: ignore[operator]
        y.zero_grad()
        for p in parameters:
            p.grad = 0.0
        y.backward()
        sums = [total + p.grad for total, p in zip(sums, parameters)]
    return sums


@pytest.mark.parametrize("recipe", [WORKING, MODERN], ids=["1986", "modern"])
@pytest.mark.parametrize("epochs", [0, 80])
def test_the_gradients_of_the_families_are_the_eager_ones(
    recipe: families.Recipe, epochs: int
) -> None:
    """At the start and the end of a run, of 80 epochs here; see the next for 1,500."""
    check_families(recipe, epochs)


@pytest.mark.machine
@pytest.mark.parametrize("epochs", [750, 1_500])
def test_they_are_so_in_a_whole_run(epochs: int) -> None:
    check_families(WORKING, epochs)


def check_families(recipe: families.Recipe, epochs: int) -> None:
    if epochs:
        learn(recipe, 0, epochs)
    else:
        begin(recipe, 0)
    model, step, _ = compiled(recipe.adam)
    _, found, _ = step(*learned_examples(recipe, 0))
    loss = shared if recipe.adam else (lambda y, d: half_squared_error(y, d, 0.2))
    parameters = model.parameters()
    wanted = eager(model, loss, [CASES[i] for i in split(0)[0]], parameters)
    assert found == pytest.approx(wanted, abs=1e-10, rel=0)
    assert max(map(abs, wanted)) > 1e-3


@pytest.mark.parametrize("epochs", [0, 500, 5_000])
def test_the_gradients_of_symmetry_are_the_eager_ones(epochs: int) -> None:
    setting = trial.Trial("symmetry", 2, 0.05, 0.9, 0.3, 5_000, margin=0.3)
    model, examples = trial.begin(setting, 0)
    if epochs:
        trial.learn(setting, 0, epochs)
    step, columns = trial.compiled(setting)
    _, found, _ = step(*columns)
    wanted = eager(model, half_squared_error, examples, model.parameters())
    assert found == pytest.approx(wanted, abs=1e-10, rel=0)


# --- a run ---------------------------------------------------------------------------------------


def test_decay_takes_its_part_of_every_weight_in_a_epoch() -> None:
    """By hand, over the change of phase: w - decay*w + change, with equation 9 for the change."""
    model, step, _ = compiled(False)
    learn(PRINTED, 1, 22)
    found = [p.data for p in model.parameters()]
    begin(PRINTED, 1)
    last = [0.0] * len(found)
    for epoch in range(22):
        rate, alpha = (0.005, 0.5) if epoch < 20 else (0.01, 0.9)
        _, slopes, _ = step(*learned_examples(PRINTED, 1))
        last = [-rate * slope + alpha * x for slope, x in zip(slopes, last)]
        for p, change in zip(model.parameters(), last):
            p.data = p.data - 0.002 * p.data + change
    assert found == pytest.approx([p.data for p in model.parameters()], abs=1e-12)


def test_a_run_that_pauses_is_the_same_run() -> None:
    whole = learn(WORKING, 2, 30)
    after = [p.data for p in compiled(False)[0].parameters()]
    pauses = [history.epochs for history in families.walk(WORKING, 2, (0, 7, 20, 30))]
    assert pauses == [0, 7, 20, 30]
    assert [p.data for p in compiled(False)[0].parameters()] == pytest.approx(after, abs=1e-13)
    assert len(whole.losses) == 30


def test_an_end_says_which_examples_are_right() -> None:
    (one,) = ends(WORKING._replace(epochs=30), 0)
    model = network(WORKING, one.parameters)
    for example, right, its_rank in list(zip(CASES, one.right, one.ranked))[::13]:
        ys = [y.data for y in model(example.inputs)]
        assert right == all((y > 0.5) == (d == 1) for y, d in zip(ys, example.targets))
        wrong, best = (
            max(y for y, d in zip(ys, example.targets) if d == which) for which in (0, 1)
        )
        if example.targets.count(1) == 1:
            assert its_rank == (best > wrong)
    assert one.all_right is None
    assert 0 <= one.held_out(0) <= 4


def test_ranked_is_every_right_answer_above_every_wrong_one() -> None:
    for ys, d, wanted in (
        ([0.2, 0.9, 0.3], [0.0, 1.0, 1.0], 1),
        ([0.4, 0.9, 0.3], [0.0, 1.0, 1.0], 0),
        ([-5.0, 3.0, 2.0], [0.0, 1.0, 0.0], 1),
        ([3.0, 3.0, 2.0], [0.0, 1.0, 0.0], 0),
    ):
        assert ranked([Value(y) for y in ys], d).data == wanted


def test_as_printed_decay_is_stronger_than_the_gradient() -> None:
    first, ours = (
        pulls(recipe, 0, 0, [p.data for p in begin(recipe, 0).parameters()])
        for recipe in (PRINTED, WORKING)
    )
    assert list(first) == ["person", "relation", "centre", "narrow", "answer"]
    assert first["person"].push < 0.2 * first["person"].pull
    assert first["answer"].gradient > 1_000 * first["person"].gradient
    assert all(row.push > row.pull for row in ours.values())


# --- what is in a code ---------------------------------------------------------------------------


def test_the_code_is_what_the_person_units_answer() -> None:
    parameters = [p.data for p in begin(WORKING, 0).parameters()]
    model = network(WORKING, parameters)
    for k in (0, 13):
        answers = [y.data for y in model.person([float(i == k) for i in range(24)])]
        assert code(parameters)[k] == pytest.approx(answers)
    assert weights(parameters)[2][5] == model.person.neurons[2].w[5].data


def test_features_are_of_all_but_the_grandchildren_s_branch() -> None:
    assert [len(row) for row in FEATURES.values()] == [24] * 4
    assert [PEOPLE[i] for i, x in enumerate(FEATURES["branch"]) if x is None] == [
        "Colin", "Charlotte", "Alfonso", "Sophia",
    ]  # fmt: skip
    assert {PEOPLE[i] for i, x in enumerate(FEATURES["sex"][:12]) if x} == {
        "Christopher", "Andrew", "Arthur", "James", "Charles", "Colin",
    }  # fmt: skip


def test_likeness_leaves_out_those_without_the_feature() -> None:
    assert likeness([1.0, 2.0, 3.0, 99.0], [3, 2, 1, None]) == pytest.approx(1.0)
    assert likeness([1.0, 1.0], [0, 1]) == 0.0


def test_ranks_share_a_place() -> None:
    assert ranks([3.0, 1.0, 3.0, 2.0]) == [2.5, 0.0, 2.5, 1.0]


def test_codes_are_alike_if_the_same_pairs_are_near() -> None:
    one = [[0.0], [1.0], [5.0]]
    assert similarity(one, [[10.0], [8.0], [1.0]]) == pytest.approx(1.0)
    assert similarity(one, [[0.0], [9.0], [1.0]]) == pytest.approx(-1.0)


def test_a_plane_is_found_where_there_is_one() -> None:
    corners = [[float(x), float(y)] for x, y in product((0, 1), repeat=2)]
    assert separable(corners, [0, 1, 1, 1])
    assert not separable(corners, [0, 1, 1, 0])
    random = Random(2)
    for _ in range(4):
        points = [[random.gauss(0, 1) for _ in range(6)] for _ in range(24)]
        w = [random.gauss(0, 1) for _ in range(6)]
        sides = [sum(a * b for a, b in zip(w, p)) > 0.1 for p in points]
        assert separable(points, sides)
        points[1] = list(points[0])
        assert not separable(points, [True, False, *sides[2:]])


# --- the pictures --------------------------------------------------------------------------------


def texts(file: Path) -> str:
    return " ".join(t.text or "" for t in ElementTree.parse(file).getroot().iter(f"{SVG}text"))


def test_the_trees_have_every_name_once_and_every_child_at_its_parents(tmp_path: Path) -> None:
    trees = Trees()
    trees.save(tmp_path / "trees.svg")
    words = texts(tmp_path / "trees.svg").split()
    assert sorted(words) == sorted([*ENGLISH, *ITALIAN, *"=" * 10])
    assert "James and Victoria: Colin, Charlotte" in trees.alt
    at = {box.name: place for box, place in trees.scene.boxes}
    lines = {link.head: (curve[0], curve[-1]) for link, (curve,), _ in trees.scene.links}
    for tree in (0, 1):
        for couple, born in CHILDREN.items():
            father, mother = (at[f"p{tree}_{person}"] for person in couple)
            for child in born:
                (x, y), end = lines.pop(f"p{tree}_{child}")
                assert 2 * x == father.x + mother.x
                assert father.y == mother.y < y
                place = at[f"p{tree}_{child}"]
                assert end == (place.x, place.y - place.height // 2)
    assert not lines


def test_men_are_boxes_and_women_are_ovals() -> None:
    shapes = {box.lines[0][0].text: box.shape for box, _ in Trees().scene.boxes}
    assert shapes["Colin"] == shapes["Alfonso"] == "box"
    assert shapes["Charlotte"] == shapes["Sophia"] == "oval"


def test_a_lit_unit_says_how_active_it_is(tmp_path: Path) -> None:
    blocks = {"in": [[("a<b", 1.0), ("c", 0.0)]], "out": [[("", 0.25), ("", 0.0)]]}
    lit = Lit("A <title>", blocks, [("in", "out")], {"in": ["a<b"]})
    lit.save(tmp_path / "lit.svg")
    told = texts(tmp_path / "lit.svg")
    for word in ("a<b 1.00", "c", "0.25", "0.00", "in", "out"):
        assert word in told
    assert "c 0.00" not in told
    units = {box.name: box for box, _ in lit.scene.boxes}
    assert [name for name, box in units.items() if box.pen == 4.0] == ["in_0_0"]
    assert units["in_0_1"].fill == "#ffffff"  # nothing is active
    assert "a<b 1.00, c 0.00" in lit.alt
    root = ElementTree.parse(tmp_path / "lit.svg").getroot()
    assert root.findtext(f"{SVG}title") == "A <title>"


def pictures() -> dict[str, Scene]:
    names = [*zip(PEOPLE, [1.0] * 24)]
    plain = [[("", 0.5)] * 12]
    blocks = {"person": [names[:12], names[12:]], "12 units": plain, "answer": [names[:12]]}
    lit = Lit("Who?", blocks, [("person", "12 units"), ("12 units", "answer")], {})
    return {"trees": Trees().scene, "lit": lit.scene}


@pytest.mark.parametrize("name", ["trees", "lit"])
def test_pictures_of_families_can_be_read_on_a_slide_and_no_text_leaves_its_box(name: str) -> None:
    scene = pictures()[name]
    assert letters(scene) >= 18
    for box, place in scene.boxes:
        width, height = room(box.lines)
        assert width <= place.width, box.name
        assert height <= place.height, box.name
        assert place.width // 2 <= place.x <= scene.width - place.width // 2
        assert place.height // 2 <= place.y <= scene.height - place.height // 2
    spans = [
        (p.x - p.width / 2, p.x + p.width / 2, p.y - p.height / 2, p.y + p.height / 2)
        for _, p in scene.boxes
    ]
    for i, (left, right, top, bottom) in enumerate(spans):
        for x0, x1, y0, y1 in spans[:i]:
            assert x1 <= left or right <= x0 or y1 <= top or bottom <= y0
