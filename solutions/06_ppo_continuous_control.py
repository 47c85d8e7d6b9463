# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 06 · The whole of PPO: a cheetah learns to run
#
# After this notebook you can
#
# - write a complete PPO for continuous actions: network, policy, minibatches, losses, step,
# - say which running statistics it needs, when they move and when they must stand still,
# - train a robot with six joints, keep what it has learned in one small file, and play it anywhere,
# - read eight scalars and know which part of the program they speak of.
#
# It takes about three hours. The computer works alone for one minute of them, or for ten if you let it take a million
# steps. Graded here, 26 points:
#
# | part | what you do | minutes | points |
# |---|---|---|---|
# | `actor_critic` | a class: two small networks and a variance | 30 | 4 |
# | `policy` | a method: act while collecting, and while optimising | 30 | 4 |
# | `sampler` | a generator: shuffled minibatches | 25 | 4 |
# | `ppo` | four methods: two losses, their sum, one step | 50 | 8 |
# | `halfcheetah_agent` | train it; three lines of code | 20 | 4 |
# | written 1 | read your diagnostics | 15 | 2 |
#
# Stuck? `hint("sampler")`, then `hint("sampler", 2)`, then `hint("sampler", 3)`. After each exercise, `check(...)`
# tells you at once what is wrong and, if it can, why. The parts are judged one by one: a wrong `Policy` costs `PPO`
# nothing.

# %%
TEAM = ["login1"]  # one or two logins; both get the marks

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import csv
import functools
import math
import json
import os
import random
import shutil
import sys
import time
from collections import deque
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import Video, display
from torch import Tensor, nn
from torch.distributions import Independent, MultivariateNormal, Normal

import rlcore
from grader import hint
from rlcore import GAE, AsArray, Config, EnvRunner, NormalizeAdvantages, PyTorchify
from rlcore.plotting import read_history

GREEN = "tab:green"  # PPO, as in every figure of the course

# %% [markdown]
# ## 1 · The task
#
# HalfCheetah is a flat robot with two legs. It sees 17 numbers (positions, angles and their velocities) and sets six,
# the torques of its joints, each between −1 and 1. It is paid its speed forward, less a little for large torques. It
# cannot fall out of the task: only a clock stops an episode, after 1000 steps. A cheetah that stands still earns about
# 0, one that flails at random about −280, and one that runs thousands.

# %% nbgrader={"grade": false, "grade_id": "environment", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
ENV = "HalfCheetah-v5"
try:
    env = rlcore.make_env(ENV)
except ImportError as error:
    print(
        f"{error}\nUntil then, everything below runs in Pendulum-v1; only the agent you hand in needs MuJoCo."
    )
    ENV = "Pendulum-v1"
    env = rlcore.make_env(ENV)
OBS_DIM, ACTION_DIM = env.observation_space.shape[0], env.action_space.shape[0]
print(
    f"{ENV}: {OBS_DIM} numbers seen, {ACTION_DIM} set, from {env.action_space.low[0]:g} to {env.action_space.high[0]:g}"
)


class AtRandom:
    """A policy that knows nothing."""

    def act(self, observations):
        return {"actions": env.action_space.sample()}


env.action_space.seed(0)
runner = EnvRunner(env, AtRandom(), nsteps=2000)
runner.reset(seed=0)
walk = runner.get_next()
ended = [f"{length} steps, return {episode:.0f}" for episode, length in runner.finished]
print(f"at random: {'; '.join(ended)}")
print(f"ended by the task: {walk['terminated'].sum()}, by the clock: {walk['truncated'].sum()}")

# %% [markdown]
# By the clock: a **truncation**, not a termination. The cheetah would have run on, so the value of the state it really
# reached belongs after the last step, as in 04. Programs that know a single flag *done* put a 0 there, and teach the
# critic that the world ends at an hour which the cheetah cannot see.
#
# ### Numbers a network likes
#
# The 17 numbers have very different sizes, and so have rewards from task to task. PPO brings both to a standard with
# running statistics. Observations are centred, scaled and cut:
#
# $$\tilde s = \operatorname{clip}\Bigl(\frac{s - \mu}{\sqrt{\sigma^2 + 10^{-8}}},\ -10,\ 10\Bigr) \tag{6.1}$$
#
# with mean μ and variance σ² of all observations so far, number by number. Rewards are **scaled, not centred**, by the
# standard deviation of a running sum of the rewards so far, $C_t$, in which older ones count less:
#
# $$\tilde r_t = \operatorname{clip}\Bigl(\frac{r_t}{\sqrt{\operatorname{Var}[C] + 10^{-8}}},\ -10,\ 10\Bigr), \qquad C_t = r_t + \gamma\,(1 - \text{over}_{t-1})\,C_{t-1} \tag{6.2}$$
#
# (As in the published code of Schulman et al. 2017, arXiv:1707.06347; not in the paper.)

# %% [markdown]
# Three details are often wrong, and were so in programs that many have learned from:
#
# - *Rewards are centred, too.* Subtracting a mean changes what is best. In CartPole every step pays 1; centred, it pays
#   0, and falling costs nothing any more. Multiplying by a positive number changes nothing but the scale.
# - *They are divided by the variance.* The unit says no: a reward divided by a variance is not a pure number.
# - *The statistics move while an agent is evaluated.* Then its score depends on who was evaluated before. In `rlcore`
#   they move once per rollout, after it, and stand still at all other times.
#
# What is *reported* is always the raw reward: `runner.finished` holds the raw return of every episode that has ended.

# %% nbgrader={"grade": false, "grade_id": "figure_normalised", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
normalizer = rlcore.Normalizer(env.observation_space.shape, gamma=0.99)
seen = {key: value[:, None].copy() for key, value in walk.items()}
normalizer.normalize(seen)  # learns from the walk
scaled = normalizer.observations(walk["observations"])
fig, axes = plt.subplots(1, 3, figsize=(10.5, 3.4), layout="constrained", width_ratios=(2, 2, 1.6))
for ax, values, title in (
    (axes[0], walk["observations"], "observations, as they come"),
    (axes[1], scaled, "normalised"),
):
    low, middle, high = np.percentile(values, (5, 50, 95), axis=0)
    ax.vlines(range(OBS_DIM), low, high, color=GREEN, lw=5, alpha=0.4)
    ax.plot(middle, "o", color=GREEN, ms=4)
    ax.axhline(0, color="0.6", lw=0.8, zorder=0)
    ax.set(title=title, xlabel="which number")
axes[0].set_ylabel("middle 90 % and median")
axes[2].hist(walk["rewards"], bins=40, color="0.7", label="raw")
axes[2].hist(normalizer.rewards(walk["rewards"]), bins=40, color=GREEN, alpha=0.7, label="scaled")
axes[2].axvline(0, color="0.3", lw=0.8)
axes[2].set(title="rewards", xlabel="reward", yticks=[])
axes[2].legend(frameon=False)
plt.show()
deviation = float(np.sqrt(normalizer.returns.var))
print(f"standard deviation of that sum: {deviation:.2f}, so rewards are divided by it;")
print(
    f"mean reward {walk['rewards'].mean():+.3f} raw, {normalizer.rewards(walk['rewards']).mean():+.3f} scaled: the sign stays"
)

# %% [markdown]
# ## 2 · The network
#
# As in 02, the policy is a Gaussian: the network says where, and one learned vector, the same in every state, says how
# wide. Here that vector is mapped to the **variance**, by a map which is always positive and increasing: exp, or
# softplus. Where it starts is part of the map: actions beyond −1 and 1 are clipped, which for a mean of 0 happens to
# **31.7 %** of them with σ = 1, and to **4.6 %** with σ = ½.
#
# The weights' start matters, too. If every weight matrix is *orthogonal*, it stretches all directions alike; with gain
# √2, tanh layers keep the size of their signals. The figure compares that with torch's usual start: how much does the
# second hidden layer differ between two states?

# %% nbgrader={"grade": false, "grade_id": "figure_orthogonal", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
torch.manual_seed(0)
usual = rlcore.mlp((17, 64, 64, 1), initialize=lambda net: None)[:4]
turned = rlcore.mlp((17, 64, 64, 1), activation=nn.Tanh)[:4]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for net, colour, label in (
    (usual, "0.5", "torch's usual start"),
    (turned, GREEN, "orthogonal, gain √2"),
):
    axes[0].plot(torch.linalg.svdvals(net[2].weight.detach()), color=colour, label=label)
    with torch.no_grad():
        hidden = net(torch.randn(500, 17))
    axes[1].hist(hidden.std(0).numpy(), bins=np.linspace(0, 0.9, 37), color=colour, alpha=0.8)
axes[0].axhline(math.sqrt(2), color="black", lw=0.8, ls=":")
axes[0].set(
    xlabel="direction, by strength", ylabel="how much it is stretched", title="the 64 × 64 matrix"
)
axes[0].legend(frameon=False)
axes[1].set(
    xlabel="standard deviation over 500 states", ylabel="units", title="64 units of hidden layer 2"
)
plt.show()

# %% [markdown]
# ### Exercise `actor_critic` (4 points, 30 minutes, medium)
#
# **Why.** Everything PPO learns is kept in these weights.
#
# **Do.** Complete the class, ten to fifteen lines. Two hidden layers of 64 tanh units lead to the mean, and two to the
# value; the two may share their hidden layers or not. Every weight matrix is orthogonal with gain √2, the output layers
# too, and every bias 0. One `nn.Parameter` p of `action_dim` zeros is mapped to the variance: σ may be exp(p), as in 02,
# or ½ exp(p), which starts at ½; or let p be log σ², for which a step of the same length moves σ half as far.
# `nn.init.orthogonal_` is yours to use.
#
# **Expect.** For 17 and 6 with separate layers: (17 · 64 + 64) + (64 · 64 + 64) = 5,312 numbers to the second hidden
# layer, twice, then 64 · 6 + 6 = 390 for the mean, 65 for the value and 6 for the variance: **11,085**. The one row of
# the value's last matrix has length √2 = **1.414**. With σ = exp(p) the variance starts at **1** everywhere, with
# ½ exp(p) at **0.25**.


# %% nbgrader={"grade": false, "grade_id": "actor_critic", "locked": false, "schema_version": 3, "solution": true, "task": false}
class ActorCritic(nn.Module):
    """A Gaussian policy's mean and variance, and a value function.

    Two hidden layers of 64 tanh units for each, or shared; orthogonal weights with gain √2, zero
    biases (Saxe et al. 2014, arXiv:1312.6120). The variance is one learned vector, the same in
    every state.

    Args:
        obs_dim: numbers in an observation.
        action_dim: A, numbers in an action.
    """

    def __init__(self, obs_dim, action_dim):
        super().__init__()

        ### BEGIN SOLUTION
        def layers(outputs):
            net = nn.Sequential(
                nn.Linear(obs_dim, 64),
                nn.Tanh(),
                nn.Linear(64, 64),
                nn.Tanh(),
                nn.Linear(64, outputs),
            )
            for layer in net[::2]:
                nn.init.orthogonal_(layer.weight, gain=math.sqrt(2))
                nn.init.zeros_(layer.bias)
            return net

        self.mean, self.value = layers(action_dim), layers(1)
        self.log_scale = nn.Parameter(torch.zeros(action_dim))
        ### END SOLUTION

    def forward(self, states):
        """Mean, variance and value in every state.

        Args:
            states: (B, obs_dim) float tensor.

        Returns:
            mean (B, A), variance (B, A) positive, values (B,), tensors with gradient.
        """
        ### BEGIN SOLUTION
        mean = self.mean(states)
        std = 0.5 * self.log_scale.exp()  # the box is 1 wide on each side: start well inside
        return mean, std.square().expand_as(mean), self.value(states).squeeze(-1)
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_actor_critic", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("actor_critic", ActorCritic)
### BEGIN HIDDEN TESTS
from grader import probe

probe("actor_critic", ActorCritic)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** Many programs give the mean's last layer a gain of 0.01. What would that change on the first day?
#
# <details><summary>Answer</summary>
# All means start close to 0, whatever the state: at first the policy is pure noise around standing still. With √2 it
# starts with an opinion in each state. Both learn, but not alike. From the same σ = ½, Stable-Baselines3's PPO ended at
# a return of **5,153** with 0.01 for the mean and 1 for the value, and at **3,432** with √2 for both (mean of five
# seeds, a million steps). Here all layers are alike because that is easy to say and to check; the rest is an experiment.
# </details>

# %% [markdown]
# ## 3 · Two ways to act
#
# A policy is asked at two occasions. **Collecting**, the runner shows it numpy arrays, wants numpy back, and no graph:
# what is recorded is data. **Optimising**, PPO shows it a tensor of many states and wants the distribution itself, with
# the graph that leads to the weights. The two answers have different keys, and each docstring lists its own.
#
# The log-density of an action is a sum over its A numbers:
#
# $$\log\pi(a \mid s) = -\tfrac12 \sum_{i=1}^{A} \Bigl(\frac{(a_i - \mu_i)^2}{v_i} + \log v_i + \log 2\pi\Bigr) \tag{6.3}$$
#
# with $v_i$ the variance, the square of 02's σ. torch knows it as `MultivariateNormal`, and as `Normal` made
# `Independent`. Mind which of the two asks for variances and which for standard deviations.

# %% [markdown]
# ### Exercise `policy` (4 points, 30 minutes, medium)
#
# **Why.** It is the only door between the network and the world.
#
# **Do.** Complete `act`, about twelve lines. With `training=False`: numpy in, a sample out, with its log-probability
# and the value; one observation or a batch. With `training=True`: the distribution and the values, with gradient.
#
# **Expect.** With A = 6 and variance 1 an action at its mean has log-probability $-\tfrac12 \cdot 6 \cdot \log 2\pi$ =
# **−5.514**, and the entropy is 6 · ½(1 + log 2π) = **8.514** nats. For one observation of shape (17,): actions (6,),
# `log_probs` and `values` of shape (). For a batch of 5: (5, 6), (5,) and (5,).


# %% nbgrader={"grade": false, "grade_id": "policy", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Policy:
    """A network as a policy.

    Args:
        model: `model(states)` gives mean (B, A), variance (B, A) and values (B,).
    """

    def __init__(self, model):
        self.model = model

    def act(self, inputs, training=False):
        """What to do, while collecting or while optimising.

        training=False, without gradient:

        Args:
            inputs: (obs,) or (B, obs) numpy array, float32 or float64.

        Returns:
            dict of numpy arrays: `actions` (A,) or (B, A), sampled; `log_probs` and `values`,
            () or (B,). log π is that of the action as it was sampled.

        training=True, with gradient:

        Args:
            inputs: (B, obs) float32 tensor.

        Returns:
            dict: `distribution`, a torch Distribution with batch_shape (B,) and event_shape (A,);
            `values`, a tensor (B,).
        """
        ### BEGIN SOLUTION
        if training:
            mean, variance, values = self.model(inputs)
            return {"distribution": Independent(Normal(mean, variance.sqrt()), 1), "values": values}
        states = torch.as_tensor(inputs, dtype=torch.float32)
        with torch.inference_mode():
            mean, variance, values = self.model(states.reshape(-1, states.shape[-1]))
            distribution = Independent(Normal(mean, variance.sqrt(), validate_args=False), 1)
            actions = distribution.sample()
            log_probs = distribution.log_prob(actions)
        answers = {"actions": actions, "log_probs": log_probs, "values": values}
        return {
            key: (answer[0] if states.ndim == 1 else answer).numpy()
            for key, answer in answers.items()
        }
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_policy", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("policy", Policy)
### BEGIN HIDDEN TESTS
from grader import probe

probe("policy", Policy)
### END HIDDEN TESTS

# %% [markdown]
# A Gaussian knows no limits, but a joint does. `rlcore` clips actions to the box on their way into the environment, and
# keeps what the policy said: the log-probability belongs to the action before the clip. The figure asks your own policy
# in one state; each dot is an action, and two of its numbers are shown.

# %% nbgrader={"grade": false, "grade_id": "figure_actions", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
torch.manual_seed(1)
policy = Policy(ActorCritic(OBS_DIM, ACTION_DIM))
same_state = np.repeat(scaled[:1], 1000, axis=0)
actions = policy.act(same_state)["actions"]
first, second = actions[:, 0], actions[:, min(1, ACTION_DIM - 1)]
inside = (np.abs(actions[:, :2]) <= env.action_space.high[0]).all(axis=1)
fig, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
ax.plot(first[inside], second[inside], ".", color=GREEN, label="goes in as it is")
ax.plot(first[~inside], second[~inside], ".", color="0.7", label="is clipped")
size = env.action_space.high[0]
ax.add_patch(plt.Rectangle((-size, -size), 2 * size, 2 * size, fill=False, lw=2))
ax.set(
    xlabel="torque of joint 1",
    ylabel="torque of joint 2" if ACTION_DIM > 1 else "the same",
    title="1000 actions in one state",
    aspect="equal",
)
fig.legend(frameon=False, loc="outside right upper")
plt.show()
print(f"{inside.mean():.0%} of these pairs lie in the box")

# %% [markdown]
# ## 4 · Five steps
#
# Before you collect two thousand steps, collect five, and look at every shape. `EnvRunner` asks the policy at each step
# and keeps what it answers, time first. Transforms then work on the whole trajectory: `AsArray` makes arrays of
# whatever is none yet, `GAE` adds `advantages` and `value_targets`: that of 04, here from `rlcore`; you may put your
# own in its place.

# %% nbgrader={"grade": false, "grade_id": "five_steps", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
policy = Policy(ActorCritic(OBS_DIM, ACTION_DIM))
runner = EnvRunner(env, policy, nsteps=5, transforms=[AsArray(), GAE(policy, 0.99, 0.95)])
runner.reset(seed=0)
five = runner.get_next()
for key, value in five.items():
    print(f"{key:18}{value.shape!s:10}{value.dtype}")
for key in ("observations", "next_observations"):
    assert five[key].shape == (5, OBS_DIM)
assert five["actions"].shape == (5, ACTION_DIM), "one action a step, A numbers each"
for key in (
    "rewards",
    "terminated",
    "truncated",
    "log_probs",
    "values",
    "advantages",
    "value_targets",
):
    assert five[key].shape == (5,), f"{key}: one number a step; is an axis left over?"
assert np.array_equal(five["observations"][1:], five["next_observations"][:-1])
assert np.array_equal(five["value_targets"], five["advantages"] + five["values"])
print("All shapes are as they should be.")

# %% [markdown]
# ## 5 · Minibatches
#
# VPG takes each step on the whole batch. PPO cuts a rollout of 2048 rows into 32 minibatches of 64, takes a step on
# each, and goes through all of them ten times: 320 steps on the same data, which the clip of 05 makes safe.
# Neighbouring rows resemble one another, since the cheetah moves little in a twentieth of a second. A minibatch of
# neighbours would see one stride only, so the rows are shuffled, anew in every epoch.

# %% [markdown]
# ### Exercise `sampler` (4 points, 25 minutes, medium)
#
# **Why.** Each row must count exactly once per epoch, beside its own action, and no minibatch may spoil the next.
#
# **Do.** Complete `get_next`, about ten lines; a generator with `yield` is the shortest. Ask the runner for one
# trajectory. In each epoch draw a new order of the rows, cut it into `num_minibatches` parts, and for each part make a
# dict with those rows of every key. Then apply the transforms to that dict.
#
# **Expect.** With T = 10 rows, 3 minibatches and 2 epochs: **6** dicts, of **4, 3, 3** rows and again 4, 3, 3 (in some
# order), the ten rows once in the first three, and once, in another order, in the last three.


# %% nbgrader={"grade": false, "grade_id": "sampler", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Sampler:
    """Shuffled minibatches of one rollout after the other.

    Schulman et al. 2017, arXiv:1707.06347, algorithm 1: "optimize ... with K epochs and minibatch size M".

    Args:
        runner: `runner.get_next()` gives a trajectory, a dict of arrays (T, ...).
        num_epochs: passes through each trajectory.
        num_minibatches: parts of each pass, at most T.
        transforms: None, or callables `transform(minibatch)` that change a minibatch in place.
    """

    def __init__(self, runner, num_epochs, num_minibatches, transforms=None):
        self.runner, self.num_epochs, self.num_minibatches = runner, num_epochs, num_minibatches
        self.transforms = transforms or []

    def get_next(self):
        """Minibatches of the runner's next trajectory, num_epochs × num_minibatches of them.

        Every row is in exactly one minibatch of each epoch; the order is drawn anew for each epoch;
        sizes differ by one at most. Values without a time axis (numbers, 0-d arrays, anything that
        is no array) are left out. The trajectory stays as it is, whatever the transforms do.

        Returns:
            Dicts of numpy arrays (rows, ...), transformed: an iterator or a list.
        """
        ### BEGIN SOLUTION
        trajectory = self.runner.get_next()
        arrays = {
            key: value
            for key, value in trajectory.items()
            if isinstance(value, np.ndarray) and value.ndim > 0
        }
        num_rows = len(arrays["observations"])
        for _ in range(self.num_epochs):
            order = torch.randperm(num_rows).numpy()
            for rows in np.array_split(order, self.num_minibatches):
                minibatch = {key: value[rows] for key, value in arrays.items()}
                for change in self.transforms:
                    change(minibatch)
                yield minibatch
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_sampler", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("sampler", Sampler)
### BEGIN HIDDEN TESTS
from grader import probe

probe("sampler", Sampler)
### END HIDDEN TESTS

# %% [markdown]
# Now the line that makes data for PPO, from the environment to the minibatch. Two transforms work on each minibatch:
# `NormalizeAdvantages` subtracts its mean and divides by its standard deviation, and `PyTorchify` turns arrays into
# tensors.


# %% nbgrader={"grade": false, "grade_id": "given_sampler", "locked": true, "schema_version": 3, "solution": false, "task": false}
def make_ppo_sampler(
    env, policy, *, num_steps=2048, gamma=0.99, gae_lambda=0.95, num_epochs=10, num_minibatches=32
):
    """A sampler of PPO's minibatches from an environment, observations and rewards normalised."""
    transforms = [AsArray(), GAE(policy, gamma, gae_lambda)]
    runner = EnvRunner(env, policy, nsteps=num_steps, transforms=transforms)
    runner.normalizer = rlcore.Normalizer(env.observation_space.shape, gamma=gamma)
    return Sampler(runner, num_epochs, num_minibatches, [NormalizeAdvantages(), PyTorchify()])


# %% [markdown]
# The figure looks at your sampler at work on 64 rows: one line of squares is one epoch, each square a row of the
# rollout in the order of time, its colour the minibatch that got it. Below, the reason to shuffle: the mean reward that
# minibatches of 64 rows see, in a rollout of 2000 steps, taken as neighbours and taken at random.


# %% nbgrader={"grade": false, "grade_id": "figure_minibatches", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
class Rows:
    """A runner whose trajectory is the numbers of its rows, under every key there is."""

    def get_next(self):
        return dict.fromkeys(five, np.arange(64))


torch.manual_seed(0)
got = np.zeros((6, 64), dtype=int)
for i, minibatch in enumerate(Sampler(Rows(), 6, 8).get_next()):
    got[i // 8, minibatch["observations"]] = i % 8
fig, axes = plt.subplots(2, 1, figsize=(8.5, 4.2), layout="constrained", height_ratios=(1.2, 1))
axes[0].imshow(got, cmap="tab10", aspect="auto", vmax=9)
axes[0].set(xlabel="row of the rollout", ylabel="epoch", title="which of 8 minibatches gets a row")
speeds = walk["rewards"][: 31 * 64]
for order, colour, label, y in (
    (np.arange(31 * 64), "0.5", "neighbours", 0),
    (np.random.default_rng(0).permutation(31 * 64), GREEN, "shuffled", 1),
):
    means = speeds[order].reshape(31, 64).mean(axis=1)
    axes[1].plot(means, np.full(31, y) + np.linspace(-0.15, 0.15, 31), "o", color=colour, ms=4)
    print(
        f"{label:10}: means of 31 minibatches differ by a standard deviation of {means.std():.3f}"
    )
axes[1].axvline(speeds.mean(), color="black", lw=0.8, ls=":")
axes[1].set(
    yticks=(0, 1),
    yticklabels=("neighbours", "shuffled"),
    ylim=(-0.5, 1.5),
    xlabel="mean reward in a minibatch of 64 (dotted: of all rows)",
)
plt.show()

# %% [markdown]
# ## 6 · PPO
#
# The two losses are those of 05, now as methods that take a minibatch. The policy's, to be minimised:
#
# $$L_\pi = -\operatorname{mean}_t\Bigl(\min\bigl(r_t \hat A_t,\ \operatorname{clip}(r_t, 1 - \varepsilon, 1 + \varepsilon)\,\hat A_t\bigr)\Bigr), \qquad r_t = \frac{\pi_\theta(a_t \mid s_t)}{\pi_\text{old}(a_t \mid s_t)} \tag{6.4}$$
#
# and the critic's, with the value's own clip and the same ε:
#
# $$L_V = \operatorname{mean}_t\Bigl(\max\bigl((V_t - G_t)^2,\ (V^\text{old}_t + \operatorname{clip}(V_t - V^\text{old}_t, -\varepsilon, \varepsilon) - G_t)^2\bigr)\Bigr) \tag{6.5}$$
#
# They are added, and one optimizer goes down the sum:
#
# $$L = L_\pi + c_V\,L_V, \qquad c_V = 0.25 \tag{6.6}$$
#
# (Schulman et al. 2017, arXiv:1707.06347, eqs. 7 and 9, with the signs of losses and without eq. 9's entropy bonus; the
# value's clip is in their published code. As in 05, $r_t$ is a ratio here and no reward.)

# %% [markdown]
# Gradients differ in length, from minibatch to minibatch and over the run. So that none throws everything off, their
# length is limited before the optimizer sees them, over all weights together:
#
# $$g \leftarrow g \cdot \min\Bigl(1,\ \frac{c}{\lVert g \rVert}\Bigr), \qquad c = 0.5 \tag{6.7}$$
#
# The order within a step is always the same: forget the old gradient, go backward, clip, step.
# `nn.utils.clip_grad_norm_` clips, and returns the length from before. In HalfCheetah nearly every gradient is longer
# than 0.5, so that in effect all of them get one length.
#
# ### Exercise `ppo` (8 points, 50 minutes, hard)
#
# **Why.** This is the algorithm. Everything before was its supply.
#
# **Do.** Complete four methods, some 30 lines in all. `act` is what `Policy.act(observations, training=True)` returned
# for the minibatch. Write each of the eight scalars with `self.write(name, value)`, as the docstrings say.
#
# **Expect.** For 05's two samples (ratios 1.35, Â = ±2, ε = 0.2) the policy's loss is 0.15. For two values 11 and 9,
# both 10 before, with target 12, the critic's is the mean of 1.8² = 3.24 and 3² = 9, which is 6.12. The sum is 0.15 +
# 0.25 · 6.12 = **1.68**. A gradient (3, 4) has length **5**, which is logged, and is cut to (0.3, 0.4).


# %% nbgrader={"grade": false, "grade_id": "ppo", "locked": false, "schema_version": 3, "solution": true, "task": false}
class PPO:
    """Proximal policy optimisation, one minibatch at a time.

    Schulman et al. 2017, arXiv:1707.06347, eqs. 7 and 9; there they are objectives.

    Args:
        policy: `policy.act(observations, training=True)`; `policy.model` is the network.
        optimizer: of the network's parameters.
        sampler: where minibatches come from.
        clip_range: ε, of the ratio and of the value.
        value_coef: c_V, weight of the critic's loss.
        max_grad_norm: c, the longest gradient there may be.

    A minibatch is a dict of tensors: `observations` (B, obs), `actions` (B, A), and, (B,) each,
    `log_probs`, `advantages`, `values`, `value_targets`, all from when the rollout was collected. `act`
    is the dict of `distribution` and `values` (B,) at its observations, with gradient.
    """

    def __init__(
        self, policy, optimizer, sampler, clip_range=0.2, value_coef=0.25, max_grad_norm=0.5
    ):
        self.policy, self.optimizer, self.sampler = policy, optimizer, sampler
        self.clip_range, self.value_coef, self.max_grad_norm = clip_range, value_coef, max_grad_norm
        self.iteration = 0

    def write(self, name, value):
        """Log one scalar, a number or a 0-d tensor."""
        self.sampler.runner.write(name, value, self.iteration)

    def policy_loss(self, batch, act):
        """The policy's clipped loss, a tensor of shape ().

            L = −mean_t( min( r_t Â_t, clip(r_t, 1 − ε, 1 + ε) Â_t ) ),    r_t = π(a_t) / π_old(a_t)

        Writes `additional/entropy` (mean, nats), `additional/policy_loss_clipped_fraction` (share of
        |ratio − 1| > ε), `additional/max_ratio` and `losses/policy_loss`.
        """
        ### BEGIN SOLUTION
        distribution, advantages = act["distribution"], batch["advantages"]
        ratio = torch.exp(distribution.log_prob(batch["actions"]) - batch["log_probs"])
        clipped = torch.clamp(ratio, 1 - self.clip_range, 1 + self.clip_range)
        loss = -torch.min(ratio * advantages, clipped * advantages).mean()
        outside = (ratio - 1).abs() > self.clip_range
        self.write("additional/entropy", distribution.entropy().mean())
        self.write("additional/policy_loss_clipped_fraction", outside.float().mean())
        self.write("additional/max_ratio", ratio.max())
        self.write("losses/policy_loss", loss)
        return loss
        ### END SOLUTION

    def value_loss(self, batch, act):
        """The critic's clipped loss, a tensor of shape ().

            L = mean_t( max( (V_t − G_t)², (V_old_t + clip(V_t − V_old_t, −ε, ε) − G_t)² ) )

        with G_t = `value_targets`. Writes `additional/value_predictions` (mean of V), `additional/value_loss_clipped_fraction`
        (share of |V − V_old| > ε) and `losses/critic_loss` (before it is weighted).
        """
        ### BEGIN SOLUTION
        values, old, targets = act["values"], batch["values"], batch["value_targets"]
        moved = values - old
        clipped = old + moved.clamp(-self.clip_range, self.clip_range)
        loss = torch.max((values - targets) ** 2, (clipped - targets) ** 2).mean()
        outside = moved.abs() > self.clip_range
        self.write("additional/value_predictions", values.mean())
        self.write("additional/value_loss_clipped_fraction", outside.float().mean())
        self.write("losses/critic_loss", loss)
        return loss
        ### END SOLUTION

    def loss(self, batch):
        """The sum of both losses, L_π + c_V L_V, a tensor of shape () with gradient."""
        ### BEGIN SOLUTION
        act = self.policy.act(batch["observations"], training=True)
        return self.policy_loss(batch, act) + self.value_coef * self.value_loss(batch, act)
        ### END SOLUTION

    def step(self, batch):
        """One step of the optimizer down the loss, with a gradient as long as eq. 6.7 allows.

        Writes `gradient_norm`, the length over all parameters of `policy.model` before it is
        clipped, and counts `iteration` up by one.
        """
        ### BEGIN SOLUTION
        self.optimizer.zero_grad()
        self.loss(batch).backward()
        norm = nn.utils.clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        self.write("gradient_norm", norm)
        self.optimizer.step()
        self.iteration += 1
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_ppo", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("ppo", PPO)
### BEGIN HIDDEN TESTS
from grader import probe

probe("ppo", PPO)
### END HIDDEN TESTS

# %% [markdown]
# ## 7 · Training
#
# All that is left is a loop: collect, take 320 steps on 320 minibatches, again. First its bookkeeping, which you may
# skim: the mean of each scalar over a rollout, two more gauges, a checkpoint, and a figure that grows.


# %% nbgrader={"grade": false, "grade_id": "bookkeeping", "locked": true, "schema_version": 3, "solution": false, "task": false}
class Means:
    """What `runner.write` writes to: the mean of every scalar over a rollout's minibatches."""

    def __init__(self):
        self.values = {}

    def add_scalar(self, name, value, step):
        self.values.setdefault(name, []).append(value)

    def take(self):
        means = {name: float(np.mean(values)) for name, values in self.values.items()}
        self.values = {}
        return means


def seed_of(seed, rollout):
    """A seed for each rollout of each run."""
    return int(np.random.SeedSequence([seed, rollout]).generate_state(1)[0] // 2)


def returns_of(finished, recent):
    """Raw returns and lengths of the episodes that have ended; NaN where none has."""
    means = [
        float(np.mean(x)) if len(x) else math.nan
        for x in (*np.reshape(finished, (-1, 2)).T, recent)
    ]
    return dict(zip(("ep_ret", "ep_len", "ep_ret_100"), means, strict=True))


def moved(policy, trajectory):
    """How far an update moved the policy (KL, nats), and how good its critic was before."""
    rows = dict(trajectory)
    PyTorchify()(rows)
    with torch.no_grad():
        act = policy.act(rows["observations"], training=True)
        kl = (rows["log_probs"] - act["distribution"].log_prob(rows["actions"])).mean()
    errors = trajectory["value_targets"] - trajectory["values"]
    return {
        "kl": kl.item(),
        "explained_variance": 1 - errors.var() / trajectory["value_targets"].var(),
    }


def save(ppo, folder, rollout, rows, recent):
    """Write the agent, the table and all that is needed to go on, each whole or not at all."""
    runner = ppo.sampler.runner
    normalizer, about = (
        runner.normalizer,
        {"env": runner.env.spec.id, "steps": rollout * runner.nsteps},
    )
    rlcore.save_checkpoint(
        folder / "model.npz", ppo.policy.model, normalizer=normalizer, metadata=about
    )
    state = {"model": ppo.policy.model.state_dict(), "optimizer": ppo.optimizer.state_dict()}
    state |= {"rollout": rollout, "iteration": ppo.iteration, "recent": list(recent)}
    state["normalizer"] = {
        name: torch.from_numpy(np.array(x)) for name, x in normalizer.state().items()
    }
    torch.save(state, folder / "checkpoint.partial")
    with open(folder / "history.partial", "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0] if rows else ["epoch"], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    for partial, name in (
        ("history.partial", "history.csv"),
        ("checkpoint.partial", "checkpoint.pt"),
    ):
        os.replace(folder / partial, folder / name)


def finished(config, folder):
    """Whether a folder holds all rollouts of a run."""
    history = Path(folder) / "history.csv"
    return history.exists() and len(read_history(folder)["epoch"]) == config.epochs


def trained_steps(path):
    """Steps that the agent in a file was trained for; infinitely many if it does not say, 0 if there is none."""
    if not Path(path).exists():
        return 0
    with np.load(path, allow_pickle=False) as file:
        return json.loads(str(file["metadata"])).get("steps", math.inf)


def hand_in(path, place):
    """Copy an agent to where it is handed in, unless the one there was trained for longer."""
    if trained_steps(path) < trained_steps(place):
        print(f"{place} was trained for longer than this run and stays as it is.")
        return
    Path(place).parent.mkdir(exist_ok=True)
    shutil.copy(path, place)
    if "trained_agent" in globals():
        trained_agent.cache_clear()  # which keeps the agent that was there
    print(f"{place} is the agent of {path}.")


def go_back(ppo, folder, recent):
    """Back to the last checkpoint: the rollout it stands before, and the table so far."""
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    try:
        ppo.policy.model.load_state_dict(state["model"])
    except RuntimeError as error:
        came = f"{folder} holds the weights of another ActorCritic; set AGAIN = True"
        raise ValueError(f"{came}, or name another folder. {error}") from error
    ppo.optimizer.load_state_dict(state["optimizer"])
    arrays = {name: tensor.numpy() for name, tensor in state["normalizer"].items()}
    ppo.sampler.runner.normalizer = rlcore.Normalizer.from_state(arrays)
    ppo.iteration = state["iteration"]
    recent.extend(state["recent"])
    with open(folder / "history.csv", newline="", encoding="utf-8") as file:
        rows = [{name: float(x) for name, x in row.items()} for row in csv.DictReader(file)]
    return state["rollout"], rows[: state["rollout"]]


def live_figure(folder):
    """A function that draws the table so far, at most every three seconds, in one place."""
    handle, drawn = (
        display(f"{folder}: the curve appears with the first rollouts", display_id=True),
        [0.0],
    )

    def draw(rows, last=False):
        if handle is None or not (last or time.monotonic() - drawn[0] > 3):
            return
        drawn[0] = time.monotonic()
        fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.2), layout="constrained")
        steps = [row["steps"] for row in rows]
        axes[0].plot(
            steps, [row["ep_ret"] for row in rows], ".", color="0.7", ms=3, label="each rollout"
        )
        axes[0].plot(
            steps, [row["ep_ret_100"] for row in rows], color=GREEN, label="last 100 episodes"
        )
        axes[0].set(ylabel="return (raw rewards)")
        axes[0].legend(frameon=False, loc="upper left")
        axes[1].plot(steps, [row["kl"] for row in rows], color=GREEN)
        axes[1].set(ylabel="KL of the update, nats", ylim=(0, None))
        for ax in axes:
            ax.set_xlabel("environment steps")
        handle.update(fig)
        plt.close(fig)

    return draw


# %% [markdown]
# And the loop: Adam at 3e-4 with eps = 1e-5, a learning rate that may fall to 0 on a line, a checkpoint every ten
# rollouts. Each rollout's random numbers depend on seed and rollout only, and at a checkpoint the cheetah starts anew:
# so a run that was interrupted and goes on takes the same path as one that was not, if your classes draw from torch,
# numpy or `random` and keep no generator of their own.


# %% nbgrader={"grade": false, "grade_id": "training", "locked": true, "schema_version": 3, "solution": false, "task": false}
def make_ppo(config):
    """PPO with your classes, and an environment; the config's networks and normalisation are not used.

    Used are `env, seed, steps_per_epoch, gamma, gae_lambda, num_epochs, num_minibatches, pi_lr`,
    `clip_range, value_coef, max_grad_norm`.
    """
    env = rlcore.make_env(config.env)
    torch.manual_seed(config.seed)
    model = ActorCritic(env.observation_space.shape[0], env.action_space.shape[0])
    policy = Policy(model)
    knobs = ("num_steps", "gamma", "gae_lambda", "num_epochs", "num_minibatches")
    sampler = make_ppo_sampler(env, policy, **{knob: getattr(config, knob) for knob in knobs})
    optimizer = torch.optim.Adam(model.parameters(), lr=config.pi_lr, eps=1e-5)
    knobs = ("clip_range", "value_coef", "max_grad_norm")
    return PPO(policy, optimizer, sampler, **{knob: getattr(config, knob) for knob in knobs})


def train(config, folder):
    """Train, or go on where an earlier call stopped; returns the trained PPO.

    The folder gets config.json, history.csv, TensorBoard's events, checkpoint.pt (to go on from) and
    model.npz (the agent: weights and statistics).
    """
    from torch.utils.tensorboard import SummaryWriter
    from tqdm.auto import tqdm

    torch.set_num_threads(1)  # for networks of this size the fastest
    folder, ppo = Path(folder), make_ppo(config)
    runner, first, rows, recent = ppo.sampler.runner, 0, [], deque(maxlen=100)
    runner.writer = means = Means()
    last = {}
    runner.transforms.append(lambda trajectory, _: last.update(trajectory))
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "checkpoint.pt").exists():
        if Config.load(folder) != config:
            raise ValueError(
                f"{folder} holds a run with another config; remove it or name another folder."
            )
        first, rows = go_back(ppo, folder, recent)
    (folder / "config.json").write_text(config.model_dump_json(indent=1), encoding="utf-8")
    draw = live_figure(folder)
    if first == config.epochs:
        draw(rows, last=True)
        return ppo
    bar = tqdm(range(first, config.epochs), "train", file=sys.stdout, leave=False)
    with SummaryWriter(str(folder), purge_step=first * config.num_steps + 1) as events:
        for rollout in bar:
            if rollout % config.checkpoint_every == 0:
                save(ppo, folder, rollout, rows, recent)
                runner.reset(seed_of(config.seed, rollout))
            random.seed(seed_of(config.seed, rollout))
            torch.manual_seed(seed_of(config.seed, rollout) + 1)
            np.random.seed(seed_of(config.seed, rollout) + 2)  # noqa: NPY002 - a Sampler may use it
            if config.lr_decay:
                ppo.optimizer.param_groups[0]["lr"] = config.pi_lr * (1 - rollout / config.epochs)
            for minibatch in ppo.sampler.get_next():
                ppo.step(minibatch)
            recent.extend(episode for episode, _ in runner.finished)
            row = {"epoch": rollout, "steps": (rollout + 1) * config.num_steps}
            row |= returns_of(runner.finished, recent) | moved(ppo.policy, last) | means.take()
            rows.append(row)
            for name, value in row.items():
                events.add_scalar(name, value, row["steps"])
            bar.set_postfix_str(f"return {row['ep_ret_100']:.0f}", refresh=False)
            draw(rows)
    draw(rows, last=True)
    save(ppo, folder, config.epochs, rows, recent)
    return ppo


# %% [markdown]
# First a hundred thousand steps: about a minute, enough to see it learn. Rollouts are a quarter as long here, 512 steps
# in 8 minibatches of 64: early on, the policy is better improved four times as often on less data.
#
# Then a million, about ten minutes, if you set `TRAIN_LONG = True`; watch the curve, or go on reading. You may
# interrupt a run (the ■ above) and run its cell again: it goes on from its last checkpoint. A finished run is not run
# again. When you have changed one of your classes, set `AGAIN = True`.

# %% tags=["skip-execution"]
TRAIN_LONG = False  # True trains a million steps, too
AGAIN = False  # True throws the runs of this notebook away first

# %% [markdown]
# Write down what you expect before you run the next cell:

# %% [markdown]
# **My guess.** After 100,000 steps the return is about …; the entropy will …; the clip fraction will be about …

# %% nbgrader={"grade": false, "grade_id": "figure_training", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
if AGAIN:
    shutil.rmtree("logs/06", ignore_errors=True)
    AGAIN = False
usual = Config(env=ENV, algorithm="ppo", normalize=True, seed=0)
changes = {"steps_per_epoch": 512, "num_minibatches": 8, "epochs": 195}
short = usual.model_copy(update=changes)
run_folder = f"logs/06/{ENV}_100k"
ppo = train(short, run_folder)
run = read_history(run_folder)
began, ended = (np.nanmean(run["ep_ret"][part]) for part in (slice(20), slice(-20, None)))
print(f"return of the first 20 rollouts {began:.0f}, of the last 20 {ended:.0f};")
column = run["additional/policy_loss_clipped_fraction"]
print(
    f"entropy {run['additional/entropy'][0]:.1f} to {run['additional/entropy'][-1]:.1f} nats,",
    end=" ",
)
print(f"clip fraction {column[0]:.2f} to {column[-1]:.2f}: what had you guessed?")

# %% [markdown]
# The learning rate of the long run falls to 0, which makes its end calmer. The cell also puts the agent that you hand
# in where it belongs, unless one is there already that was trained longer.

# %% nbgrader={"grade": false, "grade_id": "figure_long_training", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
long = usual.model_copy(update={"epochs": 488, "lr_decay": True})
if TRAIN_LONG or finished(long, f"logs/06/{ENV}_1M"):
    run_folder = f"logs/06/{ENV}_1M"
    ppo = train(long, run_folder)
else:
    print("The long run is not there, so the short one is used.")
if ENV == "HalfCheetah-v5":
    hand_in(f"{run_folder}/model.npz", "halfcheetah_agent/model.npz")

# %% [markdown]
# ## 8 · The agent
#
# `model.npz` holds the weights *and the statistics* of the observations: the network has never seen a raw one. Forget
# the statistics, and a cheetah that ran will stumble; let them go on moving, and its score depends on what was played
# before.
#
# ### Exercise `halfcheetah_agent` (4 points, 20 minutes, easy)
#
# **Why.** A policy that only runs inside of the program that trained it is of little use.
#
# **Do.** Complete `act`, about four lines. `trained_agent()` loads network and statistics. Bring raw observations to
# the units of the network, and return the policy's means. The grader plays 20 new episodes of raw reward: full points
# from a mean return of 1000, none up to 0, on a line between. Hand in the folder `halfcheetah_agent` together with this
# notebook.
#
# **Expect.** For 20 observations an array of shape **(20, 6)**. The short run earns several hundred, the long one 1000
# and more: there are two ways to run, and the seed decides which is found. The check plays 5 episodes only, so that you
# need not wait.
#
# If your classes do not work yet, `rlcore` trains with your losses of 05, in this folder:
#
# ```
# python -m rlcore.train --env=HalfCheetah-v5 --algorithm=ppo --normalize --epochs=488 --losses=my_losses.py --prefix=logs/shell
# ```
#
# Copy `config.json` and `model.npz` of its run into `halfcheetah_agent/`; `rlcore.load_agent("halfcheetah_agent")` is
# then an agent, which takes raw observations.


# %% nbgrader={"grade": false, "grade_id": "halfcheetah_agent", "locked": false, "schema_version": 3, "solution": true, "task": false}
@functools.cache
def trained_agent(folder="halfcheetah_agent"):
    """The network saved in a folder, and the statistics it was trained with, loaded once."""
    model = ActorCritic(17, 6)
    normalizer, _ = rlcore.load_checkpoint(Path(folder) / "model.npz", model)
    return model, normalizer


def act(observations):
    """Actions of the trained policy, its means.

    Args:
        observations: (N, 17) float array, raw, one row for each of N environments.

    Returns:
        (N, 6) float array; the grader clips it to the box.
    """
    ### BEGIN SOLUTION
    model, normalizer = trained_agent()
    states = torch.as_tensor(normalizer.observations(observations))
    with torch.inference_mode():
        mean, _, _ = model(states)
    return mean.numpy()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_halfcheetah_agent", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("halfcheetah_agent", act)
### BEGIN HIDDEN TESTS
from grader import probe

probe("halfcheetah_agent", act)
### END HIDDEN TESTS

# %% [markdown]
# Now play it with its statistics standing still, as `act` does, and then without them.

# %% nbgrader={"grade": false, "grade_id": "evaluation", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
if ENV == "HalfCheetah-v5":

    def without_statistics(observations):
        with torch.no_grad():
            return trained_agent()[0](torch.as_tensor(observations, dtype=torch.float32))[0].numpy()

    for name, agent in (("with its statistics", act), ("without them", without_statistics)):
        returns = rlcore.evaluate(ENV, agent, num_episodes=5, seed=0)
        print(
            f"{name:20} mean return {returns.mean():6.0f}, from {returns.min():.0f} to {returns.max():.0f}"
        )

# %% [markdown]
# Watch it: first a cheetah that has learned nothing, then yours.


# %% nbgrader={"grade": false, "grade_id": "video_before", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
def show(agent, path):
    """A video of an agent's first five seconds, or what is missing to make one."""
    try:
        display(Video(str(rlcore.record(ENV, agent, path, max_steps=100, seed=3)), embed=True))
    except Exception as error:  # drawing needs the system's graphics library
        print(f"No video here: {type(error).__name__}: {error}")


def agent_of(ppo):
    """What a PPO has learned, as an agent."""

    def agent(observations):
        observations = ppo.sampler.runner.normalizer.observations(observations)
        with torch.no_grad():
            return ppo.policy.model(torch.as_tensor(observations))[0].numpy()

    return agent


show(agent_of(make_ppo(short)), "videos/before.mp4")

# %% nbgrader={"grade": false, "grade_id": "video_after", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
show(act if ENV == "HalfCheetah-v5" else agent_of(ppo), "videos/after.mp4")

# %% [markdown]
# ## 9 · Reading the instruments
#
# Eight scalars come from your own `write`, two from the loop: the KL divergence of each update, and the share of the
# returns' variance that the critic explained before it. The two losses say little: the policy's has nothing to do with
# progress, and the critic's grows with the returns. Each of the others answers a question:
#
# | scalar | asks | usual here | trouble |
# |---|---|---|---|
# | KL | how far did an update move the policy? | 0.01 to 0.05 | tenths: too far; 0: nothing moves |
# | clip fraction | how often did the clip say stop? | 0.1 to 0.4 | near 0: it could go faster; above 0.5: too fast |
# | max ratio | how far did the boldest sample of a minibatch go? | 1.4 to 2 | 3 and more |
# | entropy | does it still try things? | falls slowly | falls at once, or rises without end |
# | value predictions | what does the critic promise? | grow with the return | run away from the value targets |
# | clip fraction of the value | how often did V move by more than ε? | near 0 after the start | stays high: V cannot follow |
# | explained variance | is the critic any good? | well above 0 | 0 or less: it is worse than a constant |
# | gradient norm | how long is it before eq. 6.7 cuts it? | changes slowly | leaps, or is not finite |
#
# Where the learning rate falls to 0, all motion ends with it: KL and clip fraction go to 0 at the end of the long run,
# and that is no trouble. The KL is an estimate from samples and may be a little below 0.

# %% nbgrader={"grade": false, "grade_id": "figure_instruments", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
run = read_history(run_folder)
panels = [
    ("ep_ret_100", "return, last 100 episodes"),
    ("kl", "KL of the update, nats"),
    ("additional/policy_loss_clipped_fraction", "clip fraction"),
    ("additional/entropy", "entropy, nats"),
    ("additional/value_predictions", "value predictions (scaled)"),
    ("explained_variance", "explained variance"),
    ("additional/value_loss_clipped_fraction", "clip fraction of the value"),
    ("additional/max_ratio", "largest ratio of a minibatch"),
    ("gradient_norm", "gradient norm, before the cut"),
]
fig, axes = plt.subplots(3, 3, figsize=(10.5, 7), sharex=True, layout="constrained")
for ax, (column, title) in zip(axes.flat, panels, strict=True):
    ax.plot(run["steps"], run[column], color=GREEN, lw=1)
    ax.set_title(title, size=10)
    if column != "ep_ret_100":
        ax.set_ylim(*np.nanpercentile(run[column], (0.5, 99.5)) + np.array([-0.02, 0.02]))
axes[2, 2].axhline(0.5, color="black", lw=0.8, ls=":")
for ax in axes[-1]:
    ax.locator_params(axis="x", nbins=4)
fig.supxlabel(
    f"environment steps ({ENV}, one seed; means over the minibatches of each rollout)", size=10
)
plt.show()
print(f"{'':36}{'at the start':>14}{'a tenth in':>14}{'half way':>14}{'at the end':>14}")
for column, title in panels:
    there = run[column][np.isfinite(run[column])]
    at = [there[int(part * (len(there) - 1))] for part in (0, 0.1, 0.5, 1)]
    print(f"{title:36}" + "".join(f"{value:14.3f}" for value in at))

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_1_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 1: your diagnostics (2 points, 15 minutes)
#
# Look at KL, clip fraction, entropy and value predictions of your run (a failed run is as good as a good one, and often
# better to tell from). Which of the four told you *first* that something was right or wrong, before the return did?
# What does it measure, and what would it have looked like in the opposite case? Give numbers and steps from your
# figure.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 2 points**
#
# - 0.5: names one of the four, with a number and a step of the student's own run, and says what the return was then.
# - 0.5: says what the scalar measures (KL: how far the update moved the policy; clip fraction: the share of ratios
#   outside 1 ± ε; entropy: the width of the policy; value predictions: what the critic expects, in scaled units).
# - 0.5: the reason fits: for example, value predictions rise with the first strides, since they sum up all that is to
#   come, while the return is a mean over 100 finished episodes and lags; or the KL jumps in the update before the
#   return falls.
# - 0.5: the opposite case, for the same scalar: for example, value predictions that grow while the return does not; an
#   entropy that falls within a few rollouts; a clip fraction near 0 (nothing moves) or above one half.
# - Marked by the figure that stands above it, whatever the run looks like. Any of the four can be right. Not accepted:
#   "the loss went down", since the policy's loss says nothing about progress.
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_1", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# The value predictions told me first. After 33,000 steps they were at their lowest, −0.8, and then they turned; at
# 55,000 steps they first were above 0 again. The mean return of the last 100 episodes was −227 at the first of these
# moments and −133 at the second, and got above 0 only at 82,000 steps. V sums up all that is to come and moves with
# the first good strides of the latest rollout, while the return is a mean over 100 finished episodes and lags behind.
#
# Had nothing been learned, they would have stayed at the bottom, where they had gone at first; had they grown while the
# return did not, I would have looked for an error in the value targets. KL (median 0.032, above 0.1 in two of 488
# updates) and clip fraction (0.28 to 0.43 in the first 600,000 steps) only said that the steps had a sensible size, and
# the entropy, that of a density, fell slowly, from 4.3 to −3.5 nats.

# %% [markdown]
# ## When it does not learn
#
# - Stop inside your own method: write `breakpoint()` in it and run the check again; `n` goes on, `p ratio` prints, `q`
#   leaves. Or run `%debug` in the cell after one that raised.
# - Look at one scalar first: the largest ratio, in the very first minibatch. There the policy is still the one that
#   collected, so the ratio is 1, up to rounding, and the clip fraction 0, whatever the weights:
#   `fresh = make_ppo(short); fresh.step(next(iter(fresh.sampler.get_next()))); fresh.sampler.runner.scalars`. If not,
#   collecting and optimising disagree: other units, another axis, another action.
# - Then the explained variance. Below 0 for long: value targets and predictions do not belong to the same rows, or are
#   in different units.
# - Ask a question whose answer you know: an environment of your own with a single step that pays −(a − 0.5)², given to
#   `make_ppo_sampler`, with a learning rate of 3e-3. The mean must come near 0.5 within seconds.
# - You mended a class and nothing changed? Runs are kept in `logs/06`: set `AGAIN = True`.
# - Runs, but does not run fast? HalfCheetah has two gaits. One seed says little: compare three before you blame the
#   code.
#
# ## What you saw, and what comes next
#
# The formulas of 01 to 05 fit on one page, and most of this notebook was about what stands between them: units, shapes,
# which numbers are data and which carry a gradient, when statistics move. That is where most of the bugs are. In 07 you
# ask a question of your own and answer it with an experiment; 08 has a lander, many environments at once, and other
# robots.
