"""rlcore: policy gradients, small enough to read in an evening.

The public order follows the course: advantages first, then the runner that collects rollouts.
"""

from rlcore.advantages import discounted_returns, gae, td_residuals
from rlcore.runner import AsArray, EnvRunner

__all__ = ["AsArray", "EnvRunner", "discounted_returns", "gae", "td_residuals"]
