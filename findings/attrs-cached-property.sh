#!/usr/bin/env bash
# In Python 3.11, a cached property makes every other attribute of an attrs class slow.
#
# `attrs.define` gives a class slots, and where the class has a functools.cached_property as well,
# attrs writes a `__getattr__` into it. That method is called only for names that are not found. But
# CPython 3.11 does not specialise the reading of an attribute of a class that has one: a field that
# is there is read the general way, too, each time. From 3.12 on it is specialised all the same.
#
# Seen with attrs 25.4.0: in CPython 3.11.7 the instruction that reads the field becomes
# LOAD_ATTR_SLOT in the class without the property, and stays LOAD_ATTR_ADAPTIVE in the class with
# it, where a read took 1.6 times as long. In 3.12.1 and 3.13.0 it is LOAD_ATTR_SLOT in both. Which
# instruction it is does not depend on the machine, and is what is tested here.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet attrs==25.4.0
"$folder/venv/bin/python" - <<'PYTHON'
import dis
import sys
from functools import cached_property

import attr
import attrs


@attrs.define
class Plain:
    side: float

    @property
    def area(self):
        return self.side**2


@attrs.define
class Cached:
    side: float

    @cached_property
    def area(self):
        return self.side**2


def instruction(thing):
    def read(thing):
        return thing.side

    for _ in range(1000):
        read(thing)
    names = [i.opname for i in dis.get_instructions(read, adaptive=True)]
    return next(name for name in names if name.startswith("LOAD_ATTR"))


print("Python", sys.version.split()[0], "attrs", attr.__version__)
for kind in (Plain, Cached):
    assert "__slots__" in vars(kind)
    print(kind.__name__, "__getattr__" in vars(kind), instruction(kind(2.0)))
assert "__getattr__" not in vars(Plain)
assert instruction(Plain(2.0)) == "LOAD_ATTR_SLOT"
assert "__getattr__" in vars(Cached)
general = sys.version_info[:2] == (3, 11)
assert instruction(Cached(2.0)) == ("LOAD_ATTR_ADAPTIVE" if general else "LOAD_ATTR_SLOT")
PYTHON
