"""Training where the kernel is known: each system trains from the library, and its run restores."""

import pytest
import torch

from deblurlib.networks import Deconvolver, Denoiser, KernelCNN, load_known_kernel
from deblurlib.training import BlurredPairs, fit, held_out
from deblurlib.training.data import the_kernel
from deblurlib.training.non_blind import KnownKernel
from deblurlib.training.systems import build_system

KINDS = {"denoiser": Denoiser, "deep_deconvolution": Deconvolver, "deconvolution_cnn": KernelCNN}


@pytest.mark.parametrize("name", KINDS)
def test_a_run_restores_and_loads_again(name, tiny, tmp_path):
    config = tiny(system=name, noise=(0.01, 0.01))
    examination = held_out(config=config, side=48, crops=1)
    run = fit(config, tmp_path / "run", examination=examination, samples=1, progress=False)
    assert len(run.losses["content"]) == config.steps
    assert len(run.scores) == 2
    network = load_known_kernel(tmp_path / "run" / "generator.safetensors", KINDS[name])
    mine = run.generator(examination.blurred, examination.kernels, 0.01)
    door = run.generator.door(network, examination.blurred, examination.kernels, 0.01)
    torch.testing.assert_close(mine, door, atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="kernel"):
        run.generator(examination.blurred)
    again = fit(config, tmp_path / "run", examination=examination, progress=False)  # resumed at its end
    for a, b in zip(run.generator.network.parameters(), again.generator.network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_system_without_a_method_is_none(tiny):
    """Where the kernel is known, a run is scored through its method's door: who has none is refused at once."""

    class Doorless(KnownKernel):
        def build(self):
            return {"blur_to_sharp": Denoiser((4, 8, 12))}

        def step(self, batch):
            return self.learn(self.networks["blur_to_sharp"](batch.blurred, 0.01), batch.sharp)

    with pytest.raises(TypeError, match=r"abstract method '?door"):
        Doorless(tiny(), torch.device("cpu"))


@pytest.mark.parametrize("name", KINDS)
def test_a_step_is_a_function_of_seed_and_step(name, tiny):
    config = tiny(system=name)
    losses = []
    for _ in range(2):
        system, pairs = build_system(config, torch.device("cpu")), BlurredPairs(config, torch.device("cpu"))
        losses.append([float(system.step(pairs.batch(i))["content"]) for i in range(3)])
    assert losses[0] == losses[1]


@pytest.mark.parametrize("name", KINDS)
def test_training_lowers_the_loss(name, tiny):
    config = tiny(system=name, steps=40, width=8, batch=4)
    run = fit(config, progress=False)
    losses = run.losses["content"]
    assert sum(losses[-8:]) < sum(losses[:8])


def test_one_kernel_throughout(tiny):
    config = tiny(system="deconvolution_cnn")
    kernel = the_kernel(config)
    assert kernel.shape == (1, 1, 9, 9)
    batch = BlurredPairs(config, torch.device("cpu")).batch(3)
    assert all(torch.equal(k, kernel[0]) for k in batch.kernels)
    assert all(torch.equal(k, kernel[0]) for k in held_out(config=config, side=48, crops=1).kernels)
    with pytest.raises(ValueError, match="many kernels"):
        the_kernel(tiny())
