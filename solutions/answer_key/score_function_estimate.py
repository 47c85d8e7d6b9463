"""Answer key of score_function_estimate."""

import math

import numpy as np
import torch
from torch.nn.functional import one_hot

from grader.exercise import AnswerKey, Misconception


def reference(logits, actions, rewards):
    """(1/B) Σ_b r_b ∂ log π(a_b) / ∂z_k, sample by sample (Williams 1992, no baseline)."""
    row = logits.tolist()
    top = max(row)
    weights = [math.exp(z - top) for z in row]
    probs = [weight / math.fsum(weights) for weight in weights]
    taken = list(zip(actions.tolist(), rewards.tolist(), strict=True))
    estimate = [
        math.fsum(r * (float(a == k) - probs[k]) for a, r in taken) / len(taken)
        for k in range(len(row))
    ]
    return np.array(estimate)


def mean_of_products(logits, actions, rewards):
    scores = one_hot(actions, len(logits)) - torch.softmax(logits, dim=-1)
    return (rewards.unsqueeze(1) * scores).mean(dim=0)


def with_earlier_exercises(logits, actions, rewards):
    scores = categorical_score(logits.expand(len(actions), -1), actions)  # noqa: F821
    return rewards @ scores / len(actions)


def sample_by_sample(logits, actions, rewards):
    probs = torch.distributions.Categorical(logits=logits).probs
    total = torch.zeros_like(logits)
    for action, reward in zip(actions, rewards, strict=True):
        total[action] += reward
        total -= reward * probs
    return total / len(actions)


def in_float32(logits, actions, rewards):
    scores = torch.eye(len(logits))[actions] - torch.softmax(logits.float(), dim=0)
    return torch.einsum("b,bk->k", rewards.float(), scores) / len(actions)


def with_numpy(logits, actions, rewards):
    logits, actions, rewards = logits.numpy(), actions.numpy(), rewards.numpy()
    probs = np.exp(logits - logits.max())
    probs = probs / probs.sum()
    paid = np.bincount(actions, weights=rewards, minlength=len(logits))
    return paid / len(actions) - probs * rewards.mean()


def as_a_list(logits, actions, rewards):
    probs = torch.softmax(logits, dim=0).tolist()
    taken = list(zip(actions.tolist(), rewards.tolist(), strict=True))
    return [sum(r * ((a == k) - p) for a, r in taken) / len(taken) for k, p in enumerate(probs)]


def own_score_of_one_row(logits, actions, rewards):
    # Works with a categorical_score that broadcasts one row of logits over all actions.
    scores = categorical_score(logits, actions)  # noqa: F821
    return (scores * rewards.reshape(-1, 1)).sum(0) / len(rewards)


def sum_for_mean(logits, actions, rewards):
    scores = one_hot(actions, len(logits)) - torch.softmax(logits, dim=-1)
    return (rewards.unsqueeze(1) * scores).sum(dim=0)


def product_of_means(logits, actions, rewards):
    scores = one_hot(actions, len(logits)) - torch.softmax(logits, dim=-1)
    return rewards.mean() * scores.mean(dim=0)


def sign_flipped(logits, actions, rewards):
    scores = one_hot(actions, len(logits)) - torch.softmax(logits, dim=-1)
    return -(rewards.unsqueeze(1) * scores).mean(dim=0)


def no_rewards(logits, actions, rewards):
    scores = one_hot(actions, len(logits)) - torch.softmax(logits, dim=-1)
    return scores.mean(dim=0)


def no_one_hot(logits, actions, rewards):
    return -torch.softmax(logits, dim=-1) * rewards.mean()


def no_probs(logits, actions, rewards):
    return (rewards.unsqueeze(1) * one_hot(actions, len(logits))).mean(dim=0)


def weighted_with_probs(logits, actions, rewards):
    probs = torch.softmax(logits, dim=-1)
    scores = one_hot(actions, len(logits)) - probs
    return ((probs[actions] * rewards).unsqueeze(1) * scores).mean(dim=0)


def divided_by_probs(logits, actions, rewards):
    probs = torch.softmax(logits, dim=-1)
    scores = one_hot(actions, len(logits)) - probs
    return ((rewards / probs[actions]).unsqueeze(1) * scores).mean(dim=0)


def one_over_p(logits, actions, rewards):
    probs = torch.softmax(logits, dim=-1)
    chosen = one_hot(actions, len(logits)) == 1
    return torch.where(chosen, (rewards / probs[actions]).unsqueeze(1), 0.0).mean(dim=0)


def baseline_subtracted(logits, actions, rewards):
    scores = one_hot(actions, len(logits)) - torch.softmax(logits, dim=-1)
    return ((rewards - rewards.mean()).unsqueeze(1) * scores).mean(dim=0)


def rewards_normalised(logits, actions, rewards):
    scores = one_hot(actions, len(logits)) - torch.softmax(logits, dim=-1)
    scaled = (rewards - rewards.mean()) / (rewards.std(unbiased=False) + 1e-8)
    return (scaled.unsqueeze(1) * scores).mean(dim=0)


def rewards_normalised_unbiased(logits, actions, rewards):
    scores = one_hot(actions, len(logits)) - torch.softmax(logits, dim=-1)
    scaled = rewards
    if rewards.numel() > 1:  # of one number there is no standard deviation
        scaled = (rewards - rewards.mean()) / (rewards.std() + 1e-8)
    return (scaled.unsqueeze(1) * scores).mean(dim=0)


def log_prob_for_score(logits, actions, rewards):
    log_probs = torch.log_softmax(logits, dim=-1)[actions]
    return (log_probs * rewards).mean()


def not_averaged(logits, actions, rewards):
    scores = one_hot(actions, len(logits)) - torch.softmax(logits, dim=-1)
    return rewards.unsqueeze(1) * scores


def mean_of_everything(logits, actions, rewards):
    scores = one_hot(actions, len(logits)) - torch.softmax(logits, dim=-1)
    return (rewards.unsqueeze(1) * scores).mean()


def divided_by_k(logits, actions, rewards):
    scores = one_hot(actions, len(logits)) - torch.softmax(logits, dim=-1)
    return (rewards.unsqueeze(1) * scores).sum(dim=0) / len(logits)


def averaged_by_action(logits, actions, rewards):
    probs = torch.softmax(logits, dim=-1)
    table = one_hot(actions, len(logits))
    paid = (rewards.unsqueeze(1) * table).sum(dim=0) / table.sum(dim=0).clamp(min=1)
    return probs * (paid - probs @ paid)


def counted_from_one(logits, actions, rewards):
    k = len(logits)
    scores = one_hot((actions - 1) % k, k) - torch.softmax(logits, dim=-1)
    return (rewards.unsqueeze(1) * scores).mean(dim=0)


def overflows(logits, actions, rewards):
    weights = torch.exp(logits)
    scores = one_hot(actions, len(logits)) - weights / weights.sum()
    return (rewards.unsqueeze(1) * scores).mean(dim=0)


KEY = AnswerKey(
    reference=reference,
    hints=(
        "Every sample says: this action was taken, and this is what it paid. In which direction "
        "does the action's score push the logits, and how hard should this sample push?",
        "One sample's estimate is its reward times its score, K numbers. The estimate of the batch "
        "is the mean of these over the samples. All samples have the same logits.",
        "Make a table with one row a sample: 1 at the action taken, minus the probabilities. "
        "Multiply each row by its own reward, then take the mean down the rows. The probabilities "
        "do not come in as weights again: likely actions are in the batch more often as it is.",
    ),
    misconceptions=(
        Misconception(
            "the samples are summed, not averaged",
            "Should the estimate double when the batch is twice as large?",
            sum_for_mean,
        ),
        Misconception(
            "the mean reward is multiplied by the mean score",
            "The reward of a sample belongs to the action of that very sample. Where must the "
            "mean be taken, before or after the product?",
            product_of_means,
        ),
        Misconception(
            "the sign is flipped",
            "An action that pays well was taken. Should its logit grow or shrink?",
            sign_flipped,
        ),
        Misconception(
            "the rewards are left out",
            "An action that paid 10 and one that paid 0: should both push equally hard?",
            no_rewards,
        ),
        Misconception(
            "the scores lack the 1 at the action taken",
            "Look at the score again: two terms. Which one says which action it belongs to?",
            no_one_hot,
        ),
        Misconception(
            "the probabilities are not subtracted in the scores",
            "Look at the score again: two terms. What does each sample do to the actions that were "
            "not taken?",
            no_probs,
        ),
        Misconception(
            "every sample is weighted with the probability of its action once more",
            "How often does a likely action stand in the batch already?",
            weighted_with_probs,
        ),
        Misconception(
            "every sample is divided by the probability of its action",
            "That would be right if the actions had been drawn uniformly, and K times too large "
            "then. From which policy were they drawn?",
            divided_by_probs,
        ),
        Misconception(
            "1/π(a) stands where the score belongs",
            "You have differentiated the logarithm by π(a). By what should it be differentiated?",
            one_over_p,
        ),
        Misconception(
            "the mean reward is subtracted as a baseline",
            "That is a good idea, and it comes later in this notebook. What does the formula say "
            "without it?",
            baseline_subtracted,
        ),
        Misconception(
            "the rewards are normalised first",
            "Let all rewards be ten times as large: should the estimate stay as it is?",
            rewards_normalised,
        ),
        Misconception(
            "the rewards are normalised first",
            "Let all rewards be ten times as large: should the estimate stay as it is?",
            rewards_normalised_unbiased,
        ),
        Misconception(
            "the log-probabilities are averaged with the rewards, and not their gradients",
            "There are K logits. How many numbers has a gradient?",
            log_prob_for_score,
        ),
        Misconception(
            "there is one row for every sample",
            "One estimate is asked for, from all samples together. What is left to do?",
            not_averaged,
        ),
        Misconception(
            "the mean is taken over the actions too",
            "There are K logits. How many numbers has a gradient?",
            mean_of_everything,
        ),
        Misconception(
            "the sum over samples is divided by the number of actions",
            "The mean is over the samples. How many are there?",
            divided_by_k,
        ),
        Misconception(
            "the rewards are first averaged action by action and put into the exact formula",
            "That estimates the same gradient in another way. What does the mean of reward times "
            "score give?",
            averaged_by_action,
        ),
        Misconception(
            "the actions are counted from 1",
            "What is the number of the first action?",
            counted_from_one,
        ),
        Misconception(
            "the exponential is taken of the logits as they are, so that large ones overflow",
            "What is the exponential of 10 000? And which constant could you add to all logits "
            "without changing the probabilities?",
            overflows,
        ),
    ),
    also_correct=(
        mean_of_products,
        with_earlier_exercises,
        sample_by_sample,
        in_float32,
        with_numpy,
        as_a_list,
        own_score_of_one_row,
    ),
)
