"""The answer key: for every exercise a reference, known wrong answers, and other right ones.

A reference is the slow definition from the paper in float64, written on its own. Wrong answers are
written as a student would write them; they may call earlier exercises by name, as a student may.
"""

from grader.exercise import AnswerKey

from . import (
    cartpole_agent,
    discounted_returns,
    gae,
    gae_transform,
    policy_gradient_loss,
    psi_variants,
    returns_vs_gae_study,
    td_residuals,
    value_loss,
    vpg_update,
)

KEYS: dict[str, AnswerKey] = {
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
}
