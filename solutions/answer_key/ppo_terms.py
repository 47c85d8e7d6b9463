"""Known wrong answers to ppo: its two losses, and their sum."""

from grader.exercise import Misconception

from .clipped_value_loss import KEY as CLIPPED_VALUE_LOSS
from .ppo_clip_misconceptions import MISCONCEPTIONS as WRONG_CLIPS
from .ppo_parts import Right


def with_policy_loss(function):
    """PPO around a wrong answer to ppo_clip_loss, the exercise of 05."""

    class WrongPolicyLoss(Right):
        def policy_loss(self, batch, act):
            super().policy_loss(batch, act)  # for what it writes
            log_probs = act["distribution"].log_prob(batch["actions"])
            return function(
                log_probs, batch["log_probs"], batch["advantages"], clip_range=self.clip_range
            )

    return WrongPolicyLoss


def with_value_loss(function):
    """PPO around a wrong answer to clipped_value_loss, the exercise of 05."""

    class WrongValueLoss(Right):
        def value_loss(self, batch, act):
            super().value_loss(batch, act)  # for what it writes
            targets = batch["value_targets"]
            return function(act["values"], batch["values"], targets, clip_range=self.clip_range)

    return WrongValueLoss


class AdvantagesFromValues(Right):
    def policy_loss(self, batch, act):
        advantages = batch["value_targets"] - act["values"]
        return super().policy_loss({**batch, "advantages": advantages}, act)


class BonusInPolicyLoss(Right):
    def policy_loss(self, batch, act):
        bonus = act["distribution"].entropy().mean()
        return super().policy_loss(batch, act) - 0.01 * bonus


class FixedBand(Right):
    def policy_loss(self, batch, act):
        given, self.clip_range = self.clip_range, 0.2
        loss = super().policy_loss(batch, act)
        self.clip_range = given
        return loss


class FixedValueBand(Right):
    def value_loss(self, batch, act):
        given, self.clip_range = self.clip_range, 0.2
        loss = super().value_loss(batch, act)
        self.clip_range = given
        return loss


class PlainErrorOfOldValues(Right):
    def value_loss(self, batch, act):
        super().value_loss(batch, act)
        return ((batch["values"] - batch["value_targets"]) ** 2).mean()


class TargetsAreRewards(Right):
    def value_loss(self, batch, act):
        return super().value_loss({**batch, "value_targets": batch["rewards"]}, act)


class CoefficientInValueLoss(Right):
    def value_loss(self, batch, act):
        return self.value_coef * super().value_loss(batch, act)

    def loss(self, batch):
        act = self.policy.act(batch["observations"], training=True)
        policy_loss, value_loss = self.policy_loss(batch, act), self.value_loss(batch, act)
        self.write("losses/policy_loss", policy_loss)
        self.write("losses/critic_loss", value_loss)
        return policy_loss + value_loss


class Sum(Right):
    """A sum of two losses, for those that are wrong by a sign, a factor or a term."""

    def loss(self, batch):
        act = self.policy.act(batch["observations"], training=True)
        policy_loss, value_loss = self.policy_loss(batch, act), self.value_loss(batch, act)
        self.write("losses/policy_loss", policy_loss)
        self.write("losses/critic_loss", value_loss)
        return self.total(policy_loss, value_loss, act["distribution"].entropy().mean())


class CoefficientMissing(Sum):
    def total(self, policy_loss, value_loss, entropy):
        return policy_loss + value_loss


class CoefficientOfPolicy(Sum):
    def total(self, policy_loss, value_loss, entropy):
        return self.value_coef * policy_loss + value_loss


class CoefficientOfBoth(Sum):
    def total(self, policy_loss, value_loss, entropy):
        return self.value_coef * (policy_loss + value_loss)


class ValueLossHalved(Sum):
    def total(self, policy_loss, value_loss, entropy):
        return policy_loss + 0.5 * value_loss


class DefaultCoefficient(Sum):
    def total(self, policy_loss, value_loss, entropy):
        return policy_loss + 0.25 * value_loss


class ValueLossSubtracted(Sum):
    def total(self, policy_loss, value_loss, entropy):
        return policy_loss - self.value_coef * value_loss


class PolicyLossSubtracted(Sum):
    def total(self, policy_loss, value_loss, entropy):
        return -policy_loss + self.value_coef * value_loss


class EntropyBonus(Sum):
    def total(self, policy_loss, value_loss, entropy):
        return policy_loss + self.value_coef * value_loss - 0.01 * entropy


class PolicyAlone(Sum):
    def total(self, policy_loss, value_loss, entropy):
        return policy_loss


class CriticAlone(Sum):
    def total(self, policy_loss, value_loss, entropy):
        return self.value_coef * value_loss


class CriticDetached(Sum):
    def total(self, policy_loss, value_loss, entropy):
        return policy_loss + self.value_coef * value_loss.item()


class PolicyDetached(Sum):
    def total(self, policy_loss, value_loss, entropy):
        return policy_loss.detach() + self.value_coef * value_loss


# Slips of 05 that nobody makes a second time.
LEFT_BEHIND = (
    *("quotient_of_logs", "clamp_of_the_log_ratio", "outside_dropped", "lower_only"),
    *("wrong_direction", "around_new_value", "error_clipped", "mean_of_both", "absolute"),
)

WRONG_TERMS = (
    *(
        Misconception(f"in policy_loss {one.name}", one.hint, with_policy_loss(one.wrong_answer))
        for one in WRONG_CLIPS
        if one.wrong_answer.__name__ not in LEFT_BEHIND
    ),
    Misconception(
        "in policy_loss the advantages are worked out anew, as value targets less new values",
        "Who has estimated the advantages already, and when? Which loss should the critic's "
        "weights get their gradient from?",
        AdvantagesFromValues,
    ),
    Misconception(
        "in policy_loss there is a bonus for entropy",
        "Which terms has the loss in this notebook? The entropy is only written down.",
        BonusInPolicyLoss,
    ),
    Misconception(
        "in policy_loss the band is always ±0.2, whatever clip_range says",
        "What is kept of the arguments of __init__?",
        FixedBand,
    ),
    *(
        Misconception(f"in value_loss {one.name}", one.hint, with_value_loss(one.wrong_answer))
        for one in CLIPPED_VALUE_LOSS.misconceptions
        if one.wrong_answer.__name__ not in LEFT_BEHIND
    ),
    Misconception(
        "in value_loss the band is always ±0.2, whatever clip_range says",
        "What is kept of the arguments of __init__?",
        FixedValueBand,
    ),
    Misconception(
        "in value_loss the old values stand where the new ones belong",
        "Two sets of values are at hand: those of the batch are data. Which ones can learn?",
        PlainErrorOfOldValues,
    ),
    Misconception(
        "in value_loss the rewards are what the critic is to predict",
        "A value speaks of all rewards to come. Which key of the batch holds its target?",
        TargetsAreRewards,
    ),
    Misconception(
        "the coefficient is inside value_loss, where the sum should have it",
        "Which number would you want to see in the plot of the critic's loss?",
        CoefficientInValueLoss,
    ),
    Misconception(
        "the coefficient of the value loss is missing from the sum",
        "Which of the arguments of __init__ have you not used yet?",
        CoefficientMissing,
    ),
    Misconception(
        "the coefficient stands before the policy's loss",
        "What does the name of the coefficient say?",
        CoefficientOfPolicy,
    ),
    Misconception(
        "the coefficient stands before both losses",
        "What would a common factor change about how the two are weighted against each other?",
        CoefficientOfBoth,
    ),
    Misconception(
        "the value loss is weighted with 0.5, whatever value_coef says",
        "What is kept of the arguments of __init__?",
        ValueLossHalved,
    ),
    Misconception(
        "the value loss is weighted with 0.25, whatever value_coef says",
        "What is kept of the arguments of __init__?",
        DefaultCoefficient,
    ),
    Misconception(
        "the value loss is subtracted",
        "Both are losses. What does an optimizer do with a loss that has a minus sign?",
        ValueLossSubtracted,
    ),
    Misconception(
        "the policy's loss is subtracted",
        "Its minus sign stands in policy_loss already. What does a second one do?",
        PolicyLossSubtracted,
    ),
    Misconception(
        "the sum has a bonus for entropy",
        "Eq. 9 of the paper has three terms. How many has the sum in this notebook?",
        EntropyBonus,
    ),
    Misconception(
        "the value loss is left out of the sum",
        "From what should the critic learn, if not from this loss?",
        PolicyAlone,
    ),
    Misconception(
        "the policy's loss is left out of the sum",
        "From what should the actor learn, if not from this loss?",
        CriticAlone,
    ),
    Misconception(
        "no gradient flows from the sum to the value loss",
        "The number is right, but the critic would stay as it is. What cuts it off?",
        CriticDetached,
    ),
    Misconception(
        "no gradient flows from the sum to the policy's loss",
        "The number is right, but the actor would stay as it is. What cuts it off?",
        PolicyDetached,
    ),
)
