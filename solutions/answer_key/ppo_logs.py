"""Known wrong answers to ppo: what it writes about its losses."""

from grader.exercise import Misconception

from .ppo_parts import Right


def log_ratios(batch, act):
    return act["distribution"].log_prob(batch["actions"]) - batch["log_probs"]


class EntropySummed(Right):
    def policy_loss(self, batch, act):
        loss = super().policy_loss(batch, act)
        self.write("additional/entropy", act["distribution"].entropy().sum())
        return loss


class EntropyNegated(Right):
    def policy_loss(self, batch, act):
        loss = super().policy_loss(batch, act)
        self.write("additional/entropy", -act["distribution"].entropy().mean())
        return loss


class EntropyFromSamples(Right):
    def policy_loss(self, batch, act):
        loss = super().policy_loss(batch, act)
        log_probs = act["distribution"].log_prob(batch["actions"])
        self.write("additional/entropy", -log_probs.mean())
        return loss


class FractionAbove(Right):
    def policy_loss(self, batch, act):
        loss = super().policy_loss(batch, act)
        above = log_ratios(batch, act).exp() > 1 + self.clip_range
        self.write("additional/policy_loss_clipped_fraction", above.float().mean())
        return loss


class FractionInside(Right):
    def policy_loss(self, batch, act):
        loss = super().policy_loss(batch, act)
        inside = (log_ratios(batch, act).exp() - 1).abs() <= self.clip_range
        self.write("additional/policy_loss_clipped_fraction", inside.float().mean())
        return loss


class FractionOfLogRatios(Right):
    def policy_loss(self, batch, act):
        loss = super().policy_loss(batch, act)
        outside = log_ratios(batch, act).abs() > self.clip_range
        self.write("additional/policy_loss_clipped_fraction", outside.float().mean())
        return loss


class FractionWhereTheClipWins(Right):
    def policy_loss(self, batch, act):
        loss = super().policy_loss(batch, act)
        ratio = log_ratios(batch, act).exp()
        clipped = ratio.clamp(1 - self.clip_range, 1 + self.clip_range)
        wins = clipped * batch["advantages"] < ratio * batch["advantages"]
        self.write("additional/policy_loss_clipped_fraction", wins.float().mean())
        return loss


class ClippedCounted(Right):
    def policy_loss(self, batch, act):
        loss = super().policy_loss(batch, act)
        outside = (log_ratios(batch, act).exp() - 1).abs() > self.clip_range
        self.write("additional/policy_loss_clipped_fraction", outside.sum())
        return loss


class MaxOfLogRatios(Right):
    def policy_loss(self, batch, act):
        loss = super().policy_loss(batch, act)
        self.write("additional/max_ratio", log_ratios(batch, act).max())
        return loss


class MeanRatio(Right):
    def policy_loss(self, batch, act):
        loss = super().policy_loss(batch, act)
        self.write("additional/max_ratio", log_ratios(batch, act).exp().mean())
        return loss


class MaxOfClippedRatios(Right):
    def policy_loss(self, batch, act):
        loss = super().policy_loss(batch, act)
        ratio = log_ratios(batch, act).exp().clamp(1 - self.clip_range, 1 + self.clip_range)
        self.write("additional/max_ratio", ratio.max())
        return loss


class OldPredictions(Right):
    def value_loss(self, batch, act):
        loss = super().value_loss(batch, act)
        self.write("additional/value_predictions", batch["values"].mean())
        return loss


class TargetsForPredictions(Right):
    def value_loss(self, batch, act):
        loss = super().value_loss(batch, act)
        self.write("additional/value_predictions", batch["value_targets"].mean())
        return loss


class ValuesRisen(Right):
    def value_loss(self, batch, act):
        loss = super().value_loss(batch, act)
        risen = act["values"] - batch["values"] > self.clip_range
        self.write("additional/value_loss_clipped_fraction", risen.float().mean())
        return loss


class FarFromTarget(Right):
    def value_loss(self, batch, act):
        loss = super().value_loss(batch, act)
        far = (act["values"] - batch["value_targets"]).abs() > self.clip_range
        self.write("additional/value_loss_clipped_fraction", far.float().mean())
        return loss


class RatioOfValues(Right):
    def value_loss(self, batch, act):
        loss = super().value_loss(batch, act)
        outside = (act["values"] / batch["values"] - 1).abs() > self.clip_range
        self.write("additional/value_loss_clipped_fraction", outside.float().mean())
        return loss


class ValuesWhereTheClipWins(Right):
    def value_loss(self, batch, act):
        loss = super().value_loss(batch, act)
        values, old_values, targets = act["values"], batch["values"], batch["value_targets"]
        clipped = old_values + (values - old_values).clamp(-self.clip_range, self.clip_range)
        wins = (clipped - targets) ** 2 > (values - targets) ** 2
        self.write("additional/value_loss_clipped_fraction", wins.float().mean())
        return loss


class ObjectiveWritten(Right):
    def loss(self, batch):
        loss = super().loss(batch)
        act = self.policy.act(batch["observations"], training=True)
        self.write("losses/policy_loss", -self.policy_loss(batch, act))
        return loss


class SumWritten(Right):
    def loss(self, batch):
        loss = super().loss(batch)
        self.write("losses/policy_loss", loss)
        return loss


class CriticWithCoefficient(Right):
    def loss(self, batch):
        loss = super().loss(batch)
        act = self.policy.act(batch["observations"], training=True)
        self.write("losses/critic_loss", self.value_coef * self.value_loss(batch, act))
        return loss


class LossesExchanged(Right):
    def loss(self, batch):
        act = self.policy.act(batch["observations"], training=True)
        policy_loss, value_loss = self.policy_loss(batch, act), self.value_loss(batch, act)
        self.write("losses/policy_loss", value_loss)
        self.write("losses/critic_loss", policy_loss)
        return policy_loss + self.value_coef * value_loss


class FractionsExchanged(Right):
    def write(self, name, value):
        other = name.replace("policy_loss_cl", "value_loss_cl")
        super().write(
            other if other != name else name.replace("value_loss_cl", "policy_loss_cl"), value
        )


WRONG_LOGS = (
    Misconception(
        "the entropies are summed over the minibatch",
        "Should the curve jump when the minibatches are made larger?",
        EntropySummed,
    ),
    Misconception(
        "the entropy is written with a minus sign",
        "A broad policy has a large entropy. Does your curve fall while the policy narrows?",
        EntropyNegated,
    ),
    Misconception(
        "the entropy is estimated from the actions of the minibatch",
        "The distribution knows its entropy exactly. And whose actions are these by now?",
        EntropyFromSamples,
    ),
    Misconception(
        "only ratios above the band are counted as clipped",
        "A band has two edges. Which ratios lie beyond the other one?",
        FractionAbove,
    ),
    Misconception(
        "the ratios inside the band are counted, not those outside",
        "Right after the data are collected all ratios are 1. Which fraction is clipped then?",
        FractionInside,
    ),
    Misconception(
        "the log-ratio is compared with ε, where the ratio's distance from 1 should be",
        "exp(ε) and 1 + ε are close, but they are not the same. Which number is clipped?",
        FractionOfLogRatios,
    ),
    Misconception(
        "only ratios are counted for which the clipped term is the smaller one",
        "That is another gauge, and a good one. What does the fraction here ask: which term wins, "
        "or where the ratio is?",
        FractionWhereTheClipWins,
    ),
    Misconception(
        "the clipped ratios are counted, not their share of the minibatch",
        "Between which two numbers does a fraction lie?",
        ClippedCounted,
    ),
    Misconception(
        "the largest log-ratio is written, not the largest ratio",
        "For a policy that has not moved the largest ratio is 1. What is yours then?",
        MaxOfLogRatios,
    ),
    Misconception(
        "the mean of the ratios is written, not the largest",
        "One ratio of 50 among a thousand: does your curve show it?",
        MeanRatio,
    ),
    Misconception(
        "the largest of the clipped ratios is written",
        "Your curve never rises above 1 + ε. What is it meant to warn you of?",
        MaxOfClippedRatios,
    ),
    Misconception(
        "the old values of the batch are written as value predictions",
        "The batch's values were predicted when the data were collected. Who predicts now?",
        OldPredictions,
    ),
    Misconception(
        "the value targets are written as value predictions",
        "What does the critic say, and what should it have said? Which one is to be written?",
        TargetsForPredictions,
    ),
    Misconception(
        "only values that rose by more than ε are counted as clipped",
        "A value can also fall. By how much until it is clipped?",
        ValuesRisen,
    ),
    Misconception(
        "values are counted that are further than ε from their targets",
        "Two values are compared to see how far the critic moved. Which two?",
        FarFromTarget,
    ),
    Misconception(
        "the new value is divided by the old one, as if it were a ratio",
        "A value's move is measured as a difference. What would a quotient say near 0?",
        RatioOfValues,
    ),
    Misconception(
        "only values are counted for which the clipped error is the larger one",
        "That is another gauge, and a good one. What does the fraction here ask: which error wins, "
        "or how far the value moved?",
        ValuesWhereTheClipWins,
    ),
    Misconception(
        "the policy's objective is written, which is minus its loss",
        "The name says loss. Which of the two does policy_loss give?",
        ObjectiveWritten,
    ),
    Misconception(
        "the whole sum is written as the policy's loss",
        "What would you see in that curve when only the critic gets better?",
        SumWritten,
    ),
    Misconception(
        "the critic's loss is written with its coefficient",
        "Runs with different coefficients are to be compared. Which number compares?",
        CriticWithCoefficient,
    ),
    Misconception(
        "the two losses are written under each other's name",
        "Which of the two curves can never be negative?",
        LossesExchanged,
    ),
    Misconception(
        "the two fractions are written under each other's name",
        "Which loss does each of the two fractions speak of?",
        FractionsExchanged,
    ),
)
