"""One step of each system: its losses are the paper's, and each player moves alone."""

import pytest
import torch

from deblurlib.losses import RandomFeatures, adversarial, log_error
from deblurlib.networks import GENERATORS
from deblurlib.training import SYSTEMS, BlurredPairs, TrainingConfig, recipe
from deblurlib.training.config import PAPERS
from deblurlib.training.pool import Pool
from deblurlib.training.systems import build_system

CPU = torch.device("cpu")


def start(config):
    return build_system(config, CPU), BlurredPairs(config, CPU)


def weights(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_seed_decides_the_weights(name, tiny):
    state = torch.get_rng_state()
    first, again, other = (build_system(tiny(system=name, seed=n), CPU) for n in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    for part in first.networks:
        assert torch.equal(weights(first.networks[part]), weights(again.networks[part]))
        assert not torch.equal(weights(first.networks[part]), weights(other.networks[part]))


DISTANCES = {
    "log_error": log_error,
    "l1": lambda x, y: (x - y).abs().mean(),
    "l2": lambda x, y: (x - y).square().mean(),
    "perceptual": RandomFeatures(),
}


@pytest.mark.parametrize("content", DISTANCES)
def test_regression(content, tiny):
    system, pairs = start(tiny(content=content))
    batch = pairs.batch(0)
    losses = system.step(batch)
    torch.testing.assert_close(losses["content"], DISTANCES[content](batch.blurred, batch.sharp))  # from the identity


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_batch_of_one_and_half_precision(name, precision, tiny):
    """Several steps of every player, then the same again: finite, and the same numbers."""

    def losses():
        system, pairs = start(tiny(system=name, batch=1, judge_steps=2))
        for step in range(2):
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                found = system.step(pairs.batch(step, paired=system.paired))
        return found

    first, again = losses(), losses()
    assert first.keys() == again.keys()
    for part, value in first.items():
        assert torch.isfinite(value) and torch.equal(value, again[part])


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_recipe_is_a_game_that_can_be_played(name, tiny):
    config = recipe(name)
    assert config.system == name
    system, pairs = start(tiny(**(PAPERS.get(name, {}) | {"system": name, "blocks": 1})))
    assert all(torch.isfinite(v) for v in system.step(pairs.batch(0, paired=system.paired)).values())


class Watched:
    """A batch that notes what of it is looked at."""

    def __init__(self, batch):
        self.batch, self.seen = batch, set()

    def __getattr__(self, name):
        self.seen.add(name)
        return getattr(self.batch, name)


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_says_that_it_looks_at_the_kernels(name, tiny):
    """Nobody knows those of real pictures: who says so is refused there."""
    system, pairs = start(tiny(system=name, crop=64))
    batch = Watched(pairs.batch(0, paired=system.paired))
    system.step(batch)
    assert "kernels" not in batch.seen or system.needs_kernels


def test_what_the_papers_say():
    assert (recipe("pix2pix").content, recipe("pix2pix").content_weight) == ("l1", 100.0)
    critic = recipe("deblur_gan")
    assert (critic.adversarial, critic.judge_steps, critic.content) == ("wasserstein", 5, "perceptual")
    assert critic.generator == "resnet" and critic.residual
    assert (recipe("yuan").judge_steps, recipe("yuan").cycle_weight) == (10, 10.0)
    assert recipe("yuan").adversarial == "least_squares"
    assert recipe("regression") == TrainingConfig()


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("generator", ["unet256", "resnet"])
def test_the_generator_is_the_configuration_s(generator, normalize, tiny):
    """And so is the restorer, which holds its averaged weights."""
    config = tiny(generator=generator, levels=2, blocks=1, generator_norm=normalize, residual=False)
    system, _ = start(config)
    network = system.networks["blur_to_sharp"]
    assert (network.settings["normalize"], network.settings["residual"]) == (normalize, False)
    system.restorer().network.load_state_dict(network.state_dict())
    assert type(system.restorer().network) is type(network) is GENERATORS[generator]
    judge = build_system(tiny(system="pix2pix", discriminator_norm=normalize), CPU).networks["judge_sharp"]
    assert judge.settings["normalize"] == normalize


@pytest.mark.parametrize("name", ["cycle_gan", "paired_cycle_gan"])
@pytest.mark.parametrize("kind", ["least_squares", "cross_entropy", "hinge"])
def test_cycle_gan(name, kind, tiny):
    """The losses of the third step, worked out from copies of the networks as they were before it."""
    config = tiny(system=name, adversarial=kind, content="l1", pool=0)
    system, pairs = start(config)
    for step in range(2):
        system.step(pairs.batch(step, paired=system.paired))
    batch, game = pairs.batch(2, paired=system.paired), adversarial(kind)
    b, s = batch.blurred, batch.sharp
    with torch.no_grad():
        g, f = system.networks["blur_to_sharp"], system.networks["sharp_to_blur"]
        expected = {
            "adversarial_sharp": game.generator(system.networks["judge_sharp"](g(b))),
            "adversarial_blur": game.generator(system.networks["judge_blur"](f(s))),
            "cycle_blur": (f(g(b)) - b).abs().mean(),
            "cycle_sharp": (g(f(s)) - s).abs().mean(),
            "discriminator_sharp": game.discriminator(
                system.networks["judge_sharp"](s), system.networks["judge_sharp"](g(b))
            ),
            "discriminator_blur": game.discriminator(
                system.networks["judge_blur"](b), system.networks["judge_blur"](f(s))
            ),
        }
        if name == "cycle_gan":
            expected |= {"identity_sharp": (g(s) - s).abs().mean(), "identity_blur": (f(b) - b).abs().mean()}
        else:
            expected |= {"content_sharp": (g(b) - s).abs().mean(), "content_blur": (f(s) - b).abs().mean()}
    losses = system.step(batch)
    assert losses.keys() == expected.keys()
    for part, value in expected.items():
        torch.testing.assert_close(losses[part], value, rtol=1e-4, atol=1e-6)
    assert system.chance.keys() <= losses.keys()
    assert not any(loss.requires_grad for loss in losses.values())


@pytest.mark.parametrize("name", ["cycle_gan", "paired_cycle_gan"])
def test_the_generators_descend_the_weighted_sum(name, tiny):
    """The gradient of the generators' step, by hand, with the weights of the configuration."""
    weights_of = {"adversarial_weight": 0.7, "cycle_weight": 3.0, "identity_weight": 1.3, "content_weight": 1.9}
    config = tiny(system=name, content="l1", clip=1e9, **weights_of)
    system, pairs = start(config)
    for step in range(2):
        system.step(pairs.batch(step, paired=system.paired))
    batch = pairs.batch(2, paired=system.paired)
    b, s, game = batch.blurred, batch.sharp, adversarial()
    g, f = system.networks["blur_to_sharp"], system.networks["sharp_to_blur"]
    total = 0.7 * (
        game.generator(system.networks["judge_sharp"](g(b))) + game.generator(system.networks["judge_blur"](f(s)))
    ) + 3.0 * ((f(g(b)) - b).abs().mean() + (g(f(s)) - s).abs().mean())
    if name == "cycle_gan":
        total = total + 1.3 * ((g(s) - s).abs().mean() + (f(b) - b).abs().mean())
    else:
        total = total + 1.9 * ((g(b) - s).abs().mean() + (f(s) - b).abs().mean())
    players = [*g.parameters(), *f.parameters()]
    expected = torch.autograd.grad(total, players)
    judges = [p for name in ("judge_sharp", "judge_blur") for p in system.networks[name].parameters()]
    seen, wasted = [], []

    def look():
        seen.extend(p.grad.clone() for p in players)
        wasted.extend(p for p in judges if p.requires_grad)  # a gradient that nobody needs costs as much as another

    system.optimizers["generators"].step = look
    system.step(batch)
    assert not wasted
    for mine, theirs in zip(seen, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("still", ["learning_rate", "discriminator_learning_rate"])
def test_each_player_moves_its_own_networks(still, tiny):
    config = tiny(system="cycle_gan", **{still: 1e-30})
    system, pairs = start(config)
    before = {name: weights(network) for name, network in system.networks.items()}
    for step in range(3):
        system.step(pairs.batch(step, paired=False))
    moved = {name for name, network in system.networks.items() if (weights(network) - before[name]).abs().max() > 1e-6}
    judges, generators = {"judge_sharp", "judge_blur"}, {"blur_to_sharp", "sharp_to_blur"}
    assert moved == (judges if still == "learning_rate" else generators)
    assert all(p.requires_grad for network in system.networks.values() for p in network.parameters())


def test_gradients_are_clipped(tiny):
    system, pairs = start(tiny(clip=1e-3))
    system.step(pairs.batch(0))
    norms = [p.grad.norm() for p in system.networks["blur_to_sharp"].parameters()]
    assert torch.stack(norms).norm().item() == pytest.approx(1e-3, rel=1e-3)


def test_the_schedule_reaches_every_player(tiny):
    system, _ = start(tiny(system="cycle_gan", learning_rate=0.02, discriminator_learning_rate=0.01))
    system.set_rate(0.5)
    rates = {name: [group["lr"] for group in optimizer.param_groups] for name, optimizer in system.optimizers.items()}
    assert rates == {"generators": [0.01], "discriminators": [0.005]}


def test_pool():
    """Once full, half of what comes out is older than what came in, and nothing is lost or repeated."""
    pool, shown = Pool(10, 0, CPU), []
    for number in range(0, 400, 2):
        fakes = torch.tensor([number, number + 1.0]).view(2, 1, 1, 1)
        out = pool(fakes)
        assert out.shape == fakes.shape
        shown += [(int(came), int(went)) for came, went in zip(fakes.flatten(), out.flatten(), strict=True)]
    assert all(came == went for came, went in shown[:10])
    old = [came != went for came, went in shown[10:]]
    assert 0.4 < sum(old) / len(old) < 0.6
    assert all(went <= came for came, went in shown)
    kept = {int(i) for i in pool.images.flatten()}
    assert len(kept) == 10
    swapped_out = [went for came, went in shown if came != went]
    assert len(swapped_out) == len(set(swapped_out))  # each old one is shown once, then gone


def test_no_pool():
    pool, fakes = Pool(0, 0, CPU), torch.rand(2, 3, 4, 4)
    assert all(pool(fakes) is fakes for _ in range(3))


def test_another_system_is_refused(tiny):
    with pytest.raises(
        ValueError, match="unknown 'wgan', expected one of regression, kernel_guided, pix2pix, deblur_gan, physics_gan"
    ):
        build_system(tiny(system="wgan"), CPU)
