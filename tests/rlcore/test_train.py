"""Training: learns what can be known, repeats itself, resumes, and stops without loss."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch

from rlcore import Config, evaluate, load_agent
from rlcore.algorithms import FlatAdam
from rlcore.plotting import read_history
from rlcore.train import main, train

SMALL = {"env": "CartPole-v1", "epochs": 6, "steps_per_epoch": 64, "checkpoint_every": 2}
PPO = {"algorithm": "ppo", "num_minibatches": 4, "num_epochs": 2, "normalize": True}
CLI = [sys.executable, "-m", "rlcore.train", "--env", "CartPole-v1", "--steps_per_epoch", "64"]


class Matching(gym.Env):
    """One step: the observation is +1 or −1; answering its sign pays 1, else 0."""

    def __init__(self, continuous, render_mode=None):
        self.observation_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
        box = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.action_space = box if continuous else gym.spaces.Discrete(2)
        self.continuous = continuous

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.sign = float(self.np_random.choice([-1.0, 1.0]))
        return np.array([self.sign], dtype=np.float32), {}

    def step(self, action):
        if self.continuous:
            reward = 1.0 - abs(float(action[0]) - 0.5 * self.sign)
        else:
            reward = float((action == 1) == (self.sign > 0))
        return np.array([self.sign], dtype=np.float32), reward, True, False, {}


@pytest.fixture(params=["Matching-v0", "MatchingBox-v0"])
def matching(request):
    gym.register(request.param, Matching, kwargs={"continuous": "Box" in request.param})
    yield request.param
    gym.registry.pop(request.param)


def quietly(config, **options):
    return train(config, progress=False, **options)


def assert_same_history(one, other):
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.parametrize("algorithm", ["vpg", "ppo"])
def test_a_problem_whose_answer_is_known_is_learned_in_seconds(matching, algorithm):
    options = {"pi_lr": 0.01, "v_lr": 0.02} if algorithm == "vpg" else PPO | {"pi_lr": 0.01}
    options |= {"algorithm": algorithm, "epochs": 40, "steps_per_epoch": 256, "hidden_sizes": (16,)}
    history = quietly(Config(env=matching, **options))
    assert history.columns["ep_ret"][0] < 0.7
    # who does not look at the sign gets 0.5 at best
    assert evaluate(matching, history.act, num_episodes=40, seed=0).mean() > 0.85


@pytest.mark.parametrize("options", [{}, PPO, PPO | {"lr_decay": True, "num_envs": 2}])
def test_the_same_seed_gives_the_same_history_and_another_seed_another(options):
    one, two, other = (quietly(Config(**SMALL, **options, seed=seed)).columns for seed in (0, 0, 1))
    assert_same_history(one, two)
    assert (one["loss_v"] != other["loss_v"]).any()


class Killed(Exception):
    pass


@pytest.mark.parametrize("killed_at", [0, 1, 2, 5])
@pytest.mark.parametrize("options", [{}, PPO | {"lr_decay": True, "num_envs": 2}])
def test_a_run_that_was_killed_and_resumed_has_the_history_of_one_that_was_not(
    tmp_path, options, killed_at
):
    def kill(row):
        if row["epoch"] == killed_at:
            raise Killed

    config = Config(**SMALL, **options)
    with pytest.raises(Killed):
        quietly(config, folder=tmp_path / "killed", on_epoch=kill)
    resumed = quietly(config, folder=tmp_path / "killed", resume=True)
    whole = quietly(config, folder=tmp_path / "whole")
    assert_same_history(resumed.columns, whole.columns)
    for one, two in zip(resumed.act.model.parameters(), whole.act.model.parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_complete_run_can_be_made_longer(tmp_path):
    quietly(Config(**SMALL), folder=tmp_path / "run")
    longer = Config(**SMALL | {"epochs": 8})
    rows = []
    resumed = quietly(longer, folder=tmp_path / "run", resume=True, on_epoch=rows.append)
    assert [row["epoch"] for row in rows] == [6, 7]
    assert_same_history(resumed.columns, quietly(longer).columns)


def test_a_folder_holds_config_history_events_checkpoint_and_agent(tmp_path):
    config = Config(**SMALL, **PPO)
    history = quietly(config, folder=tmp_path)
    names = {path.name.split(".tfevents")[0] for path in tmp_path.iterdir()}
    assert names == {"config.json", "history.csv", "events.out", "checkpoint.npz", "model.npz"}
    assert Config.load(tmp_path) == config
    assert_same_history(history.columns, read_history(tmp_path))


def test_tensorboard_gets_every_scalar(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    history = quietly(Config(**SMALL, **PPO), folder=tmp_path)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    wanted = {"ep_ret", "ep_len", "ep_ret_100", "kl", "ent", "loss_v", "loss_pi", "clip_fraction"}
    wanted |= {"max_ratio", "value_predictions", "explained_variance", "gradient_norm"}
    assert wanted <= set(events.Tags()["scalars"])
    found = [scalar.value for scalar in events.Scalars("kl")]
    np.testing.assert_allclose(found, history.columns["kl"], rtol=1e-5)


def test_the_agent_of_a_folder_plays_as_the_one_that_was_trained(tmp_path):
    history = quietly(Config(**SMALL, **PPO), folder=tmp_path)
    returns = [
        evaluate("CartPole-v1", act, num_episodes=3, seed=0)
        for act in (history.act, load_agent(tmp_path))
    ]
    np.testing.assert_array_equal(*returns)


def test_a_folder_that_holds_a_run_is_not_overwritten(tmp_path):
    quietly(Config(**SMALL), folder=tmp_path)
    before = (tmp_path / "history.csv").read_bytes()
    with pytest.raises(FileExistsError, match="holds a run already; resume it, or name another"):
        quietly(Config(**SMALL), folder=tmp_path)
    assert (tmp_path / "history.csv").read_bytes() == before


def test_resuming_with_another_config_names_what_differs(tmp_path):
    quietly(Config(**SMALL), folder=tmp_path)
    with pytest.raises(ValueError, match="was made with another gamma, seed"):
        quietly(Config(**SMALL, gamma=0.5, seed=3), folder=tmp_path, resume=True)


def test_ctrl_c_saves_the_agent_as_it_is(tmp_path):
    def interrupt(row):
        if row["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quietly(Config(**SMALL), folder=tmp_path, on_epoch=interrupt)
    four = quietly(Config(**SMALL | {"epochs": 4})).act.model
    saved = load_agent(tmp_path).model
    for one, two in zip(saved.parameters(), four.parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_nan_loss_stops_with_its_place_and_keeps_the_last_good_checkpoint(tmp_path):
    from rlcore import losses

    calls = []

    def breaks(log_probs, psi):
        calls.append(1)
        return losses.policy_gradient_loss(log_probs, psi) * (
            float("nan") if len(calls) > 13 else 1
        )

    with pytest.raises(FloatingPointError, match="epoch 3: the policy's loss in step 1 is nan"):
        quietly(
            Config(**SMALL), folder=tmp_path, losses=vars(losses) | {"policy_gradient_loss": breaks}
        )
    assert all(torch.isfinite(weight).all() for weight in load_agent(tmp_path).model.parameters())
    resumed = quietly(Config(**SMALL), folder=tmp_path, resume=True)
    assert_same_history(resumed.columns, quietly(Config(**SMALL)).columns)


def test_a_gradient_that_is_not_finite_stops_although_the_loss_is(tmp_path):
    from rlcore import losses

    def steep(log_probs, psi):
        return (log_probs - log_probs.detach()).abs().sqrt().mean()

    config = Config(**SMALL | {"checkpoint_every": 1}, train_pi_iters=1)
    broken = vars(losses) | {"policy_gradient_loss": steep}
    with pytest.raises(FloatingPointError, match="epoch 0: a gradient was not finite"):
        quietly(config, folder=tmp_path, losses=broken)
    assert all(torch.isfinite(weight).all() for weight in load_agent(tmp_path).model.parameters())


def test_resuming_for_fewer_epochs_than_were_made_changes_nothing(tmp_path):
    quietly(Config(**SMALL), folder=tmp_path)
    before = (tmp_path / "checkpoint.npz").read_bytes(), (tmp_path / "history.csv").read_bytes()
    quietly(Config(**SMALL | {"epochs": 2}), folder=tmp_path, resume=True)
    after = (tmp_path / "checkpoint.npz").read_bytes(), (tmp_path / "history.csv").read_bytes()
    assert after == before


def test_the_learning_rate_falls_on_a_line_to_zero(monkeypatch):
    shares = []
    original = FlatAdam.step
    step = lambda self, *args: shares.append(self.share) or original(self, *args)  # noqa: E731
    monkeypatch.setattr(FlatAdam, "step", step)
    quietly(Config(**SMALL, lr_decay=True, train_pi_iters=1, train_v_iters=1))
    np.testing.assert_allclose(shares[::2], [1.0, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])


def test_torch_gets_its_threads_back():
    before = torch.get_num_threads()
    quietly(Config(**SMALL | {"epochs": 1}))
    assert torch.get_num_threads() == before


def run_cli(*options, cwd, **how):
    return subprocess.run(
        [*CLI, *options], cwd=cwd, capture_output=True, text=True, timeout=120, **how
    )


def test_the_command_line_trains_logs_and_refuses_to_overwrite(tmp_path):
    done = run_cli("--epochs", "2", "--suffix", "_try", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "mean return of the last 100 episodes" in done.stdout
    folder = tmp_path / "logs" / "CartPole-v1_vpg_vpg_gae_try_seed42"
    assert len(read_history(folder)["epoch"]) == 2
    again = run_cli("--epochs", "2", "--suffix", "_try", cwd=tmp_path)
    assert again.returncode == 1
    assert "holds a run already" in again.stderr


@pytest.mark.slow
def test_several_seeds_train_in_parallel_as_they_would_alone(tmp_path):
    done = run_cli("--epochs", "2", "--seeds", "0", "1", "2", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    options = {"env": "CartPole-v1", "steps_per_epoch": 64, "epochs": 2}
    for seed in range(3):
        found = read_history(tmp_path / "logs" / f"CartPole-v1_vpg_vpg_gae_seed{seed}")
        assert_same_history(found, quietly(Config(**options, seed=seed)).columns)


@pytest.mark.slow
def test_a_history_that_is_made_and_not_yet_filled_does_not_end_the_command(tmp_path):
    for seed in (0, 1):
        folder = tmp_path / "logs" / f"CartPole-v1_vpg_vpg_gae_seed{seed}"
        folder.mkdir(parents=True)
        (folder / "history.csv").touch()
    done = run_cli("--epochs", "2", "--seeds", "0", "1", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(read_history(folder)["epoch"]) == 2


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seeds", [["0"], ["0", "1"]])
def test_an_interrupted_command_exits_130_and_resumes(tmp_path, seeds, how):
    command = [*CLI, "--epochs", "100000", "--seeds", *seeds]
    child = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    folders = [tmp_path / "logs" / f"CartPole-v1_vpg_vpg_gae_seed{seed}" for seed in seeds]
    deadline = time.monotonic() + 60
    try:
        while not all((folder / "history.csv").exists() for folder in folders):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        child.send_signal(how)
        printed, _ = child.communicate(timeout=60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # or runs go on for ever
        child.wait()
    assert child.returncode == 130
    assert printed.count("stopped and saved; the same command with --resume goes on") == len(seeds)
    assert all((folder / "model.npz").exists() for folder in folders)


@pytest.mark.slow
def test_a_full_disk_stops_with_a_sentence_and_leaves_no_half_file(tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
    code = f"{limit} import sys; from rlcore.train import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *CLI[3:], "--epochs", "2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "checkpoint.npz (File too large); what stood there is whole" in done.stderr
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--nonsense", "3"], "unrecognized arguments: --nonsense 3"),
        (["--gamma", "3"], "gamma: Input should be less than or equal to 1"),
        (["--epochs", "many"], "epochs: Input should be a valid integer"),
        (["--loss_mode", "a2c"], "loss_mode: Input should be 'vpg' or 'ppo'"),
    ],
)
def test_a_wrong_option_exits_2_and_is_named(options, sentence, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(options)
    assert stopped.value.code == 2
    assert sentence in capsys.readouterr().err


def test_the_homeworks_options_reach_the_config(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = ["--env=CartPole-v1", "--epochs=1", "--steps_per_epoch=50", "--max_ep_len=30"]
    options += ["--gamma=.9", "--lam=.8", "--seed=3", "--train_pi_iters=2", "--train_v_iters=1"]
    options += ["--pi_lr=.01", "--v_lr=.02", "--psi_mode=future_return", "--loss_mode=ppo"]
    options += ["--clip_ratio=.3", "--prefix=logs/3a/", "--suffix=_x", "--device=cpu"]
    assert main(options) == 0
    folder = tmp_path / "logs" / "3a" / "CartPole-v1_vpg_ppo_future_return_x_seed3"
    saved = json.loads((folder / "config.json").read_text())
    assert (saved["gae_lambda"], saved["clip_range"], saved["max_ep_len"]) == (0.8, 0.3, 30)
    assert (saved["pi_lr"], saved["v_lr"], saved["train_pi_iters"]) == (0.01, 0.02, 2)


def test_losses_of_a_file_are_used(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.py").write_text(
        "def policy_gradient_loss(log_probs, psi):\n    return 0.0\n"
    )
    assert main([*CLI[3:], "--epochs", "1", "--losses", "wrong.py"]) == 1
    assert "there is no value_loss; run notebook 03" in capsys.readouterr().err


def test_help_names_every_option_with_its_default(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = capsys.readouterr().out
    for name in Config.model_fields:
        shown = {"gae_lambda": "lam", "clip_range": "clip_ratio"}.get(name, name)
        assert f"--{shown} " in printed


def test_the_library_can_be_imported_without_its_losses(tmp_path):
    code = (
        "import sys; sys.modules['rlcore.losses'] = None; import rlcore, rlcore.train, rlcore.play;"
        "assert not any(name.startswith('grader') for name in sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=True, cwd=tmp_path, timeout=60
    )


@pytest.mark.slow
def test_the_lines_of_the_readme_train_cartpole(tmp_path):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    python = readme.split("```python\n")[1].split("```")[0]
    (shell,) = (line for line in readme.splitlines() if "rlcore.train --env CartPole" in line)
    assert len([*filter(None, python.splitlines())]) == 3
    code = f"{python}\nprint(history.columns['ep_ret_100'][-1])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=280
    )
    assert done.stderr == ""
    assert float(done.stdout.split()[-1]) > 300.0
    command = [sys.executable, *shell.split()[1:-1], "2"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert list(tmp_path.glob("logs/CartPole-v1_ppo_ppo_gae_seed42/model.npz"))


@pytest.mark.slow
def test_play_prints_the_return_and_records_a_video(tmp_path):
    quietly(Config(**SMALL), folder=tmp_path / "run")
    command = [
        sys.executable,
        "-m",
        "rlcore.play",
        "run",
        "--num_episodes",
        "3",
        "--video",
        "v.gif",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    expected = evaluate("CartPole-v1", load_agent(tmp_path / "run"), num_episodes=3, seed=0)
    assert f"CartPole-v1: return {expected.mean():.1f} ± {expected.std():.1f}, 3" in done.stdout
    assert (tmp_path / "v.gif").stat().st_size > 1000


def test_play_without_a_run_exits_1_and_says_so(tmp_path, capsys):
    from rlcore.play import main as play

    assert play([str(tmp_path)]) == 1
    assert "is no run's folder" in capsys.readouterr().err
