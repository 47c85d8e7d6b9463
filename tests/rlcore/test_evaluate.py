"""What an agent earns, and videos that can be played."""

import gymnasium as gym
import imageio.v2 as imageio
import numpy as np
import pytest
from environments import CountingEnv

from rlcore import Agent, Config, Normalizer, evaluate, make_env, make_model, record


def first_action(observations):
    return np.zeros(len(observations), dtype=np.int64)


def test_returns_are_sums_of_raw_rewards_over_whole_episodes():
    np.testing.assert_array_equal(evaluate(CountingEnv(4), first_action, num_episodes=3), [6, 6, 6])


def test_truncation_ends_an_episode_too():
    assert evaluate(CountingEnv(9, limit=2), first_action, num_episodes=1) == [1.0]


def test_the_same_seed_gives_the_same_returns_and_each_episode_another_start():
    one, other = (evaluate("CartPole-v1", first_action, num_episodes=8, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert len(set(one)) > 1
    assert evaluate("CartPole-v1", first_action, num_episodes=1, seed=4) == one[1]


def test_actions_are_clipped_to_the_box():
    env = CountingEnv(2, box=gym.spaces.Box(-1.0, 1.0, (2,), np.float32))
    evaluate(env, lambda observations: np.full((1, 2), 3.0), num_episodes=1)
    np.testing.assert_array_equal(env.actions, np.ones((2, 2)))


def test_an_answer_that_is_not_one_action_a_row_gets_a_sentence():
    with pytest.raises(ValueError, match=r"returned actions of shape \(\) for one observation"):
        evaluate(CountingEnv(2), lambda observations: 0)


def test_no_episodes_get_a_sentence():
    with pytest.raises(ValueError, match="num_episodes is 0"):
        evaluate(CountingEnv(2), first_action, num_episodes=0)


@pytest.mark.parametrize("deterministic", [True, False])
def test_an_agent_scales_observations_and_leaves_its_statistics_alone(deterministic):
    env = gym.make("CartPole-v1")
    model = make_model(Config(env="CartPole-v1"), env.observation_space, env.action_space)
    statistics = Normalizer((4,))
    before = statistics.state()
    returns = evaluate(env, Agent(model, statistics, deterministic), num_episodes=2, seed=0)
    assert (returns > 0.0).all()
    for name, array in statistics.state().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # imageio's reader
@pytest.mark.parametrize("ending", ["mp4", "gif"])
@pytest.mark.parametrize("env_id", ["CartPole-v1", "HalfCheetah-v5"])
def test_a_video_shows_the_steps_without_a_display(tmp_path, env_id, ending, capfd):
    act = first_action if env_id == "CartPole-v1" else lambda seen: np.ones((len(seen), 6))
    path = record(env_id, act, tmp_path / "new" / f"video.{ending}", max_steps=6, seed=0)
    with imageio.get_reader(path) as reader:
        frames = [np.asarray(frame) for frame in reader]
    assert 4 <= len(frames) <= 6  # a GIF shows equal frames as one
    assert min(frame.std() for frame in frames) > 5.0
    assert (frames[0] != frames[-1]).any()
    out, err = capfd.readouterr()
    said = {part.partition(":")[0].strip() for part in out.split("\r")}
    assert (said <= {"", "record"}, err) == (True, "")  # a bar of progress where it takes long


def test_the_camera_follows_who_runs():
    with make_env("HalfCheetah-v5", render_mode="rgb_array") as env:
        frames = []
        for seconds in (0.0, 1.0):
            env.reset(seed=0)
            state = env.unwrapped.data.qpos.copy(), env.unwrapped.data.qvel.copy()
            state[0][0] += 60.0 * seconds
            env.unwrapped.set_state(*state)
            frames.append(env.render())
    orange = [(f[..., 0].astype(int) - f[..., 2] > 60).sum() for f in frames]
    assert orange[1] > 0.8 * orange[0] > 500


def test_a_video_needs_a_known_ending_and_frames(tmp_path):
    with pytest.raises(ValueError, match=r"neither \.mp4 nor \.gif"):
        record("CartPole-v1", first_action, tmp_path / "video.avi")
    with pytest.raises(
        ValueError, match="render_mode is None; make it with render_mode='rgb_array'"
    ):
        record(gym.make("CartPole-v1"), first_action, tmp_path / "video.mp4")
