"""What the sensor and the file do to light: photons and read noise, saturation, and the curve of the file."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.contracts import OPERATOR_LIMIT, choice, image, number, source

CURVES = ("srgb", "gamma", "none")
"""From light to file values: the standard's curve, the plain power 1 / 2.2 of Nah et al. (2017), or no curve."""

GAMMA = 2.2
BEND = 0.0031308
"""Below this amount of light the sRGB curve is a straight line (IEC 61966-2-1)."""


def to_linear(x: Tensor, curve: str = "srgb") -> Tensor:
    """From the values in a file to amounts of light, which add up as light does.

    sRGB: v / 12.92 for v <= 0.04045, else ((v + 0.055) / 1.055)^2.4 (IEC 61966-2-1). Differentiable.

    Args:
        x: Image (B, C, H, W); values above 1 are brighter than white, values below 0 are mapped along the line.
        curve: 'srgb'; 'gamma', v^2.2; or 'none'.

    Returns:
        Light, same shape; black stays 0 and white 1.

    Raises:
        TypeError, ValueError: `x` is not an image, or the curve is unknown.

    Example:
        >>> x = torch.full((1, 1, 2, 2), 0.5)
        >>> round(float(to_linear(x)[0, 0, 0, 0]), 4), round(float(from_linear(to_linear(x))[0, 0, 0, 0]), 4)
        (0.214, 0.5)
    """
    image(x, operator=True)
    if choice(curve, "curve", CURVES) == "none":
        return x
    if curve == "gamma":
        return x.clamp(min=0) ** GAMMA
    bent = ((x.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(x <= 0.04045, x / 12.92, bent)


def from_linear(light: Tensor, curve: str = "srgb") -> Tensor:
    """From amounts of light to the values in a file: the inverse of `to_linear`. Differentiable; nothing is clipped.

    Args:
        light: (B, C, H, W).
        curve: As for `to_linear`; for 'gamma' negative light becomes 0.

    Returns:
        Image, same shape.

    Raises:
        TypeError, ValueError: `light` is not an image, or the curve is unknown.

    Example:
        >>> half = from_linear(torch.full((1, 1, 2, 2), 0.5))
        >>> round(float(half[0, 0, 0, 0]), 4)
        0.7354
    """
    image(light, "light", operator=True)
    if choice(curve, "curve", CURVES) == "none":
        return light
    if curve == "gamma":
        return light.clamp(min=1e-8) ** (1 / GAMMA) * (light > 0)
    bent = 1.055 * light.clamp(min=BEND) ** (1 / 2.4) - 0.055
    return torch.where(light <= BEND, light * 12.92, bent)


def add_sensor_noise(
    light: Tensor, *, photons: float | None = None, read: float = 0.0, generator: torch.Generator | None = None
) -> Tensor:
    """Add the noise of a sensor: photons that arrive one by one, and an amplifier that hisses.

    y = Poisson(photons x) / photons + read n, n ~ N(0, 1): mean x, variance x / photons + read^2 (Foi et al. 2008).
    The noise is a sample and has no derivative; the gradient of its mean, which is one, passes through.

    Args:
        light: (B, C, H, W), linear light; below 0 no photons arrive.
        photons: That white yields at a pixel on average; None leaves photon noise out.
        read: Standard deviation of the read noise, where white is 1.
        generator: Source of randomness, on the device of `light` or on the CPU; None uses a fresh one seeded with 0.

    Returns:
        The noisy light, same shape and dtype; not clipped.

    Raises:
        TypeError, ValueError: `light` is not an image, or a setting is out of range.

    Example:
        >>> grey = torch.full((1, 1, 128, 128), 0.25)
        >>> noisy = add_sensor_noise(grey, photons=100.0, read=0.02)
        >>> abs(float(noisy.var()) / (0.25 / 100 + 0.02**2) - 1) < 0.05
        True
    """
    image(light, "light", operator=True)
    number(read, "read", low=0, high=1)
    generator = source(generator)
    y = light
    if photons is not None:
        number(photons, "photons", low=0, high=1e7, open_low=True)
        # Counts are drawn in float64: float32 cannot count past 2^24.
        expected = (light.detach().double().clamp(min=0) * photons).to(generator.device)
        counted = torch.poisson(expected, generator=generator) / photons
        y = y + (counted.to(light) - light.detach())
    if read > 0:
        hiss = torch.randn(light.shape, generator=generator, device=generator.device, dtype=light.dtype)
        y = y + read * hiss.to(light.device)
    return y


def saturate(light: Tensor, *, smooth: float | None = None) -> Tensor:
    """Clip light at white, min(x, 1), as a full sensor does.

    With `smooth` = a the corner is rounded, x - log(1 + exp(a (x - 1))) / a (Whyte et al. 2014, who take a = 50), so
    that the derivative does not end at white.

    Args:
        light: (B, C, H, W).
        smooth: Sharpness of the corner; None clips.

    Returns:
        Same shape; at most 1.

    Raises:
        TypeError, ValueError: `light` is not an image, or `smooth` is not above 0.

    Example:
        >>> x = torch.tensor([[[[0.5, 1.0], [1.5, 3.0]]]])
        >>> saturate(x).flatten().tolist()
        [0.5, 1.0, 1.0, 1.0]
        >>> [round(v, 3) for v in saturate(x, smooth=50.0).flatten().tolist()]
        [0.5, 0.986, 1.0, 1.0]
    """
    image(light, "light", operator=True)
    if smooth is None:
        return light.clamp(max=1)
    return light - F.softplus(light - 1, beta=number(smooth, "smooth", low=0, open_low=True))


def expose(
    x: Tensor,
    blur: Callable[[Tensor], Tensor] | None = None,
    *,
    curve: str = "srgb",
    gain: float = 1.0,
    photons: float | None = None,
    read: float = 0.0,
    clip: bool = True,
    smooth: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Take a photograph: y = curve(clip(blur(gain light(x)) + noise)), the whole forward model from file to file.

    The order is the camera's: light adds on the sensor, then comes noise, then the sensor is full, and the curve of
    the file is last. With curve='none', clip=False and no noise it is `blur` itself. Differentiable in `x`.

    Args:
        x: Sharp image (B, C, H, W), file values; what is brighter than 1 is a highlight that will not fit the file.
        blur: `Blur`, `FilterFlow`, `RotationBlur` or any function of light; None leaves the light where it is.
        curve: Of the file, see `to_linear`.
        gain: Of the exposure: 2 is one stop more, and drives highlights beyond white.
        photons: See `add_sensor_noise`.
        read: See `add_sensor_noise`.
        clip: Whether the sensor saturates, and negative light is black.
        smooth: See `saturate`.
        generator: Source of randomness; None uses a fresh one seeded with 0.

    Returns:
        The photograph, file values; in [0, 1] when it is clipped.

    Raises:
        TypeError, ValueError: `x` is not an image, or a setting is out of range.

    Example:
        >>> x = torch.full((1, 1, 4, 4), 0.5)
        >>> [round(float(expose(x, gain=gain)[0, 0, 0, 0]), 3) for gain in (1.0, 2.0, 8.0)]
        [0.5, 0.686, 1.0]
    """
    gain = number(gain, "gain", low=0, high=16, open_low=True)
    light = to_linear(x, curve)
    light = gain * (light if blur is None else blur(light))  # a blur is linear: the gain may come after it
    if clip:
        light = light.clamp(max=OPERATOR_LIMIT)  # far above white; no noise brings it back
    light = add_sensor_noise(light, photons=photons, read=read, generator=generator)
    if clip:
        light = saturate(light.clamp(min=0), smooth=smooth).clamp(min=0)
    return from_linear(light, curve)
