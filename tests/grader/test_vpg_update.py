"""What vpg_update's hidden check sees, and what it does not mind."""

from collections import OrderedDict

import pytest
import torch

from grader.exercises import find_exercise
from grader.hidden import hidden_check
from grader.judge import judge

EXERCISE = find_exercise("vpg_update")
CHECK = hidden_check(EXERCISE, secret=b"updates", student="ada")


def policy_gradient_loss(log_probs, psi):
    raise AssertionError("the grader binds its own")


def value_loss(values, returns):
    raise AssertionError("the grader binds its own")


def update(model, batch, optimizers, iterations, *, longest=1e9, dtype=None):
    observations = batch["observations"].to(dtype or batch["observations"].dtype)
    for _ in range(iterations[0]):
        pi = model.actor(observations)
        log_probs = pi.log_prob(batch["actions"])
        losses = [policy_gradient_loss(log_probs, batch["psi"])]
        descend(optimizers[0], losses[0], model.actor, longest)
    for _ in range(iterations[1]):
        losses[1:] = [value_loss(model.critic(observations), batch["returns"])]
        descend(optimizers[1], losses[1], model.critic, longest)
    kl, ent = (batch["log_probs"] - log_probs).mean(), pi.entropy().mean()
    numbers = zip(("loss_pi", "loss_v", "kl", "ent"), (*losses, kl, ent), strict=True)
    return {name: number.item() for name, number in numbers}


def descend(optimizer, loss, net, longest):
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), longest)
    optimizer.step()


def verdict(change=lambda report: report, at_once=lambda batch: None, **how):
    def answer(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
        if (given := at_once(batch)) is not None:
            return given
        iterations = train_pi_iters, train_v_iters
        return change(update(model, batch, (opt_pi, opt_v), iterations, **how))

    return judge(EXERCISE, answer, CHECK)


@pytest.mark.parametrize("how", [{}, {"dtype": torch.float32}, {"change": OrderedDict}], ids=str)
def test_right_updates_in_other_types_are_right(how):
    assert verdict(**how).correct


def test_a_kl_that_is_always_zero_is_not_the_policys():
    assert verdict(lambda report: report | {"kl": 0.0}).points == 4.0


def test_a_batch_of_one_is_an_ordinary_batch():
    zeros = dict.fromkeys(("loss_pi", "loss_v", "kl", "ent"), 0.0)
    assert verdict(at_once=lambda batch: zeros if len(batch["psi"]) == 1 else None).points == 4.5


@pytest.mark.parametrize("longest", [1.0, 5.0, 10.0])
def test_gradients_cut_at_any_usual_length_lose_points(longest):
    assert verdict(longest=longest).points <= 2.0


def test_a_true_report_on_an_update_that_was_none_earns_nothing():
    def none(batch):
        return dict.fromkeys(("loss_pi", "loss_v", "kl", "ent"), 0.0)

    assert verdict(at_once=none).points == 0.0
