"""What a run consists of: one frozen record, checked when it is made, saved beside its results."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, FiniteFloat, model_validator

from rlcore.envs import default_env_id

Count = Annotated[int, Field(ge=1)]
Unit = Annotated[float, Field(ge=0, le=1)]
Size = Annotated[FiniteFloat, Field(ge=0)]


def _option(default: Any, text: str) -> Any:
    return Field(default, description=text)


class Config(BaseModel, frozen=True, extra="forbid", validate_default=True):
    """A training run; immutable.

    `algorithm="vpg"` is the homework's loop (full batch; `loss_mode` chooses the policy's loss):
    one hidden layer of 200 ReLU units, a last layer of zeros, log σ = −0.5. `"ppo"` takes
    minibatches, other defaults (`PPO_DEFAULTS`), tanh units, orthogonal weights, log σ = 0.

    Raises:
        ValueError: an unknown option, or one of another kind or outside its range; names it.
    """

    env: str = _option(default_env_id(), "id of the environment")
    algorithm: Literal["vpg", "ppo"] = _option("vpg", "full batch, or minibatches")
    epochs: Count = _option(100, "rollouts, each followed by an update")
    steps_per_epoch: Count = _option(1000, "steps of a rollout, all environments together")
    max_ep_len: Count = _option(1000, "longer episodes are truncated")
    num_envs: Count = _option(1, "environments side by side")
    gamma: Unit = _option(0.99, "discount γ")
    gae_lambda: Unit = _option(0.97, "λ of GAE")
    seed: Annotated[int, Field(ge=0)] = _option(42, "of weights, actions and environments")
    train_pi_iters: Count = _option(4, "vpg: policy steps an epoch")
    train_v_iters: Count = _option(40, "vpg: critic steps an epoch")
    pi_lr: Size = _option(1e-3, "learning rate of the policy; ppo: of everything")
    v_lr: Size = _option(3e-4, "vpg: learning rate of the critic")
    psi_mode: Literal["gae", "future_return"] = _option("gae", "what reinforces an action")
    loss_mode: Literal["vpg", "ppo"] = _option("vpg", "the policy's loss, plain or clipped")
    clip_range: Size = _option(0.1, "ε of the clipped losses")
    num_epochs: Count = _option(10, "ppo: passes through a rollout")
    num_minibatches: Count = _option(32, "ppo: parts of each pass")
    value_coef: Size = _option(0.25, "ppo: weight of the critic's loss")
    entropy_coef: Size = _option(0.0, "weight of the entropy bonus")
    max_grad_norm: Size = _option(0.5, "ppo: longer gradients are cut to this length")
    target_kl: Size = _option(0.0, "an update ends where KL exceeds 1.5 times that; 0: never")
    normalize: bool = _option(False, "scale observations and rewards by running statistics")
    lr_decay: bool = _option(False, "let the learning rates fall to 0 on a line")
    hidden_sizes: tuple[Count, ...] = _option((200,), "units of each hidden layer")
    shared_trunk: bool = _option(False, "ppo: actor and critic share their hidden layers")
    checkpoint_every: Count = _option(10, "epochs between checkpoints; each cuts all episodes")
    device: str = _option("cpu", "where the networks are trained: cpu or cuda")

    @model_validator(mode="before")
    @classmethod
    def _usual(cls, given: dict[str, Any]) -> dict[str, Any]:
        return (PPO_DEFAULTS if given.get("algorithm") == "ppo" else {}) | given

    @model_validator(mode="after")
    def _fits(self) -> "Config":
        if self.steps_per_epoch % self.num_envs:
            raise ValueError("steps_per_epoch must be a multiple of num_envs")
        if self.algorithm == "ppo" and self.num_minibatches > self.steps_per_epoch:
            raise ValueError("num_minibatches must not exceed steps_per_epoch")
        if self.algorithm == "vpg" and self.shared_trunk:
            raise ValueError("vpg trains actor and critic apart; use ppo to share a trunk")
        return self

    @property
    def num_steps(self) -> int:
        """Steps of a rollout in each environment."""
        return self.steps_per_epoch // self.num_envs

    @classmethod
    def load(cls, folder: str | Path) -> "Config":
        """The config of a run's folder.

        Raises:
            FileNotFoundError: it holds no config.json. ValueError: that is no config.
        """
        path = Path(folder) / "config.json"
        if not path.is_file():
            raise FileNotFoundError(f"{folder} is no run's folder: it holds no config.json.")
        return cls.model_validate_json(path.read_bytes())


PPO_DEFAULTS = dict(
    steps_per_epoch=2048,
    gae_lambda=0.95,
    pi_lr=3e-4,
    loss_mode="ppo",
    clip_range=0.2,
    hidden_sizes=(64, 64),
)
