"""Every supported environment trains; every other gets a sentence that says what to do."""

import importlib.util
import sys

import gymnasium as gym
import numpy as np
import pytest
from environments import ConstantPolicy

from rlcore import Config, EnvRunner, make_env
from rlcore.train import train

BULLET = pytest.param(
    "HalfCheetahBulletEnv-v0",
    marks=pytest.mark.skipif(
        importlib.util.find_spec("pybullet") is None, reason="the pybullet extra needs Python 3.11"
    ),
)


@pytest.mark.parametrize("algorithm", ["vpg", "ppo"])
@pytest.mark.parametrize(
    "env_id", ["CartPole-v1", "LunarLander-v3", "Pendulum-v1", "HalfCheetah-v5", BULLET]
)
def test_every_environment_of_the_course_trains_and_prints_nothing(env_id, algorithm, capfd):
    options = {"epochs": 1, "steps_per_epoch": 64, "max_ep_len": 20, "num_minibatches": 2}
    history = train(Config(env=env_id, algorithm=algorithm, **options), progress=False)
    assert history.columns["ep_len"][0] <= 20.0
    assert np.isfinite(history.columns["ep_ret"]).all()
    printed = capfd.readouterr()
    lines = (printed.out + printed.err).splitlines()
    assert [line for line in lines if line != "argv[0]="] == []  # of pybullet's C code, on stdout
    assert printed.err == ""


def test_lunar_lander_may_be_continuous():
    space = make_env("LunarLanderContinuous-v3").action_space
    assert isinstance(space, gym.spaces.Box)


def test_clipped_actions_earn_where_raw_ones_cost():
    env = make_env("HalfCheetah-v5")
    env.reset(seed=0)
    _, raw, *_ = env.step(np.full(6, 3.0, dtype=np.float32))
    runner = EnvRunner(env, ConstantPolicy(np.full(6, 3.0)), 1)
    runner.reset(0)
    (clipped,) = runner.get_next()["rewards"]
    assert (round(raw, 1), round(clipped, 1)) == (-4.4, 0.4)


def test_max_ep_len_truncates():
    env = make_env("Pendulum-v1", max_ep_len=3)
    env.reset(seed=0)
    assert [env.step(np.zeros(1))[2:4] for _ in range(3)] == [(False, False)] * 2 + [(False, True)]


def test_observations_of_several_axes_become_one():
    class Grid(gym.ObservationWrapper):
        observation_space = gym.spaces.Box(-np.inf, np.inf, (2, 2), np.float32)

        def observation(self, observation):
            return observation.reshape(2, 2)

    gym.register("Grid-v0", lambda **how: Grid(gym.make("CartPole-v1", **how)))
    try:
        assert make_env("Grid-v0").observation_space.shape == (4,)
    finally:
        gym.registry.pop("Grid-v0")


@pytest.mark.parametrize("env_id", ["CartPole-v99", "Nowhere-v0", "module_that_is_missing:Env-v0"])
def test_an_unknown_environment_gets_a_sentence(env_id):
    with pytest.raises((ValueError, ImportError), match=f"make_env: .*{env_id}"):
        make_env(env_id)


@pytest.mark.parametrize("env_id", ["FrozenLake-v1", "Taxi-v4"])
def test_spaces_without_networks_get_a_sentence(env_id):
    with pytest.raises(ValueError, match=f"in {env_id} observations are .* see FlattenObservation"):
        make_env(env_id)


@pytest.mark.parametrize(
    ("env_id", "module", "extra"),
    [
        ("HalfCheetah-v5", "mujoco", "mujoco"),
        ("LunarLander-v3", "Box2D", "box2d"),
        ("HalfCheetahBulletEnv-v0", "pybullet_envs_gymnasium", "pybullet"),
    ],
)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    env_id, module, extra, monkeypatch
):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "gymnasium.envs.box2d", raising=False)
    monkeypatch.delitem(sys.modules, "gymnasium.envs.box2d.lunar_lander", raising=False)
    monkeypatch.delitem(sys.modules, "gymnasium.envs.box2d.bipedal_walker", raising=False)
    with pytest.raises(ImportError, match=rf"pip install -c constraints.txt -e '\.\[{extra}\]'"):
        make_env(env_id)
