"""Known wrong answers to sampler: how the rows are shuffled and dealt out."""

import math

import numpy as np
import torch

from grader.exercise import Misconception


class Made:
    """What all wrong answers share: they keep what they are given."""

    def __init__(self, runner, num_epochs, num_minibatches, transforms=None):
        self.runner = runner
        self.num_epochs = num_epochs
        self.num_minibatches = num_minibatches
        self.transforms = transforms or []
        self.rng = np.random.default_rng()


def in_time(trajectory):
    """The keys with a time axis, and the number of rows."""
    arrays = {key: value for key, value in trajectory.items() if np.ndim(value) > 0}
    return arrays, len(arrays["observations"])


class ShuffledOnce(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        order = self.rng.permutation(num_steps)
        for _ in range(self.num_epochs):
            for rows in np.array_split(order, self.num_minibatches):
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class ShuffledOnceForAll(Made):
    order = None

    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        if self.order is None:
            self.order = self.rng.permutation(num_steps)
        for _ in range(self.num_epochs):
            for rows in np.array_split(self.order, self.num_minibatches):
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class NeverShuffled(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        for _ in range(self.num_epochs):
            for rows in np.array_split(np.arange(num_steps), self.num_minibatches):
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class SlicesOfTheTrajectory(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        bounds = np.linspace(0, num_steps, self.num_minibatches + 1).astype(int)
        for _ in range(self.num_epochs):
            for i in self.rng.permutation(self.num_minibatches):
                minibatch = {k: array[bounds[i] : bounds[i + 1]] for k, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class BlocksShuffled(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        blocks = np.array_split(np.arange(num_steps), self.num_minibatches)
        for _ in range(self.num_epochs):
            for i in self.rng.permutation(self.num_minibatches):
                minibatch = {key: array[blocks[i]] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class SeededInEveryCall(Made):
    def get_next(self):
        rng = np.random.default_rng(0)
        arrays, num_steps = in_time(self.runner.get_next())
        for _ in range(self.num_epochs):
            for rows in np.array_split(rng.permutation(num_steps), self.num_minibatches):
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class KeysShuffledApart(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        for _ in range(self.num_epochs):
            parts = {
                key: np.array_split(array[self.rng.permutation(num_steps)], self.num_minibatches)
                for key, array in arrays.items()
            }
            for i in range(self.num_minibatches):
                minibatch = {key: part[i] for key, part in parts.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class WithReplacement(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        for _ in range(self.num_epochs):
            order = self.rng.integers(num_steps, size=num_steps)
            for rows in np.array_split(order, self.num_minibatches):
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class EachMinibatchDrawnAnew(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        for _ in range(self.num_epochs):
            for part in np.array_split(np.arange(num_steps), self.num_minibatches):
                rows = self.rng.permutation(num_steps)[: len(part)]
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class RemainderDropped(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        size = num_steps // self.num_minibatches
        for _ in range(self.num_epochs):
            order = self.rng.permutation(num_steps)
            for i in range(self.num_minibatches):
                rows = order[i * size : (i + 1) * size]
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class RemainderInTheLast(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        size = num_steps // self.num_minibatches
        for _ in range(self.num_epochs):
            order = self.rng.permutation(num_steps)
            for i in range(self.num_minibatches):
                stop = num_steps if i == self.num_minibatches - 1 else (i + 1) * size
                minibatch = {key: array[order[i * size : stop]] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class RemainderOnItsOwn(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        size = num_steps // self.num_minibatches
        for _ in range(self.num_epochs):
            order = self.rng.permutation(num_steps)
            for start in range(0, num_steps, size):
                rows = order[start : start + size]
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class SizeRoundedUp(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        size = math.ceil(num_steps / self.num_minibatches)
        for _ in range(self.num_epochs):
            for rows in torch.randperm(num_steps).split(size):
                minibatch = {key: array[rows.numpy()] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class NumberTakenForSize(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        for _ in range(self.num_epochs):
            order = self.rng.permutation(num_steps)
            for start in range(0, num_steps, self.num_minibatches):
                rows = order[start : start + self.num_minibatches]
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class OneEpoch(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        for rows in np.array_split(self.rng.permutation(num_steps), self.num_minibatches):
            minibatch = {key: array[rows] for key, array in arrays.items()}
            for transform in self.transforms:
                transform(minibatch)
            yield minibatch


class NumbersSwapped(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        for _ in range(self.num_minibatches):
            for rows in np.array_split(self.rng.permutation(num_steps), self.num_epochs):
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class OneMinibatchAnEpoch(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        for _ in range(self.num_epochs):
            rows = self.rng.permutation(num_steps)[: num_steps // self.num_minibatches]
            minibatch = {key: array[rows] for key, array in arrays.items()}
            for transform in self.transforms:
                transform(minibatch)
            yield minibatch


WRONG_DEALS = (
    Misconception(
        "the rows are shuffled once, before the first epoch",
        "Then every epoch makes the same minibatches again. What should happen at its start?",
        ShuffledOnce,
    ),
    Misconception(
        "the rows are shuffled once, for the first rollout, and never again",
        "When is a new order drawn: once in the life of a sampler, or once an epoch?",
        ShuffledOnceForAll,
    ),
    Misconception(
        "the rows are never shuffled",
        "Neighbouring steps are much alike. What would a minibatch of neighbours teach?",
        NeverShuffled,
    ),
    Misconception(
        "minibatches are slices of the trajectory's own arrays, neighbours that share its memory",
        "What happens to the trajectory when a transform writes into a slice of it? And how much "
        "do neighbouring steps differ?",
        SlicesOfTheTrajectory,
    ),
    Misconception(
        "the order of the minibatches is shuffled, but each still holds neighbouring rows",
        "Neighbouring steps are much alike. What is it that must be mixed: minibatches or rows?",
        BlocksShuffled,
    ),
    Misconception(
        "the random generator starts from the same seed in every call of get_next",
        "What does a generator give that always begins at the same place? Where should it be made?",
        SeededInEveryCall,
    ),
    Misconception(
        "each key is shuffled in an order of its own",
        "An advantage belongs to an action, and that to an observation. What keeps them together?",
        KeysShuffledApart,
    ),
    Misconception(
        "rows are drawn with replacement, so that some come twice and some not at all",
        "A rollout is expensive. How often should each of its rows come in one epoch?",
        WithReplacement,
    ),
    Misconception(
        "every minibatch is drawn from all rows again, whatever the others of its epoch hold",
        "How can the minibatches of one epoch share out the rows, so that none comes twice?",
        EachMinibatchDrawnAnew,
    ),
    Misconception(
        "the rows left over by the division are dropped",
        "With 2048 rows and 30 minibatches, what becomes of the last 8 rows?",
        RemainderDropped,
    ),
    Misconception(
        "the rows left over by the division all go into the last minibatch",
        "With 2048 rows and 30 minibatches, how many rows does your last one have? How could the "
        "8 left over be spread?",
        RemainderInTheLast,
    ),
    Misconception(
        "the rows left over by the division make one more minibatch, a small one",
        "A step on two rows is as long as a step on seventy. How could those left over be spread?",
        RemainderOnItsOwn,
    ),
    Misconception(
        "the size of a minibatch is rounded up, and what remains for the last is too little",
        "Sizes may differ by one row. How many rows has your last minibatch?",
        SizeRoundedUp,
    ),
    Misconception(
        "num_minibatches is taken for the size of a minibatch",
        "Does num_minibatches count minibatches, or the rows in one?",
        NumberTakenForSize,
    ),
    Misconception(
        "there is only one epoch",
        "What does num_epochs say?",
        OneEpoch,
    ),
    Misconception(
        "num_epochs and num_minibatches stand in each other's place",
        "Which of the two says how often a row is used, and which how it is shared out?",
        NumbersSwapped,
    ),
    Misconception(
        "each epoch gives a single minibatch",
        "How many of the rows has your sampler shown when an epoch is over?",
        OneMinibatchAnEpoch,
    ),
)
