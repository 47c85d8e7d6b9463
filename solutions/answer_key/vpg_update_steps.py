"""Known wrong answers to vpg_update: its steps, and when gradients are cleared."""

# ruff: noqa: F821 - policy_gradient_loss and value_loss are bound by the grader

from grader.exercise import Misconception

from .vpg_update_parts import descend, policy_parts, right_report


def _policy(model, batch):
    return policy_parts(model, batch, policy_gradient_loss)


def _critic(model, batch):
    return value_loss(model.critic(batch["observations"]), batch["returns"])


def _report(model, batch):
    return right_report(model, batch, policy_gradient_loss, value_loss)


def counts_swapped(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_v_iters):
        descend(opt_pi, _policy(model, batch)[0])
    for _ in range(train_pi_iters):
        descend(opt_v, _critic(model, batch))
    return _report(model, batch)


def policy_not_cleared(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        loss, _, _ = _policy(model, batch)
        loss.backward()
        opt_pi.step()
    for _ in range(train_v_iters):
        descend(opt_v, _critic(model, batch))
    return _report(model, batch)


def critic_not_cleared(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        descend(opt_pi, _policy(model, batch)[0])
    for _ in range(train_v_iters):
        loss = _critic(model, batch)
        loss.backward()
        opt_v.step()
    return _report(model, batch)


def never_cleared(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        loss, _, _ = _policy(model, batch)
        loss.backward()
        opt_pi.step()
    for _ in range(train_v_iters):
        loss = _critic(model, batch)
        loss.backward()
        opt_v.step()
    return _report(model, batch)


def cleared_before_the_loop(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    opt_pi.zero_grad()
    for _ in range(train_pi_iters):
        loss, _, _ = _policy(model, batch)
        loss.backward()
        opt_pi.step()
    opt_v.zero_grad()
    for _ in range(train_v_iters):
        loss = _critic(model, batch)
        loss.backward()
        opt_v.step()
    return _report(model, batch)


def cleared_after_the_step(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        loss, _, _ = _policy(model, batch)
        loss.backward()
        opt_pi.step()
        opt_pi.zero_grad()
    for _ in range(train_v_iters):
        loss = _critic(model, batch)
        loss.backward()
        opt_v.step()
        opt_v.zero_grad()
    return _report(model, batch)


def cleared_too_late(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        loss, _, _ = _policy(model, batch)
        loss.backward()
        opt_pi.zero_grad()
        opt_pi.step()
    for _ in range(train_v_iters):
        loss = _critic(model, batch)
        loss.backward()
        opt_v.zero_grad()
        opt_v.step()
    return _report(model, batch)


def step_before_backward(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        loss, _, _ = _policy(model, batch)
        opt_pi.step()
        opt_pi.zero_grad()
        loss.backward()
    for _ in range(train_v_iters):
        loss = _critic(model, batch)
        opt_v.step()
        opt_v.zero_grad()
        loss.backward()
    return _report(model, batch)


def policys_optimizer_for_both(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        descend(opt_pi, _policy(model, batch)[0])
    for _ in range(train_v_iters):
        opt_v.zero_grad()
        loss = _critic(model, batch)
        loss.backward()
        opt_pi.step()
    return _report(model, batch)


def optimizers_exchanged(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        descend(opt_v, _policy(model, batch)[0])
    for _ in range(train_v_iters):
        descend(opt_pi, _critic(model, batch))
    return _report(model, batch)


def both_in_the_critics_loop(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_v_iters):
        opt_pi.zero_grad()
        opt_v.zero_grad()
        loss = _policy(model, batch)[0] + _critic(model, batch)
        loss.backward()
        opt_pi.step()
        opt_v.step()
    return _report(model, batch)


def both_in_the_policys_loop(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        descend(opt_pi, _policy(model, batch)[0])
        descend(opt_v, _critic(model, batch))
    return _report(model, batch)


def nested(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        descend(opt_pi, _policy(model, batch)[0])
        for _ in range(train_v_iters):
            descend(opt_v, _critic(model, batch))
    return _report(model, batch)


def one_step_each(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    descend(opt_pi, _policy(model, batch)[0])
    descend(opt_v, _critic(model, batch))
    return _report(model, batch)


def one_step_too_few(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(1, train_pi_iters):
        descend(opt_pi, _policy(model, batch)[0])
    for _ in range(1, train_v_iters):
        descend(opt_v, _critic(model, batch))
    return _report(model, batch)


def critic_never_trained(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        descend(opt_pi, _policy(model, batch)[0])
    return _report(model, batch)


def _halves(batch):
    parts = {key: tensor.chunk(2) for key, tensor in batch.items()}
    return [
        {key: part[i] for key, part in parts.items()} for i in range(len(parts["observations"]))
    ]


def minibatches(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        for part in _halves(batch):
            descend(opt_pi, _policy(model, part)[0])
    for _ in range(train_v_iters):
        for part in _halves(batch):
            descend(opt_v, _critic(model, part))
    return _report(model, batch)


def half_a_batch_a_step(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    parts = _halves(batch)
    for i in range(train_pi_iters):
        descend(opt_pi, _policy(model, parts[i % len(parts)])[0])
    for i in range(train_v_iters):
        descend(opt_v, _critic(model, parts[i % len(parts)]))
    return _report(model, batch)


def graph_reused(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    log_probs = model.actor(batch["observations"]).log_prob(batch["actions"])
    for _ in range(train_pi_iters):
        loss = policy_gradient_loss(log_probs, batch["psi"])
        opt_pi.zero_grad()
        loss.backward(retain_graph=True)
        opt_pi.step()
    for _ in range(train_v_iters):
        descend(opt_v, _critic(model, batch))
    return _report(model, batch)


def values_reused(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
    for _ in range(train_pi_iters):
        descend(opt_pi, _policy(model, batch)[0])
    values = model.critic(batch["observations"])
    for _ in range(train_v_iters):
        loss = value_loss(values, batch["returns"])
        opt_v.zero_grad()
        loss.backward(retain_graph=True)
        opt_v.step()
    return _report(model, batch)


WRONG_STEPS = (
    Misconception(
        "the two numbers of steps are exchanged",
        "Which of the two should be fitted until it is good, and which may only move a little?",
        counts_swapped,
    ),
    Misconception(
        "the policy's gradients are not cleared before each backward pass",
        "backward() adds to the gradient that is there. What is there at the policy's second step?",
        policy_not_cleared,
    ),
    Misconception(
        "the critic's gradients are not cleared before each backward pass",
        "backward() adds to the gradient that is there. What is there at the critic's second step?",
        critic_not_cleared,
    ),
    Misconception(
        "no gradient is ever cleared",
        "backward() adds to the gradient that is there. Where does the old one go?",
        never_cleared,
    ),
    Misconception(
        "the gradients are cleared once before the loops, not before every step",
        "backward() adds to the gradient that is there. What is there at the second step?",
        cleared_before_the_loop,
    ),
    Misconception(
        "the gradients are cleared after each step, so that what was there before the call counts",
        "Who says that nobody has called backward() before you? When should one clear?",
        cleared_after_the_step,
    ),
    Misconception(
        "the gradients are cleared between backward and step, so that nothing moves",
        "What does the optimizer find when it steps?",
        cleared_too_late,
    ),
    Misconception(
        "the optimizer steps before the backward pass, along the gradient of the step before",
        "What does the optimizer read when it steps, and who has written it?",
        step_before_backward,
    ),
    Misconception(
        "the policy's optimizer makes the critic's steps as well",
        "Whose weights does each optimizer hold?",
        policys_optimizer_for_both,
    ),
    Misconception(
        "each optimizer steps after the other one's loss",
        "Whose weights does each optimizer hold?",
        optimizers_exchanged,
    ),
    Misconception(
        "the policy steps as often as the critic, in one loop",
        "How often should the policy step on the same data?",
        both_in_the_critics_loop,
    ),
    Misconception(
        "the critic steps as often as the policy, in one loop",
        "How often should the critic step on the same data?",
        both_in_the_policys_loop,
    ),
    Misconception(
        "the critic's loop runs inside the policy's",
        "How many steps does the critic make in yours, all in all?",
        nested,
    ),
    Misconception(
        "each optimizer makes a single step",
        "What do train_pi_iters and train_v_iters say?",
        one_step_each,
    ),
    Misconception(
        "each optimizer makes one step too few",
        "Count the steps of each loop from its first to its last.",
        one_step_too_few,
    ),
    Misconception(
        "the critic is never trained",
        "What is value_optimizer for?",
        critic_never_trained,
    ),
    Misconception(
        "every pass takes several steps, on minibatches",
        "How much of the batch should each step see?",
        minibatches,
    ),
    Misconception(
        "each step sees half of the batch",
        "How much of the batch should each step see?",
        half_a_batch_a_step,
    ),
    Misconception(
        "the log-probabilities are computed once, before the policy's loop",
        "After a step the weights are others. Which policy does the second gradient belong to?",
        graph_reused,
    ),
    Misconception(
        "the values are computed once, before the critic's loop",
        "After a step the weights are others. Which critic does the second gradient belong to?",
        values_reused,
    ),
)
