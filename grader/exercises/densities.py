"""What is not random about Gaussian draws: the law of their log-densities, and their moments."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def log_density(actions: Array, mean: Array, variance: Array) -> Array:
    """Log of the density of every row under independent normals, (B,).

        log p(a) = Σ_i [ −½ (a_i − μ_i)² / σ_i² − ½ log(2π σ_i²) ]

    Args:
        actions: (B, A).
        mean: (B, A).
        variance: (A,), σ².
    """
    return (-0.5 * (actions - mean) ** 2 / variance - 0.5 * np.log(2 * np.pi * variance)).sum(-1)


def close(found: Array, right: Array) -> bool:
    """Whether log-densities agree, far from the mean in float32, or with 1e-6 added to σ²."""
    return bool(np.all(np.abs(found - right) <= 5e-3 + 1e-3 * np.abs(right)))


def law(found: Array, actions: Array, mean: Array, variance: Array) -> tuple[float, Array, float]:
    """How log-probabilities follow the distance of the actions from the mean, by least squares.

        found_b = c − ½ Σ_i w_i (a_bi − μ_bi)²

    Returns:
        1.0 and w (A,) and c, exactly what the normal law has where it holds; 0.0 and zeros where no
        such w and c describe all rows.
    """
    nothing = 0.0, np.zeros(len(variance)), 0.0
    if found.shape != actions.shape[:1] or actions.shape != mean.shape:
        return nothing
    if not (np.isfinite(found).all() and np.isfinite(actions).all()):
        return nothing
    if close(found, log_density(actions, mean, variance)):
        return 1.0, 1.0 / variance, float(log_density(mean, mean, variance)[0])
    squares = (actions - mean) ** 2
    center, scale = squares.mean(0), squares.std(0)
    if not np.all(scale > 1e-3 * center):
        return nothing
    features = np.column_stack([np.ones(len(found)), (squares - center) / scale])
    coefficients, _, _, singular = np.linalg.lstsq(features, found)
    residual = np.abs(features @ coefficients - found).max()
    if singular[-1] < 0.05 * singular[0] or not residual < 1e-2:
        return nothing
    slopes = coefficients[1:] / scale
    return 1.0, -2.0 * slopes, float(coefficients[0] - slopes @ center)


# Wider than chance: 4096 normal draws cross one of these with probability 1e-10 at most.
WIDTH, DISTANCE, ALIKE = 0.075, 0.025, 0.12
# And 24 draws one of these.
OFF, NARROW, WIDE = 1.4, 0.2, 2.3


def spread(actions: Array, mean: Array, variance: Array) -> tuple[Array, Array, Array]:
    """Where draws lie, how wide and how much alike, each rounded until no chance is left in it.

    Args:
        actions: (B, A), B in the thousands, A > 1.
        mean: (B, A).
        variance: (A,), far from 1.

    Returns:
        The average noise (A,) in units of σ, to quarters. The power of σ² that the standard
        deviation is (A,), to quarters: ½ for a normal law. The correlation of every pair of
        dimensions, to halves, but 0 only close to it. Zeros where all rows have the same noise.
    """
    first, second = np.triu_indices(len(variance), 1)
    noise = (actions - mean) / np.sqrt(variance)
    if noise.std(0).min() < 1e-6:
        return np.zeros(len(variance)), np.zeros(len(variance)), np.zeros(len(first))
    power = 0.5 + np.log(noise.std(0)) / np.log(variance)
    found = np.asarray(np.corrcoef(noise.T))[first, second]
    halves = np.sign(found) * np.maximum(np.round(2 * np.abs(found)) / 2, 0.5)
    alike = np.where(np.abs(found) < ALIKE, 0.0, halves)
    where = np.round(4 * noise.mean(0)) / 4 + 0.0  # no number is to be shown as -0.0
    return where, np.round(4 * power) / 4 + 0.0, alike


def bell(actions: Array, mean: Array, variance: Array) -> tuple[Array, Array]:
    """Whether thousands of draws are as wide as their law, and of a bell's shape, (A,) each.

    For a normal law E|z| is √(2/π) standard deviations (Geary 1935); for a uniform one it is 0.87.
    """
    noise = (actions - mean) / np.sqrt(variance)
    width = noise.std(0)
    distance = np.abs(noise - noise.mean(0)).mean(0)
    wide = np.abs(width - 1.0) <= WIDTH
    shaped = np.abs(distance - np.sqrt(2.0 / np.pi) * width) <= DISTANCE * width
    return wide.astype(float), (shaped & (width > 1e-6)).astype(float)


def roughly(actions: Array, mean: Array, variance: Array) -> tuple[Array, Array]:
    """Whether two dozen draws lie about their mean, and are about as wide, (A,) each."""
    noise = (actions - mean) / np.sqrt(variance)
    width = noise.std(0)
    around = np.abs(noise.mean(0)) <= OFF
    wide = (width >= NARROW) & (width <= WIDE)
    return around.astype(float), wide.astype(float)
