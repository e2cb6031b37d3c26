"""Pairs and a judge: pix2pix, DeblurGAN, and the physics-based GAN."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from deblurlib.networks import PatchDiscriminator
from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import Batch
from deblurlib.training.game import Game
from deblurlib.training.one_step import Losses


class Pix2Pix(Game):
    """The conditional GAN of Isola et al. (2017, Eq. 4): the judge sees a restoration *beside* its blurred input.

    G minimises adversarial_weight L_adv(D(y, G(y))) + content_weight |G(y) - x|. In the paper the first is
    cross-entropy, the weights are 1 and 100; `recipe("pix2pix")` has these. (The paper's images span [-1, 1], on which
    the same weight counts twice as much.)
    """

    def build(self) -> dict[str, nn.Module]:
        """The generator, and a judge of what `seen` shows it."""
        return {"blur_to_sharp": self.generator(), "judge_sharp": self.judge(channels=6)}

    def seen(self, real_blur: Tensor, image: Tensor) -> Tensor:
        """What the judge sees of an image: the pair, (B, 6, H, W)."""
        return torch.cat([real_blur, image], dim=1)

    def step(self, batch: Batch) -> Losses:
        """Update the generator, with the judge frozen; then the judge."""
        config, real_blur, real_sharp = self.config, batch.blurred, batch.sharp
        fake_sharp = self.networks["blur_to_sharp"](real_blur)
        real, fake = self.seen(real_blur, real_sharp), self.seen(real_blur, fake_sharp)

        self.freeze_judges()
        losses = {
            "adversarial_sharp": self.forge("judge_sharp", fake),
            "content": self.distance(fake_sharp, real_sharp),
        }
        adversarial = config.adversarial_weight * losses["adversarial_sharp"]
        self.update("generators", adversarial + config.content_weight * losses["content"])

        losses |= self.teach_judges({"judge_sharp": (real, fake)}, batch.seed)
        return {name: loss.detach() for name, loss in losses.items()}


class DeblurGAN(Pix2Pix):
    """DeblurGAN (Kupyn et al. 2018, Eq. 2): a critic that sees the image alone, and features as the content.

    G minimises adversarial_weight L_adv(D(G(y))) + content_weight |phi(G(y)) - phi(x)|^2. In the paper the game is
    Wasserstein's with a gradient penalty and five steps of the critic to one of G, the content is VGG-19's at
    conv3_3, the weights are 1 and 100, and G is a ResNet that corrects its input; `recipe("deblur_gan")` has these,
    with random features in VGG's place unless `features` names others.
    """

    def build(self) -> dict[str, nn.Module]:
        """The generator, and a critic of images."""
        return {"blur_to_sharp": self.generator(), "judge_sharp": self.judge()}

    def seen(self, real_blur: Tensor, image: Tensor) -> Tensor:
        """What the critic sees of an image: nothing else. The content term ties it to its input."""
        return image


class PhysicsGAN(Game):
    """After the physics-based GAN of Pan et al. (2021): what is restored must, blurred again, give the input back.

    With the known kernel k of each pair, G minimises adversarial_weight (L_adv(D_x(G(y))) + L_adv(D_y(k * G(y))))
    + content_weight |G(y) - x| + reblur_weight |k * G(y) - y|. Pixels that the blur needs from beyond the crop do not
    count. `recipe("physics_gan")` has cross-entropy and weights of 50.

    Raises:
        ValueError: the crop, without a kernel's margin, is too small for the judge.
    """

    judges = ("judge_sharp", "judge_blur")
    needs_kernels = True

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        super().__init__(config, device)
        judge, inside = self.networks["judge_blur"], config.crop - config.kernel_size + 1
        if isinstance(judge, PatchDiscriminator) and inside < judge.smallest_side:
            raise ValueError(
                f"crop: {config.crop} pixels leave {inside} when blurred again by kernels of {config.kernel_size}; "
                f"a judge with a receptive field of {config.receptive_field} needs {judge.smallest_side}."
            )

    def build(self) -> dict[str, nn.Module]:
        """The generator, a judge of its restorations, and one of what comes of them when blurred again."""
        return {"blur_to_sharp": self.generator(), "judge_sharp": self.judge(), "judge_blur": self.judge()}

    def step(self, batch: Batch) -> Losses:
        """Update the generator, with the judges frozen; then the judges."""
        config, real_sharp = self.config, batch.sharp
        fake_sharp = self.networks["blur_to_sharp"](batch.blurred)
        with torch.autocast(self.device.type, enabled=False):  # what is compared with the noise needs its digits
            rec_blur = blurred_again(fake_sharp, batch.kernels)
        margin = config.kernel_size // 2
        real_blur = batch.blurred[..., margin : config.crop - margin, margin : config.crop - margin]

        self.freeze_judges()
        losses = {
            "adversarial_sharp": self.forge("judge_sharp", fake_sharp),
            "adversarial_blur": self.forge("judge_blur", rec_blur),
            "content": self.distance(fake_sharp, real_sharp),
            "reblur": F.l1_loss(rec_blur, real_blur),
        }
        total = config.adversarial_weight * (losses["adversarial_sharp"] + losses["adversarial_blur"])
        total = total + config.content_weight * losses["content"] + config.reblur_weight * losses["reblur"]
        self.update("generators", total)

        shown = {"judge_sharp": (real_sharp, fake_sharp), "judge_blur": (real_blur, rec_blur)}
        losses |= self.teach_judges(shown, batch.seed)
        return {name: loss.detach() for name, loss in losses.items()}


def blurred_again(x: Tensor, kernels: Tensor) -> Tensor:
    """The images of a batch, each blurred by its own kernel, k * x, where that needs nothing from beyond.

    As `Blur(kernels, "valid")`, but without a door: a run that diverges is the loop's to report.

    Args:
        x: (B, C, H, W).
        kernels: (B, 1, h, w).

    Returns:
        (B, C, H - h + 1, W - w + 1).

    Example:
        >>> x = torch.arange(5.0).expand(1, 1, 1, 5)
        >>> blurred_again(x, torch.tensor([[[[0.0, 0.0, 1.0]]]])).flatten().tolist()
        [0.0, 1.0, 2.0]
    """
    planes = x.transpose(0, 1)  # (C, B, H, W): one group for each image
    return F.conv2d(planes, kernels.flip(-2, -1), groups=len(kernels)).transpose(0, 1)
