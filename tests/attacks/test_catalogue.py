"""The list of attacks itself."""

import contextlib
import io
import json
import os
import re
import struct
import sys
from collections import Counter

import numpy as np
import pytest
from attacks.attack import ARMS, POINTS
from attacks.catalogue import ATTACKS, HERE, table

from grader.wire import pack, unpack


def test_every_row_of_the_list_has_attacks():
    rows = Counter(attack.row for attack in ATTACKS)
    assert set(rows) == set(range(1, 17))
    assert len(ATTACKS) >= 64


def test_no_two_attackers_share_a_name():
    names = Counter(attack.name for attack in ATTACKS)
    assert max(names.values()) == 1


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: ascii(attack.name))
def test_an_attack_aims_at_an_exercise_that_it_has_not_solved(attack):
    solved = attack.row == 16
    assert (attack.points()[attack.aims_at] == POINTS[attack.assignment][attack.aims_at]) == solved
    assert attack.codes


def test_the_table_is_that_of_the_attacks():
    assert (HERE / "README.md").read_text(encoding="utf-8") == table()


def test_what_attackers_search_with_finds_a_canary_where_there_is_one(tmp_path):
    canary = "rlcore-canary-" + "0" * 32
    (tmp_path / "file").write_text(canary)
    arms: dict = {"os": os, "re": re, "sys": sys}
    exec(ARMS[ARMS.index("def leak") :], arms)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        arms["look"](str(tmp_path))
    assert canary in said.getvalue() and said.getvalue().startswith("LE" + "AK: ")


def test_attackers_write_frames_as_the_sandbox_does():
    names = {"json": json, "struct": struct}
    exec(ARMS[ARMS.index("def frame(") :], names)
    array = np.arange(6.0).reshape(2, 3)
    for message in ({"done": True}, {"outcomes": [{"observables": {"a": array}}] * 2}):
        assert unpack(names["frame"](message)[4:]).keys() == message.keys()
    assert names["frame"](message) == pack(message)
