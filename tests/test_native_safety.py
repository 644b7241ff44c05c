"""Machine code stays in its arena, trusts no file but its own, and is not needed for anything."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from conftest import posix
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu
from tinygrad_edu import TABLE, Value, compile, losses, tanh
from tinygrad_edu.errors import TapeError
from tinygrad_edu.nn import MLP
from tinygrad_edu.nn.layers import Linear
from tinygrad_edu.nn.transformer import Block
from tinygrad_edu.optim import SGD, Adam, AdamW

pytest.importorskip("llvmlite")
from tinygrad_edu.compiler.native.binding import check_bytecode
from tinygrad_edu.compiler.native.binding.check_bytecode import check
from tinygrad_edu.compiler.native.binding.library import Library, library, processor
from tinygrad_edu.compiler.native.binding.program import VECTORS, aligned
from tinygrad_edu.compiler.native.machine.interpreter import (
    BLOCK,
    DOTS,
    ELEMENTWISE,
    EPILOGUES,
    GATHER,
    HEAD,
    MOST_HUBS,
    OPS,
    REDUCE,
    TRANSPOSE,
    UPDATE,
    hubs,
    outputs,
    wide,
)
from tinygrad_edu.compiler.native.machine.optimizer_update import Update

ROOT = Path(tinygrad_edu.__file__).parents[1]

# --- tables --------------------------------------------------------------------------------------


class OutsideError(Exception):
    """The machine would read or write what is not in its arena, or in its table."""


def run(
    table: Sequence[int], size: int, lanes: int, sizes: Sequence[int], blocks: int
) -> Iterator[int]:
    """Every double that the machine would touch, as its LLVM code says, each checked."""

    def word(place: int) -> int:
        if not 0 <= place < len(table):
            raise OutsideError("table")
        return int(table[place])

    def touch(at: int, extent: int) -> int:
        if not 0 <= at <= size - extent:
            raise OutsideError("arena")
        return at

    t = 0
    for _ in range(len(table) + 1):
        code = word(t)
        if code == GATHER:
            out, count = word(t + 2), word(t + 3)
            for i in range(count * BLOCK):
                yield touch(word(t + 4 + i), 1)
                yield touch(out + i, 1)
        elif REDUCE <= code < REDUCE + MOST_HUBS:
            count = code - REDUCE + 1
            for i in range(word(t + 2) * (BLOCK + count)):
                yield touch(word(t + 3 + count + i), lanes)
            for h in range(count):
                yield touch(word(t + 3 + h), BLOCK)
        elif ELEMENTWISE <= code < ELEMENTWISE + len(OPS):
            out, count, a, a_step, b, b_step = (word(t + k) for k in range(2, 8))
            name = OPS[code - ELEMENTWISE]
            for i in range(count):
                yield touch(out + i * lanes, lanes)
                yield touch(a + i * a_step, lanes)
                # the second operand, or where the second result of a pair goes
                if " and " in name or len(TABLE[name].derivatives) == 2:
                    yield touch(b + i * b_step, lanes)
        elif code == UPDATE:
            for i in range(word(t + 3)):  # of parameters, and all that is kept for them
                if not 0 <= word(t + 2) + i * word(t + 4) < blocks:
                    raise OutsideError("parameters")
        elif code == TRANSPOSE:
            for k in range(BLOCK):
                yield touch(word(t + 3 + k), lanes)
                yield touch(word(t + 2) + k * lanes, lanes)
        elif DOTS <= code < DOTS + len(sizes):
            j = sizes[code - DOTS]
            (out, out_step, init, init_step, count, u_step, finish, other, other_step) = (
                word(t + k) for k in range(2, 11)
            )
            uu, rr, a_step, b_step = (word(t + k) for k in range(11, HEAD))
            for k in range(j):
                yield touch(init + k * init_step, 1)
            for i in range(uu if j == 1 else 0):
                for word_ in (0, 1):
                    yield touch(word(t + HEAD + 2 * (count + i) + word_), 1)
            for i in range(count):
                yield touch(word(t + HEAD + 2 * i + 1), lanes)
                for k in range(j):
                    yield touch(word(t + HEAD + 2 * i) + k * u_step, 1)
            for i in range(rr):
                for k in range(j):
                    yield touch(word(t + HEAD + 2 * (count + uu + i)) + k * a_step, lanes)
                    yield touch(word(t + HEAD + 2 * (count + uu + i) + 1) + k * b_step, lanes)
            for k in range(j if 0 <= finish < len(EPILOGUES) else 0):
                yield touch(out + k * out_step, lanes)
                if finish > 1:
                    yield touch(other + k * other_step, lanes)
        else:
            return
        t += word(t + 1)
    raise OutsideError("no end")


def attention() -> tuple[Value, list[Value]]:
    block, random = Block(4, 2, hidden=3, seed=1), Random(1)
    xs = [[Value(random.uniform(-1, 1)) for _ in range(4)] for _ in range(5)]
    squares = [y * y for vector in block(xs) for y in vector]
    return sum(squares[1:], squares[0]), block.parameters()


@cache
def tables() -> list[tuple[Any, int, int, list[int], int]]:
    """Of one example and of many, with every instruction."""
    model, inputs = MLP(2, [9, 2], "sigmoid", seed=1), [Value(0.5) for _ in range(4)]
    loss = losses.half_squared_error(model(inputs[:2]), inputs[2:])
    linear = Linear(3, 3, init=lambda random, *_: random.uniform(-1, 1), seed=1)
    y = losses.cross_entropy([tanh(z) for z in linear(inputs[:3])], inputs[1:])
    text, parameters = attention()
    steps = [
        (compile(loss, model.parameters(), inputs, backend="machine"), 100),
        (compile(y, linear.parameters(), inputs, backend="machine"), 8),
        (compile(text, parameters, backend="machine"), 1),
    ]
    plans = [step.program().plan(count) for step, count in steps]
    return [(words(p), *limits(p)) for p in plans]


def limits(plan: Any) -> tuple[int, int, list[int], int]:
    """Doubles in its arena and in a row, rows of DOTS, blocks of parameters."""
    width, registers = processor()
    assert plan.lanes // width in VECTORS
    sizes = outputs(plan.lanes // width, registers)
    return plan.fixed.size, plan.lanes, sizes, plan.size // BLOCK


def words(plan: Any) -> Any:
    """The table of a plan, to be changed."""
    return np.frombuffer(plan.bytecode, np.int32).copy()


def test_real_tables_are_accepted_and_have_every_instruction() -> None:
    codes = set()
    for table, size, *others in tables():
        check(table, size, *others)
        assert max(run(table, size, *others)) < size
        at = 0
        while table[at]:
            codes.add(int(table[at]))
            at += int(table[at + 1])
    assert codes >= {GATHER, REDUCE, TRANSPOSE, UPDATE, DOTS, DOTS + 1, DOTS + 2}
    for i in range(MOST_HUBS):
        assert (REDUCE + i in codes) == (i < hubs(processor()[1]))
    assert codes & {ELEMENTWISE + k for k, name in enumerate(OPS) if name in TABLE}
    assert {
        ELEMENTWISE + OPS.index("sigmoid and bell"),
        ELEMENTWISE + OPS.index("tanh and sech2"),
    } <= codes


NUMBERS = st.one_of(
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-20, 40),
    st.sampled_from([2**31 - 1, -(2**31), 2**30, 10**6]),
)


@settings(max_examples=300)
@given(st.integers(0, 2), st.floats(0, 1, exclude_max=True), NUMBERS, st.booleans())
def test_a_table_with_one_field_changed_is_refused_or_stays_inside(
    which: int, place: float, number: int, added: bool
) -> None:
    original, *limits = tables()[which]
    table = original.copy()
    k = int(place * len(table))
    changed = int(table[k]) + number if added else number
    table[k] = max(-(2**31), min(2**31 - 1, changed))
    try:
        check(table, *limits)
    except TapeError:
        return
    for _ in run(table, *limits):
        pass


@pytest.mark.parametrize("many", [1, check_bytecode.MANY])
def test_every_address_that_leaves_the_arena_is_refused(
    many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each field of a small table in turn: what would be outside is never accepted."""
    monkeypatch.setattr(check_bytecode, "MANY", many)
    x, w = Value(0.5), Value(2.0)
    plan = compile((x * w).exp(), [w], [x], backend="machine").program().plan(8)
    table, size, refused = words(plan), plan.fixed.size, 0
    for k in range(len(table)):
        for number in (-1, size - 1, size, 2**31 - 1, -(2**31)):
            changed = table.copy()
            changed[k] = number
            try:
                [*run(changed, *limits(plan))]
            except OutsideError:
                with pytest.raises(TapeError):
                    check(changed, *limits(plan))
                refused += 1
    assert refused > len(table)


NONE = [[], [0], [1], [5, 0], [5, 1], [4, -1], [99, 2], [1, 4, 8, 3, 0], [1, -1, 8, 0, 0]]


@pytest.mark.parametrize("table", NONE, ids=str)
def test_what_is_no_table_is_refused_or_does_nothing(table: list[int]) -> None:
    try:
        check(table, 64, 8, [1, 2], 4)
    except TapeError:
        return
    assert not [*run(table, 64, 8, [1, 2], 4)]


@pytest.mark.parametrize(
    ("first", "count", "step"), [(0, 4, 1), (4, 0, 1), (3, 1, 1), (0, 2, 3), (1, 1, 9), (0, 9, 0)]
)
def test_parameters_may_be_updated(first: int, count: int, step: int) -> None:
    check([UPDATE, 5, first, count, step, 0, 0], 64, 8, [1], 4)


MOST = 2**31 - 1


@pytest.mark.parametrize(
    ("first", "count", "step"),
    [
        (3, 2, 1),
        (0, 5, 1),
        (-1, 2, 1),
        (5, -1, 1),
        (0, 2, 4),
        (3, 2, -1),
        (MOST, MOST, MOST),
        (0, -MOST, 1),
    ],
)
def test_nothing_else_is_updated(first: int, count: int, step: int) -> None:
    with pytest.raises(TapeError):
        check([UPDATE, 5, first, count, step, 0, 0], 64, 8, [1], 4)


def test_update_changes_the_blocks_that_it_names_or_none() -> None:
    """By x - rate * slope, with what is kept for nobody; where `update` is null, nothing is."""
    width, registers = processor()
    update = Update(*SGD([Value(1.0)]).recorded(), width, wide(width))
    settings = np.array(update.settings([0.5, 0.25], [0, 1])).T.copy()
    run = library(width, 1, registers, False).address("run")
    change = Library(update.text)
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5)(run)
    table = np.array([UPDATE, 5, 1, 2, 2, UPDATE, 5, 0, 0, 1, 0, 0], np.int32)
    places, end = np.array([BLOCK, 6 * BLOCK]), 6 * BLOCK
    for address, expected in ((None, [1.0] * 5), (change.address("update"), [1, 0.5, 1, 0.5, 1])):
        arena = aligned(np.full(end + 5 * BLOCK, 2.0))
        arena[BLOCK:end] = 1.0
        data = [x.ctypes.data for x in (places, settings[1:])]
        call(arena.ctypes.data, table.ctypes.data, address, *data)
        assert arena[BLOCK:end].tolist() == np.repeat(expected, BLOCK).tolist()
        assert set(arena[:BLOCK]) == set(arena[end:]) == {2.0}


def test_settings_are_lists_with_a_number_for_each_step() -> None:
    parameter = [Value(1.0)]
    for optimizer in (SGD(parameter), Adam(parameter), AdamW(parameter)):
        update = Update(*optimizer.recorded(), 4, "")
        found = update.settings([0.5, 0.25, 0.125], [0, 1, 2])
        assert [len(numbers) for numbers in found] == [3] * len(update.common)
        assert 0.25 in [second for _, second, _ in found]
        assert update.settings([], []) == [[] for _ in found]


def test_what_is_not_read_and_constants_are_no_settings() -> None:
    """Here the new number is half the old one, and the slope is kept."""
    leaves = [Value(0.5) for _ in range(5)]
    update = Update(leaves, [leaves[0] * 0.5, leaves[1] + 0.0], 4, "")
    assert update.settings([0.5, 0.25], [0, 1]) == []


def test_a_table_is_fixed_once_it_was_checked() -> None:
    """What is run is bytes, which nobody can change."""
    x, w = Value(0.5), Value(2.0)
    step = compile((x * w).exp(), [w], [x], backend="machine")
    plan = step.program().plan(8)
    assert type(plan.bytecode) is bytes
    with pytest.raises(TypeError):
        plan.bytecode[0] = 1


# --- the files of machine code -------------------------------------------------------------------

ANSWER = [4.5, -1.75]
ONE_STEP = """
import json
from tinygrad_edu import Value, compile
x, w = Value(7.0), Value(2.0)
value, slopes = compile(x / w + 1, [w], backend="machine")()
print(json.dumps([value, *slopes]))
"""
OTHER_CODE = """  # of another program, under the name of this one's
from tinygrad_edu.compiler.native.binding import library
real = library._compiled
library._compiled = lambda text, target: real(text.replace(" fdiv ", " fmul "), target)
"""


def process(program: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("XDG_CACHE_HOME", "PYTHONPATH")}
    return subprocess.run(
        [sys.executable, *options, "-c", program],
        capture_output=True,
        text=True,
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
    )


def answer(home: Path | str, before: str = "") -> list[float]:
    """Of a fresh process."""
    done = process(before + ONE_STEP, XDG_CACHE_HOME=str(home))
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""
    found: list[float] = json.loads(done.stdout)
    return found


def kept(home: Path) -> Path:
    """The one file that was kept there."""
    (file,) = (home / "tinygrad-edu").iterdir()
    return file


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, bytes]]:
    """Name and content of the file that is right, and of one that is whole, and wrong."""
    found = {}
    for which, before in (("right", ""), ("wrong", OTHER_CODE)):
        home = tmp_path_factory.mktemp(which)
        answer(home, before)
        found[which] = kept(home).name, kept(home).read_bytes()
    return found


def placed(home: Path, name: str, content: bytes) -> Path:
    (home / "tinygrad-edu").mkdir(mode=0o700)
    file = home / "tinygrad-edu" / name
    file.write_bytes(content)
    file.chmod(0o600)
    return file


@pytest.fixture
def wrong(tmp_path: Path, files: dict[str, tuple[str, bytes]]) -> Path:
    """A cache whose one file is whole, and not what it should be."""
    placed(tmp_path, *files["wrong"])
    return tmp_path


def test_code_is_kept_for_the_next_process(tmp_path: Path) -> None:
    """For this user only, in a file that is whole and the same every time."""
    assert answer(tmp_path / "new" / "home") == ANSWER
    file = kept(tmp_path / "new" / "home")
    first = file.read_bytes()
    if os.name == "posix":
        assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    before = file.stat().st_mtime_ns
    assert answer(tmp_path / "new" / "home") == ANSWER
    assert file.stat().st_mtime_ns == before
    file.unlink()
    assert answer(tmp_path / "new" / "home") == ANSWER
    assert file.read_bytes() == first


def test_a_file_that_is_trusted_is_run(wrong: Path) -> None:
    """Which shows what the other tests here would see."""
    assert answer(wrong) != ANSWER


@posix
@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.chmod(0o620),
        lambda file: file.chmod(0o602),
        lambda file: file.parent.chmod(0o770),
        lambda file: file.parent.chmod(0o707),
        lambda file: (file.rename(file.parent.parent / "x"), file.symlink_to("../x")),
        lambda file: (file.parent.rename(file.parents[1] / "x"), file.parent.symlink_to("x")),
    ],
    ids=[
        "group's file",
        "world's file",
        "group's folder",
        "world's folder",
        "link",
        "linked folder",
    ],
)
def test_what_others_could_have_written_is_not_run(
    wrong: Path, change: Callable[[Path], Any]
) -> None:
    change(kept(wrong))
    assert answer(wrong) == ANSWER


@posix
@pytest.mark.parametrize("whose", ["file", "folder"])
def test_what_another_user_owns_is_not_run(wrong: Path, whose: str) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a file away")
    file = kept(wrong)
    os.chown(file if whose == "file" else file.parent, 65534, 65534)
    assert answer(wrong) == ANSWER


@pytest.mark.parametrize(
    "damage",
    [
        lambda code: b"",
        lambda code: code[:31],
        lambda code: code[:32],
        lambda code: code[: len(code) // 2],
        lambda code: code[:-1],
        lambda code: code + b"\0",
        lambda code: bytes([code[0] ^ 1]) + code[1:],
        lambda code: code[:5000] + bytes([code[5000] ^ 128]) + code[5001:],
        lambda code: b"\x7fELF" * 5000,
    ],
    ids=["empty", "cut 31", "cut 32", "half", "one less", "one more", "sum", "bit", "other"],
)
def test_a_damaged_file_is_made_again(
    tmp_path: Path, files: dict[str, tuple[str, bytes]], damage: Callable[[bytes], bytes]
) -> None:
    name, right = files["right"]
    file = placed(tmp_path, name, damage(right))
    assert answer(tmp_path) == ANSWER
    assert file.read_bytes() == right


@posix
def test_where_nothing_can_be_kept_it_works_as_well(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    for home in ("/dev/null", str(tmp_path / "file"), "/"):
        if home != "/" or os.getuid() != 0:
            assert answer(home) == ANSWER
    done = process(ONE_STEP, HOME="/proc/none")
    assert (json.loads(done.stdout), done.stderr) == (ANSWER, "")
    (tmp_path / "locked").mkdir(mode=0o500)
    assert answer(tmp_path / "locked") == ANSWER


# --- without it ----------------------------------------------------------------------------------

EVERYTHING = """
import sys
from tinygrad_edu import Value, compile, losses
assert not {"numpy", "llvmlite"} & set(sys.modules)
from tinygrad_edu.data import gate
from tinygrad_edu.nn import MLP
from tinygrad_edu.optim import Adam
from tinygrad_edu.train import train
x, w = Value(2.0, "x"), Value(3.0, "w")
step = compile(x * w * w, [w], x)
print([step(2.0), step([1.0, 2.0] * 50), step.outputs([1.0, 2.0])])
for _ in range(2):
    model = MLP(2, [2, 1], "tanh", seed=1)
    optimizer = Adam(model.parameters(), 0.1)
    history = train(
        model, losses.half_squared_error, gate("xor"), optimizer, epochs=50, compiled=True
    )
    assert history.epochs == 50 and history.losses[-1] < history.losses[0]
try:
    compile(x * w, backend="machine")
except ImportError as error:
    print(error)
print(sorted({"numpy", "llvmlite"} & set(sys.modules)))
"""
ANSWERS = [(18.0, [12.0]), (1350.0, [900.0]), [[9.0, 18.0]]]


def linked(folder: Path, *packages: str) -> Path:
    """A folder in which these packages are installed, and no others."""
    folder.mkdir()
    for package in packages:
        for place in Path(np.__file__).parents[1].glob(f"{package}*"):
            (folder / place.name).symlink_to(place)
    return folder


@posix
@pytest.mark.parametrize("there", [(), ("numpy",), ("llvmlite",)], ids=str)
def test_without_the_extra_everything_works_and_says_once_how_to_be_faster(
    tmp_path: Path, there: tuple[str, ...]
) -> None:
    """-S: what is installed is not there, but for what is given."""
    path = os.pathsep.join([str(ROOT), str(linked(tmp_path / "some", *there))])
    done = process(EVERYTHING, "-S", "-W", "always", PYTHONPATH=path)
    assert done.returncode == 0, done.stderr[-2000:]
    answers, missing, loaded = done.stdout.splitlines()
    assert answers == str(ANSWERS)
    assert missing == 'machine is not installed: pip install "tinygrad-edu[fast]"'
    assert loaded == str([x for x in there if x == "numpy"])
    assert done.stderr.count("SlowWarning") == 1
    assert 'pip install "tinygrad-edu[fast]"' in done.stderr


def test_nothing_is_loaded_before_it_is_needed() -> None:
    """By the package, by a step that was not run, by its tape and what is printed of it."""
    done = process(
        """
import sys
import tinygrad_edu
from tinygrad_edu import Value, compile, losses, nn, optim, train
from tinygrad_edu.compiler import compiled
from tinygrad_edu.compiler.tape import tape
x = Value(2.0, "x")
step = compile(x * x, [x])
assert step.tape.run()[0] == 2.0
slow = {"numpy", "llvmlite", "tinygrad_edu.compiler.native"}
print(sorted(slow & set(sys.modules)), step.chosen(1))
"""
    )
    assert (done.stdout, done.stderr) == ("[] machine\n", "")


def test_negative_counts_do_not_cancel() -> None:
    for table in (
        [DOTS, HEAD, 8, 0, 0, 0, -1, 0, 0, 0, 0, 0, 1, 10**6, 10**6, 0, 0],
        [REDUCE, 4, -1, 8, 0, 0],
        [UPDATE, 4, 9, -8, 0, 0],
    ):
        with pytest.raises(TapeError):
            check(table, 64, 8, [1], 4)
