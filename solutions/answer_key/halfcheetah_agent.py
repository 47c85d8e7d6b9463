"""Answer key of halfcheetah_agent: the shipped agent, agents of other kinds, and some that fail."""

import functools
from pathlib import Path

import numpy as np
import torch
from torch.distributions import MultivariateNormal

from grader.exercise import AnswerKey, Misconception

FILE = (
    Path(__file__).resolve().parent.parent
    / "agents"
    / "06_ppo_continuous_control"
    / "halfcheetah_agent"
    / "model.npz"
)


@functools.cache
def _arrays():
    with np.load(FILE, allow_pickle=False) as file:
        return dict(file)


def _normalised(observations):
    """Eq. 6.1 with the statistics of the file."""
    mean, variance, _ = _arrays()["normalizer/seen"]
    return np.clip((observations - mean) / np.sqrt(variance + 1e-8), -10, 10)


def _outputs(states, net="mean"):
    """The network, layer by layer, in float64."""
    arrays, hidden = _arrays(), states
    for layer in (0, 2, 4):
        weight, bias = (arrays[f"{net}.{layer}.{kind}"] for kind in ("weight", "bias"))
        hidden = hidden @ weight.T.astype(np.float64) + bias
        hidden = hidden if layer == 4 else np.tanh(hidden)
    return hidden


def _variance():
    return 0.25 * np.exp(2 * _arrays()["log_scale"].astype(np.float64))


def reference(observations):
    """The shipped agent's means."""
    return _outputs(_normalised(observations))


def sampling(observations):
    mean = torch.from_numpy(reference(observations))
    return MultivariateNormal(mean, torch.diag(torch.from_numpy(_variance()))).sample().numpy()


def one_at_a_time(observations):
    return [reference(row[None])[0].tolist() for row in observations]


def clipped_float32(observations):
    states = _normalised(observations).astype(np.float32)
    return torch.as_tensor(_outputs(states)).clamp(-1, 1).float()


def statistics_forgotten(observations):
    return _outputs(observations)


def divided_by_the_variance(observations):
    mean, variance, _ = _arrays()["normalizer/seen"]
    return _outputs(np.clip((observations - mean) / (variance + 1e-8), -10, 10))


def at_random(observations):
    return np.random.uniform(-1, 1, size=(len(observations), 6))  # noqa: NPY002


def standing_still(observations):
    return np.zeros((len(observations), 6))


def untrained(observations):
    draw = np.random.default_rng(0)
    hidden = np.tanh(_normalised(observations) @ draw.normal(0, 0.3, (17, 64)))
    return hidden @ draw.normal(0, 0.15, (64, 6))


def one_for_all(observations):
    return reference(observations[:1])


def values(observations):
    return _outputs(_normalised(observations), "value")


def variance(observations):
    return _variance()[None].repeat(len(observations), axis=0)


def backwards(observations):
    return -reference(observations)


KEY = AnswerKey(
    reference=reference,
    hints=(
        "The network was trained on normalised observations only. What does it see if you show it "
        "raw ones, and who knows the statistics?",
        "trained_agent gives you two things: a network, and a normalizer whose method observations "
        "brings raw observations to the network's units and changes nothing.",
        "Normalise, make a tensor, ask the network without gradient, and take the first of the "
        "three things it gives, as numpy. If the agent then earns too little, look at the last "
        "numbers of your training run: no agent is much better than that. Train the million steps.",
    ),
    misconceptions=(
        Misconception(
            "the network is shown raw observations, without the statistics it was trained with",
            "In which units were the observations that the network was trained on?",
            statistics_forgotten,
        ),
        Misconception(
            "observations are divided by their variance",
            "Which power of the variance has the unit of an observation?",
            divided_by_the_variance,
        ),
        Misconception(
            "the agent acts at random", "Where does the trained policy come in?", at_random
        ),
        Misconception(
            "the agent always answers zeros",
            "What does it do with its observations?",
            standing_still,
        ),
        Misconception(
            "the policy was never trained, or its weights were not loaded",
            "Which file do the weights come from?",
            untrained,
        ),
        Misconception(
            "one action is returned for all observations",
            "How many rows come in, and how many actions go out?",
            one_for_all,
        ),
        Misconception(
            "the values are returned and not the means",
            "Three things come out of the network. Which one is the action?",
            values,
        ),
        Misconception(
            "the variance is returned and not the means",
            "Three things come out of the network. Which one is the action?",
            variance,
        ),
        Misconception(
            "the actions have the wrong sign",
            "The network's mean is the action itself. What happens to it on the way out?",
            backwards,
        ),
    ),
    also_correct=(sampling, one_at_a_time, clipped_float32),
)
