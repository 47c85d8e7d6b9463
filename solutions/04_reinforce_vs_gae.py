# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 04 · From rewards to advantages: REINFORCE and GAE
#
# After this notebook you can
#
# - say how much better a step went than the critic expected (the TD residual),
# - turn residuals into generalized advantage estimates, with λ deciding how far to trust the critic,
# - tell apart the three ways a rollout stops, *terminated*, *truncated* and *cut*, and treat each one rightly,
# - name what else may stand where the advantage stands, and what each choice costs in bias and in variance,
# - run a study over several seeds and read it.
#
# It takes about two hours. Graded here, 22 points:
#
# | exercise | what you write | minutes | points |
# |---|---|---|---|
# | `td_residuals` | one line of numpy | 10 | 2 |
# | `gae` | one backward pass | 20 | 5 |
# | `gae_transform` | the class `GAE` that an `EnvRunner` calls | 15 | 3 |
# | `psi_variants` | two functions, about eight lines | 15 | 2 |
# | `returns_vs_gae_study` | one call that trains six agents | 10 | 4 |
# | written questions 1 to 4 | sentences: why advantages, an algorithm, a prediction, what happened | 40 | 6 |
#
# Stuck? `hint("gae")`, then `hint("gae", 2)`, then `hint("gae", 3)`. After each exercise, `check(...)` tells you at
# once what is wrong and, if it can, why.

# %%
TEAM = ["login1"]  # one or two logins; both get the marks

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import gymnasium as gym
import matplotlib.pyplot as plt
import numpy as np

import rlcore
from grader import hint
from rlcore import AsArray, EnvRunner

# %% [markdown]
# ## 1 · The surprise in one step
#
# Before step t the critic promises $V(s_t)$: "from here on you will collect this much, discounted". The step pays
# $r_t$ and leads to a place with a promise of its own, $V(s_{t+1})$, which counts γ times as much since it comes one
# step later. What we know after the step, minus what was promised before it, is the **TD residual**:
#
# $$\delta_t = r_t + \gamma\,V(s_{t+1}) - V(s_t) \tag{4.1}$$
#
# (Schulman et al. 2016, arXiv:1506.02438, section 3.) Positive: the step went
# better than promised. Behind a terminal step nothing follows, so the promise there is 0, whatever the critic says.

# %% nbgrader={"grade": false, "grade_id": "figure_residuals", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
# Three steps of a task that pays 0, -100 and 800 and then terminates. V = 100 everywhere, gamma = 0.8.
reward, after, promise = np.array([0, -100, 800]), np.array([80, 80, 0]), np.array([100, 100, 100])
steps = np.arange(3)

fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
ax.bar(steps - 0.27, promise, 0.25, color="0.7", label=r"promised before: $V(s_t)$")
ax.bar(steps, reward, 0.25, color="tab:blue", label=r"paid: $r_t$")
ax.bar(
    steps,
    after,
    0.25,
    bottom=np.maximum(reward, 0),
    color="tab:cyan",
    label=r"promised after: $\gamma\,V(s_{t+1})$",
)
ax.bar(steps + 0.27, reward + after - promise, 0.25, color="tab:red", label=r"surprise: $\delta_t$")
for t, surprise in enumerate(reward + after - promise):
    ax.annotate(
        f"{surprise:+d}",
        (t + 0.27, surprise),
        ha="center",
        va="bottom" if surprise > 0 else "top",
        xytext=(0, 2 if surprise > 0 else -2),
        textcoords="offset points",
        color="tab:red",
    )
ax.axhline(0, color="black", lw=0.8)
ax.set(
    xticks=steps,
    xticklabels=["t = 0", "t = 1", "t = 2, terminates"],
    ylabel="unit of the return",
    ylim=(-220, 860),
)
ax.legend(frameon=False, loc="upper left")
plt.show()

# %% [markdown]
# ### Exercise `td_residuals` (2 points, 10 minutes)
#
# **Why.** Everything below is built from δ.
#
# **Do.** Complete the function, one line of numpy. `next_values[t]` is V of the observation that step t *really* led
# to, also where the clock stopped the episode; so only `terminated` removes it. Shapes: (T,) for one environment,
# (T, N) for N of them.
#
# **Expect.** By hand, for t = 1 in the figure: −100 + 0.8 · 100 − 100 = **−120**. For t = 2, where the episode
# terminates: 800 + 0 − 100 = **700**.


# %% nbgrader={"grade": false, "grade_id": "td_residuals", "locked": false, "schema_version": 3, "solution": true, "task": false}
def td_residuals(rewards, values, next_values, terminated, *, gamma):
    """TD residual of every step: how much better it went than V said.

        δ_t = r_t + γ (1 − terminated_t) V(s'_t) − V(s_t)

    Schulman et al. 2016, arXiv:1506.02438, section 3; V after a termination is 0.

    Args:
        rewards: (T,) or (T, N) float, r_t.
        values: same shape, V(s_t).
        next_values: same shape, V(s'_t) of the true successor, never that of a reset.
        terminated: same shape, bool, True where action t ended the task.
        gamma: discount γ in [0, 1].

    Returns:
        Same shape, float, in the unit of the return. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    goes_on = 1.0 - terminated
    return rewards + gamma * goes_on * next_values - values
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_td_residuals", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("td_residuals", td_residuals)
### BEGIN HIDDEN TESTS
from grader import probe

probe("td_residuals", td_residuals)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** If V were exactly right for your policy, what would δ be on average over the policy's actions?
#
# <details><summary>Answer</summary>
# Zero: that is what "right" means. What is left of a single δ is noise, and the effect of having chosen this action
# rather than an average one.
# </details>

# %% [markdown]
# ## 2 · Surprises add up
#
# One residual credits an action with one step. But a good action often pays later. Adding the later surprises, each
# γλ times weaker than the one before, gives the **generalized advantage estimate**:
#
# $$\hat A_t = \sum_{l=0}^{\infty} (\gamma\lambda)^l\,\delta_{t+l} \tag{4.2}$$
#
# (eq. 16 of the same paper.) With λ = 0 only the step's own surprise counts: little noise, but all the errors of V.
# With λ = 1, in an episode that terminates, all of V cancels but $-V(s_t)$: no bias from V, but the noise of every
# later reward.
#
# The sum stops where the episode stops, *terminated* or *truncated*: the next row of the rollout belongs to another
# episode. (A common formulation has one flag, `done`, for both, and bootstraps after the last step of a rollout whatever
# happened there. But a truncation is no termination, and an episode that terminates on the last step has nothing to be
# bootstrapped.) The figure shows who hears from whom in a rollout of eight steps.

# %% nbgrader={"grade": false, "grade_id": "figure_weights", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
# The library's own gae, fed with one unit residual at a time: column k holds what everyone hears of step k.
none, ends = np.zeros((8, 8)), {2: "terminated", 5: "truncated"}
terminated, truncated = none.astype(bool), none.astype(bool)
terminated[2], truncated[5] = True, True
weights = rlcore.gae(np.eye(8), none, none, terminated, truncated, gamma=0.8, gae_lambda=0.5)

fig, ax = plt.subplots(figsize=(6.4, 5), layout="constrained")
ax.imshow(np.where(weights > 0, weights, np.nan), cmap="Blues", vmin=0, vmax=1.4)
for t, k in np.argwhere(weights > 0):
    ax.text(k, t, f"{weights[t, k]:.2g}", ha="center", va="center")
for t, kind in ends.items():
    ax.axhline(t + 0.5, color="tab:red", lw=1.2)
    ax.axvline(t + 0.5, color="tab:red", lw=1.2)
    ax.text(7.6, t, f"← {kind}", color="tab:red", va="center")
ax.text(7.6, 7, "← the rollout is cut here", color="0.4", va="center")
ax.set(xlabel="counts the residual of step k", ylabel="advantage of step t")
ax.set(xticks=range(8), yticks=range(8))
ax.set_title("weight of residual k in advantage t\nγ = 0.8, λ = 0.5", loc="left")
plt.show()

# %% [markdown]
# ### Exercise `gae` (5 points, 20 minutes)
#
# **Why.** Summed anew for every step, this would take T² additions. But each advantage contains the next one, so one
# backward pass is enough.
#
# **Do.** Complete the function, about six lines. You may call your `td_residuals` (while `gae` is graded, a right one
# stands in for it). `terminated` drops the bootstrap; `terminated | truncated` cuts the trace. The rollout's last row
# has no later one to hear from.
#
# **Expect.** By hand, with the residuals −20, −120, 700 of the figure above and γλ = 0.8 · 0.5 = 0.4, from the end:
# 700; then −120 + 0.4 · 700 = **160**; then −20 + 0.4 · 160 = **44**.


# %% nbgrader={"grade": false, "grade_id": "gae", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gae(rewards, values, next_values, terminated, truncated, *, gamma, gae_lambda):
    """Generalized advantage estimates of a rollout.

        Â_t = δ_t + γ λ δ_{t+1} + (γ λ)² δ_{t+2} + …, up to the step that ends the episode

    Schulman et al. 2016, arXiv:1506.02438, eq. 16, the sum stopped where an episode stops.

    Args:
        rewards: (T,) or (T, N) float, r_t.
        values: same shape, V(s_t).
        next_values: same shape, V(s'_t) of the true successor, never that of a reset.
        terminated: same shape, bool: the task ended, so no bootstrap, and the trace is cut.
        truncated: same shape, bool: the clock stopped the episode; bootstrap, and the trace is cut.
        gamma: discount γ in [0, 1].
        gae_lambda: λ in [0, 1].

    Returns:
        Same shape, float, in the unit of the return, not normalised. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    deltas = td_residuals(rewards, values, next_values, terminated, gamma=gamma)
    goes_on = ~(terminated | truncated)
    advantages = deltas.copy()
    for t in range(len(deltas) - 2, -1, -1):
        advantages[t] += gamma * gae_lambda * goes_on[t] * advantages[t + 1]
    return advantages
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_gae", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("gae", gae)
### BEGIN HIDDEN TESTS
from grader import probe

probe("gae", gae)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** Suppose step 2 had been *truncated* instead of terminated. Would the weights in the figure change? Would δ?
#
# <details><summary>Answer</summary>
# The weights stay, since any end cuts the trace. The residual of step 2 changes: it keeps the value of its successor,
# and with it change the advantages of steps 0 to 2.
# </details>

# %% [markdown]
# ## 3 · From a rollout to advantages
#
# `EnvRunner` steps an environment with a policy and returns a *trajectory*: a dict of arrays, time first. What is
# done to it afterwards is a list of *transforms*, callables `(trajectory, last_observation)` that work in place.
# Yours adds the two keys that the losses need: `advantages`, and `value_targets`, what the critic is to be fitted to.
#
# Here is an environment whose every number you can check by hand: it pays 0, −100, 800 and terminates, and its
# policy believes V = 100 everywhere.


# %% nbgrader={"grade": false, "grade_id": "dummy_env", "locked": true, "schema_version": 3, "solution": false, "task": false}
class DummyEnv(gym.Env):
    """Pays 0, -100, 800 in a cycle of three steps, whatever is done, and terminates after the third."""

    observation_space = gym.spaces.Box(-np.inf, np.inf, (1,))
    action_space = gym.spaces.Discrete(1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.step_number = 0
        return np.zeros(1), {}

    def step(self, action):
        reward = [0.0, -100.0, 800.0][self.step_number]
        self.step_number += 1
        return np.full(1, float(self.step_number)), reward, self.step_number == 3, False, {}


class DummyPolicy:
    """Always action 0, always V = 100."""

    def act(self, observations):
        lead = observations.shape[:-1]
        return {"actions": np.zeros(lead, dtype=int), "values": np.full(lead, 100.0)}


trajectory = EnvRunner(DummyEnv(), DummyPolicy(), nsteps=8).get_next()
for key, value in trajectory.items():
    print(f"{key:18}{value.shape!s:8}{value.ravel()}")

# %% [markdown]
# ### Exercise `gae_transform` (3 points, 15 minutes)
#
# **Why.** `gae` needs V of the true successors. The trajectory has their observations; the policy has the critic.
#
# **Do.** Complete `__call__`, about ten lines. `policy.act(observations)` takes one observation (obs,) or a batch
# (B, obs) and returns a dict whose `values` have shape () or (B,). The true successor of every step is in
# `trajectory["next_observations"]`; behind an ended episode `last_observation` is already that of a reset.
#
# **Expect.** The runner stops after eight steps, in the middle of the third episode. By hand, for the last step:
# δ = −100 + 0.8 · 100 − 100 = **−120**, nothing later to add, so its value target is −120 + 100 = **−20**.


# %% nbgrader={"grade": false, "grade_id": "gae_transform", "locked": false, "schema_version": 3, "solution": true, "task": false}
class GAE:
    """A transform that adds `advantages` and `value_targets` to a trajectory, in place.

        value_targets_t = Â_t + V(s_t), with Â_t as gae gives it, not normalised

    Schulman et al. 2016, arXiv:1506.02438, section 6.1; the paper fits V to discounted returns, which is λ = 1.

    Args:
        policy: `policy.act(observations)` takes (obs,) or (B, obs) and returns a dict with `values`, () or (B,).
        gamma: discount γ in [0, 1].
        gae_lambda: λ in [0, 1].
    """

    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy = policy
        self.gamma = gamma
        self.gae_lambda = gae_lambda

    def __call__(self, trajectory, last_observation):
        """Add the two keys.

        Args:
            trajectory: dict of arrays (T, ...) with `rewards`, `values`, `terminated`, `truncated` and
                `next_observations`, which holds the true successor of every step.
            last_observation: (obs,), where the next rollout starts; a reset's behind an ended episode.
        """
        ### BEGIN SOLUTION
        next_values = self.policy.act(trajectory["next_observations"])["values"]
        trajectory["advantages"] = gae(
            trajectory["rewards"],
            trajectory["values"],
            next_values,
            trajectory["terminated"],
            trajectory["truncated"],
            gamma=self.gamma,
            gae_lambda=self.gae_lambda,
        )
        trajectory["value_targets"] = trajectory["advantages"] + trajectory["values"]
        ### END SOLUTION


# %% [markdown]
# **The DummyEnv check**, through the real runner. Nothing is hidden in it: read the numbers, they are yours from above.

# %% nbgrader={"grade": false, "grade_id": "dummy_env_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
policy = DummyPolicy()
runner = EnvRunner(
    DummyEnv(), policy, nsteps=8, transforms=[AsArray(), GAE(policy, gamma=0.8, gae_lambda=0.5)]
)
trajectory = runner.get_next()

expected_advantages = np.array([44, 160, 700, 44, 160, 700, -68, -120])
np.testing.assert_allclose(trajectory["advantages"], expected_advantages)
np.testing.assert_allclose(trajectory["value_targets"], expected_advantages + 100)
print("The DummyEnv numbers are right:", trajectory["advantages"])

# %% [markdown]
# V is constant here, so this check is blind to two mistakes: $V(s_t)$ used where $V(s_{t+1})$ belongs, and `values[-1]`
# used for the value after the last step. The next check is not.

# %% nbgrader={"grade": true, "grade_id": "test_gae_transform", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("gae_transform", GAE)
### BEGIN HIDDEN TESTS
from grader import probe

probe("gae_transform", GAE)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** The value targets are the advantages plus the values. With λ = 1, which well-known quantity is that?
#
# <details><summary>Answer</summary>
# The discounted return to go, bootstrapped where the episode was truncated or cut.
# </details>

# %% [markdown]
# ## 4 · What else could stand there
#
# An advantage is one choice of many. The policy gradient is a sum of scores, each with a weight Ψ:
#
# $$g = \mathbb{E}\Big[\sum_{t=0}^{\infty} \Psi_t\,\nabla_\theta \log \pi_\theta(a_t \mid s_t)\Big] \tag{4.3}$$
#
# (eq. 1 of the GAE paper, without discounting.) Its list of what Ψ may be:
#
# | item | Ψ at step t | in words |
# |---|---|---|
# | 1 | $\sum_{k=0}^{\infty} r_k$ | all that the episode collected |
# | 2 | $\sum_{k=t}^{\infty} r_k$ | what followed the action |
# | 3 | $\sum_{k=t}^{\infty} r_k - b(s_t)$ | the same, less a baseline |
# | 4 | $Q^\pi(s_t, a_t)$ | what was to be expected after the action |
# | 5 | $A^\pi(s_t, a_t)$ | the same, less what was to be expected before it |
# | 6 | $r_t + V^\pi(s_{t+1}) - V^\pi(s_t)$ | the TD residual |
#
# All six give the same g. They differ in what one has to know, and in noise. **REINFORCE**, as it is told today (Sutton
# & Barto 2018, sections 13.3 and 13.4), is item 2, with a baseline item 3; Williams (1992) gave every score of an
# episode the same weight, as item 1 does. GAE goes from item 6 (λ = 0) to item 3 (λ = 1).
#
# The figure shows which rewards enter Ψ once they are discounted. (V's part in items 3 and 6 is not drawn.)

# %% nbgrader={"grade": false, "grade_id": "figure_psi", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
# One reward of 1 at a time, in a rollout of eight steps with three episodes; the last one is cut.
none = np.zeros((8, 8))
terminated, truncated = none.astype(bool), none.astype(bool)
terminated[[2, 5]] = True
following = rlcore.discounted_returns(np.eye(8), none, terminated, truncated, gamma=0.8)
first_of_its_episode = [0, 0, 0, 3, 3, 3, 6, 6]
items = {
    "item 1\nall that the episode collected": following[first_of_its_episode],
    "items 2 and 3\nwhat followed the action": following,
    "item 6\nthe step's own reward": np.eye(8),
}

fig, axes = plt.subplots(1, 3, figsize=(10, 4), layout="constrained", sharey=True)
for ax, (title, weights) in zip(axes, items.items(), strict=True):
    ax.imshow(np.where(weights > 0, weights, np.nan), cmap="Blues", vmin=0, vmax=1.8)
    for t, k in np.argwhere(weights > 0):
        ax.text(k, t, f"{weights[t, k]:.2g}", ha="center", va="center", fontsize=9)
    for end in (2, 5):
        ax.axhline(end + 0.5, color="tab:red", lw=1.2)
        ax.axvline(end + 0.5, color="tab:red", lw=1.2)
        ax.text(7.4, end, "terminated", color="tab:red", ha="right", va="center", fontsize=8)
    ax.text(0, 7, "cut", color="0.4", ha="center", va="center", fontsize=8)
    ax.set_title(title, loc="left", fontsize=10)
    ax.set(xlabel="counts the reward of step k", xticks=range(8), yticks=range(8))
axes[0].set_ylabel("Ψ of step t,  γ = 0.8")
plt.show()

# %% [markdown]
# ### Exercise `psi_variants` (2 points, 15 minutes)
#
# **Why.** What you have written side by side you can compare: the first and noisiest item of the list, and the one
# that REINFORCE with a learned baseline uses.
#
# **Do.** Complete two functions, about eight lines together. Step t belongs to an episode that has its first step b
# and its last step e in this rollout. With a discount, items 1 and 3 become
#
# $$\Psi^{(1)}_t = \sum_{k=b}^{e} \gamma^{k-b}\, r_k \tag{4.4}$$
#
# $$\Psi^{(3)}_t = \sum_{k=t}^{e} \gamma^{k-t}\, r_k + \gamma^{e-t+1}\, V(s_{e+1}) - V(s_t) \tag{4.5}$$
#
# (4.4) is one number for all steps of an episode, and holds collected rewards only: V plays no part in it. In (4.5), V
# stands for the rewards that nobody has seen, where the episode was truncated or cut; where it *terminated* that term
# is 0. You may call your `td_residuals` and your `gae`; while this exercise is graded, right ones stand in for them.
#
# **Expect.** By hand, for the first episode of `DummyEnv` (rewards 0, −100, 800, then terminated; V = 100, γ = 0.8):
# item 1 is 0 − 0.8 · 100 + 0.8² · 800 = **432** for each of its three steps; item 3 at t = 1 is
# −100 + 0.8 · 800 − 100 = **440**.


# %% nbgrader={"grade": false, "grade_id": "psi_variants", "locked": false, "schema_version": 3, "solution": true, "task": false}
def psi_total_return(rewards, values, next_values, terminated, truncated, *, gamma):
    """Total return: every step of an episode gets the discounted sum of all that it collected.

        Ψ_t = r_b + γ r_{b+1} + … + γ^{e−b} r_e,  b and e the episode's first and last step here

    Schulman et al. 2016, arXiv:1506.02438, eq. 1, item 1, discounted; never bootstrapped.

    Args:
        rewards: (T,) or (T, N) float, r_t.
        values: same shape, V(s_t); not used here.
        next_values: same shape, V(s'_t) of the true successor; not used here.
        terminated: same shape, bool: the task ended.
        truncated: same shape, bool: the clock stopped the episode.
        gamma: discount γ in [0, 1].

    Returns:
        Same shape, float, in the unit of the return. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    over = terminated | truncated
    psi = rewards.astype(float)
    for t in range(len(psi) - 2, -1, -1):
        psi[t] += gamma * ~over[t] * psi[t + 1]
    for t in range(1, len(psi)):
        psi[t] = np.where(over[t - 1], psi[t], psi[t - 1])
    return psi
    ### END SOLUTION


def psi_baselined_return(rewards, values, next_values, terminated, truncated, *, gamma):
    """Future return less a baseline: how much more followed a step than V had promised.

        Ψ_t = r_t + γ r_{t+1} + … + γ^{e−t} r_e + γ^{e−t+1} V(s'_e) − V(s_t)

    Schulman et al. 2016, arXiv:1506.02438, eq. 1, item 3, discounted, with V as the baseline; V(s'_e)
    stands for what was not collected, and is 0 where the episode terminated.

    Args:
        rewards: (T,) or (T, N) float, r_t.
        values: same shape, V(s_t).
        next_values: same shape, V(s'_t) of the true successor, never that of a reset.
        terminated: same shape, bool: the task ended, so no bootstrap.
        truncated: same shape, bool: the clock stopped the episode; bootstrap.
        gamma: discount γ in [0, 1].

    Returns:
        Same shape, float, in the unit of the return. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    return gae(rewards, values, next_values, terminated, truncated, gamma=gamma, gae_lambda=1.0)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_psi_variants", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("psi_variants", (psi_total_return, psi_baselined_return))
### BEGIN HIDDEN TESTS
from grader import probe

probe("psi_variants", (psi_total_return, psi_baselined_return))
### END HIDDEN TESTS

# %% [markdown]
# **Think.** Rewards that came *before* an action are in item 1 and not in item 2. Why may they be left out?
#
# <details><summary>Answer</summary>
# The action cannot have caused them. Given what came before it, the score of an action is zero on average, so those
# terms add noise and nothing else.
# </details>

# %% [markdown]
# ## 5 · Bias and variance, measured
#
# How far is an estimate ĝ from the gradient g? On average over all that chance may do,
#
# $$\mathbb{E}\,\lVert\hat g-g\rVert^2 = \lVert\mathbb{E}\,\hat g-g\rVert^2 + \mathbb{E}\,\lVert\hat g-\mathbb{E}\,\hat g\rVert^2 \tag{4.6}$$
#
# (true of any estimate): the squared **bias** plus the **variance**. To measure them one must know g, so here is a task
# small enough for that: a corridor of seven cells. A step goes left or right, and slips the other way one time in five;
# leaving on the right pays 1, leaving on the left nothing. The policy is a softmax with two logits a cell, and (policy
# gradient theorem, Sutton & Barto 2018, section 13.2)
#
# $$\frac{\partial}{\partial\theta_{s,a}}\,\mathbb{E}\Big[\sum_t r_t\Big] = d(s)\,\pi(a \mid s)\,A^\pi(s,a) \tag{4.7}$$
#
# where d(s) is how often an episode visits cell s, on average. Linear systems give d, V and A.
#
# Every walk goes on until it leaves, and γ is 1. So with λ = 1 no V stands in for anything, and there is no bias. (With
# γ < 1, items 2 to 6 would need a factor γᵗ to give the gradient of the discounted return. Nearly everybody leaves it
# out. That is a bias too, and is left aside here.)


# %% nbgrader={"grade": false, "grade_id": "corridor", "locked": true, "schema_version": 3, "solution": false, "task": false}
CELLS, START, SLIP = 7, 3, 0.2
logits = np.tile([0.0, 0.4], (CELLS, 1))  # (cells, actions): a policy that leans to the right

# leads[s, a, k]: how likely action a (0 left, 1 right) leads from cell s to place k, where
# places 1 to 7 are the cells, 0 and 8 the two ways out.
leads = np.zeros((CELLS, 2, CELLS + 2))
for s in range(CELLS):
    leads[s, 0, s], leads[s, 0, s + 2] = 1 - SLIP, SLIP
    leads[s, 1, s], leads[s, 1, s + 2] = SLIP, 1 - SLIP


def softmax(logits):
    """(cells, actions) probabilities."""
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def exact(logits):
    """V (cells,) and the gradient of the mean return (cells, actions), without sampling."""
    probs, pays, goes_on = softmax(logits), leads[:, :, -1], leads[:, :, 1:-1]
    from_to = np.einsum("sa,sak->sk", probs, goes_on)
    values = np.linalg.solve(np.eye(CELLS) - from_to, (probs * pays).sum(axis=1))
    advantages = pays + goes_on @ values - values[:, None]
    visits = np.linalg.solve(np.eye(CELLS) - from_to.T, np.eye(CELLS)[START])
    return values, visits[:, None] * probs * advantages


def walk(logits, num_walks, rng):
    """Walks from the middle until all have left: a dict of arrays (T, num_walks)."""
    probs, reached = softmax(logits), leads.cumsum(axis=2)
    cell, inside, rows = np.full(num_walks, START), np.ones(num_walks, dtype=bool), []
    while inside.any():
        action = (rng.random(num_walks) > probs[cell, 0]).astype(int)
        place = (rng.random((num_walks, 1)) > reached[cell, action]).sum(axis=1)
        left, next_cell = (place == 0) | (place == CELLS + 1), np.clip(place - 1, 0, CELLS - 1)
        rows.append(
            (cell, action, inside * (place == CELLS + 1), next_cell, left | ~inside, inside)
        )
        inside = inside & ~left
        cell = np.where(inside, next_cell, cell)
    names = ("cells", "actions", "rewards", "next_cells", "terminated", "inside")
    return dict(zip(names, (np.stack(column) for column in zip(*rows, strict=True)), strict=True))


def estimates(walks, critic, gae_lambda, walks_each=16):
    """Estimates of the gradient (num, cells, actions), each from so many walks; critic (cells,) is V."""
    cells, ends, probs = walks["cells"], walks["terminated"], softmax(logits)
    advantages = rlcore.gae(
        walks["rewards"].astype(float), critic[cells], critic[walks["next_cells"]],
        ends, np.zeros_like(ends), gamma=1.0, gae_lambda=gae_lambda,
    )  # fmt: skip
    sums = np.zeros((cells.shape[1], CELLS, 2))
    for t, inside in enumerate(walks["inside"]):
        here = np.flatnonzero(inside)
        cell, action = cells[t, here], walks["actions"][t, here]
        score = np.eye(2)[action] - probs[cell]
        sums[here, cell] += advantages[t, here, None] * score
    return sums.reshape(-1, walks_each, CELLS, 2).mean(axis=1)


V, gradient = exact(logits)
print("V                 ", V.round(2))
print("gradient of 'right'", gradient[:, 1].round(3))

# %% [markdown]
# The critic is rarely right. Here it goes from *knows only the average* (the same number in every cell) over *half of
# the way* to *exact*. The figure measures (4.6) for 400 estimates, each from 16 walks.

# %% nbgrader={"grade": false, "grade_id": "figure_bias_variance", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
walks = walk(logits, 400 * 16, np.random.default_rng(4))
size = (gradient**2).sum()


def critic_that_learned(share):
    """V of a critic that knows the average (share 0), everything (share 1), or something between."""
    return V.mean() + share * (V - V.mean())


def bias_and_variance(gae_lambda, share):
    """Squared bias and variance of the estimates, in units of the squared length of the gradient."""
    found = estimates(walks, critic_that_learned(share), gae_lambda)
    bias = ((found.mean(axis=0) - gradient) ** 2).sum()
    return bias / size, found.var(axis=0).sum() / size


lambdas = np.append(np.linspace(0, 0.75, 11), np.linspace(0.8, 1, 11))
critics = {"knows only the average": 0.0, "half of the way": 0.5, "exact": 1.0}
fig, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained", sharey=True)
for ax, (name, share) in zip(axes, critics.items(), strict=True):
    bias, variance = np.transpose([bias_and_variance(x, share) for x in lambdas])
    best = (bias + variance).argmin()
    ax.stackplot(
        lambdas, bias, variance, colors=["tab:purple", "0.8"], labels=["bias²", "variance"]
    )
    ax.plot(lambdas, bias + variance, color="black", label="their sum")
    ax.plot(lambdas[best], (bias + variance)[best], "o", color="black", label="its least")
    ax.set(xlabel="λ", title=f"critic: {name}", xlim=(0, 1), ylim=(0, None))
    print(
        f"critic: {name:23} least error {(bias + variance)[best]:.2f} at λ = {lambdas[best]:.2f},",
        end=" ",
    )
    print(
        f"bias² {bias[0]:.2f} at λ = 0 and {bias[-1]:.2f} at λ = 1, variance {variance[0]:.2f} and {variance[-1]:.2f}"
    )
axes[0].set_ylabel("error of an estimate, in ‖g‖²")
axes[2].legend(frameon=False, loc="upper left")
plt.show()

# %% [markdown]
# Left: a critic that knows nothing of the cells makes λ = 0 wrong by as much as the gradient is long, and the best λ is
# near 0.9. In the middle the best λ is smaller. Right: an exact critic makes no bias, whatever λ is; a large λ is only
# more noise.
#
# The same estimates as points: one in each panel is what a single update would follow. Move the sliders.

# %% nbgrader={"grade": false, "grade_id": "figure_cloud", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
from ipywidgets import FloatSlider, interact

# Two directions of the fourteen: along the gradient, and where the worst critic leads aside.
along = gradient.ravel() / np.sqrt(size)
aside = estimates(walks, critic_that_learned(0.0), 0.0).mean(axis=0).ravel()
aside = aside - (aside @ along) * along
aside = aside / np.linalg.norm(aside)


def draw_cloud(ax, gae_lambda, share):
    """The 400 estimates, their mean, and the exact gradient, in units of the gradient's length."""
    found = estimates(walks, critic_that_learned(share), gae_lambda).reshape(400, -1)
    x, y = found @ along / np.sqrt(size), found @ aside / np.sqrt(size)
    bias, variance = bias_and_variance(gae_lambda, share)
    ax.scatter(x, y, s=6, color="0.65", lw=0, label="one estimate")
    ax.plot(1, 0, "+", color="black", ms=16, mew=2.5, label="exact gradient")
    ax.plot(x.mean(), y.mean(), "o", color="tab:purple", ms=8, label="mean of the estimates")
    ax.set(xlim=(-0.7, 3.1), ylim=(-1.3, 1.3), xlabel="along g, in ‖g‖", aspect="equal")
    ax.set_title(f"λ = {gae_lambda:.2g}\nbias² {bias:.2f}, variance {variance:.2f}", fontsize=10)


fig, axes = plt.subplots(2, 4, figsize=(10, 5), layout="constrained", sharex=True, sharey=True)
for row, share, name in zip(axes, (0.0, 1.0), ("knows only the average", "exact"), strict=True):
    for ax, gae_lambda in zip(row, (0.0, 0.5, 0.9, 1.0), strict=True):
        draw_cloud(ax, gae_lambda, share)
        ax.label_outer()
    row[0].set_ylabel(f"critic: {name}\n\naside, in ‖g‖")
handles, labels = axes[0, 0].get_legend_handles_labels()
fig.legend(handles, labels, frameon=False, loc="outside upper center", ncols=3)
plt.show()


def one_cloud(gae_lambda, learned):
    """What the sliders show."""
    _, ax = plt.subplots(figsize=(6, 4.4), layout="constrained")
    draw_cloud(ax, gae_lambda, learned)
    ax.set_ylabel("aside, in ‖g‖")
    ax.legend(frameon=False, loc="upper left", fontsize=8)
    plt.show()


slider = {"min": 0.0, "max": 1.0, "step": 0.05, "continuous_update": False}
sliders = interact(
    one_cloud,
    gae_lambda=FloatSlider(value=0.9, description="λ", **slider),
    learned=FloatSlider(value=0.0, description="critic", **slider),
)
# %% [markdown]
# **Think.** The critic gets better while an agent learns. Should λ stay where it is?
#
# <details><summary>Answer</summary>
# By this figure a better critic would allow a smaller λ. In practice λ is kept fixed, between about 0.9 and 0.99: early
# on the critic is bad, and it is always a little behind the policy that it judges.
# </details>

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_1_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 1 (1 point, 10 minutes)
#
# Read sections 1 to 3 of the GAE paper (arXiv:1506.02438). Why does one weight
# the score of an action with an estimate of its *advantage* rather than with the *return* that followed it? Say what
# stays the same, what gets better, and what the price is when V is not exact. Three sentences are enough.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 1 point**
#
# - 0.5: subtracting $V(s_t)$, which does not depend on the action, leaves the expected gradient of the discounted
#   objective as it is, and the variance is smaller: the part of the return that only says how good the state was is
#   gone. (Also accepted: with λ < 1 the noise of later rewards is damped, since V stands in for them.)
# - 0.5: the price is bias as soon as V is not exact and λ < 1, since V then stands in for later rewards; λ chooses
#   between the two. (γ < 1 is a bias of its own, whatever V; naming it is right and not asked for.)
# - Not accepted: "advantages normalise the rewards"; "returns can be negative".
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_1", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# Subtracting $V(s_t)$ from the return leaves the expected gradient as it is, because $V(s_t)$ does not depend on the
# action. The variance falls: what the return says about the state, and not about the action, is gone, and with λ < 1
# the noise of later rewards is damped. The price of λ < 1 is bias: V stands in for those rewards, and whatever is wrong
# with V is then wrong with the gradient.

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_2_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 2 (1 point, 10 minutes)
#
# Open `rlcore/buffer.py` and read `RolloutBuffer.fill`, then the algorithm at the end of section 6.1 of the GAE paper.
# Which lines of the algorithm does `fill` carry out, and which equation is its last step, the one that makes the
# advantages? Which V does it use: that of before or that of after the critic's update, and why does the order matter?
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 1 point**
#
# - 0.5: after N steps were simulated with the current policy, and before either update: "compute δ at all timesteps
#   using the current V" and then "compute the advantages"; the second is eq. 16 (the residuals are the definition of
#   section 3), with the sum stopped where an episode or the rollout stops. Naming eq. 16 and the place is enough.
# - 0.5: V as it was while the data were collected, before the critic is fitted to them. Fitted first, V would have seen
#   the very rewards it is to be compared with: residuals shrink, and a bias enters (in the extreme, a critic that
#   overfits makes every residual 0).
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_2", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# `fill` comes after the N timesteps have been simulated and before the two updates: it computes the residuals δ at all
# timesteps with the current V, and from them the advantages, which is eq. 16, stopped where an episode or the rollout
# stops. V is that of before the critic's update. If the critic were fitted first, it would already have moved towards
# the rewards it is compared with: the residuals would shrink, and the gradient would be biased.

# %% [markdown]
# ## 6 · REINFORCE against GAE
#
# Now the two of them learn. Everything is the same but Ψ: `future_return` is item 2, the discounted return that followed
# the action, and `gae` your eq. (4.2) with λ = 0.97. In both, rlcore normalises Ψ over the rollout (less its mean,
# divided by its standard deviation), so `future_return` has a baseline too: one number for all states.
#
# The losses are given here. The policy's is written with a ratio that is always 1; its gradient is the one of
# eq. (4.3), with a mean in place of the sum, and a minus sign, since losses are minimised.

# %% nbgrader={"grade": false, "grade_id": "given_losses", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
import inspect
from pathlib import Path

import torch


def policy_gradient_loss(log_probs, psi):
    """Minus the mean of ratio · Ψ; the ratio of the policy to itself is 1, its gradient the score."""
    ratio = torch.exp(log_probs - log_probs.detach())
    return -(ratio * psi).mean()


def value_loss(values, returns):
    """Mean squared error of the critic."""
    return torch.nn.functional.mse_loss(values, returns)


parts = ["import torch\n", *map(inspect.getsource, (policy_gradient_loss, value_loss))]
Path("given_losses.py").write_text("\n\n".join(parts), encoding="utf-8")
print("wrote given_losses.py")

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_3_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 3: your prediction (1 point, 5 minutes)
#
# **Before** you run the study: two curves of the return against environment steps, three seeds each, on CartPole-v1.
# Which of the two rises faster? Which differs more from seed to seed? Where do they end? Give your reasons in two or
# three sentences. You lose nothing by being wrong.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 1 point.** Graded on being made, not on being right.
#
# - 1: says what will happen to at least two of speed, spread over the seeds, and end, with a reason for one of them.
# - 0.5: a prediction without any reason.
# - 0: nothing that a figure could contradict.
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_3", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# I expect GAE to rise faster, and its three seeds to lie closer together, because its Ψ has less variance: the return
# of a whole episode credits an action with luck that it had no part in. Both should end near 500, REINFORCE later.

# %%
ENV = "CartPole-v1"  # or "LunarLander-v3", which needs Box2D
try:
    rlcore.make_env(ENV).close()
except ImportError as error:
    print(f"{error}\nGoing on with CartPole-v1.")
    ENV = "CartPole-v1"

# %% [markdown]
# ### Exercise `returns_vs_gae_study` (4 points, 10 minutes, of which the computer takes about one)
#
# **Why.** One run proves nothing: the next seed may say the opposite. A study is both methods, several seeds, and
# nothing else changed.
#
# **Do.** Train both values of `psi_mode` with seeds 0, 1 and 2, into `logs/3a`, and collect the folders of the runs in
# the list `folders`. This is what the command line would be; give `Config` the same options (and `ENV`):
#
# ```
# python -m rlcore.train --env=CartPole-v1 --psi_mode=future_return --prefix=logs/3a/ --epochs=100 --pi_lr=3e-3 --v_lr=3e-3 --seeds 0 1 2 --losses=given_losses.py
# python -m rlcore.train --env=CartPole-v1 --psi_mode=gae --prefix=logs/3a/ --epochs=100 --pi_lr=3e-3 --v_lr=3e-3 --seeds 0 1 2 --losses=given_losses.py
# ```
#
# `run_experiment({"": Config(...)}, prefix="logs/3a", seeds=(0, 1, 2), losses="given_losses.py")` runs one config with
# each of the seeds, side by side, and returns the list of their folders. (The key is a suffix for their names: empty
# here.) Runs that are finished are not run again, those that were stopped go on.
#
# **Expect.** Six folders in `logs/3a`, such as `CartPole-v1_vpg_vpg_gae_seed0`; 100 epochs of 1000 steps each, by hand
# 100 · 1000 = **100,000** steps a run. The same numbers in TensorBoard: `tensorboard --logdir logs/3a`.

# %% nbgrader={"grade": false, "grade_id": "returns_vs_gae_study", "locked": false, "schema_version": 3, "solution": true, "task": false} tags=["skip-execution"]
from rlcore import Config
from rlcore.experiment import run_experiment

folders = []
### BEGIN SOLUTION
for psi_mode in ("future_return", "gae"):
    config = Config(env=ENV, psi_mode=psi_mode, epochs=100, pi_lr=3e-3, v_lr=3e-3)
    folders += run_experiment(
        {"": config}, prefix="logs/3a", seeds=(0, 1, 2), losses="given_losses.py"
    )
### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "test_returns_vs_gae_study", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("returns_vs_gae_study", "logs/3a")
### BEGIN HIDDEN TESTS
from grader import probe

probe("returns_vs_gae_study", "logs/3a")
### END HIDDEN TESTS

# %% [markdown]
# Full points for a complete study, whatever came out of it. Hand in the folder `logs` with the notebook. The figure:
# a line is the median over the seeds, its band reaches from the lowest seed to the highest.

# %% nbgrader={"grade": false, "grade_id": "figure_returns_vs_gae", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
if folders:
    fig, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    rlcore.plot_runs(folders, ax=ax)
    ax.legend(frameon=False, loc="upper left")
    ax.set_title(f"{ENV}: what reinforces an action")
    plt.show()
else:
    print("There are no runs in folders; train the study first.")

# %% [markdown]
# **Think.** Leave `pi_lr` and `v_lr` at their defaults, 1e-3 and 3e-4, take another `prefix`, and run it again: GAE is
# not ahead any more. Why?
#
# <details><summary>Answer</summary>
# The critic learns ten times more slowly, so V is wrong for longer. GAE leans on V, REINFORCE does not: that is the
# left panel of the bias figure, against the right one.
# </details>

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_4_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 4: what happened (3 points, 15 minutes)
#
# Describe your figure to somebody who does not see it: speed, spread over the seeds, where the curves end, with
# numbers. Where was your prediction right and where not? Explain the difference by what you have seen of bias and
# variance, and say what three seeds cannot tell you. (If your figure is not in the notebook, insert it here.)
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 3 points**
#
# - 1: reads the figure: both methods, with numbers off the axes (return at some number of steps, or steps to a
#   return), and the width of the bands.
# - 1: explains: the return to go carries the noise of everything that followed, and its only baseline is one mean for
#   all states; GAE subtracts V(s_t) and damps later noise, at the price of a bias that is small where the critic is
#   good. Any outcome is fine, if it is explained: a bad critic early on, another environment.
# - 1: compares with the prediction, and names a limit: three seeds, one environment, one setting of the learning
#   rates; a band from lowest to highest is no confidence interval.
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_4", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# With GAE all three seeds rise together: between 180 and 199 at 25,000 steps, above 320 at 50,000, from 493 to 500 at the
# end. With returns the seeds part: the median is at 72, 253 and 311 at these points, at the end one seed has 491 and one
# 78, and curves fall again after they had risen. I had predicted which is faster and which spreads more; that REINFORCE
# would end near 500 as well was wrong. The return to go credits each action with everything that followed it, less one mean
# for all states, so its gradient is noisy, and at this learning rate some noisy steps ruin the policy. GAE compares
# with V(s_t) and damps what comes later; the bias that it pays for this is small, since the critic learns fast here.
# Three seeds on one environment do not say how often REINFORCE fails, and other learning rates may change the picture.

# %% [markdown]
# ## When it does not learn
#
# - Stop inside your own function: write `breakpoint()` in it and run the check again; `n` goes on, `p deltas` prints,
#   `q` leaves. Or call the function in a new cell and, when it raises, run `%debug` in the next one.
# - Shrink the problem until you can compute it by hand, as `DummyEnv` does: a few steps, one end, a V you choose.
# - Look at one scalar first: the mean of the advantages before they are normalised. If it stays far from
#   0 on one side, V is wrong on average: look at the critic and its targets before you look at the policy.
# - In a run's `history.csv` look at `ent` and `loss_v`. Entropy that falls to 0 within a few epochs means steps that
#   are too long, or a Ψ that is too noisy for them; a `loss_v` that never falls, a critic that cannot be leaned on.
#
# ## What you saw, and what comes next
#
# δ says how surprising a step was, λ how many later surprises an action is credited with, and the two flags where the
# sum has to stop: a termination takes the bootstrap away, any end cuts the trace. Every Ψ of the list has the same
# mean while V is exact; what you choose between is noise and, once V is not exact, bias. In 05 these advantages drive
# an update that takes several steps on the same data, and you will see why it needs a clip.
