# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 04 · From rewards to advantages: GAE
#
# After this notebook you can
#
# - say how much better a step went than the critic expected (the TD residual),
# - turn residuals into generalized advantage estimates, with λ deciding how far to trust the critic,
# - tell apart the three ways a rollout stops, *terminated*, *truncated* and *cut*, and treat each one rightly.
#
# It takes about 60 minutes. Graded here, 11 points:
#
# | exercise | what you write | minutes | points |
# |---|---|---|---|
# | `td_residuals` | one line of numpy | 10 | 2 |
# | `gae` | one backward pass | 20 | 5 |
# | `gae_transform` | the class `GAE` that an `EnvRunner` calls | 15 | 3 |
# | written question 1 | three sentences | 10 | 1 |
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
# $$\delta_t = r_t + \gamma\,V(s_{t+1}) - V(s_t)$$
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
# $$\hat A_t = \sum_{l=0}^{\infty} (\gamma\lambda)^l\,\delta_{t+l}$$
#
# (eq. 16 of the same paper.) With λ = 0 only the step's own surprise counts: little noise, but all the errors of V.
# With λ = 1, in an episode that terminates, all of V cancels but $-V(s_t)$: no bias from V, but the noise of every
# later reward.
#
# The sum stops where the episode stops, *terminated* or *truncated*: the next row of the rollout belongs to another
# episode. The figure shows who hears from whom in a rollout of eight steps.

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
# the noise of later rewards is damped. The price of λ < 1 is bias: V stands in for those rewards, and its errors enter
# the gradient.

# %% [markdown]
# ## When it does not learn
#
# - Stop inside your own function: write `breakpoint()` in it and run the check again; `n` goes on, `p deltas` prints,
#   `q` leaves. Or call the function in a new cell and, when it raises, run `%debug` in the next one.
# - Shrink the problem until you can compute it by hand, as `DummyEnv` does: a few steps, one end, a V you choose.
# - Look at one scalar first: the mean of the advantages before they are normalised. If it stays far from
#   0 on one side, V is wrong on average: look at the critic and its targets before you look at the policy.
#
# ## What you saw, and what comes next
#
# δ says how surprising a step was, λ how many later surprises an action is credited with, and the two flags where the
# sum has to stop: a termination takes the bootstrap away, any end cuts the trace. In 05 these advantages drive an
# update that takes several steps on the same data, and you will see why it needs a clip.
