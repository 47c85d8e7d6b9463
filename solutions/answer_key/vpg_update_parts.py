"""What wrong answers to vpg_update are made of, so that each shows its one fault alone.

The losses come as arguments: the grader binds their names in the module of the answer only.
"""

import torch


def policy_parts(model, batch, policy_loss):
    pi = model.actor(batch["observations"])
    log_probs = pi.log_prob(batch["actions"])
    return policy_loss(log_probs, batch["psi"]), log_probs, pi


def right_report(model, batch, policy_loss, value_loss):
    with torch.no_grad():
        loss_pi, log_probs, pi = policy_parts(model, batch, policy_loss)
        loss_v = value_loss(model.critic(batch["observations"]), batch["returns"])
    kl, ent = (batch["log_probs"] - log_probs).mean(), pi.entropy().mean()
    numbers = {"loss_pi": loss_pi, "loss_v": loss_v, "kl": kl, "ent": ent}
    return {key: number.item() for key, number in numbers.items()}


def descend(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
