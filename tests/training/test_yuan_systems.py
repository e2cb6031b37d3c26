"""The system of the seed: as it must be meant, and as its equations are printed."""

import pytest
import torch

from deblurlib.losses import Perceptual, adversarial, intended_11, intended_12
from deblurlib.training import BlurredPairs
from deblurlib.training.systems import build_system

CPU = torch.device("cpu")


def after_two_steps(config):
    system, pairs = build_system(config, CPU), BlurredPairs(config, CPU)
    for step in range(2):
        system.step(pairs.batch(step, paired=system.paired))
    return system, pairs.batch(2, paired=system.paired)


def test_as_intended(tiny):
    """Least squares, and round trips in features: (11) and (12), divided by the variance of the real features."""
    system, batch = after_two_steps(tiny(system="yuan", pool=0))
    b, s, game, sigma = batch.blurred, batch.sharp, adversarial("least_squares"), Perceptual(weights="random").maps
    with torch.no_grad():
        g, f = system.networks["blur_to_sharp"], system.networks["sharp_to_blur"]
        expected = {
            "adversarial_sharp": game.generator(system.networks["judge_sharp"](g(b))),
            "adversarial_blur": game.generator(system.networks["judge_blur"](f(s))),
            "cycle_sharp": intended_11(sigma, s, g(f(s))) / sigma(s).var(),
            "cycle_blur": intended_12(sigma, b, f(g(b))) / sigma(b).var(),
            "discriminator_sharp": game.discriminator(
                system.networks["judge_sharp"](s), system.networks["judge_sharp"](g(b))
            ),
            "discriminator_blur": game.discriminator(
                system.networks["judge_blur"](b), system.networks["judge_blur"](f(s))
            ),
        }
    losses = system.step(batch)
    assert losses.keys() == expected.keys()
    for part, value in expected.items():
        torch.testing.assert_close(losses[part], value, rtol=1e-4, atol=1e-6)
    assert not system.paired


def test_as_printed(tiny):
    """One judge, whose mean scores of a fake and of the negative of another are the adversarial loss."""
    system, batch = after_two_steps(tiny(system="yuan_printed"))
    b, s, sigma = batch.blurred, batch.sharp, Perceptual(weights="random").maps
    with torch.no_grad():
        g, f, judge = (system.networks[name] for name in ("blur_to_sharp", "sharp_to_blur", "judge_sharp"))
        expected = {
            "adversarial_sharp": judge(g(b)).mean(),
            "adversarial_blur": judge(1 - f(s)).mean(),
            "cycle_sharp": (sigma(s) - sigma(g(b))).square().mean(),
            "cycle_blur": (sigma(b) - sigma(f(s))).square().mean(),
        }
        expected["discriminator_sharp"] = -expected["adversarial_sharp"] - expected["adversarial_blur"]
    losses = system.step(batch)
    assert losses.keys() == expected.keys()
    for part, value in expected.items():
        torch.testing.assert_close(losses[part], value, rtol=1e-4, atol=1e-6)
    assert system.networks.keys() == {"blur_to_sharp", "sharp_to_blur", "judge_sharp"}
    assert system.paired


def test_the_printed_judge_runs_away(tiny):
    """It maximises a score without a bound; the intended one stays where it is."""
    config = tiny(system="yuan_printed", judge_steps=10, discriminator_learning_rate=1e-2)
    system, pairs = build_system(config, CPU), BlurredPairs(config, CPU)
    scores = [float(system.step(pairs.batch(step))["discriminator_sharp"]) for step in range(8)]
    assert scores[-1] < scores[3] < scores[0] - 1
    other = build_system(tiny(system="yuan", judge_steps=10, discriminator_learning_rate=1e-2), CPU)
    for step in range(8):
        losses = other.step(pairs.batch(step, paired=False))
    assert 0 <= float(losses["discriminator_sharp"]) < 1


@pytest.mark.parametrize("name", ["yuan", "yuan_printed"])
@pytest.mark.parametrize("still", ["learning_rate", "discriminator_learning_rate"])
def test_each_player_moves_its_own_networks(name, still, tiny):
    config = tiny(system=name, judge_steps=2, **{still: 1e-30})
    system, pairs = build_system(config, CPU), BlurredPairs(config, CPU)
    before = {part: [p.clone() for p in network.parameters()] for part, network in system.networks.items()}
    for step in range(3):
        system.step(pairs.batch(step, paired=system.paired))
    moved = {
        part
        for part, network in system.networks.items()
        if any((p - old).abs().max() > 1e-6 for p, old in zip(network.parameters(), before[part], strict=True))
    }
    judges = {part for part in system.networks if part.startswith("judge")}
    assert moved == (judges if still == "learning_rate" else system.networks.keys() - judges)
    assert all(p.requires_grad for network in system.networks.values() for p in network.parameters())
    assert not any(p.requires_grad for p in system.features.parameters())
