"""rlcore: policy gradients, small enough to read in an evening.

The public order follows the course: advantages first, then what collects rollouts, learns from
them and shows what was learned. `rlcore.losses` holds the losses, `rlcore.train` trains.
"""

from rlcore.advantages import discounted_returns, gae, td_residuals
from rlcore.algorithms import PPO, VPG, diagnostics, load_losses
from rlcore.buffer import GAE, AsArray, NormalizeAdvantages, PyTorchify, RolloutBuffer
from rlcore.checkpoint import load_checkpoint, save_checkpoint
from rlcore.config import Config
from rlcore.envs import make_env
from rlcore.evaluate import Agent, evaluate, load_agent, record
from rlcore.models import ActorCritic, CategoricalActor, Critic, GaussianActor, make_model, mlp
from rlcore.normalizer import Normalizer
from rlcore.plotting import plot_runs
from rlcore.runner import EnvRunner
