"""Training on a GPU: the same run as on the CPU, up to rounding. Skipped where there is none."""

import numpy as np
import pytest
import torch

from rlcore import Config, evaluate, load_agent
from rlcore.plotting import read_history
from rlcore.train import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
SMALL = {"env": "CartPole-v1", "epochs": 4, "steps_per_epoch": 64, "checkpoint_every": 2}
PPO = {"algorithm": "ppo", "num_minibatches": 4, "num_epochs": 2, "normalize": True}
KINDS = [{}, PPO, PPO | {"shared_trunk": True}]


@pytest.mark.parametrize("options", KINDS, ids=["vpg", "ppo", "ppo, shared trunk"])
def test_a_gpu_makes_the_first_update_of_the_cpu(options):
    one, other = (
        train(Config(**SMALL | {"epochs": 1}, **options, device=device), progress=False).columns
        for device in ("cpu", "cuda")
    )
    assert one.keys() == other.keys()
    for name in one:  # float32 sums in another order
        np.testing.assert_allclose(other[name], one[name], rtol=1e-3, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("options", KINDS, ids=["vpg", "ppo", "ppo, shared trunk"])
def test_a_run_on_a_gpu_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path, options):
    config = Config(**SMALL, **options, device="cuda")
    whole = train(config, folder=tmp_path / "whole", progress=False)

    def stop(row):
        if row["epoch"] == 2:
            raise RuntimeError("the power is gone")

    with pytest.raises(RuntimeError):
        train(config, folder=tmp_path / "cut", on_epoch=stop, progress=False)
    train(config, folder=tmp_path / "cut", resume=True, progress=False)
    resumed = read_history(tmp_path / "cut")
    for name, column in whole.columns.items():
        np.testing.assert_array_equal(resumed[name], column, err_msg=name)


def test_an_agent_trained_on_a_gpu_plays_on_the_cpu(tmp_path):
    history = train(Config(**SMALL, **PPO, device="cuda"), folder=tmp_path, progress=False)
    agent = load_agent(tmp_path)
    agent.model.to("cpu")
    observations = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    np.testing.assert_array_equal(agent(observations), history.act(observations))
    assert evaluate("CartPole-v1", agent, num_episodes=2, seed=0).shape == (2,)
