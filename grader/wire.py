"""Frames between grader and sandbox: a length, JSON, and the bytes of its arrays; never pickle.

What comes out of a sandbox is read as if an enemy had written it: sizes before bodies, no repeated
keys, no NaN outside of arrays, known dtypes only, and a clock that is ours.
"""

import json
import math
import select
import socket
import struct
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

MAX_FRAME = 8 << 20
SIZES = {"float64": 8, "float32": 4, "int64": 8, "bool": 1}
_NAMES = {np.dtype(name): name for name in SIZES}  # numpy works them out anew each time
_MARK = "__array__"
SHORT = 200  # bytes of text that are not read anew each time


class Lost(Exception):
    """Nothing more can be learnt from the other end."""


class BrokenFrame(Lost):
    """Bytes that are no frame of ours; the text says in what way."""


class Closed(Lost):
    """The other end is gone."""


def pack(message: Any) -> bytes:
    """One frame."""
    arrays: list[bytes] = []

    def encode(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            arrays.append(value.tobytes())
            return {_MARK: [_NAMES.get(value.dtype) or str(value.dtype), value.shape]}
        if isinstance(value, np.generic):
            return value.item()
        raise TypeError(f"a frame cannot hold {type(value).__name__}")

    text = _stepped(message, arrays) or json.dumps(message, default=encode).encode("ascii")
    body = b"\n".join([text, b"".join(arrays)]) if arrays else text
    return struct.pack(">I", len(body)) + body


def _stepped(message: Any, arrays: list[bytes]) -> bytes:
    """The text of words and an array behind them: nearly every frame, while an agent is played."""
    if type(message) is not dict or not 0 < len(message) < 3:
        return b""
    *words, (key, array) = message.items()
    name = _NAMES.get(array.dtype) if type(array) is np.ndarray else None
    if name is None or any(type(word) is not str for _, word in words):
        return b""
    arrays.append(array.tobytes())
    return _written(tuple(words), key, name, array.shape)


@lru_cache(64)
def _written(
    words: tuple[tuple[str, str], ...], key: str, name: str, shape: Sequence[int]
) -> bytes:
    return json.dumps({**dict(words), key: {_MARK: [name, shape]}}).encode("ascii")


@lru_cache(64)
def _read(text: bytes) -> Any:
    return _DECODER.decode(text.decode())


def unpack(body: bytes, *, arrays: bool = True) -> Any:
    """The message of one frame's body; `arrays`: it may hold some.

    Raises:
        BrokenFrame: it is not as `pack` writes it.
    """
    text, _, behind = body.partition(b"\n")
    left = [memoryview(behind)]
    try:
        if arrays:  # in place of which new lists and dicts are made
            read = _read if len(text) <= SHORT else _read.__wrapped__
            message = _with_arrays(read(text), left)
        else:
            message = _read.__wrapped__(text)
    except BrokenFrame:
        raise
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise BrokenFrame(f"not JSON: {type(error).__name__}") from None
    if left[0]:
        raise BrokenFrame("bytes that belong to no array")
    return message


def _with_arrays(value: Any, left: list[memoryview]) -> Any:
    """The same with arrays in the place of marks, made of the bytes that are left."""
    if type(value) is list:
        return [_with_arrays(item, left) for item in value]
    if type(value) is not dict:
        return value
    if _MARK not in value:
        return {key: _with_arrays(item, left) for key, item in value.items()}
    array = _array(value[_MARK], left[0])
    left[0] = left[0][array.nbytes :]
    return array


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BrokenFrame("a key stands twice")
    return found


def _refuse(constant: str) -> None:
    raise BrokenFrame(f"{constant} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse)


def _array(said: Any, left: memoryview) -> np.ndarray:
    """The array of this dtype and shape that the bytes begin with, a copy."""
    try:
        name, shape = said
        if name not in SIZES or len(shape) > 8:
            raise BrokenFrame("an array of a kind we do not know")
        if not all(type(size) is int and 0 <= size <= MAX_FRAME for size in shape):
            raise BrokenFrame("an array of no shape")
        size = math.prod(shape) * SIZES[name]
        if size > len(left):
            raise BrokenFrame("an array whose bytes are not there")
        return np.frombuffer(left[:size], name).reshape(shape).copy()
    except (TypeError, ValueError) as error:
        raise BrokenFrame(f"no array: {type(error).__name__}") from None


class Channel:
    """One end of a socket, with a clock and a counter of bytes.

    `one_sender`: what another process sends than the first one is no frame. `sender` is that one.
    `arrays`: what is received may hold some.
    """

    def __init__(
        self, end: socket.socket, *, one_sender: bool = False, arrays: bool = True
    ) -> None:
        self.socket, self._one_sender, self._arrays = end, one_sender, arrays
        self.received = 0
        self.sender = 0
        self._buffer = bytearray()
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    def send(self, message: Any, seconds: float = 30.0) -> None:
        """Send one frame.

        Raises:
            Closed: nobody reads it.
        """
        frame = memoryview(pack(message))
        until = time.monotonic() + seconds
        try:
            while frame := frame[self._sent(frame) :]:
                if not select.select([], [self.socket], [], max(until - time.monotonic(), 0.0))[1]:
                    raise Closed  # who does not read is not there
        except OSError:
            raise Closed from None

    def _sent(self, frame: memoryview) -> int:
        try:
            return self.socket.send(frame)
        except BlockingIOError:
            return 0

    def receive(self, seconds: float) -> Any:
        """The next message; None when it has not wholly come within so many seconds.

        Raises:
            Closed: there will be none.
            BrokenFrame: what came is no frame.
        """
        until = time.monotonic() + seconds
        while (body := self._frame()) is None:
            left = max(until - time.monotonic(), 0.0)
            if not select.select([self.socket], [], [], left)[0]:
                return None
            self._read()
        return unpack(body, arrays=self._arrays)

    def _read(self) -> None:
        """Take what is there; the process that sent it is known by the operating system's word."""
        try:
            data, extra, _, _ = self.socket.recvmsg(1 << 16, socket.CMSG_SPACE(12))
        except BlockingIOError:
            return
        except OSError:
            raise Closed from None
        if not data:
            raise Closed
        for level, kind, content in extra:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                sender = struct.unpack("iii", content[:12])[0]
                self.sender = self.sender or sender
                if self._one_sender and sender != self.sender:
                    raise BrokenFrame("a second process sends")
        self.received += len(data)
        self._buffer += data

    def _frame(self) -> bytes | None:
        if len(self._buffer) < 4:
            return None
        size = struct.unpack(">I", self._buffer[:4])[0]
        if size > MAX_FRAME:
            raise BrokenFrame(f"a frame of {size} bytes")
        if len(self._buffer) < 4 + size:
            return None
        body = bytes(self._buffer[4 : 4 + size])
        del self._buffer[: 4 + size]
        return body

    def close(self) -> None:
        """Close this end."""
        self.socket.close()
