"""The answer key: for every exercise a reference, known wrong answers, and other right ones.

A reference is the slow definition from the paper in float64, written on its own. Wrong answers are
written as a student would write them; they may call earlier exercises by name, as a student may.
"""

from grader.exercise import AnswerKey

from . import (
    categorical_entropy,
    categorical_log_prob,
    categorical_probs,
    categorical_score,
    exact_policy_gradient,
    gae,
    gae_transform,
    score_function_estimate,
    td_residuals,
)

KEYS: dict[str, AnswerKey] = {
    "categorical_probs": categorical_probs.KEY,
    "categorical_log_prob": categorical_log_prob.KEY,
    "categorical_score": categorical_score.KEY,
    "categorical_entropy": categorical_entropy.KEY,
    "exact_policy_gradient": exact_policy_gradient.KEY,
    "score_function_estimate": score_function_estimate.KEY,
    "td_residuals": td_residuals.KEY,
    "gae": gae.KEY,
    "gae_transform": gae_transform.KEY,
}
