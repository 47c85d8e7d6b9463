# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 07 · Your own experiment
#
# After this notebook you can
#
# - turn "I wonder whether …" into a question that runs can answer,
# - say what three seeds tell you, and what they do not,
# - vary one option of an algorithm, in parallel, and leave all else as it is,
# - show a result with its spread, and conclude no more than it says.
#
# It takes about 75 minutes, and the time of your own runs. Graded here, 15 points:
#
# | part | what you do | minutes | points |
# |---|---|---|---|
# | `project`: question | what is varied, what is measured, why one may wonder | 10 | 3 |
# | `project`: prediction | what you expect, written before the run | 5 | 3 |
# | `project`: method | at least three seeds for every value, and all that one needs to repeat it | 10 | 3 |
# | `project`: figure | curves with a band, and where every seed ended | 10 | 3 |
# | `project`: conclusion | what the runs say, and what they cannot say | 15 | 3 |
#
# All of it is marked by a person, with the rubric of section 5, so there is no `check(...)` here and no `hint(...)`.

# %%
TEAM = ["login1"]  # one or two logins; both get the marks

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import inspect
from itertools import combinations
from math import comb
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import clear_output

import rlcore
from rlcore import Config
from rlcore.experiment import run_experiment, sweep
from rlcore.plotting import read_history

BLUE = "tab:blue"  # VPG with GAE, as in every figure of the course
BASE = Config(env="CartPole-v1", epochs=40, pi_lr=3e-3, v_lr=1e-3)  # VPG with GAE, 40,000 steps

# %% [markdown]
# ## 1 · A question that runs can answer
#
# "Is PPO good?" is no question: good at what, compared with what, and how would you see it? A question for an
# experiment names **one** thing that varies, **one** number that is measured, and a task.
#
# | one wonders | a question that runs can answer |
# |---|---|
# | Is a larger network better? | In CartPole after 40,000 steps: is the return higher with hidden layers of 64 and 64 units than with 16? |
# | Does entropy help? | Does an entropy bonus of 0.01 keep the entropy higher, and is the return then higher or lower? |
# | How important is the learning rate? | By how much does the return after 40,000 steps change when `pi_lr` is ten times larger? |
#
# The best questions have two answers that would both teach you something. And they come with a *reason* to ask: a
# formula, a figure of an earlier notebook, something that surprised you.
#
# **Think.** "Does GAE work better than REINFORCE when tuned well?" What is missing?
#
# <details><summary>Answer</summary>
# The task, the measure, and above all what "tuned well" means: which options, over which values, with how many runs for
# each of the two. Whoever tunes one of them for a week and the other for an hour has measured patience.
# </details>

# %% [markdown]
# ## 2 · What three seeds tell
#
# Everything below trains with VPG in CartPole. The losses are given, in the form of 04: each ratio is 1, and its gradient
# that of the log-probability.


# %% nbgrader={"grade": false, "grade_id": "given_losses", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
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

# %% [markdown]
# The next cell trains fifteen agents, which takes about a minute. Runs that are finished are not run again. Then look
# at two settings, A and B, with three seeds each.

# %% nbgrader={"grade": false, "grade_id": "run_seeds", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
many = run_experiment({"": BASE}, prefix="logs/seeds", seeds=range(15), losses="given_losses.py")
clear_output(wait=True)
CURVES = np.array([read_history(folder)["ep_ret_100"] for folder in many])  # (seeds, epochs)
STEPS = read_history(many[0])["steps"]
print(f"{len(CURVES)} runs of {STEPS[-1]:,.0f} steps")

# %% nbgrader={"grade": false, "grade_id": "figure_two_settings", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
MEASURE = "return, mean of the last 100 episodes"


def band(ax, curves, colour, label):
    """The median of some runs as a line, and all of them as a band."""
    ax.plot(STEPS, np.median(curves, axis=0), color=colour, label=label)
    ax.fill_between(STEPS, curves.min(0), curves.max(0), color=colour, alpha=0.25, lw=0)


order = np.argsort(CURVES[:, -1])
fig, ax = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
band(ax, CURVES[order[-3:]], "tab:purple", "setting A, 3 seeds")
band(ax, CURVES[order[:3]], "tab:brown", "setting B, 3 seeds")
ax.set(xlabel="environment steps (line: median of 3 seeds, band: all)", ylabel=MEASURE)
ax.legend(frameon=False, loc="upper left")
plt.show()

# %% [markdown]
# **Think.** Which setting would you use? How sure are you?
#
# <details><summary>Answer</summary>
# There is no difference: A and B are the same setting. They are the three best and the three worst of the same fifteen
# runs, which differ in nothing but the seed.
# </details>
#
# Nobody would choose seeds like that on purpose. But whoever tries three seeds, is disappointed, changes a detail, and
# tries three others, does just that. Here are all fifteen, and what the median of a few of them would have said.

# %% nbgrader={"grade": false, "grade_id": "figure_seeds", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
finals, counts = CURVES[:, -1], (1, 3, 5, 9)
fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.7), layout="constrained")
left.plot(STEPS, CURVES.T, color=BLUE, lw=0.8, alpha=0.55)
left.plot(STEPS, np.median(CURVES, axis=0), color="black", lw=2, label="median of all 15")
left.set(xlabel="environment steps", ylabel=MEASURE, title="one setting, 15 seeds")
left.set_xticks(range(0, 40_001, 10_000))
left.legend(frameon=False, loc="upper left")
for row, count in enumerate(counts):
    medians = [np.median(finals[list(chosen)]) for chosen in combinations(range(15), count)]
    low, high = np.percentile(medians, [10, 90])
    right.plot([min(medians), max(medians)], [row, row], color=BLUE, lw=1.5)
    right.plot([low, high], [row, row], color=BLUE, lw=9, alpha=0.5, solid_capstyle="butt")
    print(f"{len(medians):5} choices of {count}: medians from {min(medians):3.0f} to", end=" ")
    print(f"{max(medians):3.0f}, 80 % of them between {low:3.0f} and {high:3.0f}")
right.axvline(np.median(finals), color="black", lw=1, ls="--")
right.set(
    yticks=range(4), yticklabels=counts, ylim=(4.4, -0.5), xlabel=f"median at the end\n({MEASURE})"
)
right.set(ylabel="seeds in the median", title="every choice of so many of the 15")
handles = [plt.Line2D([], [], color=BLUE, lw=9, alpha=0.5), plt.Line2D([], [], color=BLUE, lw=1.5)]
right.legend(handles, ["80 % of the choices", "all"], frameon=False, loc="lower left")
plt.show()

# %% [markdown]
# The seed alone moves the return after 40,000 steps from 64 to 239. The median of three is still anywhere from 81 to
# 224, and for a fifth of the choices it is below 98 or above 216. With nine it stands still somewhat (and the bar flatters
# it: choices of nine out of the same fifteen have most of their runs in common).
#
# So look at the *ranges*, and ask when they say something. Suppose the option that you vary does nothing. Then every
# order of the 2n runs is equally likely, and that all n of one value end above all n of the other, in either direction,
# happens by chance alone with probability
#
# $$p_n = \frac{2}{\binom{2n}{n}} = \frac{2\,(n!)^2}{(2n)!} \tag{7.1}$$
#
# (two of the $\binom{2n}{n}$ ways to deal the ranks out; Mann & Whitney 1947). With n = 3 that is 2/20 = **0.1**; with
# n = 4 it is 2/70 = **0.029**; with n = 5 it is 2/252 = **0.008**.

# %% [markdown]
# Ranges that do not overlap are thus a hint with three seeds and good evidence with five. But look at m values, and you
# look at m(m − 1)/2 pairs. The number of pairs that fall apart by chance alone is, on average,
#
# $$\mathbb{E}[\text{pairs}] = \frac{m(m-1)}{2}\;p_n \tag{7.2}$$
#
# With 3 values and 3 seeds it is 3 · 0.1 = **0.3**. With 5 values and 3 seeds it is 10 · 0.1 = **1**: one "finding"
# an experiment on average, from nothing.
#
# **Think.** Ranges that *do* overlap: have you then shown that the option does nothing?
#
# <details><summary>Answer</summary>
# No. You have shown that a difference, if there is one, is not large compared with the luck of a seed. The fifteen
# runs above would hide a gain of 50 quite well. "These three seeds do not tell them apart" is all one may say, and it
# is an honest result.
# </details>

# %% [markdown]
# ## 3 · One thing at a time
#
# `sweep` of `rlcore.experiment` trains with every value of *one* option and every seed, as many at once as the machine
# has processors, and leaves the rest of the config alone:
#
# ```
# sweep(config, parameter="gae_lambda", values=(0, 0.9, 1), prefix="logs/lambda", seeds=(0, 1, 2))
# ```
#
# It refuses fewer than three seeds, and an option that does not exist. Like `run_experiment` it returns the runs'
# folders, goes on where it was stopped, and takes a file of losses. The next cell holds two functions for what comes
# out: a figure, and a table that says where each seed ended and which ranges overlap.


# %% nbgrader={"grade": false, "grade_id": "sweep_helpers", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
def ends_of(folders, parameter):
    """The last value of the learning curve by seed, for each value of the option: {value: [...]}."""
    ends = {}
    for folder in folders:
        value = getattr(Config.load(folder), parameter)
        ends.setdefault(value, []).append(read_history(folder)["ep_ret_100"][-1])
    return ends


LABELS = {  # of columns beside the return
    "kl": "KL of the update, nats",
    "ent": "entropy, nats",
    "clip_fraction": "clip fraction",
    "explained_variance": "explained variance of the critic",
    "loss_v": "critic's loss, in the return's unit squared",
}


def draw_sweep(folders, parameter, *columns):
    """Curves of the return and of other columns of the history, and where every seed ended."""
    columns, ends = ("ep_ret_100", *columns), ends_of(folders, parameter)
    panels = len(columns) + 1
    _, axes = plt.subplots(1, panels, figsize=(4.4 * panels, 3.8), layout="constrained")
    for ax, column in zip(axes, columns, strict=False):
        rlcore.plot_runs(folders, column=column, ax=ax)
        ax.set(title="line: median of the seeds, band: all")
        if column != "ep_ret_100":
            ax.set_ylabel(LABELS.get(column, column))
            ax.get_legend().remove()
    axes[0].legend(frameon=False, fontsize=9, loc="upper left")
    lines = axes[0].get_lines()
    for place, (line, values) in enumerate(zip(lines, ends.values(), strict=True)):
        axes[-1].plot(np.full(len(values), place), values, "o", color=line.get_color(), alpha=0.8)
        axes[-1].plot([place - 0.2, place + 0.2], [np.median(values)] * 2, color="black")
    axes[-1].set(xticks=range(len(ends)), xticklabels=ends, xlim=(-0.6, len(ends) - 0.4))
    axes[-1].set(xlabel=parameter, ylabel="return at the end", ylim=(0, None))
    axes[-1].set(title="dots: each seed, bar: their median")
    plt.show()


def print_ends(folders, parameter):
    """Table of the ends (mean return of the last 100 episodes), and which ranges overlap."""
    ends = {value: np.round(numbers) for value, numbers in ends_of(folders, parameter).items()}
    most = max(map(len, ends.values()))
    print(f"{parameter:16}{'each seed':{7 * most}}  median   range")
    for value, numbers in ends.items():
        each = "".join(f"{number:<7.0f}" for number in numbers)
        low_to_high = f"{min(numbers):.0f} to {max(numbers):.0f}"
        print(f"{value!s:16}{each:{7 * most}}{np.median(numbers):8.0f}   {low_to_high}")
    print()
    by_chance = 0.0
    for one, other in combinations(ends, 2):
        lower, higher = sorted((one, other), key=lambda value: np.median(ends[value]))
        n, k = len(ends[lower]), len(ends[higher])
        by_chance += 2 / comb(n + k, n)
        if max(ends[lower]) < min(ends[higher]):
            print(f"{lower} and {higher}: every seed of {higher} ended above every seed of {lower}")
        else:
            print(f"{one} and {other}: the ranges overlap; these seeds do not tell them apart")
    print(f"If {parameter} did nothing, {by_chance:.2g} such pairs would fall apart on average.")


# %% [markdown]
# Here is a whole experiment, small, with its five parts.
#
# **Question.** In 05, VPG broke with 20 policy steps on each batch: single updates moved the policy by whole nats. PPO's
# clip mended that. Would it be enough to *stop* an update once the KL divergence has grown too large? The option
# `target_kl` does so: an update ends when the KL is above 1.5 times its value (0: it never ends early). I measure the
# return after 50,000 steps in CartPole, without a stop and with stops at 0.01 and 0.1.
#
# **Prediction.** Without a stop, at least one seed collapses. With 0.01 all three rise steadily, as PPO's did. With 0.1
# they rise faster at first, since each batch is used more, but less steadily. If a seed with 0.01 ends below the best
# one without a stop, I am wrong.
#
# **Method.** VPG with GAE, 20 policy steps, 50 epochs of 1000 steps, everything else as `Config` has it; three values,
# and seeds 0, 1 and 2 for each.

# %% nbgrader={"grade": false, "grade_id": "run_example", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
twenty = Config(env="CartPole-v1", epochs=50, train_pi_iters=20)
example = sweep(
    twenty,
    parameter="target_kl",
    values=(0.0, 0.01, 0.1),
    prefix="logs/example",
    seeds=(0, 1, 2),
    losses="given_losses.py",
)
clear_output(wait=True)

# %% nbgrader={"grade": false, "grade_id": "figure_example", "locked": true, "schema_version": 3, "solution": false, "task": false} tags=["skip-execution"]
draw_sweep(example, "target_kl", "kl")
print_ends(example, "target_kl")

# %% [markdown]
# **Conclusion.** Without a stop the seeds end at 9, 138 and 28; one of them had collapsed to the least there is. With a
# stop at 0.01 they end at 326, 177 and 231, each above each of the runs without: that much was predicted. Chance alone
# would give 0.3 such pairs, so it is a hint and no proof. What speaks for it beyond the ranks is the middle panel: no
# update moved the policy by more than 0.03 nats, where without a stop it was up to 3.1.
#
# With 0.1 the seeds end at 198, 161 and 126. That overlaps with both others, so I cannot place it. My prediction that it
# would be faster at first is not borne out: after 10 epochs its seeds are at 29, 66 and 80, those of 0.01 at 72, 75 and
# 74. I cannot say whether a stop is as good as the clip: that was another run, of another length. Next I would run 0
# and 0.01 with five seeds in LunarLander.
#
# **Think.** The conclusion does not say "0.01 is the best value". Why not?
#
# <details><summary>Answer</summary>
# Two of the three values cannot be told apart, and values between and below were not tried. "The best of the three
# that I tried, in this task, with these seeds" is what a table like this one can say at most.
# </details>

# %% [markdown]
# ## 4 · Nine ideas
#
# Take one of these, or one of your own. `BASE` is the config of section 2. The times are for three seeds of each value
# on two cores that have nothing else to do. LunarLander-v3 needs many times as long; take fewer values there.
#
# | | what you vary | in which config | time | look at |
# |---|---|---|---|---|
# | 1 | λ of GAE: `gae_lambda = 0.0, 0.9, 0.97, 1.0` | `BASE` | ½ min | return, `loss_v` |
# | 2 | discount: `gamma = 0.9, 0.99, 1.0` | `BASE` | ½ min | return, `loss_v` |
# | 3 | size of a batch: `steps_per_epoch = 250, 1000, 4000` | `BASE` | ½ min | return, `kl` |
# | 4 | clip: `clip_range = 0.05, 0.1, 0.2, 0.4` | `BASE` with `loss_mode="ppo"`, `train_pi_iters=20` | ½ min | return, `clip_fraction`, `kl` |
# | 5 | learning rate: `pi_lr = 0.0003, 0.001, 0.003, 0.01` | `BASE` | ½ min | return, `kl`, `ent` |
# | 6 | network: `hidden_sizes = (16,), (64, 64), (200,)` | `BASE` | ½ min | return, `loss_v` |
# | 7 | entropy bonus: `entropy_coef = 0.0, 0.01, 0.1` | `BASE` | ½ min | `ent`, return |
# | 8 | normalisation: `normalize = False, True` | `algorithm="ppo"`, `env="Pendulum-v1"`, `num_envs=8`, `epochs=50` | 1 min | return, `explained_variance` |
# | 9 | shared trunk: `shared_trunk = False, True` | `algorithm="ppo"`, `env="CartPole-v1"`, `epochs=30` | ½ min | return, `loss_v` |
#
# Ideas 4, 8 and 9 need PPO's losses, which your notebook 05 wrote into `my_losses.py`: say `losses="my_losses.py"`. (For
# 8 and 9 the `bonus_losses.py` that 08 writes will do as well.) All others go with `given_losses.py`. For 8 and 9 write a config of your own: `Config(algorithm="ppo", …)`.

# %% [markdown]
# What makes each of them tricky:
#
# 1. The best λ depends on how good the critic is (04). Another `v_lr` may turn your result round.
# 2. γ changes what the critic has to fit, so `loss_v` cannot be compared. The return in the figure is not discounted.
# 3. With the same `epochs`, a larger batch also means more steps. For the same total, use `run_experiment` with a
#    config for each value, `epochs` = 40,000 / `steps_per_epoch`. Then the number of updates differs. Say so.
# 4. The clip acts only where ratios leave the band. If `clip_fraction` is 0, you have compared a thing with itself.
# 5. Learning rates are spaced by factors, not by sums. The best one after 40 epochs need not be the best after 200. You
#    may vary `lr_decay` instead.
# 6. Actor and critic both change, and so does where they start. A larger network may need another learning rate.
# 7. The bonus is paid for staying undecided. Is a policy that scores less, but explores, what you wanted?
# 8. Rewards are scaled inside, so `loss_v` is in another unit. The return in the figure is the raw one, and below 0.
# 9. With one trunk `value_coef` decides who shapes it, and the best value of it may differ. So may the learning rate.

# %% [markdown] nbgrader={"grade": false, "grade_id": "project_question", "locked": true, "schema_version": 3, "solution": false, "task": false}
# ## 5 · Your experiment: `project` (15 points)
#
# This is what your answer is marked by: 15 points, 3 for each part. A prediction is marked on being made, not on being
# right, and a result of "these seeds do not tell them apart" earns as much as any other.
#
# | part | 1 point each |
# |---|---|
# | **Question** | It names the one option that varies, the task, and the number that is measured. · Runs could answer it, one way or the other. · It says why one may wonder: a formula, a figure, an earlier result. |
# | **Prediction** | It says for the values what will be higher, lower or the same, early and late. · It says what outcome would contradict it. · It gives a reason that the course has shown. |
# | **Method** | At least three seeds for every value, the same for all of them. · One thing varies; config, values, seeds and number of steps are given, so that somebody could repeat it. · It says what is measured, when, and how it is summed up. |
# | **Figure** | Learning curves against environment steps, with a band over the seeds, axes named. · Where every seed ended, none left out. · A sentence says what to see, and what line and band are. |
# | **Conclusion** | It answers the question with numbers, and says which ranges overlap. · It compares with the prediction, whatever came of it. · It says what these runs cannot tell, and what you would run next. |
#
# Work in this order: write question and prediction below; fill in the first code cell and run it; then write the rest.
# The figure is the output of the code cells. Save the notebook with them, since your runs are not repeated for marking.
#
# === BEGIN MARK SCHEME ===
#
# **Mark scheme, 15 points**
#
# Whole or half points for each line of the rubric above. The figure is the output of the cells `my_experiment` and
# below it. The model answer is an experiment in which nothing was found; it has full marks.
#
# - Fewer than three seeds for any value: no first point of *Method*, no second of *Figure*, at most 1.5 for *Conclusion*.
# - Two things vary (a batch size that also changes the number of steps, an algorithm with its defaults) and it is not
#   said: no second point of *Method*. Said and taken into account: full points.
# - "Value x is better", where its range overlaps with that of another value: no first point of *Conclusion*.
# - A prediction that fits the outcome in every detail, after the outcome: ask. Written in the past tense: 1 at most.
# - Seeds left out, "an outlier": no second point of *Figure*, unless it is said and the table has it.
# - The visible example (`target_kl` with VPG) copied as it stands: 0. With other values or in another task it counts.
# - A bug of the student's own losses is no fault here, if the text reads the figure rightly.
#
# === END MARK SCHEME ===

# %% [markdown]
# **Do.** Put your option, its values and your config where the first cell raises `NotImplementedError`. Look at more than
# the return: name one column or two of the history in `draw_sweep`, such as `"kl"` or `"ent"`. If you change the config
# later, change the folder in `prefix` too: finished runs are kept, and a folder holds one experiment.

# %% nbgrader={"grade": false, "grade_id": "my_experiment", "locked": false, "schema_version": 3, "solution": true, "task": false} tags=["skip-execution"]
my_seeds, my_losses = (0, 1, 2), "given_losses.py"  # "my_losses.py" for PPO
my_columns = ()  # beside the return, such as ("kl",)
# Set my_parameter (a name), my_values (two to five of them) and my_config:
### BEGIN SOLUTION
my_parameter, my_values = "gamma", (0.5, 0.9, 0.99)
my_config = BASE
### END SOLUTION
my_runs = sweep(
    my_config,
    parameter=my_parameter,
    values=my_values,
    prefix="logs/mine",
    seeds=my_seeds,
    losses=my_losses,
)
clear_output(wait=True)
draw_sweep(my_runs, my_parameter, *my_columns)
print_ends(my_runs, my_parameter)

# %% tags=["skip-execution"]
# Room for another figure of your runs. Figures in cells that you add yourself are not kept for marking.

# %% [markdown] nbgrader={"grade": true, "grade_id": "project", "locked": false, "points": 15, "schema_version": 3, "solution": true, "task": false}
# ### Question
# <!-- BEGIN SOLUTION -->
# How far ahead must VPG look in CartPole? I vary the discount γ: 0.5, 0.9 and 0.99. Rewards further away than about
# 1/(1 − γ) steps hardly count, so these look 2, 10 and 100 steps ahead. I measure the return after 40,000 steps. In 05
# an agent with γ = 0 learned nothing, since every action is paid 1 at once. How little foresight is enough?
# <!-- END SOLUTION -->
#
# ### Prediction (before the run)
# <!-- BEGIN SOLUTION -->
# The more foresight the better: 0.99 ends highest, 0.9 somewhat lower, since a pole takes longer than 10 steps to fall
# from a small mistake, and 0.5 stays near the 20 steps of a policy that has learned nothing. Early on I expect no
# difference. If a seed with 0.5 ends above one with 0.99, the first part is wrong.
# <!-- END SOLUTION -->
#
# ### Method
# <!-- BEGIN SOLUTION -->
# VPG with GAE (λ = 0.97), the config `BASE`: CartPole-v1, 40 epochs of 1000 steps, `pi_lr` 3e-3, `v_lr` 1e-3, the given
# losses. Only `gamma` varies. Seeds 0, 1 and 2 for each value, nine runs. I compare the mean return of the last 100
# episodes at the end of training: each seed, the median and the range. The return is not discounted, so its unit is
# the same for all three.
# <!-- END SOLUTION -->
#
# ### Figure
# <!-- BEGIN SOLUTION -->
# The figure and the table are above. Left: the line is the median of three seeds, the band reaches from the lowest to
# the highest. After 20,000 steps the bands lie over one another; then that of 0.5 rises above the others, and falls among
# them again in the last 5,000 steps. Right: each dot is a seed at the end; those of one value are further apart than
# the medians of the three.
# <!-- END SOLUTION -->
#
# ### Conclusion
# <!-- BEGIN SOLUTION -->
# γ = 0.5 ends at 208, 132 and 126, γ = 0.9 at 161, 190 and 109, γ = 0.99 at 98, 200 and 217. The medians, 132, 161 and 200,
# stand in the order that I predicted, and yet it proves nothing: all three ranges overlap, and the best seed of 0.5 is
# above two of the three of 0.99. By my own rule the first part of the prediction is wrong. What is clear is that 0.5 does
# not stay near 20: its worst seed reaches 126. Looking two steps ahead is enough to learn something.
#
# The figure says more than the table. After 35,000 steps the seeds of 0.5 were at 205, 219 and 208, each above each of
# the other six (at most 180). Had I stopped there, I would report that little foresight is best! Then two of its seeds
# fell. I had fixed the end as my measure before the run, so I keep to it, and call the other a question to ask anew.
#
# In section 2 the median of three seeds of γ = 0.99 lay anywhere from 81 to 224, so a difference of 68 between medians
# of three is nothing unusual without any cause. These runs cannot tell whether 0.99 is better than 0.5, nor what happens
# after 40,000 steps or in a task where rewards come late. Next I would run 0.5 and 0.99 with nine seeds each, twice as
# long, and measure the mean return over all of training.
# <!-- END SOLUTION -->

# %% [markdown]
# ## When nothing comes out
#
# - No value learns at all: see *When it does not learn* in 05. First make one config work, then vary it.
# - All values learn the same: is the option in use? `clip_range` does nothing with `loss_mode="vpg"`, `num_minibatches`
#   nothing with `algorithm="vpg"`. If all seeds of two values end at exactly the same numbers, it is not.
# - The ranges overlap: more seeds tell more than more values. `sweep` with `seeds=(0, 1, 2, 3, 4)` runs only those that
#   are missing. Decide on the number before you look, or say that you did not.
# - It takes too long: fewer values first, then a smaller task, never fewer than three seeds.
#
# ## What you saw, and what comes next
#
# Fifteen runs of one setting, of which three looked like a breakthrough and three like a failure; a rule for when ranges
# say something; and a small experiment that answers half of its question. Now you have made one of your own. Nearly
# everything that is known of these algorithms has been found like this, and a good deal of what is believed of them
# stands on three seeds. In 08, for those who want more: a landing with 250 points, environments side by side, and a robot
# of your choice.
