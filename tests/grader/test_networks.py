"""The exercise actor_critic: what is behind an output, whatever the style."""

from collections import namedtuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from grader.compare import difference
from grader.exercises.actor_critic import ACTOR_CRITIC, actor_critic_cases
from grader.exercises.networks import built, filled
from grader.hidden import answer_keys
from grader.judge import judge, make_check, observed, run

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
    assert [part.name for part in net.alone("variance")] == ["spread"]
    weights, biases = net.behind("mean", 2), net.behind("values", 1)
    assert [part.name for part in weights] == [f"actor.{i}.weight" for i in (0, 2, 4)]
    assert [part.name for part in biases] == [f"critic.{i}.bias" for i in (0, 2, 4)]


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
        right = facts_of(key.reference, case).observables
        assert right is not None
        for answer in key.also_correct:
            assert not difference(facts_of(answer, case), right)


def facts_of(answer, case):
    return observed(ACTOR_CRITIC, case, run(ACTOR_CRITIC, answer, case))


Outputs = namedtuple("Outputs", "mean variance values")


class Stacked(nn.Module):
    """Both trunks in stacks of matrices, biases as rows; a value bias without axes."""

    def __init__(self, obs_dim, action_dim):
        super().__init__()
        self.w1 = nn.Parameter(self.stack(obs_dim))
        self.b1, self.b2 = (nn.Parameter(torch.zeros(2, 1, 64)) for _ in range(2))
        self.w2 = nn.Parameter(self.stack(64))
        self.mean, self.value = layer(64, action_dim), nn.Parameter(torch.empty(64))
        nn.init.normal_(self.value)
        self.value.data.mul_(2**0.5 / self.value.data.norm())
        self.bias = nn.Parameter(torch.tensor(0.0))
        self.spread = nn.Parameter(torch.zeros(1, action_dim))

    @staticmethod
    def stack(inputs):
        return torch.stack([layer(inputs, 64).weight.detach().T for _ in range(2)])

    def forward(self, states):
        hidden = torch.tanh(torch.tanh(states @ self.w1 + self.b1) @ self.w2 + self.b2)
        mean = self.mean(hidden[0])
        return mean, self.spread.exp().expand_as(mean), hidden[1] @ self.value + self.bias


def rows_as_biases(answer):
    answer.biases = nn.ParameterList(
        nn.Parameter(torch.zeros(1, linear.out_features))
        for linear in (*answer.actor[::2], *answer.critic[::2])
    )
    for linear in (*answer.actor[::2], *answer.critic[::2]):
        linear.bias = None


class WithRows(Network):
    """Biases of shape (1, n)."""

    def __init__(self, obs_dim, action_dim):
        super().__init__(obs_dim, action_dim)
        rows_as_biases(self)

    def head(self, layers, biases, x):
        for i, (linear, bias) in enumerate(zip(layers, biases, strict=True)):
            x = linear(torch.tanh(x) if i else x) + bias
        return x

    def forward(self, states):
        mean = self.head(self.actor[::2], self.biases[:3], states)
        values = self.head(self.critic[::2], self.biases[3:], states)
        return mean, self.variance().expand_as(mean), values.squeeze(-1)


class NamedTuple(Network):
    def forward(self, states):
        return Outputs(*super().forward(states))


@pytest.mark.parametrize("answer", [Stacked, WithRows, NamedTuple])
def test_parameters_and_outputs_of_any_form_make_a_right_network(answer, network_check):
    verdict = judge(ACTOR_CRITIC, answer, network_check)
    assert (verdict.points, verdict.difference) == (4.0, "")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("top", [0.5, 1.0])
def test_a_variance_that_stops_rising_before_two_always_loses_the_same_points(top, seed):
    check = make_check(ACTOR_CRITIC, KEYS["actor_critic"], np.random.default_rng(seed), 1)
    change = {"variance": lambda self: (2.0 * self.spread.clamp(-20.0, top)).exp()}
    verdict = judge(ACTOR_CRITIC, type("Answer", (Network,), change), check)
    assert verdict.points == 3.25
    assert verdict.difference.startswith(
        "sign of each variance's change, when the vector rises from 1 to 2: "
    )


def test_a_network_that_clips_its_states_loses_points(network_check):
    class Answer(Network):
        def forward(self, states):
            return super().forward(states.clamp(-15.0, 15.0))

    assert judge(ACTOR_CRITIC, Answer, network_check).points == 3.0


def test_a_dropout_is_not_mistaken_for_a_layer(network_check):
    class Answer(Network):
        def __init__(self, obs_dim, action_dim):
            super().__init__(obs_dim, action_dim)
            self.actor.insert(2, nn.Dropout(0.2))

    verdict = judge(ACTOR_CRITIC, Answer, network_check)
    assert verdict.points == 3.0
    assert verdict.difference.startswith("whether two models of equal parameters give equal")
