"""Known wrong answers to vpg_update: what it descends on, and what it reports."""

# ruff: noqa: F821 - policy_gradient_loss and value_loss are bound by the grader

import torch

from grader.exercise import Misconception

from .vpg_update_parts import descend, policy_parts, right_report


def _policy(model, batch):
    return policy_parts(model, batch, policy_gradient_loss)


def _critic(model, batch):
    return value_loss(model.critic(batch["observations"]), batch["returns"])


def _report(model, batch):
    return right_report(model, batch, policy_gradient_loss, value_loss)


def _update(model, batch, policy_optimizer, value_optimizer, train_pi_iters, train_v_iters):
    """A right update, for the mistakes that are made before or after it."""
    for _ in range(train_pi_iters):
        descend(policy_optimizer, _policy(model, batch)[0])
    for _ in range(train_v_iters):
        descend(value_optimizer, _critic(model, batch))


def _with(model, batch, opt_pi, opt_v, train_pi_iters, train_v_iters, **changed):
    """The right update on a batch in which something else stands."""
    _update(model, batch | changed, opt_pi, opt_v, train_pi_iters, train_v_iters)
    return _report(model, batch)


def psi_normalised(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    psi = batch["psi"]
    psi = (psi - psi.mean()) / (psi.std(unbiased=False) + 1e-8)
    return _with(model, batch, opt_pi, opt_v, train_pi_iters, train_v_iters, psi=psi)


def returns_for_psi(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    psi = batch["returns"]
    return _with(model, batch, opt_pi, opt_v, train_pi_iters, train_v_iters, psi=psi)


def baseline_subtracted(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    with torch.no_grad():
        psi = batch["returns"] - model.critic(batch["observations"])
    return _with(model, batch, opt_pi, opt_v, train_pi_iters, train_v_iters, psi=psi)


def psi_for_returns(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    returns = batch["psi"]
    return _with(model, batch, opt_pi, opt_v, train_pi_iters, train_v_iters, returns=returns)


def policy_negated(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        descend(opt_pi, -_policy(model, batch)[0])
    for _ in range(train_v_iters):
        descend(opt_v, _critic(model, batch))
    return _report(model, batch)


def critic_negated(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        descend(opt_pi, _policy(model, batch)[0])
    for _ in range(train_v_iters):
        descend(opt_v, -_critic(model, batch))
    return _report(model, batch)


def losses_written_out(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        log_probs = model.actor(batch["observations"]).log_prob(batch["actions"])
        loss_pi = -(log_probs * batch["psi"]).mean()
        descend(opt_pi, loss_pi)
    for _ in range(train_v_iters):
        loss_v = (model.critic(batch["observations"]) - batch["returns"]).square().mean()
        descend(opt_v, loss_v)
    return _report(model, batch) | {"loss_pi": loss_pi.item(), "loss_v": loss_v.item()}


def entropy_bonus(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        loss, _, pi = _policy(model, batch)
        descend(opt_pi, loss - 0.01 * pi.entropy().mean())
    for _ in range(train_v_iters):
        descend(opt_v, _critic(model, batch))
    return _report(model, batch)


def ratio_for_log_prob(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        log_probs = model.actor(batch["observations"]).log_prob(batch["actions"])
        ratio = torch.exp(log_probs - batch["log_probs"])
        descend(opt_pi, policy_gradient_loss(ratio, batch["psi"]))
    for _ in range(train_v_iters):
        descend(opt_v, _critic(model, batch))
    return _report(model, batch)


def gradients_cut(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        opt_pi.zero_grad()
        _policy(model, batch)[0].backward()
        torch.nn.utils.clip_grad_norm_(model.actor.parameters(), 0.5)
        opt_pi.step()
    for _ in range(train_v_iters):
        opt_v.zero_grad()
        _critic(model, batch).backward()
        torch.nn.utils.clip_grad_norm_(model.critic.parameters(), 0.5)
        opt_v.step()
    return _report(model, batch)


def _reporting(change):
    """The right update with another report."""

    def answer(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
        _update(model, batch, opt_pi, opt_v, train_pi_iters, train_v_iters)
        return change(_report(model, batch), model, batch)

    return answer


def _kl_as_squares(report, model, batch):
    with torch.no_grad():
        log_probs = model.actor(batch["observations"]).log_prob(batch["actions"])
    return report | {"kl": 0.5 * (batch["log_probs"] - log_probs).square().mean().item()}


kl_sign_flipped = _reporting(lambda report, model, batch: report | {"kl": -report["kl"]})
kl_as_squares = _reporting(_kl_as_squares)
kl_summed = _reporting(
    lambda report, model, batch: report | {"kl": report["kl"] * len(batch["psi"])}
)
entropy_summed = _reporting(
    lambda report, model, batch: report | {"ent": report["ent"] * len(batch["psi"])}
)
entropy_negative = _reporting(lambda report, model, batch: report | {"ent": -report["ent"]})
losses_exchanged = _reporting(
    lambda report, model, batch: report | {"loss_pi": report["loss_v"], "loss_v": report["loss_pi"]}
)
losses_summed_up = _reporting(
    lambda report, model, batch: report | {"loss_pi": report["loss_pi"] + report["loss_v"]}
)

_REPORT = "Each number is the mean over the batch at one moment of the update. "

WRONG_LOSSES = (
    Misconception(
        "Ψ is normalised first",
        "Whoever filled the batch decided on Ψ. Is it yours to change?",
        psi_normalised,
    ),
    Misconception(
        "the policy is reinforced with the returns, not with Ψ",
        "The batch holds two numbers for each action. Which of them is for the policy?",
        returns_for_psi,
    ),
    Misconception(
        "the policy is reinforced with returns minus values, computed here",
        "Whoever filled the batch decided on Ψ. Is it yours to change?",
        baseline_subtracted,
    ),
    Misconception(
        "the critic is fitted to Ψ, not to the returns",
        "What should V predict?",
        psi_for_returns,
    ),
    Misconception(
        "the policy's loss is negated",
        "The minus sign is in the loss already. What does a second one do?",
        policy_negated,
    ),
    Misconception(
        "the critic's loss is negated",
        "Should the squared error grow?",
        critic_negated,
    ),
    Misconception(
        "the losses are written out in place of calling policy_gradient_loss and value_loss",
        "You have both losses already, and the grader puts others in their place to see whether "
        "they are called. Where should yours stand?",
        losses_written_out,
    ),
    Misconception(
        "an entropy bonus is added to the policy's loss",
        "Some algorithms do that. Does this one?",
        entropy_bonus,
    ),
    Misconception(
        "the ratio of new to old probability stands where log π belongs",
        "That is PPO's surrogate. What does policy_gradient_loss take first?",
        ratio_for_log_prob,
    ),
    Misconception(
        "the gradients are cut to a norm of 0.5",
        "Some algorithms do that. Does this one?",
        gradients_cut,
    ),
    Misconception(
        "the sign of kl is flipped",
        "The stored log-probabilities are those of the policy that acted. Does it come first in "
        "the difference, or last?",
        kl_sign_flipped,
    ),
    Misconception(
        "kl is half of the mean squared difference",
        "That is another estimate of the same. Which one does the docstring give?",
        kl_as_squares,
    ),
    Misconception("kl is summed over the batch", _REPORT + "What is yours?", kl_summed),
    Misconception("ent is summed over the batch", _REPORT + "What is yours?", entropy_summed),
    Misconception(
        "the sign of ent is flipped",
        "Can a policy over a few actions have a negative entropy?",
        entropy_negative,
    ),
    Misconception(
        "loss_pi and loss_v are exchanged",
        "Which of the two losses is the critic's?",
        losses_exchanged,
    ),
    Misconception(
        "loss_pi is the sum of both losses",
        "Two optimizers, two losses: which of them does the policy go down?",
        losses_summed_up,
    ),
)
