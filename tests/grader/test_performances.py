"""Agents are played by the grader, studies are read: what each is worth, and what is said of it."""

import numpy as np
import pytest
import torch

import rlcore
from grader import check
from grader.exercise import Refused, Unplayable
from grader.exercises import agents
from grader.exercises.agents import CARTPOLE_AGENT, HALFCHEETAH_AGENT, LUNARLANDER_AGENT, play
from grader.exercises.side_by_side import Cheetahs, OneByOne, side_by_side
from grader.exercises.studies import RETURNS_VS_GAE_STUDY
from grader.judge import measure
from rlcore.config import Config


def balance(observations):
    """Pushes to the side to which the pole falls: about 500 steps, always."""
    return (observations @ np.array([0.0, 0.3, 1.0, 1.0]) > 0).astype(int)


def test_an_agent_that_balances_gets_full_points():
    verdict = measure(CARTPOLE_AGENT, balance, 1)
    assert (verdict.points, verdict.correct) == (3.0, True)
    assert verdict.groups[0].name.startswith("mean return 500.0 over 20 fresh episodes")


def test_points_lie_on_a_line_from_100_to_400():
    def tires(observations):
        tires.steps += 1
        right = balance(observations)
        return right if tires.steps < 240 else 1 - right

    tires.steps = 0
    verdict = measure(CARTPOLE_AGENT, tires, 1)
    mean = float(verdict.groups[0].name.split()[2])
    assert 240 < mean < 270
    assert verdict.points == pytest.approx(3 * (mean - 100) / 300, abs=0.01)
    assert verdict.difference.startswith(f"the mean return is {mean}; full points from 400")


@pytest.mark.parametrize(
    ("mean", "points"), [(199.9, 0), (200, 2), (249.9, 2), (250, 4), (290, 4), (-300, 0)]
)
def test_a_landing_earns_points_in_steps_with_nothing_between(mean, points, monkeypatch):
    monkeypatch.setattr(agents, "play", lambda act, env_id, episodes, seed: np.full(episodes, mean))
    verdict = measure(LUNARLANDER_AGENT, None, 1)
    assert (verdict.points, verdict.max_points) == (points, 4.0)
    assert verdict.correct == (points == 4)
    assert verdict.correct or "2 points from 200, 4 points from 250" in verdict.difference


def test_the_published_check_plays_fewer_landings_than_marks_are_given_for(monkeypatch):
    monkeypatch.setattr(
        agents, "play", lambda act, env_id, episodes, seed: np.full(episodes, 260.0)
    )
    names = [
        measure(one, None, 1).groups[0].name
        for one in (LUNARLANDER_AGENT, LUNARLANDER_AGENT.published)
    ]
    assert names[0] == "mean return 260.0 over 100 fresh episodes of LunarLander-v3"
    assert (
        names[1]
        == "mean return 260.0 over 20 fresh episodes of LunarLander-v3 (marks are given for 100)"
    )
    assert CARTPOLE_AGENT.published == CARTPOLE_AGENT


def test_the_same_seed_plays_the_same_episodes_and_another_seed_others():
    def at_random(observations):
        return torch.randint(2, (len(observations),)).numpy()

    first, again, other = (play(at_random, "CartPole-v1", 5, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("draw", ["torch", "numpy", "random"])
def test_agents_may_draw_from_any_generator(draw):
    import random

    draws = {
        "torch": lambda n: torch.randint(2, (n,)),
        "numpy": lambda n: np.random.randint(2, size=n),  # noqa: NPY002
        "random": lambda n: [random.randint(0, 1) for _ in range(n)],
    }
    one, other = (play(lambda o: draws[draw](len(o)), "CartPole-v1", 5, 7) for _ in range(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (3, "pass the function act itself"),
        (lambda o: np.zeros((len(o), 2)), "act returns shape (20, 2) for 20 observations"),
        (lambda o: 0, "act returns shape () for 20 observations, not (20,)"),
        (lambda o: np.full(len(o), 2), "act returns action 2; there are 0 to 1 here"),
        (lambda o: np.full(len(o), 0.5), "act returns action 0.5"),
        (lambda o: np.full(len(o), np.nan), "not finite"),
        (lambda o: None, "what act returns is None"),
        (lambda o: [][0], "it raises IndexError"),
    ],
)
def test_actions_that_do_not_fit_get_a_sentence_and_no_points(answer, sentence):
    verdict = measure(CARTPOLE_AGENT, answer, 1)
    assert verdict.points == 0
    assert sentence in verdict.difference


def test_continuous_actions_are_clipped_to_the_box():
    for size in (2.0, 50.0):
        returns = play(lambda o, size=size: np.full((len(o), 1), size), "Pendulum-v1", 2, 3)
        assert np.isfinite(returns).all()
    with pytest.raises(Refused, match=r"shape \(2,\)"):
        play(lambda o: np.zeros(len(o)), "Pendulum-v1", 2, 3)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "LunarLander-v3", "Pendulum-v1"])
def test_environments_side_by_side_are_those_of_gymnasium_until_their_end(env_id):
    world, rng = side_by_side(env_id, 3, 7), np.random.default_rng(0)
    envs, playing, ends = [rlcore.make_env(env_id) for _ in range(3)], np.arange(3), []
    first = [env.reset(seed=7 + k)[0] for k, env in enumerate(envs)]
    np.testing.assert_array_equal(world.observations, first)
    while len(playing):
        if world.action_space.shape == ():
            actions = [rng.integers(world.action_space.n).item()] * 3
        else:
            actions = [rng.uniform(-2, 2, 1).astype(np.float32)] * 3
        observations, rewards, goes_on = world.step(playing, actions[: len(playing)])
        for i, k in enumerate(playing):
            seen, reward, terminated, truncated, _ = envs[k].step(actions[0])
            np.testing.assert_array_equal(observations[i], seen)
            assert (rewards[i], goes_on[i]) == (reward, not (terminated or truncated))
            ends += [truncated] * (not goes_on[i])
        playing = playing[goes_on]
    assert ends == [env_id == "Pendulum-v1"] * 3
    world.close()


def test_cheetahs_that_share_a_simulator_are_those_of_gymnasium_bit_by_bit():
    rng, num, steps = np.random.default_rng(0), 3, 1000
    one, other = (kind("HalfCheetah-v5", num, 7) for kind in (OneByOne, Cheetahs))
    np.testing.assert_array_equal(one.observations, other.observations)
    for step in range(steps):
        actions = list(rng.uniform(-1, 1, (num, 6)).astype(np.float32))
        stepped = [world.step(np.arange(num), actions) for world in (one, other)]
        for ours, theirs in zip(*stepped, strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype
        assert stepped[0][2].all() == (step < steps - 1)
    assert isinstance(side_by_side("HalfCheetah-v5", 1, 0), Cheetahs)
    for world in (one, other):
        world.close()


@pytest.mark.parametrize("env_id", ["HalfCheetah-v5", "LunarLander-v3"])
def test_an_agent_earns_what_gymnasium_gives(env_id, monkeypatch):
    def busy(observations):
        if env_id == "LunarLander-v3":
            return np.where(observations[:, 3] < -0.1, 2, 2 + np.sign(observations[:, 4]))
        return np.sin(observations[:, 8:14])

    episodes = 12 if env_id == "LunarLander-v3" else 2  # landers crash, rest, or fly away
    faster = play(busy, env_id, episodes, 5)
    monkeypatch.setattr(agents, "side_by_side", OneByOne)
    np.testing.assert_array_equal(faster, play(busy, env_id, episodes, 5))


def write_run(folder, epochs=100, rows=100, told_apart="", **options):
    config = Config(env="CartPole-v1", epochs=epochs, **options)
    name = f"{config.psi_mode}_{config.seed}_{config.gamma}"
    (folder / name).mkdir(parents=True)
    (folder / name / "config.json").write_text(config.model_dump_json())
    mean = told_apart if told_apart else f"{config.seed}{len(name)}"
    lines = ["epoch,steps,ep_ret_100", *(f"{i},{1000 * (i + 1)},{mean}" for i in range(rows))]
    (folder / name / "history.csv").write_text("\n".join(lines) + "\n")


def write_study(folder, seeds=(0, 1, 2), modes=("future_return", "gae"), **options):
    for seed in seeds:
        for mode in modes:
            write_run(folder, seed=seed, psi_mode=mode, **options)


def test_a_complete_study_gets_full_points_whatever_the_outcome(tmp_path):
    write_study(tmp_path / "3a")
    verdict = measure(RETURNS_VS_GAE_STUDY, str(tmp_path / "3a"), 0)
    assert (verdict.points, verdict.correct, verdict.difference) == (4.0, True, "")


@pytest.mark.parametrize(
    ("options", "points"),
    [
        ({"seeds": (0, 1)}, 2.66),
        ({"modes": ("gae",)}, 2.0),
        ({"rows": 99}, 0.0),
        ({"epochs": 50, "rows": 50}, 0.0),
    ],
)
def test_what_a_study_lacks_costs_points_and_is_said(tmp_path, options, points):
    write_study(tmp_path, **options)
    verdict = measure(RETURNS_VS_GAE_STUDY, str(tmp_path), 0)
    assert verdict.points == pytest.approx(points)
    assert "wanted are 3 seeds of 100 epochs" in verdict.difference


def test_modes_are_compared_with_all_else_equal(tmp_path):
    write_study(tmp_path, modes=("gae",), gamma=0.9)
    write_study(tmp_path, modes=("future_return",), gamma=0.99)
    assert measure(RETURNS_VS_GAE_STUDY, str(tmp_path), 0).points == 2.0


@pytest.mark.parametrize(
    ("mode", "idle"),
    [("future_return", "gae_lambda"), ("gae", "num_minibatches"), ("gae", "clip_range")],
)
def test_an_option_that_a_run_does_not_read_parts_no_seeds(tmp_path, mode, idle):
    others = {"future_return", "gae"} - {mode}
    write_study(tmp_path, modes=others)
    for seed, value in enumerate((0.5, 0.8, 1.0)):
        value = round(10 * value) if idle == "num_minibatches" else value
        write_run(tmp_path / str(seed), seed=seed, psi_mode=mode, **{idle: value})
    assert measure(RETURNS_VS_GAE_STUDY, str(tmp_path), 0).correct


def test_an_option_that_gae_reads_parts_its_seeds_though_the_future_return_fits_all(tmp_path):
    write_study(tmp_path, modes=("future_return",))
    for seed, gae_lambda in enumerate((0.5, 0.8, 1.0)):
        write_run(tmp_path / str(seed), seed=seed, psi_mode="gae", gae_lambda=gae_lambda)
    assert measure(RETURNS_VS_GAE_STUDY, str(tmp_path), 0).points == 2.67


def test_a_history_that_stands_under_three_seeds_was_copied_and_counts_once(tmp_path):
    for mode in ("future_return", "gae"):
        write_study(tmp_path, modes=(mode,), told_apart=f"{len(mode)}.0")
    assert measure(RETURNS_VS_GAE_STUDY, str(tmp_path), 0).points == 1.34


def test_a_history_without_steps_is_no_run(tmp_path):
    write_study(tmp_path)
    for history in tmp_path.rglob("history.csv"):
        lines = [f"{i},0,{np.pi}" for i in range(100)]
        history.write_text("\n".join(["epoch,steps,ep_ret_100", *lines, ""]))
    verdict = measure(RETURNS_VS_GAE_STUDY, str(tmp_path), 0)
    assert (verdict.points, "holds no run of rlcore" in verdict.difference) == (0.0, True)


def test_runs_beside_a_complete_study_do_no_harm(tmp_path):
    write_study(tmp_path)
    write_run(tmp_path, seed=9, gamma=0.5)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    assert measure(RETURNS_VS_GAE_STUDY, str(tmp_path), 0).correct


@pytest.mark.parametrize("folder", ["nowhere", 3, "."])
def test_a_folder_without_runs_gets_a_sentence(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    verdict = measure(RETURNS_VS_GAE_STUDY, folder, 0)
    assert verdict.points == 0
    assert "run the study first" in verdict.difference or "pass the folder" in verdict.difference


def standing(observations):
    return np.zeros((len(observations), 6))


@pytest.mark.parametrize(("mean", "points"), [(-300, 0), (0, 0), (500, 2), (1000, 4), (4000, 4)])
def test_a_run_earns_points_on_a_line_up_to_1000(mean, points, monkeypatch):
    monkeypatch.setattr(agents, "play", lambda act, env_id, episodes, seed: np.full(episodes, mean))
    assert measure(HALFCHEETAH_AGENT, None, 1).points == points


def test_a_cheetah_that_stands_still_is_played_and_earns_nothing():
    verdict = measure(HALFCHEETAH_AGENT.published, standing, 1)
    assert verdict.points < 0.01
    assert "over 5 fresh episodes of HalfCheetah-v5 (marks are" in verdict.groups[0].name


def test_an_environment_that_is_not_installed_is_nobodys_zero(monkeypatch, capsys):
    def missing(env_id):
        raise ImportError(f"make_env: {env_id} needs a package that is missing: pip install ...")

    monkeypatch.setattr("rlcore.make_env", missing)
    with pytest.raises(Unplayable, match="HalfCheetah-v5 needs a package"):
        measure(HALFCHEETAH_AGENT, standing, 1)
    check("halfcheetah_agent", standing)
    assert "halfcheetah_agent was not checked. make_env: HalfCheetah" in capsys.readouterr().out
