"""The camera turns about its optical axis: sharp in the middle, arcs towards the corners."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib import contracts
from deblurlib.blur.spatially_varying import shares

BEYOND = {"reflect": "reflection", "replicate": "border", "zero": "zeros"}
"""What a turned frame sees beyond the picture, and what `grid_sample` calls it."""


class RotationBlur:
    """Blur by a camera that turns about its optical axis, and may slide: y = sum_t w_t R_t x (Whyte et al. 2012).

    R_t turns the picture by the angle of moment t about the middle of the frame and then moves it, with bilinear
    interpolation between pixels; the weights w_t are shares of the exposure. `adjoint` is exact for every boundary.
    Choose so many angles that a corner moves by a pixel or less between them, or it will be seen several times.

    Args:
        angles: (T,) in degrees, counter-clockwise as the picture is seen.
        weights: (T,), non-negative, divided by their sum; None takes all moments alike.
        shifts: (T, 2) rows and columns in pixels by which the turned picture moves; None turns only.
        boundary: What lies beyond the frame: 'reflect' (without repeating the edge pixel), 'replicate' or 'zero'.

    Raises:
        TypeError, ValueError: shapes that do not fit each other, numbers that are not finite, an unknown boundary.

    Example:
        >>> x = torch.zeros(1, 1, 5, 5)
        >>> x[0, 0, 2, 3] = 1.0  # right of the middle
        >>> y = RotationBlur(torch.tensor([0.0, 90.0]), boundary="zero")(x)
        >>> (y > 0.4).nonzero()[:, 2:].tolist()  # half the time there, half the time above the middle
        [[1, 2], [2, 3]]
    """

    def __init__(
        self,
        angles: Tensor,
        weights: Tensor | None = None,
        *,
        shifts: Tensor | None = None,
        boundary: str = "reflect",
    ) -> None:
        if not isinstance(angles, Tensor) or not angles.is_floating_point():
            kind = angles.dtype if isinstance(angles, Tensor) else type(angles).__name__
            raise TypeError(f"angles: expected a float tensor of degrees, got {kind}.")
        if angles.ndim != 1 or not len(angles) or not bool(angles.isfinite().all()):
            raise ValueError(f"angles: expected finite numbers, one for each moment, got shape {tuple(angles.shape)}.")
        if shifts is None:
            shifts = angles.new_zeros(len(angles), 2)
        if not isinstance(shifts, Tensor) or shifts.shape != (len(angles), 2) or not bool(shifts.isfinite().all()):
            found = tuple(shifts.shape) if isinstance(shifts, Tensor) else type(shifts).__name__
            raise ValueError(
                f"shifts: expected finite numbers of shape ({len(angles)}, 2), rows and columns for each angle, "
                f"got {found}."
            )
        self.angles, self.shifts = angles, shifts.to(angles)
        self.weights = shares(weights, len(angles), angles)
        self.boundary = contracts.choice(boundary, "boundary", tuple(BEYOND))

    def __repr__(self) -> str:
        return f"RotationBlur({len(self.angles)} angles, boundary={self.boundary!r})"

    def __call__(self, x: Tensor) -> Tensor:
        """Blur an image: `forward`."""
        return self.forward(x)

    def forward(self, x: Tensor) -> Tensor:
        """Blur an image (B, C, H, W), dtype and device of the angles. Differentiable, in the motion too.

        Raises:
            TypeError, ValueError: `x` is not an image, or on another device or of another dtype.
        """
        return self._mean(x, back=False)

    def adjoint(self, y: Tensor) -> Tensor:
        """Apply the exact adjoint: each pixel hands its value back to the four that it was interpolated from.

        Differentiable in `y`. On a GPU the order of additions varies, and so does the last digit.

        Raises:
            TypeError, ValueError: as `forward`.
        """
        return self._mean(y, back=True)

    def frames(self, x: Tensor) -> Tensor:
        """What the camera saw at each moment: (T, B, C, H, W). Their weighted mean is `forward(x)`."""
        contracts.image(x, operator=True)
        return torch.stack([self._turn(x, t, back=False) for t in range(len(self.angles))])

    def _mean(self, x: Tensor, *, back: bool) -> Tensor:
        contracts.image(x, operator=True)
        if x.dtype != self.angles.dtype or x.device != self.angles.device:
            raise TypeError(
                f"image: is {x.dtype} on {x.device}, the angles are {self.angles.dtype} on {self.angles.device}; "
                "make both alike: angles.to(image)."
            )
        total = torch.zeros_like(x)
        for t, weight in enumerate(self.weights):
            total = total + weight * self._turn(x, t, back=back)
        return total

    def _turn(self, x: Tensor, t: int, *, back: bool) -> Tensor:
        """One moment: gather along the turned grid, or spread back along it. All images and channels share the grid."""
        flat = x.reshape(1, -1, *x.shape[-2:])
        grid = self._grid(t, x.shape[-2], x.shape[-1])
        turned: Tensor = (
            _Spread.apply(flat, grid, BEYOND[self.boundary])
            if back
            else F.grid_sample(flat, grid, padding_mode=BEYOND[self.boundary], align_corners=True)
        )
        return turned.view_as(x)

    def _grid(self, t: int, height: int, width: int) -> Tensor:
        """Where each pixel's light comes from, in grid_sample's units: columns before rows, -1 to 1."""
        turn = torch.deg2rad(self.angles[t])
        cosine, sine = turn.cos(), turn.sin()
        down, right = self.shifts[t]
        half_h, half_w = (height - 1) / 2, (width - 1) / 2
        rows = torch.arange(height, dtype=turn.dtype, device=turn.device)[:, None] - half_h - down
        columns = torch.arange(width, dtype=turn.dtype, device=turn.device) - half_w - right
        source = torch.stack(
            [(cosine * columns - sine * rows) / half_w, (sine * columns + cosine * rows) / half_h], dim=-1
        )
        return source[None]


class _Spread(torch.autograd.Function):
    """The adjoint of bilinear gathering, linear in its input; its own derivative is the gathering."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, grid: Tensor, beyond: str) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.beyond = beyond
        with torch.enable_grad():
            x = torch.zeros_like(y, requires_grad=True)
            gathered = F.grid_sample(x, grid.detach(), padding_mode=beyond, align_corners=True)
        return torch.autograd.grad(gathered, x, y.detach())[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (grid,) = ctx.saved_tensors
        return F.grid_sample(gradients[0], grid, padding_mode=ctx.beyond, align_corners=True), None, None
