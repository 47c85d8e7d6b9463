"""Ratios and values in chosen places around PPO's band, for the exercises of 05 and 06."""

import numpy as np
from numpy.typing import NDArray


def a_band(rng: np.random.Generator) -> float:
    """An ε."""
    return round(rng.uniform(0.12, 0.35), 2)


def ratios_in(rng: np.random.Generator, band: float, zones: str) -> NDArray:
    """One ratio for each letter: b(elow the band), i(nside), a(bove), f(ar above it).

    None is close to the band's edges.
    """
    bounds = {
        "b": (0.35, 1.0 - band - 0.05),
        "i": (1.0 - band + 0.02, 1.0 + band - 0.02),
        "a": (1.0 + band + 0.05, 2.2),
        "f": (4.0, 6.0),
    }
    return np.array([rng.uniform(*bounds[zone]) for zone in zones])


def ratios_by_share(rng: np.random.Generator, sizes: tuple[int, ...]) -> tuple[float, NDArray]:
    """An ε, and so many ratios in each of seven zones, which tell its band from others.

    The zones' edges are 0.3, 1 − ε, exp(−ε), 1 / (1 + ε), 1 + ε, exp(ε), 1 / (1 − ε) and 2.2.
    """
    band = round(rng.uniform(0.27, 0.35), 2)
    points = [0.3, 1 - band, np.exp(-band), 1 / (1 + band), 1 + band, np.exp(band), 1 / (1 - band)]
    zones = zip(points, [*points[1:], 2.2], sizes, strict=True)
    found = [rng.uniform(low + 0.005, high - 0.005, size) for low, high, size in zones]
    return band, rng.permutation(np.concatenate(found))


def advantages_of(rng: np.random.Generator, count: int, signs: str) -> NDArray:
    """Advantages of one sign ("+", "-") or of both ("±"), not normalised, never near 0."""
    sizes = rng.uniform(0.3, 2.5, count).round(2)
    if signs == "±":
        return np.where(np.arange(count) % 3 == 0, -1.0, 1.0) * sizes
    return sizes if signs == "+" else -sizes


def moved_values(rng: np.random.Generator, moves: str) -> dict[str, NDArray | float]:
    """An ε, and for each letter a value, its old one and its target.

    The letters: n(ear its old one), and by more than ε t(owards the target), a(way), p(ast it).
    """
    band, count = round(rng.uniform(0.15, 0.4), 2), len(moves)
    old = (rng.choice([-1.0, 1.0], count) * rng.uniform(0.8, 3.0, count)).round(2)
    side = rng.choice([-1.0, 1.0], count)  # of the target, seen from the old value
    distance = rng.uniform(1.5, 2.5, count).round(2)
    bounds = {
        "n": (-band + 0.03, band - 0.03),
        "t": (band + 0.05, 1.4),
        "a": (-1.5, -band - 0.05),
        "p": (5.2, 6.5),
    }
    steps = np.array([rng.uniform(*bounds[move]) for move in moves]).round(2)
    values, targets = (old + side * steps).round(2), (old + side * distance).round(2)
    arrays = {"values": values, "old_values": old, "value_targets": targets}
    return {**arrays, "clip_range": band}
