"""Histories are read whole; a figure shows the median and the whole band of every method."""

import matplotlib as mpl
import numpy as np
import pytest

from rlcore import Config, plot_runs
from rlcore.plotting import read_history

mpl.use("agg")


def write_run(folder, returns, **options):
    folder.mkdir()
    options = {"env": "CartPole-v1"} | options
    (folder / "config.json").write_text(Config(**options).model_dump_json())
    rows = [f"{k},{(k + 1) * 1000},{value}" for k, value in enumerate(returns)]
    text = "\n".join(["epoch,steps,ep_ret_100", *rows, ""])
    (folder / "history.csv").write_text(text)
    return folder


@pytest.fixture
def runs(tmp_path):
    """Three seeds of one method, one of another."""
    gae = [
        write_run(tmp_path / f"gae{seed}", returns, seed=seed)
        for seed, returns in enumerate(([1, 5, 9], [2, 4, 6], [3, 9, 12, 15]))
    ]
    return [*gae, write_run(tmp_path / "future", [0, 1, 2], psi_mode="future_return")]


def test_a_history_is_columns_by_name(runs):
    history = read_history(runs[0])
    np.testing.assert_array_equal(history["steps"], [1000, 2000, 3000])
    np.testing.assert_array_equal(history["ep_ret_100"], [1, 5, 9])


def test_a_line_that_is_still_being_written_is_left_out(runs):
    with (runs[0] / "history.csv").open("a") as file:
        file.write("3,40")
    np.testing.assert_array_equal(read_history(runs[0])["ep_ret_100"], [1, 5, 9])


def test_a_curve_is_the_median_over_the_seeds_as_far_as_all_have_come(runs):
    one, other = plot_runs(runs).lines
    np.testing.assert_array_equal(one.get_xdata(), [1000, 2000, 3000])
    np.testing.assert_array_equal(one.get_ydata(), [2, 5, 9])
    np.testing.assert_array_equal(other.get_ydata(), [0, 1, 2])


def test_the_band_reaches_from_the_lowest_seed_to_the_highest(runs):
    points = plot_runs(runs).collections[0].get_paths()[0].vertices
    edges = {x: sorted({y for px, y in points if px == x}) for x in (1000.0, 2000.0, 3000.0)}
    assert edges == {1000.0: [1, 3], 2000.0: [4, 9], 3000.0: [6, 12]}


def test_a_method_keeps_its_colour_whatever_stands_beside_it(runs):
    both, alone = plot_runs(runs), plot_runs(runs[3:])
    assert both.lines[1].get_color() == alone.lines[0].get_color() != both.lines[0].get_color()


@pytest.mark.parametrize("number", [2, 3, 5])
def test_runs_of_one_method_get_shades_of_its_colour_from_dark_to_light(tmp_path, number):
    folders = [write_run(tmp_path / str(k), [1], train_pi_iters=k + 1) for k in range(number)]
    (alone,) = plot_runs(folders[:1]).lines
    colours = np.array([line.get_color() for line in plot_runs(folders).lines])
    assert np.all(np.diff(colours.sum(axis=1)) > 0.4)
    if number % 2:
        np.testing.assert_array_equal(colours[number // 2], alone.get_color())


def test_runs_of_one_method_that_differ_in_something_else_differ_in_style(tmp_path):
    folders = [write_run(tmp_path / str(k), [1], train_pi_iters=k) for k in (4, 20)]
    one, other = plot_runs(folders).lines
    assert one.get_linestyle() != other.get_linestyle()


def test_the_legend_names_what_differs_and_the_number_of_seeds(runs):
    texts = [text.get_text() for text in plot_runs(runs).get_legend().get_texts()]
    assert texts == ["psi_mode gae, 3 seeds", "psi_mode future_return, 1 seed"]


def test_a_figure_can_be_drawn_into_axes_that_are_there(runs):
    axes = mpl.figure.Figure().subplots()
    assert plot_runs(runs, ax=axes) is axes


def test_no_runs_or_an_unknown_column_get_a_sentence(runs):
    for folders, column in (([], "ep_ret_100"), (runs, "reward")):
        with pytest.raises(ValueError, match=f"no column {column}|no runs"):
            plot_runs(folders, column=column)


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no run's folder"):
        plot_runs([tmp_path])
