"""How tests hear Ctrl-C, and are dealt out to workers: a file to one, some files to all."""

import signal
from typing import Any

import pytest

# A shell's background job ignores Ctrl-C, and so would every command that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

SPREAD = ("test_exercises.py", "test_mutants.py", "test_runs.py")  # minutes each, in many parts


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: Any, log: Any) -> Any:
    """Tests of a file share its fixtures, so they go to one worker; those of SPREAD go anywhere."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduler(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return nodeid if file.endswith(SPREAD) else file

    return Scheduler(config, log)
