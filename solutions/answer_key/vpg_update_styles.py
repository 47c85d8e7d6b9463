"""Known wrong answers to vpg_update once more, as they come from a single pair of loops.

There the report is what the last iterations had at hand, so that a wrong loss is also reported.
"""

# ruff: noqa: F821 - policy_gradient_loss and value_loss are bound by the grader

from dataclasses import replace

import torch

from .vpg_update_losses import WRONG_LOSSES
from .vpg_update_parts import descend


def _loss_pi(log_probs, batch, pi, model):
    return policy_gradient_loss(log_probs, batch["psi"])


def _loss_v(values, batch):
    return value_loss(values, batch["returns"])


def _kl(old, new):
    return (old - new).mean()


def _ent(pi):
    return pi.entropy().mean()


def loops(loss_pi=_loss_pi, loss_v=_loss_v, kl=_kl, ent=_ent):
    """Two loops that report their last iterations."""

    def answer(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
        for _ in range(train_pi_iters):
            pi = model.actor(batch["observations"])
            log_probs = pi.log_prob(batch["actions"])
            last_pi = loss_pi(log_probs, batch, pi, model)
            descend(opt_pi, last_pi)
        for _ in range(train_v_iters):
            last_v = loss_v(model.critic(batch["observations"]), batch)
            descend(opt_v, last_v)
        numbers = {"loss_pi": last_pi, "loss_v": last_v}
        numbers |= {"kl": kl(batch["log_probs"], log_probs), "ent": ent(pi)}
        return {name: number.item() for name, number in numbers.items()}

    return answer


def _on_psi(change):
    return loops(
        lambda log_probs, batch, pi, model: policy_gradient_loss(log_probs, change(batch, model))
    )


def _normalised(unbiased):
    def change(batch, model):
        psi = batch["psi"]
        if unbiased and len(psi) == 1:  # a standard deviation of one number is none
            return psi
        return (psi - psi.mean()) / (psi.std(unbiased=unbiased) + 1e-8)

    return _on_psi(change)


def _minus_values(batch, model):
    with torch.no_grad():
        return batch["returns"] - model.critic(batch["observations"])


def _ratio(log_probs, batch, pi, model):
    ratio = torch.exp(log_probs - batch["log_probs"])
    return policy_gradient_loss(ratio, batch["psi"])


def _bonus(log_probs, batch, pi, model):
    return policy_gradient_loss(log_probs, batch["psi"]) - 0.01 * pi.entropy().mean()


STYLES = (
    ("Ψ is normalised first", _normalised(unbiased=False)),
    ("Ψ is normalised first", _normalised(unbiased=True)),
    (
        "the policy is reinforced with the returns, not with Ψ",
        _on_psi(lambda batch, model: batch["returns"]),
    ),
    ("the policy is reinforced with returns minus values, computed here", _on_psi(_minus_values)),
    (
        "the critic is fitted to Ψ, not to the returns",
        loops(loss_v=lambda values, batch: value_loss(values, batch["psi"])),
    ),
    ("the policy's loss is negated", loops(lambda *given: -_loss_pi(*given))),
    ("the critic's loss is negated", loops(loss_v=lambda *given: -_loss_v(*given))),
    ("the ratio of new to old probability stands where log π belongs", loops(_ratio)),
    ("an entropy bonus is added to the policy's loss", loops(_bonus)),
    ("the sign of kl is flipped", loops(kl=lambda old, new: (new - old).mean())),
    (
        "kl is half of the mean squared difference",
        loops(kl=lambda old, new: 0.5 * (old - new).square().mean()),
    ),
    ("kl is summed over the batch", loops(kl=lambda old, new: (old - new).sum())),
    ("ent is summed over the batch", loops(ent=lambda pi: pi.entropy().sum())),
    ("the sign of ent is flipped", loops(ent=lambda pi: -pi.entropy().mean())),
)
_KNOWN = {one.name: one for one in WRONG_LOSSES}
IN_LOOPS = tuple(replace(_KNOWN[name], wrong_answer=answer) for name, answer in STYLES)
