"""Answer key of vpg_update: the right answers. The wrong ones are in two files beside it."""

# The answers call policy_gradient_loss and value_loss by name, as a student must: the grader binds
# them to stand-ins.
# ruff: noqa: F821

import torch

from grader.exercise import AnswerKey

from .vpg_update_losses import WRONG_LOSSES
from .vpg_update_steps import WRONG_STEPS
from .vpg_update_styles import IN_LOOPS


def reference(
    actor_critic, batch, policy_optimizer, value_optimizer, *, train_pi_iters, train_v_iters
):
    """Steps along gradients that are asked for one by one and laid into place; no backward()."""

    def descend(net, optimizer, loss):
        parameters = list(net.parameters())
        for parameter, gradient in zip(
            parameters, torch.autograd.grad(loss, parameters), strict=True
        ):
            parameter.grad = gradient
        optimizer.step()
        return loss.item()

    def policy():
        distribution = actor_critic.actor(batch["observations"])
        log_probs = distribution.log_prob(batch["actions"])
        return log_probs, distribution.entropy(), policy_gradient_loss(log_probs, batch["psi"])

    losses_pi = [
        descend(actor_critic.actor, policy_optimizer, policy()[2]) for _ in range(train_pi_iters)
    ]
    losses_v = []
    for _ in range(train_v_iters):
        values = actor_critic.critic(batch["observations"])
        loss = value_loss(values, batch["returns"])
        losses_v.append(descend(actor_critic.critic, value_optimizer, loss))
    log_probs, entropies, _ = policy()
    rows = len(batch["psi"])
    moved = [batch["log_probs"][b].item() - log_probs[b].item() for b in range(rows)]
    return {
        "loss_pi": losses_pi[0],
        "loss_v": losses_v[0],
        "kl": sum(moved) / rows,
        "ent": sum(entropies.tolist()) / rows,
    }


def measured_before(
    actor_critic, batch, policy_optimizer, value_optimizer, *, train_pi_iters, train_v_iters
):
    report = {}
    for i in range(train_pi_iters):
        policy_optimizer.zero_grad()
        pi = actor_critic.actor(batch["observations"])
        log_probs = pi.log_prob(batch["actions"])
        loss = policy_gradient_loss(log_probs, batch["psi"])
        if i == 0:
            report["loss_pi"] = loss.item()
            report["kl"] = (batch["log_probs"] - log_probs).mean().item()
            report["ent"] = pi.entropy().mean().item()
        loss.backward()
        policy_optimizer.step()
    for i in range(train_v_iters):
        value_optimizer.zero_grad()
        loss = value_loss(actor_critic.critic(batch["observations"]), batch["returns"])
        if i == 0:
            report["loss_v"] = loss.item()
        loss.backward()
        value_optimizer.step()
    return report


def measured_last_as_tensors(
    actor_critic, batch, policy_optimizer, value_optimizer, *, train_pi_iters, train_v_iters
):
    observations, actions, old, psi, returns = (
        batch[key] for key in ("observations", "actions", "log_probs", "psi", "returns")
    )
    for _ in range(train_pi_iters):
        log_probs = actor_critic.actor(observations).log_prob(actions)
        loss_pi = policy_gradient_loss(log_probs=log_probs, psi=psi)
        policy_optimizer.zero_grad(set_to_none=False)
        loss_pi.backward()
        policy_optimizer.step()
    for _ in range(train_v_iters):
        loss_v = value_loss(values=actor_critic.critic(observations), returns=returns)
        value_optimizer.zero_grad(set_to_none=False)
        loss_v.backward()
        value_optimizer.step()
    with torch.no_grad():
        pi = actor_critic.actor(observations)
        kl = torch.mean(old - pi.log_prob(actions))
        return {"loss_pi": loss_pi, "loss_v": loss_v, "kl": kl, "ent": torch.mean(pi.entropy())}


def critic_first(
    actor_critic, batch, policy_optimizer, value_optimizer, *, train_pi_iters, train_v_iters
):
    for _ in range(train_v_iters):
        actor_critic.zero_grad()
        loss_v = value_loss(actor_critic.critic(batch["observations"]), batch["returns"])
        loss_v.backward()
        value_optimizer.step()
    for _ in range(train_pi_iters):
        actor_critic.zero_grad()
        pi = actor_critic.actor(batch["observations"])
        log_probs = pi.log_prob(batch["actions"])
        loss_pi = policy_gradient_loss(log_probs, batch["psi"])
        loss_pi.backward()
        policy_optimizer.step()
    kl = (batch["log_probs"] - log_probs).mean()
    numbers = {"loss_pi": loss_pi, "loss_v": loss_v, "kl": kl, "ent": pi.entropy().mean()}
    return {key: number.item() for key, number in numbers.items()}


def in_turns(
    actor_critic, batch, policy_optimizer, value_optimizer, *, train_pi_iters, train_v_iters
):
    def policy():
        pi = actor_critic.actor(batch["observations"])
        log_probs = pi.log_prob(batch["actions"])
        return policy_gradient_loss(log_probs, batch["psi"]), log_probs, pi

    def critic():
        return value_loss(actor_critic.critic(batch["observations"]), batch["returns"])

    with torch.no_grad():
        loss_pi, loss_v = policy()[0].item(), critic().item()
    for i in range(max(train_pi_iters, train_v_iters)):
        for optimizer, iterations, loss in (
            (policy_optimizer, train_pi_iters, lambda: policy()[0]),
            (value_optimizer, train_v_iters, critic),
        ):
            if i < iterations:
                optimizer.zero_grad()
                loss().backward()
                optimizer.step()
    with torch.no_grad():
        _, log_probs, pi = policy()
    kl = (batch["log_probs"] - log_probs).numpy().mean()
    return dict(loss_pi=loss_pi, loss_v=loss_v, kl=kl, ent=pi.entropy().numpy().mean())


def with_closures(
    actor_critic, batch, policy_optimizer, value_optimizer, *, train_pi_iters, train_v_iters
):
    def closure_pi():
        policy_optimizer.zero_grad()
        log_probs = actor_critic.actor(batch["observations"]).log_prob(batch["actions"])
        loss = policy_gradient_loss(log_probs, batch["psi"])
        loss.backward()
        return loss

    def closure_v():
        value_optimizer.zero_grad()
        loss = value_loss(actor_critic.critic(batch["observations"]), batch["returns"])
        loss.backward()
        return loss

    losses_pi = [policy_optimizer.step(closure_pi).item() for _ in range(train_pi_iters)]
    losses_v = [value_optimizer.step(closure_v).item() for _ in range(train_v_iters)]
    pi = actor_critic.actor(batch["observations"])
    kl = (batch["log_probs"] - pi.log_prob(batch["actions"])).mean().item()
    return {
        "loss_pi": losses_pi[-1],
        "loss_v": losses_v[-1],
        "kl": kl,
        "ent": pi.entropy().mean().item(),
    }


KEY = AnswerKey(
    reference=reference,
    hints=(
        "There are two loops, one for each optimizer, and no minibatches: every step sees the "
        "whole batch. After a step the weights are others. What must be computed anew before the "
        "next one?",
        "One step is always the same four things: forget the old gradient, compute the loss from "
        "the network as it is now, send the loss backward, let the optimizer step. In which loop "
        "does which of the two losses stand?",
        "In the policy's loop, ask the actor for its distribution at the observations, that one "
        "for the log-probabilities of the stored actions, and give these to your loss with Ψ. In "
        "the critic's loop, ask the critic for values and give them to your other loss with the "
        "returns. For the report, kl is the mean of stored minus new log-probabilities.",
    ),
    misconceptions=(*WRONG_STEPS, *WRONG_LOSSES, *IN_LOOPS),
    also_correct=(
        measured_before,
        measured_last_as_tensors,
        critic_first,
        in_turns,
        with_closures,
    ),
)
