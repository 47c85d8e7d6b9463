"""Answer key of policy_gradient_loss."""

import torch

from grader.exercise import AnswerKey, Misconception


def reference(log_probs, psi):
    """The mean of Ψ_t log π(a_t) over the batch, term by term in float64, with a minus sign."""
    total = torch.zeros((), dtype=torch.float64)
    for b in range(len(psi)):
        total = total + float(psi[b]) * log_probs[b].double()
    return -total / len(psi)


def minus_missing(log_probs, psi):
    return (log_probs * psi).mean()


def product_of_means(log_probs, psi):
    return -(log_probs.unsqueeze(1) * psi.unsqueeze(0)).mean()


def sum_for_mean(log_probs, psi):
    return -(log_probs * psi).sum()


def probability_for_log(log_probs, psi):
    return -(torch.exp(log_probs) * psi).mean()


def graph_lost(log_probs, psi):
    return -(log_probs.detach() * psi).mean()


def psi_normalised(log_probs, psi):
    psi = (psi - psi.mean()) / (psi.std(unbiased=False) + 1e-8)
    return -(log_probs * psi).mean()


def psi_normalised_unbiased(log_probs, psi):
    if psi.numel() > 1:  # of one number there is no standard deviation
        psi = (psi - psi.mean()) / (psi.std() + 1e-8)
    return -(log_probs * psi).mean()


def psi_centred(log_probs, psi):
    return -(log_probs * (psi - psi.mean())).mean()


def only_the_good(log_probs, psi):
    return -(log_probs * psi.clamp(min=0)).mean()


def sum_of_log_probs(log_probs, psi):
    return -(log_probs.sum() * psi).mean()


def ratio_to_itself(log_probs, psi):
    return -(torch.exp(log_probs - log_probs.detach()) * psi).mean()


def psi_left_out(log_probs, psi):
    return -log_probs.mean()


def absolute_value(log_probs, psi):
    return (log_probs * psi).abs().mean()


def squared_error(log_probs, psi):
    return ((log_probs - psi) ** 2).mean()


def sign_of_psi(log_probs, psi):
    return -(log_probs * torch.sign(psi)).mean()


def mean_of_products(log_probs, psi):
    return -(log_probs * psi).mean()


def dot_product(log_probs, psi):
    return -torch.dot(log_probs, psi.detach()) / psi.numel()


def python_sum(log_probs, psi):
    return sum(-log_prob * weight for log_prob, weight in zip(log_probs, psi, strict=True)) / len(
        psi
    )


def in_float32(log_probs, psi):
    return torch.mean(-log_probs.float() * psi.float())


def without_the_zeros(log_probs, psi):
    kept = psi != 0
    return -(log_probs[kept] * psi[kept]).sum() / psi.shape[0]


def with_einsum(log_probs, psi):
    return torch.einsum("b,b->", log_probs, psi).neg().div(len(log_probs))


KEY = AnswerKey(
    reference=reference,
    hints=(
        "An optimizer makes its loss small. An action with a large Ψ should become more likely. "
        "Which sign must the product of the two have?",
        "Each action has one log-probability and one Ψ, and the two meet only each other. So there "
        "are B products. Which single number of them does not grow with B?",
        "Multiply the two element by element, take the mean over the batch and turn its sign. "
        "Leave the log-probabilities in their graph: the gradient has to pass through them.",
    ),
    misconceptions=(
        Misconception(
            "the minus sign is missing",
            "The optimizer goes downhill. Do actions with a positive Ψ become more likely there?",
            minus_missing,
        ),
        Misconception(
            "every log-probability meets every Ψ, as in a (B, B) table or a product of two means",
            "Which Ψ belongs to which action? Look at the shapes, or at where the mean is taken.",
            product_of_means,
        ),
        Misconception(
            "the sum stands in for the mean",
            "Should twice as many samples make the step twice as long?",
            sum_for_mean,
        ),
        Misconception(
            "the probability stands where its logarithm belongs",
            "The score is the gradient of what? Actions are sampled already, each as often as it "
            "is likely.",
            probability_for_log,
        ),
        Misconception(
            "the log-probabilities have lost their graph",
            "The value is right, but no gradient arrives. What cuts a tensor off from the weights?",
            graph_lost,
        ),
        Misconception(
            "Ψ is normalised inside the loss",
            "Whoever makes Ψ decides on its scale. Is that said of this function?",
            psi_normalised,
        ),
        Misconception(
            "Ψ is normalised inside the loss",
            "Whoever makes Ψ decides on its scale. Is that said of this function?",
            psi_normalised_unbiased,
        ),
        Misconception(
            "the mean of Ψ is subtracted inside the loss",
            "A baseline is part of Ψ already, if there is one. Who chooses it?",
            psi_centred,
        ),
        Misconception(
            "negative Ψ are counted as 0",
            "What should become of an action that turned out worse than expected?",
            only_the_good,
        ),
        Misconception(
            "the log-probabilities of the whole batch are added up before they meet Ψ",
            "Here every action has a Ψ of its own. Which of them does yours reinforce with it?",
            sum_of_log_probs,
        ),
        Misconception(
            "the loss is that of the ratio of π to itself",
            "The gradient is right, and the value is only the mean of −Ψ. What would the "
            "logarithm itself have given?",
            ratio_to_itself,
        ),
        Misconception(
            "Ψ is left out",
            "Without Ψ every action that was taken becomes more likely. Were all of them good?",
            psi_left_out,
        ),
        Misconception(
            "the absolute value of each product is taken",
            "A negative Ψ has to push the other way. What does the absolute value make of it?",
            absolute_value,
        ),
        Misconception(
            "the log-probabilities are fitted to Ψ by their squared difference",
            "Ψ is no target for log π to reach. Is it not rather a weight?",
            squared_error,
        ),
        Misconception(
            "only the sign of Ψ counts",
            "Should a little better than expected push as hard as much better?",
            sign_of_psi,
        ),
    ),
    also_correct=(
        mean_of_products,
        dot_product,
        python_sum,
        in_float32,
        without_the_zeros,
        with_einsum,
    ),
)
