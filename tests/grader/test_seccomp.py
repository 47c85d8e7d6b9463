import socket
import struct

import pytest

from grader import seccomp


def steps(monkeypatch, machine):
    monkeypatch.setattr("platform.machine", lambda: machine)
    return list(struct.iter_unpack("HBBI", seccomp.program()))


def answer(program, machine, call, first=0):
    """What the kernel would do: the program, run by hand."""
    data = {0: call, 4: machine, 16: first}
    at = value = 0
    while True:
        code, yes, no, number = program[at]
        if code == 0x06:
            return number
        if code == 0x20:
            value = data[number]
            at += 1
        else:
            holds = value == number if code == 0x15 else value & number
            at += 1 + (yes if holds else no)


@pytest.mark.parametrize(
    "machine, number, clone", [("x86_64", 0xC000003E, 56), ("aarch64", 0xC00000B7, 220)]
)
def test_a_process_may_fork_but_not_into_a_user_namespace(monkeypatch, machine, number, clone):
    program = steps(monkeypatch, machine)
    assert answer(program, number, clone, first=17) == 0x7FFF0000
    assert answer(program, number, clone, first=17 | 0x10000000) == 0x00050001


def test_unshare_and_memory_that_is_not_mapped_are_refused(monkeypatch):
    program = steps(monkeypatch, "x86_64")
    for call in (272, 319, 29):
        assert answer(program, 0xC000003E, call) == 0x00050001
    assert answer(program, 0xC000003E, 0) == 0x7FFF0000


@pytest.mark.parametrize(
    ("machine", "number", "calls"),
    [("x86_64", 0xC000003E, (248, 249, 250, 425)), ("aarch64", 0xC00000B7, (217, 218, 219, 425))],
)
def test_keyrings_and_io_uring_are_refused(monkeypatch, machine, number, calls):
    program = steps(monkeypatch, machine)
    assert {answer(program, number, call) for call in calls} == {0x00050001}


@pytest.mark.parametrize(
    ("machine", "number", "call"), [("x86_64", 0xC000003E, 41), ("aarch64", 0xC00000B7, 198)]
)
def test_only_sockets_that_a_network_namespace_holds_can_be_opened(
    monkeypatch, machine, number, call
):
    program = steps(monkeypatch, machine)
    allowed = {n for n in range(64) if answer(program, number, call, first=n) == 0x7FFF0000}
    assert allowed == {socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK}
    assert answer(program, number, call, first=40) == 0x00050001


def test_calls_under_other_numbers_are_refused(monkeypatch):
    program = steps(monkeypatch, "x86_64")
    assert answer(program, 0x40000003, 0) == 0x00050001
    assert answer(program, 0xC000003E, 0x40000000) == 0x00050001


def test_libraries_are_told_that_there_is_no_clone3(monkeypatch):
    program = steps(monkeypatch, "x86_64")
    assert answer(program, 0xC000003E, 435) == 0x00050026


def test_a_machine_without_known_numbers_has_no_filter(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert seccomp.program() == b""
