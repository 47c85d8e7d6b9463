"""Experiments: several configs and seeds at once, finished runs left alone."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from rlcore import experiment
from rlcore.config import Config
from rlcore.experiment import run_experiment, sweep
from rlcore.plotting import read_history
from rlcore.train import train

SMALL = {"env": "CartPole-v1", "epochs": 2, "steps_per_epoch": 60, "hidden_sizes": (8,)}


@pytest.mark.slow
def test_every_config_is_run_with_every_seed_as_train_would_run_it(tmp_path, capfd):
    configs = {"_a": Config(**SMALL), "_b": Config(**SMALL, psi_mode="future_return")}
    folders = run_experiment(configs, prefix=tmp_path, seeds=(3, 4))
    assert [folder.name for folder in folders] == [
        "CartPole-v1_vpg_vpg_gae_a_seed3",
        "CartPole-v1_vpg_vpg_gae_a_seed4",
        "CartPole-v1_vpg_vpg_future_return_b_seed3",
        "CartPole-v1_vpg_vpg_future_return_b_seed4",
    ]
    alone = train(Config(**SMALL, psi_mode="future_return", seed=4), progress=False)
    for name, column in read_history(folders[3]).items():
        np.testing.assert_array_equal(column, alone.columns[name])


@pytest.mark.slow
def test_a_run_that_fails_is_said(tmp_path, capfd):
    with pytest.raises(RuntimeError, match="a run failed; see above"):
        run_experiment({"": Config(**SMALL)}, prefix=tmp_path, seeds=(0,), losses="none.py")
    assert "none.py" in capfd.readouterr().err


def finished_run(tmp_path, **options):
    config = Config(**SMALL | options, seed=0)
    train(config, folder=tmp_path / "CartPole-v1_vpg_vpg_gae_seed0", progress=False)
    return config


def runs_started(monkeypatch):
    started = []
    monkeypatch.setattr(experiment, "run_all", lambda runs, watch: started.extend(runs) or 0)
    return started


def test_a_finished_run_is_left_alone_without_its_checkpoint_too(tmp_path, monkeypatch):
    config, started = finished_run(tmp_path), runs_started(monkeypatch)
    for left_out in tmp_path.glob("*/checkpoint.npz"):
        left_out.unlink()
    run_experiment({"": config}, prefix=tmp_path, seeds=(0,))
    assert started == []


@pytest.mark.parametrize("changed", [{"epochs": 3}, {"gamma": 0.5}])
def test_a_run_of_another_config_is_not_taken_for_finished(tmp_path, monkeypatch, changed):
    config, started = finished_run(tmp_path), runs_started(monkeypatch)
    run_experiment({"": config.model_copy(update=changed)}, prefix=tmp_path, seeds=(0,))
    assert [run["resume"] for run in started] == [True]


def test_a_stop_is_passed_on(tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "run_all", lambda runs, watch: 130)
    with pytest.raises(KeyboardInterrupt):
        run_experiment({"": Config(**SMALL)}, prefix=tmp_path)


def test_in_a_notebook_one_figure_is_shown_and_then_updated(tmp_path, monkeypatch):
    import IPython
    from IPython.display import DisplayHandle

    finished_run(tmp_path)
    plt.close(plt.figure())  # the backend is chosen before IPython seems to be there
    shown, open_before = [], plt.get_fignums()
    monkeypatch.setattr(IPython, "get_ipython", lambda: type("Shell", (), {"kernel": None})())
    monkeypatch.setattr(DisplayHandle, "display", lambda self, figure: shown.append("display"))
    monkeypatch.setattr(DisplayHandle, "update", lambda self, figure: shown.append("update"))
    draw = experiment._figure("ep_ret_100")
    for _ in range(3):
        draw([*tmp_path.iterdir(), tmp_path / "not begun"])
    assert shown == ["display", "update", "update"]
    assert plt.get_fignums() == open_before


def test_a_sweep_varies_one_option_and_nothing_else(tmp_path, monkeypatch):
    started, config = runs_started(monkeypatch), Config(**SMALL, gamma=0.5)
    sweep(config, parameter="train_pi_iters", values=(4, 20), prefix=tmp_path, losses="mine.py")
    runs = [(run["config"].train_pi_iters, run["config"].seed) for run in started]
    assert runs == [(n, seed) for n in (4, 20) for seed in (0, 1, 2)]
    for run in started:
        back = run["config"].model_copy(update={"train_pi_iters": 4, "seed": config.seed})
        assert (back, run["losses"]) == (config, "mine.py")


@pytest.mark.parametrize(
    ("parameter", "values", "names"),
    [
        ("gamma", (0, 0.9), ["gamma0.0", "gamma0.9"]),
        ("hidden_sizes", ([8], (64, 32)), ["hidden_sizes8", "hidden_sizes64x32"]),
        ("normalize", (False, True), ["normalizeFalse", "normalizeTrue"]),
    ],
)
def test_folders_of_a_sweep_are_named_after_the_value(
    tmp_path, monkeypatch, parameter, values, names
):
    runs_started(monkeypatch)
    folders = sweep(Config(**SMALL), parameter=parameter, values=values, prefix=tmp_path)
    start = "CartPole-v1_vpg_vpg_gae_"
    assert [folder.name for folder in folders[::3]] == [f"{start}{name}_seed0" for name in names]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"parameter": "clip_rnage"}, "no option 'clip_rnage' to vary; did you mean 'clip_range'?"),
        ({"parameter": "seed"}, "there is no option 'seed' to vary"),
        ({"seeds": (0, 1)}, r"seeds are \[0, 1\]; give at least 3 different ones"),
        ({"seeds": (0, 1, 2, 2)}, r"seeds are \[0, 1, 2, 2\]; give at least 3 different ones"),
        ({"values": (0.9,)}, r"values are \[0.9\]; give at least 2, each of them once"),
        ({"values": (1, 0.9, 1.0)}, r"values are \[1, 0.9, 1.0\]; give at least 2, each"),
        ({"values": (0.9, 1.1)}, "gamma"),
    ],
)
def test_a_sweep_that_tells_nothing_is_refused_before_it_runs(
    tmp_path, monkeypatch, wrong, sentence
):
    started = runs_started(monkeypatch)
    given = {"parameter": "gamma", "values": (0.9, 1), "prefix": tmp_path} | wrong
    with pytest.raises(ValueError, match=sentence):
        sweep(Config(**SMALL), **given)
    assert started == []
