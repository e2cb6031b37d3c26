"""At which scale does this run, and on what? Pocket: seconds on a laptop. Full: minutes on a CUDA device."""

import html
import importlib.metadata
import os
import platform
from dataclasses import dataclass
from typing import TypeVar

import torch

from deblurlib.contracts import choice

T = TypeVar("T")

VARIABLE = "DEBLUR_SCALE"
"""The environment variable that chooses the scale: pocket, full or auto (the default)."""

FULL_MEMORY = 12 * 2**30
"""Bytes of GPU memory from which `auto` chooses the full scale (our choice: the full recipe's batch fits)."""


@dataclass(frozen=True)
class Profile:
    """The scale that notebooks run at, and the machine under it.

    Attributes:
        scale: 'pocket' or 'full'.
        device: Where tensors go.
        why: One clause that says how the scale was chosen.
    """

    scale: str
    device: torch.device
    why: str

    def pick(self, *, pocket: T, full: T) -> T:
        """The value for this scale.

        Example:
            >>> Profile("pocket", torch.device("cpu"), "an example").pick(pocket=10, full=1000)
            10
        """
        return pocket if self.scale == "pocket" else full


def current() -> Profile:
    """The profile of this process, from the environment variable DEBLUR_SCALE and the devices at hand.

    `auto` chooses 'full' where a CUDA device with at least 12 GiB is found, and 'pocket' elsewhere.

    Raises:
        ValueError: DEBLUR_SCALE holds anything but pocket, full or auto.

    Example:
        >>> import unittest.mock
        >>> with unittest.mock.patch.dict(os.environ, {"DEBLUR_SCALE": "pocket"}):
        ...     current().scale
        'pocket'
    """
    asked = choice(os.environ.get(VARIABLE, "auto").lower() or "auto", VARIABLE, ("pocket", "full", "auto"))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    if asked != "auto":
        return Profile(asked, device, f"{VARIABLE}={asked}")
    if cuda and torch.cuda.get_device_properties(0).total_memory >= FULL_MEMORY:
        return Profile("full", device, "a CUDA device with enough memory is here")
    return Profile("pocket", device, "the CUDA device has less than 12 GiB" if cuda else "there is no CUDA device")


def seed(number: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh source of random numbers. Everything in the library that draws takes one; nothing draws globally.

    Args:
        number: The seed.
        device: Where the numbers are drawn; each device has its own sequence.

    Raises:
        ValueError: a number that does not fit 64 bits.

    Example:
        >>> torch.rand(1, generator=seed(1)) == torch.rand(1, generator=seed(1))
        tensor([True])
    """
    if not -(2**63) <= number < 2**64:
        raise ValueError(f"seed: expected a number of 64 bits, got {number}.")
    return torch.Generator(device).manual_seed(number)


@dataclass(frozen=True)
class Report:
    """What the doctor found: pairs of a name and a finding. Prints as text, shows as a table in a notebook."""

    lines: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self.lines)
        return "\n".join(f"{name:<{width}}  {finding}" for name, finding in self.lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row" style="text-align:left">{html.escape(name)}</th>'
            f'<td style="text-align:left">{html.escape(finding)}</td></tr>'
            for name, finding in self.lines
        )
        return f'<table class="doctor"><tbody>{rows}</tbody></table>'


def doctor() -> Report:
    """Look at this machine: device, memory, versions, the profile chosen and what it skips.

    Returns:
        A report that prints as text and shows as a table in a notebook.

    Example:
        >>> [name for name, _ in doctor().lines][:3]
        ['scale', 'device', 'memory']
    """
    profile = current()
    versions = ("deblurlib", "torch", "torchvision", "numpy", "scikit-image", "matplotlib", "pillow")
    skipped = profile.pick(
        pocket="full-scale training (DEBLUR_SCALE=full turns it on); its results are shown from recorded runs",
        full="nothing",
    )
    return Report(
        (
            ("scale", f"{profile.scale} ({profile.why})"),
            ("device", _device(profile.device)),
            ("memory", _memory(profile.device)),
            ("threads", f"{torch.get_num_threads()} of {os.cpu_count()} cores"),
            ("bfloat16", "fast" if fast_bfloat16(profile.device) else "slow here, float32 is used"),
            ("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
            ("versions", ", ".join(f"{name} {_version(name)}" for name in versions)),
            ("skips", skipped),
        )
    )


def fast_bfloat16(device: torch.device) -> bool:
    """Whether this device multiplies bfloat16 in hardware, so that half precision is faster than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    return any(
        bool(getattr(torch.cpu, name, lambda: False)())
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )


def _device(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} (CUDA {torch.version.cuda})"
    return f"CPU, {torch.backends.cpu.get_cpu_capability()}"


def _memory(device: torch.device) -> str:
    text = []
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        text.append(f"GPU {free / 2**30:.1f} of {total / 2**30:.1f} GiB free")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        text.append(f"RAM {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB")
    return ", ".join(text) or "unknown"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
