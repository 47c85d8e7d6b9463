"""The exercise actor_critic: what is behind an output, whatever the style."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from grader.compare import difference
from grader.exercises.actor_critic import ACTOR_CRITIC, actor_critic_cases
from grader.exercises.networks import built, filled
from grader.hidden import answer_keys
from grader.judge import judge, make_check, run

KEYS = answer_keys()
STATES = {"obs_dim": 7, "action_dim": 3, "states": np.linspace(-1.0, 1.0, 14).reshape(2, 7)}


@pytest.fixture(scope="module")
def network_check():
    return make_check(ACTOR_CRITIC, KEYS["actor_critic"], np.random.default_rng(0), 1)


def layer(inputs, outputs):
    linear = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(linear.weight, 2**0.5)
    nn.init.zeros_(linear.bias)
    return linear


class Network(nn.Module):
    """A right answer of separate trunks; the tests change it in one thing."""

    act = nn.Tanh

    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.actor, self.critic = (
            nn.Sequential(layer(obs_dim, 64), self.act(), layer(64, 64), self.act(), layer(64, n))
            for n in (action_dim, 1)
        )
        self.spread = nn.Parameter(torch.zeros(action_dim))

    def variance(self):
        return F.softplus(self.spread)

    def forward(self, states):
        mean = self.actor(states)
        return mean, self.variance().expand_as(mean), self.critic(states).squeeze(-1)


def test_what_stands_behind_an_output_is_found_by_moving_parameters():
    net = built(Network, STATES)
    assert net.alone("variance") == ["spread"]
    assert net.behind("mean", 2) == [f"actor.{i}.weight" for i in (0, 2, 4)]
    assert net.behind("values", 1) == [f"critic.{i}.bias" for i in (0, 2, 4)]


def test_filled_networks_of_any_style_give_the_same_mean_and_values():
    answers = (KEYS["actor_critic"].reference, *KEYS["actor_critic"].also_correct)
    outputs = [filled(built(answer, STATES), 1.3) for answer in answers]
    for mean, _, values in outputs[1:]:
        torch.testing.assert_close(mean, outputs[0][0])
        torch.testing.assert_close(values, outputs[0][2])


def test_filled_values_differ_from_every_mean():
    mean, _, values = filled(built(Network, STATES), 1.3)
    assert ((mean - values[:, None]).abs() > 0.01).all()


def test_driving_leaves_the_random_numbers_of_the_notebook_alone(network_check):
    before = torch.get_rng_state()
    judge(ACTOR_CRITIC, Network, network_check)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "variance",
    [
        lambda p: p.exp(),
        lambda p: torch.clamp(p, -20, 2).exp() ** 2,
        lambda p: F.softplus(p + 0.5413) + 1e-3,
        lambda p: F.elu(p) + 1.0,
        lambda p: 0.2 + p.sigmoid(),
    ],
)
def test_any_increasing_positive_map_makes_a_variance(variance, network_check):
    answer = type("Answer", (Network,), {"variance": lambda self: variance(self.spread)})
    assert judge(ACTOR_CRITIC, answer, network_check).correct


@pytest.mark.parametrize(
    ("changed", "name", "points"),
    [
        ({"act": nn.ReLU}, "the hidden layers end in a ReLU", 3.0),
        ({"variance": lambda self: self.spread.exp().detach()}, "the variance is cut off", 3.5),
        ({"variance": lambda self: torch.exp(-self.spread)}, "the variance falls where", 3.25),
    ],
)
def test_a_fault_is_named_in_separate_trunks_too_and_costs_its_own_points(
    changed, name, points, network_check
):
    verdict = judge(ACTOR_CRITIC, type("Answer", (Network,), changed), network_check)
    assert verdict.misconception.startswith(name)
    assert verdict.points == points


def test_a_random_start_that_is_not_the_keys_own_is_named_by_its_facts(network_check):
    class Answer(Network):
        def __init__(self, obs_dim, action_dim):
            super().__init__(obs_dim, action_dim)
            for parameter in (*self.actor.parameters(), *self.critic.parameters()):
                nn.init.normal_(parameter, std=0.1)

    verdict = judge(ACTOR_CRITIC, Answer, network_check)
    assert verdict.misconception == "weights and biases stay as torch draws them"


@pytest.mark.parametrize(
    ("forward", "sentence"),
    [
        (lambda self, states: self.actor(states), "forward returns Tensor; return three tensors"),
        (
            lambda self, states: (self.actor(states), self.critic(states)),
            "forward returns 2 things",
        ),
        (lambda self, states: (1.0, 2.0, 3.0), "the returned mean is of type float, not a tensor"),
    ],
)
def test_what_is_no_three_tensors_is_refused_in_words(forward, sentence, network_check):
    verdict = judge(ACTOR_CRITIC, type("Answer", (Network,), {"forward": forward}), network_check)
    assert (verdict.points, verdict.difference[: len(sentence)]) == (0.0, sentence)


def test_a_model_that_changes_its_states_is_refused(network_check):
    class Answer(Network):
        def forward(self, states):
            return super().forward(states.mul_(0.5))

    verdict = judge(ACTOR_CRITIC, Answer, network_check)
    assert verdict.difference == "forward changes its argument states; work on a new tensor"


@pytest.mark.parametrize("seed", range(3))
def test_right_networks_give_the_references_observables_whatever_they_start_with(seed):
    key = KEYS["actor_critic"]
    for case in actor_critic_cases(np.random.default_rng(seed), 1):
        right = run(ACTOR_CRITIC, key.reference, case).observables
        assert right is not None
        for answer in key.also_correct:
            assert not difference(run(ACTOR_CRITIC, answer, case), right)
