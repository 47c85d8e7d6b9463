"""Answer key of categorical_log_prob."""

import math

import numpy as np
import torch

from grader.exercise import AnswerKey, Misconception


def reference(logits, actions):
    """Log π(a) = −log Σ_k exp(z_k − z_a), the largest gap taken out of the sum."""
    found = []
    for row, action in zip(logits.tolist(), actions.tolist(), strict=True):
        gaps = [z - row[action] for z in row]
        top = max(gaps)
        found.append(-top - math.log(math.fsum(math.exp(gap - top) for gap in gaps)))
    return np.array(found)


def with_logsumexp(logits, actions):
    chosen = logits.gather(1, actions.unsqueeze(1)).squeeze(1)
    return chosen - torch.logsumexp(logits, dim=1)


def with_a_distribution(logits, actions):
    return torch.distributions.Categorical(logits=logits).log_prob(actions)


def in_float32(logits, actions):
    return torch.log_softmax(logits.float(), dim=-1)[torch.arange(len(actions)), actions]


def with_cross_entropy(logits, actions):
    return -torch.nn.functional.cross_entropy(logits, actions, reduction="none")


def with_numpy(logits, actions):
    logits, actions = logits.numpy(), actions.numpy()
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_pi = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.take_along_axis(log_pi, actions[:, None], axis=1)[:, 0]


def as_a_list(logits, actions):
    found = []
    for row, action in zip(logits, actions, strict=True):
        top = row.max().item()
        total = sum(math.exp(z - top) for z in row.tolist())
        found.append(row[action].item() - top - math.log(total))
    return found


def one_hot_sum(logits, actions):
    one_hot = torch.nn.functional.one_hot(actions, logits.shape[1])
    return (one_hot * torch.log_softmax(logits, dim=1)).sum(dim=1)


def log_of_probs(logits, actions):
    probs = torch.softmax(logits, dim=-1)
    return torch.log(probs[torch.arange(len(actions)), actions])


def overflows(logits, actions):
    normaliser = torch.log(torch.exp(logits).sum(dim=-1))
    return logits[torch.arange(len(actions)), actions] - normaliser


def smallest_number_added(logits, actions):
    probs = torch.softmax(logits, dim=-1)
    return torch.log(probs[torch.arange(len(actions)), actions] + 1e-8)


def smaller_number_added(logits, actions):
    probs = torch.softmax(logits, dim=-1)
    return torch.log(probs[torch.arange(len(actions)), actions] + 1e-10)


def clipped(logits, actions):
    log_pi = torch.log_softmax(logits.clamp(-50, 50), dim=-1)
    return log_pi[torch.arange(len(actions)), actions]


def probabilities(logits, actions):
    return torch.softmax(logits, dim=-1)[torch.arange(len(actions)), actions]


def logit_alone(logits, actions):
    return logits[torch.arange(len(actions)), actions]


def sign_flipped(logits, actions):
    return torch.nn.functional.cross_entropy(logits, actions, reduction="none")


def batch_mean(logits, actions):
    return -torch.nn.functional.cross_entropy(logits, actions)


def batch_sum(logits, actions):
    return torch.log_softmax(logits, dim=-1)[torch.arange(len(actions)), actions].sum()


def first_axis(logits, actions):
    return torch.log_softmax(logits, dim=0)[torch.arange(len(actions)), actions]


def all_actions(logits, actions):
    return torch.log_softmax(logits, dim=-1)


def square_table(logits, actions):
    return torch.log_softmax(logits, dim=-1)[:, actions]


def likeliest(logits, actions):
    return torch.log_softmax(logits, dim=-1).max(dim=-1).values


def counted_from_one(logits, actions):
    return torch.log_softmax(logits, dim=-1)[torch.arange(len(actions)), actions - 1]


def in_bits(logits, actions):
    log_pi = torch.log_softmax(logits, dim=-1)[torch.arange(len(actions)), actions]
    return log_pi / math.log(2)


def probs_as_logits(logits, actions):
    log_pi = torch.log_softmax(torch.softmax(logits, dim=-1), dim=-1)
    return log_pi[torch.arange(len(actions)), actions]


def column_kept(logits, actions):
    return torch.log_softmax(logits, dim=-1).gather(1, actions.unsqueeze(1))


KEY = AnswerKey(
    reference=reference,
    hints=(
        "Write down π of the action that was taken, and take the logarithm of the fraction on "
        "paper, before you write any code. What becomes of the exponential in the numerator?",
        "The logarithm of a fraction is a difference: the logit of the action taken, minus the "
        "logarithm of the sum of all exponentials. Each row has an action of its own to pick.",
        "A probability that is too small for a float becomes 0, and its logarithm is lost. So "
        "never go through the probability: subtract the row's largest logit first, and take the "
        "logarithm of the sum only. The largest term of that sum is then 1.",
    ),
    misconceptions=(
        Misconception(
            "the logarithm is taken of a probability that has become 0",
            "How small may a probability get before a float holds 0? Can you simplify the "
            "logarithm of the fraction before you compute anything?",
            log_of_probs,
        ),
        Misconception(
            "the exponential is taken of the logits as they are, so that large ones overflow",
            "What is the exponential of 10 000? And which constant could you add to all logits of "
            "a row without changing its probabilities?",
            overflows,
        ),
        Misconception(
            "1e-8 is added to the probability before the logarithm is taken",
            "Then no action is ever less likely than 1e-8. Can you simplify the logarithm of the "
            "fraction, so that nothing needs to be added?",
            smallest_number_added,
        ),
        Misconception(
            "1e-10 is added to the probability before the logarithm is taken",
            "Then no action is ever less likely than 1e-10. Can you simplify the logarithm of the "
            "fraction, so that nothing needs to be added?",
            smaller_number_added,
        ),
        Misconception(
            "the logits are clipped to a range",
            "Two logits of 600 and 10 000 become equal when they are clipped. Are their "
            "probabilities equal? What can be done to a row that changes nothing at all?",
            clipped,
        ),
        Misconception(
            "the probability is returned, not its logarithm",
            "Which sign has the logarithm of a probability?",
            probabilities,
        ),
        Misconception(
            "the logit of the action is returned without the normaliser",
            "Add 5 to all logits of a row: should the log-probability change?",
            logit_alone,
        ),
        Misconception(
            "the sign is flipped, which gives the cross-entropy",
            "Which sign has the logarithm of a number between 0 and 1?",
            sign_flipped,
        ),
        Misconception(
            "the mean over the batch is returned",
            "Each row has a state and an action of its own. How many numbers come back?",
            batch_mean,
        ),
        Misconception(
            "the sum over the batch is returned",
            "Each row has a state and an action of its own. How many numbers come back?",
            batch_sum,
        ),
        Misconception(
            "the sum of the normaliser runs over the batch axis, across states",
            "Each row belongs to a state of its own. Over which axis do the actions lie?",
            first_axis,
        ),
        Misconception(
            "the log-probabilities of all actions are returned",
            "One action was taken in each row. How many numbers come back for a row?",
            all_actions,
        ),
        Misconception(
            "every action of the batch is picked in every row, which gives a square table",
            "Row b goes with action b alone. How do you pick one entry from each row?",
            square_table,
        ),
        Misconception(
            "the likeliest action is scored, whatever was taken",
            "Which argument says what was done? It was sampled, so it may be an unlikely one.",
            likeliest,
        ),
        Misconception(
            "the actions are counted from 1",
            "What is the number of the first action?",
            counted_from_one,
        ),
        Misconception(
            "the logarithm is taken to base 2, which gives bits",
            "Whose inverse is the exponential in the softmax?",
            in_bits,
        ),
        Misconception(
            "the probabilities are treated as logits again, so that the softmax is taken twice",
            "What does the function you hand them to expect, logits or probabilities?",
            probs_as_logits,
        ),
        Misconception(
            "the result keeps a last axis of length 1",
            "The answer has one number a row. Which shape is that?",
            column_kept,
        ),
    ),
    also_correct=(
        with_logsumexp,
        with_a_distribution,
        in_float32,
        with_cross_entropy,
        with_numpy,
        as_a_list,
        one_hot_sum,
    ),
)
