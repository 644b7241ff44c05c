"""Transformer: the Loop of 1986 learns to write names, letter by letter.

A transformer with one block learns from five thousand first names which letter comes next. Which
operations does it consist of, how good is it beside a table of counts, and what does it find out
about letters?
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from math import exp, log
from random import Random
from statistics import mean, median_low
from typing import Any, NamedTuple

from tinygrad_edu import Value
from tinygrad_edu.demos.laboratory import expected, letter_pictures, vowels
from tinygrad_edu.demos.laboratory.differences import apart, backward
from tinygrad_edu.demos.laboratory.first_names import (
    CONSTANTS,
    MARK,
    TOKENS,
    blended,
    counted,
    names,
    placed,
    tokens,
    unseen,
)
from tinygrad_edu.demos.laboratory.one_head import one_head
from tinygrad_edu.demos.laboratory.writer import (
    BATCH,
    HEADS,
    PLACES,
    SIZE,
    End,
    Recipe,
    Writer,
    attention,
    batches,
    begin,
    build,
    columns,
    compiled,
    end,
    held_out,
    letters,
    logits,
    looks_back,
    loss,
    seconds,
    walk,
    write,
)
from tinygrad_edu.engine import topological_order
from tinygrad_edu.lesson.claims import bounded, equal, middle, mostly, share, soon
from tinygrad_edu.lesson.command import command
from tinygrad_edu.lesson.plan import Mistake, Plan
from tinygrad_edu.lesson.telling import Lesson, line_of
from tinygrad_edu.nn.layers import RMSNorm
from tinygrad_edu.nn.transformer import Block, Head
from tinygrad_edu.train import PHASES

__all__ = ["main"]

CAUSAL = "predictions before a changed letter that change"
PLAN = Plan(
    question="Can the Loop of 1986 train a transformer? And what does attention do in it?",
    minutes=45,
    look="one head, on the live page; the loss beside the tables of counts; the letters, under the "
    "slider",
    ask=[
        "How many numbers does the graph of one name compute?",
        "Which table of counts would you try to beat first?",
        "Why should the vowels come together, if nobody says what a vowel is?",
    ],
    mistake=Mistake(
        "tinygrad_edu/nn/transformer.py",
        "self.attend(query, keys[: t + 1], values[: t + 1])",
        "self.attend(query, keys, values)",
        CAUSAL,
    ),
    read=[
        "A. Vaswani and others, Attention is all you need, Advances in Neural Information "
        "Processing Systems 30 (2017).",
        "C. E. Shannon, Prediction and entropy of printed English, Bell System Technical Journal "
        "30 (1951), 50-64: people guess the next letter.",
        "J. L. Elman, Finding structure in time, Cognitive Science 14 (1990), 179-211: a recurrent "
        "network predicts what comes next.",
        "Y. Bengio, R. Ducharme, P. Vincent and C. Jauvin, A neural probabilistic language model, "
        "Journal of Machine Learning Research 3 (2003), 1137-1155: embeddings of words.",
        "I. H. Witten and T. C. Bell, The zero-frequency problem, IEEE Transactions on Information "
        "Theory 37 (1991), 1085-1094: the tables that blend.",
        "B. Zhang and R. Sennrich, Root mean square layer normalization, Advances in Neural "
        "Information Processing Systems 32 (2019).",
    ],
)
SEEDS = 20
SHORT, MEDIUM, LONG = Recipe(1_000), Recipe(2_000), Recipe(5_000)
ALONE = LONG._replace(attention=False)
PATIENT = Recipe(20_000)  # which only the whole lesson runs, for few seeds
FEW = 3
MOMENTS = (0, 100, 300, 1_000, 5_000)  # of the run that is looked at, whose recipe is LONG
PINNED, PINS = (0, 1), (10, 100, 1_000)  # seeds, and steps of SHORT
EVERY = 43  # of so many parameters, one derivative is compared with differences
NAME, CHANGED_NAME = "matilda", "matilde"
WORDS = ("unigram", "bigram", "trigram", "4-gram", "5-gram")
BLENDED = "{}, blended"
MANY = 100  # names: to write, or to change a letter of
WIDE = 0.55  # a vowel gap


@command(plan=PLAN, seeds=SEEDS, quick=3, takes="about 8 seconds, and the time of its runs")
def main(lesson: Lesson) -> None:
    names()  # it says what to install if the package is missing
    tables = counting(lesson)
    network(lesson)
    shown = {
        moment: look(model, lesson.seed)
        for moment, model in zip(MOMENTS, walk(LONG, lesson.seed, MOMENTS))
    }
    back = looks_back()
    one(lesson, build())
    causal(lesson)
    found = training(lesson, tables)
    without(lesson, found, tables)
    writing(lesson, shown)
    looking(lesson, shown, back)
    meeting(lesson, found, shown)
    checks(lesson, tables)


def checks(lesson: Lesson, tables: dict[str, float]) -> None:
    """The questions at the end."""
    lesson.check(
        f"A network gives each of the {TOKENS} tokens the same probability. What is its loss?",
        f"log({TOKENS}) = {log(TOKENS):.3f} nats for each letter.",
    )
    bigram = tables["bigram"]
    lesson.check(
        "The loss of a table is as if one had to guess among a number of equally probable letters. "
        "Among how many, with the bigram table?",
        f"Its loss is {bigram:.3f}, and the logarithm of the number is the loss. So the number is "
        f"e^{bigram:.3f} = {exp(bigram):.1f}.",
    )
    lesson.check(
        "In one head, the scores of three tokens are 0, 0 and log 2. What are their shares?",
        "The exponentials are 1, 1 and 2, and their sum is 4. So the shares are 1/4, 1/4 and 1/2.",
    )
    lesson.check(
        "A classmate lets each place read from the places after it, too. The training loss falls "
        "far below that of all tables. Has the network learned to write?",
        "No. It reads the letter that it should predict. When it writes, this letter is not there "
        "yet. And the row of the table about a changed letter fails.",
    )


# --- tables of counts -----------------------------------------------------------------------------


def counting(lesson: Lesson) -> dict[str, float]:
    """The losses of the tables of counts, by name."""
    lesson.section("Guess the next letter")
    words = names()
    lesson.say(
        f"The package `names` has {sum(map(len, words)):,} first names from the census of the "
        f"United States in 1990. We hold out {len(words.held_out)} of them, and train on the "
        f"other {len(words.training):,}. Each name gets a mark before it and behind it, such as "
        f"`{MARK}{NAME}{MARK}`. The mark and the letters are {TOKENS} tokens. The task is: see "
        "the tokens so far, and give each token a probability to be the next one."
    )
    lesson.say(
        "The loss of a token is minus the logarithm of the probability that it got. It is 0 if the "
        "token was certain, and large if it was improbable. Its unit is the nat. All losses below "
        "are means over the letters of the held-out names and the marks behind them. If all tokens "
        f"are equally probable, the loss is log({TOKENS}) = {log(TOKENS):.3f}."
    )
    lesson.say(
        "One way to do the task is to count. A bigram table sees one letter, and has counted which "
        "tokens come after it in the training names. A trigram table sees two letters. In "
        "general, an n-gram table sees n - 1 letters."
    )
    plain = [counted(n) for n, _ in enumerate(WORDS, 1)]
    mixed = [blended(n) for n, _ in enumerate(WORDS, 1)]
    new = [unseen(n) for n, _ in enumerate(WORDS, 1)]
    best = min(range(len(WORDS)), key=lambda i: plain[i][0])
    with lesson.predict(
        "A table that sees more letters knows more. Is the table that sees four letters better "
        "than the table that sees three?"
    ):
        rows = ["table    letters seen   counted   blended   not seen before"]
        for i, name in enumerate(WORDS):
            cells = f"{i:12}   {plain[i][0]:7.3f}   {mixed[i]:7.3f}   {new[i]:15.1%}"
            rows.append(f"{name:7}  {cells}")
        lesson.show("\n".join(rows))
        more = "No" if best < len(WORDS) - 1 else "Yes"
        lesson.say(
            f"{more}. Of the tables that only count, the {WORDS[best]} table is the best one. It "
            f"sees {best} letters. Many groups of letters are rare: for {new[-1]:.0%} of the "
            "held-out letters, the training names do not have this letter after the same "
            f"{len(WORDS) - 1} letters. A table must not give them the probability 0."
        )
        lesson.say(
            "The tables under `counted` add a constant to each count. Of "
            f"{len(CONSTANTS)} constants from {min(CONSTANTS)} to {max(CONSTANTS)}, each table "
            "gets the one that is best on the held-out names. This favours the tables. The tables "
            "under `blended` mix the counts after four letters, three letters and so on; the more "
            "often a group of letters was seen, the more its own counts matter."
        )
    for way, row in (("counts", [x for x, _ in plain]), ("blended", mixed)):
        pinned = ", ".join(f"{expected.pin(f'names {way} {n}')}" for n, _ in enumerate(WORDS, 1))
        said = "counted" if way == "counts" else way
        lesson.pin(
            f"unigram to 5-gram tables, {said}: loss",
            ", ".join(f"{float(f'{x:.5g}')}" for x in row),
            pinned,
        )
    return dict(zip(WORDS, (x for x, _ in plain))) | {
        BLENDED.format(name): x for name, x in zip(WORDS, mixed)
    }


# --- the network ----------------------------------------------------------------------------------


def network(lesson: Lesson) -> None:
    """The parts of the network, its equations, its graph counted, its gradient compared."""
    lesson.section("The network")
    model = begin(LONG, lesson.seed)
    lesson.say(
        f"The network turns tokens into vectors of {SIZE} numbers. Each token has such a vector, "
        "its embedding, and so has each place in a name; at first, all of them are random. The "
        f"network has {len(model.parameters()):,} parameters, and all of them learn. These are "
        "its parts, from top to bottom:"
    )
    lesson.picture(
        "1-parts",
        letter_pictures.Flow(
            [
                ("token", f"a number from 0 to {TOKENS - 1}"),
                ("embeddings", f"{SIZE} numbers of the token, plus {SIZE} of the place"),
                ("norm", "the vector is divided by its size"),
                (f"{HEADS} heads", f"each reads {SIZE // HEADS} numbers from earlier places"),
                ("mix", f"{SIZE} weighted sums of what the heads read"),
                ("norm", "as above"),
                ("hidden units", f"{len(model.block.wide.neurons)} relu units"),
                ("outputs", f"{SIZE} weighted sums of their answers"),
                ("norm", "as above"),
                ("logits", f"{TOKENS} weighted sums, one for each token"),
            ],
            [(2, 4), (5, 7)],
        ),
        "The parts of the network. They work at every place of a name, with the same parameters. "
        "Blue lines: what goes into a norm is also added to what comes out below.",
    )
    lesson.say(
        "The heads are the only parts that read from other places; this is called attention. At "
        "the end, softmax makes probabilities of the logits. The equations, and the lines of code "
        "that are them:"
    )
    lesson.equations(
        "A. Vaswani and others (2017), equation 1; the norm: B. Zhang and R. Sennrich (2019)",
        [
            (1, "x_t = token_t + place_t", line_of(Writer.forward, "self.places(")),
            (2, "norm(x) = g · x / √(mean of x²)", line_of(RMSNorm.forward, "scale = ")),
            (3, "score = q · k / √d", line_of(Head.attend, "scores = ")),
            (4, "share = e^(score) / Σ e^(score)", line_of(Head.attend, "weights = ")),
            (5, "read = Σ share · v", line_of(Head.attend, "return [")),
            (6, "x := x + mix", line_of(Block.forward, "sequence = [")),
        ],
    )
    seen = tokens(NAME)
    graph = topological_order(loss(model(seen[:-1]), seen[1:]))
    made = [node for node in graph if node.op.name not in ("leaf", "constant")]
    kinds = Counter(node.op.name for node in made)
    with lesson.predict(
        f"Each addition and each multiplication for the loss of `{NAME}` is a node of a graph. How "
        "many nodes does the graph have? And how many kinds of operations?"
    ):
        lesson.show("\n".join(f"{count:7,}  {name}" for name, count in parts_of(made).items()))
        each = ", ".join(f"{count:,} {name}" for name, count in kinds.most_common())
        lesson.say(
            f"{len(made):,} nodes of {len(kinds)} kinds: {each}. So a transformer needs no special "
            "operation: each of these kinds has a row in the table of operations, with its "
            "derivative, and the chain rule does the rest."
        )
    compared(lesson, model)


def parts_of(made: Sequence[Value]) -> dict[str, int]:
    """How many nodes each part of the network has."""
    named = {
        "attention": "norm, heads and mix",
        "wide": "norm and hidden units",
        "narrow": "outputs of the hidden units",
        "logits": "norm and logits",
        "": "what is added past the parts",
    }
    found = Counter(node.group.split("/")[0] for node in made)
    return {named.get(key, key): count for key, count in found.most_common()}


def compared(lesson: Lesson, model: Writer) -> None:
    """The gradient of one step, found in three ways."""
    parameters, batch = model.parameters(), next(batches(lesson.seed))
    total = Value(0.0)
    for name in batch:
        seen = tokens(name)
        total = total + loss(model(seen[:-1]), seen[1:])
    eager = backward(total / len(batch), parameters)
    program, given = compiled(), columns(batch)
    fast = program(*given)[1]

    def value() -> Value:
        return Value(mean(program.outputs(*given)[0]))

    some = range(lesson.seed % EVERY, len(parameters), EVERY)
    off = apart(value, [parameters[i] for i in some], [eager[i] for i in some])
    same = max(abs(a - b) for a, b in zip(eager, fast)) / max(map(abs, eager))
    lesson.say(
        f"In training, a step has {BATCH} names, and its loss is the mean of theirs. We compute "
        "the gradient of a step by `backward()`, and compare it with differences of the loss, for "
        f"one of {EVERY} parameters. Then we compare all of it with the machine code that the "
        f"training uses. It fills each name up to {PLACES} tokens, so that all names have the "
        "same graph, and ignores what is behind the name."
    )
    claim = "gradient by backward() against differences, relative error"
    lesson.claim(bounded(claim, off, high=1e-6))
    claim = "gradient of a whole step, machine code against backward()"
    lesson.claim(bounded(claim, same, high=1e-10))


# --- one head -------------------------------------------------------------------------------------


def one(lesson: Lesson, model: Writer) -> None:
    """One head of a trained network at one place, number by number."""
    lesson.section("One head")
    head = one_head(model, "ann", 0)
    lesson.say(
        "We look into one head of a trained network while it works at the third place of "
        f"`{MARK}ann`. From the vector at each place so far, weighted sums make {SIZE // HEADS} "
        "numbers called the key k, and as many called the value v. The vector at the third place "
        "also makes a query q. The score of a place is the product of the query and the key of "
        "this place: number by number, added up, and divided by a constant. Softmax makes shares "
        "of the scores. They are positive, and their sum is 1. The head reads the mean of the "
        "values, weighted by the shares."
    )
    shares = [share_.data for share_ in head.shares]
    largest = shares.index(max(shares)) + 1
    lesson.play(
        "2-head",
        lambda: head.output.page(level="neuron", title="One head at one place"),
        f"Head 1 at the third place of `{MARK}ann`, and the first number that it reads. The shares "
        f"are {', '.join(f'{x:.2f}' for x in shares)}; the largest is that of place {largest}. "
        "Choose the level `node` to see every number. Change the query until the head reads from "
        "another place.",
    )
    claim = "the head as drawn against that of the network, difference"
    lesson.claim(bounded(claim, head.error, high=1e-12))


# --- no look ahead --------------------------------------------------------------------------------


def causal(lesson: Lesson) -> None:
    """A changed letter changes no prediction before it."""
    lesson.section("No look ahead")
    lesson.say(
        f"The network predicts at all {len(NAME) + 1} places of `{MARK}{NAME}` at once. It must "
        "not read the letters that it should predict. So each place reads from itself and from "
        "the places before it."
    )
    random = Random(lesson.seed)
    before, after, places = [], [], []
    for word in random.sample(names().held_out, MANY):
        seen = tokens(word)[:-1]
        place = random.randrange(1, len(seen))
        other = [*seen]
        other[place] = 1 + (seen[place] + random.randrange(TOKENS - 2)) % (TOKENS - 1)
        before.append(seen)
        after.append(other)
        places.append(place)
    early = changed = late = 0
    for one_, other_, place in zip(logits(before), logits(after), places):
        same = [x == y for x, y in zip(one_, other_)]
        early += place
        changed += same[:place].count(False)
        late += not same[place]
    with lesson.predict(
        f"We change the last letter, so that the name is `{CHANGED_NAME}`. Which of the "
        f"{len(NAME) + 1} predictions change?"
    ):
        lesson.say(
            "Only the last one, which sees the changed letter. The others do not change in a "
            f"single bit. We change a letter in each of {MANY} held-out names, and compare the "
            "logits of the trained network:"
        )
        lesson.show(
            f"places before the changed letter: {early}; there, {changed} predictions change\n"
            f"places of the changed letter:     {len(places)}; there, {late} predictions change"
        )
    lesson.claim(equal(CAUSAL, changed, 0))
    lesson.claim(equal("predictions at a changed letter that change", late, len(places)))


# --- training -------------------------------------------------------------------------------------

Runs = dict[Recipe, list[End]]


def training(lesson: Lesson, tables: dict[str, float]) -> Runs:
    """The runs of all seeds, and how they compare with the tables."""
    lesson.section("Training")
    lesson.say(
        f"The network is trained by the Loop: {', '.join(PHASES)}, and again. Nothing in the Loop "
        "has changed since the first lesson. The update is that of Adam; its rate is 0.01 at the "
        f"first step, and falls to 0 along a line. A step has {BATCH} names. The seed decides the "
        "first parameters and the order of the names; the held-out names are always the same."
    )
    seeds = range(lesson.seed, lesson.seed + lesson.seeds)
    recipes = (SHORT, MEDIUM, LONG, ALONE)
    jobs = [(recipe, seed) for recipe in recipes for seed in seeds]
    if not lesson.quick:
        jobs += [(PATIENT, seed) for seed in seeds[:FEW]]
    step = seconds(LONG) / LONG.steps
    results = iter(lesson.run(end, jobs, step * sum(recipe.steps for recipe, _ in jobs)))
    found = {recipe: [End(*next(results)) for _ in seeds] for recipe in recipes}
    more = [End(*result) for result in results]
    held = {recipe: [run.held_out for run in row] for recipe, row in found.items()}
    if more:
        held[PATIENT] = [run.held_out for run in more]
    epochs = SHORT.steps * BATCH / len(names().training)
    with lesson.predict(
        f"After {SHORT.steps:,} steps, the network has seen each name {epochs:.1f} times, on "
        "average. Which tables does it beat?"
    ):
        ranked(lesson, tables, held)
    for recipe in (SHORT, MEDIUM, LONG):
        claim = f"{recipe.steps:,} steps: median of the loss"
        known = expected.sample(f"transformer {recipe.steps} held out")
        lesson.claim(middle(claim, held[recipe], known))
    for recipe, name in (
        (SHORT, "bigram"),
        (MEDIUM, BLENDED.format("trigram")),
        (LONG, "4-gram"),
        (LONG, BLENDED.format("4-gram")),
    ):
        claim = f"{recipe.steps:,} steps: less loss than the table {name}"
        known = expected.sample(f"transformer {recipe.steps} held out")
        lesson.claim(soon(claim, held[recipe], tables[name], known))
    pinned(lesson)
    return found


def ranked(lesson: Lesson, tables: dict[str, float], held: dict[Recipe, list[float]]) -> None:
    """Networks and tables in the order of their losses."""
    medians = {
        f"-> network, {recipe.steps:,} steps": median_low(row)
        for recipe, row in held.items()
        if recipe.attention
    }
    mixed = {BLENDED.format(name) for name in WORDS[:2]}  # they are those that count
    rows = {f"   {name}": x for name, x in tables.items() if name not in mixed} | medians
    order = sorted(rows.items(), key=lambda row: -row[1])
    lesson.show("\n".join(f"{x:.3f}  {name}" for name, x in order))
    least = min(medians.values())
    ahead = [name for name, x in tables.items() if x < least]
    tail = f", and {FEW} after {PATIENT.steps:,} steps" if PATIENT in held else ""
    lesson.say(
        f"The loss of a network is the median of {lesson.seeds}{tail}. "
        + (
            f"No median is below the loss of the table {' or of the table '.join(ahead)}. A table "
            "that blends well is hard to beat with so few names."
            if ahead
            else "The network beats all tables."
        )
    )
    levels = {name: tables[name] for name in WORDS[1:4]}
    levels |= {name: tables[name] for name in map(BLENDED.format, WORDS[2:4])}
    runs = {
        "transformer": {r.steps: row for r, row in held.items() if r.attention},
        "without attention": {ALONE.steps: held[ALONE]},
    }
    lesson.plot(
        "3-losses",
        lambda: letter_pictures.losses(runs, levels),
        "The loss on the held-out names. Each point is a network, and the line is the median. "
        "Dotted: the tables. The next section explains the brown square.",
    )


def pinned(lesson: Lesson) -> None:
    """Single runs, to the digit."""
    took = 0.0
    for seed in PINNED:
        found, before = [], time.process_time()
        for step, _ in zip(PINS, walk(SHORT, seed, PINS)):
            found.append(float(f"{held_out():.{4 if step == PINS[-1] else 8}g}"))
        took = time.process_time() - before
        known = [expected.pin(f"transformer seed {seed} step {step}") for step in PINS]
        steps = ", ".join(f"{step:,}" for step in PINS)
        measured = ", ".join(map(str, found))
        lesson.pin(f"seed {seed}: loss after {steps} steps", measured, ", ".join(map(str, known)))
    lesson.say(
        f"Here, {PINS[-1]:,} steps take {took:.1f} seconds of one processor: {PINS[-1] * BATCH:,} "
        "names, forward and back."
    )


def without(lesson: Lesson, found: Runs, tables: dict[str, float]) -> None:
    """The same network, whose attention is switched off."""
    lesson.section("Without attention")
    lesson.say(
        "We switch attention off: the weights of the mix are 0, and do not learn. All else stays "
        "as it is. Now the network sees one letter and the number of its place, and nothing else."
    )
    pairs = [(one_.held_out, two.held_out) for one_, two in zip(found[LONG], found[ALONE])]
    table, steps = placed(), ALONE.steps
    with lesson.predict("Which table will this network be like?"):
        with_, other = (median_low(row) for row in zip(*pairs))
        lesson.say(
            "It is like a table of what comes after a letter at its place, for example after an "
            f"`a` at the third place. Such a table has the loss {table:.3f}. The bigram table, "
            f"which does not see the place, has {tables['bigram']:.3f}. After {steps:,} steps, the "
            f"median of the networks without attention is {other:.3f}, and with attention it is "
            f"{with_:.3f}. So what attention reads from the letters before is worth "
            f"{other - with_:.2f} nats."
        )
    known = expected.sample(f"transformer {steps} no attention held out")
    claim = f"{steps:,} steps without attention: median of the loss"
    lesson.claim(middle(claim, [two for _, two in pairs], known))
    claim = f"{steps:,} steps: less loss with attention, same seed"
    lesson.claim(mostly(claim, sum(a < b for a, b in pairs), len(pairs)))
    claim = "table of letter and place, counted: loss"
    lesson.pin(claim, float(f"{table:.5g}"), expected.pin("names letter and place"))


# --- one run --------------------------------------------------------------------------------------


class Seen(NamedTuple):
    """A run at one moment.

    loss: on the held-out names. words: that it writes. shares: of its heads for NAME. letters: the
    embeddings.
    """

    loss: float
    words: list[str]
    shares: list[list[list[float]]]
    letters: list[list[float]]


def look(model: Writer, seed: int) -> Seen:
    """What the network is like now."""
    return Seen(held_out(), write(MANY, seed), attention(NAME), letters(model))


def writing(lesson: Lesson, shown: dict[int, Seen]) -> None:
    """Names that the network writes while it learns, and at the end."""
    lesson.section("What does it write?")
    lesson.say(
        "The network writes a name letter by letter. It sees the mark and gives probabilities; one "
        "token is drawn by them; the network sees this token, too, and so on, until the mark is "
        f"drawn. We train the network of seed {lesson.seed} for {LONG.steps:,} steps, and let it "
        "write at some moments. The random numbers are the same each time, so what changes comes "
        "from the network."
    )
    rows = ["step    loss   names"]
    for moment, seen in shown.items():
        words = " ".join(word or "(none)" for word in seen.words[:7])
        rows.append(f"{moment:5,}  {seen.loss:.3f}  {words}")
    lesson.show("\n".join(rows))
    many = [word for word in shown[MOMENTS[-1]].words if word]
    known, new = (sum(word in row for word in many) for row in map(set, names()))
    with lesson.predict(
        "Does the network repeat the names that it has seen? How many of "
        f"{len(many)} names that it writes are training names?"
    ):
        lesson.say(
            f"{known} of {len(many)} are training names. {new} are held-out names, which it has "
            f"not seen. {len(many) - known - new} are in neither list."
        )


def looking(lesson: Lesson, shown: dict[int, Seen], back: tuple[int, list[list[float]]]) -> None:
    """The shares of the heads: for one name, and on average."""
    lesson.section("Where does it look?")
    lesson.say(
        f"Each square below is a head, and each row in it is a place of `{MARK}{NAME}`. The cells "
        "of a row are the shares that this place reads from each place so far. The darker a cell "
        "is, the larger the share. Move the slider:"
    )
    lesson.moments(
        "4-looks",
        "step",
        [
            (f"step {moment:,}", partial(letter_pictures.looks, seen.shares, MARK + NAME))
            for moment, seen in shown.items()
        ],
        "The shares of the four heads. The sum of each row is 1.",
    )
    count, means = back
    rows = ["head   itself   1 before   2 before   3 before   all others"]
    for k, row in enumerate(means, 1):
        cells = "   ".join(f"{x:8.0%}" for x in row[1:])
        rows.append(f"{k:4}   {row[0]:6.0%}   {cells}   {1 - sum(row):10.0%}")
    lesson.say(
        "One name may mislead. These are the mean shares after the last step, at "
        f"{count} places of held-out names:"
    )
    lesson.show("\n".join(rows))
    own = [row[0] for row in means]
    lesson.say(
        "Nobody tells a head where to look. All four have the same equations and the same kind of "
        f"first weights, and yet the share that a place reads from itself is {min(own):.0%} in one "
        f"head and {max(own):.0%} in another."
    )


def meeting(lesson: Lesson, found: Runs, shown: dict[int, Seen]) -> None:
    """The embeddings of the vowels."""
    lesson.section("Do the vowels find each other?")
    first, last = (shown[moment].letters for moment in (MOMENTS[0], MOMENTS[-1]))
    axes = vowels.plane_of(last)
    lesson.say(
        "For the network, a letter is a number from 1 to 26. Nothing tells it that `a` and `e` are "
        "vowels. At first, their embeddings are random."
    )
    with lesson.predict("Would the network have a reason to put the vowels together?"):
        lesson.say(
            "What comes after an `a` is often what comes after an `e`: a consonant. If their "
            "embeddings are alike, the parts behind them can treat them alike, and what is learned "
            "about one helps with the other. The picture shows the directions of the embeddings, "
            "in the plane in which they differ most at the end. Move the slider:"
        )
        lesson.moments(
            "5-letters",
            "step",
            [
                (f"step {moment:,}", partial(plane_at, seen.letters, axes))
                for moment, seen in shown.items()
            ],
            "The directions of the embeddings, each with the length 1, in the plane of the last "
            "moment. Vowels have a frame; y can be either, and has none.",
        )
        pairs = ", ".join(f"`{a}`: `{b}`" for a, b in vowels.nearest(last).items())
        lesson.say(
            f"A plane shows 2 of {SIZE} directions. So we measure in all of them, with cosines: "
            "the cosine of two vectors is 1 if they point the same way, and 0 if they are at a "
            "right angle. The vowel gap is the mean cosine between two vowels, minus the mean "
            "cosine between a vowel and a consonant. In this network it is "
            f"{vowels.gap(first):.2f} at first and {vowels.gap(last):.2f} at the end. For each "
            f"vowel, the letter with the largest cosine is {pairs}."
        )
    untrained = mean(vowels.gap(letters(begin(LONG, lesson.seed + i))) for i in range(20))
    lesson.claim(bounded("untrained: vowel gap, mean of 20 networks", untrained, -0.1, 0.1))
    n, each = lesson.seeds, {r: [run.tokens for run in found[r]] for r in (SHORT, LONG)}
    for recipe, many in each.items():
        claim = f"{recipe.steps:,} steps: median of the vowel gap"
        known = expected.sample(f"transformer {recipe.steps} vowels")
        lesson.claim(middle(claim, list(map(vowels.gap, many)), known))
    least, most = expected.sample(f"transformer {SHORT.steps} vowels").rank(WIDE)
    seeds = expected.sample(f"transformer {SHORT.steps} vowels").seeds
    wide = sum(vowels.gap(one_) > WIDE for one_ in each[SHORT])
    claim = f"{SHORT.steps:,} steps: vowel gap above {WIDE}"
    lesson.claim(share(claim, wide, n, ((seeds - most, seeds - least), seeds)))
    near = [{*vowels.nearest(one_).values()} <= {*vowels.VOWELS} for one_ in each[SHORT]]
    claim = f"{SHORT.steps:,} steps: the nearest letter of each vowel is a vowel"
    known_near = expected.scored(f"transformer {SHORT.steps} nearest", 5, 5)
    lesson.claim(share(claim, sum(near), n, known_near))


def plane_at(tokens_: vowels.Vectors, axes: vowels.Vectors) -> Any:
    """The picture of one moment."""
    return letter_pictures.plane(vowels.projected(tokens_, axes))


if __name__ == "__main__":
    main()
