"""CPU time of processes that come and go."""

from grader.usage import Tally

PARENT, CHILD, GRANDCHILD = (1, 0.0), (2, 0.0), (3, 0.0)


def test_a_child_that_was_waited_for_counts_once():
    tally = Tally()
    assert tally.look({PARENT: (1.0, 0.0), CHILD: (5.0, 0.0)}) == 6.0
    assert tally.look({PARENT: (1.0, 5.0)}) == 6.0
    assert tally.look({PARENT: (2.0, 5.0)}) == 7.0


def test_a_child_that_nobody_waited_for_counts_as_it_was_last_seen():
    tally = Tally()
    tally.look({PARENT: (1.0, 0.0), CHILD: (5.0, 0.0)})
    assert tally.look({PARENT: (1.5, 0.0)}) == 6.5
    assert tally.look({PARENT: (2.0, 0.0), (2, 7.0): (3.0, 0.0)}) == 10.0  # its number, used again


def test_a_child_that_is_seen_once_more_after_its_parent_has_its_time_counts_once():
    tally = Tally()
    tally.look({PARENT: (1.0, 0.0), CHILD: (5.0, 0.0)})
    tally.look({PARENT: (1.0, 5.0), CHILD: (5.0, 0.0)})
    assert tally.look({PARENT: (7.0, 5.0)}) == 12.0


def test_time_goes_up_through_generations():
    tally = Tally()
    tally.look({PARENT: (1.0, 0.0), CHILD: (2.0, 0.0), GRANDCHILD: (4.0, 0.0)})
    assert tally.look({PARENT: (1.0, 0.0), CHILD: (2.0, 4.0)}) == 7.0
    assert tally.look({PARENT: (1.0, 6.0)}) == 7.0
