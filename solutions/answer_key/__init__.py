"""The answer key: for every exercise a reference, known wrong answers, and other right ones.

A reference is the slow definition from the paper in float64, written on its own. Wrong answers are
written as a student would write them; they may call earlier exercises by name, as a student may.
"""

from grader.exercise import AnswerKey

from . import gae, gae_transform, psi_variants, returns_vs_gae_study, td_residuals

KEYS: dict[str, AnswerKey] = {
    "td_residuals": td_residuals.KEY,
    "gae": gae.KEY,
    "gae_transform": gae_transform.KEY,
    "psi_variants": psi_variants.KEY,
    "returns_vs_gae_study": returns_vs_gae_study.KEY,
}
