"""The fast rollout: the same policy as torch's, and numbers that belong to its rows."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from environments import CountingEnv
from torch import nn

from rlcore import ActorCritic, Config, Critic, EnvRunner, GaussianActor, make_model
from rlcore.collector import NumpyPolicy, collect, evaluate_rows

BOX = gym.spaces.Box(-1.0, 1.0, (2,), np.float32)


def lively_model(action_space, algorithm="ppo", **options):
    """A model of CountingEnv's two observations, with outputs far from zero."""
    torch.manual_seed(0)
    config = Config(env="CartPole-v1", algorithm=algorithm, hidden_sizes=(16, 16), **options)
    model = make_model(config, CountingEnv().observation_space, action_space)
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.4)
    return model


@pytest.mark.parametrize("algorithm", ["vpg", "ppo"])
def test_discrete_samples_have_the_probabilities_of_the_torch_policy(algorithm):
    model, count = lively_model(gym.spaces.Discrete(4), algorithm), 40_000
    policy = NumpyPolicy(model)
    policy.begin(1, count, np.random.default_rng(0))
    observations = np.tile([[0.5, -1.0]], (count, 1))
    actions = policy.act(observations)["actions"]
    probs = model.actor(torch.as_tensor(observations[:1], dtype=torch.float32)).probs
    found = np.bincount(actions, minlength=4) / count
    np.testing.assert_allclose(found, probs.detach().numpy()[0], atol=0.01)


def test_gaussian_samples_are_the_torch_mean_plus_sigma_times_the_noise():
    model = lively_model(BOX)
    policy, observations = NumpyPolicy(model), np.array([[0.5, -1.0], [2.0, 1.0]])
    policy.begin(3, 2, np.random.default_rng(0))
    noise = np.random.default_rng(0).standard_normal((3, 2, 2))
    mean = model.actor.net(torch.as_tensor(observations, dtype=torch.float32)).detach().numpy()
    for step in range(3):
        expected = mean + model.actor.log_std.exp().detach().numpy() * noise[step]
        np.testing.assert_allclose(policy.act(observations)["actions"], expected, rtol=1e-5)


@pytest.mark.parametrize("space", [gym.spaces.Discrete(3), BOX])
def test_log_probs_values_and_next_values_are_those_of_their_rows(space):
    model = lively_model(space)
    box = space if space is BOX else None
    envs = [CountingEnv(3, box=box), CountingEnv(50, limit=4, box=box), CountingEnv(999, box=box)]
    trajectory = collect(EnvRunner(envs, NumpyPolicy(model), 150), model, np.random.default_rng(0))
    seen, actions, following = (
        torch.as_tensor(trajectory[key]) for key in ("observations", "actions", "next_observations")
    )
    log_probs = model.actor(seen.float()).log_prob(actions).detach()
    np.testing.assert_allclose(trajectory["log_probs"], log_probs, rtol=1e-4, atol=1e-5)
    for key, inputs in (("values", seen), ("next_values", following)):
        expected = model.critic(inputs.float()).detach().numpy()
        np.testing.assert_allclose(trajectory[key], expected, rtol=1e-4, atol=1e-5, err_msg=key)


def test_the_weights_are_those_of_now_and_not_of_an_earlier_rollout():
    model = lively_model(gym.spaces.Discrete(3))
    policy = NumpyPolicy(model)
    policy.begin(1, 1, np.random.default_rng(0))
    nn.init.zeros_(model.actor.net[-1].weight)
    model.actor.net[-1].bias.data = torch.tensor([0.0, 100.0, 0.0])
    policy.begin(1, 1, np.random.default_rng(0))
    assert policy.act(np.zeros((1, 2)))["actions"] == 1


@pytest.mark.parametrize(
    "layers",
    [[nn.ELU()], [nn.Tanh(), nn.Linear(6, 6), nn.Tanh()], [nn.ReLU(), nn.Linear(6, 6, bias=False)]],
)
def test_layers_of_any_kind_give_without_noise_what_torch_gives(layers):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 6), *layers)
    model = ActorCritic(GaussianActor(net, 6), Critic(nn.Sequential(nn.Linear(3, 1))))
    seen = np.random.default_rng(0).normal(size=(5, 3))
    for observations in (seen, seen, seen[0]):
        right = model.act(observations, deterministic=True)["actions"]
        np.testing.assert_allclose(
            NumpyPolicy(model).act(observations)["actions"], right, rtol=1e-5, atol=1e-6
        )


def test_evaluating_in_chunks_gives_what_one_call_gives():
    model = lively_model(gym.spaces.Discrete(3))
    observations, actions = torch.randn(300, 2), torch.randint(3, (300,))
    for found, expected in zip(
        evaluate_rows(model, observations, actions),
        model.evaluate(observations, actions),
        strict=True,
    ):
        torch.testing.assert_close(found, expected.detach())
        assert not found.requires_grad
