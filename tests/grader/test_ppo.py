"""The driver of `ppo`: each method is judged by itself, and step by what it does and writes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from grader.compare import Outcome
from grader.exercises import find_exercise
from grader.exercises.ppo_parts import Scene, stand_in_losses
from grader.hidden import answer_keys
from grader.judge import judge, judge_outcomes, make_check, observed, run
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


class DoesNothing(Right):
    def policy_loss(self, batch, act):
        return 0.0 * act["values"].sum()

    value_loss = policy_loss

    def loss(self, batch):
        return 0.0 * self.policy.act(batch["observations"], training=True)["values"].sum()

    def step(self, batch):
        self.iteration += 1


def test_who_only_counts_earns_nothing():
    assert judge(PPO, DoesNothing, CHECK).points == 0.0


def test_what_is_published_as_expected_earns_nothing_when_it_is_sent_as_what_was_seen():
    other = make_check(PPO, replace(KEY, misconceptions=()), np.random.default_rng(1), 1)
    sent = [Outcome(right) for right in CHECK.expected]
    assert judge_outcomes(PPO, other, lambda alone: sent).points == 0.0


def test_stand_in_losses_are_right_where_a_case_starts_and_wrong_elsewhere():
    for _, scene in [*scenes("loss"), *scenes("step")]:
        ppo, batch = scene.make(Right), scene.minibatch()
        lines = stand_in_losses(ppo, scene)
        for moved in (False, True):
            for name in ("policy_loss", "value_loss"):
                line = lines[name](batch, scene.act())
                right = getattr(ppo, name)(batch, scene.act())
                assert torch.isclose(line, right, rtol=1e-4) != moved
            with torch.no_grad():
                scene.model.get_parameter("mean_weights").add_(0.5)
                scene.model.get_parameter("value_weights").add_(0.5)


def test_cases_about_the_losses_themselves_have_no_stand_ins():
    cases = [*scenes("policy_loss"), *scenes("value_loss")]
    assert not any(case.inputs.keys() & {"policy_slopes", "value_slopes"} for case, _ in cases)


def test_a_third_clip_for_bad_actions_that_became_likely_costs_points():
    def dual_clip(self, batch, act):
        loss = Right.policy_loss(self, batch, act)
        log_probs = act["distribution"].log_prob(batch["actions"])
        ratio, advantages = (log_probs - batch["log_probs"]).exp(), batch["advantages"]
        more = (3.0 * advantages - ratio * advantages).clamp(min=0.0)
        return loss - torch.where(advantages < 0, more, torch.zeros_like(more)).mean()

    expected = ["in policy_loss, for negative advantages outside the band"]
    assert lost(verdict_on(policy_loss=dual_clip)) == expected


def test_logs_that_are_written_again_after_the_update_are_another_policy_s():
    def step(self, batch):
        Right.step(self, batch)
        self.loss(batch)

    names = ["in what step writes about the policy", "in what step writes about the values"]
    assert lost(verdict_on(step=step)) == names


def test_iteration_that_is_counted_by_loss_loses_its_points():
    def loss(self, batch):
        self.iteration += 1
        return Right.loss(self, batch)

    def step(self, batch):
        Right.step(self, batch)
        self.iteration -= 1

    assert lost(verdict_on(loss=loss, step=step)) == ["in iteration, which step counts"]


def test_a_log_of_one_s_own_may_be_anything():
    def policy_loss(self, batch, act):
        self.write("additional/std_of_advantages", batch["advantages"].std() / 0.0)
        self.write("additional/note", "a text")
        return Right.policy_loss(self, batch, act)

    assert verdict_on(policy_loss=policy_loss).correct


def test_a_log_that_is_not_finite_costs_the_points_of_that_log_alone():
    def write(self, name, value):
        Right.write(self, name, torch.nan if name == "additional/entropy" else value)

    assert lost(verdict_on(write=write)) == ["in what step writes about the policy"]


def test_a_class_with_slots_is_judged_as_any_other():
    names = "policy optimizer sampler clip_range value_coef max_grad_norm iteration"
    members = {n: f for n, f in vars(Right).items() if n not in ("__dict__", "__weakref__")}
    assert judge(PPO, type("PPO", (), {**members, "__slots__": names.split()}), CHECK).correct


@pytest.mark.parametrize("number", [np.nan, 1e300, 0.0])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_facts_come_of_any_arrays_or_a_sentence(number, shape):
    for case in CHECK.cases:
        raw = PPO.drive(Right, case.inputs)
        for name in raw:
            outcome = observed(PPO, case, Outcome({**raw, name: np.full(shape, number)}))
            assert outcome.observables or outcome.error


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
