"""Frames: what is packed comes back, and what an enemy writes is refused."""

import json
import os
import socket
import struct
import threading
from typing import Any

import numpy as np
import pytest

from grader.wire import MAX_FRAME, BrokenFrame, Channel, Closed, pack, unpack


@pytest.fixture
def ends():
    one, other = socket.socketpair()
    yield Channel(one), other
    one.close()
    other.close()


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "bool"])
def test_an_array_comes_back_bit_by_bit(dtype):
    array = (np.array([[0.1, -2.0, 1e-30], [3.0, 0.0, 1e15]]) * 7).astype(dtype)
    back = unpack(pack({"a": array})[4:])["a"]
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()


def test_arrays_come_back_in_their_places():
    given = {"b": [np.zeros(0), {"a": np.arange(3.0)[::-1]}], "a": np.array(True), "c": "\n"}
    back = unpack(pack(given)[4:])
    assert back["b"][0].shape == (0,)
    assert back["b"][1]["a"].tolist() == [2.0, 1.0, 0.0]
    assert back["a"].shape == ()
    assert back["a"].item() is True
    assert back["c"] == "\n"


def test_numbers_outside_of_arrays_keep_every_bit():
    assert unpack(pack({"gamma": 0.1 + 0.2})[4:]) == {"gamma": 0.1 + 0.2}


def test_nan_passes_in_an_array_and_nowhere_else():
    assert np.isnan(unpack(pack({"a": np.array([np.nan])})[4:])["a"]).all()
    with pytest.raises(BrokenFrame, match="NaN is no JSON"):
        unpack(b'{"a": NaN}')


def array_frame(dtype="float64", shape=(1,), data=b"\0" * 8):
    return json.dumps({"__array__": [dtype, list(shape)]}).encode() + b"\n" + data


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"a": 1, "a": 2}',
        b'{"a": Infinity}',
        b"[" * 100_000 + b"]" * 100_000,
        b"1" * 5000,
        array_frame("object"),
        array_frame("O"),
        array_frame(shape=(2,)),
        array_frame(shape=(-1,)),
        array_frame(shape=(True,)),
        array_frame(shape=(2**40, 2**40)),
        array_frame(shape=[1] * 40),
        b'{"__array__": 3}',
        b'{"__array__": ["float64"]}\n12345678',
        array_frame(shape=[[1]]),
        array_frame(dtype=["float64"]),
        array_frame(data=b"\0" * 7),
        array_frame(data=b"\0" * 9),
        b"{}\n1",
        b"\xef\xbb\xbf{}",
        b'{"__array__": {"__array__": ["float64", [1]]}}\n12345678',
        b'{"a": {"__array__": ["float64", [1]]}, "a": {"__array__": ["float64", [1]]}}\n'
        + b"\0" * 16,
    ],
)
def test_what_is_no_frame_of_ours_is_refused(body):
    with pytest.raises(BrokenFrame):
        unpack(body)


def test_where_no_arrays_are_expected_a_frame_has_none():
    assert unpack(b'{"a": 1}', arrays=False) == {"a": 1}
    with pytest.raises(BrokenFrame, match="no array"):
        unpack(array_frame(), arrays=False)


def test_a_frame_in_pieces_is_put_together(ends):
    channel, other = ends
    frame = pack({"done": True})
    other.sendall(frame[:3])
    assert channel.receive(0.01) is None
    other.sendall(frame[3:] + frame)
    assert channel.receive(1) == channel.receive(1) == {"done": True}


def test_a_huge_frame_is_refused_before_its_body_comes(ends):
    channel, other = ends
    other.sendall(struct.pack(">I", MAX_FRAME + 1))
    with pytest.raises(BrokenFrame, match="bytes"):
        channel.receive(1)


def test_the_other_end_closed_is_noticed_at_once(ends):
    channel, other = ends
    other.close()
    with pytest.raises(Closed):
        channel.receive(60)
    with pytest.raises(Closed):
        channel.send({"a": "b" * 10})


def test_a_frame_larger_than_any_buffer_comes_whole_to_who_reads_late(ends):
    channel, other = ends
    reader = Channel(other)
    said = {"a": np.arange(1 << 18), "b": "c" * (1 << 20)}
    late = threading.Timer(0.2, lambda: heard.append(reader.receive(5)))
    heard: list[Any] = []
    late.start()
    channel.send(said)
    late.join()
    assert heard[0]["b"] == said["b"]
    np.testing.assert_array_equal(heard[0]["a"], said["a"])


def test_who_does_not_read_does_not_hold_us_up(ends):
    channel, _ = ends
    with pytest.raises(Closed):
        channel.send({"a": "b" * (8 << 20)}, seconds=0.1)


def test_descriptors_that_come_along_are_not_taken(ends):
    channel, other = ends
    with open("/dev/null") as file:
        socket.send_fds(other, [pack({"done": True})], [file.fileno()] * 3)
    before = len(list(open_descriptors()))
    assert channel.receive(1) == {"done": True}
    assert len(list(open_descriptors())) == before


def test_what_a_second_process_sends_is_no_frame_where_one_is_expected(ends):
    channel = Channel(ends[0].socket, one_sender=True)
    ends[1].sendall(pack({"hello": True}))
    assert channel.receive(1) == {"hello": True}
    if (child := os.fork()) == 0:
        ends[1].sendall(pack({"outcomes": []}))
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(BrokenFrame, match="second process"):
        channel.receive(1)


def open_descriptors():
    return os.listdir("/proc/self/fd")
