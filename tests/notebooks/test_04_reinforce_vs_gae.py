"""04: its equations, the numbers in its text, and answers that no list foresees."""

import ast
import itertools
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.polynomial.polynomial import polyval

import rlcore
from grader.build import read_source
from grader.execute import cell_by_id
from grader.exercises import find_exercise
from grader.hidden import AGENTS, answer_keys, hidden_check
from grader.judge import judge
from rlcore import experiment, gae, td_residuals
from rlcore.config import Config
from rlcore.losses import policy_gradient_loss
from rlcore.plotting import read_history
from rlcore.train import main

NAME = "04_reinforce_vs_gae"
PATH = Path(f"solutions/{NAME}.py")
TEXT, SOURCE = PATH.read_text(encoding="utf-8"), read_source(PATH)
STUDY = AGENTS / NAME / "logs" / "3a"
TOTAL, BASELINED = answer_keys()["psi_variants"].reference
DUMMY = (np.array([0.0, -100, 800]), np.full(3, 100.0), np.full(3, 100.0), np.arange(3) == 2)


def code(name):
    return cell_by_id(SOURCE, name).source


@pytest.fixture(scope="module")
def corridor():
    """The names of the corridor's cell, and the critics of the figure behind it."""
    names = {"np": np, "rlcore": rlcore}
    exec(code("corridor"), names)
    exec(code("figure_bias_variance").partition("lambdas =")[0], names)
    return names


def rollout(rng, steps=9, ends=()):
    values = rng.normal(size=steps)
    following = np.append(values[1:], rng.normal())
    over = np.isin(np.arange(steps), ends)
    following[over] = rng.normal(size=over.sum())
    return rng.normal(size=steps), values, following, over, np.zeros(steps, dtype=bool)


def test_every_displayed_equation_is_numbered_and_tested_here():
    shown = re.findall(r"\$\$(.+?)\$\$", TEXT, re.DOTALL)
    tags = [re.search(r"\\tag\{4\.(\d+)\}$", one.strip()) for one in shown]
    assert [int(tag[1]) for tag in tags] == list(range(1, len(shown) + 1))
    tests = " ".join(name for name in globals() if name.startswith("test_"))
    assert all(f"equation_4_{k + 1}_" in tests for k in range(len(shown)))


def test_equation_4_1_with_the_exact_v_is_the_advantage_on_average(corridor):
    values, gradient = corridor["exact"](corridor["logits"])
    leads = corridor["leads"]
    padded = np.pad(values, 1)  # nothing follows on the way out
    pays = np.zeros(len(padded))
    pays[-1] = 1.0
    delta = (leads * (pays + padded - values[:, None, None])).sum(axis=2)
    probs = corridor["softmax"](corridor["logits"])
    np.testing.assert_allclose((probs * delta).sum(axis=1), 0.0, atol=1e-12)
    visits = (gradient / (probs * delta))[:, 0]
    np.testing.assert_allclose(visits[:, None] * probs * delta, gradient, atol=1e-12)


def test_equation_4_2_solves_the_linear_system_of_its_recursion():
    rewards, values, following, over, none = rollout(np.random.default_rng(1), ends=(2, 5))
    deltas = td_residuals(rewards, values, following, over, gamma=0.9)
    hears = 0.9 * 0.7 * np.diag(1.0 - over[:-1], k=1)
    expected = np.linalg.solve(np.eye(9) - hears, deltas)
    found = gae(rewards, values, following, over, none, gamma=0.9, gae_lambda=0.7)
    np.testing.assert_allclose(found, expected)


def tree():
    """A task of three steps: state → action → (reward, next state), both from a table."""
    rng = np.random.default_rng(3)
    return rng.normal(size=(3, 2, 2)), rng.integers(0, 2, size=(3, 2, 2))


def episodes(logits):
    """(chance, states, actions, rewards) of each way through the task, by enumeration."""
    pay, leads = tree()
    probs = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    for actions in itertools.product((0, 1), repeat=3):
        state, chance, states, rewards = 0, 1.0, [], []
        for t, action in enumerate(actions):
            states.append(state)
            chance *= probs[t, state, action]
            rewards.append(pay[t, state, action])
            state = leads[t, state, action]
        yield chance, states, actions, np.array(rewards)


def expected_return(logits, t=0, given=()):
    """Of the steps from t on, in the episodes that begin with `given` (state, action, …) at t."""
    chances, sums = [], []
    for chance, states, actions, rewards in episodes(logits):
        if (states[t], *actions[t : t + 1])[: len(given)] == tuple(given):
            chances.append(chance)
            sums.append(rewards[t:].sum())
    return np.dot(chances, sums) / np.sum(chances)


def weighted_scores(logits, psi):
    """E[Σ_t Ψ_t ∇log π], with psi(t, states, actions, rewards) the weight of step t."""
    total = np.zeros_like(logits)
    probs = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    for chance, states, actions, rewards in episodes(logits):
        for t, (state, action) in enumerate(zip(states, actions, strict=True)):
            score = np.eye(2)[action] - probs[t, state]
            total[t, state] += chance * psi(t, states, actions, rewards) * score
    return total


def finite_differences(function, at, step=1e-6):
    found = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        nudge = np.zeros_like(at)
        nudge[index] = step
        found[index] = (function(at + nudge) - function(at - nudge)) / (2 * step)
    return found


@pytest.mark.parametrize("item", [1, 2, 3, 4, 5, 6])
def test_equation_4_3_holds_for_every_item_of_its_list(item):
    logits = np.random.default_rng(5).normal(size=(3, 2, 2))

    def v(t, states):
        return expected_return(logits, t, (states[t],)) if t < 3 else 0.0

    psi = {
        1: lambda t, states, actions, rewards: rewards.sum(),
        2: lambda t, states, actions, rewards: rewards[t:].sum(),
        3: lambda t, states, actions, rewards: rewards[t:].sum() - (2.0 + 3.0 * states[t]),
        4: lambda t, states, actions, rewards: expected_return(logits, t, (states[t], actions[t])),
        5: lambda t, states, actions, rewards: psi[4](t, states, actions, rewards) - v(t, states),
        6: lambda t, states, actions, rewards: rewards[t] + v(t + 1, states) - v(t, states),
    }
    exact = finite_differences(expected_return, logits)
    np.testing.assert_allclose(weighted_scores(logits, psi[item]), exact, atol=1e-8)


def test_equation_4_4_is_a_polynomial_in_gamma_for_each_episode():
    parts = rollout(np.random.default_rng(2), ends=(2, 6))
    expected = [polyval(0.9, parts[0][b:e]) for b, e in ((0, 3), (3, 7), (7, 9))]
    found = TOTAL(*parts, gamma=0.9)
    np.testing.assert_allclose(found, np.repeat(expected, (3, 4, 2)))


def test_equation_4_4_gives_the_gradient_of_the_discounted_return_and_4_5_with_a_factor():
    """Which is what the text says of items with γ < 1."""
    logits = np.random.default_rng(5).normal(size=(3, 2, 2))
    discounted = 0.8 ** np.arange(3)

    def objective(logits):
        return sum(chance * (discounted @ rewards) for chance, _, _, rewards in episodes(logits))

    exact = finite_differences(objective, logits)
    first = weighted_scores(logits, lambda t, s, a, r: discounted @ r)
    future = weighted_scores(logits, lambda t, s, a, r: 0.8**t * polyval(0.8, r[t:]))
    without = weighted_scores(logits, lambda t, s, a, r: polyval(0.8, r[t:]))
    np.testing.assert_allclose(first, exact, atol=1e-8)
    np.testing.assert_allclose(future, exact, atol=1e-8)
    assert np.abs(without - exact).max() > 0.01


def test_equation_4_5_is_a_polynomial_in_gamma_with_v_as_its_last_term():
    parts = rewards, values, following, _, _ = rollout(np.random.default_rng(2), ends=(4,))
    expected = [polyval(0.9, rewards[t:5]) - values[t] for t in range(5)]
    expected += [polyval(0.9, [*rewards[t:], following[-1]]) - values[t] for t in range(5, 9)]
    np.testing.assert_allclose(BASELINED(*parts, gamma=0.9), expected)


def test_equation_4_5_is_gae_with_lambda_one():
    parts = rollout(np.random.default_rng(7), ends=(3, 8))
    np.testing.assert_allclose(BASELINED(*parts, gamma=0.9), gae(*parts, gamma=0.9, gae_lambda=1.0))


def test_equation_4_6_splits_the_error_of_any_estimates():
    rng = np.random.default_rng(0)
    found, target = rng.normal(1.0, 2.0, size=(50, 6)), rng.normal(size=6)
    error = ((found - target) ** 2).sum(axis=1).mean()
    bias = ((found.mean(axis=0) - target) ** 2).sum()
    np.testing.assert_allclose(error, bias + found.var(axis=0).sum())


def test_equation_4_7_agrees_with_finite_differences_of_the_mean_return(corridor):
    def mean_return(logits):
        return corridor["exact"](logits)[0][corridor["START"]]

    _, gradient = corridor["exact"](corridor["logits"])
    expected = finite_differences(mean_return, corridor["logits"])
    np.testing.assert_allclose(gradient, expected, atol=1e-8)


def test_the_corridor_s_exact_values_are_the_means_of_its_walks(corridor):
    walks = corridor["walk"](corridor["logits"], 40_000, np.random.default_rng(1))
    assert walks["terminated"][-1].all()
    returns = walks["rewards"].sum(axis=0)
    assert returns.mean() == pytest.approx(corridor["V"][corridor["START"]], abs=0.01)


def expected_estimate(corridor, critic, gae_lambda):
    """E ĝ by linear algebra: what the estimates would give on average over all walks."""
    probs, leads = corridor["softmax"](corridor["logits"]), corridor["leads"]
    goes_on, pays, size = leads[:, :, 1:-1], leads[:, :, -1], corridor["CELLS"]
    from_to = np.einsum("sa,sak->sk", probs, goes_on)
    visits = np.linalg.solve(np.eye(size) - from_to.T, np.eye(size)[corridor["START"]])
    delta = pays + goes_on @ critic - critic[:, None]
    later = np.linalg.solve(np.eye(size) - gae_lambda * from_to, (probs * delta).sum(axis=1))
    psi = delta + gae_lambda * goes_on @ later
    return visits[:, None] * probs * (psi - (probs * psi).sum(axis=1, keepdims=True))


@pytest.mark.parametrize(("share", "gae_lambda"), [(0.0, 1.0), (0.5, 1.0), (1.0, 0.0), (1.0, 0.6)])
def test_there_is_no_bias_with_lambda_one_nor_with_an_exact_critic(corridor, share, gae_lambda):
    critic = corridor["critic_that_learned"](share)
    found = expected_estimate(corridor, critic, gae_lambda)
    np.testing.assert_allclose(found, corridor["gradient"], atol=1e-12)


@pytest.mark.parametrize(("share", "gae_lambda"), [(0.0, 0.0), (0.0, 0.9), (0.5, 0.5)])
def test_the_measured_bias_is_the_exact_one(corridor, share, gae_lambda):
    critic = corridor["critic_that_learned"](share)
    off = expected_estimate(corridor, critic, gae_lambda) - corridor["gradient"]
    exact = (off**2).sum() / corridor["size"]
    assert exact > 0.05
    assert corridor["bias_and_variance"](gae_lambda, share)[0] == pytest.approx(exact, rel=0.1)


def test_what_the_text_says_of_the_bias_figure(corridor):
    errors = {
        share: [sum(corridor["bias_and_variance"](x, share)) for x in np.linspace(0, 1, 21)]
        for share in (0.0, 0.5, 1.0)
    }
    best = {share: np.argmin(error) / 20 for share, error in errors.items()}
    assert corridor["bias_and_variance"](0.0, 0.0)[0] == pytest.approx(1.0, abs=0.05)
    assert best[0.0] == pytest.approx(0.9, abs=0.051)
    assert best[1.0] < best[0.5] < best[0.0]
    assert errors[1.0][20] > 5 * errors[1.0][0]


def test_the_numbers_worked_by_hand_are_right():
    rewards, values, following, ends = DUMMY
    none = np.zeros(3, dtype=bool)
    residuals = td_residuals(rewards, values, following, ends, gamma=0.8)
    advantages = gae(rewards, values, following, ends, none, gamma=0.8, gae_lambda=0.5)
    np.testing.assert_allclose(residuals, [-20, -120, 700])
    np.testing.assert_allclose(advantages, [44, 160, 700])
    np.testing.assert_allclose(TOTAL(*DUMMY, none, gamma=0.8), [432, 432, 432])
    np.testing.assert_allclose(BASELINED(*DUMMY, none, gamma=0.8)[1], 440)
    assert "−100 + 0.8 · 100 − 100 = **−120**" in TEXT
    assert "800 + 0 − 100 = **700**" in TEXT
    assert "−120 + 0.4 · 700 = **160**; then −20 + 0.4 · 160 = **44**" in TEXT
    assert "its value target is −120 + 100 = **−20**" in TEXT
    assert "0 − 0.8 · 100 + 0.8² · 800 = **432**" in TEXT
    assert "−100 + 0.8 · 800 − 100 = **440**" in TEXT


def test_the_points_add_up_to_those_of_the_opening():
    points = [cell.metadata.get("nbgrader", {}).get("points", 0) for cell in SOURCE.cells]
    assert sum(points) == 22
    assert "Graded here, 22 points:" in TEXT


def curves(mode):
    folders = sorted(STUDY.glob(f"CartPole-v1_vpg_vpg_{mode}_seed*"))
    return np.stack([read_history(folder)["ep_ret_100"] for folder in folders])


def test_the_numbers_of_the_model_answer_are_those_of_the_shipped_study():
    with_gae, with_returns = (curves(mode)[:, [24, 49, 99]] for mode in ("gae", "future_return"))
    assert (with_gae[:, 0].min().round(), with_gae[:, 0].max().round()) == (180, 199)
    assert with_gae[:, 1].min() > 320
    assert (with_gae[:, 2].min().round(), with_gae[:, 2].max()) == (493, 500)
    np.testing.assert_array_equal(np.median(with_returns, axis=0).round(), [72, 253, 311])
    assert (with_returns[:, 2].max().round(), with_returns[:, 2].min().round()) == (491, 78)
    assert "between 180 and 199 at 25,000 steps, above 320 at 50,000" in TEXT
    assert "72, 253 and 311" in TEXT


def test_a_run_of_the_study_has_as_many_steps_as_worked_by_hand_and_is_small():
    files = [path for path in STUDY.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"config.json", "history.csv", "model.npz"}
    assert sum(path.stat().st_size for path in files) < 1_000_000
    assert {read_history(folder)["steps"][-1] for folder in STUDY.iterdir()} == {100_000}
    assert "100 · 1000 = **100,000** steps" in TEXT


def test_the_commands_in_the_text_make_the_runs_of_the_solution(monkeypatch):
    runs = []
    monkeypatch.setattr(experiment, "run_all", lambda given, watch=None: runs.extend(given) or 0)
    names = {"ENV": "CartPole-v1"}
    monkeypatch.setattr(experiment, "_figure", lambda column: lambda folders: None)
    exec(code("returns_vs_gae_study"), names)
    in_notebook, runs[:] = list(runs), []
    for line in re.findall(r"^# python -m rlcore\.train (.+)$", TEXT, re.MULTILINE):
        main(shlex.split(line))
    for one, other in zip(in_notebook, runs, strict=True):
        assert all(one[key] == other[key] for key in ("config", "folder", "losses"))


def test_the_shipped_study_is_what_the_solution_would_train(monkeypatch):
    runs = []
    monkeypatch.setattr(experiment, "run_all", lambda given, watch=None: runs.extend(given) or 0)
    monkeypatch.setattr(experiment, "_figure", lambda column: lambda folders: None)
    monkeypatch.chdir(STUDY.parents[1])
    names = {"ENV": "CartPole-v1"}
    exec(code("returns_vs_gae_study"), names)
    assert (runs, len(names["folders"])) == ([], 6)


def test_the_losses_that_are_given_have_the_gradients_of_the_real_ones():
    names = {"torch": torch}
    for node in ast.parse(code("given_losses")).body:
        if isinstance(node, ast.FunctionDef):
            exec(ast.unparse(node), names)
    log_probs = torch.randn(7, dtype=torch.float64, requires_grad=True)
    psi = torch.randn(7, dtype=torch.float64)
    (found,) = torch.autograd.grad(names["policy_gradient_loss"](log_probs, psi), log_probs)
    (right,) = torch.autograd.grad(policy_gradient_loss(log_probs, psi), log_probs)
    torch.testing.assert_close(found, right)
    assert names["value_loss"](torch.tensor([1.0, 2.0]), torch.tensor([3.0, 2.0])) == 2.0


def test_the_file_of_the_losses_is_what_training_asks_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cell.py").write_text(code("given_losses"), encoding="utf-8")
    names = {}
    exec(compile(code("given_losses"), tmp_path / "cell.py", "exec"), names)
    policy, value = rlcore.load_losses(Config(env="CartPole-v1"), "given_losses.py")
    ones = torch.ones(3)
    assert (policy(ones, ones, 2 * ones).item(), value(ones, ones, 3 * ones).item()) == (-2.0, 4.0)


def verdict_on(answer):
    exercise = find_exercise("psi_variants")
    return judge(exercise, answer, hidden_check(exercise, secret=b"04", student="ada"))


def by_hand(rewards, values, next_values, terminated, truncated, *, gamma):
    returns = rlcore.discounted_returns(rewards, next_values, terminated, truncated, gamma=gamma)
    return returns - values


def in_float32(rewards, values, next_values, terminated, truncated, *, gamma):
    found = TOTAL(rewards, values, next_values, terminated, truncated, gamma=gamma)
    return torch.tensor(found, dtype=torch.float32)


def test_rlcore_s_returns_may_be_used_and_tensors_given_back():
    assert verdict_on((in_float32, by_hand)).correct


def divided(rewards, values, next_values, terminated, truncated, *, gamma):
    """The total return, discounted from the first step of the rollout; no number for γ = 0."""
    powers = np.cumprod(np.full(len(rewards), gamma)) / gamma
    column = powers.reshape(-1, *[1] * (rewards.ndim - 1))
    return TOTAL(rewards * column, values, next_values, terminated, truncated, gamma=1.0)


def averaged(rewards, values, next_values, terminated, truncated, *, gamma):
    return TOTAL(rewards, *[values] * 2, terminated, truncated, gamma=gamma) / len(rewards)


def in_place(rewards, values, next_values, terminated, truncated, *, gamma):
    terminated |= truncated
    return TOTAL(rewards, values, next_values, terminated, truncated, gamma=gamma)


def test_a_known_mistake_is_named_where_some_of_its_numbers_are_none():
    name = "the total return is discounted from the first step of the rollout"
    assert verdict_on((divided, BASELINED)).misconception == name


@pytest.mark.parametrize("wrong", [averaged, in_place])
def test_answers_that_no_list_foresees_lose_points(wrong):
    verdict = verdict_on((wrong, BASELINED))
    assert 0.0 < verdict.points < 2.0
    assert not verdict.misconception


def test_one_right_function_keeps_its_own_points_when_the_other_is_not_written():
    def unwritten(*args, **kwargs):
        raise NotImplementedError

    verdict = verdict_on((TOTAL, unwritten))
    assert (verdict.points, verdict.unwritten) == (0.75, False)
    assert "psi_baselined_return" in verdict.where


def test_a_mistake_is_named_while_the_other_function_is_not_written_yet():
    def unwritten(*args, **kwargs):
        raise NotImplementedError

    def to_go(rewards, values, next_values, terminated, truncated, *, gamma):
        none = np.zeros_like(values)
        return gae(rewards, none, none, terminated, truncated, gamma=gamma, gae_lambda=1.0)

    assert "which is item 2" in verdict_on((to_go, unwritten)).misconception


@pytest.mark.parametrize("answer", [TOTAL, [TOTAL, BASELINED], (TOTAL,), None])
def test_anything_but_the_two_functions_gets_a_sentence(answer):
    verdict = verdict_on(answer)
    assert verdict.points == 0.0
    assert "both functions, in this order" in verdict.difference
