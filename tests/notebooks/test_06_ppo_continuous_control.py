"""06: its equations, the numbers in its text, its training loop, and what its shipped run shows."""

import json
import math
import os

import gymnasium as gym
import numpy as np
import pytest
import torch
from cells import answers, notebook, text
from torch.distributions import MultivariateNormal, Normal

from grader.execute import cell_by_id
from grader.hidden import AGENTS, answer_keys
from rlcore import Config, Normalizer, evaluate, make_env
from rlcore.plotting import read_history

NAME = "06_ppo_continuous_control"
TEXT, ANSWERS = text(NAME), answers(NAME)
for _given in ("given_sampler", "bookkeeping", "training"):
    exec(cell_by_id(notebook(NAME), _given).source, ANSWERS)
LOGS = AGENTS / NAME / "logs"
SAMPLER = answer_keys()["sampler"]


@pytest.fixture(autouse=True)
def one_thread():
    """As the notebook's training sets it, and as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def walk(rng, steps=300):
    return {
        "observations": rng.normal(3.0, [[[0.5, 5.0]]], (steps, 1, 2)),
        "next_observations": rng.normal(size=(steps, 1, 2)),
        "rewards": rng.normal(2.0, 3.0, (steps, 1)),
        "terminated": rng.random((steps, 1)) < 0.02,
        "truncated": rng.random((steps, 1)) < 0.02,
    }


def learned(trajectory):
    normalizer = Normalizer((2,), gamma=0.9)
    normalizer.normalize({key: value.copy() for key, value in trajectory.items()})
    return normalizer


def test_equation_6_1_observations_are_centred_scaled_and_cut():
    trajectory = walk(np.random.default_rng(0))
    seen = trajectory["observations"][:, 0]
    found = learned(trajectory).observations(seen)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-2)
    np.testing.assert_allclose(found.std(axis=0), 1, atol=1e-2)
    assert learned(trajectory).observations(np.array([1e9, -1e9])).tolist() == [10, -10]


def test_equation_6_2_rewards_are_scaled_by_the_deviation_of_the_return_and_not_centred():
    trajectory = walk(np.random.default_rng(1))
    running, returns = 0.0, []
    over = (trajectory["terminated"] | trajectory["truncated"])[:, 0]
    for t, reward in enumerate(trajectory["rewards"][:, 0]):
        running = reward + 0.9 * (0.0 if t and over[t - 1] else running)
        returns.append(running)
    found = learned(trajectory).rewards(np.array([0.0, 1.0, -2.0]))
    wanted = np.array([0.0, 1.0, -2.0]) / np.std(returns)
    np.testing.assert_allclose(found, wanted, rtol=1e-2)


def test_equation_6_3_log_density_is_a_sum_over_dimensions_with_variances():
    rng = np.random.default_rng(2)
    mean, action = rng.normal(size=4), rng.normal(size=4)
    variance = rng.uniform(0.3, 2, 4)
    by_hand = -0.5 * sum((action - mean) ** 2 / variance + np.log(variance) + np.log(2 * np.pi))
    torchs = MultivariateNormal(torch.from_numpy(mean), torch.diag(torch.from_numpy(variance)))
    assert torchs.log_prob(torch.from_numpy(action)).item() == pytest.approx(by_hand)


class Recorder:
    """A sampler and its runner, which keep what is written."""

    def __init__(self):
        self.runner, self.written = self, {}

    def write(self, name, value, step):
        self.written[name] = float(value.detach() if torch.is_tensor(value) else value)


def batch_of(rng, size=40):
    floats = ("log_probs", "advantages", "values", "value_targets")
    batch = {key: torch.from_numpy(rng.normal(size=size)) for key in floats}
    batch["log_probs"] = batch["log_probs"] * 0.3 - 3.0
    return batch | {"actions": torch.from_numpy(rng.normal(size=(size, 2)))}


def act_of(rng, size=40):
    mean = torch.from_numpy(rng.normal(size=(size, 2))).requires_grad_()
    values = torch.from_numpy(rng.normal(size=size)).requires_grad_()
    return {"distribution": MultivariateNormal(mean, torch.eye(2).double()), "values": values}


def losses(clip_range=0.2):
    rng = np.random.default_rng(3)
    batch, act = batch_of(rng), act_of(rng)
    ppo = ANSWERS["PPO"](None, None, Recorder(), clip_range=clip_range)
    return ppo, batch, act


def test_equation_6_4_policy_loss_sample_by_sample():
    ppo, batch, act = losses()
    new, total = act["distribution"].log_prob(batch["actions"]), 0.0
    for n, o, a in zip(
        *(x.tolist() for x in (new, batch["log_probs"], batch["advantages"])), strict=True
    ):
        total -= min(math.exp(n - o) * a, min(max(math.exp(n - o), 0.8), 1.2) * a)
    assert ppo.policy_loss(batch, act).item() == pytest.approx(total / 40)


def test_equation_6_5_value_loss_sample_by_sample():
    ppo, batch, act = losses()
    rows, total = (act["values"], batch["values"], batch["value_targets"]), 0.0
    for v, o, g in zip(*(x.tolist() for x in rows), strict=True):
        total += max((v - g) ** 2, (o + min(max(v - o, -0.2), 0.2) - g) ** 2)
    assert ppo.value_loss(batch, act).item() == pytest.approx(total / 40)


class Fixed:
    """A policy that answers the same whatever it sees; it has one weight."""

    def __init__(self, act, weight=None):
        self.model, self.answer = torch.nn.ParameterList([weight]), act

    def act(self, observations, training=False):
        return self.answer


def test_equation_6_6_losses_are_added_with_the_coefficient():
    ppo, batch, act = losses()
    ppo.policy = Fixed(act, torch.nn.Parameter(torch.zeros(1)))
    found = ppo.loss(batch | {"observations": torch.zeros(40, 3)})
    assert found.item() == pytest.approx(
        (ppo.policy_loss(batch, act) + 0.25 * ppo.value_loss(batch, act)).item()
    )


@pytest.mark.parametrize(("length", "left"), [(5.0, [0.3, 0.4]), (0.1, [0.06, 0.08])])
def test_equation_6_7_long_gradients_are_cut_and_short_ones_left(length, left):
    weight = torch.nn.Parameter(torch.zeros(2))
    recorder = Recorder()
    ppo = ANSWERS["PPO"](Fixed(None, weight), torch.optim.SGD([weight], lr=1.0), recorder)
    ppo.loss = lambda batch: (weight * torch.tensor([0.6, 0.8]) * length).sum()
    ppo.step({})
    np.testing.assert_allclose(-weight.detach().numpy(), left, rtol=1e-4)
    assert recorder.written["gradient_norm"] == pytest.approx(length)


def test_the_worked_numbers_of_the_network():
    model = ANSWERS["ActorCritic"](17, 6)
    assert 17 * 64 + 64 + 64 * 64 + 64 == 5312 and 64 * 6 + 6 == 390
    assert sum(weights.numel() for weights in model.parameters()) == 2 * 5312 + 390 + 65 + 6
    assert "**11,085**" in TEXT and 2 * 5312 + 390 + 65 + 6 == 11085
    assert model.value[-1].weight.norm().item() == pytest.approx(1.414, abs=1e-3)
    _, variance, _ = model(torch.zeros(2, 17))
    assert (variance == 0.25).all()


def test_the_worked_shares_of_clipped_actions():
    for std, share in ((1.0, "**31.7 %**"), (0.5, "**4.6 %**")):
        beyond = 2 * (1 - Normal(0.0, std).cdf(torch.tensor(1.0)).item())
        assert share in TEXT and f"**{beyond:.1%}**".replace("%", " %") == share


@pytest.mark.parametrize("start", ["σ from ½", "σ from ½, gain √2"])
def test_what_the_gain_of_the_output_layers_changes_was_measured(start):
    measured = AGENTS.parents[1] / "benchmarks" / "halfcheetah_ppo.json"
    runs = json.loads(measured.read_text(encoding="utf-8"))[f"Stable-Baselines3, {start}"]
    assert len(runs) == 5
    assert f"**{np.mean([run['median_of_last'] for run in runs]):,.0f}**" in TEXT


def test_the_worked_numbers_of_the_policy():
    distribution = MultivariateNormal(torch.zeros(6), torch.eye(6))
    assert round(distribution.log_prob(torch.zeros(6)).item(), 3) == -5.514
    assert round(distribution.entropy().item(), 3) == 8.514
    assert "**−5.514**" in TEXT and "**8.514**" in TEXT


def test_the_worked_numbers_of_the_sampler():
    class Ten:
        def get_next(self):
            return {"observations": np.arange(10)}

    minibatches = list(ANSWERS["Sampler"](Ten(), 2, 3).get_next())
    assert [len(one["observations"]) for one in minibatches] == [4, 3, 3, 4, 3, 3]


def test_the_worked_numbers_of_the_losses():
    policy_loss = -(2.40 - 2 * math.exp(0.3)) / 2
    assert round(policy_loss, 2) == 0.15 and round((3.24 + 9) / 2, 2) == 6.12
    assert round(policy_loss + 0.25 * 6.12, 2) == 1.68
    assert "**1.68**" in TEXT


def test_centring_rewards_would_make_falling_free():
    alive = np.ones(500)
    assert (alive - alive.mean() == 0).all()
    assert (alive / 3.0 > 0).all()


def small(folder, epochs):
    config = Config(env="Pendulum-v1", algorithm="ppo", normalize=True, epochs=epochs, seed=3)
    changed = {"steps_per_epoch": 64, "num_minibatches": 4, "num_epochs": 2, "checkpoint_every": 2}
    return ANSWERS["train"](config.model_copy(update=changed | {"epochs": epochs}), folder)


def test_a_run_that_was_interrupted_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    whole = small(tmp_path / "whole", 5)
    steps, step = [], ANSWERS["PPO"].step

    def interrupted(self, batch):
        steps.append(1)
        if len(steps) == 3 * 8 + 2:  # in the middle of the fourth rollout
            raise KeyboardInterrupt
        step(self, batch)

    monkeypatch.setattr(ANSWERS["PPO"], "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        small(tmp_path / "parts", 5)
    monkeypatch.undo()
    parts = small(tmp_path / "parts", 5)
    one, other = (read_history(tmp_path / name) for name in ("whole", "parts"))
    for column in one:
        np.testing.assert_array_equal(one[column], other[column], err_msg=column)
    for a, b in zip(whole.policy.model.parameters(), parts.policy.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_finished_run_is_not_run_again_and_another_config_is_refused(tmp_path, monkeypatch):
    small(tmp_path / "run", 2)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("model.npz")}
    monkeypatch.setattr(ANSWERS["PPO"], "step", None)
    small(tmp_path / "run", 2)
    assert before.keys() == {path for path in tmp_path.rglob("model.npz")}
    with pytest.raises(ValueError, match="another config"):
        small(tmp_path / "run", 4)


def test_a_probe_with_a_known_answer_is_learned(tmp_path):
    class Target(gym.Env):
        observation_space = gym.spaces.Box(-1, 1, (1,), np.float32)
        action_space = gym.spaces.Box(-1, 1, (1,), np.float32)

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return np.zeros(1, np.float32), {}

        def step(self, action):
            return np.zeros(1, np.float32), -float((action[0] - 0.5) ** 2), True, False, {}

    torch.manual_seed(0)
    model = ANSWERS["ActorCritic"](1, 1)
    policy = ANSWERS["Policy"](model)
    sampler = ANSWERS["make_ppo_sampler"](Target(), policy, num_steps=256, num_minibatches=8)
    adam = torch.optim.Adam(model.parameters(), lr=3e-3, eps=1e-5)
    ppo = ANSWERS["PPO"](policy, adam, sampler)
    for _ in range(15):
        for minibatch in sampler.get_next():
            ppo.step(minibatch)
    state = sampler.runner.normalizer.observations(np.zeros((1, 1)))
    mean, variance, _ = model(torch.from_numpy(state))
    assert mean.item() == pytest.approx(0.5, abs=0.12)
    assert variance.item() < 0.5


def test_without_mujoco_the_notebook_says_what_to_install_and_goes_on(monkeypatch, capsys):
    import rlcore

    make = rlcore.make_env

    def refuse(env_id, **options):
        if env_id.startswith("HalfCheetah"):
            raise ImportError(f"{env_id} needs MuJoCo: pip install ...")
        return make(env_id, **options)

    monkeypatch.setattr(rlcore, "make_env", refuse)
    names = dict(ANSWERS)
    exec(cell_by_id(notebook(NAME), "environment").source, names)
    assert (names["ENV"], names["OBS_DIM"], names["ACTION_DIM"]) == ("Pendulum-v1", 3, 1)
    printed = capsys.readouterr().out
    assert "HalfCheetah-v5 needs MuJoCo: pip install" in printed and "Pendulum-v1" in printed


def test_a_step_in_log_sigma_moves_sigma_twice_as_far_as_one_in_its_square():
    p, moved = torch.zeros(2, requires_grad=True), []
    for sigma in (p.exp(), p.exp().sqrt()):
        moved.append(torch.autograd.grad(sigma.sum(), p)[0])
    assert torch.equal(moved[0], 2 * moved[1])
    assert "a step of the same length moves σ half as far" in TEXT.replace("\n", " ")


def test_the_model_answer_tells_what_the_shipped_run_shows():
    run = read_history(LOGS / "06" / "HalfCheetah-v5_1M")
    steps, values, returns = run["steps"], run["additional/value_predictions"], run["ep_ret_100"]
    lowest, positive = int(values.argmin()), int(np.flatnonzero((values > 0) & (steps > 33e3))[0])
    turned = int(np.flatnonzero(returns > 0)[0])
    assert [round(steps[i], -3) for i in (lowest, positive, turned)] == [33e3, 55e3, 82e3]
    assert round(values[lowest], 1) == -0.8
    assert [round(returns[i]) for i in (lowest, positive)] == [-227, -133]
    assert (round(np.median(run["kl"]), 3), sum(run["kl"] > 0.1), len(steps)) == (0.032, 2, 488)
    clipped = run["additional/policy_loss_clipped_fraction"][steps < 600e3]
    assert (round(clipped.min(), 2), round(clipped.max(), 2)) == (0.28, 0.43)
    assert [round(run["additional/entropy"][i], 1) for i in (0, -1)] == [4.3, -3.5]


def test_the_short_run_visibly_learns_and_the_long_one_runs():
    short, long = (read_history(LOGS / "06" / f"HalfCheetah-v5_{name}") for name in ("100k", "1M"))
    assert short["steps"][-1] == 99_840 and long["steps"][-1] == 999_424
    assert np.nanmean(short["ep_ret"][:20]) < -200 < 1000 < np.nanmean(short["ep_ret"][-20:])
    assert long["ep_ret_100"][-1] > 1000


def test_in_the_first_minibatch_every_ratio_is_one():
    config = Config(env="Pendulum-v1", algorithm="ppo", steps_per_epoch=64, num_minibatches=2)
    fresh = ANSWERS["make_ppo"](config)
    fresh.step(next(iter(fresh.sampler.get_next())))
    scalars = {name: value for name, (_, value) in fresh.sampler.runner.scalars.items()}
    assert scalars["additional/max_ratio"] == pytest.approx(1, abs=1e-4)
    assert scalars["additional/policy_loss_clipped_fraction"] == 0
    assert "fresh = make_ppo(short)" in TEXT


def test_nearly_every_gradient_is_longer_than_the_limit():
    for name in ("100k", "1M"):
        run = read_history(LOGS / "06" / f"HalfCheetah-v5_{name}")
        assert run["gradient_norm"].min() > 1.5
        assert np.median(run["kl"]) > 0.01 and np.mean(run["kl"] < 0.1) > 0.99
        assert 0.2 < np.median(run["additional/policy_loss_clipped_fraction"]) < 0.4


@pytest.mark.parametrize("answer", [SAMPLER.reference, *SAMPLER.also_correct])
def test_the_figure_of_minibatches_works_with_every_right_sampler(answer, monkeypatch):
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    keys = ("observations", "next_observations", "actions", "rewards", "terminated", "truncated")
    names = dict(ANSWERS) | {"Sampler": answer, "walk": {"rewards": np.arange(2000.0)}}
    names["five"] = dict.fromkeys((*keys, "log_probs", "values", "advantages", "value_targets"))
    exec(cell_by_id(notebook(NAME), "figure_minibatches").source, names)
    assert (names["got"].sum(axis=1) == 8 * 28).all()
    names["plt"].close("all")


def test_an_agent_that_was_trained_for_longer_is_not_replaced(tmp_path, capsys):
    saved = AGENTS / NAME / "logs" / "06"
    short, long = (saved / f"HalfCheetah-v5_{name}" / "model.npz" for name in ("100k", "1M"))
    place, hand_in = tmp_path / "halfcheetah_agent" / "model.npz", ANSWERS["hand_in"]
    hand_in(short, place)
    assert place.read_bytes() == short.read_bytes()
    hand_in(long, place)
    hand_in(short, place)
    assert place.read_bytes() == long.read_bytes()
    assert "was trained for longer than this run and stays" in capsys.readouterr().out


def test_at_random_a_cheetah_earns_about_what_the_text_says():
    env = make_env("HalfCheetah-v5")
    env.action_space.seed(0)
    found = evaluate(env, lambda obs: env.action_space.sample()[None], num_episodes=10, seed=0)
    assert -330 < found.mean() < -230 and "about −280" in TEXT
    env.close()


def test_the_agent_is_small_and_holds_no_pickle():
    path = AGENTS / NAME / "halfcheetah_agent" / "model.npz"
    assert os.path.getsize(path) < 1e6
    with np.load(path, allow_pickle=False) as file:
        assert "normalizer/seen" in file.files
