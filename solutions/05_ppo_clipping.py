# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 05 · Many steps on one batch: PPO's clip
#
# After this notebook you can
#
# - say, and show, why a policy gradient breaks when it takes many steps on the same data,
# - write PPO's clipped loss, and say in each of four cases what its gradient does and why,
# - read two gauges, the KL divergence and the clip fraction, and see trouble before the return shows it,
# - recognise some common bugs by their learning curves.
#
# It takes about 100 minutes, three of which the computer works alone. Graded here, 18 points:
#
# | part | what you do | minutes | points |
# |---|---|---|---|
# | written 1 and 2 | VPG with 4, 10 and 20 policy steps: predict, run, report | 20 | 1 + 2 |
# | `ppo_clip_loss` | three or four lines of torch | 20 | 5 |
# | written 3 | the four quadrants | 10 | 2 |
# | `approx_kl`, `clip_fraction` | one or two lines each | 10 | 1 + 1 |
# | `clipped_value_loss` | three lines | 10 | 3 |
# | written 4 and 5 | PPO against VPG at 20 steps: predict, run, report | 20 | 1 + 2 |
#
# Stuck? `hint("ppo_clip_loss")`, then `hint("ppo_clip_loss", 2)`, then `hint("ppo_clip_loss", 3)`. After each exercise,
# `check(...)` tells you at once what is wrong and, if it can, why.

# %%
TEAM = ["login1"]  # one or two logins; both get the marks

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import copy
import inspect
import math
from pathlib import Path

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import clear_output
from torch import Tensor, nn

import rlcore
from grader import hint
from rlcore import AsArray, Config, EnvRunner, NormalizeAdvantages, PyTorchify
from rlcore.experiment import run_experiment
from rlcore.plotting import read_history
from rlcore.train import train

SEEDS = (0, 1, 2)
BLUE, GREEN = "tab:blue", "tab:green"  # VPG with GAE, PPO: as in every figure of the course

# %% [markdown]
# ## 1 · Data grow old
#
# A rollout is expensive, and one gradient step seems little to get for it. Why not take ten steps, or twenty? Because
# an advantage says how good an action was for the policy that collected it, $\pi_\text{old}$. After one step the policy
# is another one, and takes the same actions more often or less often. How much is the **ratio**:
#
# $$r_t(\theta) = \frac{\pi_\theta(a_t \mid s_t)}{\pi_\text{old}(a_t \mid s_t)} = \exp\bigl(\log\pi_\theta(a_t \mid s_t) - \log\pi_\text{old}(a_t \mid s_t)\bigr) \tag{5.1}$$
#
# (Schulman et al. 2017, arXiv:1707.06347, section 3.) While the policy is still the old one every ratio is 1, and then,
# since $\nabla r_t = r_t\,\nabla\log\pi_\theta$, the gradient of the mean of $r_t \hat A_t$ is VPG's:
#
# $$\nabla_\theta \operatorname{mean}_t\bigl(r_t(\theta)\,\hat A_t\bigr)\Big|_{\theta = \theta_\text{old}} = \operatorname{mean}_t\bigl(\hat A_t\,\nabla_\theta \log\pi_\theta(a_t \mid s_t)\bigr) \tag{5.2}$$
#
# (Sections 2 and 3 of the same paper.) So the first step is right. The later ones are about a policy that is gone.

# %% [markdown]
# VPG's losses are given here. The policy's is written with the ratio of the policy *to itself*: its value says nothing,
# but its gradient is that of (5.2) at whatever policy you have by now. That is what VPG does in its second step, and
# in its twentieth.


# %% nbgrader={"grade": false, "grade_id": "given_losses", "locked": true, "schema_version": 3, "solution": false, "task": false}
def policy_gradient_loss(log_probs, psi):
    """VPG's loss, by its gradient: each ratio is 1, and its gradient that of the log-probability."""
    return -(torch.exp(log_probs - log_probs.detach()) * psi).mean()


def value_loss(values, returns):
    """Mean squared error of the critic."""
    return F.mse_loss(values, returns)


IMPORTS = """import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
"""


def write_losses(path, *functions):
    """Write functions of this notebook into a file that rlcore can train with."""
    sources = (inspect.getsource(function) for function in functions)
    Path(path).write_text("\n\n".join([IMPORTS, *sources]), encoding="utf-8")


# %% [markdown]
# The figure takes one rollout of 1000 steps from a CartPole policy in training, and 40 of VPG's steps on it. Each
# colour is a share of the 1000 actions.

# %% nbgrader={"grade": false, "grade_id": "figure_ratios", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
given = {"policy_gradient_loss": policy_gradient_loss, "value_loss": value_loss}
config = Config(env="CartPole-v1", epochs=10, seed=0)
young = train(config, losses=given, progress=False).act.model
transforms = [AsArray(), rlcore.GAE(young, 0.99, 0.97), NormalizeAdvantages(), PyTorchify()]
torch.manual_seed(0)
env = rlcore.make_env("CartPole-v1")
env.reset(seed=0)
batch = EnvRunner(env, young, nsteps=1000, transforms=transforms).get_next()


def steps_on_the_batch(loss, num_steps=40, clip_range=0.1):
    """Ratios (num_steps + 1, 1000) and gauges along so many Adam steps, all on `batch`."""
    model = copy.deepcopy(young)
    adam = torch.optim.Adam(model.actor.parameters(), lr=1e-3)
    ratios, gauges = [], []
    for _ in range(num_steps + 1):
        log_probs, _ = model.actor.evaluate(batch["observations"], batch["actions"])
        ratios.append(torch.exp(log_probs.detach() - batch["log_probs"]).numpy())
        gauges.append(rlcore.diagnostics(model, batch, clip_range=clip_range))
        adam.zero_grad()
        loss(log_probs).backward()
        adam.step()
    return np.array(ratios), gauges


def draw_fan(ax, ratios, colour, title):
    steps = np.arange(len(ratios))
    for low, high, alpha in ((0, 100, 0.15), (1, 99, 0.25), (10, 90, 0.4)):
        edges = np.percentile(ratios, [low, high], axis=1)
        ax.fill_between(steps, *edges, color=colour, alpha=alpha, lw=0, label=f"{high - low} %")
    ax.plot(steps, np.median(ratios, axis=1), color=colour, label="median")
    ax.axhline(1, color="black", lw=0.8)
    ax.set(xlabel="policy steps on the same batch", ylabel="ratio", title=title, xlim=(0, 40))


vpg_ratios, vpg_gauges = steps_on_the_batch(
    lambda log_probs: policy_gradient_loss(log_probs, batch["advantages"])
)
fig, ax = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
draw_fan(ax, vpg_ratios, BLUE, "VPG: the ratios of 1000 actions")
fig.legend(frameon=False, loc="outside right upper", title="share of\nthe actions")
plt.show()
for step in (4, 10, 20, 40):
    low, high = np.percentile(vpg_ratios[step], [10, 90])
    print(f"after {step:2} steps, 80 % of the ratios are between {low:.2f} and {high:.2f}")

# %% [markdown]
# **Think.** The smallest ratios go to 0: some actions have all but vanished. What do VPG's further steps do with them?
#
# <details><summary>Answer</summary>
# They go on pushing. The gradient of log π does not fade when π is small, so an action with a negative advantage is
# pushed down as hard when it is already gone as when it was common, on the word of one old batch.
# </details>

# %% [markdown]
# ## 2 · Experiment: 4, 10 and 20 policy steps
#
# The loop of 03 once more: collect 1000 steps, take some steps on the policy, some on the critic, and throw the data
# away. You will vary one number, `train_pi_iters`, how many steps the policy takes on each batch: 4, 10 and 20.
# Everything else stays as it is.

# %% nbgrader={"grade": false, "grade_id": "environment", "locked": true, "schema_version": 3, "solution": false, "task": false}
ENV = "CartPole-v1"  # or "LunarLander-v3", which needs Box2D and takes a little longer
try:
    rlcore.make_env(ENV).close()
except ImportError as error:
    print(error)
    ENV = "CartPole-v1"
print(f"Experiments run in {ENV}.")

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_1_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 1: your prediction (1 point, 5 minutes)
#
# Before you run it: how will the learning curves differ with 4, 10 and 20 policy steps on each batch? Say for each of
# the two larger numbers whether you expect faster learning, the same, or worse, early and late in training, and give
# your reason. One sketch in words for each is enough.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 1 point**
#
# Graded on being made, not on being right.
#
# - 0.5: says for 10 and for 20 steps how the curve will differ from that of 4.
# - 0.5: gives a reason that has to do with how old the data are, how far the policy moves, or how well a batch is used.
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_1", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# I expect 10 steps to learn faster than 4 at first, since each batch is used better, and to become unsteady later. With
# 20 steps I expect fast progress in the first epochs and then a collapse: the last of the 20 steps follow advantages of
# a policy that is no longer there, so the policy can move far in a direction the data do not support, and the next
# batch is then collected by a bad policy.

# %% [markdown]
# Now run it: three settings, three seeds each. The first run takes about a minute on two cores; runs that are finished
# are not run again. From a shell, in the folder of this notebook, the same is
#
# ```
# python -m rlcore.train --env=CartPole-v1 --psi_mode=gae --train_pi_iters=10 --prefix=logs/3b/ \
#     --suffix=_pi10 --epochs=100 --seeds 0 1 2 --losses=vpg_losses.py
# ```
#
# and `tensorboard --logdir logs` shows the curves while they grow. Without `--env`, the command takes LunarLander-v3
# where Box2D is installed.

# %% nbgrader={"grade": false, "grade_id": "run_iterations", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
write_losses("vpg_losses.py", policy_gradient_loss, value_loss)
iterations = {
    f"_pi{n}": Config(env=ENV, psi_mode="gae", train_pi_iters=n, epochs=100) for n in (4, 10, 20)
}
runs_3b = run_experiment(iterations, prefix="logs/3b", seeds=SEEDS, losses="vpg_losses.py")

# %% [markdown]
# The same runs side by side: the return, and under it how far each update moved the policy (KL divergence from the
# policy that collected the batch, in nats; section 4 says what that is).


# %% nbgrader={"grade": false, "grade_id": "figure_iterations", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
def draw_runs(folders, titles, rows):
    """One column of panels for each group of len(SEEDS) folders, one row for each (column, label)."""
    groups = [folders[i : i + len(SEEDS)] for i in range(0, len(folders), len(SEEDS))]
    shape = {"sharex": True, "sharey": "row", "squeeze": False}
    fig, axes = plt.subplots(len(rows), len(groups), figsize=(9, 2.3 * len(rows) + 0.6), **shape)
    fig.set_layout_engine("constrained")
    for j, group in enumerate(groups):
        for i, (column, label) in enumerate(rows):
            ax = axes[i, j]
            rlcore.plot_runs(group, column=column, ax=ax)
            ax.get_legend().remove()
            ax.set(title=titles[j] if i == 0 else "", ylabel=label if j == 0 else "", xlabel="")
            if column == "kl":
                ax.set_yscale("symlog", linthresh=0.01)
    fig.supxlabel(
        f"environment steps ({ENV}; line: median of {len(SEEDS)} seeds, band: all)", size=10
    )
    plt.show()


def print_ends(folders, titles):
    """Where the runs ended, and the largest KL of a single update."""
    print(f"{'':12}return at the end, by seed{'':8}largest KL of an update, by seed")
    for i, title in enumerate(titles):
        histories = [read_history(f) for f in folders[i * len(SEEDS) : (i + 1) * len(SEEDS)]]
        ends = "".join(f"{history['ep_ret_100'][-1]:8.0f}" for history in histories)
        largest = "".join(f"{history['kl'].max():8.2f}" for history in histories)
        print(f"{title:12}{ends}{'':9}{largest}")


ROWS = [("ep_ret_100", "return, mean of the\nlast 100 episodes"), ("kl", "KL of the update, nats")]
TITLES = ["VPG, 4 steps", "VPG, 10 steps", "VPG, 20 steps"]
draw_runs(runs_3b, TITLES, ROWS)
print_ends(runs_3b, TITLES)

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_2_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 2: what happened (2 points, 10 minutes)
#
# Read both rows of your figure and the table under it. What became of the return with 10 and with 20 policy steps,
# compared with 4? What does the KL of the updates have to do with it? Give numbers, and name seeds that do not fit.
# Then compare with your prediction.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 2 points**
#
# - 0.5: the figure is there, with three settings and three seeds each.
# - 0.5: the returns, with numbers: with 4 steps all seeds rise steadily (about 220 to 320 at the end in CartPole); with 10
#   and 20 some seeds collapse, to 50 or less and even to 9, the least there is, while others reach as much as with 4.
#   A seed that does not fit is named and not hidden.
# - 0.5: the KL: with 4 steps no update moves the policy further than a few hundredths of a nat; with 10 and 20 single
#   updates reach 1 to 5 nats, and falls of the return follow them. The reason: late steps follow advantages of
#   a policy that is gone, and nothing holds them back; the next batch is collected by the policy that results.
# - 0.5: compares with the prediction. Right or wrong does not matter.
# - Numbers of another environment, or of the student's own runs, are marked by the figure that stands above them.
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_2", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# With 4 steps all three seeds climb steadily and end at 225, 319 and 289. With 10 steps one seed ends at 319, just as
# good, but the others fall from above 230 to 16 and 54. With 20 steps one seed is at 9, which is a pole that
# falls at once, one at 116, and one, which does not fit, at 326. So more steps buy no better end and cost the certainty
# of getting there.
#
# The KL tells why: with 4 steps the largest of all updates is 0.04 nats. With 10 steps it is 1.2 to 1.5, with 20 steps 2.0
# to 4.6: a single update makes another policy of the old one. Its late steps follow advantages that were measured for a
# policy which is gone. The next batch comes from the new policy, and if that is bad, so are the data.
#
# I had expected that 20 steps would be fast at first and then collapse. The collapse came, on two of three seeds; that 10
# steps would already be enough for it I had not expected.

# %% [markdown]
# ## 3 · The clip
#
# Use the ratio, then, but do not believe it everywhere. PPO takes the mean of $r_t \hat A_t$ as its objective (eq. 6 of
# the paper), and beside it the same with the ratio pushed back into a band around 1. Of the two it believes the smaller:
#
# $$L^\text{CLIP}(\theta) = \operatorname{mean}_t\Bigl(\min\bigl(r_t \hat A_t,\ \operatorname{clip}(r_t, 1 - \varepsilon, 1 + \varepsilon)\,\hat A_t\bigr)\Bigr) \tag{5.3}$$
#
# (Schulman et al. 2017, arXiv:1707.06347, eq. 7; there it is an expectation and an *objective*, to be made large.) So
# the objective promises no more for leaving the band in the direction that pays. That is all the clip does: it removes
# the incentive. Nothing holds the ratio in the band.

# %% [markdown]
# The figure shows the objective of a single sample. Move ε: the corner is where the incentive ends. The dots mark a
# policy that has not moved.


# %% nbgrader={"grade": false, "grade_id": "figure_objective", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
def draw_objective(ax, sign, clip_range, colour=GREEN):
    """One sample's objective, from its three corners."""
    corner = 1 + sign * clip_range
    ratios = [0, corner, 2] if sign > 0 else [2, corner, 0]
    ax.plot(ratios, [sign * ratios[0], sign * corner, sign * corner], color=colour)
    ax.plot([0, 2], [0, 2 * sign], color=BLUE, ls="--", lw=1, zorder=0)
    ax.axvspan(1 - clip_range, 1 + clip_range, color="0.92", zorder=-1)
    ax.plot(1, sign, "o", color="black", ms=4)
    ax.set(xlim=(0, 2), ylim=(-0.1, 2.1) if sign > 0 else (-2.1, 0.1))


fig, axes = plt.subplots(2, 3, figsize=(8.5, 5), sharex=True, layout="constrained")
for column, clip_range in zip(axes.T, (0.1, 0.2, 0.4), strict=True):
    for ax, sign in zip(column, (1, -1), strict=True):
        draw_objective(ax, sign, clip_range)
    column[0].set_title(f"ε = {clip_range}")
    column[1].set_xlabel("ratio r")
axes[0, 0].set_ylabel("objective, Â = +1")
axes[1, 0].set_ylabel("objective, Â = −1")
handles = [
    plt.Line2D([], [], color=GREEN, label="clipped objective"),
    plt.Line2D([], [], color=BLUE, ls="--", lw=1, label="r · Â"),
    plt.Rectangle((0, 0), 1, 1, color="0.92", label="the band"),
]
fig.legend(handles=handles, frameon=False, loc="outside upper center", ncols=3)
plt.show()


def with_slider(clip_range=0.2):
    _, axes = plt.subplots(1, 2, figsize=(7, 2.8), layout="constrained")
    for ax, sign in zip(axes, (1, -1), strict=True):
        draw_objective(ax, sign, clip_range)
        ax.set(xlabel="ratio r", ylabel="objective", title=f"Â = {sign:+d}, ε = {clip_range:.2f}")
    plt.show()


slider = ipywidgets.FloatSlider(0.2, min=0.05, max=0.6, step=0.05, description="ε")
_ = ipywidgets.interact(with_slider, clip_range=slider)

# %% [markdown]
# ### Exercise `ppo_clip_loss` (5 points, 20 minutes, medium)
#
# **Why.** This loss lets you take twenty steps on a batch.
#
# **Do.** Complete the function, three or four lines of torch, from eqs. 6 and 7 of the paper. Mind what it asks of you:
# logarithms come in, a *loss* goes out, and it is a mean over the batch. Gradient flows through `log_probs` alone.
#
# **Expect.** By hand, for two samples and ε = 0.2. Both log-probabilities rose from −1.2 to −0.9, so both ratios are
# $e^{0.3}$ = 1.35. With Â = 2 the candidates are 2.70 and 1.2 · 2 = 2.40, of which the smaller is **2.40**; with
# Â = −2 they are −2.70 and −2.40, of which the smaller is **−2.70**. The mean objective is −0.15, the loss **0.15**.


# %% nbgrader={"grade": false, "grade_id": "ppo_clip_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ppo_clip_loss(log_probs, old_log_probs, advantages, *, clip_range):
    """Clipped surrogate loss, to be minimised.

        L = −mean_t( min( r_t Â_t, clip(r_t, 1 − ε, 1 + ε) Â_t ) ),        r_t = π(a_t) / π_old(a_t)

    Schulman et al. 2017, arXiv:1707.06347, eqs. 6 and 7; there it is an objective.

    Args:
        log_probs: (B,) float tensor, log π(a_t | s_t), with gradient.
        old_log_probs: (B,), log π_old(a_t | s_t) of the policy that collected the data.
        advantages: (B,), Â_t; taken as they are, not normalised here.
        clip_range: ε, between 0 and 1.

    Returns:
        A tensor of shape (), in the unit of the advantages. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range)
    return -torch.min(ratio * advantages, clipped * advantages).mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_ppo_clip_loss", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("ppo_clip_loss", ppo_clip_loss)
### BEGIN HIDDEN TESTS
from grader import probe

probe("ppo_clip_loss", ppo_clip_loss)
### END HIDDEN TESTS

# %% [markdown]
# What does its gradient do? The next figure asks your own function, by autograd: for one sample at each ratio, how
# hard does a descent of your loss push the log-probability of the action up or down?

# %% nbgrader={"grade": false, "grade_id": "figure_quadrants", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
clip_range, ratios = 0.2, torch.linspace(0.4, 1.8, 281)
fig, axes = plt.subplots(2, 1, figsize=(7.5, 5), sharex=True, layout="constrained")
for ax, sign in zip(axes, (1.0, -1.0), strict=True):
    log_probs = ratios.log().requires_grad_()
    loss = ppo_clip_loss(
        log_probs, torch.zeros(281), torch.full((281,), sign), clip_range=clip_range
    )
    (gradient,) = torch.autograd.grad(loss, log_probs)
    push = (-len(ratios) * gradient).numpy()
    ax.axvspan(1 - clip_range, 1 + clip_range, color="0.92")
    ax.plot(ratios, sign * ratios, color=BLUE, ls="--", lw=1, label="without the clip")
    ax.plot(ratios, push, ".", ms=3, color=GREEN, label="with your loss")
    ax.axhline(0, color="black", lw=0.8)
    for x, side in ((0.6, ratios < 1 - clip_range), (1.5, ratios > 1 + clip_range)):
        still = not push[side.numpy()].any()
        text = (
            "no push" if still else "pushed up" if push[side.numpy()].mean() > 0 else "pushed down"
        )
        y = sign * (1.15 if x < 1 else 0.55)
        ax.text(x, y, text, ha="center", va="center", size=12, weight="bold")
    ax.set(ylabel=f"push on log π, Â = {sign:+.0f}", ylim=(-0.2, 2) if sign > 0 else (-2, 0.2))
axes[1].set_xlabel("ratio r (grey: the band, ε = 0.2)")
axes[0].legend(frameon=False, loc="upper left")
plt.show()

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_3_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 3: the four quadrants (2 points, 10 minutes)
#
# Take Â > 0 and Â < 0, each with a ratio above and a ratio below the band. Say for each of the four whether the
# gradient of your loss is zero, and why that is what one wants, or what it is there for. One sentence for each.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 2 points: 0.5 for each quadrant, with the reason**
#
# - Â > 0, above: zero. The action has been made likelier already, by more than ε; the data are no ground for more.
# - Â > 0, below: not zero, it pushes back up. A good action has become rarer (other samples moved the policy), and
#   undoing that is not greed: the minimum keeps the unclipped term, which is the smaller.
# - Â < 0, above: not zero, it pushes down. A bad action has become likelier; the minimum keeps the unclipped term.
# - Â < 0, below: zero. The action has been made rarer already, by more than ε.
# - Half of each where only zero or not zero is said. An answer that says "the ratio cannot leave the band" loses 0.5:
#   the clip removes the incentive, it bounds nothing.
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_3", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# Â > 0, ratio above the band: zero, because the good action has already been made more than ε likelier, and one old
# batch is no ground for going on. Â > 0, ratio below: not zero; a good action has become rarer, through steps taken for
# other samples, and the gradient brings it back. Â < 0, ratio above: not zero; a bad action has become likelier, and the
# gradient pushes it down. Â < 0, ratio below: zero, because the bad action has been made rarer already, by more than ε.
# In the two cases that are not zero the unclipped term is the smaller one, so the minimum keeps it.

# %% [markdown]
# Here is the batch of section 1 again, with 40 steps down your loss and ε = 0.1. Look for ratios outside the band.

# %% nbgrader={"grade": false, "grade_id": "figure_ratios_clipped", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
ppo_ratios, ppo_gauges = steps_on_the_batch(
    lambda log_probs: ppo_clip_loss(
        log_probs, batch["log_probs"], batch["advantages"], clip_range=0.1
    )
)
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.6), sharey=True, layout="constrained")
draw_fan(axes[0], vpg_ratios, BLUE, "VPG")
draw_fan(axes[1], ppo_ratios, GREEN, "PPO, ε = 0.1")
axes[1].set_ylabel("")
for edge in (0.9, 1.1):
    axes[1].axhline(edge, color="black", lw=0.8, ls=":")
axes[1].annotate("the band", (40, 1), xytext=(6, 0), textcoords="offset points", va="center")
plt.show()
outside = (np.abs(ppo_ratios - 1) > 0.1).mean(axis=1)
print(f"PPO, after 20 steps: {outside[20]:.0%} of the ratios are outside the band,", end=" ")
print(f"the smallest is {ppo_ratios[20].min():.2f}, the largest {ppo_ratios[20].max():.2f}.")

# %% [markdown]
# **Think.** A sample whose ratio is outside the band may have no gradient. How can its ratio move further out?
#
# <details><summary>Answer</summary>
# All samples share one network. A step that other samples ask for moves this one too; and Adam's momentum carries on
# after the gradient has become zero.
# </details>

# %% [markdown]
# ## 4 · Two gauges
#
# How far has an update moved the policy? Two numbers tell, and every implementation of PPO prints them. The first
# estimates the KL divergence from the old policy to the new one. The actions in the batch come from the old policy, so
# the expectation in it is a plain mean:
#
# $$\mathrm{KL}(\pi_\text{old} \,\|\, \pi_\theta) \approx \operatorname{mean}_t\bigl(\log\pi_\text{old}(a_t \mid s_t) - \log\pi_\theta(a_t \mid s_t)\bigr) \tag{5.4}$$
#
# (The definition of the divergence, with samples for the expectation.) The second is the **clip fraction**, the share
# of ratios outside the band:
#
# $$\text{clip fraction} = \operatorname{mean}_t\bigl(\mathbf 1[\,|r_t - 1| > \varepsilon\,]\bigr) \tag{5.5}$$
#
# (As implementations of PPO print it; it is not in the paper.)

# %% nbgrader={"grade": false, "grade_id": "figure_gauges", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
shown = [(vpg_ratios, vpg_gauges, 4, BLUE, "VPG"), (vpg_ratios, vpg_gauges, 20, BLUE, "VPG")]
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.2), sharey=True, layout="constrained")
for ax, (ratios, gauges, step, colour, name) in zip(axes, shown, strict=True):
    ax.hist(ratios[step], bins=np.linspace(0, 2.5, 51), color=colour)
    ax.axvspan(0.9, 1.1, color="0.85", zorder=0)
    ax.set(xlabel="ratio (grey: the band, ε = 0.1)", title=f"{name}, after {step} steps")
    text = f"KL ≈ {gauges[step]['kl']:.3f} nats\noutside: {gauges[step]['clip_fraction']:.0%}"
    ax.text(0.97, 0.95, text, transform=ax.transAxes, ha="right", va="top")
axes[0].set_ylabel("actions of the batch")
plt.show()

# %% [markdown]
# ### Exercises `approx_kl` and `clip_fraction` (1 point each, 10 minutes, easy)
#
# **Why.** They show that a policy runs away while the return still looks well.
#
# **Do.** Complete both, one or two lines each. They get tensors without a graph and return one number each. A ratio on
# the edge of the band is inside.
#
# **Expect.** By hand, for three actions with old log-probabilities −1.2 each, and new ones −0.9, −1.6 and −1.2. Old
# minus new: −0.3, 0.4, 0, so the estimate is 0.1 / 3 = **0.0333** nats. The ratios are 1.35, 0.67 and 1; with ε = 0.2
# two of three are outside: **0.667**.


# %% nbgrader={"grade": false, "grade_id": "approx_kl", "locked": false, "schema_version": 3, "solution": true, "task": false}
def approx_kl(log_probs, old_log_probs):
    """Estimate of KL(π_old ‖ π) from actions of π_old; a single batch may give less than 0.

        KL ≈ mean_t( log π_old(a_t) − log π(a_t) )

    The definition of the divergence, with the batch's mean for the expectation.

    Args:
        log_probs: (B,) float tensor, log π(a_t | s_t) now.
        old_log_probs: (B,), the same when the data were collected.

    Returns:
        A number or a tensor of shape (), in nats. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    return (old_log_probs - log_probs).mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_approx_kl", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("approx_kl", approx_kl)
### BEGIN HIDDEN TESTS
from grader import probe

probe("approx_kl", approx_kl)
### END HIDDEN TESTS


# %% nbgrader={"grade": false, "grade_id": "clip_fraction", "locked": false, "schema_version": 3, "solution": true, "task": false}
def clip_fraction(log_probs, old_log_probs, *, clip_range):
    """Share of the ratios strictly outside the band; its edges belong to the band.

        mean_t( 1[ |r_t − 1| > ε ] ),        r_t = π(a_t) / π_old(a_t)

    As implementations of PPO print it.

    Args:
        log_probs: (B,) float tensor, log π(a_t | s_t) now.
        old_log_probs: (B,), the same when the data were collected.
        clip_range: ε, 0 or more and less than 1.

    Returns:
        A number or a tensor of shape (), between 0 and 1. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    ratio = torch.exp(log_probs - old_log_probs)
    return ((ratio - 1).abs() > clip_range).float().mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_clip_fraction", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("clip_fraction", clip_fraction)
### BEGIN HIDDEN TESTS
from grader import probe

probe("clip_fraction", clip_fraction)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** The clip fraction is 0 in every update. Is that good?
#
# <details><summary>Answer</summary>
# It says that the clip never acts: the policy hardly moves within an update. Then more steps on each batch, or a larger
# learning rate, would be safe to try.
# </details>

# %% [markdown]
# ## 5 · A clip for the critic
#
# PPO's published code treats the critic in the same spirit: an update gains nothing by moving V further than ε from the
# value $V_\text{old}$ it had when the data were collected. $G_t$ is what V is fitted to, the value target of 04:
#
# $$L^V = \operatorname{mean}_t\Bigl(\max\bigl((V_t - G_t)^2,\ (V_{\text{old},t} + \operatorname{clip}(V_t - V_{\text{old},t}, -\varepsilon, \varepsilon) - G_t)^2\bigr)\Bigr) \tag{5.6}$$
#
# (From PPO's published code; it is not in the paper.) A *loss* is pessimistic with a maximum. Mind the unit: this ε is
# a difference of values, so it is measured in returns, and 0.2 can be much or nothing. A large study found that this
# clip did not help (Andrychowicz et al. 2021, arXiv:2006.05990); you need it to read other people's PPO, and in 06.

# %% nbgrader={"grade": false, "grade_id": "figure_value_clip", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
values = np.linspace(8.5, 15.5, 701)
plain = (values - 12) ** 2
stopped = (values > 10.2) & (values < 13.8)  # between, the error of 10.2 is the larger one
fig, ax = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
ax.plot(values, plain, color="0.6", ls="--", lw=1.2, label="squared error")
ax.plot(values, np.where(stopped, 1.8**2, plain), color=GREEN, label="clipped loss")
ax.axvspan(9.8, 10.2, color="0.9", zorder=0)
for x, name in ((10, r"$V_\mathrm{old}$"), (12, "target G")):
    ax.axvline(x, color="black", lw=0.8, ls=":")
    ax.annotate(name, (x, 11.5), xytext=(4, 0), textcoords="offset points")
ax.set(xlabel="V, unit of the return (grey: the band, ε = 0.2)", ylabel="loss of one sample")
ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.62, 1))
plt.show()

# %% [markdown]
# ### Exercise `clipped_value_loss` (3 points, 10 minutes, medium)
#
# **Why.** It is the critic's half of PPO as it is commonly run.
#
# **Do.** Complete the function, three lines of torch, from (5.6). The maximum is taken sample by sample, the mean after.
#
# **Expect.** By hand, for two samples with $V_\text{old}$ = 10, target 12 and ε = 0.2. V = 11 moved by 1, of which 0.2
# count: errors (11 − 12)² = 1 and (10.2 − 12)² = 3.24, the larger is **3.24**, and it has no gradient. V = 9 moved away
# from its target: errors 9 and (9.8 − 12)² = 4.84, the larger is **9**. The mean is **6.12**.


# %% nbgrader={"grade": false, "grade_id": "clipped_value_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def clipped_value_loss(values, old_values, value_targets, *, clip_range):
    """Squared error of the critic, pessimistic where it moved further than ε.

        L = mean_t( max( (V_t − G_t)², (V_old,t + clip(V_t − V_old,t, −ε, ε) − G_t)² ) )

    From PPO's published code; the paper (arXiv:1707.06347) does not clip values.

    Args:
        values: (B,) float tensor, V(s_t), with gradient.
        old_values: (B,), V(s_t) when the data were collected.
        value_targets: (B,), G_t, what V is fitted to.
        clip_range: ε, in the unit of the return.

    Returns:
        A tensor of shape (), in the square of that unit. The arguments stay as they are.
    """
    ### BEGIN SOLUTION
    clipped = old_values + torch.clamp(values - old_values, -clip_range, clip_range)
    errors = (values - value_targets) ** 2
    return torch.max(errors, (clipped - value_targets) ** 2).mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "test_clipped_value_loss", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
from grader import check

check("clipped_value_loss", clipped_value_loss)
### BEGIN HIDDEN TESTS
from grader import probe

probe("clipped_value_loss", clipped_value_loss)
### END HIDDEN TESTS

# %% [markdown]
# **Think.** Returns of 500 are usual in CartPole. What does ε = 0.2 do to a critic that starts at 0?
#
# <details><summary>Answer</summary>
# It keeps it slow: once a value has moved by 0.2 towards its target, its gradient is gone until the next batch. Where
# rewards are scaled so that returns are near 1, as in 06, the same ε is a sensible step.
# </details>

# %% [markdown]
# ## 6 · Experiment: PPO against VPG at 20 policy steps
#
# The same loop as in section 2 with 20 policy steps on each batch, once more. What changes is the policy's loss: yours
# for VPG's. The critic's stays plain. Your losses go into a file, `my_losses.py`, which `rlcore` trains with, from here
# and from a shell. The file holds your functions and the imports of the first code cell; if a function of yours needs
# more, put it inside.

# %% nbgrader={"grade": false, "grade_id": "my_losses", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
for loss in (ppo_clip_loss, clipped_value_loss):  # stops here while one of them is not written
    loss(torch.zeros(2), torch.zeros(2), torch.ones(2), clip_range=0.1)
write_losses("my_losses.py", policy_gradient_loss, value_loss, ppo_clip_loss, clipped_value_loss)

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_4_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 4: your prediction (1 point, 5 minutes)
#
# Before you run it: VPG and PPO with 20 policy steps on each batch, ε = 0.1. How will PPO's return, the KL of its
# updates and its clip fraction compare with VPG's? Give a reason for each.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 1 point**
#
# Graded on being made, not on being right.
#
# - 0.5: says something definite of the return and of at least one of the two gauges.
# - 0.5: gives a reason that goes back to the clip or to old data.
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_4", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# I expect PPO's return to rise without a collapse, because no sample gains anything once its ratio has left the band in
# the direction that pays; perhaps more slowly than VPG's best moments, for the same reason. Its KL should stay small,
# some hundredths of a nat at most, where VPG's reached whole nats. Its clip fraction should be well above 0, since 20
# steps are enough to reach the edge of the band, but far below VPG's.

# %% [markdown]
# From a shell, where `my_losses.py` is found by itself:
#
# ```
# python -m rlcore.train --env=CartPole-v1 --loss_mode=ppo --train_pi_iters=20 --prefix=logs/4/ --seeds 0 1 2
# ```
#
# (ε is `--clip_ratio`, 0.1 if you do not say otherwise.) The clipped critic comes in with `--algorithm=ppo`, PPO with
# minibatches, which is the subject of 06.

# %% nbgrader={"grade": false, "grade_id": "run_ppo", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
clipped = {"": Config(env=ENV, psi_mode="gae", loss_mode="ppo", train_pi_iters=20, epochs=100)}
runs_4 = run_experiment(clipped, prefix="logs/4", seeds=SEEDS, losses="my_losses.py")

# %% nbgrader={"grade": false, "grade_id": "figure_ppo", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
both, titles = [*runs_3b[-len(SEEDS) :], *runs_4], ["VPG, 20 steps", "PPO, 20 steps"]
draw_runs(both, titles, [*ROWS, ("clip_fraction", "clip fraction")])
print_ends(both, titles)

# %% [markdown] nbgrader={"grade": false, "grade_id": "written_5_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## Written question 5: what happened (2 points, 10 minutes)
#
# Compare the two columns: return, KL and clip fraction of VPG and PPO, both with 20 policy steps on each batch. What
# did the clip change? What did it not change? Give numbers, then compare with your prediction.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 2 points**
#
# - 0.5: the figure is there, with both methods and three seeds each, and the returns are read off with numbers: PPO's
#   three seeds rise without a collapse (about 250 to 420 at the end in CartPole), VPG's scatter from 9 to 326.
# - 0.5: the gauges: PPO's updates stay near 0.01 nats, VPG's reach whole nats; PPO's clip fraction is small, some
#   hundredths, and not 0.
# - 0.5: why: a sample whose ratio has left the band in the direction that pays has no gradient any more, so 20
#   steps cannot run away with one batch. The same number of steps, the same data, another loss.
# - 0.5: compares with the prediction. Right or wrong does not matter.
# - Not accepted: "the clip keeps all ratios in the band" (the clip fraction is above 0); "PPO learns faster", where the
#   student's own figure does not show it.
#
# === END MARK SCHEME ===

# %% [markdown] nbgrader={"grade": true, "grade_id": "written_5", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# PPO's three seeds end at 328, 256 and 415 and never collapse; VPG's with the same number of steps end at 9, 326 and 116.
# The largest KL of any PPO update is 0.011 nats, VPG's is 2.0 to 4.6. PPO's clip fraction is 0.06 on average, so
# some ratios do leave the band; VPG's goes up to most of the batch.
#
# The clip changed what the late steps do: where a ratio has left the band in the direction that pays, the gradient of that
# sample is 0, so the twenty steps stop by themselves instead of running away. It did not make the ratios stay inside,
# and one VPG seed got just as far as PPO's median. So what PPO buys is reliability. I had predicted both,
# but I had expected a higher clip fraction.

# %% [markdown]
# ## 7 · What a bug looks like
#
# Six mistakes, each with three seeds, beside the same run without it (grey). They are made here by bending VPG's given
# losses or one option, in CartPole, with a larger learning rate so that forty epochs are enough. Before you run the
# next cell, sketch for each what you expect.

# %% nbgrader={"grade": false, "grade_id": "bugs", "locked": true, "schema_version": 3, "solution": false, "task": false}
BENT = """
right_policy, right_value = policy_gradient_loss, value_loss


def policy_gradient_loss(log_probs, psi):
    return {policy}


def value_loss(values, returns):
    return {value}
"""
BUGS = {  # suffix of the runs: name, how a loss is bent, which option is changed
    "_sign": ("the sign of the loss is flipped", {"policy": "-right_policy(log_probs, psi)"}, {}),
    "_means": (
        "mean of log π times mean of Ψ",
        {"policy": "right_policy(log_probs, psi.mean())"},
        {},
    ),
    "_shuffled": (
        "each step has another step's Ψ",
        {"policy": "right_policy(log_probs, psi[torch.randperm(len(psi))])"},
        {},
    ),
    "_table": (
        "critic: every value against every return",
        {
            "value": "right_value(values[:, None].expand(-1, len(values)), returns.expand(len(values), -1))"
        },
        {},
    ),
    "_lr": ("learning rate 30 times too large", {}, {"pi_lr": 0.09}),
    "_gamma": ("γ = 0", {}, {"gamma": 0.0}),
}


# %% nbgrader={"grade": false, "grade_id": "figure_bugs", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
def band(ax, folders, colour, label):
    curves = np.array([read_history(folder)["ep_ret_100"] for folder in folders])
    steps = 1000 * np.arange(1, curves.shape[1] + 1)
    ax.plot(steps, np.median(curves, axis=0), color=colour, label=label)
    ax.fill_between(steps, curves.min(0), curves.max(0), color=colour, alpha=0.25, lw=0)


write_losses("vpg_losses.py", policy_gradient_loss, value_loss)
usual = Config(env="CartPole-v1", epochs=40, pi_lr=3e-3, v_lr=1e-3)
right = run_experiment({"_right": usual}, prefix="logs/bugs", seeds=SEEDS, losses="vpg_losses.py")
wrong = {}
for suffix, (_, bend, options) in BUGS.items():
    usual_losses = {
        "policy": "right_policy(log_probs, psi)",
        "value": "right_value(values, returns)",
    }
    bent = BENT.format(**(usual_losses | bend))
    Path("bug_losses.py").write_text(Path("vpg_losses.py").read_text() + bent, encoding="utf-8")
    config = usual.model_copy(update=options)
    clear_output(wait=True)  # the growing figure of the bug before
    wrong[suffix] = run_experiment(
        {suffix: config}, prefix="logs/bugs", seeds=SEEDS, losses="bug_losses.py"
    )

clear_output(wait=True)
fig, axes = plt.subplots(2, 3, figsize=(9, 5.2), sharex=True, sharey=True, layout="constrained")
for ax, (suffix, (name, _, _)) in zip(axes.flat, BUGS.items(), strict=True):
    band(ax, right, "0.5", "right")
    band(ax, wrong[suffix], "tab:red", "with the bug")
    ax.set_title(name, size=10)
fig.legend(
    *axes[0, 0].get_legend_handles_labels(), frameon=False, ncols=2, loc="outside upper center"
)
fig.supxlabel("environment steps (line: median of 3 seeds, band: all)", size=10)
fig.supylabel("return, mean of the last 100 episodes", size=10)
plt.show()
print(f"{'medians over the seeds, at the end':44}return  entropy   loss_v")
for name, folders in [("right", right), *((BUGS[suffix][0], wrong[suffix]) for suffix in BUGS)]:
    ends = [
        [read_history(f)[column][-1] for f in folders] for column in ("ep_ret_100", "ent", "loss_v")
    ]
    print(f"{name:44}{np.median(ends[0]):6.0f}{np.median(ends[1]):9.3f}{np.median(ends[2]):9.1f}")

# %% [markdown]
# Read them like a doctor. **Sign flipped:** the entropy goes to 0 and the return to the least there is, 9: it learns, but to
# lose. **Mean times mean:** nothing moves, the entropy stays at ln 2 = 0.693; Ψ is normalised, so its mean is 0, and so is the
# gradient. **Shuffled Ψ:** noise with the right size and no meaning; the policy drifts. **Learning rate:** the entropy is 0
# after a few epochs, and what is certain no longer learns. **γ = 0:** every action in CartPole is paid 1 at once, good
# or bad, so the advantages hold nothing about what comes later.
#
# And the **critic's table**: the return does not show it! A critic that gives every state the mean return is a poor
# baseline, but still a baseline, and CartPole forgives it. Only `loss_v` tells: it is several times that of the right run.
# In a harder task you would pay for it, and wonder why.
#
# **Think.** Five of the six end near 9 or 20. Which scalar tells most of them apart?
#
# <details><summary>Answer</summary>
# The entropy. It stays at ln 2 where there is no gradient, drifts slowly where there is only noise, and goes to 0 where
# the policy is driven, in the wrong direction or too far.
# </details>

# %% [markdown]
# ## When it does not learn
#
# - Stop inside your own function: write `breakpoint()` in it and run the check again; `n` goes on, `p ratio` prints,
#   `q` leaves. Or call the function in a new cell and, when it raises, run `%debug` in the next one.
# - Ask a question whose answer you know. Before the first step every ratio is 1, so KL and clip fraction are 0 and the
#   gradient is VPG's. Then a probe environment: one step, two actions, a reward of 1 for one of them. What cannot learn
#   that within seconds will not learn CartPole.
# - Look at one scalar first: the KL of an update. Above a tenth of a nat or so, update after update, the policy runs
#   away: fewer steps, a smaller learning rate, a clip that clips. At 0, nothing moves: is there a gradient? Then look
#   at the entropy: near 0 early on, the policy has stopped exploring, and no later batch can tell it better.
# - Change one thing, run at least three seeds, and look at the bands before you believe a difference.
#
# ## What you saw, and what comes next
#
# A batch grows old with each step taken on it. VPG does not notice and goes on pushing; the ratio notices; the clip
# takes away the reason to go on. It bounds nothing, so the gauges stay in sight. In 06 you put the parts together, with
# minibatches, both clips and normalisation, and teach a robot with six joints to run.
