"""Answer key of exact_policy_gradient."""

import math

import numpy as np
import torch

from grader.exercise import AnswerKey, Misconception


def reference(logits, rewards):
    """∂J/∂z_k = Σ_a r(a) ∂π(a)/∂z_k with ∂π(a)/∂z_k = π(a) (1[a = k] − π(k)): all K² terms."""
    row, paid = logits.tolist(), rewards.tolist()
    top = max(row)
    weights = [math.exp(z - top) for z in row]
    probs = [weight / math.fsum(weights) for weight in weights]
    gradient = []
    for k in range(len(row)):
        terms = [
            r * p * (float(a == k) - probs[k])
            for a, (r, p) in enumerate(zip(paid, probs, strict=True))
        ]
        gradient.append(math.fsum(terms))
    return np.array(gradient)


def reward_minus_expected(logits, rewards):
    probs = torch.softmax(logits, dim=-1)
    return probs * (rewards - probs @ rewards)


def weighted_scores(logits, rewards):
    k = len(logits)
    probs = torch.softmax(logits, dim=-1)
    gradient = torch.zeros_like(logits)
    for action in range(k):
        score = -probs
        score[action] += 1
        gradient += probs[action] * rewards[action] * score
    return gradient


def with_earlier_exercises(logits, rewards):
    k = len(logits)
    scores = categorical_score(logits.expand(k, k), torch.arange(k))  # noqa: F821
    return (categorical_probs(logits) * rewards) @ scores  # noqa: F821


def with_the_jacobian(logits, rewards):
    probs = torch.distributions.Categorical(logits=logits).probs
    return (torch.diag(probs) - torch.outer(probs, probs)) @ rewards


def in_float32(logits, rewards):
    probs = torch.softmax(logits.float(), dim=0)
    rewards = rewards.float()
    return probs * rewards - probs * (probs * rewards).sum()


def with_numpy(logits, rewards):
    logits, rewards = logits.numpy(), rewards.numpy()
    probs = np.exp(logits - logits.max())
    probs = probs / probs.sum()
    scores = np.eye(len(probs)) - probs
    return np.einsum("a,a,ak->k", probs, rewards, scores)


def as_a_list(logits, rewards):
    probs = torch.softmax(logits, dim=0).tolist()
    expected = sum(p * r for p, r in zip(probs, rewards.tolist(), strict=True))
    return [p * (r - expected) for p, r in zip(probs, rewards.tolist(), strict=True)]


def with_a_baseline(logits, rewards):
    probs = torch.softmax(logits, dim=0)
    centred = rewards - rewards.mean()
    return probs * centred - probs * (probs @ centred)


def reward_not_compared(logits, rewards):
    return torch.softmax(logits, dim=-1) * rewards


def expected_reward(logits, rewards):
    return torch.softmax(logits, dim=-1) @ rewards


def plain_mean(logits, rewards):
    return torch.softmax(logits, dim=-1) * (rewards - rewards.mean())


def sign_flipped(logits, rewards):
    probs = torch.softmax(logits, dim=-1)
    return probs * (probs @ rewards - rewards)


def not_times_own_probability(logits, rewards):
    return rewards - torch.softmax(logits, dim=-1) @ rewards


def scores_not_weighted(logits, rewards):
    probs = torch.softmax(logits, dim=-1)
    scores = torch.eye(len(logits), dtype=probs.dtype) - probs
    return (rewards.unsqueeze(1) * scores).sum(dim=0)


def scores_averaged(logits, rewards):
    probs = torch.softmax(logits, dim=-1)
    scores = torch.eye(len(logits), dtype=probs.dtype) - probs
    return (rewards.unsqueeze(1) * scores).mean(dim=0)


def divided_by_k(logits, rewards):
    probs = torch.softmax(logits, dim=-1)
    return probs * (rewards - probs @ rewards) / len(logits)


def weighted_twice(logits, rewards):
    probs = torch.softmax(logits, dim=-1)
    scores = torch.eye(len(logits), dtype=probs.dtype) - probs
    return (probs.square() * rewards) @ scores


def own_logit_alone(logits, rewards):
    probs = torch.softmax(logits, dim=-1)
    return probs * (1 - probs) * rewards


def no_one_hot(logits, rewards):
    probs = torch.softmax(logits, dim=-1)
    return -probs * (probs @ rewards)


def weights_differentiated_too(logits, rewards):
    # The derivative of sum(p log p r): a loss for autograd with p left in the graph.
    log_pi = torch.log_softmax(logits, dim=-1)
    probs = log_pi.exp()
    inner = (log_pi + 1) * rewards
    return probs * (inner - probs @ inner)


def best_action_alone(logits, rewards):
    score = -torch.softmax(logits, dim=-1)
    score[rewards.argmax()] += 1
    return score


def best_action_times_its_reward(logits, rewards):
    score = -torch.softmax(logits, dim=-1)
    score[rewards.argmax()] += 1
    return rewards.max() * score


def rewards_normalised(logits, rewards):
    probs = torch.softmax(logits, dim=-1)
    scaled = (rewards - rewards.mean()) / (rewards.std(unbiased=False) + 1e-8)
    return probs * (scaled - probs @ scaled)


def by_the_rewards(logits, rewards):
    return torch.softmax(logits, dim=-1)


def by_the_probabilities(logits, rewards):
    return rewards.clone()


def overflows(logits, rewards):
    weights = torch.exp(logits)
    probs = weights / weights.sum()
    return probs * (rewards - probs @ rewards)


KEY = AnswerKey(
    reference=reference,
    hints=(
        "The expected reward is a sum over actions: probability times reward. The rewards do not "
        "depend on the logits. What does, and how does it change with them?",
        "The gradient of a probability is the probability times the gradient of its logarithm. So "
        "add up, over all actions: how likely it is, times what it pays, times its score.",
        "When you write the sum out, it becomes simple: each logit gets the probability of its "
        "action, times how much more that action pays than the policy gets on average. The average "
        "is weighted with the probabilities.",
    ),
    misconceptions=(
        Misconception(
            "each action's reward is not compared with what the policy gets on average",
            "When all rewards are equal, no policy is better than another. What should the "
            "gradient be then?",
            reward_not_compared,
        ),
        Misconception(
            "the expected reward is returned, not its gradient",
            "There are K logits to differentiate by. How many numbers come back?",
            expected_reward,
        ),
        Misconception(
            "the rewards are compared with their plain mean",
            "What does the policy get on average, when it does not take all actions equally often?",
            plain_mean,
        ),
        Misconception(
            "the sign is flipped, so that one would walk downhill",
            "An action pays more than the average. Should its logit grow or shrink?",
            sign_flipped,
        ),
        Misconception(
            "the factor π(k) is missing",
            "An action that is hardly ever taken: how much does the expected reward change when "
            "its logit grows a little?",
            not_times_own_probability,
        ),
        Misconception(
            "the scores are added up without the probabilities of the actions",
            "The expectation is over the policy. How often is each action taken?",
            scores_not_weighted,
        ),
        Misconception(
            "all actions count equally, as if the policy were uniform",
            "The expectation is over the policy. How often is each action taken?",
            scores_averaged,
        ),
        Misconception(
            "the sum over actions is divided by their number",
            "The probabilities are the weights of the average already. Is there anything left to "
            "divide by?",
            divided_by_k,
        ),
        Misconception(
            "the probability is counted twice, in the weight and in the derivative",
            "Probability times score is the gradient of a probability. Is another weight needed?",
            weighted_twice,
        ),
        Misconception(
            "each probability is taken to depend on its own logit alone",
            "When one logit grows, what happens to the probabilities of the other actions?",
            own_logit_alone,
        ),
        Misconception(
            "the scores lack the 1 at the action taken",
            "Look at the score again: two terms. Which one says which action it belongs to?",
            no_one_hot,
        ),
        Misconception(
            "the weights π(a) in front of log π(a) are differentiated as well",
            "The identity is: gradient of π equals π times gradient of log π. Is the π in front "
            "differentiated in it?",
            weights_differentiated_too,
        ),
        Misconception(
            "only the score of the best action is used",
            "The gradient says how the expected reward changes. Does it know the best action only?",
            best_action_alone,
        ),
        Misconception(
            "only the best action is used, its score times its reward",
            "The expectation is a sum over all actions. What do the others add?",
            best_action_times_its_reward,
        ),
        Misconception(
            "the rewards are normalised first",
            "Let all rewards be ten times as large: should the gradient stay as it is?",
            rewards_normalised,
        ),
        Misconception(
            "the derivative is taken by the rewards, not by the logits",
            "What can a policy change: what actions pay, or how likely it takes them?",
            by_the_rewards,
        ),
        Misconception(
            "the derivative is taken by the probabilities, not by the logits",
            "How do the probabilities depend on the logits? One more step of the chain rule is "
            "missing.",
            by_the_probabilities,
        ),
        Misconception(
            "the exponential is taken of the logits as they are, so that large ones overflow",
            "What is the exponential of 10 000? And which constant could you add to all logits "
            "without changing the probabilities?",
            overflows,
        ),
    ),
    also_correct=(
        reward_minus_expected,
        weighted_scores,
        with_earlier_exercises,
        with_the_jacobian,
        in_float32,
        with_numpy,
        as_a_list,
        with_a_baseline,
    ),
)
