"""Answer key of lunarlander_agent: the shipped agent, in other forms too, and some that fail."""

import functools
from pathlib import Path

import numpy as np
import torch

import rlcore
from grader.exercise import AnswerKey, Misconception

FOLDER = Path(__file__).resolve().parent.parent / "agents" / "08_bonus" / "lunarlander_agent"


@functools.cache
def _loaded(deterministic):
    return rlcore.load_agent(FOLDER, deterministic)


def reference(observations):
    """The shipped agent, its likeliest action."""
    return _loaded(True)(observations)


def sampling(observations):
    return _loaded(False)(observations)


def one_at_a_time(observations):
    agent = _loaded(True)
    return [int(agent(observation[None])[0]) for observation in np.asarray(observations)]


@functools.cache
def _arrays():
    with np.load(FOLDER / "model.npz") as file:
        return dict(file)


def without_torch(observations):
    """Statistics, three layers and an argmax, from the arrays of the file."""
    arrays = _arrays()
    mean, variance, _ = arrays["normalizer/seen"]
    x = np.clip((np.asarray(observations) - mean) / np.sqrt(variance + 1e-8), -10, 10)
    for layer in (0, 2, 4):
        x = x @ arrays[f"actor.net.{layer}.weight"].T + arrays[f"actor.net.{layer}.bias"]
        x = np.tanh(x) if layer < 4 else x
    return x.argmax(axis=1)


def at_random(observations):
    return np.random.randint(4, size=len(observations))  # noqa: NPY002


def never_fires(observations):
    return np.zeros(len(observations), dtype=np.int64)


def _distribution(observations):
    agent = _loaded(True)
    inputs = torch.as_tensor(agent.normalizer.observations(observations))
    return agent.model.actor(inputs)


def logits(observations):
    with torch.no_grad():
        return _distribution(observations).logits.numpy()


def least_likely(observations):
    with torch.no_grad():
        return _distribution(observations).probs.argmin(dim=1).numpy()


def not_scaled(observations):
    return _loaded(True).model.act(observations, deterministic=True)["actions"]


def scaled_by_the_batch(observations):
    observations = np.asarray(observations)
    scaled = (observations - observations.mean(axis=0)) / (observations.std(axis=0) + 1e-8)
    return _loaded(True).model.act(scaled.astype(np.float32), deterministic=True)["actions"]


def untrained(observations):
    env = rlcore.make_env("LunarLander-v3")
    torch.manual_seed(0)
    config = rlcore.Config.load(FOLDER)
    model = rlcore.make_model(config, env.observation_space, env.action_space)
    return rlcore.Agent(model, _loaded(True).normalizer)(observations)


def one_for_all(observations):
    return np.full(len(observations), _loaded(True)(observations)[0])


KEY = AnswerKey(
    reference=reference,
    hints=(
        "An agent is a function of observations, one row each. Which folder holds the policy that "
        "you trained, and which function above loads it?",
        "What trained_agent gives you is a function itself: it takes the observations as they "
        "come, scales them with the statistics saved with the weights, and answers with one "
        "action a row.",
        "The likeliest action lands better than a sampled one, as a rule. If it earns less than "
        "250, look at the mean length of your last episodes: near 1000 the lander hovers until its "
        "time is up. Then it has learned not to crash, and not yet to land: train longer, or with "
        "another seed.",
    ),
    misconceptions=(
        Misconception(
            "the agent acts at random", "Where does the trained policy come in?", at_random
        ),
        Misconception(
            "the agent never fires an engine",
            "What does it do with its observations?",
            never_fires,
        ),
        Misconception(
            "the agent returns logits and not actions",
            "The environment wants one whole number a row. Which one is the likeliest action?",
            logits,
        ),
        Misconception(
            "the agent takes the least likely action",
            "Which end of the logits do you pick?",
            least_likely,
        ),
        Misconception(
            "the observations are not scaled as they were in training",
            "The policy has never seen raw observations. Where are the statistics kept?",
            not_scaled,
        ),
        Misconception(
            "the observations are scaled by the mean and deviation of the batch at hand",
            "With which statistics was the policy trained? Do they move while it is played?",
            scaled_by_the_batch,
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
    ),
    also_correct=(sampling, one_at_a_time, without_torch),
)
