"""The answer key: for every exercise a reference, known wrong answers, and other right ones.

A reference is the slow definition from the paper in float64, written on its own. Wrong answers are
written as a student would write them; they may call earlier exercises by name, as a student may.
"""

from grader.exercise import AnswerKey

from . import (
    gae,
    gae_transform,
    gaussian_entropy,
    gaussian_log_prob,
    gaussian_score_log_std,
    gaussian_score_mean,
    td_residuals,
)

KEYS: dict[str, AnswerKey] = {
    "gaussian_log_prob": gaussian_log_prob.KEY,
    "gaussian_score_mean": gaussian_score_mean.KEY,
    "gaussian_score_log_std": gaussian_score_log_std.KEY,
    "gaussian_entropy": gaussian_entropy.KEY,
    "td_residuals": td_residuals.KEY,
    "gae": gae.KEY,
    "gae_transform": gae_transform.KEY,
}
