"""How `ppo` is driven: its four methods are asked one by one, and step for what it writes."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grader.exercise import Inputs, Observables, Refused
from grader.exercises.ppo_parts import WEIGHTS, Scene, stand_in_losses
from grader.plain import plain

OF_POLICY = ("entropy", "policy_loss_clipped_fraction", "max_ratio")
OF_VALUES = ("value_predictions", "value_loss_clipped_fraction")


def drive_ppo(answer: Any, inputs: Inputs) -> Observables:
    """What one of the four methods gives, or does, in one scene."""
    if not isinstance(answer, type):
        raise Refused("pass the class PPO itself, not an instance of it")
    scene = Scene(inputs)
    scene.forget()
    return _ASKED[inputs["ask"]](answer, scene)


def _with_stand_ins(answer: Any, scene: Scene, *names: str) -> Any:
    ppo = scene.make(answer)
    losses = stand_in_losses(ppo, scene)
    for name in names:
        setattr(ppo, name, losses[name])
    return ppo


ALL = ("policy_loss", "value_loss", "loss")


def _scalar(loss: Any, name: str) -> Tensor:
    if type(loss) is not Tensor:
        raise Refused(
            f"{name} returns {'None' if loss is None else f'a {type(loss).__name__}'}; return "
            "a 0-d tensor, so that a gradient can flow through it"
        )
    if not torch.isfinite(loss).all():
        raise Refused(f"{name} returns something that is not finite: {loss.detach().tolist()}")
    return loss


def _ask_policy_loss(answer: Any, scene: Scene) -> Observables:
    """Its value, and its gradient by each log-probability, from that by the row's own means."""
    ppo = scene.make(answer)
    loss = _scalar(ppo.policy_loss(scene.minibatch(), scene.act()), "policy_loss")
    found = scene.gradients(loss)["mean_weights"]
    log_probs = scene.act()["distribution"].log_prob(scene.batch["actions"])
    (score,) = torch.autograd.grad(log_probs.sum(), scene.model.get_parameter("mean_weights"))
    by_row = (found * score).sum(-1) / score.square().sum(-1)
    return {
        "policy_loss": plain(loss, "policy_loss"),
        "its gradient by each log-probability": plain(by_row, "its gradient"),
    }


def _ask_value_loss(answer: Any, scene: Scene) -> Observables:
    ppo = scene.make(answer)
    loss = _scalar(ppo.value_loss(scene.minibatch(), scene.act()), "value_loss")
    gradient = scene.gradients(loss)["value_weights"]  # each row has a weight of its own
    return {
        "value_loss": plain(loss, "value_loss"),
        "its gradient by each value": plain(gradient, "its gradient"),
    }


def _ask_loss(answer: Any, scene: Scene) -> Observables:
    ppo = _with_stand_ins(answer, scene, "policy_loss", "value_loss")
    loss = _scalar(ppo.loss(scene.minibatch()), "loss")
    return {"loss": plain(loss, "loss")} | {
        f"its gradient by {name}": plain(gradient, name)
        for name, gradient in scene.gradients(loss).items()
    }


def _ask_step(answer: Any, scene: Scene) -> Observables:
    """Steps from the same weights, each on other rows; the optimizer keeps what it has."""
    ppo = _with_stand_ins(answer, scene, *ALL)
    found = {}
    for number in range(1, scene.inputs["steps"] + 1):
        scene.put_back()
        scene.rows, before = PARTS[number - 1], scene.weights()
        ppo.step(scene.minibatch())
        moves = scene.moves(before)
        found |= {f"move of {name} in step {number}": move for name, move in moves.items()}
    return found


PARTS = (slice(0, 6), slice(3, 9))


def _ask_iteration(answer: Any, scene: Scene) -> Observables:
    """What step counts; a loss that is asked for by somebody else counts for nothing."""
    ppo, before = _with_stand_ins(answer, scene, *ALL), scene.weights()
    ppo.loss(scene.minibatch())
    for _ in range(scene.inputs["steps"]):
        ppo.step(scene.minibatch())
    if not hasattr(ppo, "iteration"):
        raise Refused("the object has no attribute iteration")
    name = f"iteration after {scene.inputs['steps']} calls of step"
    return {name: plain(ppo.iteration, "the attribute iteration"), **scene.moves(before)}


def _ask_norm(answer: Any, scene: Scene) -> Observables:
    ppo = _with_stand_ins(answer, scene, *ALL)
    return {"gradient_norm": _written(ppo, scene, ("gradient_norm",))["gradient_norm"]}


def _written(ppo: Any, scene: Scene, names: tuple[str, ...]) -> dict[str, NDArray]:
    """What one step writes under these names."""
    scene.runner.written.clear()
    ppo.step(scene.minibatch())
    return {name: scene.runner.read(name) for name in names}


def _ask_policy(answer: Any, scene: Scene) -> Observables:
    return _logs(answer, scene, OF_POLICY, "policy_loss", "policy_loss")


def _ask_values(answer: Any, scene: Scene) -> Observables:
    return _logs(answer, scene, OF_VALUES, "critic_loss", "value_loss")


def _logs(
    answer: Any, scene: Scene, gauges: tuple[str, ...], loss: str, method: str
) -> Observables:
    """Gauges, and by how much the loss that is written is not the student's own."""
    ppo = scene.make(answer)
    own = _scalar(getattr(ppo, method)(scene.minibatch(), scene.act()), method)
    names = (*(f"additional/{gauge}" for gauge in gauges), f"losses/{loss}")
    written = _written(ppo, scene, names)
    found = {name: written[name] for name in names[:-1]}
    less = np.asarray(written[names[-1]] - plain(own, method))
    return found | {f"{names[-1]} written, less what {method} returns": less}


def _ask_kept(answer: Any, scene: Scene) -> Observables:
    """How the weights move, if only the batch stays as it is."""
    batch, ppo, before = scene.minibatch(), scene.make(answer), scene.weights()
    given = dict(batch)
    ppo.step(given)
    if given.keys() != batch.keys():
        raise Refused(f"step leaves other keys in the batch: {', '.join(given)}")
    for key, right in scene.batch.items():
        if not torch.equal(batch[key], right) or not torch.equal(given[key], right):
            raise Refused(f"step changes batch[{key!r}]; work on a new tensor")
    return scene.moves(before)


def ppo_facts(inputs: Inputs, raw: Observables) -> Observables:
    """What is found; of weights that only have to move, whether they do."""
    if inputs["ask"] not in ("iteration", "kept"):
        return raw
    moves = [raw[name] for name in WEIGHTS]
    moved = all(np.isfinite(move).all() for move in moves) and any(move.any() for move in moves)
    rest = {name: array for name, array in raw.items() if name not in WEIGHTS}
    return {"the weights move (1: yes, 0: no)": np.array(float(moved)), **rest}


_ASKED = {
    "policy_loss": _ask_policy_loss,
    "value_loss": _ask_value_loss,
    "loss": _ask_loss,
    "step": _ask_step,
    "iteration": _ask_iteration,
    "norm": _ask_norm,
    "policy": _ask_policy,
    "values": _ask_values,
    "kept": _ask_kept,
}
