"""Known wrong answers to sampler: where the rows come from, and what transforms are given."""

import numpy as np
import torch

from grader.exercise import Misconception

from .sampler_deals import Made, in_time


class RolloutEachEpoch(Made):
    def get_next(self):
        for _ in range(self.num_epochs):
            arrays, num_steps = in_time(self.runner.get_next())
            for rows in np.array_split(self.rng.permutation(num_steps), self.num_minibatches):
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class RolloutEachMinibatch(Made):
    def get_next(self):
        for _ in range(self.num_epochs):
            order = None
            for i in range(self.num_minibatches):
                arrays, num_steps = in_time(self.runner.get_next())
                order = self.rng.permutation(num_steps) if order is None else order
                rows = np.array_split(order, self.num_minibatches)[i]
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class FirstRolloutForEver(Made):
    trajectory = None

    def get_next(self):
        if self.trajectory is None:
            self.trajectory = self.runner.get_next()
        arrays, num_steps = in_time(self.trajectory)
        for _ in range(self.num_epochs):
            for rows in np.array_split(self.rng.permutation(num_steps), self.num_minibatches):
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class TransformsOfTheTrajectory(Made):
    def get_next(self):
        trajectory = self.runner.get_next()
        for transform in self.transforms:
            transform(trajectory)
        arrays, num_steps = in_time(trajectory)
        for _ in range(self.num_epochs):
            for rows in np.array_split(self.rng.permutation(num_steps), self.num_minibatches):
                yield {key: array[rows] for key, array in arrays.items()}


class TransformsOfTheEpoch(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        for _ in range(self.num_epochs):
            order = self.rng.permutation(num_steps)
            shuffled = {key: array[order] for key, array in arrays.items()}
            for transform in self.transforms:
                transform(shuffled)
            parts = {k: np.array_split(a, self.num_minibatches) for k, a in shuffled.items()}
            for i in range(self.num_minibatches):
                yield {key: part[i] for key, part in parts.items()}


class TransformsOfTheTrajectoryEachEpoch(Made):
    def get_next(self):
        trajectory = self.runner.get_next()
        for _ in range(self.num_epochs):
            for transform in self.transforms:
                transform(trajectory)
            arrays, num_steps = in_time(trajectory)
            for rows in np.array_split(self.rng.permutation(num_steps), self.num_minibatches):
                yield {key: array[rows] for key, array in arrays.items()}


class TransformsForgotten(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        for _ in range(self.num_epochs):
            for rows in np.array_split(self.rng.permutation(num_steps), self.num_minibatches):
                yield {key: array[rows] for key, array in arrays.items()}


class TransformsOfACopy(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        for _ in range(self.num_epochs):
            for rows in np.array_split(self.rng.permutation(num_steps), self.num_minibatches):
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch.copy())
                yield minibatch


class TransformsBackwards(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        for _ in range(self.num_epochs):
            for rows in np.array_split(self.rng.permutation(num_steps), self.num_minibatches):
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in reversed(self.transforms):
                    transform(minibatch)
                yield minibatch


class FirstTransformOnly(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        for _ in range(self.num_epochs):
            for rows in np.array_split(self.rng.permutation(num_steps), self.num_minibatches):
                minibatch = {key: array[rows] for key, array in arrays.items()}
                if self.transforms:
                    self.transforms[0](minibatch)
                yield minibatch


class TransformsWithLastObservation(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        last_observation = arrays["observations"][-1]
        for _ in range(self.num_epochs):
            for rows in np.array_split(self.rng.permutation(num_steps), self.num_minibatches):
                minibatch = {key: array[rows] for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch, last_observation)
                yield minibatch


class TensorsTooEarly(Made):
    def get_next(self):
        arrays, num_steps = in_time(self.runner.get_next())
        for _ in range(self.num_epochs):
            for rows in np.array_split(self.rng.permutation(num_steps), self.num_minibatches):
                minibatch = {key: torch.from_numpy(array[rows]) for key, array in arrays.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class TrajectoryShuffledInPlace(Made):
    def get_next(self):
        trajectory = self.runner.get_next()
        arrays, num_steps = in_time(trajectory)
        for _ in range(self.num_epochs):
            order = self.rng.permutation(num_steps)
            for key in arrays:
                trajectory[key][:] = trajectory[key][order]
            for rows in np.array_split(np.arange(num_steps), self.num_minibatches):
                minibatch = {key: trajectory[key][rows] for key in arrays}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class TimelessKeysKept(Made):
    def get_next(self):
        trajectory = self.runner.get_next()
        arrays, num_steps = in_time(trajectory)
        for _ in range(self.num_epochs):
            for rows in np.array_split(self.rng.permutation(num_steps), self.num_minibatches):
                minibatch = {k: v[rows] if k in arrays else v for k, v in trajectory.items()}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


class OnlyKeysOfPPO(Made):
    def get_next(self):
        trajectory = self.runner.get_next()
        num_steps = len(trajectory["observations"])
        keys = ("observations", "actions", "log_probs", "values", "advantages", "value_targets")
        for _ in range(self.num_epochs):
            for rows in np.array_split(self.rng.permutation(num_steps), self.num_minibatches):
                minibatch = {key: trajectory[key][rows] for key in keys}
                for transform in self.transforms:
                    transform(minibatch)
                yield minibatch


WRONG_SOURCES = (
    Misconception(
        "the runner is asked for a new rollout in every epoch",
        "Which is the expensive part, collecting or optimising? What are the epochs for?",
        RolloutEachEpoch,
    ),
    Misconception(
        "the runner is asked for a new rollout for every minibatch",
        "Which is the expensive part, collecting or optimising? What are the epochs for?",
        RolloutEachMinibatch,
    ),
    Misconception(
        "the first rollout is used again in every call of get_next",
        "Which policy has collected the rows of the second call, and which is being optimised?",
        FirstRolloutForEver,
    ),
    Misconception(
        "the transforms are applied to the trajectory, once, before it is dealt out",
        "Whose mean and whose deviation should the advantages of a minibatch be normalised by? "
        "And what may a transform change?",
        TransformsOfTheTrajectory,
    ),
    Misconception(
        "the transforms are applied to the trajectory again in every epoch",
        "What becomes of numbers that are transformed twice? And what may a transform change?",
        TransformsOfTheTrajectoryEachEpoch,
    ),
    Misconception(
        "the transforms are applied to all rows of an epoch together, before they are dealt out",
        "Whose mean and whose deviation should the advantages of a minibatch be normalised by?",
        TransformsOfTheEpoch,
    ),
    Misconception(
        "the transforms are never applied",
        "What is the argument transforms for?",
        TransformsForgotten,
    ),
    Misconception(
        "each transform works on a copy that is then thrown away",
        "A transform returns nothing and changes what it is given. What was it given here?",
        TransformsOfACopy,
    ),
    Misconception(
        "the transforms are applied in the wrong order, the last one first",
        "First normalise, then turn into tensors: which of the two stands first in the list?",
        TransformsBackwards,
    ),
    Misconception(
        "only the first transform is applied",
        "How long may the list of transforms be?",
        FirstTransformOnly,
    ),
    Misconception(
        "a transform is given a second argument, as the runner's transforms are",
        "The runner's transforms see a whole rollout and where it led to. What does one see here?",
        TransformsWithLastObservation,
    ),
    Misconception(
        "the minibatch is turned into tensors before the transforms get it",
        "Turning numbers into tensors is the work of one of the transforms. What do they start "
        "from?",
        TensorsTooEarly,
    ),
    Misconception(
        "the arrays of the trajectory are themselves shuffled",
        "Who else may hold the trajectory, and in what order are they to find it?",
        TrajectoryShuffledInPlace,
    ),
    Misconception(
        "what has no time axis is put into every minibatch",
        "What would the rows of a single number be, or of a name?",
        TimelessKeysKept,
    ),
    Misconception(
        "only the keys that PPO needs are kept",
        "Somebody else's transform may need another one. How do you tell which keys have rows?",
        OnlyKeysOfPPO,
    ),
)
