"""Exercise of 03_vanilla_policy_gradient: one update, driven with stand-in losses."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, Normal

from grader.exercise import Case, Exercise, Group, Inputs, Observables, Refused
from grader.exercises.calling import laid_out
from grader.plain import plain

POLICY = Group("in the policy's steps", 1.5)
CRITIC = Group("in the critic's steps", 1.5)
STALE = Group("where gradients were left over from before the call", 0.5)
RETURNED = Group("in the numbers it returns", 1.0)
KEPT = Group("for float32 tensors, in a batch that must stay as it is", 0.5)

KEYS = ("loss_pi", "loss_v", "kl", "ent")
BATCH = ("observations", "actions", "log_probs", "psi", "returns")


def stand_in_policy_loss(log_probs: Tensor, psi: Tensor) -> Tensor:
    """A loss that no update can have by chance; as the real one, of the products alone."""
    products = log_probs * psi
    return (0.4 * products.tanh() - 0.7 * products).mean()


def stand_in_value_loss(values: Tensor, returns: Tensor) -> Tensor:
    """A loss that no update can have by chance; as the real one, of the differences alone."""
    squares = (values - returns).square()
    return (0.3 * squares + 0.4 * (1.0 + squares).sqrt()).mean()


class Actor(nn.Module):
    """A linear policy: logits of K actions, or means of A and a learned σ, between 1/e and e."""

    def __init__(self, weights: Tensor, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.weights = nn.Parameter(weights)
        if kind == "gaussian":
            self.spread = nn.Parameter(torch.full_like(weights[:, 0], -0.5))

    def forward(self, observations: Tensor) -> Distribution:
        """The distribution at (B, obs) of any float type, a batch of B actions."""
        outputs = observations.to(self.weights.dtype) @ self.weights.T
        if self.kind == "gaussian":
            return Independent(Normal(outputs, self.spread.tanh().exp()), 1)
        return Categorical(logits=outputs)


class Critic(nn.Module):
    """A linear value function with an offset."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights, self.offset = nn.Parameter(weights), nn.Parameter(torch.ones_like(weights[0]))

    def forward(self, observations: Tensor) -> Tensor:
        """V of every row, (B,)."""
        return observations.to(self.weights.dtype) @ self.weights + self.offset


class ActorCritic(nn.Module):
    """A policy and its value function, which share nothing."""

    def __init__(self, actor: Actor, critic: Critic) -> None:
        super().__init__()
        self.actor, self.critic = actor, critic


def vpg_update_cases(rng: np.random.Generator, n: int) -> Iterator[Case]:
    """Both kinds of policy, both kinds of optimizer, few steps and many, fresh and stale."""
    for _ in range(n):
        pi, v = int(rng.integers(2, 4)), int(rng.integers(5, 8))
        steps: dict[str, Any] = {"train_pi_iters": pi, "train_v_iters": v}
        kinds = ("categorical", "gaussian")
        for group, observe in ((POLICY, "policy"), (CRITIC, "critic")):
            for kind, optimizer in zip(kinds, ("SGD", "Adam"), strict=True):
                yield _case(group, rng, 7, kind, optimizer, observe=observe, **steps)
            # gradients so long that whoever cuts them to a usual length is seen
            large = {"scale": 40.0, **steps}
            yield _case(group, rng, 64, "categorical", "SGD", observe=observe, **large)
            few = (v, 1) if group is CRITIC else (1, v)
            one: dict[str, Any] = dict(zip(steps, few, strict=True))
            yield _case(group, rng, 7, "gaussian", "SGD", observe=observe, **one)
        for observe in ("policy", "critic"):
            yield _case(STALE, rng, 6, "gaussian", "SGD", observe=observe, stale=3.0, **steps)
        for kind in kinds:
            yield _case(RETURNED, rng, 7, kind, "SGD", observe="returned", drift=True, **steps)
        layout: dict[str, Any] = {"layout": "float32"}
        yield _case(KEPT, rng, 6, "gaussian", "SGD", observe="policy, critic", **layout, **steps)
        yield _case(KEPT, rng, 1, "categorical", "SGD", observe="policy, critic", **layout, **steps)


def _case(
    group: Group,
    rng: np.random.Generator,
    size: int,
    kind: str,
    optimizer: str,
    scale: float = 1.0,
    drift: bool = False,
    **rest: Any,
) -> Case:
    """A batch that the policy itself has collected, with Ψ of both signs, neither centred.

    With `drift` it was a slightly different policy, so that its log-probabilities are needed.
    """
    inputs = {
        "observations": rng.normal(size=(size, 3)).round(2),
        "psi": (scale * rng.normal(1.0, 2.0, size)).round(2),
        "returns": (scale * rng.normal(4.0, 2.0, size)).round(2),
        "scale": scale,
        "drift": (rng.uniform(0.2, 0.6, size) if drift else np.zeros(size)).round(2),
        "actor": rng.normal(0.0, 0.5, (4 if kind == "categorical" else 2, 3)).round(2),
        "critic": rng.normal(size=3).round(2),
        "kind": kind,
        "optimizer": optimizer,
    }
    taken = rng.integers(4, size=size)
    if kind == "gaussian":
        outputs = inputs["observations"] @ inputs["actor"].T
        taken = (outputs + rng.normal(0.0, 0.6, outputs.shape)).round(2)
    inputs["psi"][: size // 2] *= -np.sign(inputs["psi"][: size // 2])
    return Case(group.name, {**inputs, "actions": taken, **rest})


Measure = Callable[[], float]


class Path:
    """What an update does: steps of each optimizer, and what it could have measured on its way."""

    def __init__(self, measures: dict[str, Measure]) -> None:
        self.steps = {"policy": 0, "critic": 0}
        self.measures, self.values = measures, {name: [] for name in measures}
        self.look()

    def watch(self, optimizer: torch.optim.Optimizer, name: str) -> torch.optim.Optimizer:
        """The optimizer, every step of which is counted and looked at."""
        optimizer.register_step_post_hook(lambda *_: self._stepped(name))
        return optimizer

    def _stepped(self, name: str) -> None:
        self.steps[name] += 1
        self.look()

    def look(self) -> None:
        """Measure everything."""
        with torch.no_grad():
            for name, measure in self.measures.items():
                self.values[name].append(float(measure()))

    def distance(self, name: str, reported: float) -> float:
        """How far a reported number is from the nearest one of the path; 0 within rounding."""
        values = np.array(self.values[name])
        nearest = values[np.abs(values - reported).argmin()]
        close = abs(reported - nearest) <= 1e-5 + 1e-4 * abs(nearest)
        return 0.0 if close else float(reported - nearest)


def drive_vpg_update(answer: Any, inputs: Inputs) -> Observables:
    """How many steps of what were made, where they led, and whether the report is true."""
    if not callable(answer):
        raise Refused("pass the function itself, not what it returns")
    model, batch, path, optimizers = _scene(inputs)
    before = {key: tensor.clone() for key, tensor in batch.items()}
    given = dict(batch)
    knobs = {knob: inputs[knob] for knob in ("train_pi_iters", "train_v_iters")}
    report = answer(model, given, *optimizers, **knobs)
    if "layout" in inputs:
        _check_kept(given, before)
    found: Observables = {}
    for part, net in (("policy", model.actor), ("critic", model.critic)):
        if path.measures:  # a report on an update that was none is not true
            name = f"the {part}'s optimizer made a step (1: yes, 0: no)"
            found[name] = np.array(float(path.steps[part] > 0))
        if part in inputs["observe"]:
            found[f"number of steps of the {part}'s optimizer"] = np.array(float(path.steps[part]))
            found |= {
                f"{name} of the {part} afterwards": _finite(plain(weights, name))
                for name, weights in net.named_parameters()
            }
    if path.measures:
        found |= _true_report(report, path)
    return found


def _finite(numbers: np.ndarray) -> np.ndarray:
    """The numbers; what is none as a number that no weight has, since data hold no NaN."""
    return np.asarray(np.nan_to_num(numbers, nan=1e30, posinf=1e30, neginf=-1e30))


def _scene(
    inputs: Inputs,
) -> tuple[ActorCritic, dict[str, Tensor], Path, list[torch.optim.Optimizer]]:
    layout = inputs.get("layout")
    data = {
        name: torch.from_numpy(laid_out(inputs[name], layout))
        for name in (*BATCH, "actor", "critic")
        if name in inputs
    }
    actor = Actor(data.pop("actor").clone(), inputs["kind"])
    model = ActorCritic(actor, Critic(data.pop("critic").clone()))
    for parameter in model.parameters():
        if "stale" in inputs:
            parameter.grad = torch.full_like(parameter, inputs["stale"])
    with torch.no_grad():
        log_probs = model.actor(data["observations"]).log_prob(data["actions"])
        data["log_probs"] = log_probs + torch.from_numpy(inputs["drift"]).to(log_probs.dtype)
    own = {key: tensor.clone() for key, tensor in data.items()}
    path = Path(_measures(model, own) if inputs.get("observe") == "returned" else {})
    make = getattr(torch.optim, inputs["optimizer"])
    rate = 0.2 if inputs["kind"] == "categorical" else 0.02  # wrong steps must not diverge either
    rate /= inputs["scale"]
    optimizers = [
        path.watch(make(net.parameters(), lr=lr), name)
        for net, lr, name in ((model.actor, rate, "policy"), (model.critic, 0.03, "critic"))
    ]
    return model, data, path, optimizers


def _measures(model: ActorCritic, batch: dict[str, Tensor]) -> dict[str, Measure]:
    def distribution() -> Any:
        return model.actor(batch["observations"])

    def log_probs() -> Tensor:
        return distribution().log_prob(batch["actions"])

    return {
        "loss_pi": lambda: stand_in_policy_loss(log_probs(), batch["psi"]).item(),
        "loss_v": lambda: stand_in_value_loss(
            model.critic(batch["observations"]), batch["returns"]
        ).item(),
        "kl": lambda: (batch["log_probs"] - log_probs()).mean().item(),
        "ent": lambda: distribution().entropy().mean().item(),
    }


def _check_kept(batch: dict[str, Tensor], before: dict[str, Tensor]) -> None:
    if batch.keys() != before.keys():
        raise Refused(f"it leaves other keys in the batch: {', '.join(batch)}")
    for key, tensor in before.items():
        if not torch.equal(batch[key], tensor):
            raise Refused(f"it changes batch[{key!r}]; work on a new tensor")


def _true_report(report: Any, path: Path) -> Observables:
    if type(report) not in (dict, OrderedDict, defaultdict):
        raise Refused(f"it returns {type(report).__name__}; return a dict of floats")
    found = {}
    for key in KEYS:
        if key not in report:
            raise Refused(f"the dict it returns has no {key!r}")
        number = plain(report[key], f"the returned {key}")
        if number.shape != ():
            raise Refused(f"the returned {key} has shape {number.shape}; return one number")
        name = f"{key} returned, less the nearest value it had during the update"
        found[name] = np.array(path.distance(key, float(number)))
    return found


VPG_UPDATE = Exercise(
    "vpg_update",
    "03_vanilla_policy_gradient",
    5.0,
    "Spinning Up, vanilla policy gradient: its policy and critic updates, several steps of each",
    (POLICY, CRITIC, STALE, RETURNED, KEPT),
    vpg_update_cases,
    drive_vpg_update,
    replaces={
        "policy_gradient_loss": stand_in_policy_loss,
        "value_loss": stand_in_value_loss,
    },
    axes=("i", "j"),
)
