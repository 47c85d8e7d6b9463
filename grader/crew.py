"""The workers of a run: begun while nobody knows yet what there is to do, and gone with it."""

import math
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import cached_property
from typing import Any

from grader.bubblewrap import Limits
from grader.course import Course
from grader.result import Submission
from grader.sandbox import Bundle
from grader.task import Graded, Setting, begin_in_worker, grade_in_worker
from grader.workers import ROOM, Pool, remove_stale, work_folder
from grader.zygote import close_kept, kept_zygote

Piece = Sequence[Submission]


class Crew:
    """Workers, and what they need in a folder that is gone at the end.

    Args:
        course: which gets what they write.
        jobs: how many there are.
        limits, secret, contained: as of a `Setting`.
        executor: what runs the work, in place of workers on this machine.
    """

    def __init__(
        self,
        course: Course,
        jobs: int,
        limits: Limits,
        secret: bytes,
        contained: bool,
        executor: Executor | None,
    ) -> None:
        self.course, self.limits, self.secret, self.contained = course, limits, secret, contained
        self._executor, self._begun = executor, False
        self._pool = Pool(jobs, executor)
        self._stack = ExitStack()

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *error: Any) -> None:
        with self._stack:
            self._pool.__exit__(*error)

    @cached_property
    def setting(self) -> Setting:
        """What workers need, but for the masters."""
        remove_stale(self.course.private)
        # Of an executor's machines none sees this one's memory.
        room = self._pool.jobs * ROOM if self._executor is None else math.inf
        work = work_folder(self.course.private, room)
        self._stack.callback(shutil.rmtree, work, ignore_errors=True)
        self._stack.callback(close_kept)
        bundle = Bundle(work / "bundle")
        own = self.limits, self.secret, self.contained
        setting = Setting(work / "masters", bundle, self.course.root, work, *own)
        setting.students.mkdir()
        setting.students.chmod(0o755)  # sandboxes are somebody else's
        return setting

    def begin(self, most: int | None = None) -> None:
        """Have at `most` so many workers import what they need, and begin a zygote; takes seconds.

        Root's workers share one. Others' do not: its sandboxes would all be of one user then, whose
        processes are counted together.
        """
        if self._executor is None and not self._begun:
            self._begun = True
            shared = self.contained and os.geteuid() == 0
            zygote = kept_zygote(*self.setting.of_zygote) if shared else None
            jobs, requests = self._pool.jobs, zygote and zygote.requests
            self._pool.begin(min(most or jobs, jobs), begin_in_worker, self.setting, requests)

    def waits(self) -> bool:
        """Whether a worker has begun, and has nothing to do."""
        return self._begun and self._pool.waits()

    def start(self, piece: Piece) -> None:
        """Begin with some of the work that `grade` will be given, once the masters are there."""
        self._pool.start(grade_in_worker, piece, self.setting)

    def grade(self, work: Sequence[Piece]) -> Iterator[tuple[Piece, Graded | BaseException]]:
        """Each student's submissions with what came of them, as they end.

        What a wall limit ended, or failed, is run once more, alone.
        """
        again: list[Piece] = []
        self.begin(len(work))
        with self._pool as pool:
            for submissions, graded in pool.map(grade_in_worker, work, self.setting):
                if isinstance(graded, Graded) and not graded.stalled:
                    yield submissions, graded
                else:
                    again.append(submissions)
        with Pool(1, self._executor) as pool:
            yield from pool.map(grade_in_worker, again, self.setting)
