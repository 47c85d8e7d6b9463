"""Run one notebook of a submission in a sandbox, cell by cell, and question its witnesses."""

import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from nbformat import NotebookNode

from grader.bubblewrap import Limits
from grader.clock import LOST, POLL_SECONDS, Budget, Clock, Ended
from grader.exercise import Unplayable
from grader.outputs import Outputs
from grader.questions import Question, questions
from grader.rebuild import SKIP, grade_id
from grader.sandbox import Sandbox
from grader.wire import BrokenFrame, Channel, Closed, Lost

LOGGER = logging.getLogger(__name__)
PATIENCE_SECONDS = 2.0
CUT = "… the output is cut here: a cell may show {} MB\n"


@dataclass
class Job:
    """One notebook to be run; its cells get the outputs."""

    name: str
    notebook: NotebookNode
    questions: list[Question] = field(init=False)

    def __post_init__(self) -> None:
        self.questions = [q for cell in self.notebook.cells for q in questions(cell)[0]]


@dataclass
class Ran:
    """What happened to a notebook: findings by cell, codes, CPU time.

    `lost` are cells whose run was ended, with the code why; `stalled` says that a wall limit ended
    it that might not have on a machine with nothing else to do.
    """

    found: dict[str, Any] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    seconds: float = 0.0
    stalled: bool = False


class Judge(Protocol):
    """Who questions witnesses: all of them by `rehearse` before the first by `judge`."""

    def rehearse(self, question: Question, witness: "Witness", /) -> Any:
        """What is to be known before any hidden input comes into the sandbox."""

    def judge(self, question: Question, witness: "Witness", rehearsed: Any, /) -> Any:
        """What is found."""


class NotebookRun:
    """One notebook in a sandbox."""

    def __init__(self, sandbox: Sandbox, job: Job, limits: Limits, budget: Budget) -> None:
        self.sandbox, self.job, self.limits = sandbox, job, limits
        self.kernel, *self.witnesses = sandbox.channels[job.name]
        self.ran = Ran()
        self.clock = Clock(sandbox, limits, budget)
        self.asked: list[tuple[Question, Channel]] = []
        self.rehearsed: list[tuple[Question, Channel, Any]] = []
        self._seen, self._killed = 0, False

    def start(self) -> bool:
        """Whether its kernel runs."""
        try:
            self.sandbox.start_kernel(self.job.name)
            hello = self.kernel.receive(self.limits.cell_seconds * self.limits.wall_factor)
        except Lost:
            return False
        return hello == {"hello": True}

    def run_cells(self, runs: "Sequence[NotebookRun]") -> None:
        """Run the cells; then everything ends but for the witnesses of these runs, its own too."""
        cells = [cell for cell in self.job.notebook.cells if cell.cell_type == "code"]
        cells = [cell for cell in cells if SKIP not in cell.metadata.get("tags", [])]
        for cell in cells:
            cell.outputs, cell.execution_count = [], None
        self.clock.begin()
        try:
            for cell in cells:
                self._cell(cell)
        except Ended as ended:
            self._ended(ended)
        witnesses = {channel.sender for run in runs for _, channel in run.asked}
        self.sandbox.kill_all_but(witnesses - {run.kernel.sender for run in runs})
        self.clock.pause()
        self.ran.seconds = self.clock.spent

    def rehearse(self, judge: Judge | None) -> None:
        """Ask its witnesses what may be known; who fails is not asked again."""
        self.clock.begin()
        for question, channel in self.asked:
            if judge is not None and (got := self._asking(question, channel, judge.rehearse)):
                self.rehearsed.append((question, channel, got[0]))
        self.clock.pause()

    def question(self, judge: Judge | None) -> None:
        """Ask its witnesses what counts."""
        self.clock.begin()
        for question, channel, known in self.rehearsed:
            if judge is not None and (got := self._asking(question, channel, judge.judge, known)):
                self.ran.found.setdefault(question.cell, []).append(got[0])
            channel.close()
        self.clock.pause()
        self.ran.seconds = self.clock.spent

    def _asking(
        self, question: Question, channel: Channel, ask: Callable[..., Any], *known: Any
    ) -> tuple[Any, ...]:
        """What a judge gets out of a witness; nothing where the witness is lost."""
        if channel.sender and not self.sandbox.runs(channel.sender):
            self.ran.lost[question.cell] = "no-evidence"
            self._killed = True
            return ()
        try:
            return (ask(question, Witness(self, channel), *known),)
        except Ended as ended:
            self.ran.lost[question.cell] = ended.code
            self.ran.stalled |= ended.stalled
            self.sandbox.kill(channel.sender)
        except (Closed, BrokenFrame) as error:
            self.ran.lost[question.cell] = _code(error)
        except Unplayable:
            raise
        except Exception as error:  # the verifier's own: nobody else's loss, and nobody's zero
            LOGGER.error("%s could not be judged: %r", question.cell, error)
            self.ran.lost[question.cell] = "not-judged"
        return ()

    def harmed(self) -> bool:
        """Whether something of it died while nothing was asked of it: another may have done it."""
        return self._killed or "kernel-died" in self.ran.reasons

    def without_evidence(self) -> "NotebookRun":
        """Itself, when its witnesses are gone with the sandbox."""
        self.ran.reasons = self.ran.reasons or ["sandbox-died"]
        self.ran.lost |= {question.cell: "no-evidence" for question, _ in self.asked}
        return self

    def sandbox_lives(self) -> bool:
        """Whether others can go on; what has killed this one's kernel may have killed all."""
        suspicious = {"kernel-died", "no-evidence"} & {*self.ran.reasons, *self.ran.lost.values()}
        return self.sandbox.lives_on(0.1 if suspicious else 0.0)

    def _ended(self, ended: Ended) -> None:
        self.ran.reasons.append(ended.code)
        self.ran.stalled |= ended.stalled

    def _cell(self, cell: NotebookNode) -> None:
        asked, source = questions(cell)
        shown, self._seen = Outputs(cell), self.kernel.received
        try:
            if source.strip() or not asked:
                self._ask({"cell": source}, shown)
            for question in asked:
                number = len(self.asked)
                self._ask({"witness": number}, shown)
                self.asked.append((question, self._met(self.witnesses[number])))
        except Ended as ended:
            shown.add({"error": "Stopped", "value": LOST[ended.code], "traceback": []})
            self.ran.lost[grade_id(cell)] = ended.code
            if ended.whole or not self._interrupted():
                raise
            self._ended(ended)

    def _interrupted(self) -> bool:
        """Whether the kernel gives up a cell when it is asked to; the next one can be run then."""
        if self.kernel.sender not in {process.pid for process in self.sandbox.processes()}:
            return False
        try:
            os.kill(self.kernel.sender, signal.SIGINT)
            until = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < until:
                if self.kernel.receive(0.1) == {"done": True}:
                    return True
        except (Lost, ProcessLookupError):
            pass
        return False

    def _met(self, channel: Channel) -> Channel:
        """A witness that has said hello, so that its process is known."""
        try:
            channel.receive(self.limits.cell_seconds)
        except Lost:
            pass  # found out when it is asked
        return channel

    def _ask(self, message: Any, shown: "Outputs") -> None:
        """Have the kernel do something, taking in outputs until it is done."""
        self.clock.start()
        try:
            self.kernel.send(message, self.limits.cell_seconds)
            while True:
                frame = self.kernel.receive(POLL_SECONDS)
                if self.kernel.received > self.limits.output_bytes:
                    raise Ended("output-limit")
                self.clock.check()
                if frame == {"done": True}:
                    shown.count()
                    return
                if frame is not None:
                    self._show(frame, shown)
        except (Closed, BrokenFrame) as error:
            raise Ended("kernel-died" if isinstance(error, Closed) else "broken-output") from None

    def _show(self, frame: Any, shown: "Outputs") -> None:
        if self.kernel.received - self._seen <= self.limits.kept_bytes:
            shown.add(frame)
        elif not shown.cut:
            shown.cut = True
            shown.add({"stream": "stdout", "text": CUT.format(self.limits.kept_bytes >> 20)})


def _code(error: Exception) -> str:
    return "broken-evidence" if isinstance(error, BrokenFrame) else "no-evidence"


class Witness:
    """A notebook as it stood at one test cell, ready to answer questions."""

    def __init__(self, run: NotebookRun, channel: Channel) -> None:
        self._run, self._channel = run, channel

    def ask(self, question: Any) -> Any:
        """The answer to a question, within the limits of a cell.

        Raises:
            Ended: it took too much. Closed, BrokenFrame: there is no answer.
        """
        clock = self._run.clock
        clock.start()
        self._channel.send(question)
        while (answer := self._channel.receive(POLL_SECONDS)) is None:
            clock.check()
        return answer
