"""Answer key of sampler: the right answers. The wrong ones are in two files beside it."""

import itertools
import random

import numpy as np
import torch

from grader.exercise import AnswerKey

from .sampler_deals import WRONG_DEALS
from .sampler_sources import WRONG_SOURCES


class Reference:
    """Rows are drawn one by one without putting them back, and dealt out like cards."""

    def __init__(self, runner, num_epochs, num_minibatches, transforms=None):
        self.runner = runner
        self.num_epochs, self.num_minibatches = num_epochs, num_minibatches
        self.transforms = list(transforms or [])
        self.rng = np.random.default_rng()

    def get_next(self):
        trajectory = self.runner.get_next()
        in_time = [key for key in trajectory if np.ndim(trajectory[key]) > 0]
        minibatches = []
        for _ in range(self.num_epochs):
            stack = list(range(len(trajectory["rewards"])))
            hands = [[] for _ in range(self.num_minibatches)]
            player = 0
            while stack:
                hands[player].append(stack.pop(self.rng.integers(len(stack))))
                player = (player + 1) % self.num_minibatches
            for hand in hands:
                minibatch = {
                    key: np.array([trajectory[key][row] for row in hand]) for key in in_time
                }
                for transform in self.transforms:
                    transform(minibatch)
                minibatches.append(minibatch)
        return minibatches


class PermutationAndSplit:
    def __init__(self, runner, num_epochs, num_minibatches, transforms=None):
        self.runner = runner
        self.num_epochs = num_epochs
        self.num_minibatches = num_minibatches
        self.transforms = transforms or ()

    def get_next(self):
        trajectory = self.runner.get_next()
        arrays = {
            key: value
            for key, value in trajectory.items()
            if isinstance(value, np.ndarray) and value.ndim > 0
        }
        num_steps = len(arrays["observations"])
        for _ in range(self.num_epochs):
            order = np.random.permutation(num_steps)  # noqa: NPY002
            for rows in np.array_split(order, self.num_minibatches):
                minibatch = {key: value[rows] for key, value in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class WithDataLoader:
    """A dataset of rows, a sampler of batches, and a collation that leaves numpy alone."""

    def __init__(self, runner, num_epochs, num_minibatches, transforms=None):
        self.runner, self.num_epochs, self.num_minibatches = runner, num_epochs, num_minibatches
        self.transforms = transforms if transforms is not None else []

    def get_next(self):
        trajectory = self.runner.get_next()
        keys = [key for key, value in trajectory.items() if np.ndim(value)]

        class Rows(torch.utils.data.Dataset):
            def __len__(self):
                return len(trajectory["actions"])

            def __getitem__(self, row):
                return {key: trajectory[key][row] for key in keys}

        def collate(rows):
            minibatch = {key: np.stack([row[key] for row in rows]) for key in keys}
            for transform in self.transforms:
                transform(minibatch)
            return minibatch

        dataset = Rows()
        for _ in range(self.num_epochs):
            shuffled = torch.utils.data.RandomSampler(dataset)
            batches = torch.tensor(list(shuffled)).tensor_split(self.num_minibatches)
            yield from torch.utils.data.DataLoader(
                dataset, batch_sampler=[rows.tolist() for rows in batches], collate_fn=collate
            )


class ListOfStrides:
    """Every num_minibatches-th row of a shuffled list; all minibatches are made at once."""

    def __init__(self, runner, num_epochs, num_minibatches, transforms=None):
        self.runner, self.num_epochs, self.num_minibatches = runner, num_epochs, num_minibatches
        self.transforms = transforms

    def get_next(self):
        trajectory = self.runner.get_next()
        rows = list(range(trajectory["terminated"].size))
        minibatches = []
        for _ in range(self.num_epochs):
            random.shuffle(rows)
            for first in range(self.num_minibatches):
                minibatches.append(self.minibatch(trajectory, rows[first :: self.num_minibatches]))
        return minibatches

    def minibatch(self, trajectory, rows):
        minibatch = {}
        for key, value in trajectory.items():
            try:
                minibatch[key] = np.take(value, rows, axis=0)
            except (IndexError, TypeError, ValueError):
                continue  # no time axis
        for transform in self.transforms or []:
            transform(minibatch)
        return minibatch


class ShuffledCopy:
    """A shuffled copy of the rollout is sliced; what comes out are views of the copy."""

    def __init__(self, runner, num_epochs, num_minibatches, transforms=None):
        self.runner = runner
        self.shape = num_epochs, num_minibatches
        self.transforms = tuple(transforms or ())
        self.generator = np.random.default_rng(3)

    def get_next(self):
        num_epochs, num_minibatches = self.shape
        trajectory = self.runner.get_next()
        num_steps = trajectory["values"].shape[0]
        bounds = [num_steps * i // num_minibatches for i in range(num_minibatches + 1)]
        for _ in range(num_epochs):
            order = self.generator.permutation(num_steps)
            shuffled = {k: v[order] for k, v in trajectory.items() if getattr(v, "shape", ())}
            for start, stop in itertools.pairwise(bounds):
                minibatch = {k: v[start:stop] for k, v in shuffled.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class WithTorch:
    """Random keys sorted by torch, and rows written into one dict that is filled anew each time."""

    def __init__(self, runner, num_epochs, num_minibatches, transforms=None):
        self.runner, self.epochs, self.parts = runner, num_epochs, num_minibatches
        self.transforms = [] if transforms is None else transforms

    def get_next(self):
        trajectory, minibatch = self.runner.get_next(), {}
        num_steps = len(trajectory["log_probs"])
        for _ in range(self.epochs):
            for rows in torch.argsort(torch.rand(num_steps)).tensor_split(self.parts):
                minibatch.clear()
                for key, value in trajectory.items():
                    if not isinstance(value, str | dict) and np.shape(value)[:1] == (num_steps,):
                        minibatch[key] = value[np.sort(rows.numpy())]
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


KEY = AnswerKey(
    reference=Reference,
    hints=(
        "One rollout is used several times: num_epochs times, and each time all of its rows come, "
        "dealt out to num_minibatches parts. What has to be done once for a rollout, what once "
        "for an epoch, and what once for a minibatch?",
        "Shuffle numbers of rows, not the arrays: a random order of the numbers from 0 to T − 1 "
        "picks the same rows out of every key, and leaves the trajectory alone. numpy can "
        "also split such an order into parts whose sizes differ by at most one.",
        "For each epoch draw a new order and split it. For each part make a new dict: of every "
        "key that has a time axis, the rows of that part. Then give this dict to the "
        "transforms, one after the other; they change it in place and give nothing back.",
    ),
    misconceptions=(*WRONG_DEALS, *WRONG_SOURCES),
    also_correct=(
        PermutationAndSplit,
        WithDataLoader,
        ListOfStrides,
        ShuffledCopy,
        WithTorch,
    ),
)
