"""Frames between grader and sandbox: a length and JSON, arrays as bytes in it; never pickle.

What comes out of a sandbox is read as if an enemy had written it: sizes before bodies, no repeated
keys, no NaN outside of arrays, known dtypes only, and a clock that is ours.
"""

import base64
import binascii
import json
import math
import select
import socket
import struct
import time
from typing import Any

import numpy as np

MAX_FRAME = 8 << 20
DTYPES = ("float64", "float32", "int64", "bool")
_MARK = "__array__"


class Lost(Exception):
    """Nothing more can be learnt from the other end."""


class BrokenFrame(Lost):
    """Bytes that are no frame of ours; the text says in what way."""


class Closed(Lost):
    """The other end is gone."""


def pack(message: Any) -> bytes:
    """One frame."""
    body = json.dumps(message, default=_encode).encode("utf-8", "backslashreplace")
    return struct.pack(">I", len(body)) + body


def _encode(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if not isinstance(value, np.ndarray):
        raise TypeError(f"a frame cannot hold {type(value).__name__}")
    data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
    return {_MARK: [str(value.dtype), list(value.shape), data]}


def unpack(body: bytes) -> Any:
    """The message of one frame's body.

    Raises:
        BrokenFrame: it is not JSON as `pack` writes it.
    """
    try:
        return json.loads(body, object_pairs_hook=_object, parse_constant=_refuse)
    except BrokenFrame:
        raise
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise BrokenFrame(f"not JSON: {type(error).__name__}") from None


def _refuse(constant: str) -> None:
    raise BrokenFrame(f"{constant} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise BrokenFrame("a key stands twice")
    return _decode(found[_MARK]) if _MARK in found else found


def _decode(parts: Any) -> np.ndarray:
    try:
        dtype, shape, data = parts
        if dtype not in DTYPES or len(shape) > 8:
            raise BrokenFrame("an array of a kind we do not know")
        if not all(type(size) is int and 0 <= size <= MAX_FRAME for size in shape):
            raise BrokenFrame("an array of no shape")
        content = base64.b64decode(data, validate=True)
        if len(content) != math.prod(shape) * np.dtype(dtype).itemsize:
            raise BrokenFrame("an array whose bytes do not fill its shape")
        return np.frombuffer(content, dtype).reshape(shape).copy()
    except (TypeError, ValueError, binascii.Error) as error:
        raise BrokenFrame(f"no array: {type(error).__name__}") from None


class Channel:
    """One end of a socket, with a clock and a counter of bytes.

    `one_sender`: what another process sends than the first one is no frame. `sender` is that one.
    """

    def __init__(self, end: socket.socket, *, one_sender: bool = False) -> None:
        self.socket, self._one_sender = end, one_sender
        self.received = 0
        self.sender = 0
        self._buffer = bytearray()
        end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    def send(self, message: Any, seconds: float = 30.0) -> None:
        """Send one frame.

        Raises:
            Closed: nobody reads it.
        """
        try:
            self.socket.settimeout(seconds)
            self.socket.sendall(pack(message))
        except OSError:  # a timeout is one too: who does not read is not there
            raise Closed from None

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
        return unpack(body)

    def _read(self) -> None:
        """Take what is there; the process that sent it is known by the operating system's word."""
        try:
            self.socket.settimeout(0.0)
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
