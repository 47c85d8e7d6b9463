# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03 · Vanilla policy gradient
#
# After this notebook you can
#
# - credit an action with the rewards that came after it,
# - write the two losses of a policy gradient method, and the update that goes down them,
# - say what value belongs behind the last step of a rollout, whichever way it stopped,
# - train an agent with your own losses, watch it, and tell from its entropy whether it learns too fast.
#
# It takes about two hours and a half. Graded here, 22 points:
#
# | exercise | what you write | minutes | points |
# |---|---|---|---|
# | `discounted_returns` | one backward pass | 10 | 2 |
# | `policy_gradient_loss` | one line of torch | 15 | 4 |
# | `value_loss` | one line, and one check | 15 | 3 |
# | `vpg_update` | two loops | 30 | 5 |
# | `cartpole_agent` | one line, and a training run | 15 | 3 |
# | written questions 1 to 4 | a few sentences each | 50 | 5 |
#
# Stuck? `hint("vpg_update")`, then `hint("vpg_update", 2)`, then `hint("vpg_update", 3)`. After each exercise,
# `check(...)` tells you at once what is wrong and, if it can, why.

# %%
TEAM = ["login1"]  # one or two logins; both get the marks

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import functools
import inspect
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import Video, display
from torch import nn
from torch.distributions import Categorical

import rlcore
from grader import hint
from rlcore.experiment import run_experiment
from rlcore.plotting import plot_runs, read_history

# %% [markdown]
# ## 1 · What comes after an action
#
# An action can only change what comes after it. So an action is credited with the rewards from its own step on, and
# the longer one had to wait for a reward, the less it counts: γ times less for each step. That sum is the
# **return to go** of step t, in an episode of T steps:
#
# $$R_t = \sum_{k=t}^{T-1} \gamma^{\,k-t}\, r_k \tag{3.1}$$
#
# (Sutton & Barto 2018, eq. 3.8, the sum stopped where the episode ends; what is $r_t$ here, the reward that action t
# brought, is called $R_{t+1}$ there.) Bad luck before step t does not enter, nor does good luck.
#
# The figure takes one episode of eight steps apart: each colour is one of its three rewards.

# %% nbgrader={"grade": false, "grade_id": "figure_reward_to_go", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
rewards = {1: -1.0, 4: 2.0, 7: 1.5}  # step: reward; every other step pays 0
colours = {1: "tab:red", 4: "tab:blue", 7: "tab:cyan"}
steps = np.arange(8)

fig, axes = plt.subplots(1, 4, figsize=(10.5, 3.2), sharey=True, layout="constrained")
axes[0].bar(list(rewards), list(rewards.values()), color=list(colours.values()))
axes[0].set_title("what is paid", loc="left")
for ax, gamma in zip(axes[1:], (0.0, 0.8, 1.0), strict=True):
    above, below = np.zeros(8), np.zeros(8)
    for k, reward in rewards.items():
        share = np.where(steps <= k, gamma ** np.maximum(k - steps, 0.0) * reward, 0.0)
        bottom = above if reward > 0 else below
        ax.bar(steps, share, bottom=bottom, color=colours[k])
        bottom += share
    ax.plot(steps, above + below, "k_", ms=14, mew=2, label="their sum, $R_t$")
    ax.set_title(f"credited, γ = {gamma:g}", loc="left")
for ax in axes:
    ax.axhline(0, color="black", lw=0.8)
    ax.set(xlabel="step t", xticks=steps, xlim=(-0.8, 7.8))
axes[0].set_ylabel("unit of the reward")
axes[1].legend(frameon=False, loc="upper left", handletextpad=0.2)
plt.show()

# %% [markdown]
# With γ = 0 only the step's own reward counts. With γ = 1 the action at step 0 is credited with all that follows, as
# if the last reward had been its doing; γ in between lets credit fade.
#
# ### Exercise `discounted_returns` (2 points, 10 minutes)
#
# **Why.** The critic below learns to predict these numbers, and they are the simplest thing to reinforce an action
# with.
#
# **Do.** Complete the function, about five lines of numpy. Summed anew for every step it would take T² additions. But
# each return contains the next one, so one backward pass is enough:
#
# $$R_t = r_t + \gamma\, R_{t+1}, \qquad R_T = 0 \tag{3.2}$$
#
# (Sutton & Barto 2018, eq. 3.9.) This version is for one *finished* episode; section 5 is about all others.
#
# **Expect.** By hand, for rewards 1, 2, 4 and γ = 0.5, from the end: **4**; then 2 + 0.5 · 4 = **4**; then
# 1 + 0.5 · 4 = **3**.


# %% nbgrader={"grade": false, "grade_id": "discounted_returns", "locked": false, "schema_version": 3, "solution": true, "task": false}
def discounted_returns(rewards, gamma):
    """Return to go of every step of one finished episode.

        R_t = r_t + γ r_{t+1} + γ² r_{t+2} + …, up to the last step of the episode

    Sutton & Barto 2018, eq. 3.8.

    Args:
        rewards: (T,) float, r_t; the episode ends with the last of them.
        gamma: discount γ in [0, 1].

    Returns:
        (T,) float, in the unit of the rewards. The rewards stay as they are.
    """
    ### BEGIN SOLUTION
    returns = np.zeros(len(rewards))
    following = 0.0
    for t in reversed(range(len(rewards))):
        following = rewards[t] + gamma * following
        returns[t] = following
    return returns
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_discounted_returns", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("discounted_returns", discounted_returns)
### BEGIN HIDDEN TESTS
from grader import probe

probe("discounted_returns", discounted_returns)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** CartPole pays 1 for every step. With γ = 0.99, what is the return to go of the first step if the pole
# stays up for 500 steps? And if it stayed up for ever?
#
# <details><summary>Answer</summary>
# (1 − 0.99⁵⁰⁰) / (1 − 0.99) = 99.3, and 1 / (1 − 0.99) = 100. Discounted, a very long episode is hardly worth more
# than a long one.
# </details>

# %% [markdown]
# ## 2 · A loss for the policy
#
# How should the weights θ of the policy change, so that it earns more? Every action is given a number Ψ that says
# how well it went, and is made more likely in proportion to it:
#
# $$\nabla_\theta J = \mathbb{E}\Big[\sum_{t} \Psi_t\, \nabla_\theta \log \pi_\theta(a_t \mid s_t)\Big] \tag{3.3}$$
#
# (Schulman et al. 2016, arXiv:1506.02438, eq. 1; Williams 1992.) Ψ may be the return to go, or the advantage; exact for
# γ = 1, while a smaller γ trades a little bias for less noise. Over B sampled actions one takes the mean, which changes
# only the length of the step:
#
# $$\hat g = \frac1B \sum_{b=1}^{B} \Psi_b\, \nabla_\theta \log \pi_\theta(a_b \mid s_b) \tag{3.4}$$
#
# An optimizer only knows how to go *down* a number it is given. So we give it one whose gradient is $-\hat g$.
# A common formulation leaves out the minus sign, or sums: then the policy learns to lose, or the step
# grows with the batch.
#
# The figure shows one such step in one state with three actions.


# %% nbgrader={"grade": false, "grade_id": "figure_one_step", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
def softmax(logits):
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


logits, taken, step_size = np.array([0.2, 0.9, -0.3]), 1, 0.8
before = softmax(logits)
score = np.eye(3)[taken] - before  # of the action that was taken: notebook 01

fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.1), sharey=True, layout="constrained")
for ax, psi in zip(axes, (2.0, 0.0, -2.0), strict=True):
    after = softmax(logits + step_size * psi * score)
    ax.bar(np.arange(3) - 0.2, before, 0.38, color="0.75", label="before the step")
    bars = ax.bar(np.arange(3) + 0.2, after, 0.38, color="tab:blue", label="after it")
    bars[taken].set_hatch("//")
    for action in range(3):
        ax.annotate(f"{after[action]:.2f}", (action + 0.2, after[action]), ha="center", va="bottom")
    verdict = {2.0: "went well", 0.0: "as expected", -2.0: "went badly"}[psi]
    ax.set_title(f"Ψ = {psi:g}: {verdict}".replace("-", "−"), loc="left")
    ax.set(xticks=range(3), xticklabels=["action 0", "action 1\n(taken)", "action 2"], ylim=(0, 1))
axes[0].set_ylabel("probability")
axes[-1].legend(frameon=False, loc="upper right")
plt.show()

# %% [markdown]
# ### Exercise `policy_gradient_loss` (4 points, 15 minutes)
#
# **Why.** This number is all that the optimizer will ever see of what happened in the environment.
#
# **Do.** Complete the function, one line of torch. `log_probs` comes from the network and carries its graph; `psi` is
# data. Which scalar has the gradient $-\hat g$?
#
# **Expect.** By hand, for log-probabilities −0.5 and −2 with Ψ = 3 and −1: the products are −1.5 and 2, their mean is
# 0.25, the loss **−0.25**. Its gradient with respect to the two log-probabilities is **−1.5** and **0.5**: downhill,
# the first becomes more likely and the second less.


# %% nbgrader={"grade": false, "grade_id": "policy_gradient_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def policy_gradient_loss(log_probs, psi):
    """Scalar to minimise, whose gradient turned round is the estimate of the policy gradient.

        −∇L = 1/B Σ_b Ψ_b ∇log π(a_b | s_b)

    Schulman et al. 2016, arXiv:1506.02438, eq. 1, the sum over a rollout written as a mean.

    Args:
        log_probs: (B,) tensor, log π(a_b | s_b), with the graph that leads to the weights.
        psi: (B,) tensor, Ψ_b, data.

    Returns:
        0-d tensor, linear in the log-probabilities; the gradient flows through them.
    """
    ### BEGIN SOLUTION
    return -(psi * log_probs).mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_policy_gradient_loss", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("policy_gradient_loss", policy_gradient_loss)
### BEGIN HIDDEN TESTS
from grader import probe

probe("policy_gradient_loss", policy_gradient_loss)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** A classifier's loss falls while it learns. Must this one?
#
# <details><summary>Answer</summary>
# No. Its data come from the policy itself and change with it, and Ψ is measured anew for every rollout. Only its
# gradient means something, and only at the policy that collected the data. Whether the agent learns is seen in the
# return.
# </details>

# %% [markdown]
# ## 3 · A loss for the critic
#
# The critic $V(s)$ says what return to expect from a state. It is fitted to the returns that were seen, as in any
# regression:
#
# $$L_V = \frac1B \sum_{b=1}^{B} \big(V(s_b) - R_b\big)^2 \tag{3.5}$$
#
# (Schulman et al. 2016, section 5; so does the pseudocode of Spinning Up's VPG.) The square is least where V is the
# *mean* of the returns from that state, which is what a value is.
#
# There is one trap, and nearly everybody falls into it once. A network's output has shape (B, 1), the returns have
# (B,). Their difference is a table of B × B numbers: each value compared with *every* return. Nothing complains.

# %% nbgrader={"grade": false, "grade_id": "figure_table", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
returns = torch.tensor([1.0, 2.0, 3.0, 4.0])
values = returns.clone()  # a perfect critic
fig, axes = plt.subplots(1, 2, figsize=(7, 3.6), layout="constrained")
for ax, (left, shape) in zip(axes, ((values, "(4,)"), (values[:, None], "(4, 1)")), strict=True):
    squares = ((left - returns) ** 2).numpy()
    # where each row has one number, it belongs on the diagonal: each value with its own return
    table = np.where(np.eye(4) > 0, squares, np.nan) if squares.ndim == 1 else squares
    ax.imshow(table, cmap="Reds", vmin=0, vmax=14)
    for (row, column), square in np.ndenumerate(table):
        if np.isfinite(square):
            ax.text(column, row, f"{square:g}", ha="center", va="center")
    ax.set_title(
        f"values {shape} minus returns (4,)\nmean of the squares: {squares.mean():g}", loc="left"
    )
    ax.set(xticks=range(4), xticklabels=[f"R = {number:g}" for number in returns])
    ax.set(yticks=range(4), yticklabels=[f"V = {value:g}" for value in values])
plt.show()

# %% [markdown]
# Left, a perfect critic has loss 0. Right, the same critic has loss 2.5; the least it could reach there, 1.25, it would
# reach by giving every state the same value.
#
# ### Exercise `value_loss` (3 points, 15 minutes)
#
# **Why.** With a useless critic the agent learns slowly, or not at all, and no error says so.
#
# **Do.** Complete the function: first a check of the shapes, then one line. If the shapes differ, raise a
# `ValueError` whose text holds both. Equal shapes of any number of axes are fine.
#
# **Expect.** By hand, for values 0 and 5 and returns 3 and 4: the squares are 9 and 1, the loss is **5**. Its gradient
# with respect to the values is (2/B)(V − R): **−3** and **1**.


# %% nbgrader={"grade": false, "grade_id": "value_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def value_loss(values, returns):
    """Mean squared error of the critic, a scalar to minimise.

        L = mean_b( (V(s_b) − R_b)² )

    Args:
        values: (B,) tensor, or any other shape, V(s_b), with the graph that leads to the weights.
        returns: tensor of the same shape, R_b, data.

    Returns:
        0-d tensor, in the squared unit of the return; the gradient flows through the values.

    Raises:
        ValueError: the shapes differ; the text holds the numbers of both.
    """
    ### BEGIN SOLUTION
    if values.shape != returns.shape:
        raise ValueError(f"values has shape {tuple(values.shape)}, returns {tuple(returns.shape)}")
    return (values - returns).square().mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_value_loss", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("value_loss", value_loss)
### BEGIN HIDDEN TESTS
from grader import probe

probe("value_loss", value_loss)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** From one state the returns are 0 half of the time and 100 the other half. What does V converge to? And
# with the absolute error in place of the square?
#
# <details><summary>Answer</summary>
# To 50, the mean, though no episode ever returns 50. The absolute error does not care: every V from 0 to 100 has the
# same loss, for each of them is a median.
# </details>

# %% [markdown]
# ## 4 · The update
#
# An epoch of vanilla policy gradient collects a rollout with the weights held still, works out Ψ and the returns, and
# then takes two series of steps. A few for the policy: the data tell only how good the actions of the policy *that
# collected them* were, so it must not move far on them. Many for the critic: it is a
# regression, and the nearer it comes to its targets the better. Then the data are thrown away.
#
# (Spinning Up's VPG takes a single step for the policy and 80 for the critic; here both numbers are options.)

# %% nbgrader={"grade": false, "grade_id": "figure_epoch", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
parts = [  # what, ticks, width, colour
    ("rollout\nthe weights stand still", 50, 4.6, "0.45"),
    ("Ψ, returns\nonce", 0, 1.3, "0.75"),
    ("policy\n4 steps", 4, 1.3, "tab:orange"),
    ("critic\n40 steps", 40, 2.8, "tab:blue"),
]
fig, ax = plt.subplots(figsize=(10, 2), layout="constrained")
start = 0.0
for epoch in (1, 2):
    for what, ticks, width, colour in parts:
        ax.barh(0, width, 0.6, left=start, color=colour, alpha=0.3, lw=0)
        places = start + width * (np.arange(ticks) + 0.5) / max(ticks, 1)
        ax.vlines(places, -0.2, 0.2, color=colour, lw=1.2)
        ax.text(start + width / 2, 0.4, what, ha="center", va="bottom", fontsize=9)
        start += width
    ax.vlines(start, -0.9, 0.3, color="black", lw=1, ls=":")
    ax.text(start - 0.1, -0.55, f"end of epoch {epoch}: the data go", ha="right", va="center")
ax.set(ylim=(-0.9, 1.3), xlim=(0, start + 0.02))
ax.axis("off")
plt.show()

# %% [markdown]
# ### Exercise `vpg_update` (5 points, 30 minutes)
#
# **Why.** All learning happens in here; the rest of a training loop collects and reports.
#
# **Do.** Complete the function, about fifteen lines: two loops, each step on the full batch. Every step clears the
# gradients (there may be old ones from before the call), computes the loss from the network *as it is now*, goes backward and
# lets its optimizer step. Call your `policy_gradient_loss` and `value_loss`: while this is graded, two
# other losses stand in for them, and are recognised. The four numbers that you return may be measured at any moment of
# the update; `kl` is an estimate of how far the policy has moved from the one that acted,
#
# $$\mathrm{KL}(\pi_{\text{old}} \,\|\, \pi) = \mathbb{E}_{a \sim \pi_{\text{old}}}\big[\log \pi_{\text{old}}(a \mid s) - \log \pi(a \mid s)\big] \approx \frac1B \sum_{b=1}^{B} \big(\log \pi_{\text{old}}(a_b \mid s_b) - \log \pi(a_b \mid s_b)\big) \tag{3.6}$$
#
# (the definition of the divergence, and its mean over samples), and `ent` is the mean entropy.
#
# **Expect.** A world with one state and two actions, both logits 0, so each action has probability 0.5. The batch holds
# action 0 with Ψ = 1 and action 1 with Ψ = −1. Scores: (0.5, −0.5) and (−0.5, 0.5); weighted with Ψ, both are
# (0.5, −0.5), and so is their mean. One step of size 1: logits **(0.5, −0.5)**, and action 0 has probability
# 1/(1 + e⁻¹) = **0.731**. The critic starts at V = 0 and sees returns 1 and 3: gradient 2 · (0 − 2) = −4, one step of
# size 0.1: **V = 0.4**.


# %% nbgrader={"grade": false, "grade_id": "vpg_update", "locked": false, "schema_version": 3, "solution": true, "task": false}
def vpg_update(
    actor_critic, batch, policy_optimizer, value_optimizer, *, train_pi_iters, train_v_iters
):
    """One update of vanilla policy gradient, on the full batch; returns what happened.

    `train_pi_iters` times one step of the policy down L_π, `train_v_iters` times one of the critic down L_V:

        L_π = policy_gradient_loss(log π(a_b | s_b), Ψ_b)        L_V = value_loss(V(s_b), R_b)

    Args:
        actor_critic: `actor_critic.actor(observations)` is a torch Distribution of B actions, whose
            `log_prob(actions)` and `entropy()` are (B,); `actor_critic.critic(observations)` is V, (B,).
        batch: dict of tensors, B rows each: `observations`, `actions`, `log_probs` (of the policy that
            acted), `psi`, `returns`. It stays as it is.
        policy_optimizer: steps the actor's weights.
        value_optimizer: steps the critic's weights.
        train_pi_iters: number of steps of the policy.
        train_v_iters: number of steps of the critic.

    Returns:
        dict of floats, each measured at any moment of the update: `loss_pi`, `loss_v`, `kl` (mean of
        stored minus new log-probabilities, nats) and `ent` (mean entropy, nats).
    """
    ### BEGIN SOLUTION
    for _ in range(train_pi_iters):
        distribution = actor_critic.actor(batch["observations"])
        log_probs = distribution.log_prob(batch["actions"])
        loss_pi = policy_gradient_loss(log_probs, batch["psi"])
        policy_optimizer.zero_grad()
        loss_pi.backward()
        policy_optimizer.step()
    for _ in range(train_v_iters):
        values = actor_critic.critic(batch["observations"])
        loss_v = value_loss(values, batch["returns"])
        value_optimizer.zero_grad()
        loss_v.backward()
        value_optimizer.step()
    kl = (batch["log_probs"] - log_probs).mean()
    ent = distribution.entropy().mean()
    return {"loss_pi": loss_pi.item(), "loss_v": loss_v.item(), "kl": kl.item(), "ent": ent.item()}
    ### END SOLUTION


# %% [markdown]
# **The world of one state**, with your own update. Nothing is hidden in it: the numbers are those from above.


# %% nbgrader={"grade": false, "grade_id": "world_of_one_state", "locked": true, "schema_version": 3, "solution": false, "task": false}
class OneStateActor(nn.Module):
    """Two logits, the same for every observation."""

    def __init__(self):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(2))

    def forward(self, observations):
        return Categorical(logits=self.logits.expand(len(observations), 2))


class OneStateCritic(nn.Module):
    """One value, the same for every observation."""

    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.zeros(()))

    def forward(self, observations):
        return self.value.expand(len(observations))


class OneState(nn.Module):
    def __init__(self):
        super().__init__()
        self.actor, self.critic = OneStateActor(), OneStateCritic()


world = OneState()
batch = {
    "observations": torch.zeros(2, 1),
    "actions": torch.tensor([0, 1]),
    "log_probs": torch.log(torch.tensor([0.5, 0.5])),
    "psi": torch.tensor([1.0, -1.0]),
    "returns": torch.tensor([1.0, 3.0]),
}
report = vpg_update(
    world,
    batch,
    torch.optim.SGD(world.actor.parameters(), lr=1.0),
    torch.optim.SGD(world.critic.parameters(), lr=0.1),
    train_pi_iters=1,
    train_v_iters=1,
)
print("logits       ", world.actor.logits.tolist())
print("P(action 0)  ", round(torch.softmax(world.actor.logits, -1)[0].item(), 3))
print("V            ", round(world.critic.value.item(), 3))
print("you report   ", report)

# %% nbgrader={"grade": true, "grade_id": "test_vpg_update", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("vpg_update", vpg_update)
### BEGIN HIDDEN TESTS
from grader import probe

probe("vpg_update", vpg_update)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** The batch holds log-probabilities already. Why compute them again in every step?
#
# <details><summary>Answer</summary>
# The stored ones are numbers without a graph: no gradient flows from them to the weights. And after the first step the
# policy is another, so its log-probabilities are others, too. The stored ones keep what the old policy said, which is
# what `kl` needs, and in 05 the ratio.
# </details>

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_1_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 1 (1 point, 5 minutes)
#
# Look ahead to the settings `careful` for CartPole, in section 6. How many steps does the agent collect before each
# update, and how many optimisation steps follow, of which network? How many of each is that over the whole run, and
# how many rows of data does each optimisation step see?
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 1 point**
#
# - 0.5: 2500 environment steps before each update; then 4 steps of the policy and 40 of the critic.
# - 0.5: over 60 epochs 150,000 environment steps, 240 policy steps and 2400 critic steps; each sees the full
#   batch, all 2500 rows of the latest rollout and none of an earlier one.
# - Whoever has changed the settings is marked by the numbers they state.
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_1", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# Before each update 2500 steps are collected. Then the policy's optimizer makes 4 steps and the critic's 40. Over the
# 60 epochs that is 150,000 environment steps, 240 policy steps and 2400 critic steps. Every optimisation step sees the
# full batch, the 2500 rows of the latest rollout; older data are never used again.

# %% [markdown]
# ## 5 · Four ways to stop
#
# `discounted_returns` was for a finished episode. But a rollout has a fixed number of steps: it crosses the ends of
# episodes, and stops in the middle of one. What comes after a last step? Ask one thing only: *would the task have
# gone on from the state $s'_t$ that was reached?* If the task itself ended, nothing can follow. If somebody merely stopped
# watching, what would have followed still has its value, and the critic says how much:
#
# $$R_t = \begin{cases} r_t & \text{the task ended: } \textit{terminated} \\ r_t + \gamma\,V(s'_t) & \text{we stopped watching: } \textit{truncated}\text{, or the rollout is full} \\ r_t + \gamma\,R_{t+1} & \text{the episode goes on} \end{cases} \tag{3.7}$$
#
# (Pardo et al. 2018, arXiv:1712.00378.) A state in which the clock stopped an episode looks like any other; told that
# it is worth nothing, the critic is to learn a value that jumps without a reason it could see.
#
# The figure: an environment that pays 1 for ever, so V = 100 with γ = 0.99.

# %% nbgrader={"grade": false, "grade_id": "figure_four_stops", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
T, gamma = 80, 0.99
rewards, next_values, never = np.ones(T), np.full(T, 100.0), np.zeros(T, dtype=bool)
last = np.arange(T) == T - 1
cases = {  # title: (terminated, truncated) as they are, and as one might wrongly take them
    "terminated\n": ((last, never), None),
    "truncated, by the\ntask's clock or yours": ((never, last), (last, never)),
    "the rollout is full, the\nepisode goes on": ((never, never), (last, never)),
    "terminated, on the\nrollout's last step": ((last, never), (never, never)),
}
fig, axes = plt.subplots(1, 4, figsize=(10.5, 3.3), sharey=True, layout="constrained")
for ax, (title, (right, wrong)) in zip(axes, cases.items(), strict=True):
    if wrong is not None:
        mistaken = rlcore.discounted_returns(rewards, next_values, *wrong, gamma=gamma)
        ax.plot(mistaken, "--", color="tab:red", lw=2, label="a common mistake")
    returns = rlcore.discounted_returns(rewards, next_values, *right, gamma=gamma)
    ax.plot(returns, color="tab:blue", lw=2, label="right")
    ax.plot(T - 1, returns[-1], "o", color="tab:blue")
    ax.text(T + 4, returns[-1], f"{returns[-1]:g}", color="tab:blue", va="center")
    ax.set_title(title, loc="left")
    ax.set(xlabel="step t", ylim=(-5, 110), xlim=(-4, 98), xticks=(0, 40, 79))
axes[0].set_ylabel("return to go $R_t$")
fig.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
plt.show()

# %% [markdown]
# A common formulation knows a single flag, *done*, and makes both mistakes. It takes a truncation for a termination:
# the returns of the second panel sink to 1, although the same states, seen earlier in an episode, are worth 100. And
# after the last step of a rollout it always adds V, even if the episode ended on that very step: the fourth panel,
# where V speaks of a state that nobody will ever leave. Both are wrong. In `rlcore` the two flags
# are kept apart; `terminated` alone takes V away.

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_2_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 2 (2 points, 15 minutes)
#
# CartPole pays 1 for each step and has a clock of its own, which stops an episode after 500 steps. You may set a
# shorter limit, `max_ep_len`. Suppose γ = 0.99 and the critic gives V(s') = 60 for the state that the last step
# led to.
#
# 1. For each of these last steps say which of the two flags is set, what value belongs after it and why, and what
#    $R_t$ is: (a) the pole falls; (b) CartPole's clock stops the episode; (c) your own limit stops it;
#    (d) the rollout is full while the pole stands.
# 2. (e) The pole falls on the very last step of a rollout. What is $R_t$ now, and why?
# 3. After (d), where does the next rollout start?
#
# (`rlcore/runner.py`, `rlcore/envs.py` and the function `discounted_returns` in `rlcore/advantages.py` say what is
# done here.)
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 2 points**
#
# - 0.5: (a) `terminated`; 0, since nothing follows; R = 1. (e) the same: the flag decides, not the place in the
#   rollout; R = 1. Adding V there is the second common mistake.
# - 0.5: (b) `truncated`; V(s') of the state really reached, since the pole would have stood on; R = 1 + 0.99 · 60 = 60.4.
# - 0.5: (c) as (b): `max_ep_len` is given to the environment's time limit, so the flag is `truncated`; R = 60.4.
# - 0.5: (d) no flag is set; V(s') all the same; R = 60.4; the next rollout goes on with the same episode
#   where this one stopped. (At a checkpoint, every ten epochs, rlcore starts all episodes anew; that, too, is
#   a cut after which V belongs. Naming it is right and not asked for.)
# - Accepted: the numbers with one digit more or less. Take 0.25 off, once, if V is taken of the observation after the
#   reset. Not accepted: "truncated, so done, so 0".
# - Also right: "if the limit is part of the task itself, then time belongs into the observation, and its end is a
#   termination" (Pardo et al. 2018); full marks if the rest is there.
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_2", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# (a) The pole falls: `terminated`. The task is over, nothing can follow, so the value after it is 0 and R = 1.
# (b) CartPole's clock: `truncated`. The pole stands and would go on standing, so V(s') of the state really reached
# belongs after it, and not of the reset: R = 1 + 0.99 · 60 = 60.4. (c) My own limit is a clock like any other:
# `truncated`, V(s'), R = 60.4. (d) The rollout is full: neither flag is set, the episode goes on, we only stop
# counting; V(s') stands for what we do not see, R = 60.4.
#
# (e) The pole has fallen: `terminated`, R = 1. That the rollout ends there, too, changes nothing.
#
# After (d) the next rollout starts where this one stopped, in the same episode.

# %% [markdown]
# ## 6 · Learn
#
# Now `rlcore` trains with *your* losses. Its runner collects; its buffer works out the returns of eq. 3.7 and, as Ψ,
# normalised advantages (you will write them in 04); its `VPG` makes the two series of steps, as your `vpg_update`
# does, and calls your two functions. For that they have to stand in a file.

# %% nbgrader={"grade": false, "grade_id": "my_losses", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
for loss in (policy_gradient_loss, value_loss):
    loss(torch.zeros(2, requires_grad=True), torch.zeros(2))  # stops here until both are written

imports = (
    "import numpy as np\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
)
sources = [inspect.getsource(loss) for loss in (policy_gradient_loss, value_loss)]
Path("my_losses.py").write_text("\n\n".join([imports, *sources]), encoding="utf-8")
print("my_losses.py is written; if the losses call helpers of yours, add them to it.")

# %% [markdown]
# Another environment is one line away: set `ENV = "LunarLander-v3"` (about two minutes; it needs Box2D, and without it
# the cell says what to install). The agent that you hand in is always CartPole's.
#
# There are two configurations, and they differ in one number: the second takes policy steps ten times as long. The
# entropy of a policy over two actions is ln 2 = 0.693 nats when it tosses a coin, and 0 when it is certain. How do
# return and entropy go in the two? Write down your guess before you train; question 4 comes back to it.

# %% [markdown]
# **My guess.** Careful: … Hasty: …

# %% tags=["skip-execution"]
ENV = "CartPole-v1"  # or "LunarLander-v3"
SEEDS = (0, 1, 2)
AGAIN = False  # True throws the runs of this environment away and trains anew

try:
    rlcore.make_env(ENV).close()
except ImportError as error:
    print(f"{error}\nUntil then, CartPole-v1.")
    ENV = "CartPole-v1"

careful = {
    "CartPole-v1": rlcore.Config(
        env="CartPole-v1",
        epochs=60,
        steps_per_epoch=2500,
        pi_lr=5e-3,
        v_lr=3e-3,
        train_pi_iters=4,
        train_v_iters=40,
        lr_decay=True,
    ),
    "LunarLander-v3": rlcore.Config(
        env="LunarLander-v3",
        epochs=100,
        steps_per_epoch=4000,
        pi_lr=3e-3,
        v_lr=3e-3,
        train_pi_iters=4,
        train_v_iters=40,
        num_envs=4,
        lr_decay=True,
    ),
}[ENV]
hasty = careful.model_copy(update={"pi_lr": 10 * careful.pi_lr})
print(f"{ENV}: {careful.epochs} epochs of {careful.steps_per_epoch} steps, {len(SEEDS)} seeds each")

# %% [markdown]
# The next cell trains. On two cores CartPole takes about a minute, and the figure grows meanwhile; runs that are there
# already are not run again. From a shell, one run with the same losses is
#
#     python -m rlcore.train --env CartPole-v1 --epochs 60 --steps_per_epoch 2500 --pi_lr 5e-3 --v_lr 3e-3 --lr_decay --prefix logs/shell

# %% nbgrader={"grade": false, "grade_id": "train", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
if not Path("my_losses.py").exists():
    raise NotImplementedError("First write the two losses, and run the cell that saves them.")
if AGAIN:
    for folder in Path("logs/03").glob(f"{ENV}_*"):
        shutil.rmtree(folder)
    AGAIN = False
folders = run_experiment(
    {"_careful": careful, "_hasty": hasty}, prefix="logs/03", seeds=SEEDS, losses="my_losses.py"
)
if ENV == "CartPole-v1":  # the agent you hand in: the first run
    Path("cartpole_agent").mkdir(exist_ok=True)
    for name in ("config.json", "model.npz"):
        shutil.copy(folders[0] / name, "cartpole_agent")
    if "trained_agent" in globals():
        globals()["trained_agent"].cache_clear()  # which keeps the agent that was there

# %% [markdown]
# Everything that was measured on the way is in TensorBoard, too, one scalar a panel: `ep_ret`, `ent`, `kl`, `loss_pi`,
# `loss_v` and more. Here, if you set the switch; or from a shell in this folder: `tensorboard --logdir logs`.

# %% tags=["skip-execution"]
SHOW_TENSORBOARD = False
if SHOW_TENSORBOARD:  # the same as %load_ext tensorboard and %tensorboard --logdir logs
    from IPython import get_ipython

    get_ipython().run_line_magic("load_ext", "tensorboard")
    get_ipython().run_line_magic("tensorboard", "--logdir logs")

# %% [markdown]
# Return and entropy, side by side: lines are medians over the seeds, bands reach from the lowest to the highest.

# %% nbgrader={"grade": false, "grade_id": "figure_return_and_entropy", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
folders = [path.parent for path in sorted(Path("logs/03").glob(f"{ENV}_*/model.npz"))]
if not folders:
    print("No run has finished yet: run the cell that trains.")
else:
    fig, axes = plt.subplots(1, 2, figsize=(10.5, 3.8), layout="constrained")
    for ax, column in zip(axes, ("ep_ret_100", "ent"), strict=True):
        plot_runs(folders, column=column, ax=ax)
        ax.locator_params(axis="x", nbins=4)
    axes[0].legend(frameon=False)
    num_actions = 2 if ENV == "CartPole-v1" else 4
    axes[1].axhline(np.log(num_actions), color="0.5", lw=1, ls=":")
    axes[1].text(0, np.log(num_actions), "all actions alike", va="bottom", color="0.4")
    axes[1].set(ylabel="entropy, nats", ylim=(0, 1.1 * np.log(num_actions)))
    axes[1].get_legend().remove()
    plt.show()
    for folder in folders:
        run = read_history(folder)
        end = f"return {run['ep_ret_100'][-1]:6.1f}, entropy {run['ent'][-1]:.2f}"
        tenth = f"entropy after a tenth of the run {run['ent'][len(run['ent']) // 10]:.2f}"
        print(f"{folder.name:55}{end}, {tenth}")

# %% [markdown]
# ### Exercise `cartpole_agent` (3 points, 15 minutes)
#
# **Why.** A policy is what you hand over in the end: observations in, actions out.
#
# **Do.** Complete `act`, one line. `trained_agent()` loads the policy that the training cell saved in
# `cartpole_agent/`; called with observations it gives their likeliest actions. The grader plays 20 new episodes: full
# points from a mean return of 400, none up to 100. Hand in the folder `cartpole_agent` together with this notebook.
#
# **Expect.** One action for each row, so for 20 observations an array of shape (20,). Nothing in CartPole earns more than
# **500**: its clock stops every episode there.


# %% nbgrader={"grade": false, "grade_id": "cartpole_agent", "locked": false, "schema_version": 3, "solution": true, "task": false}
@functools.cache
def trained_agent():
    """The policy saved in cartpole_agent/, loaded once: observations (N, 4) → likeliest actions (N,)."""
    return rlcore.load_agent("cartpole_agent")


def act(observations):
    """Actions of the trained policy.

    Args:
        observations: (N, 4) float array, one row for each of N environments.

    Returns:
        (N,) int array, 0 (push left) or 1 (push right).
    """
    ### BEGIN SOLUTION
    return trained_agent()(observations)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_cartpole_agent", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("cartpole_agent", act)
### BEGIN HIDDEN TESTS
from grader import probe

probe("cartpole_agent", act)
### END HIDDEN TESTS

# %% [markdown]
# Watch it: first a policy that has learned nothing, then yours.

# %% nbgrader={"grade": false, "grade_id": "video_before", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
env = rlcore.make_env("CartPole-v1")
torch.manual_seed(3)
model = rlcore.make_model(rlcore.Config(env="CartPole-v1"), env.observation_space, env.action_space)
untrained = rlcore.Agent(model, None, deterministic=False)
display(
    Video(
        str(rlcore.record("CartPole-v1", untrained, "videos/before.mp4", max_steps=500, seed=3)),
        embed=True,
    )
)
returns = rlcore.evaluate("CartPole-v1", untrained, num_episodes=20, seed=3)
print(f"before: mean return {returns.mean():.0f} over {len(returns)} episodes")

# %% nbgrader={"grade": false, "grade_id": "video_after", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
display(
    Video(
        str(rlcore.record("CartPole-v1", act, "videos/after.mp4", max_steps=500, seed=3)),
        embed=True,
    )
)
returns = rlcore.evaluate("CartPole-v1", act, num_episodes=5, seed=3)
print(f"after: mean return {returns.mean():.0f} over {len(returns)} episodes")

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_3_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 3 (1 point, 15 minutes)
#
# Read the method `epoch` of `rlcore/train.py`, `VPG.update` in `rlcore/algorithms.py` and `RolloutBuffer.fill` in
# `rlcore/buffer.py`. Take notes on the training loop, five or six lines: what happens in an epoch, in which order, with
# which weights? Name one thing that it does and your `vpg_update` does not.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 1 point**
#
# - 0.5: the order: the learning rates are set (falling, with `lr_decay`); a rollout is collected with the weights as
#   they are; values, log-probabilities, returns, advantages and Ψ are worked out once, before any step; the policy's
#   steps, then the critic's; diagnostics of the whole batch afterwards; one row of the history.
# - 0.5: one true difference, for example: Ψ is normalised over the rollout (in the buffer); the policy's loop may stop
#   early when the KL exceeds 1.5 · `target_kl` (off by default); an entropy bonus can be added
#   (`entropy_coef`, 0 by default); the losses reported are those of the first step while `kl` and `ent` are measured
#   after the update; it stops when a loss is not finite; its optimizer is an Adam of its own on one flat tensor.
# - Not accepted: "it uses minibatches" (that is PPO); "it computes new advantages between the steps".
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_3", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# An epoch first sets the learning rates, which fall to 0 on a line here. Then it collects a rollout; the weights stand
# still meanwhile. When the rollout is full, V and log π of all its rows are computed in one go, and from them,
# once, the returns, the advantages and Ψ. Then the policy makes its 4 steps and after that the critic its 40, all on the
# full batch, with Ψ and returns left as they are. At the end the whole batch is looked at once more for `kl`, `ent` and the
# other diagnostics, and a row is added to the history.
#
# A difference: rlcore normalises Ψ over the rollout, in the buffer; `vpg_update` takes Ψ as it comes.

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_4_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 4 (1 point, 15 minutes)
#
# Read your figure of return and entropy. What did the entropy do in the careful runs and in the hasty ones, and what
# did the return? Give numbers. Why should the entropy fall, and why slowly? How does that compare with your guess?
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 1 point**
#
# - 0.5: read off the student's own curves, with numbers: in the careful runs the entropy falls from 0.69 to about 0.5
#   and stays there while the return climbs; in the hasty ones it falls to 0.1 or less at once, and the return
#   does not last (a seed that recovers is fine, if it is named).
# - 0.5: why: it should fall, since a good policy prefers some actions; slowly, since a policy
#   without entropy no longer tries anything else: its data hold one action per state, the score of a certain action is
#   near 0, so there is next to no gradient left to correct a mistake.
# - The guess counts as made; whether it was right does not matter. Without any guess: nothing is taken off.
# - Not accepted: "low entropy is bad" or "high entropy is good" without a reason.
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_4", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# In the careful runs the entropy is 0.6 after the first update and sinks to 0.48 by the end, while the return climbs
# to nearly 500. In the hasty runs the first update alone takes it to 0.1, and the return, which had begun to rise, falls
# to about 10 (one seed: 30) and stays there.
#
# Entropy should fall, because a good policy is surer of its actions than a coin. It should fall slowly, because a policy
# learns from what it tries: once it is certain, its rollouts hold one action per state, nothing to compare it with, and the
# score of an action that has probability 1 is 0. It can then be wrong for ever. I had guessed that the long steps would
# merely be noisier; that they end learning altogether I had not expected.

# %% [markdown]
# ## When it does not learn
#
# - Stop inside your own function: write `breakpoint()` in it and call it; `n` goes on, `p log_probs.shape` prints, `q`
#   leaves. Or, after an error, run `%debug` in the next cell: it opens ipdb where it happened.
# - Shrink the problem until you know the answer, as the world of one state does: one state, two actions, one is better.
#   A method that cannot learn that cannot learn CartPole. If V is wrong there, it is the critic's loss; if V is
#   right and the policy moves the wrong way, it is the sign of the policy's.
# - Look at one scalar first: `ent`. Near its start for ever: the policy's loss has no gradient, or Ψ is 0. Near 0 after a
#   few epochs: the steps are too long. Then at `kl`: the careful runs stay below 0.2 nats in every epoch, the hasty
#   ones begin above 5. Then at `loss_v`.
# - Runs that are finished are not run again. After a change to a loss run the cell that saves them, and
#   set `AGAIN = True` above.
#
# ## What you saw, and what comes next
#
# Two losses and two loops are a whole policy gradient method. The policy's loss is a means to a gradient; the critic's is
# a regression whose targets need care wherever a rollout stops. And how fast the policy may move decides whether it goes on
# learning. In 04 you write what stood in for Ψ here, the advantages, and measure what they gain over returns. In 05 you
# see what happens when the policy takes 20 steps on the same data, and how a clip prevents it.
