"""07: its equations, the numbers in its text, what its shipped runs show, and its nine ideas."""

import ast
import re
from itertools import combinations, permutations
from math import comb, factorial

import matplotlib as mpl
import numpy as np
import pytest
from cells import notebook, text

from grader.execute import cell_by_id
from grader.hidden import AGENTS
from rlcore.config import Config
from rlcore.plotting import read_history

NAME = "07_your_own_experiment"
TEXT = text(NAME)
LOGS = AGENTS / NAME / "logs"
GIVEN = {}
mpl.use("agg")
for cell in ("setup", "sweep_helpers"):
    exec(cell_by_id(notebook(NAME), cell).source, GIVEN)
BASE = GIVEN["BASE"]


def by_chance(n):
    """7.1, as the text has it."""
    return 2 / comb(2 * n, n)


def shown(numbers):
    return [int(np.floor(number + 0.5)) for number in numbers]


def example():
    """Folders of the visible example, value by value."""
    return sorted(LOGS.glob("example/*"), key=lambda path: Config.load(path).target_kl)


def histories(pattern, number=3):
    """Runs by seed."""
    folders = sorted(LOGS.glob(pattern), key=lambda path: Config.load(path).seed)
    assert [Config.load(folder).seed for folder in folders] == list(range(number))
    return [read_history(folder) for folder in folders]


def ends(pattern, number=3, epoch=-1):
    return np.array([run["ep_ret_100"][epoch] for run in histories(pattern, number)])


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_equation_7_1_is_the_share_of_orders_in_which_the_two_do_not_mix(n):
    apart = [
        max(order[:n]) < min(order[n:]) or min(order[:n]) > max(order[n:])
        for order in permutations(range(2 * n))
    ]
    assert np.mean(apart) == pytest.approx(by_chance(n))
    assert by_chance(n) == pytest.approx(2 * factorial(n) ** 2 / factorial(2 * n))


@pytest.mark.parametrize(("m", "n"), [(3, 3), (5, 3), (4, 2)])
def test_equation_7_2_is_how_many_pairs_fall_apart_on_average(m, n):
    runs = np.random.default_rng(0).random((20_000, m, n))
    found = sum(
        (runs[:, a].max(1) < runs[:, b].min(1)) | (runs[:, b].max(1) < runs[:, a].min(1))
        for a, b in combinations(range(m), 2)
    )
    assert found.mean() == pytest.approx(m * (m - 1) / 2 * by_chance(n), rel=0.05)


def test_the_worked_chances_are_right():
    assert [round(by_chance(n), 3) for n in (3, 4, 5)] == [0.1, 0.029, 0.008]
    assert [comb(2 * n, n) for n in (3, 4, 5)] == [20, 70, 252]
    assert "2/20 = **0.1**" in TEXT and "2/70 = **0.029**" in TEXT and "2/252 = **0.008**" in TEXT
    assert "3 · 0.1 = **0.3**" in TEXT and "10 · 0.1 = **1**" in TEXT
    assert 3 * by_chance(3) == pytest.approx(0.3) and 10 * by_chance(3) == pytest.approx(1)


def test_the_fifteen_seeds_scatter_as_the_text_says():
    finals = ends("seeds/*", 15)
    assert shown([finals.min(), finals.max()]) == [64, 239]
    of_three = [np.median(finals[list(chosen)]) for chosen in combinations(range(15), 3)]
    assert shown([min(of_three), max(of_three)]) == [81, 224]
    assert shown(np.percentile(of_three, [10, 90])) == [98, 216]
    assert "from 64 to 239" in TEXT and "anywhere from 81 to\n224" in TEXT
    assert "below 98 or above 216" in TEXT


def test_the_two_settings_of_the_figure_do_not_overlap_at_the_end():
    finals = np.sort(ends("seeds/*", 15))
    assert finals[2] < finals[-3]
    assert {Config.load(path).model_copy(update={"seed": 0}) for path in LOGS.glob("seeds/*")} == {
        BASE.model_copy(update={"seed": 0})
    }


@pytest.mark.parametrize(
    ("value", "end", "largest"),
    [("0.0", [9, 138, 28], 3.1), ("0.01", [326, 177, 231], 0.03), ("0.1", [198, 161, 126], 0.21)],
)
def test_the_example_says_what_its_runs_show(value, end, largest):
    pattern = f"example/*target_kl{value}_*"
    assert shown(ends(pattern)) == end
    assert 0.93 * largest < max(run["kl"].max() for run in histories(pattern)) <= largest
    assert f"{end[0]}, {end[1]} and {end[2]}" in TEXT


def test_the_example_compares_what_overlaps_and_what_does_not():
    none, small, large = (ends(f"example/*target_kl{value}_*") for value in ("0.0", "0.01", "0.1"))
    assert none.max() < small.min()
    assert large.min() < none.max() and large.max() > small.min()
    assert shown(ends("example/*target_kl0.1_*", epoch=9)) == [29, 66, 80]
    assert shown(ends("example/*target_kl0.01_*", epoch=9)) == [72, 75, 74]
    assert "at 29, 66 and 80, those of 0.01 at 72, 75 and\n74" in TEXT


@pytest.mark.parametrize(
    ("gamma", "end", "median"),
    [("0.5", [208, 132, 126], 132), ("0.9", [161, 190, 109], 161), ("0.99", [98, 200, 217], 200)],
)
def test_the_model_answer_says_what_its_runs_show(gamma, end, median):
    found = ends(f"mine/*gamma{gamma}_*")
    assert (shown(found), shown([np.median(found)])) == (end, [median])
    assert f"{end[0]}, {end[1]} and {end[2]}" in TEXT


def test_the_model_answer_tells_of_the_lead_that_did_not_last():
    early, others = ends("mine/*gamma0.5_*", epoch=34), []
    for gamma in ("0.9", "0.99"):
        others += shown(ends(f"mine/*gamma{gamma}_*", epoch=34))
    assert shown(early) == [205, 219, 208] and max(others) == 180
    assert np.sum(ends("mine/*gamma0.5_*") < early) == 2 and "two of its seeds\nfell" in TEXT
    assert "The medians, 132, 161 and 200" in TEXT and "a difference of 68" in TEXT
    assert 200 - 132 == 68


@pytest.mark.parametrize("epoch", [19, 39])
def test_the_model_answer_s_bands_lie_over_one_another_half_way_and_at_the_end(epoch):
    ranges = [ends(f"mine/*gamma{gamma}_*", epoch=epoch) for gamma in ("0.5", "0.9", "0.99")]
    assert max(one.min() for one in ranges) < min(one.max() for one in ranges)
    assert "After 20,000 steps the bands lie over one another" in TEXT
    assert "all three ranges overlap" in TEXT


def test_the_runs_differ_in_what_their_text_says_and_in_nothing_else():
    twenty = Config(env="CartPole-v1", epochs=50, train_pi_iters=20)
    for folder, base, option in (("example", twenty, "target_kl"), ("mine", BASE, "gamma")):
        for path in LOGS.glob(f"{folder}/*"):
            same = {"seed": base.seed, option: getattr(base, option)}
            assert Config.load(path).model_copy(update=same) == base


def test_the_table_of_ends_names_what_overlaps(capsys):
    GIVEN["print_ends"](example(), "target_kl")
    said = capsys.readouterr().out
    assert "0.01            326    177    231         231   177 to 326" in said
    assert "0.0 and 0.01: every seed of 0.01 ended above every seed of 0.0" in said
    assert said.count("the ranges overlap; these seeds do not tell them apart") == 2
    assert "If target_kl did nothing, 0.3 such pairs would fall apart on average." in said


def test_the_figure_of_a_sweep_has_a_curve_for_each_value_and_a_dot_for_each_seed():
    GIVEN["draw_sweep"](example(), "target_kl", "kl")
    returns, kl, dots = GIVEN["plt"].gcf().axes
    assert len(returns.lines) == len(kl.lines) == 3 and kl.get_ylabel() == "KL of the update, nats"
    marks = [line for line in dots.lines if line.get_marker() == "o"]
    assert shown(marks[1].get_ydata()) == [326, 177, 231]
    assert [text.get_text() for text in dots.get_xticklabels()] == ["0.0", "0.01", "0.1"]


ROW = re.compile(r"^\| (\d) \|[^|`]*`(\w+) = ([^`]+)` \| ([^|]+) \| [^|]+ \| ([^|]+) \|$", re.M)


def ideas():
    """(number, option, values, config, columns) of each row of the table."""
    for number, name, values, where, look in ROW.findall(TEXT):
        options = dict(re.findall(r"`(\w+)=([^`]+)`", where))
        base = BASE.model_dump() if "`BASE`" in where else {}
        config = Config(**base | {key: ast.literal_eval(one) for key, one in options.items()})
        columns = re.findall(r"`(\w+)`", look)
        yield int(number), name, ast.literal_eval(f"({values},)"), config, columns


def test_there_are_nine_ideas_and_each_says_what_is_tricky():
    assert [number for number, *_ in ideas()] == list(range(1, 10))
    tricky = TEXT.partition("What makes each of them tricky")[2].partition("## 5")[0]
    assert re.findall(r"^(\d)\. ", tricky, re.MULTILINE) == [str(k) for k in range(1, 10)]


@pytest.mark.parametrize("idea", list(ideas()), ids=lambda idea: idea[1])
def test_every_idea_varies_an_option_that_exists_over_values_it_takes(idea):
    _, name, values, config, _ = idea
    assert len(values) >= 2
    for value in values:
        varied = Config(**config.model_dump() | {name: value})
        assert getattr(varied, name) == value


@pytest.mark.parametrize("idea", list(ideas()), ids=lambda idea: idea[1])
def test_every_column_to_look_at_is_in_a_history(idea):
    assert set(idea[4]) <= set(histories("example/*0.01_*")[0])


def test_options_named_in_the_text_exist():
    others = {"ent", "kl", "loss_v", "clip_fraction", "explained_variance"}
    parts = TEXT.partition("## 4 · Nine ideas")[2].partition("## 5")[0]
    parts += TEXT.partition("## When nothing comes out")[2]
    named = set(re.findall(r"`([a-z]+_[a-z_]+)[`=]", parts)) - others
    assert named - set(Config.model_fields) == {"run_experiment"}


def test_nothing_else_than_the_project_is_graded_and_its_rubric_is_in_plain_sight():
    question = cell_by_id(notebook(NAME), "project_question").source
    printed = question.partition("=== BEGIN MARK SCHEME ===")[0]
    for part in ("Question", "Prediction", "Method", "Figure", "Conclusion"):
        (row,) = re.findall(rf"^\| \*\*{part}\*\* \| (.+) \|$", printed, re.MULTILINE)
        assert len(row.split(" · ")) == 3
        assert f"### {part}" in cell_by_id(notebook(NAME), "project").source
