"""05: its equations, the numbers in its text, and what its shipped runs show."""

import math

import numpy as np
import pytest
import torch
from cells import answers, notebook, text

from grader.execute import cell_by_id
from grader.hidden import AGENTS
from rlcore.plotting import read_history
from rlcore.train import main

NAME = "05_ppo_clipping"
TEXT, ANSWERS = text(NAME), answers(NAME)
LOGS = AGENTS / NAME / "logs"
exec(cell_by_id(notebook(NAME), "given_losses").source, ANSWERS)


def sample(rng, size=40):
    old = rng.uniform(-3, -1, size)
    return [
        torch.from_numpy(x) for x in (old + rng.normal(0, 0.4, size), old, rng.normal(size=size))
    ]


def test_equation_5_1_ratio_is_the_quotient_of_the_probabilities():
    new, old, _ = sample(np.random.default_rng(0))
    torch.testing.assert_close(torch.exp(new - old), new.exp() / old.exp())


def test_equation_5_2_gradient_at_the_old_policy_is_vpg_s():
    logits = torch.randn(30, 4, dtype=torch.float64, requires_grad=True)
    actions, advantages = torch.randint(4, (30,)), torch.randn(30, dtype=torch.float64)
    log_probs = torch.distributions.Categorical(logits=logits).log_prob(actions)
    ratio = torch.exp(log_probs - log_probs.detach())
    surrogate, plain = (ratio * advantages).mean(), (log_probs * advantages).mean()
    one, other = (torch.autograd.grad(x, logits, retain_graph=True)[0] for x in (surrogate, plain))
    torch.testing.assert_close(one, other)
    (given,) = torch.autograd.grad(ANSWERS["policy_gradient_loss"](log_probs, advantages), logits)
    torch.testing.assert_close(given, -other)


def test_equation_5_3_objective_is_minus_the_loss_sample_by_sample():
    new, old, advantages = sample(np.random.default_rng(1))
    total = 0.0
    for n, o, a in zip(new.tolist(), old.tolist(), advantages.tolist(), strict=True):
        ratio = math.exp(n - o)
        total += min(ratio * a, min(max(ratio, 0.8), 1.2) * a)
    found = ANSWERS["ppo_clip_loss"](new, old, advantages, clip_range=0.2)
    assert found.item() == pytest.approx(-total / 40)


def test_equation_5_4_estimate_is_the_divergence_on_average():
    old = torch.distributions.Categorical(logits=torch.tensor([0.3, -1.0, 0.8]))
    new = torch.distributions.Categorical(logits=torch.tensor([0.0, 0.2, 0.5]))
    actions = torch.arange(3)
    per_action = old.log_prob(actions) - new.log_prob(actions)
    exact = torch.distributions.kl_divergence(old, new)
    torch.testing.assert_close((old.probs * per_action).sum(), exact)
    found = ANSWERS["approx_kl"](new.log_prob(actions), old.log_prob(actions))
    torch.testing.assert_close(found, per_action.mean())


def test_equation_5_5_clip_fraction_counts_strictly_outside():
    new = torch.log(torch.tensor([0.5, 1.0, 1.0, 1.3, 1.1]))
    assert ANSWERS["clip_fraction"](new, torch.zeros(5), clip_range=0.2) == pytest.approx(0.4)
    assert ANSWERS["clip_fraction"](torch.zeros(3), torch.zeros(3), clip_range=0.0) == 0.0


def test_equation_5_6_value_loss_is_the_larger_error_sample_by_sample():
    rng = np.random.default_rng(2)
    values, old, targets = (torch.from_numpy(rng.normal(0, 2, 30)) for _ in range(3))
    total = 0.0
    for v, o, g in zip(values.tolist(), old.tolist(), targets.tolist(), strict=True):
        total += max((v - g) ** 2, (o + min(max(v - o, -0.3), 0.3) - g) ** 2)
    found = ANSWERS["clipped_value_loss"](values, old, targets, clip_range=0.3)
    assert found.item() == pytest.approx(total / 30)


def test_the_worked_policy_loss_is_right():
    new, old = torch.full((2,), -0.9), torch.full((2,), -1.2)
    found = ANSWERS["ppo_clip_loss"](new, old, torch.tensor([2.0, -2.0]), clip_range=0.2)
    assert round(math.exp(0.3), 2) == 1.35 and round(2 * math.exp(0.3), 2) == 2.70
    assert round(found.item(), 2) == 0.15
    assert "The mean objective is −0.15, the loss **0.15**" in TEXT


def test_the_worked_gauges_are_right():
    new, old = torch.tensor([-0.9, -1.6, -1.2]), torch.full((3,), -1.2)
    assert round(float(ANSWERS["approx_kl"](new, old)), 4) == 0.0333
    assert round(float(ANSWERS["clip_fraction"](new, old, clip_range=0.2)), 3) == 0.667
    assert "0.1 / 3 = **0.0333** nats" in TEXT and "**0.667**" in TEXT


def test_the_worked_value_loss_is_right():
    values = torch.tensor([11.0, 9.0], requires_grad=True)
    old, targets = torch.full((2,), 10.0), torch.full((2,), 12.0)
    loss = ANSWERS["clipped_value_loss"](values, old, targets, clip_range=0.2)
    loss.backward()
    assert round(loss.item(), 2) == 6.12
    assert values.grad[0] == 0.0 and values.grad[1] != 0.0


@pytest.mark.parametrize(
    ("advantage", "ratio", "pushed"), [(1, 1.5, 0), (1, 0.6, 1), (-1, 1.5, -1), (-1, 0.6, 0)]
)
def test_the_four_quadrants_are_as_the_model_answer_says(advantage, ratio, pushed):
    log_probs = torch.tensor([math.log(ratio)], requires_grad=True)
    arguments = (log_probs, torch.zeros(1), torch.tensor([float(advantage)]))
    ANSWERS["ppo_clip_loss"](*arguments, clip_range=0.2).backward()
    assert np.sign(-log_probs.grad.item()) == pushed


def runs(pattern):
    found = [read_history(folder) for folder in sorted(LOGS.glob(pattern))]
    assert len(found) == 3
    return found


def ends(pattern, column="ep_ret_100"):
    return [run[column][-1] for run in runs(pattern)]


@pytest.mark.parametrize(
    ("pattern", "returns", "most"),
    [
        ("3b/*_pi4_*", [225, 319, 289], 0.0404),
        ("3b/*_pi10_*", [319, 16, 54], 1.55),
        ("3b/*_pi20_*", [9, 326, 116], 4.65),
        ("4/*", [328, 256, 415], 0.0115),
    ],
)
def test_the_model_answers_tell_what_the_shipped_runs_show(pattern, returns, most):
    assert [int(np.floor(end + 0.5)) for end in ends(pattern)] == returns
    assert max(run["kl"].max() for run in runs(pattern)) < most
    assert all(str(number) in TEXT for number in returns)


def test_the_clip_fractions_of_the_model_answer():
    assert max(run["clip_fraction"].mean() for run in runs("4/*")) < 0.07
    assert min(run["clip_fraction"].max() for run in runs("3b/*_pi20_*")) > 0.9


def test_the_gallery_shows_what_its_text_says():
    assert max(ends("bugs/*_sign_*")) < 10 and max(ends("bugs/*_sign_*", "ent")) < 0.002
    assert np.round(ends("bugs/*_means_*", "ent"), 3).tolist() == [0.693] * 3
    assert max(ends("bugs/*_shuffled_*")) < 25
    assert max(run["ent"][5:].max() for run in runs("bugs/*_lr_*")) < 0.05
    assert "Five of the six end near 9 or 20" in TEXT
    low = [
        np.median(ends(f"bugs/*_{bug}_*")) for bug in ("sign", "means", "shuffled", "lr", "gamma")
    ]
    assert max(low) < 25
    assert min(ends("bugs/*_table_*")) > 190 < np.median(ends("bugs/*_right_*"))
    table, right = (np.median(ends(f"bugs/*_{name}_*", "loss_v")) for name in ("table", "right"))
    assert table > 3 * right


def test_the_commands_of_the_text_make_the_folders_of_the_notebook(tmp_path, monkeypatch, capsys):
    import re
    import shlex

    monkeypatch.chdir(tmp_path)
    (tmp_path / "vpg_losses.py").write_text(ANSWERS["IMPORTS"], encoding="utf-8")
    monkeypatch.setattr("rlcore.experiment.run_all", lambda runs: made.extend(runs) or 0)
    made = []
    for command in re.findall(r"python -m rlcore.train (.+?)\n```", TEXT, re.DOTALL):
        assert main(shlex.split(command.replace("\\\n", " "))) == 0
    names = {run["folder"].name for run in made}
    shipped = {folder.name for folder in LOGS.glob("*/*") if "pi10" in folder.name}
    assert names == shipped | {folder.name for folder in LOGS.glob("4/*")}
