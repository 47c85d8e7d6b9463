"""Updates against hand-written ones with torch's own Adam; losses as arguments; where NaN stops."""

import copy

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import nn

from rlcore import (
    PPO,
    VPG,
    Config,
    RolloutBuffer,
    diagnostics,
    load_losses,
    losses,
    make_model,
    mlp,
)
from rlcore.algorithms import FlatAdam
from rlcore.collector import evaluate_rows

SPACE = gym.spaces.Box(-1.0, 1.0, (3,), np.float32)
ROWS = 32


def configured(**options):
    return Config(**{"env": "CartPole-v1", "hidden_sizes": (8,)} | options)


def setup(config, seed=0):
    """A model with lively outputs, and a buffer filled with a rollout of its own."""
    torch.manual_seed(seed)
    model = make_model(config, SPACE, gym.spaces.Discrete(3))
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.5)
    rng = np.random.default_rng(seed)
    data = {
        "observations": rng.normal(size=(ROWS, 1, 3)),
        "actions": rng.integers(3, size=(ROWS, 1)),
    }
    log_probs, _, values = evaluate_rows(model, data["observations"][:, 0], data["actions"][:, 0])
    data |= {"log_probs": log_probs.numpy()[:, None], "values": values.numpy()[:, None]}
    data |= {"rewards": rng.normal(size=(ROWS, 1)), "next_values": rng.normal(size=(ROWS, 1))}
    data |= {"terminated": rng.random((ROWS, 1)) < 0.1, "truncated": np.zeros((ROWS, 1), bool)}
    buffer = RolloutBuffer(gamma=0.9, gae_lambda=0.8, psi_mode="gae", device="cpu")
    buffer.fill(data)
    return model, buffer


def make(config, model, source=None):
    return (PPO if config.algorithm == "ppo" else VPG)(model, *load_losses(config, source), config)


def assert_same_weights(one, other):
    for name, weight in one.state_dict().items():
        torch.testing.assert_close(weight, other.state_dict()[name], rtol=1e-5, atol=1e-7, msg=name)


@pytest.mark.parametrize("max_grad_norm", [1e9, 0.1])
def test_flat_adam_makes_the_steps_of_torchs_adam(max_grad_norm):
    torch.manual_seed(0)
    flat, plain = (mlp((3, 8, 1)) for _ in range(2))
    flat.load_state_dict(plain.state_dict())
    ours = FlatAdam(flat.parameters(), 0.01, eps=1e-5, max_grad_norm=max_grad_norm)
    theirs = torch.optim.Adam(plain.parameters(), 0.01, eps=1e-5)
    for _ in range(20):
        inputs = torch.randn(16, 3)
        norm = ours.step((flat(inputs) - 1.0).square().mean())
        theirs.zero_grad()
        (plain(inputs) - 1.0).square().mean().backward()
        expected = nn.utils.clip_grad_norm_(plain.parameters(), max_grad_norm)
        theirs.step()
        assert norm == pytest.approx(expected.item(), rel=1e-4)
    assert_same_weights(flat, plain)


def test_flat_adam_goes_on_from_its_saved_state():
    torch.manual_seed(0)
    net, inputs = mlp((3, 8, 1)), torch.randn(16, 3)
    first = FlatAdam(net.parameters(), 0.01)
    for _ in range(3):
        first.step(net(inputs).square().mean())
    other = mlp((3, 8, 1))
    second = FlatAdam(other.parameters(), 0.01)
    other.load_state_dict(net.state_dict())
    second.load_state_dict(first.state_dict())
    first.step(net(inputs).square().mean())
    second.step(other(inputs).square().mean())
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), other.parameters(), strict=True))


def test_vpg_is_full_batch_steps_of_one_adam_for_the_policy_and_one_for_the_critic():
    config = configured(train_pi_iters=3, train_v_iters=5, pi_lr=0.01, v_lr=0.02)
    model, buffer = setup(config)
    oracle, rows = copy.deepcopy(model), buffer.rows
    make(config, model).update(buffer, np.random.default_rng(0))
    policy = torch.optim.Adam(oracle.actor.parameters(), 0.01)
    critic = torch.optim.Adam(oracle.critic.parameters(), 0.02)
    for _ in range(3):
        policy.zero_grad()
        (
            -(rows["psi"] * oracle.actor(rows["observations"]).log_prob(rows["actions"])).mean()
        ).backward()
        policy.step()
    for _ in range(5):
        critic.zero_grad()
        (oracle.critic(rows["observations"]) - rows["returns"]).square().mean().backward()
        critic.step()
    assert_same_weights(model, oracle)


@pytest.mark.parametrize("shared", [False, True])
def test_ppo_is_minibatch_steps_of_one_adam_on_the_sum_of_losses(shared):
    options = {"num_epochs": 2, "num_minibatches": 4, "entropy_coef": 0.01}
    config = configured(algorithm="ppo", shared_trunk=shared, **options)
    model, buffer = setup(config)
    oracle = copy.deepcopy(model)
    make(config, model).update(buffer, np.random.default_rng(7))
    adam, rng = torch.optim.Adam(oracle.parameters(), 3e-4, eps=1e-5), np.random.default_rng(7)
    for _ in range(2):
        for part in buffer.minibatches(4, rng=rng):
            distribution = oracle.actor(part["observations"])
            ratio = (distribution.log_prob(part["actions"]) - part["log_probs"]).exp()
            policy = -torch.min(ratio * part["psi"], ratio.clamp(0.8, 1.2) * part["psi"]).mean()
            values, old = oracle.critic(part["observations"]), part["values"]
            near = old + (values - old).clamp(-0.2, 0.2)
            errors = [(one - part["value_targets"]).square() for one in (values, near)]
            critic = torch.max(*errors).mean()
            adam.zero_grad()
            (policy + 0.25 * critic - 0.01 * distribution.entropy().mean()).backward()
            nn.utils.clip_grad_norm_(oracle.parameters(), 0.5)
            adam.step()
    assert_same_weights(model, oracle)


@pytest.mark.parametrize("algorithm", ["vpg", "ppo"])
def test_an_entropy_bonus_leaves_more_entropy(algorithm):
    def entropy_after(coefficient):
        config = configured(algorithm=algorithm, entropy_coef=coefficient, pi_lr=0.01)
        model, buffer = setup(config)
        make(config, model).update(buffer, np.random.default_rng(0))
        return diagnostics(model, buffer.rows, clip_range=0.2)["ent"]

    assert entropy_after(1.0) > entropy_after(0.0)


@pytest.mark.parametrize("algorithm", ["vpg", "ppo"])
def test_a_target_kl_ends_the_update_early(algorithm):
    def kl_after(target):
        options = {"train_pi_iters": 60} if algorithm == "vpg" else {"num_minibatches": 4}
        config = configured(algorithm=algorithm, target_kl=target, pi_lr=0.01, **options)
        model, buffer = setup(config)
        make(config, model).update(buffer, np.random.default_rng(0))
        return diagnostics(model, buffer.rows, clip_range=0.2)["kl"]

    assert 0.0 < kl_after(0.001) < kl_after(0.0)


def test_diagnostics_are_those_of_the_losses_module():
    config = configured(train_pi_iters=20, pi_lr=0.02)
    model, buffer = setup(config)
    make(config, model).update(buffer, np.random.default_rng(0))
    found, rows = diagnostics(model, buffer.rows, clip_range=0.1), buffer.rows
    log_probs, entropy, _ = evaluate_rows(model, rows["observations"], rows["actions"])
    expected = {
        "kl": losses.approx_kl(log_probs, rows["log_probs"]),
        "ent": entropy.mean(),
        "clip_fraction": losses.clip_fraction(log_probs, rows["log_probs"], clip_range=0.1),
        "max_ratio": losses.max_ratio(log_probs, rows["log_probs"]),
        "value_predictions": rows["values"].mean(),
        "explained_variance": losses.explained_variance(rows["values"], rows["value_targets"]),
    }
    assert found == pytest.approx({name: number.item() for name, number in expected.items()})
    assert 0.0 < found["clip_fraction"] < 1.0


@pytest.mark.parametrize(
    ("algorithm", "name", "where"),
    [
        ("vpg", "policy_gradient_loss", "the policy's loss in step 0 is nan"),
        ("vpg", "value_loss", "the critic's loss in step 0 is nan"),
        ("ppo", "ppo_clip_loss", "the policy's loss in pass 0, minibatch 0 is nan"),
        ("ppo", "clipped_value_loss", "the critic's loss in pass 0, minibatch 0 is nan"),
    ],
)
def test_a_loss_that_is_not_finite_stops_before_the_weights_move(algorithm, name, where):
    config = configured(algorithm=algorithm, num_minibatches=4)
    model, buffer = setup(config)
    broken = vars(losses) | {name: lambda new, *rest, **options: new.mean() * float("nan")}
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(FloatingPointError, match=where):
        make(config, model, broken).update(buffer, np.random.default_rng(0))
    touched = "critic" if name == "value_loss" else ""
    for key, weight in model.state_dict().items():
        assert not key.startswith(touched) or torch.equal(weight, before[key])


@pytest.mark.parametrize(
    "answer", [lambda new: new, lambda new: 1.0, lambda new: new.mean().detach()]
)
def test_a_loss_that_is_no_single_number_with_a_gradient_gets_a_sentence(answer):
    config = configured()
    model, buffer = setup(config)
    broken = vars(losses) | {"policy_gradient_loss": lambda new, psi: answer(new)}
    with pytest.raises(TypeError, match="return a mean: one tensor through which a gradient flows"):
        make(config, model, broken).update(buffer, np.random.default_rng(0))


def test_losses_come_from_a_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "def policy_gradient_loss(log_probs, psi):\n    return 'policy'\n"
        "def value_loss(values, returns):\n    return 'critic'\n"
    )
    policy, critic = load_losses(configured(), file)
    assert (policy(1, 2, 3), critic(1, 2, 3)) == ("policy", "critic")


def test_losses_come_from_my_losses_where_one_works_and_else_from_rlcore(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ones = torch.ones(2)
    assert load_losses(configured())[0](ones, ones, ones).item() == -1.0
    (tmp_path / "my_losses.py").write_text(
        "def policy_gradient_loss(log_probs, psi):\n    return 'mine'\nvalue_loss = None\n"
    )
    assert load_losses(configured())[0](ones, ones, ones) == "mine"


@pytest.mark.parametrize(
    ("algorithm", "missing", "notebook"),
    [("vpg", "policy_gradient", "03"), ("ppo", "ppo_clip", "05")],
)
def test_without_losses_a_sentence_says_which_cell_writes_them(
    algorithm, missing, notebook, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=f"there is no {missing}_loss; run notebook {notebook}"):
        load_losses(configured(algorithm=algorithm))


def test_a_losses_file_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match=r"nowhere\.py"):
        load_losses(configured(), "nowhere.py")
