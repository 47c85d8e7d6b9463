# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 08 · Bonus: a landing, many processes, new bodies
#
# After this notebook you can
#
# - choose the settings of PPO for a task with a distant goal, and say what each of them is for,
# - collect rollouts from environments that run in parallel processes, without letting a reset into the data,
# - take what you have built to an environment that nobody has tuned it for, and report what came of it.
#
# It takes about 90 minutes, and up to ten in which the computer works alone. This notebook is an assignment of its own:
# its points are counted as extra credit. Graded here, 10 points:
#
# | part | what you do | minutes | points |
# |---|---|---|---|
# | `lunarlander_agent` | a training run, and one line | 25 | 4 |
# | `vector_collection` | one loop over a vector environment | 35 | 3 |
# | `new_environment` | a learning curve in an environment of your choice, and a report | 30 | 3 |
#
# The three parts do not depend on one another. Stuck? `hint("vector_collection")`, then `hint("vector_collection", 2)`,
# then `hint("vector_collection", 3)`. `check(...)` tells you at once what is wrong and, if it can, why.

# %%
TEAM = ["login1"]  # one or two logins; both get the marks

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import functools
import inspect
import shutil
import time
from pathlib import Path

import gymnasium as gym
import matplotlib.pyplot as plt
import numpy as np
import torch
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from IPython.display import Video, display

import rlcore
from grader import hint
from rlcore import Config
from rlcore.experiment import run_experiment
from rlcore.plotting import plot_runs, read_history

SEEDS = (0, 1, 2)
GREEN = "tab:green"  # PPO, as in every figure of the course

# %% [markdown]
# ## 1 · A distant goal
#
# LunarLander-v3 is a rocket of 8 observations (position, velocity, angle, spin, and whether each leg touches the
# ground) with four actions: no engine, left, main, right. Firing costs a little, nearing the pad pays a little, a crash
# costs 100, coming to rest pays 100. A mean return of 200 counts as solved. With the defaults of 03 it learns to stay
# in the air; then it hovers until its time is up, since that costs less than a crash.
#
# A landing takes some 250 steps. How much does the reward at its end weigh for the first action? With discount γ, a
# reward k steps away counts
#
# $$w_k = \gamma^k \tag{8.1}$$
#
# (Sutton & Barto 2018, section 3.3), and of GAE's residuals, the one k steps away counts $(\gamma\lambda)^k$, so that
# an advantage looks about
#
# $$\sum_{k=0}^{\infty} (\gamma\lambda)^k = \frac{1}{1 - \gamma\lambda} \tag{8.2}$$
#
# steps ahead before it trusts the critic (Schulman et al. 2016, arXiv:1506.02438, eq. 16).

# %% nbgrader={"grade": false, "grade_id": "figure_horizon", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
steps = np.arange(400)
fig, ax = plt.subplots(figsize=(7.5, 3.2), layout="constrained")
for gamma, gae_lambda, style in ((0.99, 0.95, "--"), (0.999, 0.98, "-")):
    ax.plot(steps, gamma**steps, style, color="black", label=f"$γ^k$, γ = {gamma}")
    label = f"$(γλ)^k$, γ = {gamma}, λ = {gae_lambda}"
    ax.plot(steps, (gamma * gae_lambda) ** steps, style, color="tab:blue", label=label)
ax.axvline(250, color="0.6", lw=1, ls=":")
ax.annotate("a landing", (250, 1), xytext=(4, -4), textcoords="offset points", va="top")
ax.set(xlabel="steps ahead, k", ylabel="weight", ylim=(0, 1.05))
fig.legend(frameon=False, loc="outside right upper")
plt.show()
for gamma, gae_lambda in ((0.99, 0.95), (0.999, 0.98)):
    print(f"γ = {gamma}: a reward 250 steps away counts {gamma**250:.2f};", end=" ")
    print(
        f"with λ = {gae_lambda} an advantage looks {1 / (1 - gamma * gae_lambda):.0f} steps ahead"
    )

# %% [markdown]
# So the settings of a task follow from its length. The configuration below is one that works; what differs from the
# defaults of 06, and why:
#
# | option | 06 | here | why |
# |---|---|---|---|
# | `gamma`, `gae_lambda` | 0.99, 0.95 | 0.999, 0.98 | the landing counts from the start: 0.78 instead of 0.08 |
# | `num_envs`, `steps_per_epoch` | 1, 2048 | 16, 16384 | a rollout holds dozens of episodes, good ones and bad ones |
# | `num_epochs`, `num_minibatches` | 10, 32 | 6, 128 | minibatches of 128; fewer passes, since there is more data |
# | `pi_lr`, `lr_decay` | 3e-4, no | 1e-3, to 0 | bold at first, fine at the end |
# | `value_coef` | 0.25 | 0.5 | the critic has more to learn |
#
# PPO's losses are given, so that nothing here depends on 05. They are written by their *gradient* alone: where PPO's
# clip ends the push, the sample is left out. Their values say nothing, they are always 0; what they teach is the same.


# %% nbgrader={"grade": false, "grade_id": "given_losses", "locked": true, "schema_version": 3, "solution": false, "task": false}
def ppo_clip_loss(log_probs, old_log_probs, advantages, *, clip_range):
    """PPO's loss, by its gradient: none where the ratio has left the band in the direction that pays."""
    ratio = torch.exp(log_probs - old_log_probs)
    gone = torch.where(advantages > 0, ratio > 1 + clip_range, ratio < 1 - clip_range)
    loss = -torch.where(gone, torch.zeros_like(ratio), ratio * advantages).mean()
    return loss - loss.detach()


def clipped_value_loss(values, old_values, value_targets, *, clip_range):
    """The critic's, by its gradient: none where V has moved by more than ε and got nearer by it."""
    moved = values - old_values
    edge = old_values + clip_range * torch.sign(moved)
    nearer = (values - value_targets).abs() < (edge - value_targets).abs()
    errors = (values - value_targets) ** 2
    stays = (moved.abs() > clip_range) & nearer
    loss = torch.where(stays, torch.zeros_like(errors), errors).mean()
    return loss - loss.detach()


LANDER = {
    "env": "LunarLander-v3",
    "algorithm": "ppo",
    "epochs": 50,
    "steps_per_epoch": 16384,
    "num_envs": 16,
    "gamma": 0.999,
    "gae_lambda": 0.98,
    "num_epochs": 6,
    "num_minibatches": 128,
    "pi_lr": 1e-3,
    "lr_decay": True,
    "value_coef": 0.5,
    "normalize": True,
}

# %% nbgrader={"grade": false, "grade_id": "bonus_losses", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
sources = [inspect.getsource(loss) for loss in (ppo_clip_loss, clipped_value_loss)]
Path("bonus_losses.py").write_text("\n\n".join(["import torch\n", *sources]), encoding="utf-8")
print("bonus_losses.py is written.")

# %% [markdown]
# The next cell trains, if you set the switch: one or two minutes a seed on an ordinary laptop, with a figure that
# grows. One seed is enough for an agent; three show whether you were lucky. Runs that are finished are not run again.
# From a shell, in the folder of this notebook:
#
# ```
# python -m rlcore.train --env=LunarLander-v3 --algorithm=ppo --epochs=50 --steps_per_epoch=16384 --num_envs=16 \
#     --gamma=0.999 --lam=0.98 --num_epochs=6 --num_minibatches=128 --pi_lr=1e-3 --lr_decay --value_coef=0.5 \
#     --normalize --prefix=logs/08 --losses=bonus_losses.py --seeds 0 1 2
# ```

# %% tags=["skip-execution"]
TRAIN = False  # True trains, one or two minutes a seed
LANDER_SEEDS = (0,)  # or (0, 1, 2)

try:
    rlcore.make_env("LunarLander-v3").close()
    can_land = True
except ImportError as error:
    print(f"{error}\nUntil then, go on with section 2.")
    can_land = False

if TRAIN and can_land:
    runs = run_experiment(
        {"": Config(**LANDER)}, prefix="logs/08", seeds=LANDER_SEEDS, losses="bonus_losses.py"
    )
    Path("lunarlander_agent").mkdir(exist_ok=True)  # the agent you hand in: the first run
    for name in ("config.json", "model.npz"):
        shutil.copy(runs[0] / name, "lunarlander_agent")
    if "trained_agent" in globals():
        globals()["trained_agent"].cache_clear()  # which keeps the agent that was there
elif can_land and not Path("lunarlander_agent/model.npz").exists():
    print("There is no agent yet: set TRAIN = True and run this cell again.")

# %% nbgrader={"grade": false, "grade_id": "figure_lander", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
folders = sorted(path.parent for path in Path("logs/08").glob("LunarLander-v3_*/history.csv"))
if not folders:
    print("No run yet: set TRAIN = True above.")
else:
    fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.6), layout="constrained")
    for ax, column in zip(axes, ("ep_ret_100", "ep_len"), strict=True):
        plot_runs(folders, column=column, ax=ax)
        ax.get_legend().remove()
        ax.locator_params(axis="x", nbins=5)
    for points, at in ((2, 200), (4, 250)):
        axes[0].axhline(at, color="0.6", lw=1, ls=":")
        axes[0].text(0, at, f"{points} points", va="bottom", color="0.4", size=9)
    axes[1].set(ylabel="length of an episode, steps", ylim=(0, 1050))
    plt.show()
    for folder in folders:
        run = read_history(folder)
        longest = run["ep_len"].argmax()
        print(f"{folder.name}: mean of the last 100 episodes {run['ep_ret_100'][-1]:.0f};", end=" ")
        print(f"longest episodes after {run['steps'][longest]:,.0f} steps", end="")
        print(f" ({run['ep_len'][longest]:.0f} steps), at the end {run['ep_len'][-1]:.0f} steps")

# %% [markdown]
# **Think.** The episodes first get longer, then shorter. What does the lander do in each of these phases?
#
# <details><summary>Answer</summary>
# It crashes, after about a hundred steps. Then it has learned not to crash: it hovers, with some seeds until its 1000
# steps are over. Then it finds that a landing pays more, and that a quick one costs less fuel.
# </details>

# %% [markdown]
# ### Exercise `lunarlander_agent` (4 points, 25 minutes, easy)
#
# **Why.** The grader does not care how you trained. It cares how you land.
#
# **Do.** Complete `act`, one line. `trained_agent()` loads the policy that the training cell saved in
# `lunarlander_agent/`, with the statistics that scale its observations; called with observations it gives their
# likeliest actions. The grader plays 100 new episodes: 2 points from a mean return of 200, 4 points from 250, and
# nothing in between. The check below plays 20 only, so that you need not wait; near 200 or 250 its mean may lie on the
# other side. Hand in the folder `lunarlander_agent` together with this notebook.
#
# **Expect.** One action for each row, so for 100 observations an array of shape (100,), each of them 0, 1, 2 or 3. With
# the settings above, four seeds of five reached **250** over 100 new episodes (274 or 275), the fifth 233.


# %% nbgrader={"grade": false, "grade_id": "lunarlander_agent", "locked": false, "schema_version": 3, "solution": true, "task": false}
@functools.cache
def trained_agent():
    """The policy saved in lunarlander_agent/, loaded once: observations (N, 8) → likeliest actions (N,)."""
    return rlcore.load_agent("lunarlander_agent")


def act(observations):
    """Actions of the trained policy.

    Args:
        observations: (N, 8) float array, one row for each of N environments.

    Returns:
        (N,) int array, 0 (no engine), 1 (left), 2 (main) or 3 (right).
    """
    ### BEGIN SOLUTION
    return trained_agent()(observations)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_lunarlander_agent", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("lunarlander_agent", act)
### BEGIN HIDDEN TESTS
from grader import probe

probe("lunarlander_agent", act)
### END HIDDEN TESTS

# %% [markdown]
# Watch it land.

# %% nbgrader={"grade": false, "grade_id": "video_landing", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
if not can_land or not Path("lunarlander_agent/model.npz").exists():
    print("There is no agent to watch yet.")
else:
    path = rlcore.record("LunarLander-v3", act, "videos/landing.mp4", max_steps=600, seed=8)
    display(Video(str(path), embed=True))
    returns = rlcore.evaluate("LunarLander-v3", act, num_episodes=20, seed=8)
    print(f"20 episodes: mean return {returns.mean():.0f}, lowest {returns.min():.0f}")

# %% [markdown]
# ## 2 · Many processes
#
# So far one process stepped all environments, one after the other. `AsyncVectorEnv` of Gymnasium gives each environment
# a process of its own: it sends N actions out, lets all N environments work at the same time, and takes N answers in.
#
# One question remains: what happens where an episode ends? The next call of `step` would step an environment that is
# over. So somebody has to reset it, and a vector environment does that by itself. When it does it is its
# `autoreset_mode`.

# %% [markdown]
# The environment below counts its steps: its observation is the number of the step, and an episode takes three. The
# table steps it in two modes. Look at what `step` gives back where the episode ends, and what comes after it.


# %% nbgrader={"grade": false, "grade_id": "three_steps", "locked": true, "schema_version": 3, "solution": false, "task": false}
class ThreeSteps(gym.Env):
    """Observes the number of the step, pays 10 times that; terminates, or is cut off, after three."""

    observation_space = gym.spaces.Box(0.0, 100.0, (1,))
    action_space = gym.spaces.Discrete(2)

    def __init__(self, ends="terminated"):
        self.ends, self.t = ends, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return np.array([0.0], dtype=np.float32), {}

    def step(self, action):
        self.t += 1
        over = self.t == 3
        flags = over and self.ends == "terminated", over and self.ends == "truncated"
        return np.array([self.t], dtype=np.float32), 10.0 * self.t, *flags, {}


# %% nbgrader={"grade": false, "grade_id": "figure_modes", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
    envs = SyncVectorEnv([ThreeSteps], autoreset_mode=mode)
    seen = envs.reset()[0]
    print(f"{mode.name}\n  seen before   given back   reward   terminated   final_obs in info")
    for _ in range(5):
        now, reward, terminated, _, info = envs.step(np.array([0]))
        final = f"{info['final_obs'][0][0]:.0f}" if "final_obs" in info else "-"
        row = f"{seen[0, 0]:>13.0f}{now[0, 0]:>13.0f}{reward[0]:>9.0f}{terminated[0]!s:>13}"
        print(f"{row}{final:>20}")
        seen = now
    envs.close()

# %% [markdown]
# In NEXT_STEP, Gymnasium's default, the fourth row is no step of the task: the environment ignores the action, resets,
# pays nothing. Who puts that row into a rollout trains on a transition from 3 to 0 that does not exist. In SAME_STEP
# every row is a step of the task, and what is given back after an end is already the first observation of the next
# episode. The one that the last action led to is in `info["final_obs"]`, an array of N, with `None` for those that go
# on.
#
# **Think.** After a *termination* the value of the successor is not used. Why does a rollout need the true successor
# there, then?
#
# <details><summary>Answer</summary>
# For a truncation it is needed: there V of the true successor is added, and V of a reset would be wrong. After a
# termination it is merely right: `next_observations` then means one thing in every row, and who reads it (a model of
# the environment, a critic of successors, a figure) need not ask.
# </details>

# %% [markdown]
# ### Exercise `vector_collection` (3 points, 35 minutes, medium)
#
# **Why.** Where a step is slow, as in a physics engine or a game, processes multiply the data that you get in an hour.
#
# **Do.** Complete `collect_vectorized`, about twelve lines: an `AsyncVectorEnv` of `env_fns` in mode SAME_STEP, one
# loop over `num_steps`, a dict of arrays. The policy is asked once a step, for all N environments. Close the
# environments at the end. (Gymnasium, documentation of vector environments: autoreset modes.)
#
# **Expect.** By hand, for one `ThreeSteps` that terminates and one that is truncated, and 5 steps: each column of
# `observations` is 0, 1, 2, 0, 1, and of `next_observations` 1, 2, **3**, 1, 2. The rewards are 10, 20, 30, 10, 20. In
# row 2 the first environment has `terminated` set, the second `truncated`, and no other flag is set.


# %% nbgrader={"grade": false, "grade_id": "vector_collection", "locked": false, "schema_version": 3, "solution": true, "task": false}
def collect_vectorized(env_fns, policy, num_steps):
    """A rollout of N environments, each in a process of its own; no row of it is a reset.

        o_{t+1} = what the policy sees next:   after an end, the first observation of a new episode
        o'_t    = what step t really led to:   after an end, the last observation of the old one

    Gymnasium, AsyncVectorEnv with autoreset_mode SAME_STEP; the last observation is in final_obs.

    Args:
        env_fns: N functions, each of which makes an environment.
        policy: observations (N, obs) → actions (N,) int or (N, A) float.
        num_steps: T, steps of each environment.

    Returns:
        A dict of arrays, time first: `observations` and `next_observations` (T, N, obs), `actions` (T, N) or
        (T, N, A), `rewards` (T, N), and, as booleans, `terminated` and `truncated` (T, N).
    """
    ### BEGIN SOLUTION
    envs = AsyncVectorEnv(env_fns, autoreset_mode=AutoresetMode.SAME_STEP)
    rows = []
    observations, _ = envs.reset()
    for _ in range(num_steps):
        actions = policy(observations)
        following, rewards, terminated, truncated, info = envs.step(actions)
        successors = following.copy()
        for n in np.flatnonzero(terminated | truncated):
            successors[n] = info["final_obs"][n]
        rows.append((observations, successors, actions, rewards, terminated, truncated))
        observations = following
    envs.close()
    keys = ("observations", "next_observations", "actions", "rewards", "terminated", "truncated")
    columns = zip(*rows, strict=True)
    return {key: np.stack(column) for key, column in zip(keys, columns, strict=True)}
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_vector_collection", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("vector_collection", collect_vectorized)
### BEGIN HIDDEN TESTS
from grader import probe

probe("vector_collection", collect_vectorized)
### END HIDDEN TESTS

# %% [markdown]
# What does it gain? The next figure steps N copies of a slow environment, which sleeps 5 ms in each step, and of a
# quick one (CartPole): once one after the other, once with your function. Starting the processes is not counted: time
# runs from the policy's first question to its last. Guess first: for which of the two do processes pay?


# %% nbgrader={"grade": false, "grade_id": "figure_speed", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
class Slow(ThreeSteps):
    """A step that takes 5 ms, in which the processor is free."""

    def step(self, action):
        time.sleep(0.005)
        return super().step(action)


class Still:
    """A policy that always takes action 0, and notes when it is asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, observations):
        self.asked.append(time.perf_counter())
        return np.zeros(len(observations), dtype=int)

    def act(self, observations):
        return {"actions": self(observations)}


def one_after_the_other(env_fns, policy, num_steps):
    rlcore.EnvRunner([make() for make in env_fns], policy, num_steps).get_next()


def steps_a_second(collect, env_fns, num_steps):
    """Of all environments together, from the first question to the last."""
    policy = Still()
    collect(env_fns, policy, num_steps)
    return len(env_fns) * (num_steps - 1) / (policy.asked[-1] - policy.asked[0])


makers = {
    "slow: 5 ms a step": (Slow, 60),
    "quick: CartPole-v1": (functools.partial(rlcore.make_env, "CartPole-v1"), 1000),
}
numbers = (1, 2, 4, 8)
fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.4), layout="constrained")
for ax, (title, (make, num_steps)) in zip(axes, makers.items(), strict=True):
    for collect, colour, label in (
        (one_after_the_other, "0.5", "one after the other"),
        (collect_vectorized, "tab:purple", "a process each"),
    ):
        speeds = [steps_a_second(collect, [make] * n, num_steps) for n in numbers]
        ax.plot(numbers, speeds, "o-", color=colour, label=label)
        said = ", ".join(f"{speed:,.0f}" for speed in speeds)
        print(f"{title}, {label}: {said} steps a second for N = 1, 2, 4, 8")
    ax.set(title=title, xlabel="environments N", ylabel="steps a second, all together")
    ax.set(xticks=numbers, ylim=(0, None))
axes[0].legend(frameon=False)
plt.show()

# %% [markdown]
# The slow environment gains almost N times: while one sleeps, the others do, too. The quick one loses. Sending an
# action to another process and an observation back costs far more than a step of CartPole, and for real work there are
# no more processors than your machine has. That is why `rlcore` steps its environments one after the other.

# %% [markdown]
# ## 3 · A new body
#
# Nobody has tuned these settings for HalfCheetahBulletEnv-v0, a running robot in another physics engine (PyBullet; 26
# observations, 6 actions), nor for Hopper-v5, a leg with three joints that must not fall (MuJoCo; 11 observations, 3
# actions). PPO has not changed. Take either of the two, or both, or another one: Walker2d-v5, Ant-v5,
# InvertedDoublePendulum-v5, AntBulletEnv-v0, …

# %% tags=["skip-execution"]
NEW = {  # environment: options besides those of BODY
    "HalfCheetahBulletEnv-v0": {"epochs": 25},
    "Hopper-v5": {"epochs": 40},
}
BODY = {"algorithm": "ppo", "normalize": True, "pi_lr": 1e-3}

bodies = []
for name in NEW:
    try:
        env = rlcore.make_env(name)
        low, high = env.action_space.low.min(), env.action_space.high.max()
        print(
            f"{name}: {env.observation_space.shape[0]} observations, {env.action_space.shape[0]} actions",
            end="",
        )
        print(f" from {low:g} to {high:g}, at most {env.spec.max_episode_steps} steps")
        env.close()
        bodies.append(name)
    except ImportError as error:
        print(f"{error}\nUntil then, without {name}.")

# %% [markdown] nbgrader={"grade": false, "grade_id": "new_environment_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question `new_environment` (3 points, 30 minutes)
#
# Choose an environment, PyBullet's or MuJoCo's, other than HalfCheetah-v5. Before you train, write down what it
# observes and does, what it is paid for and how an episode ends, and predict the curve: where will it begin, where will
# it be at the end, what will it have learned first? Then run three seeds or more, and report: the figure with its band,
# the settings, where every seed ended, what the curve says, and what it cannot say.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 3 points**
#
# - 1: the curve is there: an environment that is neither HalfCheetah-v5 nor one of 03 to 05, at least three seeds with
#   a band, axes with units, and the settings, so that somebody could repeat it. 0.5 with fewer seeds.
# - 0.5: the environment is described: observations, actions, what is paid, how an episode ends (falling is a
#   termination, the clock a truncation).
# - 0.5: a prediction with a reason, made before the run; right or wrong does not matter.
# - 1: the report: numbers of every seed at begin and end, what the curve says, comparison with the prediction, and one
#   thing that it cannot say (so few seeds, so few steps, one setting). A run that learned nothing earns all of it if
#   that is said and looked into.
# - Not accepted: a curve without seeds or settings; "it works".
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "new_environment", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# **HalfCheetahBulletEnv-v0.** It observes 26 numbers (height, orientation, speeds, joints, feet on the ground) and sets
# six joint torques between −1 and 1. It is paid for progress, less the work of its motors and joints at their limits,
# and each step 1 more while it stands on its feet and is not tilted, else 1 less. It never terminates; the clock
# truncates it after 1000 steps. **Hopper-v5.** 11 observations, three torques; it is paid 1 a step for not falling, its
# forward speed, less a little for its torques. Falling terminates the episode.
#
# *Prediction, before the run.* The cheetah will begin near −1000, since at random it lies on its knees all the time,
# and it will first learn to get off them; after 50,000 steps I expect about 0. The hopper will begin near 10, as it
# falls at once, and first learn to stand: 300 after 80,000 steps, episodes of some hundred steps.
#
# *What happened* (PPO, normalised, learning rate 1e-3, other settings as in 06; seeds 0, 1, 2; figure below). The
# cheetah began at −1270, −1255 and −1391 and ended at −435, −410 and −194, still rising: the penalty goes away, but it
# is far from 0. The hopper began at 8, 12 and 17 and ended at 253, 431 and 412, with episodes of 104, 150 and 164
# steps. As expected it gets better by staying up longer; that seed 0 would be stuck near 200 from half of the run on I
# had not expected. The band is wide, so three seeds cannot say which return another one would reach, and neither curve
# is flat, so they cannot say what PPO can do here: for that, ten times as many steps.

# %% [markdown]
# Now run it. The two environments above take about two minutes on two cores, and the figures grow.

# %% nbgrader={"grade": false, "grade_id": "run_bodies", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
runs_of = {}
for name in bodies:
    config = Config(env=name, **(BODY | NEW[name]))
    runs_of[name] = run_experiment(
        {"": config}, prefix="logs/08", seeds=SEEDS, losses="bonus_losses.py", column="ep_ret"
    )

# %% nbgrader={"grade": false, "grade_id": "figure_bodies", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
if not runs_of:
    print("No environment could be made: see the cell above for what to install.")
else:
    fig, axes = plt.subplots(
        1, len(runs_of), figsize=(4.75 * len(runs_of), 3.6), layout="constrained", squeeze=False
    )
    for ax, (name, folders) in zip(axes[0], runs_of.items(), strict=True):
        plot_runs(folders, column="ep_ret", ax=ax)
        ax.set_ylabel("return, mean of an epoch's episodes")
        ax.get_legend().remove()
        ax.set_title(f"{name}, PPO")
        ax.locator_params(axis="x", nbins=5)
    plt.show()
    for name, folders in runs_of.items():
        histories = [read_history(folder) for folder in folders]
        for what, k in (("first epoch", 0), ("last epoch", -1)):
            means = ", ".join(f"{history['ep_ret'][k]:.0f}" for history in histories)
            lengths = ", ".join(f"{history['ep_len'][k]:.0f}" for history in histories)
            print(f"{name}, {what}: returns {means}; lengths {lengths}")

# %% [markdown]
# **Think.** A robot that has learned to stand still may earn as much as one that stumbles forward. How would you tell
# them apart?
#
# <details><summary>Answer</summary>
# Watch a video: `rlcore.record(name, rlcore.load_agent(folder), "videos/body.mp4")`. Or look at what the reward is made
# of: most of these environments put its parts into `info`.
# </details>

# %% [markdown]
# ## When it does not learn
#
# - Look at the length of episodes first. The return says how well, the length says what: crashing, falling, hovering,
#   running until the clock stops it.
# - Then at the explained variance of the critic. Near 0 after many epochs, advantages are returns with noise: is γ so
#   large that returns cannot be predicted, or are rewards not scaled?
# - In `collect_vectorized`, an error inside a process comes back as an error of `step`, after a line that names the
#   process. `breakpoint()` works in the process of the notebook only: to look into an environment, put a
#   `SyncVectorEnv` in its place, which gives the same numbers, and take it out again. After an error, `%debug` in the
#   next cell.
# - A cell that does not come back: an environment waits for another. Interrupt it, and close the environments.
# - Ask a question whose answer you know: `ThreeSteps` and two environments. Every number of the rollout can be written
#   down by hand.
#
# ## What you saw, and what comes next
#
# The same two losses land a rocket, once the discount sees the ground. Processes buy time where steps are slow, and a
# reset is no step. And a method that was tuned in one environment is a hypothesis in the next. This is the last
# notebook of the course. What comes next is yours: the question that you have been putting off, three seeds of it.
