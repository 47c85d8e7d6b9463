"""How tests are dealt out to pytest-xdist's workers: a file to one, some files to all."""

import pytest

SPREAD = ("test_exercises.py", "test_mutants.py", "test_runs.py")  # minutes each, in many parts


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """With --dist loadgroup, tests of a group go to one worker, and all others go anywhere."""
    for item in items:
        if item.path.name not in SPREAD:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
