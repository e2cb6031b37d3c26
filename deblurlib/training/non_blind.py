"""What one training step does where the kernel is known: a denoiser, a network for every kernel, a network for one."""

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from deblurlib.deconvolution.learned import deconvolution_cnn, deep_deconvolution, plug_and_play, wiener_estimates
from deblurlib.networks import Deblurrer, Deconvolver, Denoiser, KernelCNN
from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import Batch, the_kernel
from deblurlib.training.systems import SYSTEMS, Losses, System

GREY = 4
"""One crop in so many is made grey: these networks serve both (our choice)."""

LUMA = (0.299, 0.587, 0.114)

Door = Callable[[nn.Module, Tensor, Tensor, float], Tensor]
"""Network, blurred, kernel, noise -> sharp."""


class KnownKernelRestorer(Deblurrer):
    """A trained network behind its method's door: blurred photograph, kernel and noise in, sharp photograph out."""

    needs_kernel = True

    def __init__(self, network: nn.Module, door: Door) -> None:
        self.network, self.door = network.eval(), door

    @torch.inference_mode()
    def __call__(self, blurred: Tensor, kernel: Tensor | None = None, noise: float = 0.01) -> Tensor:
        """Restore images.

        Args:
            blurred: (B, C, H, W) in [0, 1], C = 1 or 3.
            kernel: (B or 1, 1, h, w).
            noise: Standard deviation of the noise, above 0.

        Returns:
            Same shape and dtype, clipped to [0, 1].

        Raises:
            TypeError, ValueError: no kernel, or what the method's door refuses.
        """
        if kernel is None:
            raise ValueError("kernel: this network needs to know it; call it with (blurred, kernel, noise).")
        return self.door(self.network, blurred, kernel, noise)


class KnownKernel(System):
    """One network and the distance to the truth."""

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.player("generators", config.learning_rate, "blur_to_sharp")

    def restorer(self) -> Deblurrer:
        """A restorer around a fresh copy of the network."""
        return KnownKernelRestorer(self.build()["blur_to_sharp"], self.door)

    @abstractmethod
    def door(self, network: nn.Module, blurred: Tensor, kernel: Tensor, noise: float) -> Tensor:
        """The method that the network serves."""

    def widths(self) -> tuple[int, int, int]:
        """Of a residual U-Net: the configuration's, twice it, and three times."""
        return self.config.width, 2 * self.config.width, 3 * self.config.width

    def learn(self, restored: Tensor, sharp: Tensor) -> Losses:
        """Update the network."""
        content = self.distance(restored.float(), sharp)
        self.update("generators", content)
        return {"content": content.detach()}


class DenoiserPrior(KnownKernel):
    """Sharp crops and white noise of every strength (Zhang et al. 2017, 2021): nothing here is blurred."""

    def build(self) -> dict[str, nn.Module]:
        """The denoiser alone."""
        return {"blur_to_sharp": Denoiser(self.widths()).to(memory_format=torch.channels_last)}

    def door(self, network: nn.Module, blurred: Tensor, kernel: Tensor, noise: float) -> Tensor:
        """Plug-and-play with the denoiser as it is."""

        def denoise(x: Tensor, sigma: float) -> Tensor:
            cleaned: Tensor = network(x.float(), sigma)
            return cleaned.to(x.dtype)

        return plug_and_play(blurred, kernel, noise=max(noise, 1e-3), denoiser=denoise)

    def step(self, batch: Batch) -> Losses:
        """Update the denoiser on crops, each with noise of its own strength; weak noise is drawn more often."""
        chance = torch.Generator().manual_seed(batch.seed)
        clean = batch.sharp
        low, high = self.config.strengths
        strengths = (low + (high - low) * torch.rand(len(clean), generator=chance) ** 1.5).to(self.device)
        grain = torch.randn(clean.shape, generator=chance).to(self.device)
        grey = len(clean) // GREY
        clean, grain = torch.cat([_grey(clean[:grey]), clean[grey:]]), grain.clone()
        grain[:grey] = grain[:grey, :1]
        noisy = clean + strengths.view(-1, 1, 1, 1) * grain
        return self.learn(self.networks["blur_to_sharp"](noisy, strengths), clean)


class DeepDeconvolution(KnownKernel):
    """Blurred crops, each with its kernel, and the Wiener filters of them (Wang & Tao 2018)."""

    needs_kernels = True

    def build(self) -> dict[str, nn.Module]:
        """The network alone."""
        return {"blur_to_sharp": Deconvolver(self.widths()).to(memory_format=torch.channels_last)}

    def door(self, network: nn.Module, blurred: Tensor, kernel: Tensor, noise: float) -> Tensor:
        """The network on the Wiener filters."""
        return deep_deconvolution(blurred, kernel, noise=max(noise, 1e-3), network=network)  # type: ignore[arg-type]

    def step(self, batch: Batch) -> Losses:
        """Update the network."""
        noise = max(batch.noise, 1e-3)
        grey = len(batch.sharp) // GREY
        sharp = torch.cat([_grey(batch.sharp[:grey]), batch.sharp[grey:]])
        blurred = torch.cat([_grey(batch.blurred[:grey]), batch.blurred[grey:]])
        with torch.autocast(self.device.type, enabled=False):  # a division of spectra needs its digits
            estimates = wiener_estimates(blurred, batch.kernels, noise)
        return self.learn(self.networks["blur_to_sharp"](estimates, noise), sharp)


class DeconvolutionCNN(KnownKernel):
    """Blurred crops of one kernel, through filters that start as its pseudo-inverse (Xu, Ren, Liu & Jia 2014)."""

    needs_kernels = True

    def build(self) -> dict[str, nn.Module]:
        """The network of the run's only kernel."""
        noise = max(sum(self.config.noise) / 2, 1e-3)
        return {"blur_to_sharp": KernelCNN(the_kernel(self.config), width=self.config.width, noise=noise)}

    def door(self, network: nn.Module, blurred: Tensor, kernel: Tensor, noise: float) -> Tensor:
        """The network; the kernels that come must all be its own."""
        own: Tensor = network.kernel  # type: ignore[assignment]
        if any(not torch.allclose(k, own[0].to(k), atol=1e-3 * float(own.max())) for k in kernel):
            raise ValueError("kernel: this network was trained for another one.")
        return deconvolution_cnn(blurred, kernel[:1], network=network)  # type: ignore[arg-type]

    def step(self, batch: Batch) -> Losses:
        """Update the network on planes; a crop's rim, which lacks what lies beyond, does not count."""
        network = self.networks["blur_to_sharp"]
        rim = min(self.config.kernel_size, self.config.crop // 4)
        inner = (..., slice(rim, -rim), slice(rim, -rim))
        restored = network(batch.blurred.flatten(0, 1)[:, None]).reshape(batch.sharp.shape)
        return self.learn(restored[inner], batch.sharp[inner])


def _grey(x: Tensor) -> Tensor:
    """Grey, as three equal channels."""
    weights = torch.tensor(LUMA, dtype=x.dtype, device=x.device).view(1, 3, 1, 1)
    return (x * weights).sum(dim=1, keepdim=True).expand(-1, 3, -1, -1)


SYSTEMS.update(denoiser=DenoiserPrior, deep_deconvolution=DeepDeconvolution, deconvolution_cnn=DeconvolutionCNN)
