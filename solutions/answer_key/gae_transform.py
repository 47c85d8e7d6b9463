"""Answer key of gae_transform, the class GAE."""

# The answers call td_residuals and gae by name, as a student may: the grader binds them.
# ruff: noqa: F821

import numpy as np

from grader.exercise import AnswerKey, Misconception

from .gae import reference as reference_gae


class Reference:
    """Every successor's value asked for one at a time, the advantages from the definition."""

    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy = policy
        self.gamma, self.gae_lambda = gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        successors = trajectory["next_observations"]
        next_values = [float(self.policy.act(successor)["values"]) for successor in successors]
        trajectory["advantages"] = reference_gae(
            trajectory["rewards"],
            trajectory["values"],
            np.array(next_values),
            trajectory["terminated"],
            trajectory["truncated"],
            gamma=self.gamma,
            gae_lambda=self.gae_lambda,
        )
        trajectory["value_targets"] = trajectory["advantages"] + trajectory["values"]


class LastValueRepeated:
    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        values = trajectory["values"]
        next_values = np.append(values[1:], values[-1])
        advantages = gae(
            trajectory["rewards"], values, next_values,
            trajectory["terminated"], trajectory["truncated"],
            gamma=self.gamma, gae_lambda=self.gae_lambda,
        )  # fmt: skip
        trajectory["advantages"] = advantages
        trajectory["value_targets"] = advantages + values


class CurrentValueAsNext:
    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        values = trajectory["values"]
        next_values = self.policy.act(trajectory["observations"])["values"]
        advantages = gae(
            trajectory["rewards"], values, next_values,
            trajectory["terminated"], trajectory["truncated"],
            gamma=self.gamma, gae_lambda=self.gae_lambda,
        )  # fmt: skip
        trajectory["advantages"] = advantages
        trajectory["value_targets"] = advantages + values


class BootstrapFromReset:
    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        values = trajectory["values"]
        next_values = np.append(values[1:], self.policy.act(last_observation)["values"])
        advantages = gae(
            trajectory["rewards"], values, next_values,
            trajectory["terminated"], trajectory["truncated"],
            gamma=self.gamma, gae_lambda=self.gae_lambda,
        )  # fmt: skip
        trajectory["advantages"] = advantages
        trajectory["value_targets"] = advantages + values


class LastStepFromReset:
    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        values = trajectory["values"]
        next_values = self.policy.act(trajectory["next_observations"])["values"].copy()
        next_values[-1] = self.policy.act(last_observation)["values"]
        advantages = gae(
            trajectory["rewards"], values, next_values,
            trajectory["terminated"], trajectory["truncated"],
            gamma=self.gamma, gae_lambda=self.gae_lambda,
        )  # fmt: skip
        trajectory["advantages"] = advantages
        trajectory["value_targets"] = advantages + values


class ZeroAfterTheCut:
    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        values = trajectory["values"]
        next_values = self.policy.act(trajectory["next_observations"])["values"].copy()
        next_values[-1] = 0.0
        advantages = gae(
            trajectory["rewards"], values, next_values,
            trajectory["terminated"], trajectory["truncated"],
            gamma=self.gamma, gae_lambda=self.gae_lambda,
        )  # fmt: skip
        trajectory["advantages"] = advantages
        trajectory["value_targets"] = advantages + values


class TruncationAsTerminal:
    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        values = trajectory["values"]
        next_values = self.policy.act(trajectory["next_observations"])["values"]
        done = trajectory["terminated"] | trajectory["truncated"]
        advantages = gae(
            trajectory["rewards"], values, next_values, done, done,
            gamma=self.gamma, gae_lambda=self.gae_lambda,
        )  # fmt: skip
        trajectory["advantages"] = advantages
        trajectory["value_targets"] = advantages + values


class FlagsSwapped:
    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        values = trajectory["values"]
        next_values = self.policy.act(trajectory["next_observations"])["values"]
        advantages = gae(
            trajectory["rewards"], values, next_values,
            trajectory["truncated"], trajectory["terminated"],
            gamma=self.gamma, gae_lambda=self.gae_lambda,
        )  # fmt: skip
        trajectory["advantages"] = advantages
        trajectory["value_targets"] = advantages + values


class KnobsSwapped:
    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        values = trajectory["values"]
        next_values = self.policy.act(trajectory["next_observations"])["values"]
        advantages = gae(
            trajectory["rewards"], values, next_values,
            trajectory["terminated"], trajectory["truncated"],
            gamma=self.gae_lambda, gae_lambda=self.gamma,
        )  # fmt: skip
        trajectory["advantages"] = advantages
        trajectory["value_targets"] = advantages + values


class KnobsIgnored:
    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy = policy

    def __call__(self, trajectory, last_observation):
        values = trajectory["values"]
        next_values = self.policy.act(trajectory["next_observations"])["values"]
        advantages = gae(
            trajectory["rewards"], values, next_values,
            trajectory["terminated"], trajectory["truncated"],
            gamma=0.99, gae_lambda=0.95,
        )  # fmt: skip
        trajectory["advantages"] = advantages
        trajectory["value_targets"] = advantages + values


class OneStepTargets:
    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        rewards, terminated = trajectory["rewards"], trajectory["terminated"]
        next_values = self.policy.act(trajectory["next_observations"])["values"]
        trajectory["advantages"] = gae(
            rewards, trajectory["values"], next_values, terminated, trajectory["truncated"],
            gamma=self.gamma, gae_lambda=self.gae_lambda,
        )  # fmt: skip
        trajectory["value_targets"] = rewards + self.gamma * next_values * (1 - terminated)


class Normalised:
    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        values = trajectory["values"]
        next_values = self.policy.act(trajectory["next_observations"])["values"]
        advantages = gae(
            trajectory["rewards"], values, next_values,
            trajectory["terminated"], trajectory["truncated"],
            gamma=self.gamma, gae_lambda=self.gae_lambda,
        )  # fmt: skip
        trajectory["value_targets"] = advantages + values
        trajectory["advantages"] = (advantages - advantages.mean()) / (advantages.std() + 1e-8)


class TargetsAfterNormalising:
    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        values = trajectory["values"]
        next_values = self.policy.act(trajectory["next_observations"])["values"]
        advantages = gae(
            trajectory["rewards"], values, next_values,
            trajectory["terminated"], trajectory["truncated"],
            gamma=self.gamma, gae_lambda=self.gae_lambda,
        )  # fmt: skip
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        trajectory["advantages"] = advantages
        trajectory["value_targets"] = advantages + values


class TargetsWithoutValues:
    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        values = trajectory["values"]
        next_values = self.policy.act(trajectory["next_observations"])["values"]
        advantages = gae(
            trajectory["rewards"], values, next_values,
            trajectory["terminated"], trajectory["truncated"],
            gamma=self.gamma, gae_lambda=self.gae_lambda,
        )  # fmt: skip
        trajectory["advantages"] = advantages
        trajectory["value_targets"] = advantages


class AllAtOnce:
    """One call of the policy for all successors."""

    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        next_values = self.policy.act(trajectory["next_observations"])["values"]
        advantages = gae(
            trajectory["rewards"], trajectory["values"], next_values,
            trajectory["terminated"], trajectory["truncated"],
            gamma=self.gamma, gae_lambda=self.gae_lambda,
        )  # fmt: skip
        trajectory["advantages"] = advantages
        trajectory["value_targets"] = advantages + trajectory["values"]


class OnlyWhereNeeded:
    """The policy is asked only where values[t + 1] is not the successor's."""

    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.policy, self.gamma, self.gae_lambda = policy, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        values, truncated = trajectory["values"], trajectory["truncated"]
        next_values = np.zeros(len(values))
        next_values[:-1] = values[1:]
        for t in {*np.flatnonzero(truncated).tolist(), len(values) - 1}:
            next_values[t] = self.policy.act(trajectory["next_observations"][t])["values"]
        advantages = gae(
            trajectory["rewards"], values, next_values, trajectory["terminated"], truncated,
            gamma=self.gamma, gae_lambda=self.gae_lambda,
        )  # fmt: skip
        trajectory.update(advantages=advantages, value_targets=advantages + values)


class WithoutHelpers:
    """Its own backward pass, in float32."""

    def __init__(self, policy, gamma=0.99, gae_lambda=0.95):
        self.act, self.gamma, self.gae_lambda = policy.act, gamma, gae_lambda

    def __call__(self, trajectory, last_observation):
        rewards, values, terminated, truncated = (
            trajectory[key].astype(np.float32)
            for key in ("rewards", "values", "terminated", "truncated")
        )
        following = self.act(trajectory["next_observations"])["values"].astype(np.float32)
        targets = np.zeros_like(rewards)
        after = np.float32(0.0)
        for t in reversed(range(len(rewards))):
            delta = rewards[t] + self.gamma * (1 - terminated[t]) * following[t] - values[t]
            over = max(terminated[t], truncated[t])
            after = delta + self.gamma * self.gae_lambda * (1 - over) * after
            targets[t] = after + values[t]
        trajectory["value_targets"] = targets
        trajectory["advantages"] = targets - values


KEY = AnswerKey(
    reference=Reference,
    hints=(
        "Everything that gae needs is in the trajectory already, but for one argument. Which one, "
        "and who can compute it?",
        "The policy values any observation it is shown. Each step's true successor stands in "
        "next_observations, also where an episode ended; last_observation may be a reset's.",
        "Ask the policy once for all the successors, hand everything to gae, and store two new "
        "keys. The critic is to be fitted to what its values plus the raw advantages say.",
    ),
    misconceptions=(
        Misconception(
            "values[-1] stands in for the value after the last step",
            "values[-1] is V of the state in which the last action was taken. Where did it lead?",
            LastValueRepeated,
        ),
        Misconception(
            "V(s_t) stands where V(s_{t+1}) belongs",
            "Which key of the trajectory holds the places the steps led to?",
            CurrentValueAsNext,
        ),
        Misconception(
            "the value after a truncation is that of the reset",
            "Behind an ended episode, values[t + 1] and last_observation belong to the next one. "
            "Where is the true successor kept?",
            BootstrapFromReset,
        ),
        Misconception(
            "the value after the last step is that of last_observation, even where the episode "
            "was truncated there",
            "Behind an ended episode last_observation is a reset's. Where is the true successor "
            "kept?",
            LastStepFromReset,
        ),
        Misconception(
            "the value after the last step of the rollout is taken to be zero",
            "The rollout stops there because we stopped collecting. Did the episode end?",
            ZeroAfterTheCut,
        ),
        Misconception(
            "a truncation is treated as a termination",
            "The clock stopped the episode. Was the state it had reached worth nothing?",
            TruncationAsTerminal,
        ),
        Misconception(
            "terminated and truncated are passed in each other's place",
            "In which order does gae take its two flags?",
            FlagsSwapped,
        ),
        Misconception(
            "γ and λ are passed in each other's place",
            "One of the two says what a later reward is worth, the other how far to trust V. "
            "Which is which?",
            KnobsSwapped,
        ),
        Misconception(
            "the γ and λ that the transform was made with are not used",
            "What is kept of the arguments of __init__?",
            KnobsIgnored,
        ),
        Misconception(
            "the value targets are r + γ V', the target of a single step",
            "The critic is to learn from the whole trace: what do advantages and values add up to?",
            OneStepTargets,
        ),
        Misconception(
            "the advantages are normalised",
            "Normalising is another transform, which runs after this one. What does gae give?",
            Normalised,
        ),
        Misconception(
            "the value targets are computed after the advantages were normalised",
            "In which unit should the critic predict: that of the rewards, or none at all?",
            TargetsAfterNormalising,
        ),
        Misconception(
            "the value targets are the advantages, without the values",
            "An advantage says how much better than V. What would V have had to say?",
            TargetsWithoutValues,
        ),
    ),
    also_correct=(AllAtOnce, OnlyWhereNeeded, WithoutHelpers),
)
