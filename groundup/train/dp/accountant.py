"""How much `steps` steps of DP-SGD give away: (epsilon, delta), for Poisson sampling of a share q and Gaussian noise.

Neighbours differ by adding or removing one row. sigma is the noise's standard deviation over the clipping norm.

    rdp     Renyi divergence at integer orders a (Mironov, Talwar, Zhang 2019):
            1/(a-1) log sum_k binom(a,k) (1-q)^(a-k) q^k exp((k^2 - k) / (2 sigma^2)), times steps; then to epsilon by
            "classic" (Mironov 2017) rdp + log(1/delta)/(a-1), or "tight" (Canonne, Kamath, Steinke 2020)
    exact   the privacy loss of one step as a distribution on a grid, composed by FFT (Koskela et al. 2020; the grid's
            masses keep P and Q of each cell: "connect the dots", Doroshenko et al. 2022, never too small)

`epsilon` takes exact, which is the smallest of the three; rdp stands beside it as its simple twin.

L losses on a grid.
"""

from __future__ import annotations

import math

import numpy as np
import torch

ORDERS = (*range(2, 65), 80, 96, 128, 192, 256, 384, 512)  # classic papers' orders and some above, for much noise
GRID = 1e-4  # step of the loss grid; the error of epsilon is about steps x GRID^2
SMALLEST_MASS = 1e-15  # tails below this count as losing everything (pessimistic)


def rdp(order: int, *, noise: float, share: float) -> float:
    """Renyi divergence of one step at an integer order."""
    if share == 1:
        return order / (2 * noise**2)
    terms = [
        math.lgamma(order + 1)
        - math.lgamma(k + 1)
        - math.lgamma(order - k + 1)
        + (order - k) * math.log1p(-share)
        + k * math.log(share)
        + (k * k - k) / (2 * noise**2)
        for k in range(order + 1)
    ]
    highest = max(terms)
    return (highest + math.log(sum(math.exp(term - highest) for term in terms))) / (order - 1)


def rdp_epsilon(*, noise: float, share: float, steps: int, delta: float, conversion: str = "tight") -> float:
    """The smallest epsilon over the orders; conversion: "tight" or "classic"."""
    best = math.inf
    for order in ORDERS:
        total = steps * rdp(order, noise=noise, share=share)
        if conversion == "classic":
            found = total + math.log(1 / delta) / (order - 1)
        else:
            found = total + math.log1p(-1 / order) - (math.log(delta) + math.log(order)) / (order - 1)
        best = min(best, found)
    return max(0.0, best)


def gaussian_delta(epsilon: float, *, noise: float) -> float:
    """delta of one Gaussian release without sampling, exactly (Balle and Wang 2018, theorem 8)."""
    below = lambda x: 0.5 * math.erfc(-x / math.sqrt(2))  # noqa: E731
    a, b = 1 / (2 * noise), epsilon * noise
    return below(a - b) - math.exp(epsilon) * below(-a - b)


def exact_epsilon(*, noise: float, share: float, steps: int, delta: float) -> float:
    """Epsilon by numerical composition: the larger of the two directions (a row added, a row removed)."""
    return max(_composed(removed, noise, share, steps, delta) for removed in (True, False))


def epsilon(*, noise: float, share: float, steps: int, delta: float) -> float:
    """What `steps` steps cost. inf without noise; 0 without steps."""
    if noise == 0:
        return math.inf
    if steps == 0 or share == 0:
        return 0.0
    return exact_epsilon(noise=noise, share=share, steps=steps, delta=delta)


def noise_for(target: float, *, share: float, steps: int, delta: float) -> float:
    """The least noise (to 1 %, rounded up) whose epsilon is at most `target`."""
    # RDP brackets cheaply; its noise is enough, since exact never needs more.
    low, high = 1e-2, 1.0
    while rdp_epsilon(noise=high, share=share, steps=steps, delta=delta) > target:
        low, high = high, high * 2
        if high > 1e5:
            raise ValueError(f"no noise makes {steps} steps with delta {delta} cost at most {target}")
    while high / low > 1.01:
        middle = math.sqrt(low * high)
        kept = rdp_epsilon(noise=middle, share=share, steps=steps, delta=delta) <= target
        low, high = (low, middle) if kept else (middle, high)
    low = high / 2
    while high / low > 1.01:
        middle = math.sqrt(low * high)
        kept = exact_epsilon(noise=middle, share=share, steps=steps, delta=delta) <= target
        low, high = (low, middle) if kept else (middle, high)
    return high


def _composed(removed: bool, noise: float, share: float, steps: int, delta: float) -> float:
    """Epsilon of one direction. NumPy and one thread: small transforms gain nothing from more."""
    # Where the composed loss can lie at all: by RDP, its tail above `top` is below delta / 1e6, and below -top likewise.
    top = rdp_epsilon(noise=noise, share=share, steps=steps, delta=delta * 1e-6) + 1
    grid = max(GRID, top / 2**19)
    first, masses_L, lost = _one_step(removed, noise, share, grid, top)
    size = 1 << math.ceil(2 * top / grid + len(masses_L)).bit_length()
    turned = np.fft.rfft(masses_L, n=size)
    wrapped_L = np.maximum(np.fft.irfft(turned**steps, n=size), 0)  # convolution powers wrap around at `size`
    numbers_L = (np.arange(size) + first * steps + size // 2) % size - size // 2  # of the grid: loss 0 in the middle
    lowest = int(np.argmin(numbers_L))
    losses_L, masses_L = np.roll(numbers_L, -lowest) * grid, np.roll(wrapped_L, -lowest)
    # delta(e) = lost + sum over losses l > e of mass (1 - exp(e - l)); from the right, for all e of the grid at once.
    bounded_L = np.clip(losses_L, -700, 700)
    above_L = np.cumsum(masses_L[::-1])[::-1]
    weighted_L = np.cumsum((masses_L * np.exp(-bounded_L))[::-1])[::-1]
    deltas_L = -math.expm1(steps * math.log1p(-lost)) + above_L - np.exp(bounded_L) * weighted_L
    fitting = np.flatnonzero((deltas_L <= delta) & (losses_L >= 0))
    return float(losses_L[fitting[0]]) if len(fitting) else math.inf


def _one_step(removed: bool, noise: float, share: float, grid: float, top: float) -> tuple[int, np.ndarray, float]:
    """(number of the first loss, masses on consecutive multiples of `grid`, mass that loses everything) of one step."""
    reach = 1 + 10 * noise  # beyond ten standard deviations there is less than SMALLEST_MASS
    # With a row removed the loss is log P/Q with P the mixture; added: the other way round, so minus that.
    lowest, highest = _loss(-reach, noise, share), _loss(reach, noise, share)
    low, high = (lowest, highest) if removed else (-highest, -lowest)
    first = math.floor(max(low, -top) / grid) - 1
    borders_L = np.arange(first, math.ceil(min(high, top) / grid) + 2) * grid
    at_L = _place(borders_L if removed else -borders_L, noise, share)
    # Masses of the plain Gaussian and of the mixture between neighbouring borders.
    plain_L, shifted_L = abs(_between(at_L, 0.0, noise)), abs(_between(at_L, 1.0, noise))
    mixed_L = (1 - share) * plain_L + share * shifted_L
    of_p_L, of_q_L = (mixed_L, plain_L) if removed else (plain_L, mixed_L)
    # A cell's mass goes to its two ends so that both P and Q keep theirs.
    up_L = (of_p_L - of_q_L * np.exp(borders_L[:-1])) / -math.expm1(-grid)
    up_L = np.clip(up_L, 0, of_p_L)
    masses_L = np.zeros(len(borders_L))
    masses_L[1:] += up_L
    masses_L[:-1] += of_p_L - up_L
    return first, masses_L, max(1.0 - float(masses_L.sum()), SMALLEST_MASS)


def _loss(x: float, noise: float, share: float) -> float:
    """log of mixture over plain density at x."""
    ratio = (2 * x - 1) / (2 * noise**2)
    return ratio if share == 1 else float(np.logaddexp(math.log1p(-share), math.log(share) + ratio))


def _place(losses_L: np.ndarray, noise: float, share: float) -> np.ndarray:
    """The x at which the loss is reached; -inf where it is below all losses."""
    inner_L = np.expm1(np.minimum(losses_L, 600)) + share  # e^loss - (1 - share)
    with np.errstate(divide="ignore"):
        logs_L = np.where(losses_L > 600, losses_L, np.log(np.maximum(inner_L, 0)))
    return noise**2 * (logs_L - math.log(share)) + 0.5


def _between(at_L: np.ndarray, mean: float, noise: float) -> np.ndarray:
    """Gaussian mass between neighbouring places, from the nearer tail so that small ones keep their digits."""
    z_L = (at_L - mean) / noise
    tail_L = _below(-abs(z_L))
    left_L, right_L = tail_L[:-1], tail_L[1:]
    crossing = (z_L[:-1] > 0) != (z_L[1:] > 0)
    return np.where(crossing, 1 - left_L - right_L, right_L - left_L)


def _below(z_L: np.ndarray) -> np.ndarray:
    """The normal distribution's share below z; in pieces that PyTorch computes with one thread."""
    pieces = [
        torch.special.ndtr(torch.from_numpy(piece)).numpy() for piece in np.array_split(z_L, len(z_L) // 30_000 + 1)
    ]
    return np.concatenate(pieces)
