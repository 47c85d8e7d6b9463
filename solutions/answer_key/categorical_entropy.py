"""Answer key of categorical_entropy."""

import math

import numpy as np
import torch

from grader.exercise import AnswerKey, Misconception


def reference(logits):
    """H = Σ_a π(a) log Σ_k exp(z_k − z_a), action by action; an action with π = 0 adds nothing."""
    entropies = []
    for row in logits.tolist():
        entropy = 0.0
        for own in row:
            gaps = [z - own for z in row]
            if max(gaps) < 700:
                total = math.fsum(math.exp(gap) for gap in gaps)
                entropy += math.log(total) / total
        entropies.append(entropy)
    return np.array(entropies)


def from_log_softmax(logits):
    log_pi = torch.log_softmax(logits, dim=-1)
    return -(log_pi.exp() * log_pi).sum(dim=-1)


def with_a_distribution(logits):
    return torch.distributions.Categorical(logits=logits).entropy()


def with_xlogy(logits):
    probs = torch.softmax(logits, dim=-1)
    return -torch.special.xlogy(probs, probs).sum(dim=-1)


def with_entr_in_float32(logits):
    return torch.special.entr(torch.softmax(logits.float(), dim=-1)).sum(dim=-1)


def tiny_number_added(logits):
    probs = torch.softmax(logits, dim=-1)
    return -(probs * torch.log(probs + 1e-12)).sum(dim=-1)


def with_numpy_where(logits):
    logits = logits.numpy()
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs = weights / weights.sum(axis=1, keepdims=True)
    logs = np.log(np.where(probs > 0, probs, 1.0))
    return -(probs * logs).sum(axis=1)


def as_a_list(logits):
    entropies = []
    for probs in torch.softmax(logits, dim=-1).tolist():
        entropies.append(-sum(p * math.log(p) for p in probs if p > 0))
    return entropies


def normaliser_minus_mean_logit(logits):
    probs = torch.softmax(logits, dim=-1)
    return torch.logsumexp(logits, dim=-1) - (probs * logits).sum(dim=-1)


def zero_times_minus_infinity(logits):
    probs = torch.softmax(logits, dim=-1)
    return -(probs * torch.log(probs)).sum(dim=-1)


def overflows(logits):
    weights = torch.exp(logits)
    probs = weights / weights.sum(dim=-1, keepdim=True)
    logs = torch.log(torch.where(probs == 0, torch.ones_like(probs), probs))
    return -(probs * logs).sum(dim=-1)


def sign_flipped(logits):
    log_pi = torch.log_softmax(logits, dim=-1)
    return (log_pi.exp() * log_pi).sum(dim=-1)


def in_bits(logits):
    log_pi = torch.log_softmax(logits, dim=-1)
    return -(log_pi.exp() * log_pi).sum(dim=-1) / math.log(2)


def mean_over_actions(logits):
    log_pi = torch.log_softmax(logits, dim=-1)
    return -(log_pi.exp() * log_pi).mean(dim=-1)


def not_summed(logits):
    log_pi = torch.log_softmax(logits, dim=-1)
    return -log_pi.exp() * log_pi


def summed_over_the_batch(logits):
    log_pi = torch.log_softmax(logits, dim=-1)
    return -(log_pi.exp() * log_pi).sum(dim=0)


def batch_mean(logits):
    log_pi = torch.log_softmax(logits, dim=-1)
    return -(log_pi.exp() * log_pi).sum(dim=-1).mean()


def first_axis(logits):
    log_pi = torch.log_softmax(logits, dim=0)
    return -(log_pi.exp() * log_pi).sum(dim=-1)


def not_weighted(logits):
    return -torch.log_softmax(logits, dim=-1).sum(dim=-1)


def logits_for_log_probs(logits):
    return -(torch.softmax(logits, dim=-1) * logits).sum(dim=-1)


def squares(logits):
    return 1 - torch.softmax(logits, dim=-1).square().sum(dim=-1)


def number_of_actions(logits):
    log_pi = torch.log_softmax(logits, dim=-1)
    return torch.exp(-(log_pi.exp() * log_pi).sum(dim=-1))


def likeliest_alone(logits):
    return -torch.log_softmax(logits, dim=-1).max(dim=-1).values


def probs_as_logits(logits):
    log_pi = torch.log_softmax(torch.softmax(logits, dim=-1), dim=-1)
    return -(log_pi.exp() * log_pi).sum(dim=-1)


KEY = AnswerKey(
    reference=reference,
    hints=(
        "How surprised are you by an action? By minus the logarithm of its probability. The "
        "entropy is how surprised you are on average, when the actions come from the policy.",
        "An average over the policy weights every action with its probability. So: the "
        "probability times the logarithm of the probability, summed over the actions of a row, "
        "with a minus sign.",
        "Where a probability has become 0, its logarithm is minus infinity, and 0 times infinity "
        "is not a number. Get the logarithms from the logits, as in the exercise before: they "
        "stay finite, and 0 times a finite number is 0.",
    ),
    misconceptions=(
        Misconception(
            "0 is multiplied by the logarithm of 0",
            "An action that is never taken cannot surprise anybody. How do you get a logarithm "
            "that is finite even where the probability has become 0?",
            zero_times_minus_infinity,
        ),
        Misconception(
            "the exponential is taken of the logits as they are, so that large ones overflow",
            "What is the exponential of 10 000? And which constant could you add to all logits of "
            "a row without changing its probabilities?",
            overflows,
        ),
        Misconception(
            "the minus sign is missing",
            "The logarithm of a probability is negative. Can an entropy be?",
            sign_flipped,
        ),
        Misconception(
            "the logarithm is taken to base 2, which gives bits",
            "The unit asked for is nats. Which logarithm is that?",
            in_bits,
        ),
        Misconception(
            "the mean is taken over the actions, not the sum",
            "The probabilities are the weights of the average already. Is there anything left to "
            "divide by?",
            mean_over_actions,
        ),
        Misconception(
            "nothing is summed, so every action has a number of its own",
            "A row is one policy. How many entropies has it?",
            not_summed,
        ),
        Misconception(
            "the sum runs over the batch and not over the actions",
            "Each row belongs to a state of its own. Over which axis do the actions lie?",
            summed_over_the_batch,
        ),
        Misconception(
            "the mean over the batch is returned",
            "Each row belongs to a state of its own. How many numbers come back?",
            batch_mean,
        ),
        Misconception(
            "the softmax is taken over the batch axis, across states",
            "Each row belongs to a state of its own. Over which axis do the actions lie?",
            first_axis,
        ),
        Misconception(
            "the surprises are added up without their probabilities",
            "How often does each surprise happen, when the actions are drawn from the policy?",
            not_weighted,
        ),
        Misconception(
            "the logits stand where the log-probabilities belong",
            "Add 5 to all logits of a row: should the entropy change?",
            logits_for_log_probs,
        ),
        Misconception(
            "1 minus the sum of the squared probabilities is returned",
            "That measures spread, too, but in no unit. Where does the logarithm come in?",
            squares,
        ),
        Misconception(
            "the exponential of the entropy is returned",
            "That is the number of equally likely actions with the same entropy. What is its "
            "logarithm?",
            number_of_actions,
        ),
        Misconception(
            "only the likeliest action is counted",
            "The average is over all actions. What do the unlikely ones add?",
            likeliest_alone,
        ),
        Misconception(
            "the probabilities are treated as logits again, so that the softmax is taken twice",
            "What does the function you hand them to expect, logits or probabilities?",
            probs_as_logits,
        ),
    ),
    also_correct=(
        from_log_softmax,
        with_a_distribution,
        with_xlogy,
        with_entr_in_float32,
        tiny_number_added,
        with_numpy_where,
        as_a_list,
        normaliser_minus_mean_logit,
    ),
)
