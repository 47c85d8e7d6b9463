"""Known wrong answers to ppo: its step."""

from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from grader.exercise import Misconception

from .ppo_parts import Right


class NeverCleared(Right):
    def step(self, batch):
        self.loss(batch).backward()
        norm = clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.write("gradient_norm", norm)
        self.iteration += 1


class ClearedAfterTheStep(Right):
    def step(self, batch):
        self.loss(batch).backward()
        norm = clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.write("gradient_norm", norm)
        self.iteration += 1


class ClearedOnce(Right):
    def step(self, batch):
        if self.iteration == 0:
            self.optimizer.zero_grad()
        self.loss(batch).backward()
        norm = clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.write("gradient_norm", norm)
        self.iteration += 1


class ClearedTooLate(Right):
    def step(self, batch):
        self.loss(batch).backward()
        norm = clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        self.optimizer.zero_grad()
        self.optimizer.step()
        self.write("gradient_norm", norm)
        self.iteration += 1


class StepBeforeBackward(Right):
    def step(self, batch):
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.loss(batch).backward()
        norm = clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        self.write("gradient_norm", norm)
        self.iteration += 1


class ClippedBeforeBackward(Right):
    def step(self, batch):
        loss = self.loss(batch)
        self.optimizer.zero_grad()
        norm = clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        loss.backward()
        self.optimizer.step()
        self.write("gradient_norm", norm)
        self.iteration += 1


class ClippedAfterTheStep(Right):
    def step(self, batch):
        self.optimizer.zero_grad()
        self.loss(batch).backward()
        self.optimizer.step()
        norm = clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        self.write("gradient_norm", norm)
        self.iteration += 1


class ByValue(Right):
    def step(self, batch):
        self.optimizer.zero_grad()
        self.loss(batch).backward()
        norm = clip_grad_norm_(self.policy.model.parameters(), float("inf"))
        clip_grad_value_(self.policy.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.write("gradient_norm", norm)
        self.iteration += 1


class EachOnItsOwn(Right):
    def step(self, batch):
        self.optimizer.zero_grad()
        self.loss(batch).backward()
        squares = sum(one.grad.square().sum() for one in self.policy.model.parameters())
        for one in self.policy.model.parameters():
            clip_grad_norm_(one, self.max_grad_norm)
        self.optimizer.step()
        self.write("gradient_norm", squares.sqrt())
        self.iteration += 1


class AlwaysScaled(Right):
    def step(self, batch):
        self.optimizer.zero_grad()
        self.loss(batch).backward()
        norm = sum(one.grad.square().sum() for one in self.policy.model.parameters()).sqrt()
        for one in self.policy.model.parameters():
            one.grad *= self.max_grad_norm / (norm + 1e-6)
        self.optimizer.step()
        self.write("gradient_norm", norm)
        self.iteration += 1


class FixedNorm(Right):
    def step(self, batch):
        self.optimizer.zero_grad()
        self.loss(batch).backward()
        norm = clip_grad_norm_(self.policy.model.parameters(), 0.5)
        self.optimizer.step()
        self.write("gradient_norm", norm)
        self.iteration += 1


class LossClipped(Right):
    def step(self, batch):
        self.optimizer.zero_grad()
        self.loss(batch).clamp(-self.max_grad_norm, self.max_grad_norm).backward()
        norm = clip_grad_norm_(self.policy.model.parameters(), float("inf"))
        self.optimizer.step()
        self.write("gradient_norm", norm)
        self.iteration += 1


class OneStepForEach(Right):
    def step(self, batch):
        act = self.policy.act(batch["observations"], training=True)
        policy_loss = self.policy_loss(batch, act)
        self.optimizer.zero_grad()
        policy_loss.backward()
        clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        act = self.policy.act(batch["observations"], training=True)
        value_loss = self.value_loss(batch, act)
        self.optimizer.zero_grad()
        (self.value_coef * value_loss).backward()
        norm = clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.write("losses/policy_loss", policy_loss)
        self.write("losses/critic_loss", value_loss)
        self.write("gradient_norm", norm)
        self.iteration += 1


class Uphill(Right):
    def step(self, batch):
        self.optimizer.zero_grad()
        (-self.loss(batch)).backward()
        norm = clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.write("gradient_norm", norm)
        self.iteration += 1


class NotCounted(Right):
    def step(self, batch):
        self.optimizer.zero_grad()
        self.loss(batch).backward()
        norm = clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.write("gradient_norm", norm)


class NormAfterClipping(Right):
    def step(self, batch):
        self.optimizer.zero_grad()
        self.loss(batch).backward()
        clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        squares = sum(one.grad.square().sum() for one in self.policy.model.parameters())
        self.write("gradient_norm", squares.sqrt())
        self.iteration += 1


class NormSquared(Right):
    def step(self, batch):
        self.optimizer.zero_grad()
        self.loss(batch).backward()
        squares = sum(one.grad.square().sum() for one in self.policy.model.parameters())
        clip_grad_norm_(self.policy.model.parameters(), self.max_grad_norm)
        self.optimizer.step()
        self.write("gradient_norm", squares)
        self.iteration += 1


class NormLimited(Right):
    def step(self, batch):
        super().step(batch)
        self.write("gradient_norm", self.max_grad_norm)


WRONG_STEPS = (
    Misconception(
        "no gradient is ever cleared",
        "A backward pass adds to the gradient that is there. Where does the old one go?",
        NeverCleared,
    ),
    Misconception(
        "the gradients are cleared after the step, so that what was there before the call counts",
        "Who says that nobody has gone backward before you? When should one clear?",
        ClearedAfterTheStep,
    ),
    Misconception(
        "the gradients are cleared in the first step only",
        "A backward pass adds to the gradient that is there. What is there at the second step?",
        ClearedOnce,
    ),
    Misconception(
        "the gradients are cleared between the backward pass and the step, so that nothing moves",
        "What does the optimizer find when it steps?",
        ClearedTooLate,
    ),
    Misconception(
        "the optimizer steps before the backward pass, along the gradient of the step before",
        "What does the optimizer read when it steps, and who has written it?",
        StepBeforeBackward,
    ),
    Misconception(
        "the norm is clipped before the backward pass, when there is no gradient yet, or never",
        "What is there to clip before the backward pass has been?",
        ClippedBeforeBackward,
    ),
    Misconception(
        "the norm is clipped after the step, too late to change anything",
        "What does the optimizer read when it steps, and what was it then?",
        ClippedAfterTheStep,
    ),
    Misconception(
        "every single number of the gradient is clipped, not the norm of the whole",
        "Should the direction of the gradient change? What keeps it, and only shortens the arrow?",
        ByValue,
    ),
    Misconception(
        "the norm of each weight tensor is clipped on its own",
        "Should the direction of the gradient change? How many norms has one gradient?",
        EachOnItsOwn,
    ),
    Misconception(
        "the gradient is always scaled to max_grad_norm, also where it is shorter",
        "A short gradient says that little is to be done. Should it be made longer?",
        AlwaysScaled,
    ),
    Misconception(
        "the norm is always clipped to 0.5, whatever max_grad_norm says",
        "What is kept of the arguments of __init__?",
        FixedNorm,
    ),
    Misconception(
        "the loss is clipped, and not the gradient",
        "What is the gradient of a number that is held fast?",
        LossClipped,
    ),
    Misconception(
        "the two losses are followed one after the other, in a step each",
        "How many steps should the optimizer make on one minibatch, and along which sum?",
        OneStepForEach,
    ),
    Misconception(
        "the optimizer goes uphill",
        "Which way does an optimizer go from a loss by itself?",
        Uphill,
    ),
    Misconception(
        "iteration is not counted",
        "Where in the plots will the numbers of the second step stand?",
        NotCounted,
    ),
    Misconception(
        "the gradient's norm is written as it is after clipping",
        "A curve that never leaves the limit says little. Which norm would tell you something?",
        NormAfterClipping,
    ),
    Misconception(
        "the square of the gradient's norm is written",
        "How long is an arrow that goes 3 to the right and 4 up?",
        NormSquared,
    ),
    Misconception(
        "max_grad_norm itself is written as the gradient's norm",
        "A curve that never changes says nothing. Where do you get the norm from?",
        NormLimited,
    ),
)
