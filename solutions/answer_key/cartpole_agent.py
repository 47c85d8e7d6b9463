"""Answer key of cartpole_agent: the shipped agent, agents of other kinds, and some that fail."""

import functools
from pathlib import Path

import numpy as np
import torch

import rlcore
from grader.exercise import AnswerKey, Misconception

FOLDER = (
    Path(__file__).resolve().parent.parent
    / "agents"
    / "03_vanilla_policy_gradient"
    / "cartpole_agent"
)


@functools.cache
def _loaded(deterministic):
    return rlcore.load_agent(FOLDER, deterministic)


def reference(observations):
    """The shipped agent, its likeliest action."""
    return _loaded(True)(observations)


def sampling(observations):
    return _loaded(False)(observations)


def towards_the_fall(observations):
    """No network: push to the side to which the pole falls."""
    position, velocity, angle, turning = observations.T
    return (0.1 * position + 0.3 * velocity + angle + turning > 0).astype(np.int64)


def one_at_a_time(observations):
    with torch.no_grad():
        rows = torch.as_tensor(np.asarray(observations), dtype=torch.float32)
        return [int(_loaded(True).model.actor(row).probs.argmax()) for row in rows]


def at_random(observations):
    return np.random.randint(2, size=len(observations))  # noqa: NPY002


def always_left(observations):
    return np.zeros(len(observations), dtype=np.int64)


def logits(observations):
    with torch.no_grad():
        inputs = torch.as_tensor(np.asarray(observations), dtype=torch.float32)
        return _loaded(True).model.actor(inputs).logits.numpy()


def probability_of_right(observations):
    with torch.no_grad():
        inputs = torch.as_tensor(np.asarray(observations), dtype=torch.float32)
        return _loaded(True).model.actor(inputs).probs[:, 1].numpy()


def least_likely(observations):
    return 1 - _loaded(True)(observations)


def untrained(observations):
    model = rlcore.make_model(rlcore.Config.load(FOLDER), *_spaces())
    return rlcore.Agent(model, None)(observations)


@functools.cache
def _spaces():
    env = rlcore.make_env("CartPole-v1")
    return env.observation_space, env.action_space


def one_for_all(observations):
    return _loaded(True)(observations[:1])


KEY = AnswerKey(
    reference=reference,
    hints=(
        "An agent is a function of observations, one row each. Which file holds the policy that "
        "you trained, and which function of rlcore reads a run's folder?",
        "Load the agent once, outside of the function: reading a file at every step is slow. What "
        "load_agent gives you takes the observations as they come and answers with actions.",
        "The likeliest action balances better than a sampled one, as a rule. If the mean return "
        "stays below 400, look at the return of your training run first: an agent cannot be better "
        "than that. Train longer, or with a smaller pi_lr if the curve went down again.",
    ),
    misconceptions=(
        Misconception(
            "the agent acts at random", "Where does the trained policy come in?", at_random
        ),
        Misconception(
            "the agent always takes the same action",
            "What does it do with its observations?",
            always_left,
        ),
        Misconception(
            "the agent returns logits and not actions",
            "The environment wants one whole number a row. Which one is the likeliest action?",
            logits,
        ),
        Misconception(
            "the agent returns a probability and not an action",
            "The environment wants one whole number a row. How does a probability become one?",
            probability_of_right,
        ),
        Misconception(
            "the agent takes the least likely action",
            "Which end of the logits do you pick?",
            least_likely,
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
    also_correct=(sampling, towards_the_fall, one_at_a_time),
)
