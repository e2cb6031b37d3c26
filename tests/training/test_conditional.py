"""Pairs and a judge: pix2pix, DeblurGAN, the physics-based GAN. Their losses by hand; who moves, and who does not."""

import pytest
import torch

from deblurlib.blur import Blur
from deblurlib.losses import RandomFeatures, adversarial, gradient_penalty
from deblurlib.training import BlurredPairs
from deblurlib.training.conditional import blurred_again
from deblurlib.training.systems import build_system

CPU = torch.device("cpu")
NAMES = ("pix2pix", "deblur_gan", "physics_gan")
KINDS = ("least_squares", "cross_entropy", "hinge", "wasserstein")


def after_two_steps(config):
    """A system that has left the identity, and the batch of its third step."""
    system, pairs = build_system(config, CPU), BlurredPairs(config, CPU)
    for step in range(2):
        system.step(pairs.batch(step))
    return system, pairs.batch(2)


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def inner(x, batch):
    margin = batch.kernels.shape[-1] // 2
    return x[..., margin:-margin, margin:-margin]


def expected_losses(name, system, batch, game):
    """From the networks as they are now, without the penalty."""
    g, judge = system.networks["blur_to_sharp"], system.networks["judge_sharp"]
    fake = g(batch.blurred)
    pair = (lambda x: torch.cat([batch.blurred, x], dim=1)) if name == "pix2pix" else (lambda x: x)
    losses = {
        "adversarial_sharp": game.generator(judge(pair(fake))),
        "content": (fake - batch.sharp).abs().mean(),
        "discriminator_sharp": game.discriminator(judge(pair(batch.sharp)), judge(pair(fake.detach()))),
    }
    if name == "physics_gan":
        judge_blur, again = system.networks["judge_blur"], Blur(batch.kernels, "valid")(fake)
        losses["adversarial_blur"] = game.generator(judge_blur(again))
        losses["reblur"] = (again - inner(batch.blurred, batch)).abs().mean()
        losses["discriminator_blur"] = game.discriminator(
            judge_blur(inner(batch.blurred, batch)), judge_blur(again.detach())
        )
    return losses


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_losses(name, kind, tiny):
    system, batch = after_two_steps(tiny(system=name, adversarial=kind, content="l1"))
    # the judge is asked before it moves for the generator's losses, and its own loss is from before its own step
    expected = {k: v.detach() for k, v in expected_losses(name, system, batch, adversarial(kind)).items()}
    generator = {k: p.clone() for k, p in system.networks["blur_to_sharp"].state_dict().items()}
    losses = system.step(batch)
    assert any(not torch.equal(p, generator[k]) for k, p in system.networks["blur_to_sharp"].state_dict().items())
    penalties = {k for k in losses if k.startswith("penalty_")}
    assert penalties == ({k.replace("judge_", "penalty_") for k in system.judges} if kind == "wasserstein" else set())
    assert losses.keys() - penalties == expected.keys()
    for part, value in expected.items():
        torch.testing.assert_close(losses[part], value, rtol=1e-4, atol=1e-6)
    assert system.chance.keys() <= losses.keys()
    assert not any(loss.requires_grad for loss in losses.values())


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_descends_the_weighted_sum(name, tiny):
    scale = {"adversarial_weight": 0.7, "content_weight": 1.9, "reblur_weight": 2.3}
    system, batch = after_two_steps(tiny(system=name, content="l1", clip=1e9, **scale))
    losses = expected_losses(name, system, batch, adversarial())
    total = sum(
        factor * value
        for part, value in losses.items()
        for start, factor in (("adversarial", 0.7), ("content", 1.9), ("reblur", 2.3))
        if part.startswith(start)
    )
    players = list(system.networks["blur_to_sharp"].parameters())
    expected = torch.autograd.grad(total, players)
    judges = [p for judge in system.judges for p in system.networks[judge].parameters()]
    seen, wasted = [], []

    def look():
        seen.extend(p.grad.clone() for p in players)
        wasted.extend(p for p in judges if p.requires_grad)  # a gradient that nobody needs costs as much as another

    system.optimizers["generators"].step = look
    system.step(batch)
    assert not wasted
    assert all(p.requires_grad for p in judges)
    for mine, theirs in zip(seen, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("still", ["learning_rate", "discriminator_learning_rate"])
def test_each_player_moves_its_own_networks(name, still, tiny):
    config = tiny(system=name, judge_steps=2, **{still: 1e-30})
    system, pairs = build_system(config, CPU), BlurredPairs(config, CPU)
    before = {part: weights(network) for part, network in system.networks.items()}
    for step in range(3):
        system.step(pairs.batch(step))
    moved = {part for part, network in system.networks.items() if (weights(network) - before[part]).abs().max() > 1e-6}
    assert moved == (set(system.judges) if still == "learning_rate" else {"blur_to_sharp"})


@pytest.mark.parametrize("name", NAMES)
def test_judge_steps(name, tiny):
    """So many updates of the judges for each of the generator, and the judge is better for it."""
    once, often = (
        build_system(tiny(system=name, judge_steps=n, discriminator_learning_rate=1e-3), CPU) for n in (1, 10)
    )
    batch = BlurredPairs(once.config, CPU).batch(0)
    for system, count in ((once, 1), (often, 10)):
        system.step(batch)
        assert {int(s["step"]) for s in system.optimizers["discriminators"].state.values()} == {count}
        assert {int(s["step"]) for s in system.optimizers["generators"].state.values()} == {1}
    assert often.step(batch)["discriminator_sharp"] < once.step(batch)["discriminator_sharp"]


def test_the_penalty_is_the_library_s(tiny):
    """Ten times the gradient penalty, its draws by the batch's seed."""
    system, batch = after_two_steps(tiny(system="deblur_gan", adversarial="wasserstein", learning_rate=1e-30))
    draws = torch.Generator().manual_seed(batch.seed)
    fake = system.networks["blur_to_sharp"](batch.blurred).detach()
    expected = 10 * gradient_penalty(system.networks["judge_sharp"], batch.sharp, fake, generator=draws)
    torch.testing.assert_close(system.step(batch)["penalty_sharp"], expected.detach(), rtol=1e-4, atol=1e-6)


def test_the_judge_of_pix2pix_sees_the_pair(tiny):
    """With another input beside the same restoration, its score is another; DeblurGAN's critic cannot know."""
    for name, differs in (("pix2pix", True), ("deblur_gan", False)):
        system, batch = after_two_steps(tiny(system=name))
        judge, other = system.networks["judge_sharp"], batch.blurred.flip(0)
        one, two = (judge(system.seen(blurred, batch.sharp)) for blurred in (batch.blurred, other))
        assert torch.equal(one, two) != differs


def test_blurred_again_is_the_library_s_blur(tiny):
    batch = BlurredPairs(tiny(batch=3), CPU).batch(0)
    torch.testing.assert_close(blurred_again(batch.sharp, batch.kernels), Blur(batch.kernels, "valid")(batch.sharp))


def test_the_truth_gives_its_input_back_but_for_the_noise(tiny):
    """The re-blurring loss of a perfect restoration is that of the noise alone: sigma sqrt(2 / pi)."""
    batch = BlurredPairs(tiny(batch=8, noise=(0.01, 0.01)), CPU).batch(0)
    left = (blurred_again(batch.sharp, batch.kernels) - inner(batch.blurred, batch)).abs().mean()
    assert left.item() == pytest.approx(0.01 * (2 / torch.pi) ** 0.5, rel=0.03)


def test_a_crop_that_is_too_small_to_be_blurred_again_is_refused(tiny):
    with pytest.raises(ValueError, match="crop: 32 pixels leave 8 when blurred again by kernels of 25"):
        build_system(tiny(system="physics_gan", kernel_size=25, receptive_field=34), CPU)


@pytest.mark.parametrize("name", ["regression", *NAMES])
def test_features_as_content(name, tiny):
    system, batch = after_two_steps(tiny(system=name, content="perceptual"))
    with torch.no_grad():
        expected = RandomFeatures()(system.networks["blur_to_sharp"](batch.blurred), batch.sharp)
    frozen = {k: t.clone() for k, t in system.features.state_dict().items()}
    torch.testing.assert_close(system.step(batch)["content"], expected, rtol=1e-4, atol=1e-6)
    assert all(torch.equal(t, frozen[k]) for k, t in system.features.state_dict().items())


def test_features_that_are_not_there_are_named(tiny, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"vgg19\.npz"):
        build_system(tiny(content="perceptual", features=str(tmp_path / "vgg19.npz"), preprocess="caffe"), CPU)
