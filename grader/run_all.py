"""Run all notebooks of a submission: together in one sandbox, and again alone who lost by that."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from grader.bubblewrap import Limits, SandboxError
from grader.clock import Budget
from grader.inside import MOST_DESCRIPTORS
from grader.run import Job, Judge, NotebookRun, Ran
from grader.sandbox import Bundle, Sandbox
from grader.zygote import Zygote

LOGGER = logging.getLogger(__name__)

# What takes long to import and few notebooks need, by a word that those hold: a kernel and every
# witness would each import it anew.
OCCASIONAL = {
    "scipy": "scipy.signal",
    "MultivariateNormal": "torch.fx.experimental.symbolic_shapes",
}


def run_submission(
    jobs: Sequence[Job],
    folder: Path,
    bundle: Bundle,
    limits: Limits,
    judge: Judge | None,
    *,
    contained: bool = True,
    zygote: Zygote | None = None,
) -> dict[str, Ran]:
    """Run the cells of all notebooks, then ask the witnesses of all.

    So no cell of the student's runs after a hidden input has come in. A notebook can kill what
    another one left, or all of the sandbox: whatever did not come through it unharmed is run once
    more, each notebook alone, and then what is lost is its own loss.

    Args:
        jobs: the notebooks; outputs are written into them.
        folder: holds a folder per notebook, with its files.
        bundle: the packages that may be imported.
        limits: what all of it may use, the second runs included.
        judge: finds out what answers are worth; not needed where nothing is asked.
        contained: False runs it without sandbox.
        zygote: forks the sandboxes, if it can.

    Raises:
        SandboxError: no sandbox could be started.
    """
    results: dict[str, Ran] = {}
    budget = Budget()

    def run(some: Sequence[Job]) -> None:
        wanted = {job.name: len(job.questions) for job in some}
        text = "\n".join(cell.source for job in some for cell in job.notebook.cells)
        more = [module for word, module in OCCASIONAL.items() if word in text]

        def over(zygote: Zygote | None) -> dict[str, Ran]:
            options = {"contained": contained, "zygote": zygote}
            sandbox = Sandbox(bundle, folder, wanted, limits, more, **options)
            with closing(sandbox):
                runs = [NotebookRun(sandbox, job, limits, budget) for job in some]
                return {one.job.name: one.ran for one in _over(sandbox, runs, judge)}

        ends = 1 + sum(number + 1 for number in wanted.values())
        ran = _with_zygote(over, zygote if ends <= MOST_DESCRIPTORS else None, budget)
        results.update(over(None) if ran is None else ran)

    run(jobs)
    for job in jobs:
        if job.name not in results:
            run([job])
    return {job.name: results[job.name] for job in jobs}


def _with_zygote(
    over: Callable[[Zygote], dict[str, Ran]], zygote: Zygote | None, budget: Budget
) -> dict[str, Ran] | None:
    """What is over in a sandbox of the zygote's; None where it has none, or has died meanwhile."""
    if zygote is None or not zygote.lives():
        return None
    before = replace(budget)
    try:
        results = over(zygote)
        suspicious = any(ran.reasons or ran.lost for ran in results.values())
        if zygote.lives(0.1 if suspicious else 0.0):
            return results
        error = "it died"
    except (SandboxError, OSError) as failure:
        error = failure
    LOGGER.info("each submission gets a bubblewrap of its own: %s", error)
    zygote.close()
    budget.spent, budget.waited = before.spent, before.waited
    return None


def _over(
    sandbox: Sandbox, runs: Sequence[NotebookRun], judge: Judge | None
) -> Iterator[NotebookRun]:
    """Runs that are over, those that others may have harmed left out."""
    alone, started = len(runs) == 1, []
    for run in runs:
        if not run.start():
            if not started:
                raise SandboxError("no kernel could be started in a new sandbox")
            continue
        started.append(run)
        run.run_cells(started)
        if not run.sandbox_lives():
            if alone:
                yield run.without_evidence()
            return
    for run in started:
        run.rehearse(judge)
    for run in started:
        run.question(judge)
        if alone or not run.harmed():
            yield run
        if not run.sandbox_lives():
            return
