"""Networks, their first weights, and the two verbs, against torch's own distributions."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Categorical, Independent, Normal

from rlcore import (
    ActorCritic,
    Agent,
    CategoricalActor,
    Config,
    Critic,
    GaussianActor,
    make_model,
    mlp,
)
from rlcore.models import zero_last_layer

BOX = gym.spaces.Box(-1.0, 1.0, (3,), np.float32)
DISCRETE = gym.spaces.Discrete(4)


def observations(rows=5):
    return torch.randn(rows, 3, generator=torch.Generator().manual_seed(0))


def model_for(action_space, **options):
    torch.manual_seed(1)
    return make_model(Config(env="CartPole-v1", **options), BOX, action_space)


def test_an_mlp_has_activations_between_its_layers_and_none_at_the_end():
    kinds = [type(layer) for layer in mlp((3, 8, 8, 2), activation=nn.ReLU)]
    assert kinds == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]


@pytest.mark.parametrize("sizes", [(3,), (3, 0), (3, 2.0)])
def test_an_mlp_of_wrong_sizes_gets_a_sentence(sizes):
    with pytest.raises(ValueError, match=r"mlp: sizes is .*; pass \(inputs, hidden"):
        mlp(sizes)


def test_orthogonal_layers_have_gain_root_two_and_no_bias():
    for layer in mlp((3, 8, 8, 2)):
        if isinstance(layer, nn.Linear):
            rows, columns = layer.weight.shape
            product = (
                layer.weight @ layer.weight.T if rows < columns else layer.weight.T @ layer.weight
            )
            torch.testing.assert_close(product, 2.0 * torch.eye(min(rows, columns)))
            assert not layer.bias.any()


def test_a_zero_last_layer_leaves_the_layers_before_it_alone():
    net = mlp((3, 8, 2), initialize=zero_last_layer)
    assert not net(observations()).any()
    assert net[0].weight.any()


def test_the_homeworks_networks_are_the_default():
    model = model_for(BOX)
    assert [type(layer) for layer in model.actor.net] == [nn.Linear, nn.ReLU, nn.Linear]
    assert model.actor.net[0].out_features == model.critic.net[0].out_features == 200
    assert (model.actor.log_std == -0.5).all()
    assert not model.actor.net(observations()).any()
    assert not model.critic(observations()).any()


def test_ppo_has_the_notebooks_networks():
    model = model_for(BOX, algorithm="ppo")
    assert [layer.out_features for layer in model.critic.net[::2]] == [64, 64, 1]
    assert isinstance(model.actor.net[1], nn.Tanh)
    assert not model.actor.log_std.any()


def test_a_shared_trunk_is_one_and_the_same_and_gets_both_gradients():
    model = model_for(DISCRETE, algorithm="ppo", shared_trunk=True)
    assert model.critic.net[0] is model.actor.net[0]
    assert model.critic.net[-1] is not model.actor.net[-1]
    model.critic(observations()).sum().backward()
    assert model.actor.net[0].weight.grad.any()
    assert model.actor.net[-1].weight.grad is None


def test_separate_trunks_share_nothing():
    model = model_for(DISCRETE, algorithm="ppo")
    model.critic(observations()).sum().backward()
    assert all(weight.grad is None for weight in model.actor.parameters())


def test_categorical_log_prob_and_entropy_are_those_of_torch_distributions():
    actor = CategoricalActor(mlp((3, 8, 4)).double())
    inputs, actions = observations().double(), torch.tensor([0, 3, 1, 2, 2])
    log_probs, entropy = actor.evaluate(inputs, actions)
    oracle = Categorical(logits=actor.net(inputs))
    torch.testing.assert_close(log_probs, oracle.log_prob(actions))
    torch.testing.assert_close(entropy, oracle.entropy())


def test_gaussian_log_density_and_entropy_are_those_of_torch_distributions():
    actor = GaussianActor(mlp((3, 8, 2)), 2).double()
    nn.init.uniform_(actor.log_std, -1.0, 1.0)
    inputs, actions = observations().double(), torch.randn(5, 2, dtype=torch.float64)
    log_probs, entropy = actor.evaluate(inputs, actions)
    oracle = Independent(Normal(actor.net(inputs), actor.log_std.exp()), 1)
    torch.testing.assert_close(log_probs, oracle.log_prob(actions))
    torch.testing.assert_close(entropy, oracle.entropy())


def test_evaluate_has_a_gradient_and_act_has_none():
    model = model_for(DISCRETE)
    answers = model.evaluate(observations(), torch.tensor([0, 3, 1, 2, 2]))
    assert [tuple(answer.shape) for answer in answers] == [(5,)] * 3
    assert all(answer.requires_grad for answer in answers)
    assert all(type(value) is np.ndarray for value in model.act(np.zeros(3)).values())


@pytest.mark.parametrize(("space", "shape"), [(DISCRETE, ()), (BOX, (3,))])
def test_act_takes_one_observation_or_many(space, shape):
    model = model_for(space)
    one, many = model.act(np.zeros(3)), model.act(np.zeros((6, 3)))
    assert (one["actions"].shape, many["actions"].shape) == (shape, (6, *shape))
    assert (one["values"].shape, many["log_probs"].shape) == ((), (6,))
    assert many["actions"].dtype == (np.int64 if space is DISCRETE else np.float32)


@pytest.mark.parametrize("space", [DISCRETE, BOX])
def test_deterministic_actions_are_the_likeliest_and_samples_repeat_with_torchs_seed(space):
    model, seen = model_for(space, algorithm="ppo"), observations(200).numpy()
    likeliest = model.act(seen, deterministic=True)
    samples = [torch.manual_seed(seed) and model.act(seen) for seed in (0, 0, 1)]
    assert (likeliest["log_probs"] >= samples[0]["log_probs"]).all()
    np.testing.assert_array_equal(samples[0]["actions"], samples[1]["actions"])
    assert (samples[0]["actions"] != samples[2]["actions"]).any()
    np.testing.assert_allclose(Agent(model, None)(seen), likeliest["actions"], atol=1e-6)
    torch.manual_seed(0)
    sampled = Agent(model, None, deterministic=False)(seen)
    np.testing.assert_array_equal(sampled, samples[0]["actions"])


def test_values_have_no_last_axis():
    assert Critic(mlp((3, 8, 1)))(observations()).shape == (5,)


@pytest.mark.parametrize(
    "space", [gym.spaces.MultiDiscrete([2, 2]), gym.spaces.Discrete(2, start=1)]
)
def test_spaces_without_a_policy_get_a_sentence(space):
    with pytest.raises(ValueError, match=r"rlcore needs a Box of one axis, and Discrete\(n\)"):
        model_for(space)


def test_an_actor_critic_can_be_put_together_by_hand():
    model = ActorCritic(CategoricalActor(mlp((3, 2))), Critic(mlp((3, 1))))
    assert model.act(np.zeros((2, 3)))["actions"].shape == (2,)
