"""A run's record: the homework's defaults, PPO's own, and a sentence for every wrong option."""

import pytest

from rlcore import Config


def test_the_defaults_are_the_homeworks():
    config = Config()
    assert config.env in ("LunarLander-v3", "CartPole-v1")
    assert (config.epochs, config.steps_per_epoch, config.max_ep_len) == (100, 1000, 1000)
    assert (config.gamma, config.gae_lambda, config.seed) == (0.99, 0.97, 42)
    assert (config.train_pi_iters, config.train_v_iters) == (4, 40)
    assert (config.pi_lr, config.v_lr, config.clip_range) == (1e-3, 3e-4, 0.1)
    assert (config.psi_mode, config.loss_mode, config.algorithm) == ("gae", "vpg", "vpg")


def test_ppo_has_defaults_of_its_own_that_give_way_to_what_is_said():
    config = Config(algorithm="ppo", clip_range=0.3)
    assert (config.steps_per_epoch, config.num_epochs, config.num_minibatches) == (2048, 10, 32)
    assert (config.gae_lambda, config.pi_lr, config.clip_range) == (0.95, 3e-4, 0.3)
    assert config.hidden_sizes == (64, 64)


def test_lunar_lander_gives_way_to_cartpole_without_box2d(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    from rlcore.envs import default_env_id

    assert default_env_id() == "CartPole-v1"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"epoch": 3}, "epoch\n  Extra inputs are not permitted"),
        ({"gamma": 1.1}, "gamma\n  Input should be less than or equal to 1"),
        ({"pi_lr": float("nan")}, "pi_lr\n  Input should be a finite number"),
        ({"psi_mode": "td"}, "psi_mode\n  Input should be 'gae' or 'future_return'"),
        ({"epochs": 0}, "epochs\n  Input should be greater than or equal to 1"),
        ({"num_envs": 3}, "steps_per_epoch must be a multiple of num_envs"),
        ({"shared_trunk": True}, "use ppo to share a trunk"),
        (
            {"algorithm": "ppo", "steps_per_epoch": 16},
            "num_minibatches must not exceed steps_per_epoch",
        ),
    ],
)
def test_a_wrong_option_is_named(options, sentence):
    with pytest.raises(ValueError, match=r"validation error for Config") as error:
        Config(**options)
    assert sentence in str(error.value)


def test_a_config_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Config().epochs = 3


def test_a_saved_config_is_read_back_the_same(tmp_path):
    config = Config(env="CartPole-v1", algorithm="ppo", hidden_sizes=(32,), seed=7)
    (tmp_path / "config.json").write_text(config.model_dump_json())
    assert Config.load(tmp_path) == config


def test_a_folder_without_a_run_is_said_to_be_none(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no run's folder"):
        Config.load(tmp_path)
