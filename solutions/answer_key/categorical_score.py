"""Answer key of categorical_score."""

import math

import numpy as np
import torch
from torch.nn.functional import one_hot

from grader.exercise import AnswerKey, Misconception


def reference(logits, actions):
    """∂ log π(a) / ∂z_k with log π(a) = z_a − log Σ_j exp(z_j), term by term.

    ∂z_a / ∂z_k is 1 or 0, and ∂ log Σ_j exp(z_j) / ∂z_k = 1 / Σ_j exp(z_j − z_k).
    """
    score = np.zeros(tuple(logits.shape))
    for b, row in enumerate(logits.tolist()):
        for k, own in enumerate(row):
            gaps = [z - own for z in row]
            total = math.inf if max(gaps) > 700 else math.fsum(math.exp(gap) for gap in gaps)
            score[b, k] = float(k == int(actions[b])) - 1.0 / total
    return score


def one_added_in_place(logits, actions):
    score = -torch.softmax(logits, dim=-1)
    score[torch.arange(len(actions)), actions] += 1
    return score


def one_hot_minus_probs(logits, actions):
    return one_hot(actions, logits.shape[-1]) - torch.softmax(logits, dim=-1)


def row_by_row(logits, actions):
    rows = []
    for row, action in zip(logits, actions, strict=True):
        probs = torch.distributions.Categorical(logits=row).probs
        rows.append([(k == action.item()) - p for k, p in enumerate(probs.tolist())])
    return rows


def in_float32(logits, actions):
    eye = torch.eye(logits.shape[-1])
    return eye[actions] - torch.softmax(logits.float(), dim=-1)


def with_numpy(logits, actions):
    logits, actions = logits.numpy(), actions.numpy()
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs = weights / weights.sum(axis=1, keepdims=True)
    return (np.arange(logits.shape[1]) == actions[:, None]) - probs


def from_the_jacobian(logits, actions):
    probs = torch.softmax(logits, dim=-1)
    k = logits.shape[-1]
    of_logs = torch.eye(k, dtype=probs.dtype) - probs.unsqueeze(1)  # d log pi(i) / d z_k
    return of_logs[torch.arange(len(actions)), actions]


def no_one_hot(logits, actions):
    return -torch.softmax(logits, dim=-1)


def sign_flipped(logits, actions):
    return torch.softmax(logits, dim=-1) - one_hot(actions, logits.shape[-1])


def no_probs(logits, actions):
    return one_hot(actions, logits.shape[-1])


def one_over_p(logits, actions):
    probs = torch.softmax(logits, dim=-1)
    return torch.where(one_hot(actions, logits.shape[-1]) == 1, 1 / probs, 0.0)


def of_the_probability(logits, actions):
    probs = torch.softmax(logits, dim=-1)
    chosen = probs.gather(1, actions.unsqueeze(1))
    return chosen * (one_hot(actions, logits.shape[-1]) - probs)


def diagonal_alone(logits, actions):
    probs = torch.softmax(logits, dim=-1)
    return one_hot(actions, logits.shape[-1]) * probs * (1 - probs)


def first_axis(logits, actions):
    return one_hot(actions, logits.shape[-1]) - torch.softmax(logits, dim=0)


def batch_mean(logits, actions):
    score = one_hot(actions, logits.shape[-1]) - torch.softmax(logits, dim=-1)
    return score / len(actions)


def averaged_over_the_batch(logits, actions):
    score = one_hot(actions, logits.shape[-1]) - torch.softmax(logits, dim=-1)
    return score.mean(dim=0)


def summed_over_the_batch(logits, actions):
    score = one_hot(actions, logits.shape[-1]) - torch.softmax(logits, dim=-1)
    return score.sum(dim=0)


def chosen_alone(logits, actions):
    probs = torch.softmax(logits, dim=-1)
    return one_hot(actions, logits.shape[-1]) * (1 - probs)


def chosen_as_a_number(logits, actions):
    probs = torch.softmax(logits, dim=-1)
    return 1 - probs.gather(1, actions.unsqueeze(1)).squeeze(1)


def one_for_all(logits, actions):
    return 1 - torch.softmax(logits, dim=-1)


def others_pushed_up(logits, actions):
    probs = torch.softmax(logits, dim=-1)
    return torch.where(one_hot(actions, logits.shape[-1]) == 1, 1 - probs, probs)


def log_probs_for_probs(logits, actions):
    return one_hot(actions, logits.shape[-1]) - torch.log_softmax(logits, dim=-1)


def logits_for_probs(logits, actions):
    return one_hot(actions, logits.shape[-1]) - logits


def counted_from_one(logits, actions):
    k = logits.shape[-1]
    return one_hot((actions - 1) % k, k) - torch.softmax(logits, dim=-1)


def likeliest(logits, actions):
    return one_hot(logits.argmax(dim=-1), logits.shape[-1]) - torch.softmax(logits, dim=-1)


def column_of_every_action(logits, actions):
    score = -torch.softmax(logits, dim=-1)
    score[:, actions] += 1
    return score


def overflows(logits, actions):
    weights = torch.exp(logits)
    probs = weights / weights.sum(dim=-1, keepdim=True)
    return one_hot(actions, logits.shape[-1]) - probs


def clipped(logits, actions):
    probs = torch.softmax(logits.clamp(-50, 50), dim=-1)
    return one_hot(actions, logits.shape[-1]) - probs


KEY = AnswerKey(
    reference=reference,
    hints=(
        "Start from the log-probability as you have just computed it: the logit of the action "
        "taken, minus the logarithm of the sum of all exponentials. Differentiate the two terms "
        "one after the other.",
        "The first term depends on one logit only, that of the action taken. The second depends "
        "on all of them: by the chain rule, its derivative by a logit is that logit's exponential "
        "over the sum. You know that fraction under another name.",
        "Each row is the probabilities of that row with a minus sign, and 1 added at the action "
        "that was taken. So every row adds up to 0. Mind that each row has an action of its own.",
    ),
    misconceptions=(
        Misconception(
            "the probabilities are subtracted but nothing is added at the action taken",
            "Among the two terms of the log-probability there is the logit of the action itself. "
            "What is its derivative?",
            no_one_hot,
        ),
        Misconception(
            "the sign is flipped",
            "When its own logit grows, does the action taken become likelier or less likely?",
            sign_flipped,
        ),
        Misconception(
            "the normaliser is taken to be a constant",
            "The sum of the exponentials contains every logit. What is the derivative of its "
            "logarithm?",
            no_probs,
        ),
        Misconception(
            "1/π(a) is put at the action taken, the derivative by the probability",
            "You have differentiated the logarithm by π(a). How does π(a) depend on the logits, on "
            "all of them?",
            one_over_p,
        ),
        Misconception(
            "the probability is differentiated, not its logarithm",
            "The gradients of π and of log π differ by a factor. Which one?",
            of_the_probability,
        ),
        Misconception(
            "each probability is taken to depend on its own logit alone, as with a sigmoid, and "
            "no logarithm is taken",
            "When the logit of another action grows, what happens to π(a)?",
            diagonal_alone,
        ),
        Misconception(
            "the softmax is taken over the batch axis, across states",
            "Each row belongs to a state of its own. Over which axis do the actions lie?",
            first_axis,
        ),
        Misconception(
            "every row is divided by the size of the batch",
            "That is the gradient of the batch's mean log-probability. Which function is to be "
            "differentiated here, row by row?",
            batch_mean,
        ),
        Misconception(
            "the scores are averaged over the batch",
            "Each row has a state and an action of its own. How many rows come back?",
            averaged_over_the_batch,
        ),
        Misconception(
            "the scores are summed over the batch",
            "Each row has a state and an action of its own. How many rows come back?",
            summed_over_the_batch,
        ),
        Misconception(
            "only the action taken gets an entry, and all others 0",
            "When one action becomes likelier, others must become less likely. Which entries say "
            "so?",
            chosen_alone,
        ),
        Misconception(
            "only the entry of the action taken is returned",
            "The log-probability depends on all K logits of its row. How many derivatives has it?",
            chosen_as_a_number,
        ),
        Misconception(
            "1 is added everywhere, not only at the action taken",
            "Which of the K logits stands alone in the log-probability?",
            one_for_all,
        ),
        Misconception(
            "the other actions have the wrong sign",
            "When the logit of another action grows, does the action taken become likelier or less "
            "likely?",
            others_pushed_up,
        ),
        Misconception(
            "the log-probabilities are subtracted where the probabilities belong",
            "Differentiate the logarithm of a sum of exponentials: does a logarithm remain?",
            log_probs_for_probs,
        ),
        Misconception(
            "the logits are subtracted where the probabilities belong",
            "Add 5 to all logits of a row: should the score change?",
            logits_for_probs,
        ),
        Misconception(
            "the actions are counted from 1",
            "What is the number of the first action?",
            counted_from_one,
        ),
        Misconception(
            "the 1 is put at the likeliest action, whatever was taken",
            "Which argument says what was done? It was sampled, so it may be an unlikely one.",
            likeliest,
        ),
        Misconception(
            "1 is added in the columns of all actions of the batch, in every row",
            "Row b goes with action b alone. How do you reach one entry of each row?",
            column_of_every_action,
        ),
        Misconception(
            "the exponential is taken of the logits as they are, so that large ones overflow",
            "What is the exponential of 10 000? And which constant could you add to all logits of "
            "a row without changing its probabilities?",
            overflows,
        ),
        Misconception(
            "the logits are clipped to a range",
            "Two logits of 600 and 10 000 become equal when they are clipped. Are their "
            "probabilities equal? What can be done to a row that changes nothing at all?",
            clipped,
        ),
    ),
    also_correct=(
        one_added_in_place,
        one_hot_minus_probs,
        row_by_row,
        in_float32,
        with_numpy,
        from_the_jacobian,
    ),
)
