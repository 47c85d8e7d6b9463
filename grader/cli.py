"""The `grader` command."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

CLEAN, NOT_CLEAN, USAGE, INTERRUPTED = 0, 1, 2, 130


class Output:
    """A stream that goes nowhere when nobody reads it any longer, as after `| head`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, if somebody reads."""
        with self._unless_closed():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if somebody reads."""
        with self._unless_closed():
            self._stream.flush()

    @contextmanager
    def _unless_closed(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:  # what is still in its buffer has to go somewhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 (clean), 1 (not), 2 (wrong usage) or 130 (Ctrl-C)."""
    out: Any = Output(sys.stdout)
    with redirect_stdout(out), redirect_stderr(Output(sys.stderr)):
        try:
            return _run(parser().parse_args(argv))
        finally:
            out.flush()


def _run(args: argparse.Namespace) -> int:
    try:
        return args.run(args)
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return INTERRUPTED
    except ModuleNotFoundError as error:
        if error.name not in ("nbgrader", "jupytext"):
            raise
        what = f"{error.name} is not installed; pip install -c constraints.txt -e '.[grade]'"
        print(f"grader {args.command}: {what}", file=sys.stderr)
        return USAGE


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    about = "Check, grade and build the notebooks of the course."
    top = argparse.ArgumentParser("grader", description=about)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="student: run notebooks here, show every exercise")
    check.add_argument("notebooks", nargs="+", type=Path, metavar="NOTEBOOK")
    check.set_defaults(run=run_check)

    _add_grade(commands)

    release = commands.add_parser("release", help="instructor: write what students are given")
    release.add_argument("place", type=Path, metavar="DIR|ZIP", help="a folder, or a .zip file")
    release.add_argument("--force", action="store_true", help="replace what is there")
    release.set_defaults(run=run_release)

    build = commands.add_parser("build", help="author: solutions/ to notebooks/ and build/course")
    build.add_argument("--check", action="store_true", help="only say whether notebooks/ is fresh")
    build.add_argument("--force", action="store_true", help="overwrite answers in notebooks/")
    build.set_defaults(run=run_build)

    verify = commands.add_parser("verify", help="author: the course checks itself")
    verify.set_defaults(run=run_verify)

    demo = commands.add_parser("demo", help="grade a class made out of the answer key")
    demo.set_defaults(run=run_demo)
    return top


def _add_grade(commands: Any) -> None:
    grade = commands.add_parser("grade", help="instructor: grade submissions, in a sandbox")
    grade.add_argument(
        "submissions",
        type=Path,
        help="nbgrader's submitted/, a folder of notebooks, one notebook, or an export of Canvas "
        "or Moodle (folder or zip)",
    )
    grade.add_argument("--assignment", help="only this one, for example 04_reinforce_vs_gae")
    grade.add_argument("--course", type=Path, help="any nbgrader course (default: build/course)")
    cores = os.cpu_count() or 1
    text = "workers (default: one a core, %(default)s)"
    grade.add_argument("--jobs", type=_positive, default=cores, help=text)
    grade.add_argument("--teams", action="store_true", help="both names in TEAM get the marks")
    grade.add_argument("--force", action="store_true", help="what has not changed, too")
    text = "run submissions with your own rights; every report says so"
    grade.add_argument("--no-sandbox", action="store_true", help=text)
    text = "exit with 1 if a submission has less than this part of its machine's points"
    grade.add_argument("--fail-under", type=float, metavar="PERCENT", help=text)
    grade.set_defaults(run=run_grade)
    report = commands.add_parser("report", help="instructor: write the reports of a class again")
    report.add_argument("--course", type=Path, help="the course's folder (default: build/course)")
    report.set_defaults(run=run_report)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return number


def run_check(args: argparse.Namespace) -> int:
    """`grader check`: 0 when every exercise is right, 1 when not, 2 for a file that is not ours."""
    from grader.check_notebook import check_notebook, describe, overview
    from grader.rebuild import SubmissionError

    status, course = CLEAN, {}
    for path in args.notebooks:
        print(f"{path.name}: running", flush=True)
        try:
            lines = check_notebook(path)
        except SubmissionError as error:
            print(f"grader check: {error}", file=sys.stderr)
            status = USAGE
            continue
        print(describe(lines))
        course[path.stem] = lines
        if not all(line.verdict is not None and line.verdict.correct for line in lines):
            status = max(status, NOT_CLEAN)
    if len(course) > 1:
        print(f"\n{overview(course)}")
    return status


def run_grade(args: argparse.Namespace) -> int:
    """`grader grade`: 0 when all were processed, 1 when one could not be, 2 for wrong usage."""
    from grader.bubblewrap import SandboxError
    from grader.course import COURSE, Course
    from grader.grade import Busy, Options, UsageError, grade_class
    from grader.reporting import Progress, write_all

    course = Course(args.course or COURSE)
    if args.no_sandbox:
        print("without a sandbox: submissions run with your own rights\n")
    progress = Progress()
    options = Options(args.assignment, args.jobs, teams=args.teams, force=args.force)
    options = replace(options, contained=not args.no_sandbox, refuse=progress.refuse)
    try:
        for done in grade_class(args.submissions, course, options):
            progress.show(done)
        progress.end()
        write_all(course, progress)
    except Busy as error:
        print(f"grader grade: {error}", file=sys.stderr)
        return NOT_CLEAN
    except (UsageError, SandboxError) as error:
        print(f"grader grade: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print(f"\nstopped; {progress.number} are graded, the same command goes on from there")
        return INTERRUPTED
    return CLEAN if progress.good(args.fail_under) else NOT_CLEAN


def run_report(args: argparse.Namespace) -> int:
    """`grader report`: 0; 1 where the gradebook is held, 2 where nothing has been graded."""
    from grader.course import COURSE, Course
    from grader.grade import Busy
    from grader.reporting import last_results, write_again

    course = Course(args.course or COURSE)
    results = last_results(course)
    if not results:
        print(f"grader report: nothing in {course.root} has been graded yet", file=sys.stderr)
        return USAGE
    try:
        for path in write_again(course, results):
            print(path)
    except Busy as error:
        print(f"grader report: {error}", file=sys.stderr)
        return NOT_CLEAN
    return CLEAN


def run_release(args: argparse.Namespace) -> int:
    """`grader release`: 0; 1 where something secret would be given away, 2 where it may not write.

    Nothing is written then.
    """
    from grader.build import BuildError
    from grader.nbgrader_course import CourseError
    from grader.release import ReleaseError, release

    try:
        number = release(args.place, force=args.force)
    except (ReleaseError, BuildError, CourseError) as error:
        print(f"grader release: nothing is written: {error}", file=sys.stderr)
        return NOT_CLEAN
    except OSError as error:
        print(f"grader release: {error}", file=sys.stderr)
        return USAGE
    print(f"{args.place}: {number} files, and nothing secret in them")
    return CLEAN


def run_build(args: argparse.Namespace) -> int:
    """`grader build`: 0; with --check 1 when notebooks/ is not a fresh build."""
    from grader.build import BuildError, build, stale
    from grader.nbgrader_course import CourseError

    try:
        if not args.check:
            course = build(force=args.force)
            print(f"notebooks/ and {course.root} are fresh")
            return CLEAN
        problems = stale()
    except (BuildError, CourseError) as error:
        print(f"grader build: {error}", file=sys.stderr)
        return NOT_CLEAN
    for problem in problems:
        print(f"grader build: {problem}; run `grader build`", file=sys.stderr)
    print("notebooks/ is not fresh" if problems else "notebooks/ is fresh")
    return NOT_CLEAN if problems else CLEAN


def run_verify(args: argparse.Namespace) -> int:
    """`grader verify`: 0 when nothing is wrong with the course, 1 when something is."""
    from grader.verify import verify

    status = CLEAN
    for part, problems in verify():
        print(f"{'✘' if problems else '✔'} {part}", flush=True)
        for problem in problems:
            print(f"    {problem}")
            status = NOT_CLEAN
    print("the course is clean" if status == CLEAN else "the course is not clean")
    return status


def run_demo(args: argparse.Namespace) -> int:
    """`grader demo`: 0 when the class got the marks it should have, 1 when not."""
    from grader.demo import demo

    return CLEAN if demo() else NOT_CLEAN
