"""Laying out what was handed in, and over it what was given out."""

import pytest

from grader.grading import lay_out


@pytest.fixture
def places(tmp_path):
    names = ("handed-in", "given-out", "place")
    return tuple(tmp_path / name for name in names)


def both(places):
    handed_in, given_out, place = places
    lay_out(handed_in, place)
    lay_out(given_out, place)
    return place


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_folder_with_the_name_of_a_file_that_was_given_out_gives_way(places):
    write(places[0] / "n.json" / "inner" / "x.txt", "the student's")
    write(places[1] / "n.json", "{}")
    assert (both(places) / "n.json").read_text() == "{}"


def test_a_file_with_the_name_of_a_folder_that_was_given_out_gives_way(places):
    write(places[0] / "data", "the student's")
    write(places[1] / "data" / "log.csv", "t,return")
    assert (both(places) / "data" / "log.csv").read_text() == "t,return"


def test_a_folder_with_the_name_of_a_notebook_is_a_folder_like_others(places):
    write(places[0] / "n.ipynb" / "x.txt", "the student's")
    write(places[1] / "n.json", "{}")
    assert (both(places) / "n.ipynb" / "x.txt").read_text() == "the student's"
