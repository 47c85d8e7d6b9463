"""The answer key: for every exercise a reference, known wrong answers, and other right ones.

A reference is the slow definition from the paper in float64, written on its own. Wrong answers are
written as a student would write them; they may call earlier exercises by name, as a student may.
"""

from grader.exercise import AnswerKey

from . import (
    approx_kl,
    cartpole_agent,
    categorical_entropy,
    categorical_log_prob,
    categorical_probs,
    categorical_score,
    clip_fraction,
    clipped_value_loss,
    discounted_returns,
    exact_policy_gradient,
    gae,
    gae_transform,
    gaussian_entropy,
    gaussian_log_prob,
    gaussian_score_log_std,
    gaussian_score_mean,
    lunarlander_agent,
    policy_gradient_loss,
    ppo_clip_loss,
    psi_variants,
    returns_vs_gae_study,
    score_function_estimate,
    td_residuals,
    value_loss,
    vector_collection,
    vpg_update,
)

KEYS: dict[str, AnswerKey] = {
    "categorical_probs": categorical_probs.KEY,
    "categorical_log_prob": categorical_log_prob.KEY,
    "categorical_score": categorical_score.KEY,
    "categorical_entropy": categorical_entropy.KEY,
    "exact_policy_gradient": exact_policy_gradient.KEY,
    "score_function_estimate": score_function_estimate.KEY,
    "gaussian_log_prob": gaussian_log_prob.KEY,
    "gaussian_score_mean": gaussian_score_mean.KEY,
    "gaussian_score_log_std": gaussian_score_log_std.KEY,
    "gaussian_entropy": gaussian_entropy.KEY,
    "discounted_returns": discounted_returns.KEY,
    "policy_gradient_loss": policy_gradient_loss.KEY,
    "value_loss": value_loss.KEY,
    "vpg_update": vpg_update.KEY,
    "cartpole_agent": cartpole_agent.KEY,
    "td_residuals": td_residuals.KEY,
    "gae": gae.KEY,
    "gae_transform": gae_transform.KEY,
    "psi_variants": psi_variants.KEY,
    "returns_vs_gae_study": returns_vs_gae_study.KEY,
    "ppo_clip_loss": ppo_clip_loss.KEY,
    "approx_kl": approx_kl.KEY,
    "clip_fraction": clip_fraction.KEY,
    "clipped_value_loss": clipped_value_loss.KEY,
    "lunarlander_agent": lunarlander_agent.KEY,
    "vector_collection": vector_collection.KEY,
}
