"""The exercises of the course, in its order: cases and drivers, no answers."""

from difflib import get_close_matches

from grader.exercise import Exercise, Performance
from grader.exercises.actor_critic import ACTOR_CRITIC
from grader.exercises.advantages import GAE as GAE_EXERCISE
from grader.exercises.advantages import GAE_TRANSFORM, TD_RESIDUALS
from grader.exercises.agents import CARTPOLE_AGENT, HALFCHEETAH_AGENT, LUNARLANDER_AGENT
from grader.exercises.categorical import (
    CATEGORICAL_ENTROPY,
    CATEGORICAL_LOG_PROB,
    CATEGORICAL_PROBS,
    CATEGORICAL_SCORE,
    EXACT_POLICY_GRADIENT,
    SCORE_FUNCTION_ESTIMATE,
)
from grader.exercises.gaussian import (
    GAUSSIAN_ENTROPY,
    GAUSSIAN_LOG_PROB,
    GAUSSIAN_SCORE_LOG_STD,
    GAUSSIAN_SCORE_MEAN,
)
from grader.exercises.policy import POLICY
from grader.exercises.ppo import PPO
from grader.exercises.ppo_losses import APPROX_KL, CLIP_FRACTION, CLIPPED_VALUE_LOSS, PPO_CLIP_LOSS
from grader.exercises.psi import PSI_VARIANTS
from grader.exercises.sampler import SAMPLER
from grader.exercises.studies import RETURNS_VS_GAE_STUDY
from grader.exercises.vector_collection import VECTOR_COLLECTION
from grader.exercises.vpg import DISCOUNTED_RETURNS, POLICY_GRADIENT_LOSS, VALUE_LOSS
from grader.exercises.vpg_update import VPG_UPDATE

EXERCISES: tuple[Exercise | Performance, ...] = (
    CATEGORICAL_PROBS,
    CATEGORICAL_LOG_PROB,
    CATEGORICAL_SCORE,
    CATEGORICAL_ENTROPY,
    EXACT_POLICY_GRADIENT,
    SCORE_FUNCTION_ESTIMATE,
    GAUSSIAN_LOG_PROB,
    GAUSSIAN_SCORE_MEAN,
    GAUSSIAN_SCORE_LOG_STD,
    GAUSSIAN_ENTROPY,
    DISCOUNTED_RETURNS,
    POLICY_GRADIENT_LOSS,
    VALUE_LOSS,
    VPG_UPDATE,
    CARTPOLE_AGENT,
    TD_RESIDUALS,
    GAE_EXERCISE,
    GAE_TRANSFORM,
    PSI_VARIANTS,
    RETURNS_VS_GAE_STUDY,
    PPO_CLIP_LOSS,
    APPROX_KL,
    CLIP_FRACTION,
    CLIPPED_VALUE_LOSS,
    ACTOR_CRITIC,
    POLICY,
    SAMPLER,
    PPO,
    HALFCHEETAH_AGENT,
    LUNARLANDER_AGENT,
    VECTOR_COLLECTION,
)


def find_exercise(name: str) -> Exercise | Performance:
    """The exercise of that name.

    Raises:
        LookupError: there is none; the sentence offers the nearest.
    """
    names = [exercise.name for exercise in EXERCISES]
    if name in names:
        return EXERCISES[names.index(name)]
    near = get_close_matches(str(name), names, n=1)
    raise LookupError(
        f"there is no exercise {name!r}; "
        + (f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}.")
    )
