# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 01 · A policy that chooses: softmax and its score
#
# After this notebook you can
#
# - turn the numbers a network gives into a policy over a few actions, and say how sure that policy is,
# - write down the *score*: the direction in which an action you took becomes likelier,
# - compute the gradient of the expected reward exactly, and estimate it from actions that were merely tried.
#
# It takes about 75 minutes. Graded here, 14 points:
#
# | exercise | what you write | minutes | points |
# |---|---|---|---|
# | `categorical_probs` | two lines of torch | 5 | 1 |
# | `categorical_log_prob` | two or three lines | 5 | 1 |
# | written question 1 | what logits are | 10 | 2 |
# | `categorical_score` | three lines | 15 | 3 |
# | written question 2 | what the score tells us to do | 10 | 2 |
# | `categorical_entropy` | two lines | 5 | 1 |
# | `exact_policy_gradient` | two lines, or a short loop | 10 | 2 |
# | `score_function_estimate` | two lines, or a short loop | 10 | 2 |
#
# In the next cell, put your login, or the two of your team. Then run the cells from the top, with Shift + Enter.

# %%
TEAM = ["login1"]  # one or two logins; both get the marks

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatLogSlider, interact
from torch.distributions import Categorical

from grader import hint

# Four actions; these logits are the example of the whole notebook.
EXAMPLE_LOGITS = torch.tensor([-2.5, 0.9, 2.4, 3.7], dtype=torch.float64)

# %% [markdown]
# ## How an exercise works
#
# Where a function says `raise NotImplementedError`, put your code in its place, run the cell, then run the cell below
# it. That one calls `check(...)`, which runs your function on a few inputs and answers at once. For example, if you
# divided the logits by their sum in the first exercise, you would read
#
# ```
# ✘ categorical_probs: 0 of 1 points
#     ✘ for logits of ordinary size (0.5)
#     ✘ for logits of up to ±10 000 (0.25)
#     ✘ for float32 arguments, which must stay as they are (0.25)
# ```
#
# and below it where the first wrong number stands, what it should have been, and, since this mistake is a known one:
# *These are the numbers one gets when the logits are divided by their sum, with no exponential.* Check as often as you
# like; it costs nothing. For marks, your function is run on other inputs of the same kinds.
#
# Stuck? Each exercise has three hints. They say more and more, but they are never code.

# %%
hint("categorical_probs")

# %% [markdown]
# ## 1 · From numbers to a policy
#
# A policy network gives one real number for each action, of any size and sign. These are the **logits** $z$. A policy
# needs probabilities: positive, adding up to 1. The exponential makes any number positive, and a division does the rest.
# That is the **softmax**:
#
# $$\pi(a) = \frac{e^{z_a}}{\sum_k e^{z_k}} \tag{1.1}$$
#
# (Sutton & Barto 2018, section 13.1, where logits are called *preferences*.) Only differences of logits count:
# $\pi(a)/\pi(b) = e^{z_a - z_b}$. Dividing all logits by a *temperature* T shrinks or stretches these differences. Move
# the slider below the figure.

# %% nbgrader={"grade": false, "grade_id": "figure_temperature", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
TEMPERATURES = (0.3, 1, 3, 10)


def draw_policy(ax, temperature):
    """Bars: the softmax of the example's logits divided by a temperature."""
    probs = Categorical(logits=EXAMPLE_LOGITS / temperature).probs
    bars = ax.bar(range(4), probs, color="tab:blue")
    ax.bar_label(bars, [f"{p:.3f}" for p in probs])
    labels = [f"{k}\n{z:g}".replace("-", "−") for k, z in enumerate(EXAMPLE_LOGITS.tolist())]
    ax.set(xticks=range(4), ylim=(0, 1.12), xlabel="action, and its logit")
    ax.set_xticks(range(4), labels)
    ax.set_title(f"T = {temperature:.3g}")


fig, axes = plt.subplots(1, 4, figsize=(10, 3), sharey=True, layout="constrained")
for ax, temperature in zip(axes, TEMPERATURES, strict=True):
    draw_policy(ax, temperature)
axes[0].set_ylabel("probability π(a)")
plt.show()

slider = FloatLogSlider(value=1, base=10, min=-1, max=2, step=0.1, description="T")


@interact(temperature=slider)
def one_policy(temperature):
    """The same figure at the slider's temperature."""
    _, ax = plt.subplots(figsize=(4, 3), layout="constrained")
    draw_policy(ax, temperature)
    ax.set_ylabel("probability π(a)")
    plt.show()


# %% [markdown]
# ### Exercise `categorical_probs` (1 point, 5 minutes, easy)
#
# **Why.** Everything below is built from π.
#
# **Do.** Complete the function, about two lines, eq. 1.1. `logits` has K entries along its *last* axis; whatever axes
# come before it stay (`dim=-1` and `keepdim=True` are your friends). Logits may be as large as ±10 000, and
# $e^{10\,000}$ is larger than any float. Adding the same constant to all logits of a row changes no probability: use
# that.
#
# **Expect.** By hand, for the logits −2.5, 0.9, 2.4, 3.7: the exponentials are 0.08, 2.46, 11.02 and 40.45, their sum is
# 54.01, so action 2 has 11.02 / 54.01 = **0.204**. The figure shows it at T = 1.


# %% nbgrader={"grade": false, "grade_id": "categorical_probs", "locked": false, "schema_version": 3, "solution": true, "task": false}
def categorical_probs(logits):
    """Probabilities of a softmax policy.

        π(a) = exp(z_a) / Σ_k exp(z_k)

    Sutton & Barto 2018, section 13.1. Finite for logits of ±10 000.

    Args:
        logits: (..., K) float tensor, z.

    Returns:
        (..., K) float in [0, 1], adding up to 1 over the last axis. The argument stays as it is.
    """
    ### BEGIN SOLUTION
    weights = torch.exp(logits - logits.max(dim=-1, keepdim=True).values)
    return weights / weights.sum(dim=-1, keepdim=True)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_categorical_probs", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("categorical_probs", categorical_probs)
### BEGIN HIDDEN TESTS
from grader import probe

probe("categorical_probs", categorical_probs)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** What becomes of the policy as T goes to 0, and as T grows without end?
#
# <details><summary>Answer</summary>
# T → 0: all probability goes to the action with the largest logit (shared, if several are equally large). T → ∞: all
# actions become equally likely.
# </details>

# %% [markdown]
# ## 2 · The logarithm of a probability
#
# From here on you will need $\log\pi(a)$ more often than $\pi(a)$. The logarithm of eq. 1.1 is a difference:
#
# $$\log\pi(a) = z_a - \log\sum_k e^{z_k} \tag{1.2}$$
#
# So a logit is a log-probability, up to a constant that all actions of a state share. Eq. 1.2 is also the safe way to
# compute it. The logarithm of a probability that has become too small for a float is $-\infty$, and one such number
# spoils the mean of a whole batch. The figure takes two actions, and the log-probability of the less likely one, in
# both ways.

# %% nbgrader={"grade": false, "grade_id": "figure_log_prob", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
gaps = torch.arange(0.0, 1001.0)
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
ax.plot(gaps, -gaps, color="0.75", lw=6, label="eq. 1.2")
for dtype, colour in ((torch.float64, "tab:blue"), (torch.float32, "tab:red")):
    name = str(dtype).removeprefix("torch.")
    table = torch.stack([-gaps, torch.zeros_like(gaps)], dim=1).to(dtype)
    through_probs = torch.log(Categorical(logits=table).probs[:, 0])
    last = int(gaps[through_probs.isfinite()].max())
    ax.plot(gaps, through_probs, color=colour, lw=1.8, label=f"logarithm of π, {name}")
    ax.plot(last, -last, "o", color=colour)
    ax.annotate(f"−∞ from here on ({name})", (last, -last), (12, 0), textcoords="offset points")
    print(f"{name}: the probability is 0 as soon as the logits differ by more than {last}")
ax.set(xlabel="difference of the two logits", ylabel="log π of the less likely action, nats")
ax.set(xlim=(0, 1000), ylim=(-1000, 30))
ax.legend(frameon=False, loc="lower left")
plt.show()

# %% [markdown]
# ### Exercise `categorical_log_prob` (1 point, 5 minutes, easy)
#
# **Why.** Log-probabilities of the actions taken are what every loss of this course starts from.
#
# **Do.** Complete the function, two or three lines, eq. 1.2. Row b of `logits` belongs to `actions[b]`: pick one entry
# of each row (`gather`, or an index of rows and one of columns). Finite and exact for logits of ±10 000, so keep
# away from the probability, and subtract the row's largest logit before you take any exponential.
#
# **Expect.** By hand, for action 2 of the example: 2.4 − log 54.01 = 2.4 − 3.989 = **−1.589**.


# %% nbgrader={"grade": false, "grade_id": "categorical_log_prob", "locked": false, "schema_version": 3, "solution": true, "task": false}
def categorical_log_prob(logits, actions):
    """Log-probability of the action taken, row by row.

        log π(a) = z_a − log Σ_k exp(z_k)

    The logarithm of the softmax of Sutton & Barto 2018, section 13.1. Exact for logits of ±10 000.

    Args:
        logits: (B, K) float tensor, z.
        actions: (B,) int64 tensor, 0 ≤ a < K.

    Returns:
        (B,) float, at most 0, in nats. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    shifted = logits - logits.max(dim=-1, keepdim=True).values
    log_pi = shifted - torch.log(torch.exp(shifted).sum(dim=-1, keepdim=True))
    return log_pi.gather(1, actions.unsqueeze(1)).squeeze(1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_categorical_log_prob", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("categorical_log_prob", categorical_log_prob)
### BEGIN HIDDEN TESTS
from grader import probe

probe("categorical_log_prob", categorical_log_prob)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** Five actions are drawn one after the other, each from a policy of its own. What is the log-probability of
# having drawn exactly these five?
#
# <details><summary>Answer</summary>
# The sum of the five log-probabilities: given the states, the probabilities multiply, so their logarithms add. This is
# why logarithms are so convenient for whole episodes.
# </details>

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_1_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 1 (2 points, 10 minutes)
#
# 1. Which function turns logits into probabilities? What do logits themselves mean, since they are not probabilities:
#    what does the *difference* of two of them say?
# 2. Why is it safe to add the same constant to all logits of a state? And what is that good for on a computer?
#
# Four sentences are enough.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 2 points**
#
# - 0.5: the softmax (name or formula): the exponential of each logit, divided by the sum of all exponentials.
# - 0.5: logits are log-probabilities up to a constant shared by all actions; the difference of two is the logarithm of
#   the ratio of their probabilities. (Also accepted: any real numbers, whose order is that of the probabilities, with
#   the ratio given as $e^{z_a - z_b}$.) Not enough: "scores", "unscaled outputs of the network".
# - 0.5: a constant c multiplies the numerator and every term of the denominator by $e^c$, which cancels. (Also
#   accepted: only differences of logits count, and they stay.)
# - 0.5: one subtracts the largest logit, so no exponential is larger than 1 and none overflows, while the sum is at
#   least 1 and its logarithm is finite.
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_1", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# The softmax: the exponential of each logit over the sum of the exponentials of all. Logits are log-probabilities up to
# a constant that all actions share; the difference of two logits is the logarithm of how many times likelier one action
# is than the other. Adding c to all logits multiplies the numerator and every term of the denominator by $e^c$, which
# cancels. On a computer one subtracts the largest logit: then no exponential exceeds 1, nothing overflows, and the sum
# is at least 1.

# %% [markdown]
# ## 3 · The score
#
# An action was taken. In which direction must the logits move to make it likelier? Along the gradient of its
# log-probability, called the **score**. Eq. 1.2 has two terms: the first rises with $z_a$ alone, the second with every
# logit. Differentiated:
#
# $$\frac{\partial \log\pi(a)}{\partial z_k} = \mathbf 1[k = a] - \pi(k) \tag{1.3}$$
#
# (Williams 1992 calls it the *characteristic eligibility*; for the softmax it is derived in Sutton & Barto 2018,
# section 2.8.) $\mathbf 1[k = a]$ is 1 for the action taken and 0 for the others. The figure shows the score of each of
# the four actions, computed by automatic differentiation. You will not need that.

# %% nbgrader={"grade": false, "grade_id": "figure_score", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
fig, axes = plt.subplots(1, 4, figsize=(10, 3), sharey=True, layout="constrained")
for action, ax in enumerate(axes):
    z = EXAMPLE_LOGITS.clone().requires_grad_()
    (score,) = torch.autograd.grad(Categorical(logits=z).log_prob(torch.tensor(action)), z)
    colours = ["tab:blue" if k == action else "tab:red" for k in range(4)]
    bars = ax.bar(range(4), score, color=colours)
    ax.bar_label(bars, [f"{s:+.3f}".replace("-", "−") for s in score], padding=2)
    ax.axhline(0, color="black", lw=0.8)
    probability = Categorical(logits=EXAMPLE_LOGITS).probs[action]
    ax.set_title(f"action {action} was taken\nπ({action}) = {probability:.3f}")
    ax.set(xticks=range(4), xlabel="logit k", ylim=(-1.05, 1.25))
axes[0].set_ylabel("score ∂ log π(a) / ∂z_k")
plt.show()

# %% [markdown]
# Blue, up: the action taken. Red, down: all others, each in proportion to its own probability. A rare action (0) gives
# a large score, a likely one (3) a small one.
#
# ### Exercise `categorical_score` (3 points, 15 minutes, medium)
#
# **Why.** A policy gradient is nothing but scores, weighted by how well things went.
#
# **Do.** Complete the function, about three lines, eq. 1.3, in closed form: the check switches autograd off. Row b has
# an action of its own; nothing is averaged over rows.
#
# **Expect.** By hand, for action 2 of the example, whose probabilities are 0.001520, 0.045538, 0.204087 and 0.748855:
# at k = 2 it is 1 − 0.204087 = **0.795913**, elsewhere −0.001520, −0.045538 and −0.748855. The four add up to 0.


# %% nbgrader={"grade": false, "grade_id": "categorical_score", "locked": false, "schema_version": 3, "solution": true, "task": false}
def categorical_score(logits, actions):
    """Score of the action taken: the gradient of its log-probability by the logits, row by row.

        ∂ log π(a) / ∂z_k = 1[k = a] − π(k)

    Williams 1992; Sutton & Barto 2018, section 2.8. In closed form, without autograd.

    Args:
        logits: (B, K) float tensor, z; up to ±10 000.
        actions: (B,) int64 tensor, 0 ≤ a < K.

    Returns:
        (B, K) float in [−1, 1], every row adding up to 0. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    one_hot = torch.zeros_like(logits)
    one_hot[torch.arange(len(actions)), actions] = 1.0
    return one_hot - categorical_probs(logits)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_categorical_score", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("categorical_score", categorical_score)
### BEGIN HIDDEN TESTS
from grader import probe

probe("categorical_score", categorical_score)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** Draw an action from the policy and look at its score. What is the score on average?
#
# <details><summary>Answer</summary>
# Zero, in every entry: the 1 stands at k with probability π(k), and π(k) is subtracted always. Without rewards, no
# action is pushed up on average. You will need this in section 6:
#
# $$\sum_a \pi(a)\,\frac{\partial \log\pi(a)}{\partial z_k} = 0 \tag{1.4}$$
#
# (Sutton & Barto 2018, section 13.4, uses it to justify a baseline.)
# </details>

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_2_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 2 (2 points, 10 minutes)
#
# What does the score tell us to do? Look at the figure and at eq. 1.3.
#
# 1. Action a was taken, and the logits are moved a little along its score. Which logits go up, which go down, and how
#    strongly each?
# 2. The action was followed by a good reward, or by a bad one (say, a negative one). How should the score be used in
#    each case?
# 3. What is left of the score when π(a) is close to 1, and why does that make sense?
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 2 points**
#
# - 0.5: the logit of the action taken goes up, by 1 − π(a) times the step; all others go down.
# - 0.5: each of the others by its own probability π(k): likely ones most. (Also accepted: what one gains, the others
#   lose; the entries add up to 0.)
# - 0.5: the score is multiplied by the reward (or by how much better than usual it was): along it after a good
#   reward, against it after a bad one, further for a larger one. "Gradient ascent on reward times log-probability" is
#   the same.
# - 0.5: nearly nothing: 1 − π(a) and all other π(k) are close to 0; such an action can hardly become likelier. (Going
#   further and naming the danger, that a policy that is sure learns nothing from what it does, earns it too.)
# - Not accepted: that the score says which action is good. It knows nothing of rewards.
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_2", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# The logit of the action taken goes up by 1 − π(a) times the step, every other one goes down by its own π(k) times the
# step, so the likely others lose most. The score says how to make the action likelier, not whether it was good: multiply
# it with the reward, so that one moves along it after a good reward, against it after a bad one, and further for a
# larger one. When π(a) is close to 1 the score is close to 0 in every entry: the action can hardly become likelier.

# %% [markdown]
# ## 4 · How sure a policy is
#
# An action of probability π(a) surprises by $-\log\pi(a)$. The **entropy** is the surprise to be expected when actions
# are drawn from the policy:
#
# $$H(\pi) = -\sum_a \pi(a)\,\log\pi(a) \tag{1.5}$$
#
# (Shannon 1948; with the natural logarithm the unit is the *nat*.) It is 0 when one action is certain and log K when
# all K actions are equally likely. While an agent trains you will watch it fall: that is the policy making up its mind.
# An action of probability 0 adds nothing, $0 \cdot \log 0 = 0$. The dots are the four policies of the first figure.

# %% nbgrader={"grade": false, "grade_id": "figure_entropy", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
temperatures = torch.logspace(-1, 2, 200, dtype=torch.float64)
entropies = Categorical(logits=EXAMPLE_LOGITS / temperatures.unsqueeze(1)).entropy()

fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
ax.semilogx(temperatures, entropies, color="tab:blue")
ax.axhline(np.log(4), color="0.5", ls="--", lw=1)
ax.text(0.105, np.log(4), "log 4: all equally likely", color="0.35", va="bottom")
for temperature in TEMPERATURES:
    entropy = Categorical(logits=EXAMPLE_LOGITS / temperature).entropy().item()
    ax.plot(temperature, entropy, "o", color="tab:blue")
    ax.annotate(
        f"T = {temperature:g}: {entropy:.3f}",
        (temperature, entropy),
        xytext=(8, -4),
        textcoords="offset points",
        va="top",
    )
ax.set(xlabel="temperature T", ylabel="entropy H, nats", ylim=(-0.05, 1.6))
plt.show()

# %% [markdown]
# ### Exercise `categorical_entropy` (1 point, 5 minutes, easy)
#
# **Why.** It is the first curve to look at when a policy does not learn.
#
# **Do.** Complete the function, about two lines, eq. 1.5. With logits of ±10 000 some probabilities are 0: take the
# logarithms from eq. 1.2, where they stay finite.
#
# **Expect.** By hand, for probabilities ½, ¼, ¼: ½ log 2 + 2 · ¼ log 4 = 1.5 log 2 = **1.040**. For the example: 0.691.


# %% nbgrader={"grade": false, "grade_id": "categorical_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def categorical_entropy(logits):
    """Entropy of a softmax policy, row by row.

        H = −Σ_a π(a) log π(a),        0 · log 0 = 0

    Shannon 1948.

    Args:
        logits: (B, K) float tensor, z; up to ±10 000.

    Returns:
        (B,) float, nats, from 0 to log K. The argument stays as it is.
    """
    ### BEGIN SOLUTION
    shifted = logits - logits.max(dim=-1, keepdim=True).values
    log_pi = shifted - torch.log(torch.exp(shifted).sum(dim=-1, keepdim=True))
    return -(torch.exp(log_pi) * log_pi).sum(dim=-1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_categorical_entropy", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("categorical_entropy", categorical_entropy)
### BEGIN HIDDEN TESTS
from grader import probe

probe("categorical_entropy", categorical_entropy)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** Add 5 to all logits of a state. What happens to the entropy? And when you multiply them all by 5?
#
# <details><summary>Answer</summary>
# Adding changes no probability, so nothing. Multiplying by 5 is a temperature of 1/5: the entropy falls, unless all
# logits are equal.
# </details>

# %% [markdown]
# ## 5 · The gradient, exactly
#
# Take the smallest problem there is: one state, one step. Action a pays r(a), and that is all. The policy's value is
# the expected reward $J = \sum_a \pi(a)\,r(a)$. Which way should the logits move? Since $\nabla\pi = \pi\,\nabla\log\pi$,
#
# $$\nabla J = \sum_a \pi(a)\,r(a)\,\nabla\log\pi(a) \tag{1.6}$$
#
# (This is the policy gradient of Sutton & Barto 2018, sections 13.2 and 13.3, for one state and one step.) So every action's score
# counts, weighted by what the action pays and by how often it is taken. With few actions you can add them all up.

# %% nbgrader={"grade": false, "grade_id": "figure_one_step", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
REWARDS = torch.tensor([10.0, 4.0, 3.0, 1.0], dtype=torch.float64)  # of actions 0 to 3

z = EXAMPLE_LOGITS.clone().requires_grad_()
probs = Categorical(logits=z).probs
expected_reward = (probs * REWARDS).sum()
(gradient,) = torch.autograd.grad(expected_reward, z)

fig, axes = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
signs = ["tab:blue" if g > 0 else "tab:red" for g in gradient]
panels = (
    (axes[0], probs.detach(), "tab:blue", "{:.3f}", "how often: π(a)"),
    (axes[1], REWARDS, "0.6", "{:.0f}", "what it pays: r(a)"),
    (axes[2], gradient, signs, "{:+.3f}", "what to do: ∂J/∂z"),
)
for ax, numbers, colour, form, title in panels:
    bars = ax.bar(range(4), numbers, color=colour)
    ax.bar_label(bars, [form.format(x).replace("-", "−") for x in numbers.tolist()], padding=2)
    ax.axhline(0, color="black", lw=0.8)
    ax.set(xticks=range(4), xlabel="action")
    ax.set_title(title)
    ax.margins(y=0.18)
axes[0].set_ylabel("probability")
axes[1].set_ylabel("reward")
axes[2].set_ylabel("reward per unit of logit")
axes[1].axhline(expected_reward.item(), color="black", ls="--", lw=1)
axes[1].text(3.45, expected_reward.item() + 0.15, f"J = {expected_reward:.3f}", ha="right")
plt.show()

# %% [markdown]
# ### Exercise `exact_policy_gradient` (2 points, 10 minutes, medium)
#
# **Why.** It is the truth that all estimates are measured against.
#
# **Do.** Complete the function, eq. 1.6: two lines, or a loop over the K actions. There is one state here, so both
# arguments are (K,). You may call your earlier functions (while this one is graded, right ones stand in for them).
#
# **Expect.** By hand, for the probabilities ¼, ¼, ½ and the rewards 0, 4, 2, the entry k = 1: action 0 gives 0, action 1
# gives ¼ · 4 · (1 − ¼) = 0.75, action 2 gives ½ · 2 · (−¼) = −0.25, together **0.5**. The other two entries are −0.5
# and 0.


# %% nbgrader={"grade": false, "grade_id": "exact_policy_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
def exact_policy_gradient(logits, rewards):
    """Gradient of the expected reward of a one-step problem by the logits, over all actions.

        ∇J = Σ_a π(a) r(a) ∇ log π(a),        J = Σ_a π(a) r(a)

    Sutton & Barto 2018, sections 13.2 and 13.3, for one state and one step.

    Args:
        logits: (K,) float tensor, z; up to ±10 000.
        rewards: (K,) float tensor, r(a) of every action.

    Returns:
        (K,) float, unit of the reward, adding up to 0. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    every_action = torch.arange(len(logits))
    scores = categorical_score(logits.expand(len(logits), -1), every_action)
    return (categorical_probs(logits) * rewards) @ scores
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_exact_policy_gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("exact_policy_gradient", exact_policy_gradient)
### BEGIN HIDDEN TESTS
from grader import probe

probe("exact_policy_gradient", exact_policy_gradient)
### END HIDDEN TESTS

# %% [markdown]
# Put eq. 1.3 into eq. 1.6, and the sum becomes short:
#
# $$\frac{\partial J}{\partial z_k} = \pi(k)\,\bigl(r(k) - J\bigr) \tag{1.7}$$
#
# (This is the problem of the *gradient bandit*, Sutton & Barto 2018, section 2.8.) An action that pays more than the policy gets on average
# goes up, one that pays less goes down.
#
# **Think.** In the figure action 0 pays by far the most, and its bar on the right is the smallest. Why? What does that
# mean for learning?
#
# <details><summary>Answer</summary>
# The factor π(0) = 0.0015: a policy that hardly ever takes an action changes hardly at all for its sake. So a policy
# that has become sure too early takes very long to find something better. This is why one likes the entropy to fall
# slowly.
# </details>

# %% [markdown]
# ## 6 · The gradient, from samples
#
# A real task does not show what every action would have paid, only what the action *taken* did pay. But eq. 1.6 is an
# expectation over the policy's own actions. So: act B times, and take the mean of reward times score.
#
# $$\hat g = \frac1B \sum_{b=1}^{B} r_b\,\nabla\log\pi(a_b) \tag{1.8}$$
#
# (Williams 1992; REINFORCE, Sutton & Barto 2018, section 13.3.) On average over batches this is $\nabla J$, whatever B
# is. It never asks why an action paid what it did, so it works unchanged where the reward comes from a simulator, a
# robot or a person.

# %% [markdown]
# ### Exercise `score_function_estimate` (2 points, 10 minutes, medium)
#
# **Why.** This is REINFORCE. All that follows in this course makes it less noisy, or takes more from each sample.
#
# **Do.** Complete the function, eq. 1.8: two lines, or a loop over the samples. All samples come from one state, so
# `logits` is (K,), and `actions` and `rewards` are (B,): `rewards[b]` is what `actions[b]` paid. No baseline yet.
#
# **Expect.** By hand, for two actions with logits 0 and 0, the actions 0 and 1 and their rewards 4 and 2: the scores are
# (½, −½) and (−½, ½), so the first entry is (4 · ½ − 2 · ½) / 2 = **0.5** and the second −0.5.


# %% nbgrader={"grade": false, "grade_id": "score_function_estimate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def score_function_estimate(logits, actions, rewards):
    """Estimate of the gradient of the expected reward from sampled actions.

        ĝ = (1/B) Σ_b r_b ∇ log π(a_b)

    Williams 1992; Sutton & Barto 2018, section 13.3, without a baseline.

    Args:
        logits: (K,) float tensor, z of the one state; up to ±10 000.
        actions: (B,) int64 tensor, drawn from the policy of these logits.
        rewards: (B,) float tensor, what each of them paid.

    Returns:
        (K,) float, unit of the reward, adding up to 0. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    scores = categorical_score(logits.expand(len(actions), -1), actions)
    return (rewards.unsqueeze(1) * scores).mean(dim=0)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_score_function_estimate", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("score_function_estimate", score_function_estimate)
### BEGIN HIDDEN TESTS
from grader import probe

probe("score_function_estimate", score_function_estimate)
### END HIDDEN TESTS

# %% [markdown]
# ### How far off is it?
#
# Now let your own two functions meet, on the problem of the last figure: the estimate for more and more samples, 30
# batches of each size, and its distance from the exact gradient. **Before you run the next cell**, say to yourself: how
# many times more samples does it take to make the error ten times smaller?

# %% nbgrader={"grade": false, "grade_id": "figure_convergence", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
generator = torch.Generator().manual_seed(0)
example_probs = Categorical(logits=EXAMPLE_LOGITS).probs
exact = torch.as_tensor(exact_policy_gradient(EXAMPLE_LOGITS, REWARDS))


def estimates(batch_size, repetitions, baseline=0.0):
    """(repetitions, K): your estimate from that many batches, a baseline taken off the rewards."""
    found = []
    for _ in range(repetitions):
        actions = torch.multinomial(
            example_probs, batch_size, replacement=True, generator=generator
        )
        rewards = REWARDS[actions] - baseline
        estimate = score_function_estimate(EXAMPLE_LOGITS, actions, rewards)
        found.append(torch.as_tensor(estimate, dtype=torch.float64))
    return torch.stack(found)


sizes = 4 ** np.arange(1, 7)
errors = np.array([(estimates(size, 30) - exact).norm(dim=1).numpy() for size in sizes])
# For one sample: the mean squared distance E[r² |score|²] − |∇J|², over all actions.
scores = torch.eye(4, dtype=torch.float64) - example_probs
second_moment = (example_probs * REWARDS**2 * scores.square().sum(1)).sum()
one_sample = (second_moment - exact.square().sum()).item()

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
low, high = np.quantile(errors, [0.1, 0.9], axis=1)
ax.fill_between(sizes, low, high, color="tab:orange", alpha=0.25, lw=0, label="8 of 10 batches")
root_mean_square = np.sqrt((errors**2).mean(axis=1))
ax.loglog(sizes, root_mean_square, "o-", color="tab:orange", label="root mean square of 30 batches")
ax.loglog(
    sizes, np.sqrt(one_sample / sizes), "k--", lw=1, label=r"theory: proportional to $1/\sqrt{B}$"
)
ax.axhline(exact.norm(), color="0.6", lw=1)
ax.text(sizes[-1], exact.norm() * 1.04, "length of the gradient itself", color="0.35", ha="right")
ax.set(
    xlabel="samples in a batch, B",
    ylabel="distance from the exact gradient\n(reward per unit of logit)",
)
ax.set_xticks(sizes, [str(size) for size in sizes])
ax.minorticks_off()
ax.set_yticks([0.03, 0.1, 0.3, 1, 3], ["0.03", "0.1", "0.3", "1", "3"])
ax.legend(frameon=False)
plt.show()
print(f"length of the exact gradient: {exact.norm():.3f}")
print(f"error with 4 samples: {root_mean_square[0]:.2f}; with 4096: {root_mean_square[-1]:.3f}")

# %% [markdown]
# **Think.** Does it take ten times more samples for a tenth of the error?
#
# <details><summary>Answer</summary>
# A hundred times: the error is proportional to 1/√B. With 4 samples it is larger than the gradient itself, so a single
# such step may well lead away from the best direction. Buying accuracy with samples is expensive. The other way is to
# make each sample less noisy.
# </details>
#
# ### A baseline
#
# Take a constant b off every reward. Since scores are zero on average (eq. 1.4), the mean of the estimate stays:
#
# $$\mathbb E_{a\sim\pi}\bigl[(r(a) - b)\,\nabla\log\pi(a)\bigr] = \nabla J \tag{1.9}$$
#
# (Williams 1992, the *reinforcement baseline*; Sutton & Barto 2018, section 13.4.) Its noise does not stay. All rewards
# of the example are positive, so without a baseline every action taken is pushed up, good or bad, and only the
# average over many samples sorts them out.

# %% nbgrader={"grade": false, "grade_id": "figure_baseline", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
exact = torch.as_tensor(exact_policy_gradient(EXAMPLE_LOGITS, REWARDS))
B, REPETITIONS = 16, 400
length2 = scores.square().sum(1)


def exact_variance(baseline):
    """Of one sample, summed over the four entries, by enumeration."""
    second_moment = (example_probs * (REWARDS - baseline) ** 2 * length2).sum()
    return (second_moment - exact.square().sum()).item()


mean_reward = (example_probs @ REWARDS).item()
best = ((example_probs * REWARDS * length2).sum() / (example_probs * length2).sum()).item()
kinds = {
    "no baseline": (0.0, "tab:orange"),
    "b = J, the mean reward": (mean_reward, "tab:blue"),
}

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
bins = np.linspace(-1.2, 0.7, 39)
for label, (baseline, colour) in kinds.items():
    last_entry = estimates(B, REPETITIONS, baseline)[:, 3].numpy()
    left.hist(last_entry, bins, histtype="stepfilled", color=colour, alpha=0.35)
    left.hist(last_entry, bins, histtype="step", color=colour, lw=1.5, label=label)
left.axvline(exact[3], color="black", ls="--", lw=1, label="exact")
left.set(xlabel="estimate of ∂J/∂z for action 3, B = 16", ylabel=f"batches, of {REPETITIONS}")
left.legend(frameon=False)

grid = np.linspace(-1, 6, 200)
right.plot(grid, [exact_variance(b) for b in grid], color="black", lw=1, label="exact")
for baseline in (0, 1, mean_reward, best, 4, 5):
    variance = B * (estimates(B, REPETITIONS, baseline) - exact).square().sum(1).mean()
    colour = {0: "tab:orange", mean_reward: "tab:blue"}.get(baseline, "0.6")
    right.plot(baseline, variance, "o", color=colour, ms=7)
right.plot([], [], "o", color="0.6", label=f"measured, {REPETITIONS} batches")
for baseline, text in ((0, "none"), (mean_reward, "mean reward"), (best, "best constant")):
    right.annotate(
        f"{text}: {exact_variance(baseline):.2f}",
        (baseline, exact_variance(baseline)),
        (10, 4 if baseline < best else -4),
        textcoords="offset points",
        va="bottom" if baseline < best else "top",
    )
right.set(
    xlabel="baseline b (unit of the reward)", ylabel="variance of one sample", ylim=(-0.7, 5.5)
)
right.legend(frameon=False, loc="upper right")
plt.show()
print(
    f"variance: none {exact_variance(0):.2f}, mean reward {exact_variance(mean_reward):.2f}, "
    f"best constant {exact_variance(best):.2f} at b = {best:.2f}"
)

# %% [markdown]
# The mean of both histograms is the same; their width is not. Taking off the mean reward makes the variance four times
# smaller here, which is worth as much as four times the samples. The best constant is another one, but the mean reward
# is easy to have, and in 04 a learned V(s) will take its place, state by state.
#
# **Think.** Could the baseline be the reward of the very sample, b = r? And the mean reward of the batch, in
# which the sample itself is counted?
#
# <details><summary>Answer</summary>
# With b = r nothing would be left. A baseline must not depend on the action it is subtracted for: eq. 1.9 takes b out of
# the expectation. The mean of the batch breaks this a little. The estimate then has the mean (1 − 1/B) ∇J: the
# right direction, slightly too short, and for large B nobody notices.
# </details>

# %% [markdown]
# ## What you saw, and what comes next
#
# A softmax policy is a row of logits, up to a constant. Its score is 1 at the action taken, minus the probabilities.
# Weigh scores with rewards and average, and you have an estimate of the policy gradient that needs no model of the task.
# It is right on average, and it is noisy: the error falls only with 1/√B, and a baseline makes each sample
# less noisy.
#
# In 02 actions are real numbers, and the score is that of a Gaussian. In 03 you will not write scores by hand: you
# will write a loss whose gradient, found by autograd, is the estimate of eq. 1.8 with a minus sign, and a network gives
# the logits.
