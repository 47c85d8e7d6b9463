"""What a notebook in a sandbox has used, and whether that is too much."""

import time
from dataclasses import dataclass

from grader.bubblewrap import Limits
from grader.sandbox import Sandbox
from grader.wire import Lost

POLL_SECONDS = 0.25
LOST = {
    "timeout": "it ran too long and was stopped",
    "memory": "it needed too much memory and was stopped",
    "output-limit": "it printed without end and was stopped",
    "kernel-died": "its process died",
    "broken-output": "it sent what no notebook sends and was stopped",
    "sandbox-died": "the processes around it died",
    "no-evidence": "its process died before it could be asked",
    "broken-evidence": "what it answered cannot be read",
    "not-judged": "the grader failed on it; somebody has to look at it",
    "not-run": "it was not run, since an earlier cell had ended the notebook",
}


class Ended(Lost):
    """A cell, or a witness, has to end; `code` says why.

    `stalled`: by the wall clock, not by CPU time. `whole`: and with it all of the notebook.
    """

    def __init__(self, code: str, *, stalled: bool = False, whole: bool = True) -> None:
        super().__init__(code)
        self.code, self.stalled, self.whole = code, stalled, whole


@dataclass
class Budget:
    """What a whole submission has used, in all its sandboxes: seconds of CPU, and by the wall."""

    spent: float = 0.0
    waited: float = 0.0


class Clock:
    """What a notebook has used, and whether that, or what all of them have, is too much."""

    def __init__(self, sandbox: Sandbox, limits: Limits, budget: Budget) -> None:
        self.sandbox, self.limits, self.budget = sandbox, limits, budget
        self._first = self._cell_first = 0.0
        self._since = self._polled = self._began = time.monotonic()
        self._known = False
        self.spent = self._waited = 0.0

    def begin(self) -> None:
        """The notebook begins, or goes on."""
        self._first, self._began = self.sandbox.cpu_seconds(), time.monotonic()

    def pause(self) -> None:
        """Others use the sandbox from now on; `spent` is the CPU time of this one."""
        spent = max(self.sandbox.cpu_seconds() - self._first, 0.0)
        waited = time.monotonic() - self._began
        self.spent, self._waited = self.spent + spent, self._waited + waited
        self.budget.spent += spent
        self.budget.waited += waited

    def start(self) -> None:
        """A cell begins, or a question."""
        self._since, self._known = time.monotonic(), False
        self.check()

    def check(self) -> None:
        """Look at what is used, four times a second.

        Raises:
            Ended: it is too much.
        """
        now = time.monotonic()
        if now - self._polled < POLL_SECONDS:
            return
        self._polled = now
        used = self.sandbox.cpu_seconds()
        seen, limits = self._known, self.limits
        if not seen:
            self._cell_first, self._known = used, True
        spent, waited = used - self._first, now - self._began
        if self.spent + spent > limits.notebook_seconds:
            raise Ended("timeout")
        if self.budget.spent + spent > limits.submission_seconds:
            raise Ended("timeout")
        if used - self._cell_first > limits.cell_seconds:
            raise Ended("timeout", whole=False)
        if seen and self.sandbox.uses_more_than(limits.memory):
            raise Ended("memory")
        factor = limits.wall_factor
        if self._waited + waited > factor * limits.notebook_seconds:
            raise Ended("timeout", stalled=True)
        if self.budget.waited + waited > factor * limits.submission_seconds:
            raise Ended("timeout", stalled=True)
        if now - self._since > factor * limits.cell_seconds:
            raise Ended("timeout", stalled=True, whole=False)
