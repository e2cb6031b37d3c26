"""What 'auto' chooses and says, and that half precision learns the same."""

from dataclasses import replace

import pytest
import torch

from deblurlib import profile
from deblurlib.training import BlurredPairs, fit
from deblurlib.training.hardware import choose_device, compiles, half_precision
from deblurlib.training.resident import Cuts, Resident
from deblurlib.training.stopwatch import Pace, Stopwatch
from deblurlib.training.systems import build_system

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_precision(tiny, monkeypatch):
    for fast, expected, why in (
        (True, True, "which this hardware multiplies"),
        (False, False, "slow on this hardware"),
    ):
        monkeypatch.setattr(profile, "fast_bfloat16", lambda _, fast=fast: fast)
        choice, words = half_precision(tiny(precision="auto"), CPU)
        assert choice == expected
        assert why in words
    assert half_precision(tiny(precision="bfloat16"), CPU) == (True, "precision: bfloat16, as asked for")
    assert half_precision(tiny(precision="float32"), CPU) == (False, "precision: float32, as asked for")


def test_compilation(tiny, monkeypatch):
    assert compiles(tiny(), CPU, 10**6) == (False, "compile: no, it takes minutes on a CPU and gains nothing there")
    assert compiles(tiny(compile=True), CPU, 1) == (True, "compile: yes, as asked for")
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda _: (9, 0))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    assert compiles(tiny(), CUDA, 10_000).choice
    assert "100 steps are over before it pays" in compiles(tiny(), CUDA, 100).words
    assert compiles(tiny(compile=False), CUDA, 10_000) == (False, "compile: no, as asked for")
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda _: (6, 0))
    assert "Triton" in compiles(tiny(), CUDA, 10_000).words
    with pytest.raises(ValueError, match="compile: unknown 'yes', expected one of auto"):
        tiny(compile="yes")


@pytest.fixture
def handed(monkeypatch):
    """What is handed to the compiler, which takes minutes here: the networks are traced, and run as they are."""
    names, compile_it = [], torch.nn.Module.compile

    def eagerly(network):
        names.append(type(network).__name__)
        compile_it(network, backend="eager")

    monkeypatch.setattr(torch.nn.Module, "compile", eagerly)
    torch.compiler.reset()
    return names


def test_compiled_networks_train_and_go_on(tiny, tmp_path, handed):
    """Every network is handed to the compiler, and keeps its names."""
    plain = fit(tiny(system="cycle_gan", steps=4), progress=False)
    assert not handed
    run = fit(tiny(system="cycle_gan", steps=4, compile=True), tmp_path, progress=False)
    assert sorted(handed) == ["PatchDiscriminator"] * 2 + ["UNetGenerator"] * 2
    assert plain.pace.images > run.pace.images  # its first reading waited for the compiler
    assert fit(tiny(system="cycle_gan", steps=4, compile=True), tmp_path, progress=False).losses == run.losses


def test_what_is_written_once_is_the_same_to_the_bit_when_compiled(tiny, handed):
    """The book's U-Net has nothing that is written in two ways."""
    plain, compiled = (fit(tiny(steps=4, compile=c), progress=False) for c in (False, True))
    assert handed == ["UNetGenerator"]
    assert compiled.losses == plain.losses
    for name, weights in plain.generator.network.state_dict().items():
        assert torch.equal(compiled.generator.network.state_dict()[name], weights), name


TWO_WAYS = {"generator": "unet256", "levels": 2, "generator_norm": True, "discriminator_norm": True}


@pytest.mark.parametrize("changes", [{}, TWO_WAYS], ids=["zeros beside channels", "and instance normalisation"])
def test_what_is_written_in_two_ways_differs_by_rounding_when_compiled(changes, tiny, handed):
    """In float64, where three steps of four networks have not yet made anything of it."""
    config, found = tiny(system="cycle_gan", **changes), []
    for compiled in (False, True):
        system, pairs = build_system(config, CPU), BlurredPairs(config, CPU)
        for network in system.networks.values():
            network.double()
            if compiled:
                network.compile()
        batches = [pairs.batch(step, paired=False) for step in range(3)]
        found.append([system.step(replace(b, blurred=b.blurred.double(), sharp=b.sharp.double())) for b in batches])
    assert len(handed) == 4
    for plain, compiled in zip(*found, strict=True):
        for name, loss in plain.items():
            torch.testing.assert_close(compiled[name], loss, rtol=1e-10, atol=1e-12)


def test_what_was_chosen_is_said(tiny, capsys):
    fit(tiny(), progress=True)
    said = capsys.readouterr().err
    assert "precision: float32, as asked for" in said
    assert "compile: no" in said
    assert "images/s, data wait" in said
    assert "utilisation" in said


@pytest.mark.parametrize("system", ["regression", "cycle_gan"])
def test_bfloat16_learns_what_float32_learns(system, tiny):
    """The losses of the first steps, to 1e-3."""
    config = {"system": system, "content": "l1", "learning_rate": 2e-4, "discriminator_learning_rate": 2e-4, "steps": 6}
    half, full = (fit(tiny(precision=p, **config), progress=False).losses for p in ("bfloat16", "float32"))
    for name, values in full.items():
        assert half[name] == pytest.approx(values, abs=1e-3), name


def test_crops_are_turned_in_eight_ways(tiny):
    """Against rot90 and flip, on a photograph whose every pixel is another."""
    x = torch.arange(3 * 7 * 9, dtype=torch.uint8).view(3, 7, 9)
    resident, channels = Resident([x[:, :5, :5].contiguous(), x], CPU), torch.tensor([[2, 0, 1]])
    for turn in range(8):
        cuts = Cuts(torch.tensor([1]), torch.tensor([[0.5, 0.99]]), torch.tensor([turn]), channels)
        crop = x[:, 2:6, 5:9].rot90(turn % 4, dims=(-2, -1))  # half of four rooms down, the last of six along
        expected = (crop.flip(-1) if turn >= 4 else crop)[channels[0]]
        assert torch.equal(resident.cut(cuts, 4)[0], expected)
    assert torch.equal(resident[1], x)
    assert len(resident) == 2


def test_a_pace():
    pace = Pace(100, 2.0, 0.5) + Pace(100, 2.0, 0.5)
    assert (pace.rate, pace.utilisation) == (50.0, 0.75)
    assert str(pace) == "50 images/s, data wait 25%, utilisation 75%"
    assert str(Pace()) == "0 images/s, data wait 0%, utilisation 0%"


def test_a_stopwatch_counts_what_lies_between_its_marks(monkeypatch):
    times = iter([0.0, 1.0, 1.5, 4.0, 4.5, 5.0, 7.0, 8.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(times))
    watch = Stopwatch(CPU, images=10)
    for _ in range(4):
        watch.mark()
    assert watch.read() == Pace(20, 5.0, 1.0)
    watch.skip()
    assert watch.read() == Pace(0, 1.0, 0.0)


def test_compiled_networks_train_on_cuda(tiny, cuda):
    losses = [fit(tiny(device=cuda, compile=c), progress=False).losses["content"] for c in (False, True)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_a_step_on_cuda_waits_for_nothing(tiny, cuda):
    """Between two readings no call waits for the device: making a batch, stepping, averaging."""
    pairs = BlurredPairs(tiny(device=cuda), torch.device(cuda))
    pairs.batch(0)
    torch.cuda.set_sync_debug_mode("error")
    try:
        pairs.batch(1)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_device_that_is_not_there(tiny, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device(tiny(device="cuda:1")) == torch.device("cuda:1")
    with pytest.raises(ValueError, match="'cuda:2' was asked for, but torch finds 2 of them"):
        choose_device(tiny(device="cuda:2"))
