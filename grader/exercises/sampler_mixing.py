"""Whether the minibatches of `sampler` are a shuffle: over enough epochs chance leaves its mark."""

from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

# So many epochs, and the chance that two given rows meet in all of them is below 1e-6.
ENOUGH = 8
# In 24,000 shuffles the largest excess was 4.2 standard deviations; pairs that stay side by side,
# though minibatches of odd sizes part some of them, have more than 30.
TOO_OFTEN = 8.0


def mixed(rows: int, epochs: Sequence[Sequence[Sequence[int]]]) -> Mapping[str, float]:
    """Whether chance alone decides which rows meet in a minibatch, over all epochs.

    Only epochs in which no row comes twice, and none is missing, can tell; and one that was there
    before tells nothing new.

    Args:
        rows: the rows of the trajectory.
        epochs: of every epoch its minibatches, lists of row numbers.
    """
    whole = [one for one in epochs if sorted(chain(*one)) == list(range(rows))]
    deals = list({frozenset(map(frozenset, one)): one for one in whole}.values())
    met, place = np.zeros((rows, rows)), np.zeros((len(deals), rows))
    for d, epoch in enumerate(deals):
        for b, batch in enumerate(epoch):
            met[np.ix_(batch, batch)] += 1
            place[d, batch] = b / len(epoch)
    enough = len(deals) >= ENOUGH
    np.fill_diagonal(met, 0)
    drift = np.corrcoef(place.mean(axis=0), np.arange(rows))[0, 1] if enough else 0.0
    return {
        "some rows come together more often than by chance (1: yes, 0: no)": enough
        and ((met == len(deals)).any() or _excess(met, len(deals)) > TOO_OFTEN),
        "some rows never meet some others, nor whom those meet (1: yes, 0: no)": enough
        and _parts(met) > 1,
        "rows that are early in the trajectory come early (1: yes, 0: no)": abs(drift) > 0.7,
    }


def _excess(met: NDArray, epochs: int) -> float:
    """How much more often pairs of rows meet again than in shuffled epochs, in standard deviations.

    There, as many pairs as meet in both of two epochs are about a Poisson variable.
    """
    again, pairs = (met * (met - 1)).sum() / 4, met.size - len(met)
    by_chance = epochs * (epochs - 1) / 2 * (met.sum() / epochs) ** 2 / (2 * pairs)
    return (again - by_chance) / max(np.sqrt(by_chance), 1.0)


def _parts(met: NDArray) -> int:
    """Into how many parts the rows fall that do not meet, directly or through others."""
    reached, count = np.zeros(len(met), dtype=bool), 0
    while not reached.all():
        count += 1
        part = np.zeros(len(met), dtype=bool)
        part[reached.argmin()] = True
        while (grown := (met[part] > 0).any(axis=0) | part).sum() > part.sum():
            part = grown
        reached |= part
    return count
