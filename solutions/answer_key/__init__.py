"""The answer key: for every exercise a reference, known wrong answers, and other right ones.

A reference is the slow definition from the paper in float64, written on its own. Wrong answers are
written as a student would write them; they may call earlier exercises by name, as a student may.
"""

from grader.exercise import AnswerKey

from . import (
    approx_kl,
    clip_fraction,
    clipped_value_loss,
    gae,
    gae_transform,
    ppo_clip_loss,
    td_residuals,
)

KEYS: dict[str, AnswerKey] = {
    "td_residuals": td_residuals.KEY,
    "gae": gae.KEY,
    "gae_transform": gae_transform.KEY,
    "ppo_clip_loss": ppo_clip_loss.KEY,
    "approx_kl": approx_kl.KEY,
    "clip_fraction": clip_fraction.KEY,
    "clipped_value_loss": clipped_value_loss.KEY,
}
