"""Answer key of returns_vs_gae_study: the shipped study, and folders that lack something.

Those folders hold configs and histories of runs that never were; they are made in a temporary
folder when they are first looked at.
"""

import functools
import itertools
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from grader.exercise import AnswerKey, Misconception
from rlcore.config import Config

SHIPPED = Path(__file__).resolve().parents[1] / "agents" / "04_reinforce_vs_gae" / "logs" / "3a"
MODES = ("future_return", "gae")


@functools.cache
def _top() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="returns_vs_gae_study-")


def study(configs: Iterable[Config], rows: int | None = None, copied: bool = False) -> str:
    """A new folder with a run for every config, finished or stopped after so many epochs.

    Where it was copied, runs that differ in their seed alone have the same history.
    """
    folder = Path(tempfile.mkdtemp(dir=_top().name))
    for number, config in enumerate(configs):
        run = folder / f"{config.psi_mode}_{number}"
        run.mkdir()
        (run / "config.json").write_text(config.model_dump_json(), encoding="utf-8")
        epochs = range(config.epochs if rows is None else rows)
        told_by = config.model_dump_json(exclude={"seed"} if copied else None)
        mean = zlib.crc32(told_by.encode()) / 2**24
        lines = [f"{epoch},{(epoch + 1) * config.steps_per_epoch},{mean}" for epoch in epochs]
        text = "\n".join(["epoch,steps,ep_ret_100", *lines, ""])
        (run / "history.csv").write_text(text, encoding="utf-8")
    return str(folder)


def runs(modes=MODES, seeds=(0, 1, 2), **options) -> list[Config]:
    """A config for every mode and seed."""
    pairs = itertools.product(modes, seeds)
    usual = {"env": "CartPole-v1"} | options
    return [Config(psi_mode=mode, seed=seed, **usual) for mode, seed in pairs]


def one_of(mode, **options):
    return runs(modes=(mode,), **options)


WRONG = (
    (
        "each mode was run with one seed only",
        "Run it again with another seed: would you draw the same conclusion?",
        lambda: study(runs(seeds=(0,))),
    ),
    (
        "each mode was run with two seeds only",
        "When two seeds disagree, which of them is the exception?",
        lambda: study(runs(seeds=(0, 1))),
    ),
    (
        "one seed was run three times",
        "The same seed on the same machine gives the same curve. How much do three of it tell?",
        lambda: study(runs(seeds=(0, 0, 0))),
    ),
    (
        "one run of each mode was copied, and another seed written into the copy",
        "How would two seeds come to the very same numbers?",
        lambda: study(runs(), copied=True),
    ),
    (
        "GAE was run and the future return was not",
        "With what is GAE to be compared?",
        lambda: study(one_of("gae")),
    ),
    (
        "the future return was run and GAE was not",
        "With what is the future return to be compared?",
        lambda: study(one_of("future_return")),
    ),
    (
        "every run has 50 epochs",
        "How many epochs does the exercise ask for?",
        lambda: study(runs(epochs=50)),
    ),
    (
        "every run was stopped before its end",
        "What does the history of a run say, and what its config?",
        lambda: study(runs(), rows=60),
    ),
    (
        "the two modes were run with different discounts",
        "If the curves differ, is it Ψ or γ that made them differ?",
        lambda: study(one_of("future_return", gamma=0.9) + one_of("gae")),
    ),
    (
        "the two modes were run on different environments",
        "Can a return on one environment be held against a return on another?",
        lambda: study(one_of("future_return") + one_of("gae", env="Acrobot-v1")),
    ),
    (
        "the two modes were run with different learning rates",
        "If one curve rises faster, is it Ψ or the learning rate that made it?",
        lambda: study(one_of("future_return") + one_of("gae", pi_lr=3e-3)),
    ),
    (
        "values of λ were compared, with GAE in every run",
        "Which option names what reinforces an action?",
        lambda: study(one_of("gae", gae_lambda=1.0) + one_of("gae", gae_lambda=0.9)),
    ),
    (
        "VPG and PPO were compared, with GAE in every run",
        "Which option names what reinforces an action?",
        lambda: study(one_of("gae") + one_of("gae", loss_mode="ppo")),
    ),
)
RIGHT = (
    lambda: study(runs(seeds=range(5), epochs=120)),  # more seeds, longer
    lambda: study(runs(env="Acrobot-v1", gamma=0.98)),  # another environment
    lambda: study(runs() + runs(gamma=0.9, seeds=(7,)) + one_of("gae", gae_lambda=0.5)),  # and more
    lambda: study(one_of("future_return", gae_lambda=1.0) + one_of("gae")),  # it knows no λ
)


class StudyKey(AnswerKey):
    """An answer key whose folders are made when they are asked for."""

    def __init__(self, hints: tuple[str, str, str]) -> None:
        object.__setattr__(self, "reference", str(SHIPPED))
        object.__setattr__(self, "hints", hints)

    @functools.cached_property
    def misconceptions(self) -> tuple[Misconception, ...]:
        """Studies that lack something."""
        return tuple(Misconception(name, idea, make()) for name, idea, make in WRONG)

    @functools.cached_property
    def also_correct(self) -> tuple[str, ...]:
        """Other complete studies."""
        return tuple(make() for make in RIGHT)


KEY = StudyKey(
    hints=(
        "A comparison needs two of everything and one difference. What differs between the two "
        "halves of this study, and how often is each half run?",
        "Two values of psi_mode, at least three seeds for each, at least 100 epochs, and every "
        "other option the same. The command lines in the text name them all.",
        "Make one config for each value of psi_mode, hand each to run_experiment with the prefix "
        "logs/3a and the three seeds, and collect the folders that come back in one list. What "
        "is finished is not run again.",
    ),
)
