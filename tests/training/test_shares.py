"""A batch in parts is the whole batch: the same mean gradient at every update, for every system; and a full memory."""

import dataclasses
import threading

import pytest
import torch

from deblurlib.training import SYSTEMS, BlurredPairs, fit
from deblurlib.training.data import Batch
from deblurlib.training.hardware import autocast
from deblurlib.training.parallel import Processes
from deblurlib.training.shares import Shares
from deblurlib.training.systems import build_system

CPU = torch.device("cpu")
GAMES = {
    "regression": {},
    "cycle_gan": {"pool": 3},
    "cycle_gan with a judge of three steps": {"pool": 3, "judge_steps": 3},
    "paired_cycle_gan": {"content": "l1", "pool": 3},
    "kernel_guided": {"content": "l1", "blocks": 1},
}
STEPS = {"kernel_guided": 1}
"""Where it is not three: conjugate gradients make of a rounding in the first step a thousandth in the second."""


def trained(config, parts, steps):
    """Networks and losses in float64 after some steps, each taken in so many parts."""
    system, pairs = build_system(config, CPU), BlurredPairs(config, CPU)
    for network in system.networks.values():
        network.double()
    shares = Shares(system, Processes(), parts, autocast(CPU, half=False))
    losses = []
    for step in range(steps):
        batch = pairs.batch(step, paired=system.paired)
        whole = Batch(batch.blurred.double(), batch.sharp.double(), batch.kernels.double(), batch.noise, batch.seed)
        losses.append(shares.step(whole) if parts else system.step(whole))
    weights = {f"{n}/{k}": t for n, net in system.networks.items() for k, t in net.state_dict().items()}
    return weights, losses


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
@pytest.mark.parametrize("game", GAMES)
def test_parts_are_the_whole(game, parts, tiny):
    config = tiny(system=game.split()[0], batch=5, **GAMES[game])
    (whole, losses), (mine, found) = (trained(config, n, STEPS.get(game, 3)) for n in (0, parts))
    for name, t in whole.items():
        torch.testing.assert_close(mine[name], t, rtol=1e-9, atol=1e-11)
    for a, b in zip(losses, found, strict=True):
        assert a.keys() == b.keys()
        for name in a:
            torch.testing.assert_close(b[name], a[name], rtol=1e-9, atol=1e-12)


def test_the_parts_of_a_batch_are_its_crops(tiny):
    batch = BlurredPairs(tiny(batch=5), CPU).batch(2)
    parts = [batch.part(0, 2), batch.part(2, 5)]
    for name in ("blurred", "sharp", "kernels"):
        assert torch.equal(torch.cat([getattr(part, name) for part in parts]), getattr(batch, name))
    drawn = [torch.rand(1, generator=torch.Generator().manual_seed(part.seed)).item() for part in (batch, *parts)]
    assert drawn[0] == drawn[1] and len(set(drawn)) == len(parts)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_takes_its_batch_in_parts(system, tiny):
    run = fit(tiny(system=system, steps=2, batch=3, micro_batch=1, crop=64), progress=False)
    assert {len(values) for values in run.losses.values()} == {2}


def limit(monkeypatch, crops, steps=0):
    """From the call on that comes after `steps` whole-batch forwards, networks refuse more crops than that."""
    from deblurlib.networks import UNetGenerator

    forward, calls = UNetGenerator.forward, [0]

    def bounded(self, x):
        calls[0] += 1
        if len(x) > crops and calls[0] > steps:
            raise torch.cuda.OutOfMemoryError(f"no room for {len(x)} crops")
        return forward(self, x)

    monkeypatch.setattr(UNetGenerator, "forward", bounded)


@pytest.mark.parametrize("system", ["regression", "cycle_gan"])
def test_a_full_memory_makes_the_parts_smaller(system, tiny, tmp_path, monkeypatch):
    """Said aloud, and the run is the one that a larger memory would have made, but for the order of its sums."""
    config = tiny(system=system, batch=6, content="l1", learning_rate=1e-4, discriminator_learning_rate=1e-4)
    expected = fit(config, progress=False)
    limit(monkeypatch, 2)
    with pytest.warns(UserWarning) as said:
        run = fit(config, tmp_path, progress=False)
    texts = [str(warning.message) for warning in said]
    assert len(texts) == 2
    assert "does not hold 6 crops" in texts[0] and "in parts of 3" in texts[0]
    assert "parts of 2" in texts[1] and "micro_batch = 2" in texts[1]
    for name, values in expected.losses.items():
        assert run.losses[name] == pytest.approx(values, rel=1e-4, abs=1e-5)


def test_a_memory_that_fills_up_later(tiny, tmp_path, monkeypatch):
    """The run goes back to its last checkpoint, and only there."""
    config, seen = tiny(batch=4), []
    limit(monkeypatch, 2, steps=5)
    with pytest.warns(UserWarning, match="in parts of 2"):
        run = fit(config, tmp_path, progress=False, callback=lambda step, _: seen.append(step))
    assert seen == [3, 6, 8]
    assert len(run.losses["content"]) == 8
    monkeypatch.undo()
    assert run.losses["content"] == pytest.approx(fit(config, progress=False).losses["content"], rel=1e-3)


def test_a_memory_without_room_for_one_crop(tiny, monkeypatch):
    limit(monkeypatch, 0)
    with pytest.raises(torch.cuda.OutOfMemoryError) as caught, pytest.warns(UserWarning, match="parts of 1"):
        fit(tiny(), progress=False)
    assert "Make the setting micro_batch, crop or width smaller" in caught.value.__notes__[0]


@pytest.mark.parametrize("where", [0, 1, 2])
def test_an_error_in_a_part_is_raised_and_leaves_nothing_behind(where, tiny):
    system, pairs = build_system(tiny(batch=3), CPU), BlurredPairs(tiny(batch=3), CPU)
    threads = threading.active_count()
    network, calls = system.networks["blur_to_sharp"], [0]

    def fail(*_):
        calls[0] += 1
        if calls[0] == where + 1:
            raise ZeroDivisionError("part")

    handle = network.register_forward_pre_hook(fail)
    with pytest.raises(ZeroDivisionError, match="part"):
        Shares(system, Processes(), 3, autocast(CPU, half=False)).step(pairs.batch(0))
    handle.remove()
    assert threading.active_count() == threads
    assert "update" not in vars(system)
    system.step(pairs.batch(0))


def test_a_micro_batch_in_bfloat16_casts_the_weights_anew(tiny):
    """A judge's second step must see the weights of its first, not a copy that another part had cast before it."""
    config = tiny(system="cycle_gan", batch=4, judge_steps=2, discriminator_learning_rate=0.05)
    ends = []
    for parts in (1, 2):
        system, pairs = build_system(config, CPU), BlurredPairs(config, CPU)
        shares = Shares(system, Processes(), parts, autocast(CPU, half=True))
        for step in range(2):
            losses = shares.step(pairs.batch(step, paired=False))
        ends.append(torch.stack(list(losses.values())))
    torch.testing.assert_close(ends[1], ends[0], rtol=0.1, atol=0.02)


def test_settings(tiny):
    assert dataclasses.replace(tiny(), micro_batch=3).micro_batch == 3
    with pytest.raises(ValueError, match="micro_batch: expected an integer of at least 0"):
        tiny(micro_batch=-1)
