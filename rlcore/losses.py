"""Reference losses and diagnostics: the formulas that students write. Not part of their bundle.

Every argument is a tensor of one shape, (B,) as a rule; every answer is a 0-d tensor.
"""

import torch
from torch import Tensor


def policy_gradient_loss(log_probs: Tensor, psi: Tensor) -> Tensor:
    """Loss whose negative gradient is the policy gradient.

        L = −mean_t( Ψ_t log π(a_t | s_t) ),        −∇L = mean_t( Ψ_t ∇log π(a_t | s_t) )

    Schulman et al. 2016, arXiv:1506.02438, eq. 1, the sum over a rollout written as a mean.

    Args:
        log_probs: (B,), log π(a_t | s_t) with gradient.
        psi: (B,), Ψ_t, data.

    Raises:
        ValueError: shapes differ.
    """
    _same_shape(log_probs=log_probs, psi=psi)
    return -(psi * log_probs).mean()


def value_loss(values: Tensor, returns: Tensor) -> Tensor:
    """Mean squared error of the critic.

        L = mean_t( (V(s_t) − R_t)² )

    Args:
        values: (B,), V(s_t) with gradient.
        returns: (B,), what V regresses on, data.

    Raises:
        ValueError: shapes differ; (B,) and (B, 1) would make a table of B × B differences.
    """
    _same_shape(values=values, returns=returns)
    return (values - returns).square().mean()


def ppo_clip_loss(
    log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, *, clip_range: float
) -> Tensor:
    """Clipped surrogate loss.

        L = −mean_t( min( r_t Â_t, clip(r_t, 1 − ε, 1 + ε) Â_t ) ),        r_t = π(a_t) / π_old(a_t)

    Schulman et al. 2017, arXiv:1707.06347, eqs. 6 and 7; there it is an objective.

    Args:
        log_probs: (B,), log π(a_t | s_t) with gradient.
        old_log_probs: (B,), log π_old(a_t | s_t) of the policy that collected the data.
        advantages: (B,), Â_t.
        clip_range: ε > 0.

    Raises:
        ValueError: shapes differ.
    """
    _same_shape(log_probs=log_probs, old_log_probs=old_log_probs, advantages=advantages)
    ratio = torch.exp(log_probs - old_log_probs)
    clipped = ratio.clamp(1.0 - clip_range, 1.0 + clip_range)
    return -torch.minimum(ratio * advantages, clipped * advantages).mean()


def clipped_value_loss(
    values: Tensor, old_values: Tensor, value_targets: Tensor, *, clip_range: float
) -> Tensor:
    """Squared error of the critic, pessimistic where it moved further than ε.

        L = mean_t( max( (V_t − G_t)², (V_old,t + clip(V_t − V_old,t, −ε, ε) − G_t)² ) )

    From PPO's published code; the paper (arXiv:1707.06347) does not clip values.

    Args:
        values: (B,), V(s_t) with gradient.
        old_values: (B,), V_old(s_t) when the data were collected.
        value_targets: (B,), G_t.
        clip_range: ε > 0, unit of the return.

    Raises:
        ValueError: shapes differ.
    """
    _same_shape(values=values, old_values=old_values, value_targets=value_targets)
    clipped = old_values + (values - old_values).clamp(-clip_range, clip_range)
    errors = (values - value_targets).square()
    return torch.maximum(errors, (clipped - value_targets).square()).mean()


def approx_kl(log_probs: Tensor, old_log_probs: Tensor) -> Tensor:
    """Estimate of KL(π_old ‖ π) from actions of π_old, in nats; single samples may be negative.

    KL ≈ mean_t( log π_old(a_t) − log π(a_t) )
    """
    return (old_log_probs - log_probs).mean()


def clip_fraction(log_probs: Tensor, old_log_probs: Tensor, *, clip_range: float) -> Tensor:
    """Share of the ratios outside the band, in [0, 1]; its edges belong to the band.

    mean_t( 1[ |r_t − 1| > ε ] ),        r_t = π(a_t) / π_old(a_t)
    """
    ratio = torch.exp(log_probs - old_log_probs)
    return ((ratio - 1.0).abs() > clip_range).float().mean()


def max_ratio(log_probs: Tensor, old_log_probs: Tensor) -> Tensor:
    """max_t r_t, the action whose probability grew most; 1 when nothing moved."""
    return torch.exp(log_probs - old_log_probs).max()


def explained_variance(values: Tensor, value_targets: Tensor) -> Tensor:
    """1 − Var(G − V) / Var(G): 1 for a perfect critic, 0 for a constant one, below 0 for a worse.

    NaN where the targets do not vary.
    """
    return 1.0 - (value_targets - values).var() / value_targets.var()


def entropy(log_pi: Tensor) -> Tensor:
    """Mean entropy of discrete policies in nats, from all their log-probabilities (B, K).

    H = −mean_t Σ_k π_k log π_k
    """
    return -(log_pi.exp() * log_pi).sum(-1).mean()


def _same_shape(**tensors: Tensor) -> None:
    shapes = {name: tuple(one.shape) for name, one in tensors.items()}
    if len(set(shapes.values())) > 1:
        came = (
            f"The shapes differ: {', '.join(f'{name} {shape}' for name, shape in shapes.items())}"
        )
        raise ValueError(
            f"{came}; squeeze the critic's last axis, or index all with the same rows."
        )
