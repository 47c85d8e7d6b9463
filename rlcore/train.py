"""Training: `train(config)`, and `python -m rlcore.train` for one seed or several at once.

One epoch is a rollout and an update. Everything random in it comes from (seed, epoch), and at every
checkpoint the environments start anew: so a run that was killed and resumed makes the same history
as one that was not.
"""

import argparse
import contextlib
import ctypes
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pydantic
import torch
from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore
from threadpoolctl import threadpool_limits
from torch import nn
from torch.utils.tensorboard import SummaryWriter
from tqdm.auto import tqdm

from rlcore.algorithms import PPO, VPG, Losses, diagnostics, load_losses
from rlcore.buffer import RolloutBuffer
from rlcore.checkpoint import load_checkpoint, save_checkpoint, write_whole
from rlcore.collector import NumpyPolicy, collect
from rlcore.config import PPO_DEFAULTS, Config
from rlcore.envs import make_env
from rlcore.evaluate import Agent
from rlcore.models import make_model
from rlcore.normalizer import Normalizer
from rlcore.plotting import Columns, read_history
from rlcore.runner import EnvRunner

Row = dict[str, float]


class History(NamedTuple):
    """What a run has left.

    Attributes:
        config: how it was made.
        columns: see `read_history`; `history.columns["ep_ret"]` is one.
        act: the trained agent: observations (N, obs) → actions.
    """

    config: Config
    columns: Columns
    act: Agent


def train(
    config: Config,
    *,
    folder: str | Path | None = None,
    losses: Losses | str | Path | None = None,
    resume: bool = False,
    on_epoch: Callable[[Row], None] = lambda row: None,
    progress: bool = True,
) -> History:
    """Train one agent and return what happened.

    Ctrl-C and SIGTERM end the run with the epoch, save the agent and raise KeyboardInterrupt. torch
    and numpy's BLAS run on one thread meanwhile: for networks of this size the fastest.

    Args:
        config: of the run.
        folder: gets config.json, history.csv, TensorBoard's events, checkpoint.npz (to resume
            from) and model.npz (the agent); None keeps nothing.
        losses: see `load_losses`.
        resume: go on from the folder's last checkpoint, if it has one.
        on_epoch: is given every epoch's row of the history.
        progress: show a bar with the return, on stdout.

    Raises:
        FileExistsError: the folder holds a run, and `resume` is not set.
        ValueError: the run there has another config, or see `make_env`.
        ImportError, FileNotFoundError: see `load_losses` and `make_env`.
        FloatingPointError: a loss or an observation is not finite; says where. The last good
            checkpoint stays.
        OSError: the disk is full; what was saved before is whole.
    """
    with contextlib.ExitStack() as stack:
        path = Path(folder or stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(threadpool_limits(1))
        stack.callback(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(1)
        training = _Training(config, losses)
        first = training.open(path, resume)
        pressed: list[int] = []
        with contextlib.suppress(ValueError):  # signals reach the main thread only
            for number in (signal.SIGINT, signal.SIGTERM):
                before = signal.signal(number, lambda number, frame: pressed.append(number))
                stack.callback(signal.signal, number, before)
        writer = stack.enter_context(SummaryWriter(str(path), purge_step=first))
        epochs = range(first, config.epochs)
        bar = tqdm(epochs, "train", file=sys.stdout, disable=not progress, leave=False)
        try:
            for epoch in stack.enter_context(bar):
                if epoch % config.checkpoint_every == 0:
                    training.save(path, epoch)
                row = training.epoch(epoch)
                _log(path, writer, row)
                bar.set_postfix_str(f"return {row['ep_ret_100']:.1f}", refresh=False)
                on_epoch(row)
                if pressed:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            training.save(path)
            raise
        resumable = epochs and config.epochs % config.checkpoint_every == 0
        training.save(path, config.epochs if resumable else None)
        return History(config, read_history(path), training.agent)


class _Training:
    """All that moves in a run."""

    def __init__(self, config: Config, losses: Losses | str | Path | None) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        envs = [make_env(config.env, max_ep_len=config.max_ep_len) for _ in range(config.num_envs)]
        self.model = make_model(config, envs[0].observation_space, envs[0].action_space)
        algorithm = PPO if config.algorithm == "ppo" else VPG
        self.algorithm = algorithm(self.model, *load_losses(config, losses), config)
        self.everything = nn.ModuleList([self.model, *self.algorithm.optimizers])
        shape = envs[0].observation_space.shape or ()
        normalizer = Normalizer(shape, gamma=config.gamma) if config.normalize else None
        self.agent = Agent(self.model, normalizer)
        self.runner = EnvRunner(envs, NumpyPolicy(self.model), config.num_steps)
        self.runner.normalizer = normalizer
        knobs = config.model_dump(include={"gamma", "gae_lambda", "psi_mode", "device"})
        self.buffer = RolloutBuffer(**knobs)
        self.recent: deque[float] = deque(maxlen=100)

    def open(self, path: Path, resume: bool) -> int:
        """Make the folder, or go back to its last checkpoint; returns the epoch to start with."""
        history, config = path / "history.csv", self.config.model_dump()
        if (path / "config.json").exists():
            if not resume:
                raise FileExistsError(f"{path} holds a run already; resume it, or name another.")
            there = Config.load(path).model_dump()
            changed = {name for name in config if config[name] != there[name]}
            if changed - (set() if self.config.lr_decay else {"epochs"}):
                raise ValueError(f"{path} was made with another {', '.join(sorted(changed))}.")
        write_whole(path / "config.json", self.config.model_dump_json(indent=1).encode())
        if not (path / "checkpoint.npz").exists():
            return 0
        normalizer, about = load_checkpoint(path / "checkpoint.npz", self.everything)
        self.agent.normalizer = self.runner.normalizer = normalizer
        self.recent.extend(about["recent"])
        rows = history.read_bytes().splitlines(keepends=True) if history.exists() else []
        write_whole(history, b"".join(rows[: about["epoch"] + 1 if about["epoch"] else 0]))
        return about["epoch"]

    def epoch(self, epoch: int) -> Row:
        """A rollout and an update; returns its row of the history."""
        config = self.config
        rng = np.random.default_rng([config.seed, epoch])
        for optimizer in self.algorithm.optimizers:
            optimizer.share = 1.0 - epoch / config.epochs if config.lr_decay else 1.0
        try:
            self.buffer.fill(collect(self.runner, self.model, rng))
            scalars = self.algorithm.update(self.buffer, rng)
            if not all(optimizer.flat.isfinite().all() for optimizer in self.algorithm.optimizers):
                raise FloatingPointError("a gradient was not finite, nor are the weights now")
        except FloatingPointError as error:
            raise FloatingPointError(f"epoch {epoch}: {error}; try a smaller pi_lr.") from error
        returns, lengths = np.reshape(self.runner.finished, (-1, 2)).T
        self.recent.extend(returns)
        means = [float(np.mean(x)) if len(x) else np.nan for x in (returns, lengths, self.recent)]
        row = {"epoch": epoch, "steps": (epoch + 1) * config.steps_per_epoch}
        row |= dict(zip(("ep_ret", "ep_len", "ep_ret_100"), means, strict=True)) | scalars
        return row | diagnostics(self.model, self.buffer.rows, clip_range=config.clip_range)

    def save(self, path: Path, epoch: int | None = None) -> None:
        """Write the agent; before an epoch all that is needed to resume there, and start anew.

        The environments then start from a seed that belongs to the epoch.
        """
        normalizer = self.agent.normalizer
        about = {"env": self.config.env, "epoch": epoch, "recent": list(self.recent)}
        save_checkpoint(path / "model.npz", self.model, normalizer=normalizer, metadata=about)
        if epoch is not None:
            name = path / "checkpoint.npz"
            save_checkpoint(name, self.everything, normalizer=normalizer, metadata=about)
            seed = np.random.SeedSequence([self.config.seed, epoch]).generate_state(1)
            self.runner.reset(int(seed[0]))
            if sys.platform == "linux":
                ctypes.CDLL(None).malloc_trim(0)  # else the heap grows, in pieces too small to use


def _log(path: Path, writer: Any, row: Row) -> None:
    with (path / "history.csv").open("a", encoding="utf-8") as file:
        if not file.tell():
            print(*row, sep=",", file=file)
        print(*row.values(), sep=",", file=file)
    values = [Summary.Value(tag=k, simple_value=v) for k, v in row.items() if np.isfinite(v)]
    writer.file_writer.add_summary(Summary(value=values), int(row["epoch"]))


def run_name(config: Config, suffix: str = "") -> str:
    """What a run's folder is called."""
    name = f"{config.env}_{config.algorithm}_{config.loss_mode}_{config.psi_mode}{suffix}"
    return f"{name}_seed{config.seed}"


_OWN = ("prefix", "suffix", "seeds", "losses", "resume")


def main(arguments: list[str] | None = None) -> int:
    """`python -m rlcore.train`; returns 0, 1 if a run failed, 2 for wrong usage, 130 for Ctrl-C."""
    from rlcore.experiment import run_all, run_one  # which imports this module

    parser = _make_parser()
    options = vars(parser.parse_args(arguments))
    prefix, suffix, seeds, losses, resume = (options.pop(name) for name in _OWN)
    runs: list[dict[str, Any]] = []
    try:
        for seed in seeds or [options.get("seed", Config().seed)]:
            config = Config(**options | {"seed": seed})
            folder = Path(prefix) / run_name(config, suffix)
            runs.append({"config": config, "folder": folder, "losses": losses, "resume": resume})
    except pydantic.ValidationError as error:
        wrong = [f"{' '.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        parser.error("; ".join(wrong))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # with several, too, it is Ctrl-C
    return run_all(runs) if len(runs) > 1 else run_one(**runs[0])


def _make_parser() -> argparse.ArgumentParser:
    name, usage = "python -m rlcore.train", "%(prog)s [--help] [--env ID] [--OPTION VALUE ...]"
    parser = argparse.ArgumentParser(name, usage, argument_default=argparse.SUPPRESS)
    short = {"gae_lambda": "lam", "clip_range": "clip_ratio"}
    for name, field in Config.model_fields.items():
        how: dict[str, Any] = {"action": "store_true"} if field.annotation is bool else {}
        how |= {"nargs": "+"} if name == "hidden_sizes" else {}
        ppo = f"; ppo: {PPO_DEFAULTS[name]}" if name in PPO_DEFAULTS else ""
        text = f"{field.description} ({field.default}{ppo})"
        parser.add_argument(f"--{short.get(name, name)}", dest=name, help=text, **how)
    parser.add_argument("--seeds", default=None, nargs="+", help="several runs, a process each")
    parser.add_argument("--prefix", default="logs", help="the folder of the runs' folders (logs)")
    parser.add_argument("--suffix", default="", help="put into the folder's name")
    parser.add_argument("--losses", default=None, help="file with the losses (./my_losses.py)")
    parser.add_argument("--resume", default=False, action="store_true", help="go on after a stop")
    return parser


if __name__ == "__main__":
    sys.exit(main())
