"""The blur of what a photograph shows, with a sharp picture that goes on beyond its frame."""

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blur.circular import fast_length


class FreeBoundary:
    """x -> M (k * x): the sharp maps reach n // 2 beyond the frame on each side, and the frame M sees the rest.

    Nothing is assumed about what lies beyond: each value of the frame is a whole sum over the kernel.

    Args:
        values: (B, C, H, W), what the frame shows: a picture, or its gradients.
        size: n, odd, of the kernel.
    """

    def __init__(self, values: Tensor, size: int) -> None:
        self.values, self.size = values, size
        self.height, self.width = values.shape[-2:]
        self.tall, self.wide = self.height + size - 1, self.width + size - 1
        self.shape = (fast_length(self.tall), fast_length(self.wide))

    def spectrum(self, x: Tensor) -> Tensor:
        """The half spectrum of sharp maps, or of a kernel with its corner at the origin."""
        spectrum: Tensor = torch.fft.rfft2(x, s=self.shape)
        return spectrum

    def forward(self, x: Tensor, transfer: Tensor) -> Tensor:
        """M (k * x), (B, C, H, W): what the frame sees; `transfer` is the spectrum of k."""
        return self.seen(self.spectrum(x) * transfer)

    def seen(self, spectrum: Tensor) -> Tensor:
        """The part of a blur that the frame sees, from the spectrum of the blur: (B, C, H, W)."""
        y: Tensor = torch.fft.irfft2(spectrum, s=self.shape)
        return y[..., self.size - 1 : self.tall, self.size - 1 : self.wide]

    def unseen(self, y: Tensor) -> Tensor:
        """The adjoint of `seen`: the spectrum of a frame with nothing around it."""
        below, right = self.shape[0] - self.tall, self.shape[1] - self.wide  # at once, and no copy for the transform
        return self.spectrum(F.pad(y, (self.size - 1, right, self.size - 1, below)))

    def adjoint(self, y: Tensor, transfer: Tensor) -> Tensor:
        """The adjoint of `forward`, (B, C, H + n - 1, W + n - 1)."""
        x: Tensor = torch.fft.irfft2(self.unseen(y) * transfer.conj(), s=self.shape)
        return x[..., : self.tall, : self.wide]

    def around(self) -> Tensor:
        """What the frame shows, its rim repeated outwards: a first guess at the sharp maps."""
        r = self.size // 2
        return F.pad(self.values, (r, r, r, r), mode="replicate")

    def cut(self, x: Tensor) -> Tensor:
        """The part of the sharp maps within the frame, (B, C, H, W)."""
        r = self.size // 2
        return x[..., r : r + self.height, r : r + self.width]
