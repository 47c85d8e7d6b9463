# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 · The Gaussian policy and its scores
#
# After this notebook you can
#
# - write down how likely a Gaussian policy finds an action, in any number of dimensions, and how uncertain it is,
# - say in which direction an action pulls the mean and the width σ of such a policy, and how hard,
# - explain what σ does to exploration and to the size of a score, and why a score means nothing without its σ,
# - read the networks of this course, `rlcore/models.py`.
#
# It takes about 90 minutes. Graded here, 13 points:
#
# | exercise | what you write | difficulty | minutes | points |
# |---|---|---|---|---|
# | `gaussian_log_prob` | a log-density, two lines | easy | 15 | 2 |
# | `gaussian_score_mean` | its slope in the mean, one line | easy | 10 | 2 |
# | `gaussian_score_log_std` | its slope in log σ, two lines | medium | 15 | 2 |
# | `gaussian_entropy` | the policy's uncertainty, one line | medium | 10 | 1 |
# | written question 1 | a page about `rlcore/models.py` | medium | 25 | 3 |
# | written question 2 | which way the scores point | easy | 10 | 2 |
# | written question 3 | what σ does | easy | 5 | 1 |
#
# Stuck? `hint("gaussian_log_prob")`, then `hint("gaussian_log_prob", 2)`, then `hint("gaussian_log_prob", 3)`; the same
# for the other exercises. After each one, `check(...)` tells you at once what is wrong and, if it can, why.

# %%
TEAM = ["login1"]  # one or two logins; both get the marks

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import math

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.distributions import Independent, Normal

import rlcore
from grader import hint

# %% [markdown]
# ## 1 · A bell over the actions
#
# When actions are real numbers, a policy cannot list a probability for each. It gives a *density*: in each of the A
# action dimensions a bell with mean $\mu_i$ and standard deviation $\sigma_i$. The dimensions are drawn
# independently, so their densities multiply and the logarithms add up:
#
# $$\log\pi(a) = \sum_{i=1}^{A}\Big[-\tfrac12\Big(\frac{a_i-\mu_i}{\sigma_i}\Big)^2 - \log\sigma_i - \tfrac12\log 2\pi\Big] \tag{2.1}$$
#
# (Sutton & Barto 2018, section 13.7, for one dimension.) How far, how wide, and a constant. What is learned and passed
# around is log σ: it may be any number, and σ = exp(log σ) is still positive.
#
# The figure shows the example of this notebook: mean [0, 1.2], action [0.1, 1.0], log σ = −0.5 in both
# dimensions, so σ = 0.6065.

# %% nbgrader={"grade": false, "grade_id": "figure_log_density", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
example_mean = torch.tensor([0.0, 1.2], dtype=torch.float64)
example_action = torch.tensor([0.1, 1.0], dtype=torch.float64)
bells = Normal(example_mean, math.exp(-0.5))
grid = torch.linspace(-2.0, 3.2, 300, dtype=torch.float64)
heights = bells.log_prob(grid[:, None]).exp()
logs = bells.log_prob(example_action)

fig, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout="constrained")
for i, ax in enumerate(axes):
    mu, a, log_p = example_mean[i].item(), example_action[i].item(), logs[i].item()
    ax.fill_between(grid, heights[:, i], color="0.9")
    ax.plot(grid, heights[:, i], color="0.3")
    ax.plot([mu, mu], [0, bells.log_prob(example_mean)[i].exp()], "--", color="0.3", lw=1)
    ax.plot([a, a], [0, math.exp(log_p)], color="#21918c", lw=2)
    ax.plot(a, math.exp(log_p), "o", color="#21918c")
    ax.annotate(
        f"action {a:.1f}\ndensity {math.exp(log_p):.3f}\nits log {log_p:.4f}",
        (a, math.exp(log_p)),
        xytext=(1.35, 0.5) if i == 0 else (-1.0, 0.5),
        ha="left" if i == 0 else "center",
        va="center",
        color="#21918c",
        arrowprops={"arrowstyle": "-", "color": "#21918c"},
    )
    ax.set(xlabel=f"action in dimension {i}", title=f"dimension {i}: μ = {mu:.1f}, σ = 0.607")
axes[0].set(ylabel="density, 1 / unit of the action", ylim=(0, 0.75))
fig.suptitle(f"log π(a) = {logs[0]:.4f} − {-logs[1]:.4f} = {logs.sum():.6f}")
plt.show()

# %% [markdown]
# ### Exercise `gaussian_log_prob` (2 points, 15 minutes, easy)
#
# **Why.** Every loss of this course is made of log-probabilities. (For real actions they are log-densities; the name
# stays.)
#
# **Do.** Complete the function with equation (2.1), about two lines, for a batch of B actions. `log_std` holds
# log σ of each dimension, the same for all rows. `torch.distributions` is allowed here; writing it out teaches more.
# It must also work for actions many σ away from the mean, where the density itself is too small for a float.
#
# **Expect.** By hand: σ² = e⁻¹ = 0.367879, the squared distances are 0.01 and 0.04. So −½ · 0.05 / 0.367879 =
# −0.067957; − Σ log σ = +1; − log 2π = −1.837877. Together **−0.905834**.


# %% nbgrader={"grade": false, "grade_id": "gaussian_log_prob", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gaussian_log_prob(mean, log_std, actions):
    """Log-density of every action under a Gaussian policy with independent dimensions.

        log π(a) = Σ_i [ −½ ((a_i − μ_i) / σ_i)² − log σ_i − ½ log 2π ]

    Sutton & Barto 2018, section 13.7, for one dimension; independent ones add up.

    Args:
        mean: (B, A) float, μ of every row, in the unit of the action.
        log_std: (A,) float, log σ of every dimension.
        actions: (B, A) float.

    Returns:
        (B,) float, nats, finite also where an action is many σ away. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    noise = (actions - mean) / torch.exp(log_std)
    return (-0.5 * noise**2 - log_std - 0.5 * math.log(2 * math.pi)).sum(-1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_gaussian_log_prob", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("gaussian_log_prob", gaussian_log_prob)
### BEGIN HIDDEN TESTS
from grader import probe

probe("gaussian_log_prob", gaussian_log_prob)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** Can log π(a) be positive?
#
# <details><summary>Answer</summary>
# Yes: it is the logarithm of a density, not of a probability. A bell with σ = 0.1 has density 3.989 at its mean, and
# log 3.989 = 1.384. It is the area under the bell that is 1, not its height.
# </details>

# %% [markdown]
# ## 2 · Which way to move the mean
#
# The **score** is the gradient of log π(a) in the policy's parameters: the direction that makes this action likelier.
# A policy gradient method tries an action, sees its reward r, and moves the parameters along the score, r times as
# far; for the mean, with step size α,
#
# $$\mu_i \;\leftarrow\; \mu_i + \alpha\, r\, \frac{\partial\log\pi(a)}{\partial\mu_i} \tag{2.2}$$
#
# (Williams 1992, REINFORCE without a baseline.) On average this climbs the expected reward. For a bell the picture is
# simple: the mean moves towards an action that was good and away from one that was bad. How hard an action pulls
# depends on σ. Move the slider below the figure.

# %% nbgrader={"grade": false, "grade_id": "figure_score_arrows", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
# The score comes from autograd here; you will write it down without.
QUANTILES = torch.tensor([0.03, 0.12, 0.3, 0.7, 0.88, 0.97])


def draw_policy(top, bottom, sigma):
    """The bell, and below it how far six typical actions move its mean in one step."""
    mean = torch.zeros(6, requires_grad=True)
    policy = Normal(mean, sigma)
    actions = policy.icdf(QUANTILES).detach()
    (scores,) = torch.autograd.grad(policy.log_prob(actions).sum(), mean)
    x = torch.linspace(-3, 3, 400)
    top.fill_between(x, Normal(0.0, sigma).log_prob(x).exp(), color="#21918c", alpha=0.3)
    top.set(xlim=(-3, 3), ylim=(0, 2.05), title=f"σ = {sigma:.2f}")
    for row, (a, score) in enumerate(zip(actions.tolist(), scores.tolist(), strict=True)):
        arrow = {"arrowstyle": "-|>", "color": "tab:red", "lw": 2, "shrinkA": 0, "shrinkB": 0}
        bottom.annotate("", (0.05 * score, row), (0, row), arrowprops=arrow)
        bottom.plot(a, row, "o", color="#21918c", ms=6)
        bottom.text(
            2.95, row, f"{score:+.1f}", ha="right", va="center", fontsize=8, color="tab:red"
        )
    bottom.axvline(0, color="0.6", lw=0.8)
    bottom.set(xlim=(-3, 3), ylim=(-0.7, 5.7), yticks=[], xlabel="action")


def figure_of(sigmas, width):
    """One column for each σ."""
    size = {"figsize": (width, 4), "height_ratios": (1.1, 1)}
    fig, axes = plt.subplots(
        2, len(sigmas), squeeze=False, sharex=True, layout="constrained", **size
    )
    for column, sigma in zip(axes.T, sigmas, strict=True):
        draw_policy(*column, sigma)
    axes[0, 0].set(ylabel="density")
    axes[1, 0].set(ylabel="six typical\nactions")
    fig.suptitle(
        "dot: an action of reward 1 · arrow: the step of the mean, α = 0.05 · number: the score",
        fontsize=9,
    )
    plt.show()


figure_of([0.25, 0.5, 1.0], 9)
slider = ipywidgets.FloatSlider(0.5, min=0.2, max=1.5, step=0.05, description="σ")
slider = ipywidgets.interact(lambda sigma: figure_of([sigma], 5.5), sigma=slider)

# %% [markdown]
# **A score needs its σ.** A common formulation of the next exercise gives the mean [0, 1.2] and the action [0.1, 1.0]
# and asks for the score, with no σ. That question has no answer. With σ = 1 the score of the mean is
# [0.1, −0.2]; with σ = e^(−0.5) = 0.6065 it is [0.2718, −0.5437]; with σ = 0.1 it is [10, −20]. So here σ is stated
# wherever a score is asked for.
#
# ### Exercise `gaussian_score_mean` (2 points, 10 minutes, easy)
#
# **Why.** This is what a network that outputs μ is told to do, for every action that was tried.
#
# **Do.** Differentiate equation (2.1) by $\mu_i$, on paper, and complete the function in closed form: one line,
# without autograd (the check calls it under `torch.no_grad()`). One number for each row and dimension.
#
# **Expect.** By hand, for dimension 0 of the example with log σ = −0.5: (0.1 − 0) / 0.367879 = **0.2718**; for
# dimension 1: (1.0 − 1.2) / 0.367879 = **−0.5437**.


# %% nbgrader={"grade": false, "grade_id": "gaussian_score_mean", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gaussian_score_mean(mean, log_std, actions):
    """Score of the mean: the slope of the log-density of every action in every μ_i.

        ∂ log π(a) / ∂ μ_i,   with log π as in `gaussian_log_prob`

    Williams 1992, section 6; Sutton & Barto 2018, exercise 13.4.

    Args:
        mean: (B, A) float, μ of every row, in the unit of the action.
        log_std: (A,) float, log σ of every dimension.
        actions: (B, A) float.

    Returns:
        (B, A) float, 1 / unit of the action, in closed form. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    return (actions - mean) / torch.exp(log_std) ** 2
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_gaussian_score_mean", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("gaussian_score_mean", gaussian_score_mean)
### BEGIN HIDDEN TESTS
from grader import probe

probe("gaussian_score_mean", gaussian_score_mean)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** In the figure, at which σ would the arrow for an action end exactly on the action, with α = 0.05 and
# reward 1? What happens below it?
#
# <details><summary>Answer</summary>
# Where α / σ² = 1, that is σ = √0.05 = 0.224. Below it every arrow is longer than the distance: the mean jumps past
# the action it wants to reach.
# </details>

# %% [markdown]
# ## 3 · When to widen the bell
#
# σ is learned as well. Its score asks: would a *wider* bell have made this action likelier? For an action far out,
# yes; for one near the mean, no: a narrower and higher bell would.
#
# We differentiate by log σ and not by σ, because log σ is what is learned: a step of 0.1 makes σ about 10 % larger,
# whatever σ is, and it never becomes negative. The two derivatives differ by a factor:
#
# $$\frac{\partial\log\pi(a)}{\partial\log\sigma_i} = \sigma_i\,\frac{\partial\log\pi(a)}{\partial\sigma_i} \tag{2.3}$$
#
# (the chain rule, since σ is the exponential of log σ; Williams 1992, section 6, differentiates by σ, Sutton & Barto
# 2018, exercise 13.4, as we do).

# %% nbgrader={"grade": false, "grade_id": "figure_score_log_std", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
# By autograd, at three different σ: measured in units of σ, they fall on one curve.
z = torch.linspace(-3, 3, 241)
fig, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
for sigma, style in ((0.25, "-"), (1.0, "--"), (4.0, ":")):
    log_std = torch.full_like(z, math.log(sigma), requires_grad=True)
    (score,) = torch.autograd.grad(Normal(0.0, log_std.exp()).log_prob(sigma * z).sum(), log_std)
    ax.plot(z, score, style, color="black", lw=2, label=f"σ = {sigma:g}")
near = z.abs() <= 1
ax.fill_between(z, score, where=near, color="#440154", alpha=0.3, lw=0)
ax.fill_between(z, score, where=~near | (z.abs() == 1), color="#35b779", alpha=0.3, lw=0)
ax.axhline(0, color="black", lw=0.8)
ax.plot([-1, 1], [0, 0], "o", color="black")
ax.annotate("no say about σ", (1, 0), (0.62, 2.2), ha="center", arrowprops={"arrowstyle": "->"})
ax.text(
    0,
    -1.75,
    "within one σ: narrower\n68 % of all actions",
    ha="center",
    va="center",
    color="#440154",
)
for side in (-1, 1):
    ax.text(side * 2.15, 5.4, "further out: wider", ha="center", color="#1f7a4d")
ax.set(
    xlabel="standardised action (a − μ) / σ",
    ylabel="score of log σ",
    ylim=(-2.3, 8.5),
    title="An action one σ from the mean leaves σ alone",
)
ax.legend(frameon=False, loc="upper center", ncols=3)
plt.show()

# %% [markdown]
# ### Exercise `gaussian_score_log_std` (2 points, 15 minutes, medium)
#
# **Why.** This decides whether a policy goes on exploring or settles.
#
# **Do.** Differentiate equation (2.1) by $\log\sigma_i$, or by $\sigma_i$ and use (2.3), and complete the function in
# closed form, one or two lines. One number for each row and dimension, though all rows share one log σ: each action
# has its own say, and the mean over the batch is taken later.
#
# **Expect.** By hand, for dimension 0 of the example with log σ = −0.5: 0.01 / 0.367879 − 1 = **−0.972817**; for
# dimension 1: 0.04 / 0.367879 − 1 = **−0.891269**. Both are negative: both actions lie within one σ.


# %% nbgrader={"grade": false, "grade_id": "gaussian_score_log_std", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gaussian_score_log_std(mean, log_std, actions):
    """Score of log σ: the slope of the log-density of every action in every log σ_i.

        ∂ log π(a) / ∂ log σ_i = σ_i ∂ log π(a) / ∂ σ_i,   with log π as in `gaussian_log_prob`

    Sutton & Barto 2018, exercise 13.4; Williams 1992, section 6, for σ itself.

    Args:
        mean: (B, A) float, μ of every row, in the unit of the action.
        log_std: (A,) float, log σ of every dimension.
        actions: (B, A) float.

    Returns:
        (B, A) float, a number without unit, in closed form. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    noise = (actions - mean) / torch.exp(log_std)
    return noise**2 - 1.0
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_gaussian_score_log_std", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("gaussian_score_log_std", gaussian_score_log_std)
### BEGIN HIDDEN TESTS
from grader import probe

probe("gaussian_score_log_std", gaussian_score_log_std)
### END HIDDEN TESTS

# %% [markdown]
# The same mean and the same action under three σ. Even the signs are not the same:

# %% nbgrader={"grade": false, "grade_id": "table_of_scores", "locked": true, "schema_version": 3, "solution": false, "task": false}
action = torch.tensor([0.1, 1.0], dtype=torch.float64)
print(f"{'σ':>7}   {'score of the mean':22}{'score of log σ':24}log π(a)")
for sigma in (math.exp(-0.5), 1.0, 0.1):
    mu = torch.tensor([0.0, 1.2], dtype=torch.float64, requires_grad=True)
    log_sigma = torch.full((2,), math.log(sigma), dtype=torch.float64, requires_grad=True)
    log_prob = Independent(Normal(mu, log_sigma.exp()), 1).log_prob(action)
    of_mean, of_log_std = torch.autograd.grad(log_prob, (mu, log_sigma))
    texts = [f"[{s[0]:.6f}, {s[1]:.6f}]" for s in (of_mean.numpy() + 0, of_log_std.numpy() + 0)]
    print(f"{sigma:7.4f}   {texts[0]:22}{texts[1]:24}{log_prob:.6f}")

# %% [markdown]
# **Think.** Two thirds of all actions lie within one σ, and each of them asks for a narrower bell. Does σ shrink by
# itself, if all rewards are equal?
#
# <details><summary>Answer</summary>
# Not on average. The few actions further out ask for a wider bell, and louder: the mean of ((a − μ) / σ)² is 1, so the
# mean of the score is 0. That holds for every score of every policy.
# </details>

# %% [markdown]
# ## 4 · How uncertain the policy is
#
# The **entropy** is the average surprise at the policy's own actions:
#
# $$H = -\int \pi(a)\,\log\pi(a)\,\mathrm{d}a = \mathbb{E}_{a\sim\pi}\big[-\log\pi(a)\big] \tag{2.4}$$
#
# (Shannon 1948, section 20, for a density; in nats, with the natural logarithm.) For a Gaussian policy it depends on
# σ alone, not on the mean: it says how much room the actions take. Where σ doubles in one dimension, it
# grows by log 2 = 0.6931. Other than the entropy of a softmax policy it can be negative; in one dimension it is
# so below σ = 0.2420. In training, watch it: it should fall slowly, as the policy grows sure.

# %% nbgrader={"grade": false, "grade_id": "figure_entropy", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
# Measured: the mean of -log π over 20,000 actions of the policy, the same σ in all A dimensions.
torch.manual_seed(0)
log_sigmas = torch.linspace(-2, 1, 13)
fig, ax = plt.subplots(figsize=(6.6, 3.8), layout="constrained")
for dims, colour, marker in ((1, "#440154", "o"), (2, "#21918c", "s"), (6, "#8fb312", "^")):
    measured = []
    for log_sigma in log_sigmas:
        policy = Independent(Normal(torch.zeros(dims), log_sigma.exp()), 1)
        measured.append(-policy.log_prob(policy.sample((20_000,))).mean())
    ax.plot(log_sigmas, measured, marker=marker, color=colour, label=f"A = {dims}")
ax.axhline(0, color="black", lw=0.8)
ax.set(xlabel="log σ, the same in all A dimensions", ylabel="entropy, nats")
ax.set_title("Each dimension adds the same again")
ax.legend(frameon=False, title="action dimensions")
plt.show()

# %% [markdown]
# ### Exercise `gaussian_entropy` (1 point, 10 minutes, medium)
#
# **Why.** Entropy is the first curve to look at when a policy stops learning.
#
# **Do.** Put equation (2.1) into (2.4) and take the average, term by term: what is the average of
# $((a_i-\mu_i)/\sigma_i)^2$, if $a_i$ comes from that very bell? Complete the function, one line. It must be right for
# every A: whatever one dimension brings, A of them bring A times.
#
# **Expect.** By hand, for one dimension with log σ = −0.5: ½ − 0.5 + ½ · 1.837877 = **0.918939**. For the example's
# two dimensions twice that, **1.837877**.


# %% nbgrader={"grade": false, "grade_id": "gaussian_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gaussian_entropy(log_std):
    """Entropy of a Gaussian policy with independent dimensions.

        H = E[ −log π(a) ],   a drawn from π, log π as in `gaussian_log_prob`

    Shannon 1948, section 20, for one dimension; independent ones add up.

    Args:
        log_std: (A,) float, log σ of every dimension; A may be 1, or large.

    Returns:
        A scalar, nats; negative for a narrow policy. The argument stays as it is.
    """
    ### BEGIN SOLUTION
    return (log_std + 0.5 + 0.5 * math.log(2 * math.pi)).sum()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_gaussian_entropy", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("gaussian_entropy", gaussian_entropy)
### BEGIN HIDDEN TESTS
from grader import probe

probe("gaussian_entropy", gaussian_entropy)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** Robot A has 6 joints, robot B has 17, and both start with log σ = −0.5 everywhere. Robot B's entropy is
# almost three times as large. Is its policy less certain?
#
# <details><summary>Answer</summary>
# In each joint they are equally uncertain. Entropies add up over the dimensions, so they can be compared between
# policies with the same A, or divided by A.
# </details>

# %% [markdown]
# ## 5 · What σ does
#
# σ plays two parts at once. It decides how far from the mean the policy looks for something better: **exploration**.
# And it sets the size of the scores. Write the action as $a = \mu + \sigma z$ with z from a standard Gaussian and put
# it into your two scores; their standard deviations (std) over the policy's own actions are
#
# $$\operatorname{std}\Big[\frac{\partial\log\pi}{\partial\mu}\Big] = \frac{1}{\sigma},\qquad \operatorname{std}\Big[\frac{\partial\log\pi}{\partial\log\sigma}\Big] = \sqrt2 \tag{2.5}$$
#
# (from (2.1), since z has variance 1 and $z^2$ has variance 2; in statistics $1/\sigma^2$ is the Fisher information of
# the mean). So the less a policy explores, the larger its score of the mean, and with it the noise of a gradient
# estimate. The score of log σ keeps its size.

# %% nbgrader={"grade": false, "grade_id": "figure_sigma", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
torch.manual_seed(0)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.9), layout="constrained")
for row, (sigma, colour) in enumerate(((0.1, "#440154"), (0.5, "#21918c"), (2.0, "#8fb312"))):
    actions = sigma * torch.randn(150)
    left.plot(actions, row + 0.5 * torch.rand(150) - 0.25, ".", color=colour, alpha=0.7)
left.set(yticks=range(3), yticklabels=["σ = 0.1", "σ = 0.5", "σ = 2"], ylim=(-0.5, 2.5))
left.set(xlabel="action, distance from the mean", title="Exploration: 150 actions each")

sigmas = torch.logspace(-1.3, 0.5, 13)
mean, log_std = torch.zeros(13, 20_000), sigmas.log()[:, None].expand(13, 20_000).clone()
mean.requires_grad_(), log_std.requires_grad_()
policy = Normal(mean, log_std.exp())
scores = torch.autograd.grad(policy.log_prob(policy.sample()).sum(), (mean, log_std))
right.plot(sigmas, 1 / sigmas, color="0.6", lw=1, label="1/σ")
right.plot(sigmas, scores[0].std(1), "o", color="tab:red", label="score of the mean")
right.plot(sigmas, torch.full((13,), math.sqrt(2)), "--", color="0.6", lw=1, label="√2")
right.plot(sigmas, scores[1].std(1), "s", color="black", label="score of log σ")
right.set(xscale="log", yscale="log", xlabel="σ, unit of the action", ylabel="standard deviation")
right.set_title("Size of the scores: 20,000 actions a point")
right.set(xticks=[0.1, 0.3, 1, 3], xticklabels=["0.1", "0.3", "1", "3"])
right.set(yticks=[0.3, 1, 3, 10, 30], yticklabels=["0.3", "1", "3", "10", "30"])
right.minorticks_off()
right.legend(frameon=False)
plt.show()
print("σ                      ", *(f"{s:7.3f}" for s in sigmas[::3]))
print("std of score of mean   ", *(f"{s:7.3f}" for s in scores[0].std(1)[::3]))
print("1/σ                    ", *(f"{s:7.3f}" for s in 1 / sigmas[::3]))
print("std of score of log σ  ", *(f"{s:7.3f}" for s in scores[1].std(1)[::3]))

# %% [markdown]
# Now let a Gaussian policy climb. A one-step problem: choose one number, be paid by a landscape with a low hill at 0
# and a high one at 2.5. Two policies start at μ = −0.5, one with σ = 0.3, the other with σ = 1.5. Each draws 50
# actions, moves μ and log σ along its own sampled scores, each weighted with its reward (less the batch's mean reward,
# which takes noise away), and repeats that 400 times.
#
# **Think, before you run the cell.** Which of the two ends on the high hill? What becomes of its σ?

# %% nbgrader={"grade": false, "grade_id": "figure_climb", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
SEEDS, UPDATES, BATCH, STEP_SIZE = 5, 400, 50, 0.1


def reward_of(action):
    """A low hill at 0, a high one at 2.5."""
    low, high = (torch.exp(-0.5 * ((action - top) / 0.5) ** 2) for top in (0.0, 2.5))
    return 0.5 * low + high


def climb(first_sigma):
    """Mean, σ and mean reward before every update, (UPDATES, SEEDS) each."""
    torch.manual_seed(0)
    mu = torch.full((SEEDS, 1), -0.5, requires_grad=True)
    log_sigma = torch.full((SEEDS, 1), math.log(first_sigma), requires_grad=True)
    seen = []
    for _ in range(UPDATES):
        policy = Normal(mu.expand(SEEDS, BATCH), log_sigma.exp().expand(SEEDS, BATCH))
        actions = policy.sample()
        rewards = reward_of(actions)
        weights = (rewards - rewards.mean(1, keepdim=True)) / BATCH
        # The scores of all actions, each times its weight, added up over the batch.
        steps = torch.autograd.grad(policy.log_prob(actions), (mu, log_sigma), grad_outputs=weights)
        values = (mu, log_sigma.exp(), rewards.mean(1, keepdim=True))
        seen.append([value.detach().clone().squeeze(1) for value in values])
        with torch.no_grad():
            for parameter, step in zip((mu, log_sigma), steps, strict=True):
                parameter += STEP_SIZE * step
    return [torch.stack(columns).numpy() for columns in zip(*seen, strict=True)]


fig, (land, *curves) = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
x = torch.linspace(-4, 5, 400)
land.fill_between(x, reward_of(x), color="0.88", label="reward")
updates = np.arange(UPDATES)
for sigma, colour, style in ((0.3, "#440154", "-"), (1.5, "#21918c", "--")):
    mean, std, reward = climb(sigma)
    bell = Normal(-0.5, sigma).log_prob(x).exp()
    land.plot(x, bell, style, color=colour, label=f"policy, σ = {sigma}")
    for ax, column in zip(curves, (reward, std), strict=True):
        ax.fill_between(updates, column.min(1), column.max(1), color=colour, alpha=0.25, lw=0)
        ax.plot(
            updates, np.median(column, 1), style, color=colour, label=f"starts with σ = {sigma}"
        )
    print(
        f"starts with σ = {sigma}: reward {reward[:10].mean():.2f} in the first ten updates,",
        end=" ",
    )
    print(
        f"{reward[-10:].mean():.2f} in the last ten; μ ends at {np.median(mean[-1]).round(1) + 0.0:.1f}"
    )
land.set(xlabel="action", ylabel="reward; density at the start", title="Where they start")
land.set(ylim=(0, 1.9))
land.legend(frameon=False, fontsize=8, loc="upper right")
curves[0].set(xlabel="update", ylabel="mean reward of 50 actions", ylim=(0, 1.05))
curves[0].set_title("Wide loses first and wins later")
curves[0].legend(frameon=False, fontsize=8, loc="lower right")
curves[1].set(xlabel="update", ylabel="σ, unit of the action", ylim=(0, None))
curves[1].set_title("It narrows once it is there")
fig.suptitle("line: median of 5 seeds, band: lowest to highest", fontsize=9)
plt.show()

# %% [markdown]
# The narrow policy climbs the hill it can see, settles on it, and never learns of the other. The wide one pays for its
# search with low rewards, for a long time; then the score of log σ makes it narrow, because the good actions now lie
# within one σ. Exploration is not free, and nothing in the score itself asks for it: σ does it.
#
# ## 6 · Written questions

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_1_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Written question 1 (3 points, 25 minutes)
#
# Open `rlcore/models.py`: both kinds of policy and the critic are in it, on a few pages. Read it with three questions:
#
# 1. **Classes.** What do `CategoricalActor`, `GaussianActor`, `Critic` and `ActorCritic` each do? Say what goes in and
#    what comes out, with shapes.
# 2. **Distributions.** Which distributions are there, and how is each parameterised? Say which parameters are computed
#    from the observation and which are not.
# 3. **Two verbs.** What differs between *collecting data* (`act`) and *optimising* (`evaluate`)?
#
# It helps to try things: the cell below makes a small agent.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 3 points**
#
# Classes, 1 point, 0.25 each:
#
# - `CategoricalActor`: observations (B, obs) → K logits each → a categorical distribution; log π of given actions and
#   entropies, (B,) each.
# - `GaussianActor`: observations (B, obs) → A means each, with one learned vector log σ (A,) → a Gaussian distribution;
#   log π of given actions (B, A), summed over the dimensions, and entropies, (B,) each.
# - `Critic`: observations (B, obs) → V(s), (B,); its net gives (B, 1), the last axis is dropped.
# - `ActorCritic`: holds an actor and a critic and offers the two verbs, `act` and `evaluate`.
#
# Distributions, 1 point:
#
# - 0.5: categorical over K actions, given by logits, which are all computed from the observation; the softmax of them
#   are the probabilities.
# - 0.5: Gaussian with independent dimensions (a diagonal covariance); the mean is computed from the observation, log σ
#   is a parameter of its own, the same in every state; σ = exp(log σ).
#
# Two verbs, 1 point:
#
# - 0.5: `act` takes observations as numpy, *draws* actions (or takes the likeliest, if asked) and returns numpy, with
#   log-probabilities and values, without gradient.
# - 0.5: `evaluate` takes tensors, *is given* the actions that were taken earlier, draws nothing, and returns their
#   log-probabilities under the weights as they are now, entropies and values, with the graph to the weights.
#
# Not needed, right if said: `make_model` chooses the actor by the action space (Discrete or Box); a trunk may be
# shared; what is drawn is not clipped. `rlcore.train` draws its actions in numpy, for speed, and stores the
# log-probabilities that `evaluate` gives for them without gradient: the same numbers as `act`'s.
#
# Not accepted: "the Gaussian actor's σ depends on the state"; "`evaluate` plays the policy" (`rlcore.evaluate` does,
# another function); "the critic gives Q(s, a)".
#
# === END MARK SCHEME ===

# %% nbgrader={"grade": false, "grade_id": "small_agent", "locked": true, "schema_version": 3, "solution": false, "task": false}
torch.manual_seed(0)
small_agent = rlcore.ActorCritic(
    rlcore.GaussianActor(rlcore.mlp((3, 8, 2)), action_dim=2, log_std=-0.5),
    rlcore.Critic(rlcore.mlp((3, 8, 1))),
)
print(small_agent)
print("read:", rlcore.models.__file__)

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_1", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# **Classes.** `CategoricalActor` wraps a network that maps observations (B, obs) to K logits each; calling it gives the
# distribution, `evaluate` gives log π of given actions and the entropy, (B,) each. `GaussianActor` does the same for
# actions (B, A): its network gives A means, and a learned vector of A numbers gives log σ; log-probabilities are summed
# over the dimensions. `Critic` maps (B, obs) to V(s), (B,), and drops the last axis of its network's (B, 1).
# `ActorCritic` holds one actor and one critic and offers `act` and `evaluate`.
#
# **Distributions.** A categorical one over K actions, parameterised by logits, all computed from the observation; their
# softmax are the probabilities. A Gaussian one with independent dimensions: the mean is computed from the observation,
# log σ is a parameter beside the network, the same in every state, and σ is its exponential, hence positive.
#
# **Two verbs.** Collecting, `act` takes numpy observations, draws actions and returns them with their log-probabilities
# and values as numpy arrays, without gradient: they become data. Optimising, `evaluate` draws nothing: it is given the
# observations and the actions taken earlier, and returns log-probabilities under the present weights, entropies and
# values, as tensors with a graph, so that a loss can be differentiated.

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_2_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Written question 2 (2 points, 10 minutes)
#
# An action was tried, and a policy gradient step follows its score, weighted with a number that says how good the
# action was. In which direction do the parameters move, and which action, mean or width pulls how hard,
#
# - for a softmax policy over K actions (the score of logit k is 1 − π(k) for the action taken and −π(k) for any other),
# - for a Gaussian policy, its mean and its log σ?
#
# Say also what changes when the weight is negative. No formulas are needed, but σ must come into it.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 2 points**
#
# - 0.5, softmax: the logit of the action taken goes up, all others go down, each in proportion to its probability; the
#   less likely the action was, the larger the step.
# - 0.5, mean: it moves towards the action, in proportion to the distance and to 1/σ²: harder for a narrow bell.
# - 0.5, log σ: it grows if the action lay further than one σ from the mean, and falls if it lay nearer; dimension by
#   dimension.
# - 0.5: a positive weight makes the action likelier, a negative one reverses every direction: the logit goes down, the
#   mean moves away, σ shrinks for a bad action far out and grows for a bad one near the mean.
# - Half of a part if only the direction, or only the size, is said.
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_2", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# Softmax: the logit of the action taken goes up by 1 − π(a), and every other goes down in proportion to its own
# probability, so a rare action moves the policy most. Gaussian: the mean moves towards the action, as far as the
# distance divided by σ², so a narrow policy is pulled harder. log σ grows where the action lay more than one σ from the
# mean and falls where it lay nearer. With a positive weight all this makes the action likelier. With a negative weight
# every direction turns round: the logit falls, the mean moves away from the action, and σ grows for a bad action near
# the mean and shrinks for a bad one far out.

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_3_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ### Written question 3 (1 point, 5 minutes)
#
# What does σ do to a Gaussian policy's exploration, and what to the size of its scores? Two or three sentences; refer
# to the figures of section 5.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 1 point**
#
# - 0.5, exploration: σ is how far from the mean actions are tried. Too small, and the policy sees only its
#   neighbourhood and settles on the nearest hill; too large, and most of its actions are poor ones.
# - 0.5, scores: the score of the mean has standard deviation 1/σ, so it grows without bound as σ falls, and with it
#   the noise, and the length of a step of given size α; the score of log σ keeps its size, √2.
#   (The part about log σ is not needed for the mark.)
# - Not accepted: "a larger σ gives larger gradients".
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_3", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# σ decides how far from the mean the policy tries actions: with σ = 0.3 it never saw the high hill, with σ = 1.5 it
# found it, at the price of low rewards on the way. The score of the mean has standard deviation 1/σ, so a narrow
# policy has large, noisy scores and needs small steps. The score of log σ keeps the standard deviation √2 at every σ.

# %% [markdown]
# ## What you saw, and what comes next
#
# A Gaussian policy is a bell for each action dimension. An action that was good pulls the mean towards itself, by its
# distance over σ², and pulls σ up or down depending on whether it lay further than one σ out. σ is exploration and the
# scale of every score of the mean at once, so a score without its σ is no number.
#
# From 03 on, autograd differentiates log π for you, through a network that computes μ (or logits) from the observation.
# What it computes at the network's output are exactly the scores you wrote here.
