"""The driver of `ppo`: each method is judged by itself, and step by what it does and writes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from grader.exercises import find_exercise
from grader.exercises.ppo_parts import Scene
from grader.hidden import answer_keys
from grader.judge import judge, make_check, run
from rlcore.losses import clipped_value_loss, ppo_clip_loss

PPO, KEY = find_exercise("ppo"), answer_keys()["ppo"]
CHECK = make_check(PPO, replace(KEY, misconceptions=()), np.random.default_rng(0), 1)
Right = KEY.also_correct[0]


def verdict_on(**changed):
    return judge(PPO, type("PPO", (Right,), changed), CHECK)


def lost(verdict):
    """The groups without points, by the word that tells them apart."""
    return [group.name for group in verdict.groups if group.earned < group.points]


def scenes(ask):
    for seed in range(10):
        for case in PPO.cases(np.random.default_rng(seed), 1):
            if case.inputs["ask"] == ask:
                yield case, Scene(case.inputs)


@pytest.mark.parametrize("answer", [KEY.reference, *KEY.also_correct])
def test_right_answers_get_all_points_whatever_is_drawn(answer):
    for seed in range(3):
        check = make_check(PPO, KEY, np.random.default_rng(seed), 1)
        assert judge(PPO, answer, check).correct


def test_the_gradient_by_each_log_probability_is_that_of_the_loss_itself():
    for case, scene in scenes("policy_loss"):
        log_probs = scene.act()["distribution"].log_prob(scene.batch["actions"])
        leaf = log_probs.detach().requires_grad_()
        old, advantages = scene.batch["log_probs"], scene.batch["advantages"]
        loss = ppo_clip_loss(leaf, old, advantages, clip_range=case.inputs.get("clip_range", 0.2))
        found = run(PPO, Right, case).observables
        (gradient,) = torch.autograd.grad(loss, leaf)
        assert found["policy_loss"] == pytest.approx(loss.item(), rel=1e-5)
        got = found["its gradient by each log-probability"]
        np.testing.assert_allclose(got, gradient, rtol=1e-4, atol=1e-6)


def test_the_gradient_by_each_value_is_that_of_the_loss_itself():
    for case, scene in scenes("value_loss"):
        leaf = scene.act()["values"].detach().requires_grad_()
        old, targets = scene.batch["values"], scene.batch["value_targets"]
        loss = clipped_value_loss(leaf, old, targets, clip_range=case.inputs["clip_range"])
        found = run(PPO, Right, case).observables
        (gradient,) = torch.autograd.grad(loss, leaf)
        np.testing.assert_allclose(found["its gradient by each value"], gradient, rtol=1e-5)


def test_nothing_is_clipped_in_the_batches_of_loss_and_step_at_any_step():
    for _, scene in [*scenes("loss"), *scenes("step"), *scenes("norm"), *scenes("iteration")]:
        ppo = scene.make(Right)
        for _ in range(scene.inputs.get("steps", 1)):
            fractions = {}
            ppo.write = fractions.__setitem__
            ppo.step(dict(scene.batch))
            for name in ("policy_loss", "value_loss"):
                assert fractions[f"additional/{name}_clipped_fraction"] == 0.0


def test_gradients_are_longer_and_shorter_than_the_limit_where_their_groups_say_so():
    for case, scene in scenes("step"):
        ppo = scene.make(Right)
        ppo.loss(dict(scene.batch)).backward()
        norm = torch.nn.utils.get_total_norm([w.grad for w in scene.model.parameters()])
        limit = case.inputs.get("max_grad_norm", 0.5)
        if "shorter" in case.group:
            assert norm < 0.9 * limit
        if "longer" in case.group:
            assert norm > 1.1 * limit


def test_a_policy_loss_with_the_wrong_sign_costs_its_own_points_alone():
    verdict = verdict_on(policy_loss=lambda self, *given: -Right.policy_loss(self, *given))
    assert all(name.startswith("in policy_loss") for name in lost(verdict))
    assert verdict.points == 6.0


def test_who_has_not_written_value_loss_yet_keeps_the_points_of_loss_and_step():
    def unwritten(self, batch, act):
        raise NotImplementedError

    verdict = verdict_on(value_loss=unwritten)
    assert verdict.points == 8.0 - 1.5 - 1.0 - 0.25
    assert not any("weights" in name or name == "in loss, the sum" for name in lost(verdict))


def test_a_step_that_uses_what_its_loss_has_kept_is_right():
    class Keeping(Right):
        def loss(self, batch):
            self.total = super().loss(batch)
            return self.total

        def step(self, batch):
            super().step(batch)
            assert torch.isfinite(self.total)

    assert judge(PPO, Keeping, CHECK).correct


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (lambda name, value: (f"{name}s", value), "step writes no 'additional/entropy'"),
        (lambda name, value: (name, value * torch.nan), "'additional/entropy' is not finite"),
        (lambda name, value: (name, str(value)), "'additional/entropy' is of type str"),
        (lambda name, value: (name, value * torch.ones(1)), "entropy has shape (1,), expected ()"),
    ],
)
def test_what_is_no_number_or_has_another_name_gets_a_sentence(written, sentence):
    def write(self, name, value):
        changed = written(name, value) if name == "additional/entropy" else (name, value)
        Right.write(self, *changed)

    verdict = verdict_on(write=write)
    assert "in what step writes about the policy" in lost(verdict)
    assert sentence in verdict.difference


def test_numpy_numbers_and_tensors_with_a_graph_may_be_written():
    def write(self, name, value):
        Right.write(self, name, np.float32(value.item()) if "ratio" in name else 1.0 * value)

    assert verdict_on(write=write).correct


def test_a_step_that_changes_its_minibatch_loses_that_alone():
    def step(self, batch):
        Right.step(self, batch)
        batch["advantages"] -= batch["advantages"].mean() + 1

    verdict = verdict_on(step=step)
    assert lost(verdict) == ["in a minibatch of float32 tensors, which must stay as it is"]
    assert "step changes batch['advantages']; work on a new tensor" in verdict.difference


def test_a_step_that_asks_for_other_minibatches_gets_a_sentence():
    verdict = verdict_on(step=lambda self, batch: self.sampler.get_next())
    assert "it asks the sampler for minibatches; step is given one" in verdict.difference


@pytest.mark.parametrize("loss", [None, 1.5])
def test_a_loss_that_is_no_tensor_gets_a_sentence(loss):
    verdict = verdict_on(policy_loss=lambda self, batch, act: loss)
    assert "policy_loss returns" in verdict.difference
    assert "return a 0-d tensor" in verdict.difference


def test_an_instance_gets_a_sentence():
    assert "pass the class PPO itself" in judge(PPO, Right(None, None, None), CHECK).difference
