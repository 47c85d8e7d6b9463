"""08: its equations, the numbers in its text, and what its shipped runs show."""

import json
import re
import runpy
import shlex
from functools import partial

import numpy as np
import pytest
import torch
from cells import answers, notebook, text

import rlcore
from grader.course import ROOT
from grader.execute import cell_by_id
from grader.exercises import find_exercise
from grader.hidden import AGENTS
from grader.judge import judge
from grader.published import load_published
from rlcore import Config, losses
from rlcore.plotting import read_history
from rlcore.train import main

NAME = "08_bonus"
TEXT, ANSWERS = text(NAME), answers(NAME)
LOGS = AGENTS / NAME / "logs" / "08"
exec(cell_by_id(notebook(NAME), "given_losses").source, ANSWERS)
exec(cell_by_id(notebook(NAME), "three_steps").source, ANSWERS)


def rollout(gamma, steps=600, paid=250):
    rewards, nothing = np.zeros(steps), np.zeros(steps)
    rewards[paid] = 1.0
    flags = np.zeros(steps, dtype=bool)
    return rlcore.discounted_returns(rewards, nothing, flags, flags, gamma=gamma)


@pytest.mark.parametrize(("gamma", "weight"), [(0.99, "0.08"), (0.999, "0.78")])
def test_equation_8_1_is_the_weight_of_a_reward_250_steps_away(gamma, weight):
    assert rollout(gamma)[0] == pytest.approx(gamma**250)
    assert f"{gamma**250:.2f}" == weight
    assert "0.78 instead of 0.08" in TEXT


@pytest.mark.parametrize(("gamma", "gae_lambda"), [(0.99, 0.95), (0.999, 0.98)])
def test_equation_8_2_is_the_advantage_when_every_residual_is_one(gamma, gae_lambda):
    ones, zeros = np.ones(4000), np.zeros(4000)
    flags = np.zeros(4000, dtype=bool)
    found = rlcore.gae(ones, zeros, zeros, flags, flags, gamma=gamma, gae_lambda=gae_lambda)
    assert found[0] == pytest.approx(1 / (1 - gamma * gae_lambda))


@pytest.mark.parametrize("name", ["ppo_clip_loss", "clipped_value_loss"])
def test_the_given_losses_have_the_gradients_of_the_right_ones(name):
    rng = np.random.default_rng(0)
    new, old, target = (torch.from_numpy(rng.normal(0, 0.5, 500)) for _ in range(3))
    gradients = []
    for loss in (ANSWERS[name], getattr(losses, name)):
        leaf = new.clone().requires_grad_()
        loss(leaf, old, target, clip_range=0.2).backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients)
    assert 50 < (gradients[0] == 0).sum() < 450


@pytest.mark.parametrize("name", ["ppo_clip_loss", "clipped_value_loss"])
def test_the_given_losses_earn_nothing_in_05(name):
    exercise = find_exercise(name)
    assert judge(exercise, ANSWERS[name], load_published(exercise).check).points == 0.0


def test_the_worked_rollout_is_right():
    env_fns = [ANSWERS["ThreeSteps"], partial(ANSWERS["ThreeSteps"], "truncated")]
    found = ANSWERS["collect_vectorized"](env_fns, lambda seen: np.zeros(2, dtype=int), 5)
    for n in range(2):
        assert found["observations"][:, n, 0].tolist() == [0, 1, 2, 0, 1]
        assert found["next_observations"][:, n, 0].tolist() == [1, 2, 3, 1, 2]
        assert found["rewards"][:, n].tolist() == [10, 20, 30, 10, 20]
    assert np.argwhere(found["terminated"]).tolist() == [[2, 0]]
    assert np.argwhere(found["truncated"]).tolist() == [[2, 1]]
    assert "0, 1, 2, 0, 1, and of `next_observations` 1, 2, **3**, 1, 2" in TEXT


def test_the_fourth_row_of_next_step_is_as_the_text_says(capsys):
    cell = cell_by_id(notebook(NAME), "figure_modes")
    exec(cell.source, dict(ANSWERS))
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["NEXT_STEP"] and rows[7] == ["SAME_STEP"]
    assert rows[5] == ["3", "0", "0", "False", "-"]  # seen, given back, reward: no step of the task
    assert rows[11] == ["2", "0", "30", "True", "3"]
    assert "a transition from 3 to 0 that does not exist" in TEXT


def test_the_configuration_is_the_one_that_was_measured_over_five_seeds():
    measured = runpy.run_path(str(ROOT / "benchmarks" / "learning.py"))["TASKS"]["lunarlander_ppo"]
    assert Config(**ANSWERS["LANDER"]) == Config(**measured[0])
    rows = json.loads((ROOT / "benchmarks" / "learning.json").read_text())["lunarlander_ppo"]
    means = sorted(round(row["evaluated"]) for row in rows)
    assert means[0] == 233 and set(means[1:]) == {274, 275} and len(means) == 5
    assert (
        "four seeds of five reached **250** over 100 new episodes (274 or 275), the fifth 233"
        in TEXT
    )


def test_the_shipped_agent_is_small_and_of_that_configuration():
    folder = AGENTS / NAME / "lunarlander_agent"
    there = Config.load(folder).model_dump(exclude={"seed"})
    assert there == Config(**ANSWERS["LANDER"]).model_dump(exclude={"seed"})
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1e6


def histories(env):
    found = [read_history(folder) for folder in sorted(LOGS.glob(f"{env}_*"))]
    assert len(found) == 3
    return found


def test_the_lander_first_crashes_then_hovers_then_lands():
    runs = histories("LunarLander-v3")
    assert sum(history["ep_len"].max() > 900 for history in runs) == 2  # "with some seeds"
    for history in runs:
        assert history["ep_len"][0] < 150 and history["ep_ret_100"][0] < -100
        assert history["ep_len"].max() > 1.5 * history["ep_len"][-1]
        assert history["ep_len"][-1] < 300 and history["ep_ret_100"][-1] > 250


@pytest.mark.parametrize(
    ("env", "column", "k", "numbers"),
    [
        ("HalfCheetahBulletEnv-v0", "ep_ret", 0, "−1270, −1255 and −1391"),
        ("HalfCheetahBulletEnv-v0", "ep_ret", -1, "−435, −410 and −194"),
        ("Hopper-v5", "ep_ret", 0, "8, 12 and 17"),
        ("Hopper-v5", "ep_ret", -1, "253, 431 and 412"),
        ("Hopper-v5", "ep_len", -1, "104, 150 and 164"),
    ],
)
def test_the_model_answer_tells_what_the_shipped_runs_show(env, column, k, numbers):
    first, second, third = (f"{run[column][k]:.0f}".replace("-", "−") for run in histories(env))
    assert numbers == f"{first}, {second} and {third}"
    assert numbers in TEXT.replace("\n", " ")


def test_seed_0_of_the_hopper_is_stuck_near_200_from_half_of_its_run_on():
    late = histories("Hopper-v5")[0]["ep_ret"][20:]
    assert late.min() > 190 and np.median(late) < 225


def test_the_command_of_the_text_makes_the_runs_of_the_notebook(tmp_path, monkeypatch):
    made = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rlcore.experiment.run_all", lambda runs: made.extend(runs) or 0)
    (command,) = re.findall(r"python -m rlcore.train (.+?)\n```", TEXT, re.DOTALL)
    assert main(shlex.split(command.replace("\\\n", " "))) == 0
    for run, seed in zip(made, range(3), strict=True):
        assert run["config"] == Config(**ANSWERS["LANDER"], seed=seed)
        assert run["folder"].name == f"LunarLander-v3_ppo_ppo_gae_seed{seed}"


def test_the_shipped_runs_are_those_the_notebook_would_make():
    cell = next(one for one in notebook(NAME).cells if one.source.startswith("NEW = {"))
    names = dict(ANSWERS)
    exec(cell.source.partition("bodies = []")[0], names)
    for env, options in names["NEW"].items():
        for seed in range(3):
            config = Config(env=env, **(names["BODY"] | options), seed=seed)
            assert Config.load(LOGS / f"{env}_ppo_ppo_gae_seed{seed}") == config


@pytest.mark.parametrize(("start", "missing"), [("NEW = {", "Bullet"), ("TRAIN = ", "LunarLander")])
def test_without_a_package_the_cell_says_what_to_install_and_goes_on(
    start, missing, monkeypatch, capsys, tmp_path
):
    make = rlcore.make_env

    def refuse(env_id):
        if missing in env_id:
            raise ImportError(f"{env_id} needs a package: pip install ...")
        return make(env_id)

    monkeypatch.setattr(rlcore, "make_env", refuse)
    monkeypatch.chdir(tmp_path)
    names = dict(ANSWERS)
    exec(next(c.source for c in notebook(NAME).cells if c.source.startswith(start)), names)
    assert "needs a package: pip install" in capsys.readouterr().out
    assert names.get("bodies", ["Hopper-v5"]) == ["Hopper-v5"]
