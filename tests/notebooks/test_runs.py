"""Every notebook, as released, solved and unanswered, run by a student and for marks."""

import pytest
from cells import SOURCES, notebook

from grader.verify_notebooks import release_problems, run_problems

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize("name", SOURCES)
def test_it_runs_top_to_bottom_and_gives_nothing_away(name):
    assert list(release_problems(name, notebook(name))) == []
    assert list(run_problems(name, notebook(name))) == []
