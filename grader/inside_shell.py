"""The IPython shell of a kernel inside the sandbox: what cells give goes out as frames."""

import base64
import builtins
import gc
import getpass
import importlib
import io
import json
import math
import sys
import time
import types
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from traitlets import Type
from traitlets.config import Config

from grader.wire import MAX_FRAME

# What notebooks import; the shell is there first, so that figures are shown by themselves.
WARM = (
    "torch",
    "gymnasium",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "ipywidgets",
    "rlcore.experiment",
    "grader.evidence",
)
CHUNK = 1 << 16
SECONDS = 0.2


class Stream(io.TextIOBase):
    """stdout or stderr: text collected into frames, sent when there is much of it or some time."""

    encoding = "utf-8"

    def __init__(self, shell: "Shell", name: str) -> None:
        self.shell, self.name = shell, name
        self._parts: list[str] = []
        self._size, self._since = 0, time.monotonic()

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, text: str) -> int:
        """The number of characters, all of them taken."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._parts.append(text)
        self._size += len(text)
        if self._size > CHUNK or time.monotonic() - self._since > SECONDS:
            self.flush()
        return len(text)

    def flush(self) -> None:
        """Send what has been collected."""
        text, self._parts, self._size = "".join(self._parts), [], 0
        self._since = time.monotonic()
        for start in range(0, len(text), CHUNK):
            self.shell.emit({"stream": self.name, "text": text[start : start + CHUNK]})


class Hook(DisplayHook):
    """The value of a cell's last expression."""

    shell: Any

    def write_output_prompt(self) -> None:
        """Nothing: there is no prompt."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        """Send it."""
        self.shell.say({"result": format_dict, "metadata": md_dict or {}})

    def finish_displayhook(self) -> None:
        """Nothing is left to do."""
        self._is_active = False


class Publisher(DisplayPublisher):
    """What `display` shows."""

    shell: Any

    def publish(self, data: Any, metadata: Any = None, *args: Any, **rest: Any) -> None:
        """Send it; `update_display` says which output it takes the place of."""
        transient = rest.get("transient") or {}
        kind = "update" if rest.get("update") else "display"
        shown = {kind: data, "metadata": metadata or {}, "id": transient.get("display_id")}
        self.shell.say(shown)

    def clear_output(self, wait: bool = False) -> None:
        """Take back what the cell has shown."""
        self.shell.say({"clear": bool(wait)})


class Shell(InteractiveShell):
    """An IPython shell without terminal, history file or input."""

    displayhook_class = Type(Hook)
    display_pub_class = Type(Publisher)

    def connect(self, channel: Any) -> None:
        """Send frames there from now on; nowhere if None."""
        self._channel = channel
        self._streams = Stream(self, "stdout"), Stream(self, "stderr")
        sys.stdout, sys.stderr = self._streams

    def emit(self, message: Any) -> None:
        """Send one frame."""
        if self._channel is not None:
            self._channel.send(message)

    def say(self, message: Any) -> None:
        """Send one frame behind all text that was printed before it."""
        for stream in self._streams:
            stream.flush()
        message = _plain(message)
        if len(json.dumps(message)) > MAX_FRAME:
            message = {"stream": "stdout", "text": "… an output is left out: it is too large\n"}
        self.emit(message)

    def execute(self, source: str) -> None:
        """Run one cell; `done` is the last frame of it.

        IPython does not show every failure as one: not exceptions in groups, nor those that cannot
        be printed, nor any when somebody has replaced `showtraceback`.
        """
        self._failed = False
        result = self.run_cell(source, store_history=True)
        if not self._failed and not (isinstance(result, ExecutionResult) and result.success):
            error = getattr(result, "error_in_exec", None)
            name = "Error" if error is None else type(error).__name__
            self.say({"error": name, "value": "", "traceback": []})
        self.say({"done": True})

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        self._failed = True
        self.say({"error": etype.__name__, "value": str(evalue), "traceback": list(stb)})


def _plain(value: Any) -> Any:
    """The same as JSON can hold it: bytes as base64, what it does not know as text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _no_input(*args: Any, **kwargs: Any) -> str:
    raise StdinNotImplementedError("a cell that asks for input cannot be graded")


def warm_shell(more: Sequence[str]) -> Shell:
    """The shell, made once, with everything imported that notebooks import, and `more`."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    builtins.input = getpass.getpass = _no_input
    shell = Shell.instance(config=config)
    shell.connect(None)
    gc.disable()
    for name in WARM:
        importlib.import_module(name)
    sys.modules["torch"].set_num_threads(1)
    postpone_compiler()
    # With its first traceback IPython imports what draws it, and looks at every module's file.
    shell.run_cell("raise NotImplementedError", store_history=False)
    preload(more)
    gc.enable()
    return shell


def preload(names: Sequence[str]) -> None:
    """Import what is installed of these."""
    for name in names:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()  # what is shared by all kernels need not be looked at by any


def postpone_compiler() -> None:
    """Have `torch._dynamo` imported when something of it is used that is not done here."""
    torch: Any = importlib.import_module("torch")
    torch._dynamo = sys.modules["torch._dynamo"] = Dynamo("torch._dynamo")
    torch._dynamo.__path__ = [str(Path(torch.__file__).parent / "_dynamo")]


class Dynamo(types.ModuleType):
    """torch's compiler, imported when somebody compiles.

    Optimizers import it, which takes a second, for two functions that do nothing outside of
    compiled code.
    """

    @staticmethod
    def graph_break(*args: Any, **kwargs: Any) -> None:
        """Nothing."""

    @staticmethod
    def disable(function: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The function as it is."""
        return function if function is not None else lambda function: function

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get("torch._dynamo") is self:
            del sys.modules["torch._dynamo"]
        return getattr(importlib.import_module("torch._dynamo"), name)
