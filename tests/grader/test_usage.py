"""CPU time of processes that come and go, and memory of those that share it."""

from types import SimpleNamespace

import psutil
import pytest

from grader import usage
from grader.usage import MUCH, Group, Memory, Tally

PARENT, CHILD, GRANDCHILD = (1, 0.0), (2, 0.0), (3, 0.0)


def test_a_group_holds_nobody_of_number_0(tmp_path):
    (tmp_path / "cgroup.procs").write_text("12\n0\n7\n")
    assert Group(tmp_path).pids() == {7, 12}  # to kill 0 is to kill the grader


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


class Fake:
    """A process of two kinds of bytes; counts how often the dear one is asked for."""

    def __init__(self, rss, pss):
        self.rss, self.pss, self.asked = rss, pss, 0

    def memory_info(self):
        return SimpleNamespace(rss=self.rss)

    def memory_full_info(self):
        self.asked += 1
        return SimpleNamespace(rss=self.rss, pss=self.pss)


class Vanished:
    def memory_info(self):
        raise psutil.NoSuchProcess(7)

    memory_full_info = memory_info


@pytest.fixture
def now(monkeypatch):
    """A clock that stands at `now[0]`."""
    now = [100.0]
    monkeypatch.setattr(usage, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_shared_memory_counts_once_and_is_not_asked_for_where_even_twice_is_little(now):
    memory, process = Memory(), Fake(60, 30)
    assert not memory.exceeds(100, [process, Vanished()]) and process.asked == 0
    assert not memory.exceeds(100, [process, process, Vanished()]) and process.asked == 2
    assert Memory().exceeds(50, [process, process, Vanished()])


@pytest.mark.parametrize("neighbours", [0, 1, 7, 100])
def test_a_zygote_s_memory_counts_in_full_however_many_sandboxes_share_it(now, neighbours):
    zygote, own, inside = 6000, 500, 3
    each = zygote // (inside + 1 + neighbours)
    first, *others = [Fake(zygote, each), *(Fake(zygote + own, each + own) for _ in range(2))]
    total = zygote + 2 * own
    assert not Memory().exceeds(total + 20, [first, *others], first)
    assert Memory().exceeds(total - 20, [first, *others], first)


def test_shared_memory_is_counted_again_after_a_second_and_as_soon_as_much_has_come(now):
    memory, one, other = Memory(), Fake(MUCH, MUCH // 2), Fake(MUCH, MUCH // 2)
    most = MUCH + 1
    assert not memory.exceeds(most, [one, other])
    one.pss = MUCH  # it has copied what both had, which its resident bytes do not show
    now[0] += 0.9
    assert not memory.exceeds(most, [one, other]) and one.asked == 1
    now[0] += 0.2
    assert memory.exceeds(most, [one, other]) and one.asked == 2
    other.rss += MUCH
    assert memory.exceeds(most, [one, other]) and one.asked == 3
