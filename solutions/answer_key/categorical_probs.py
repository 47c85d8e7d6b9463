"""Answer key of categorical_probs."""

import math

import numpy as np
import torch

from grader.exercise import AnswerKey, Misconception


def reference(logits):
    """π(a) = 1 / Σ_k exp(z_k − z_a), one number at a time: no exponential of a logit itself."""
    probs = np.zeros(tuple(logits.shape))
    for at in np.ndindex(probs.shape):
        row = [float(z) for z in logits[at[:-1]]]
        gaps = [z - row[at[-1]] for z in row]
        # Beyond e^700 the probability is 0 in any floating-point format.
        probs[at] = 0.0 if max(gaps) > 700 else 1.0 / math.fsum(math.exp(gap) for gap in gaps)
    return probs


def largest_subtracted(logits):
    weights = torch.exp(logits - logits.max(dim=-1, keepdim=True).values)
    return weights / weights.sum(dim=-1, keepdim=True)


def with_torch_softmax(logits):
    return torch.softmax(logits, dim=-1)


def in_float32(logits):
    return torch.nn.functional.softmax(logits.float(), dim=-1)


def with_numpy(logits):
    logits = logits.numpy()
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def with_a_distribution(logits):
    return torch.distributions.Categorical(logits=logits).probs


def as_lists(logits):
    if logits.ndim > 1:
        return [as_lists(row) for row in logits]
    row = logits.tolist()
    top = max(row)
    weights = [math.exp(z - top) for z in row]
    return [weight / sum(weights) for weight in weights]


def log_domain(logits):
    return torch.exp(logits - torch.logsumexp(logits, dim=-1, keepdim=True))


def overflows(logits):
    weights = torch.exp(logits)
    return weights / weights.sum(dim=-1, keepdim=True)


def not_normalised(logits):
    return torch.exp(logits - logits.max(dim=-1, keepdim=True).values)


def no_exponential(logits):
    return logits / logits.sum(dim=-1, keepdim=True)


def first_axis(logits):
    return torch.softmax(logits, dim=0)


def whole_table(logits):
    weights = torch.exp(logits - logits.max())
    return weights / weights.sum()


def largest_of_the_batch(logits):
    weights = torch.exp(logits - logits.max())
    return weights / weights.sum(dim=-1, keepdim=True)


def smallest_subtracted(logits):
    weights = torch.exp(logits - logits.min(dim=-1, keepdim=True).values)
    return weights / weights.sum(dim=-1, keepdim=True)


def clipped(logits):
    return torch.softmax(logits.clamp(-50, 50), dim=-1)


def sigmoids(logits):
    return torch.sigmoid(logits)


def logs(logits):
    return torch.log_softmax(logits, dim=-1)


def one_hot(logits):
    return torch.nn.functional.one_hot(logits.argmax(dim=-1), logits.shape[-1])


def minus_sign(logits):
    return torch.softmax(-logits, dim=-1)


def twice(logits):
    return torch.softmax(torch.softmax(logits, dim=-1), dim=-1)


KEY = AnswerKey(
    reference=reference,
    hints=(
        "Probabilities are positive and add up to 1. Which function makes any real number "
        "positive, and what do you divide by then?",
        "Take the exponential of every logit, and divide by the sum of the exponentials over the "
        "last axis, whatever axes come before it. Keep that axis in the sum, so that the shapes "
        "fit.",
        "The exponential of 10 000 is too large for any float. Adding the same constant to all "
        "logits of a row changes nothing, so choose one that makes the row's largest logit 0: no "
        "exponential is then larger than 1, and their sum is at least 1.",
    ),
    misconceptions=(
        Misconception(
            "the exponential is taken of the logits as they are, so that large ones overflow",
            "What is the exponential of 10 000? And which constant could you add to all logits of "
            "a row without changing its probabilities?",
            overflows,
        ),
        Misconception(
            "the exponentials are not divided by their sum",
            "What do the probabilities of all actions add up to?",
            not_normalised,
        ),
        Misconception(
            "the logits are divided by their sum, with no exponential",
            "A logit may be negative. May a probability?",
            no_exponential,
        ),
        Misconception(
            "the sum runs over the first axis, across states",
            "Each row belongs to a state of its own. Over which axis do the actions lie?",
            first_axis,
        ),
        Misconception(
            "one sum is taken over the whole table",
            "Each row belongs to a state of its own. What should each row add up to?",
            whole_table,
        ),
        Misconception(
            "the largest logit of the whole batch is subtracted",
            "A row far below the others: what is left of its exponentials when the largest logit "
            "of another row is subtracted?",
            largest_of_the_batch,
        ),
        Misconception(
            "the smallest logit is subtracted",
            "After the subtraction, how large can the largest exponential still be?",
            smallest_subtracted,
        ),
        Misconception(
            "the logits are clipped to a range",
            "Two logits of 600 and 10 000 become equal when they are clipped. Are their "
            "probabilities equal? What can be done to a row that changes nothing at all?",
            clipped,
        ),
        Misconception(
            "each logit goes through a sigmoid of its own",
            "The actions compete: when one becomes likelier, what happens to the others?",
            sigmoids,
        ),
        Misconception(
            "the logarithms of the probabilities are returned",
            "May a probability be negative?",
            logs,
        ),
        Misconception(
            "all the probability is given to the action with the largest logit",
            "A policy that explores gives every action a chance. How large a one?",
            one_hot,
        ),
        Misconception(
            "the sign of the logits is flipped",
            "Should the action with the largest logit be the likeliest or the unlikeliest?",
            minus_sign,
        ),
        Misconception(
            "the softmax is taken twice",
            "What you have after the first time are probabilities. What are they taken for the "
            "second time?",
            twice,
        ),
    ),
    also_correct=(
        largest_subtracted,
        with_torch_softmax,
        in_float32,
        with_numpy,
        with_a_distribution,
        as_lists,
        log_domain,
    ),
)
