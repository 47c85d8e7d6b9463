"""The exercises of the course, in its order: cases and drivers, no answers."""

from difflib import get_close_matches

from grader.exercise import Exercise, Performance
from grader.exercises.advantages import GAE as GAE_EXERCISE
from grader.exercises.advantages import GAE_TRANSFORM, TD_RESIDUALS
from grader.exercises.ppo_losses import APPROX_KL, CLIP_FRACTION, CLIPPED_VALUE_LOSS, PPO_CLIP_LOSS

EXERCISES: tuple[Exercise | Performance, ...] = (
    TD_RESIDUALS,
    GAE_EXERCISE,
    GAE_TRANSFORM,
    PPO_CLIP_LOSS,
    APPROX_KL,
    CLIP_FRACTION,
    CLIPPED_VALUE_LOSS,
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
