"""03: its equations, the numbers in its text, and answers that no list foresees."""

import functools
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, kl_divergence

import rlcore
from grader.exercises import find_exercise
from grader.exercises.vpg_update import (
    drive_vpg_update,
    stand_in_policy_loss,
    stand_in_value_loss,
)
from grader.hidden import AGENTS, answer_keys, hidden_check
from grader.judge import judge
from rlcore.plotting import read_history

NAME = "03_vanilla_policy_gradient"
TEXT = Path(f"solutions/{NAME}.py").read_text(encoding="utf-8")
LOGS = AGENTS / NAME / "logs" / "03"
KEYS = answer_keys()
REFERENCE = {name: KEYS[name].reference for name in KEYS}
VPG_UPDATE = KEYS["vpg_update"]


@functools.cache
def check_of(name):
    return hidden_check(find_exercise(name), secret=b"03", student="ada")


def verdict_on(name, answer):
    return judge(find_exercise(name), answer, check_of(name))


def test_equation_3_1_is_what_a_polynomial_in_gamma_gives():
    rewards, gamma = np.array([1.0, -2.0, 0.5, 3.0]), 0.9
    expected = [np.polynomial.polynomial.polyval(gamma, rewards[t:]) for t in range(4)]
    np.testing.assert_allclose(REFERENCE["discounted_returns"](rewards, gamma), expected)


def test_equation_3_2_recursion_has_the_sum_of_3_1_as_its_solution():
    rewards, gamma = np.array([1.0, -2.0, 0.5, 3.0]), 0.9
    returns = np.append(REFERENCE["discounted_returns"](rewards, gamma), 0.0)
    np.testing.assert_allclose(returns[:-1], rewards + gamma * returns[1:])


def two_step_gradients(logits):
    """∇J of a task of two steps and two actions: by autograd, and eq. 3.3 by enumeration."""
    pay = {(0, 0): (1.0, 2.0), (0, 1): (1.0, -1.0), (1, 0): (0.5, 4.0), (1, 1): (0.5, 0.0)}
    log_pi = torch.log_softmax(logits, -1)  # (states, actions); state of step 2 = first action
    objective, expectation = torch.zeros(()), torch.zeros_like(logits)
    for (a, b), (first, second) in pay.items():
        chance = torch.exp(log_pi[0, a] + log_pi[1 + a, b])
        objective = objective + chance * (first + second)
        psi_log_pi = (first + second) * log_pi[0, a] + second * log_pi[1 + a, b]
        (score,) = torch.autograd.grad(psi_log_pi, logits, retain_graph=True)
        expectation += chance.detach() * score
    return torch.autograd.grad(objective, logits)[0], expectation


def test_equation_3_3_with_returns_to_go_is_the_gradient_of_the_expected_return():
    logits = torch.tensor([[0.3, -0.2], [1.0, 0.1], [-0.5, 0.4]], requires_grad=True)
    exact, expectation = two_step_gradients(logits)
    torch.testing.assert_close(expectation, exact)


def test_equation_3_4_turned_round_is_the_gradient_of_the_loss():
    logits = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    actions, psi = torch.tensor([0, 1, 2, 2, 1, 0]), torch.randn(6, dtype=torch.float64)
    log_probs = Categorical(logits=logits).log_prob(actions)
    (gradient,) = torch.autograd.grad(REFERENCE["policy_gradient_loss"](log_probs, psi), logits)
    scores = torch.eye(3)[actions] - torch.softmax(logits.detach(), -1)
    torch.testing.assert_close(gradient, -psi[:, None] * scores / 6)


def test_equation_3_5_is_least_at_the_mean_of_the_returns():
    returns = torch.tensor([0.0, 100.0, 0.0, 100.0])
    losses = [REFERENCE["value_loss"](torch.full((4,), float(v)), returns) for v in range(101)]
    assert int(torch.stack(losses).argmin()) == 50
    assert [(returns - v).abs().mean() for v in (0.0, 30.0, 100.0)] == [50.0, 50.0, 50.0]


def test_equation_3_6_is_the_divergence_in_expectation():
    old, new = (Categorical(logits=torch.randn(3, dtype=torch.float64)) for _ in range(2))
    weights = old.probs
    actions = torch.arange(3)
    mean = (weights * (old.log_prob(actions) - new.log_prob(actions))).sum()
    torch.testing.assert_close(mean, kl_divergence(old, new))


@pytest.mark.parametrize(
    ("terminated", "truncated", "last"),
    [(True, False, 1.0), (False, True, 60.4), (False, False, 60.4), (True, True, 1.0)],
)
def test_equation_3_7_gives_the_numbers_of_written_question_2(terminated, truncated, last):
    flags = np.array([False, terminated]), np.array([False, truncated])
    returns = rlcore.discounted_returns(np.ones(2), np.full(2, 60.0), *flags, gamma=0.99)
    np.testing.assert_allclose(returns, [1 + 0.99 * last, last])
    assert "1 + 0.99 · 60 = 60.4" in TEXT


def test_equation_3_7_keeps_a_value_that_is_right_through_a_truncation():
    never, last = np.zeros(80, dtype=bool), np.arange(80) == 79
    for flags in ((never, last), (never, never)):
        returns = rlcore.discounted_returns(np.ones(80), np.full(80, 100.0), *flags, gamma=0.99)
        np.testing.assert_allclose(returns, 100.0)


def test_a_limit_of_ones_own_truncates_and_a_full_rollout_sets_no_flag():
    class Right:
        def act(self, observations):
            return {"actions": np.ones((), dtype=int)}

    env = rlcore.make_env("CartPole-v1", max_ep_len=4)
    runner = rlcore.EnvRunner(env, Right(), nsteps=6)
    first, second = runner.get_next(), runner.get_next()
    np.testing.assert_array_equal(np.flatnonzero(first["truncated"]), [3])
    assert not first["terminated"].any() and not first["truncated"][-1]
    np.testing.assert_array_equal(second["observations"][0], first["next_observations"][-1])


def test_numbers_worked_by_hand_before_the_exercises():
    returns = REFERENCE["discounted_returns"](np.array([1.0, 2.0, 4.0]), 0.5)
    np.testing.assert_allclose(returns, [3, 4, 4])
    log_probs = torch.tensor([-0.5, -2.0], requires_grad=True)
    loss = REFERENCE["policy_gradient_loss"](log_probs, torch.tensor([3.0, -1.0]))
    loss.backward()
    assert (loss.item(), log_probs.grad.tolist()) == (-0.25, [-1.5, 0.5])
    values = torch.tensor([0.0, 5.0], requires_grad=True)
    loss = REFERENCE["value_loss"](values, torch.tensor([3.0, 4.0]))
    loss.backward()
    assert (loss.item(), values.grad.tolist()) == (5.0, [-3.0, 1.0])


def test_numbers_quoted_in_the_text():
    assert (1 - 0.99**500) / 0.01 == pytest.approx(99.3, abs=0.05)
    assert 1 / (1 + math.exp(-1)) == pytest.approx(0.731, abs=5e-4)
    assert math.log(2) == pytest.approx(0.693, abs=5e-4)
    returns = torch.tensor([1.0, 2.0, 3.0, 4.0])
    table = (returns[:, None] - returns).square().mean()
    same = (torch.full((4, 1), 2.5) - returns).square().mean()
    assert (table.item(), same.item()) == (2.5, 1.25)
    assert 60 * np.array([2500, 4, 40]) == pytest.approx([150_000, 240, 2400])


def test_the_text_of_question_4_says_what_the_shipped_runs_show():
    for folder in sorted(LOGS.iterdir()):
        run, careful = read_history(folder), "careful" in folder.name
        first, last = run["ent"][0], run["ent"][-1]
        assert (0.58 < first < 0.62 and 0.47 < last < 0.49) if careful else first < 0.11
        assert run["ep_ret_100"][-1] > 490 if careful else run["ep_ret_100"][-1] < 35
        assert run["kl"].max() < 0.2 if careful else run["kl"][0] > 5


def test_the_shipped_files_are_small_and_hold_no_events():
    files = [path for path in (AGENTS / NAME).rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"config.json", "history.csv", "model.npz"}
    assert max(path.stat().st_size for path in files) < 1_000_000


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("discounted_returns", lambda r, gamma: [*REFERENCE["discounted_returns"](r, gamma)]),
        ("discounted_returns", lambda r, discount: REFERENCE["discounted_returns"](r, discount)),
        ("policy_gradient_loss", lambda lp, psi: (lp * -psi.clone().detach()).sum() / lp.shape[0]),
        ("value_loss", lambda v, r: torch.nn.MSELoss()(*same(v, r))),
    ],
)  # fmt: skip
def test_other_legitimate_answers_pass(name, answer):
    assert verdict_on(name, answer).correct


def same(values, returns):
    if values.shape != returns.shape:
        raise ValueError(f"{list(values.shape)} / {list(returns.shape)}")
    return values, returns


def divided_by_the_discount(rewards, gamma):
    discount = gamma ** np.arange(len(rewards))
    return np.cumsum((rewards * discount)[::-1])[::-1] / discount


def discounted_in_place(rewards, gamma):
    for t in range(len(rewards) - 2, -1, -1):
        rewards[t] += gamma * rewards[t + 1]
    return rewards


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("discounted_returns", discounted_in_place),
        ("discounted_returns", lambda r, gamma: REFERENCE["discounted_returns"](r, 0.9)),
        ("discounted_returns", divided_by_the_discount),
        ("policy_gradient_loss", lambda lp, psi: -(lp * psi).median()),
        ("policy_gradient_loss", lambda lp, psi: -(lp.clamp(min=-10) * psi).mean()),
        ("policy_gradient_loss", lambda lp, psi: -(lp * psi.mul_(1.0).sub_(0.01)).mean()),
        ("policy_gradient_loss", lambda lp, psi: float(-(lp * psi).mean())),
        ("value_loss", lambda v, r: ((v - r) ** 2).mean() if v.ndim == r.ndim else same(v, r)),
        ("value_loss", lambda v, r: (same(v, r)[0] - r).square().clamp(max=100).mean()),
        ("value_loss", lambda v, r: (same(v, r)[0] - r).square().mean(0)),
    ],
)  # fmt: skip
def test_answers_that_no_list_foresees_lose_points(name, answer):
    verdict = verdict_on(name, answer)
    assert verdict.points < find_exercise(name).points


def by_hand(inputs):
    """The update on paper: a softmax policy and a linear critic, SGD, gradients in closed form."""
    seen, psi, wanted = (inputs[key] for key in ("observations", "psi", "returns"))
    theta, phi, offset = inputs["actor"].copy(), inputs["critic"].copy(), 1.0
    one_hot = np.eye(4)[inputs["actions"]]
    for _ in range(inputs["train_pi_iters"]):
        logits = seen @ theta.T
        log_pi = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        products = (one_hot * log_pi).sum(1) * psi
        slope = (0.4 * (1 - np.tanh(products) ** 2) - 0.7) * psi / len(psi)
        rate = 0.2 / inputs["scale"]
        theta -= rate * (slope[:, None] * (one_hot - np.exp(log_pi))).T @ seen
    for _ in range(inputs["train_v_iters"]):
        error = seen @ phi + offset - wanted
        slope = (0.6 * error + 0.4 * error / np.sqrt(1 + error**2)) / len(psi)
        phi, offset = phi - 0.03 * slope @ seen, offset - 0.03 * slope.sum()
    return theta, phi, offset


def bound(answer):
    """An answer of the key, its two losses bound to the stand-ins."""
    answer.__globals__.update(
        policy_gradient_loss=stand_in_policy_loss, value_loss=stand_in_value_loss
    )
    return answer


@pytest.mark.parametrize("answer", [VPG_UPDATE.reference, *VPG_UPDATE.also_correct])
def test_right_updates_go_where_one_written_out_by_hand_goes(answer):
    for case in find_exercise("vpg_update").cases(np.random.default_rng(3), 2):
        plain_sgd = (case.inputs["kind"], case.inputs["optimizer"]) == ("categorical", "SGD")
        exact = "layout" not in case.inputs and case.inputs["observe"] != "returned"
        if plain_sgd and exact:
            both = {**case.inputs, "observe": "policy, critic"}
            found = drive_vpg_update(bound(answer), both)
            theta, phi, offset = by_hand(case.inputs)
            np.testing.assert_allclose(found["weights of the policy afterwards"], theta)
            np.testing.assert_allclose(found["weights of the critic afterwards"], phi)
            np.testing.assert_allclose(found["offset of the critic afterwards"], offset)


def with_change(change):
    def answer(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
        counts = {"train_pi_iters": train_pi_iters, "train_v_iters": train_v_iters}
        return change(
            lambda b=batch: bound(VPG_UPDATE.also_correct[0])(model, b, opt_pi, opt_v, **counts),
            batch,
        )

    return answer  # fmt: skip


def without(key):
    return with_change(lambda update, batch: {k: v for k, v in update().items() if k != key})


def batch_changed(update, batch):
    batch["psi"] = batch["psi"] - 1.0
    return update()


def batch_changed_in_place(update, batch):
    report = update()
    batch["log_probs"].zero_()
    return report


def twice(update, batch):
    update()
    return update()


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    [
        *(without(key) for key in ("loss_pi", "loss_v", "kl", "ent")),
        with_change(batch_changed),
        with_change(batch_changed_in_place),
        with_change(twice),
        with_change(lambda update, batch: list(update().values())),
        with_change(lambda update, batch: update() | {"kl": 0.017}),
        with_change(lambda update, batch: update() | {"ent": batch["psi"]}),
        with_change(lambda update, batch: update({**batch, "returns": 1.01 * batch["returns"]})),
        with_change(lambda update, batch: update({k: v[:-1] for k, v in batch.items()})),
    ],
)
def test_updates_that_no_list_foresees_lose_points(answer):
    assert verdict_on("vpg_update", answer).points < 5.0


def test_an_update_with_a_true_report_and_wrong_steps_loses_the_steps_points_alone():
    def too_many(model, batch, opt_pi, opt_v, *, train_pi_iters, train_v_iters):
        counts = {"train_pi_iters": train_pi_iters + 1, "train_v_iters": train_v_iters}
        return bound(VPG_UPDATE.also_correct[0])(model, batch, opt_pi, opt_v, **counts)

    verdict = verdict_on("vpg_update", too_many)
    lost = [group.name for group in verdict.groups if not group.earned]
    assert lost[0] == "in the policy's steps"
    assert not {"in the critic's steps", "in the numbers it returns"} & set(lost)


def test_the_loss_of_a_student_is_not_needed_to_grade_the_update():
    for name in ("policy_gradient_loss", "value_loss"):
        bound(VPG_UPDATE.also_correct[0]).__globals__[name] = None
    assert verdict_on("vpg_update", VPG_UPDATE.also_correct[0]).correct


def test_every_displayed_equation_has_a_tag_and_a_test():
    displayed = [line for line in TEXT.splitlines() if line.startswith("# $$")]
    tags = [line.split("\\tag{3.")[1][0] for line in displayed]
    assert sorted(tags) == [str(k) for k in range(1, 8)]
    for k in tags:
        assert any(f"equation_3_{k}" in name for name in globals())


def test_every_written_question_has_a_scheme_and_points():
    for k, points in itertools.zip_longest((1, 2, 3, 4), (1, 2, 1, 1)):
        assert f'"grade_id": "written_{k}_question"' in TEXT
        assert f"**Mark scheme, {points} point" in TEXT.split(f"Written question {k} ")[1][:2500]
