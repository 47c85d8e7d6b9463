"""The exercise policy: what draws and their log-probabilities follow, whatever the style."""

from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import torch
from scipy.stats import chi2, norm
from torch.distributions import Independent, MultivariateNormal, Normal, TransformedDistribution

from grader.evidence import answer_question, drive_question, read_outcomes
from grader.exercises.actor_critic import ACTOR_CRITIC
from grader.exercises.densities import (
    ALIKE,
    DISTANCE,
    NARROW,
    OFF,
    WIDE,
    WIDTH,
    bell,
    law,
    log_density,
    spread,
)
from grader.exercises.policy import POLICY
from grader.hidden import answer_keys
from grader.judge import judge, make_check

KEYS = answer_keys()
MEAN, VARIANCE = np.array([[0.3, -0.2]]), np.array([0.0009, 0.0025])


@pytest.fixture(scope="module")
def policy_check():
    return make_check(POLICY, KEYS["policy"], np.random.default_rng(0), 1)


def draws(power, shape=(4096, 2)):
    noise = np.random.default_rng(0).normal(size=shape)
    return MEAN + noise * VARIANCE**power


def test_log_density_is_that_of_a_multivariate_normal():
    mean = torch.tensor(MEAN)
    normal = MultivariateNormal(mean, torch.diag(torch.tensor(VARIANCE)))
    actions = torch.tensor([[0.31, -0.1]], dtype=torch.float64)
    found = log_density(actions.numpy(), MEAN, VARIANCE)
    np.testing.assert_allclose(found, normal.log_prob(actions), rtol=1e-9)


def test_the_law_of_right_log_probs_has_the_variance_and_the_height_of_the_bell():
    actions = draws(0.5, (64, 2))
    mean = np.broadcast_to(MEAN, actions.shape)
    follows, weights, height = law(log_density(actions, mean, VARIANCE), actions, mean, VARIANCE)
    assert follows == 1.0
    np.testing.assert_allclose(weights, [1 / 0.0009, 1 / 0.0025])
    np.testing.assert_allclose(height, -np.log(2 * np.pi) - np.log(0.03 * 0.05), rtol=1e-9)


@pytest.mark.parametrize("power", [1.0, 0.25])
def test_the_law_of_another_width_has_the_variance_of_that_width(power):
    actions = draws(power, (64, 2))
    mean, other = np.broadcast_to(MEAN, actions.shape), VARIANCE ** (2 * power)
    follows, weights, _ = law(log_density(actions, mean, other), actions, mean, VARIANCE)
    assert follows == 1.0
    np.testing.assert_allclose(weights, 1 / other, rtol=1e-6)


def test_log_probs_of_another_draw_follow_no_law():
    one, other = draws(0.5, (128, 2)).reshape(2, 64, 2)
    mean = np.broadcast_to(MEAN, one.shape)
    assert law(log_density(one, mean, VARIANCE), other, mean, VARIANCE)[0] == 0.0


@pytest.mark.parametrize("power", [0.5, 1.0, 0.25, 0.0])
def test_the_spread_of_draws_is_the_power_of_the_variance_they_were_made_with(power):
    np.testing.assert_array_equal(spread(draws(power), MEAN, VARIANCE)[1], [power, power])


def test_normal_draws_lie_around_the_mean_and_are_not_alike():
    where, _, alike = spread(draws(0.5), MEAN, VARIANCE)
    np.testing.assert_array_equal([*where, *alike], [0.0, 0.0, 0.0])


def test_draws_without_noise_have_no_spread():
    _, power, _ = spread(np.repeat(MEAN, 5, axis=0), MEAN, VARIANCE)
    np.testing.assert_array_equal(power, [0.0, 0.0])


def test_draws_of_one_noise_in_all_dimensions_are_wholly_correlated():
    noise = np.random.default_rng(0).normal(size=(4096, 1))
    assert spread(MEAN + noise * VARIANCE**0.5, MEAN, VARIANCE)[2] == [1.0]


class Policy:
    """A right answer; the tests change it in one thing."""

    def __init__(self, model):
        self.model = model

    def distribution(self, mean, variance):
        return Independent(Normal(mean, variance.sqrt()), 1)

    def act(self, inputs, training=False):
        mean, variance, values = self.model(torch.as_tensor(inputs, dtype=torch.float32))
        distribution = self.distribution(mean, variance)
        if training:
            return {"distribution": distribution, "values": values}
        actions = distribution.sample()
        found = {"actions": actions, "log_probs": distribution.log_prob(actions), "values": values}
        return {key: tensor.detach().numpy() for key, tensor in found.items()}


def test_a_little_added_to_the_variance_is_let_pass(policy_check):
    class Answer(Policy):
        def distribution(self, mean, variance):
            return super().distribution(mean, variance + 1e-6)

    assert judge(POLICY, Answer, policy_check).correct


def scale_tril(self, mean, variance):
    return MultivariateNormal(mean, scale_tril=torch.diag_embed(variance))


def per_dimension(self, mean, variance):
    return Normal(mean, variance.sqrt())


@pytest.mark.parametrize(
    ("distribution", "name"),
    [
        (scale_tril, "the variance is taken for the standard deviation"),
        (per_dimension, "the dimensions are a part of the batch, in both modes"),
    ],
)
def test_a_wrong_distribution_is_named_however_it_is_written(distribution, name, policy_check):
    answer = type("Answer", (Policy,), {"distribution": distribution})
    assert judge(POLICY, answer, policy_check).misconception == name


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda found, inputs: tuple(found.values()), "act returns tuple; return a dict"),
        (lambda found, inputs: found | {"values": inputs.__imul__(0)}, "act changes its argument"),
        (lambda found, inputs: found | {"actions": "left"}, "actions is of type str"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_words(change, sentence, policy_check):
    class Answer(Policy):
        def act(self, inputs, training=False):
            return change(super().act(inputs, training), inputs)

    verdict = judge(POLICY, Answer, policy_check)
    assert (verdict.points < 4.0, verdict.difference[: len(sentence)]) == (True, sentence)


def test_a_policy_that_trains_its_model_is_refused(policy_check):
    class Answer(Policy):
        def act(self, inputs, training=False):
            found = super().act(inputs, training)
            with torch.no_grad():
                self.model.offset.add_(1.0)
            return found

    verdict = judge(POLICY, Answer, policy_check)
    assert verdict.difference == "act changes the model's parameters; only an optimizer should"


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        (lambda inputs: inputs, "it gives the model a ndarray, not a tensor"),
        (lambda inputs: torch.as_tensor(inputs)[None, None], "it gives the model (1, 1,"),
    ],
)
def test_what_no_model_takes_is_refused_in_words(states, sentence, policy_check):
    class Answer(Policy):
        def act(self, inputs, training=False):
            self.model(states(inputs))

    assert sentence in judge(POLICY, Answer, policy_check).difference


def test_a_distribution_without_an_entropy_is_refused_in_words(policy_check):
    class Answer(Policy):
        def distribution(self, mean, variance):
            normal = super().distribution(mean, variance)
            return TransformedDistribution(normal, [])

    verdict = judge(POLICY, Answer, policy_check)
    assert verdict.difference.startswith("a TransformedDistribution knows no entropy")


def test_drawing_leaves_the_random_numbers_of_the_notebook_alone(policy_check):
    before = torch.get_rng_state()
    judge(POLICY, Policy, policy_check)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("exercise", [ACTOR_CRITIC, POLICY], ids=lambda one: one.name)
def test_every_observable_can_leave_the_sandbox(exercise):
    cases = list(exercise.cases(np.random.default_rng(0), 1))
    question = drive_question(exercise, "answer", cases, alone=False)
    sent = answer_question(question, {"answer": KEYS[exercise.name].reference})
    outcomes = read_outcomes(sent, len(cases))
    assert [outcome.error for outcome in outcomes] == [""] * len(cases)


class OrderedActions(Policy):
    def act(self, inputs, training=False):
        return OrderedDict(super().act(inputs, training))


class DefaultActions(Policy):
    def act(self, inputs, training=False):
        return defaultdict(list, super().act(inputs, training))


@pytest.mark.parametrize("answer", [OrderedActions, DefaultActions])
def test_any_kind_of_dict_will_do(answer, policy_check):
    verdict = judge(POLICY, answer, policy_check)
    assert (verdict.points, verdict.difference) == (4.0, "")


def single(change):
    """The right answer whose branch for one observation gives something else."""

    class Answer(Policy):
        def act(self, inputs, training=False):
            found = super().act(inputs, training)
            if training or inputs.ndim > 1:
                return found
            mean, variance, _ = (
                one.detach() for one in self.model(torch.as_tensor(inputs).float())
            )
            changed = change(mean, variance, torch.as_tensor(found["actions"]))
            return found | {key: np.asarray(one) for key, one in changed.items()}

    return Answer


def log_prob(mean, variance, actions):
    return Normal(mean, variance.sqrt()).log_prob(actions)


SINGLE = {
    "zeros": lambda m, v, a: {"actions": 0 * a, "log_probs": 0 * a.sum()},
    "the mean": lambda m, v, a: {"actions": m, "log_probs": log_prob(m, v, m).sum()},
    "the first dimension": lambda m, v, a: {"log_probs": log_prob(m, v, a)[0]},
    "the mean's log_prob": lambda m, v, a: {"log_probs": log_prob(m, v, m).sum()},
    "the variance as σ": lambda m, v, a: narrow(m, v, m + v * torch.randn_like(m)),
    "a tanh": lambda m, v, a: {"actions": a.tanh(), "log_probs": log_prob(m, v, a).sum()},
}


def narrow(mean, variance, actions):
    log_probs = Normal(mean, variance).log_prob(actions).sum()
    return {"actions": actions, "log_probs": log_probs}


@pytest.mark.parametrize("what", SINGLE)
def test_what_is_drawn_for_one_observation_is_judged_too(what, policy_check):
    verdict = judge(POLICY, single(SINGLE[what]), policy_check)
    lost = {group.name for group in verdict.groups if not group.earned}
    assert lost and lost <= {"in the actions it draws", "in the log-probabilities of the actions"}


def noise_of(how):
    """The right answer but for its noise; the log-probabilities are of the actions returned."""

    class Answer(Policy):
        def act(self, inputs, training=False):
            if training:
                return super().act(inputs, training)
            outputs = self.model(torch.as_tensor(inputs, dtype=torch.float32))
            mean, variance, values = (one.detach() for one in outputs)
            actions = mean + how(variance)
            log_probs = log_prob(mean, variance, actions).sum(-1)
            found = {"actions": actions, "log_probs": log_probs, "values": values}
            return {key: tensor.numpy() for key, tensor in found.items()}

    return Answer


def last_two_alike(variance):
    noise = torch.randn_like(variance)
    noise[..., -1] = noise[..., -2] if noise.shape[-1] > 2 else noise[..., -1]
    return variance.sqrt() * noise


NOISE = {
    "wide": lambda v: 1.3 * v.sqrt() * torch.randn_like(v),
    "uniform": lambda v: (3.0 * v).sqrt() * (2.0 * torch.rand_like(v) - 1.0),
    "one σ": lambda v: v.mean(-1, keepdim=True).sqrt() * torch.randn_like(v),
    "two alike": last_two_alike,
}


@pytest.mark.parametrize("how", NOISE)
def test_draws_of_another_law_lose_the_points_for_draws(how, policy_check):
    assert judge(POLICY, noise_of(lambda v: v.sqrt() * torch.randn_like(v)), policy_check).correct
    verdict = judge(POLICY, noise_of(NOISE[how]), policy_check)
    assert (verdict.points, verdict.where) == (3.25, "in the actions it draws")


@pytest.mark.parametrize(
    ("draws", "low", "high"), [(4096, 1.0 - WIDTH, 1.0 + WIDTH), (24, NARROW, WIDE)]
)
def test_normal_draws_are_too_wide_or_narrow_once_in_ten_milliards(draws, low, high):
    law = chi2(draws - 1)
    assert law.cdf(draws * low**2) + law.sf(draws * high**2) < 1e-10


@pytest.mark.parametrize(
    ("draws", "error", "bound"), [(24, 1.0, OFF), (4096, 1.0, ALIKE), (4096, 0.2126, DISTANCE)]
)
def test_means_correlations_and_distances_stray_too_far_once_in_ten_milliards(draws, error, bound):
    # Geary's statistic has the variance (1 − 3/π) / n: 0.2126² / n (its own limit for large n).
    assert 2.0 * norm.sf(bound * draws**0.5 / error) < 1e-10


@pytest.mark.parametrize("seed", range(3))
def test_bells_of_any_seed_are_told_from_uniform_draws_of_their_width(seed):
    rng, mean = np.random.default_rng(seed), np.broadcast_to(MEAN, (4096, 2))
    normal, uniform = rng.normal(size=(4096, 2)), rng.uniform(-(3**0.5), 3**0.5, (4096, 2))
    for noise, right in ((normal, 1.0), (uniform, 0.0)):
        wide, shaped = bell(mean + noise * VARIANCE**0.5, mean, VARIANCE)
        np.testing.assert_array_equal([*wide, *shaped], [1.0, 1.0, right, right])
