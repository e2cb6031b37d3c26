"""The shaking hand: random trajectories and the kernels that they draw.

The process is that of Boracchi and Foi (2012) in the parameters of Kupyn et al. (2018): a particle of constant speed
whose heading drifts, which a spring pulls back to where it started, and which now and then jerks round.
"""

import math
from numbers import Integral

import torch
from torch import Tensor

from deblurlib.blur.kernels import splat
from deblurlib.contracts import choice, number, odd_size, source

ANXIETY = (0.01, 0.009, 0.008, 0.007, 0.005, 0.003)
"""How restless the hand is; one value is drawn for each trajectory (DeblurGAN, motion_blur/blur_image.py)."""

REFERENCE_STEPS = 2000
"""Steps of the original process; a shorter one keeps its law by scaling (see `trajectory`)."""


def trajectory(
    batch: int,
    *,
    length: float | tuple[float, float] = 60.0,
    steps: int = 256,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw paths of a shaking camera.

    With v the velocity of length dl = length / (steps - 1), a the anxiety and m = 2000 / steps, each step is

        v <- v + J + a dl (s sqrt(m) noise - c m x),   v <- dl v / |v|,   x <- x + v,

    where the jerk J = 2 v exp(i (pi + u)), u ~ U(-1/2, 1/2), comes with probability m p a, and c ~ U(0, 0.7),
    p ~ U(0, 0.2), s ~ U(0, 10) are drawn once a path. Scaling by m gives nearly the same law for any number of steps.

    Args:
        batch: Number of paths.
        length: Of the path in pixels; a pair draws it uniformly for each path.
        steps: Of the simulation; 2000 in the original; 256 make paths about two per cent smaller.
        generator: Source of all randomness; None uses a fresh one seeded with 0.

    Returns:
        (batch, steps, 2) positions in pixels (rows, columns), starting at the origin, on the generator's device.

    Raises:
        TypeError: `batch` or `steps` is no integer.
        ValueError: `batch` or `steps` too small, or a length that is negative or above a million.

    Example:
        >>> path = trajectory(2, length=20.0, generator=torch.Generator().manual_seed(0))
        >>> path.shape, round(float(path.diff(dim=1).norm(dim=-1).sum(dim=1)[0]), 3)
        (torch.Size([2, 256, 2]), 20.0)
    """
    if not (isinstance(batch, Integral) and isinstance(steps, Integral)):
        raise TypeError(f"batch and steps: expected integers, got {batch!r} and {steps!r}.")
    if batch < 1 or steps < 2:
        raise ValueError(f"batch and steps: expected at least 1 and 2, got {batch} and {steps}.")
    low, high = length if isinstance(length, tuple) else (length, length)
    number(low, "length", low=0)
    number(high, "length", low=low, high=1e6)
    generator = source(generator)
    device = generator.device

    def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=generator, device=device)

    m = REFERENCE_STEPS / steps
    total = uniform(batch, low=low, high=high)
    spring = uniform(batch, high=0.7)
    jerk_rate = uniform(batch, high=0.2)
    strength = uniform(batch, high=10.0)
    heading = uniform(batch, high=2 * math.pi)
    pick = torch.randint(len(ANXIETY), (batch,), generator=generator, device=device)
    a = torch.tensor(ANXIETY, device=device)[pick]
    noise = torch.view_as_complex(torch.randn(steps, batch, 2, generator=generator, device=device))
    push = a * strength * math.sqrt(m) * noise
    jerks = uniform(steps, batch) < jerk_rate * a * m
    turn = math.pi + uniform(steps, batch, low=-0.5, high=0.5)
    kick = 1 + torch.polar(2.0 * jerks, turn)  # v + J = v (1 + 2 exp(i (pi + u))), or v

    # Positions are complex numbers in units of dl, so that the speed is one; the spring is scaled to match.
    dl = total / (steps - 1)
    pull = a * spring * m * dl
    v = torch.polar(torch.ones_like(heading), heading)
    x = torch.zeros_like(v)
    path = torch.empty(steps, batch, dtype=v.dtype, device=device)
    for t in range(steps):
        path[t] = x
        v = v * kick[t] + push[t] - pull * x
        v = v / v.abs().clamp_min(1e-12)
        x = x + v
    return torch.view_as_real((path * dl).T.contiguous())


def camera_shake(
    batch: int,
    size: int = 31,
    *,
    length: float | tuple[float, float] | None = None,
    exposure: float = 1.0,
    centre: str = "centroid",
    steps: int = 256,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw kernels of camera shake: the light that a random trajectory leaves on the sensor.

    Boracchi & Foi (2012), parameters of Kupyn et al. (2018). Unlike their code, a kernel sums to one at every
    exposure, and it is centred on its centroid, so that blurring does not shift the image.

    Args:
        batch: Number of kernels.
        size: Side in pixels, odd.
        length: Of the whole path in pixels, at most size - 3 (then every path fits); a pair draws it uniformly.
            None draws it from size / 4 to size - 3.
        exposure: Fraction of the path during which the shutter is open, in (0, 1].
        centre: 'centroid', or 'box': the bounding box of the *whole* path is centred as the original code does,
            which shifts the image when the light is unevenly spread.
        steps: Of the simulated trajectory.
        generator: Source of all randomness; None uses a fresh one seeded with 0.

    Returns:
        (batch, 1, size, size) float32, non-negative, sum 1, on the generator's device.

    Raises:
        TypeError: a number that is no integer where one is counted.
        ValueError: an even size, a path too long for it, an exposure outside (0, 1].

    Example:
        >>> k = camera_shake(4, 31, generator=torch.Generator().manual_seed(7))
        >>> k.shape, round(float(k[0].sum()), 4)
        (torch.Size([4, 1, 31, 31]), 1.0)
    """
    size = odd_size(size)
    if size < 5:
        raise ValueError(f"size: camera shake needs at least 5 pixels, got {size}.")
    choice(centre, "centre", ("centroid", "box"))
    number(exposure, "exposure", low=0, high=1, open_low=True)
    longest = float(size - 3)
    if length is None:
        length = (min(size / 4, longest), longest)
    if (length[1] if isinstance(length, tuple) else length) > longest:
        raise ValueError(
            f"length: a path of {length} pixels may leave a kernel of {size}; at most {longest:g} pixels always fit."
        )
    path = trajectory(batch, length=length, steps=steps, generator=generator)
    exposed = path[:, : max(1, round(exposure * steps))]
    if centre == "centroid":
        points = exposed - exposed.mean(dim=1, keepdim=True)
    else:
        points = exposed - (path.amin(dim=1, keepdim=True) + path.amax(dim=1, keepdim=True)) / 2
    k = splat(points, size)
    return k / k.sum(dim=(-2, -1), keepdim=True)
