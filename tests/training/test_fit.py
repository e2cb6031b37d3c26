"""The loop: what it hands back, what it keeps, when it stops, and that it learns."""

import json
import math

import pytest
import torch

from deblurlib.networks import UNetGenerator, load_generator, load_weights
from deblurlib.training import BlurredPairs, NotFiniteError, TrainingConfig, fit, held_out
from deblurlib.training.checkpoint import FILE
from deblurlib.training.systems import Regression


@pytest.fixture(scope="module")
def examination(tiny):
    x = torch.nn.functional.interpolate(torch.rand(1, 3, 9, 9), scale_factor=8, mode="bicubic").clamp(0, 1)
    return held_out([("picture", x)], config=tiny(), side=32, crops=2)


@pytest.mark.parametrize("system", ["regression", "cycle_gan", "paired_cycle_gan"])
def test_a_run(system, tiny, examination, tmp_path):
    config, told = tiny(system=system), []
    state = torch.get_rng_state()
    run = fit(
        config, tmp_path / "run", examination=examination, samples=1, progress=False, callback=lambda *a: told.append(a)
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert run.config == config
    assert {len(values) for values in run.losses.values()} == {config.steps}
    assert all(math.isfinite(value) for values in run.losses.values() for value in values)
    assert [step for step, _ in run.scores] == [4, 8]
    assert [(step, tuple(x.shape)) for step, x in run.samples] == [(4, (1, 3, 32, 32)), (8, (1, 3, 32, 32))]
    assert run.chance.keys() <= run.losses.keys()
    assert bool(run.chance) == (system != "regression")
    assert run.seconds > 0
    assert [step for step, _ in told] == [3, 4, 6, 8]
    assert all(losses == {name: run.losses[name][step - 1] for name in losses} for step, losses in told)

    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        FILE,
        "config.json",
        "generator.safetensors",
        "record.json",
        "samples",
    ]
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["losses"] == run.losses
    x = examination.blurred
    again = load_generator(tmp_path / "run" / "generator.safetensors")
    assert torch.equal(again(x), run.generator(x))
    assert not torch.equal(run.generator(x), x)
    assert run.scores[-1][1] == pytest.approx(examination.gain(run.generator).mean().item(), abs=1e-6)


def test_the_notes_of_the_weights_name_no_folder_of_this_machine(tiny, tmp_path):
    fit(tiny(), tmp_path, progress=False)
    notes = load_weights(tmp_path / "generator.safetensors").notes
    assert json.loads(notes["config"])["steps"] == 8
    assert str(tmp_path.parent) not in str(notes)
    assert tiny().photographs not in str(notes)


def test_the_same_settings_give_the_same_run(tiny):
    first, again, other = (fit(tiny(seed=n), progress=False) for n in (0, 0, 1))
    assert first.losses == again.losses
    assert first.losses != other.losses


def test_the_average_is_an_average(tiny):
    """Of weights that start at w0: a <- d a + (1 - d) w with d = min(average, (t + 1) / (t + 10))."""
    config = tiny(steps=4, average=0.15)
    averaged = fit(config, progress=False).generator.network.state_dict()
    expected = None
    for steps in range(5):
        weights = weights_after(config, steps)
        decay = min(0.15, steps / (steps + 9))
        expected = weights if expected is None else {n: decay * expected[n] + (1 - decay) * weights[n] for n in weights}
    for name, t in averaged.items():
        torch.testing.assert_close(t, expected[name], rtol=1e-5, atol=1e-6)
    last = fit(tiny(steps=4, average=0.0), progress=False)
    for name, t in last.networks["blur_to_sharp"].state_dict().items():
        assert torch.equal(t, last.generator.network.state_dict()[name])


def weights_after(config, steps):
    from deblurlib.training.schedule import schedule

    system, pairs = Regression(config, torch.device("cpu")), BlurredPairs(config, torch.device("cpu"))
    for step in range(steps):
        system.set_rate(schedule(config.schedule, step, config.steps))
        system.step(pairs.batch(step))
    return {name: t.clone() for name, t in system.networks["blur_to_sharp"].state_dict().items()}


def test_start_from_given_networks(tiny):
    start = UNetGenerator(4, 1)
    with torch.no_grad():
        start.last.bias.fill_(0.5)
    config = tiny(steps=1, learning_rate=1e-12)
    for given in (start, {"blur_to_sharp": start}):
        run = fit(config, start=given, progress=False)
        torch.testing.assert_close(run.networks["blur_to_sharp"].last.bias, start.last.bias)
    with pytest.raises(ValueError, match="start: is not a network 'blur_to_sharp' of the run's settings"):
        fit(config, start=UNetGenerator(5, 1), progress=False)
    with pytest.raises(ValueError, match="start: unknown 'judge'"):
        fit(config, start={"judge": start}, progress=False)


def test_a_folder_of_another_run_is_left_alone(tiny, tmp_path):
    fit(tiny(), tmp_path, progress=False)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=r"of other settings \(learning_rate 0.004, here 0.001, seed 0, here 1\)"):
        fit(tiny(seed=1, learning_rate=1e-3), tmp_path, progress=False)
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


@pytest.mark.parametrize("content", ["{", "[1, 2]", "3", "null", '"text"', "\udcff"])
def test_a_folder_whose_settings_cannot_be_read(content, tiny, tmp_path):
    (tmp_path / "config.json").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ValueError, match=r"config.json does not hold the settings of a run"):
        fit(tiny(), tmp_path, progress=False)


def test_a_file_is_no_run_folder(tiny, tmp_path):
    (tmp_path / "run").write_text("precious")
    with pytest.raises(ValueError, match="is a file, expected a folder"):
        fit(tiny(), tmp_path / "run", progress=False)
    assert (tmp_path / "run").read_text() == "precious"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"system": "wgan"}, ValueError, "system: unknown 'wgan'"),
        ({"device": "toaster"}, ValueError, "device: unknown 'toaster'"),
        ({"photographs": "nowhere"}, FileNotFoundError, "no such folder"),
        ({"crop": 500}, ValueError, "no photograph is as large"),
        ({"system": "cycle_gan", "receptive_field": 35}, ValueError, "receptive_field"),
        ({"system": "cycle_gan", "adversarial": "waterstone"}, ValueError, "waterstone"),
    ],
)
def test_settings_that_cannot_be_met_leave_nothing_behind(changes, error, message, tiny, tmp_path):
    with pytest.raises(error, match=message):
        fit(tiny(**changes), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_cuda_that_is_not_there(tiny, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ValueError, match="'cuda' was asked for, but torch finds no CUDA device"):
        fit(tiny(device="cuda"), progress=False)


def test_a_loss_that_is_not_a_number_stops_the_run(tiny, tmp_path, monkeypatch):
    """And the checkpoint from before it stays, from which the run, mended, goes on."""
    draw = BlurredPairs.batch

    def poisoned(self, step, **options):
        batch = draw(self, step, **options)
        batch.blurred[0, 0, 0, 0] = math.nan if step == 4 else batch.blurred[0, 0, 0, 0]
        return batch

    with monkeypatch.context() as patch:
        patch.setattr(BlurredPairs, "batch", poisoned)
        message = "'content' became NaN or infinite in step 5; the last checkpoint is in"
        with pytest.raises(NotFiniteError, match=message) as caught:
            fit(tiny(), tmp_path, progress=False)
    assert (caught.value.name, caught.value.step) == ("content", 5)
    run = fit(tiny(), tmp_path, progress=False)
    assert run.losses == fit(tiny(), progress=False).losses
    with monkeypatch.context() as patch:
        patch.setattr(BlurredPairs, "batch", poisoned)
        with pytest.raises(NotFiniteError, match="no run folder was given, so nothing is kept"):
            fit(tiny(), progress=False)


def test_weights_that_are_not_numbers_reach_no_checkpoint(tiny, tmp_path, monkeypatch):
    """The losses of the last steps were finite; the update after them was not."""
    update = Regression.update

    def ruinous(self, name, loss):
        update(self, name, loss)
        self.updates = getattr(self, "updates", 0) + 1
        if self.updates == 6:
            self.networks["blur_to_sharp"].last.bias.data.fill_(math.nan)

    monkeypatch.setattr(Regression, "update", ruinous)
    with pytest.raises(NotFiniteError, match="A weight of 'blur_to_sharp' became NaN or infinite in step 6"):
        fit(tiny(), tmp_path, progress=False)
    monkeypatch.undo()
    assert fit(tiny(), tmp_path, progress=False).losses == fit(tiny(), progress=False).losses


def test_a_learning_rate_that_is_far_too_high_is_named(tiny):
    with pytest.raises(NotFiniteError, match="Lower the learning rate"):
        fit(tiny(learning_rate=1e30), progress=False)


def test_progress_is_shown_and_can_be_silenced(tiny, examination, capsys):
    fit(tiny(), examination=examination, progress=True)
    shown = capsys.readouterr().err
    assert "8/8" in shown
    assert "dB" in shown
    fit(tiny(), progress=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.timeout(600)
def test_a_hundred_steps_deblur_photographs_never_seen():
    """The recipe of the book's page, cut to a hundred steps: more than +0.3 dB on the held-out photographs."""
    config = TrainingConfig(steps=100, precision="float32", device="cpu", average=0.0)
    examination = held_out(config=config)
    run = fit(config, examination=examination, progress=False)
    gain = examination.gain(run.generator)
    assert run.scores == [(100, pytest.approx(gain.mean().item()))]
    assert gain.mean() > 0.3
    assert examination.ssim_gain(run.generator).mean() > 0


def test_the_generator_that_ships_deblurs_photographs_never_seen():
    """Well above nothing on average, and no crop is harmed; what it reaches exactly is on its model card."""
    examination = held_out()
    restored = load_generator()(examination.blurred)
    gain = examination.gain(lambda _: restored)
    assert gain.mean() > 2.5
    assert gain.min() > 0
    assert examination.ssim_gain(lambda _: restored).mean() > 0.03


def test_the_unpaired_cycle_gan_stays_near_the_identity(tiny, examination):
    """Cycle consistency and the identity loss are content with doing nothing, and nothing is where it starts."""
    run = fit(tiny(system="cycle_gan", adversarial_weight=1e-9, learning_rate=1e-4), progress=False)
    x = examination.blurred
    assert (run.generator(x) - x).abs().mean() < 0.01
    assert max(run.losses["cycle_blur"]) < 0.02


def test_training_on_cuda(tiny, cuda, tmp_path):
    config = tiny(system="cycle_gan", device="cuda", precision="bfloat16")
    run = fit(config, tmp_path, progress=False)
    assert next(run.networks["judge_sharp"].parameters()).device.type == "cuda"
    assert all(math.isfinite(value) for values in run.losses.values() for value in values)
    again = fit(config, tmp_path, progress=False)
    x = torch.rand(1, 3, 20, 20)
    torch.testing.assert_close(again.generator(x), run.generator(x))
