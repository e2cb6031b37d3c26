"""The classifier of motions: its classes, its layout, and what the one that ships has learnt."""

import os
from pathlib import Path

import pytest
import torch

from deblurlib import images
from deblurlib.blur import Blur, linear_motion, motion_kernels
from deblurlib.networks import (
    Deblurrer,
    Denoiser,
    MotionClassifier,
    UNetGenerator,
    load_motion_classifier,
    save_weights,
    straight_motions,
)
from deblurlib.networks.pretrained import FOLDER
from deblurlib.profile import seed


def test_the_classes_of_the_paper():
    motions = straight_motions()
    assert len(motions) == 73
    assert (motions[:, 0] == 1).sum() == 1
    assert sorted(set(motions[:, 0].tolist())) == list(range(1, 26, 2))
    assert sorted(set(motions[:, 1].tolist())) == list(range(0, 180, 30))


@pytest.mark.parametrize(("longest", "angles"), [(1, 6), (8, 6), (9, 0)])
def test_no_such_classes(longest, angles):
    with pytest.raises(ValueError, match="expected an odd length of at least 3 and an angle or more"):
        straight_motions(longest, angles)


def test_kernels_of_motions():
    kernels = motion_kernels(torch.tensor([[1.0, 0.0], [5.0, 30.0]]))
    assert kernels.shape == (2, 1, 7, 7)
    assert kernels[0, 0, 3, 3] == 1
    assert torch.equal(kernels[1:], linear_motion(5, 30.0))
    for wrong in (torch.ones(3), torch.ones(2, 3), torch.ones(0, 2)):
        with pytest.raises(ValueError, match="motions: expected shape"):
            motion_kernels(wrong)


@torch.inference_mode()
def test_a_picture_is_its_patches():
    """No layer pads: the answer at a place is what the patch alone gets."""
    network = MotionClassifier(longest=5, width=4, hidden=8)
    x = torch.rand(2, 3, 41, 53, generator=seed(0))
    whole = network(x)
    assert whole.shape == (2, 13, 3, 6)
    for row in range(3):
        for column in range(6):
            patch = x[..., 4 * row : 4 * row + 30, 4 * column : 4 * column + 30]
            torch.testing.assert_close(network(patch)[..., 0, 0], whole[..., row, column], rtol=0, atol=1e-5)


def test_round_trip_and_refusals(tmp_path):
    network = MotionClassifier(longest=7, angles=4, width=4, hidden=8)
    save_weights(tmp_path / "net.safetensors", network)
    again = load_motion_classifier(tmp_path / "net.safetensors")
    assert again.settings == network.settings
    assert torch.equal(again.motions, network.motions)
    assert not any(p.requires_grad for p in again.parameters())
    with pytest.raises(ValueError, match=r"restores nothing by itself: use deblurlib\.blind\.motion_field"):
        Deblurrer(network)
    for other in (Denoiser(), UNetGenerator(4, 2)):
        save_weights(tmp_path / "net.safetensors", other, overwrite=True)
        with pytest.raises(ValueError, match=f"holds a {type(other).__name__}, expected a MotionClassifier"):
            load_motion_classifier(tmp_path / "net.safetensors")
    with pytest.raises(FileNotFoundError):
        load_motion_classifier(tmp_path / "none.safetensors")


def patches(photographs, count=40):
    """Textured patches of photographs, each blurred by a motion drawn from all, and their classes."""
    chance, found, labels = seed(5), [], []
    kernels = motion_kernels(straight_motions())
    for x in photographs:
        for _ in range(count):
            row, column = (int(torch.randint(n - 56, (1,), generator=chance)) for n in x.shape[-2:])
            label = int(torch.randint(len(kernels), (1,), generator=chance))
            y = Blur(kernels[label : label + 1], "valid")(x[..., row : row + 56, column : column + 56])
            y = y + 0.005 * torch.randn(y.shape, generator=chance)
            if y.std() > 0.06:
                found.append(y)
                labels.append(label)
    return torch.cat(found), torch.tensor(labels)


def judged(x, labels):
    """The share of patches whose motion is named exactly, and that whose angle is."""
    network = load_motion_classifier()
    with torch.inference_mode():
        said = network(x)[..., 0, 0].argmax(dim=1)
    angles = network.motions[:, 1]
    return float((said == labels).float().mean()), float((angles[said] == angles[labels]).float().mean())


def test_the_one_that_ships_reads_motions_of_photographs_that_it_never_saw():
    """Chance is 1 in 73 for the motion, and about 1 in 6 for its angle."""
    folder = Path(os.environ.get("DEBLUR_DATA", Path(__file__).parents[3] / "shared" / "data")) / "sharp_test"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here: set DEBLUR_DATA to the folder that holds sharp_test")
    grey = [images.load(path).mean(dim=1, keepdim=True) for path in sorted(folder.glob("*.jpg"))[::5]]
    motion, angle = judged(*patches(grey))
    assert motion > 0.22
    assert angle > 0.8


def test_the_one_that_ships_reads_motions_of_bundled_photographs():
    names = images.bundled_names("test") + images.bundled_names("validation")
    grey = [images.bundled(name).mean(dim=1, keepdim=True) for name in names]
    motion, angle = judged(*patches(grey, 60))
    assert motion > 0.15
    assert angle > 0.7


def test_its_file_is_small_and_has_a_card():
    folder = FOLDER / "classifier"
    assert (folder / "motion_classifier.safetensors").stat().st_size <= 2**20
    assert ': "/' not in str(load_motion_classifier().notes)
    card = (folder / "motion_classifier.md").read_text(encoding="utf-8")
    for heading in ("Data", "Command", "Hardware", "Scores", "Limits"):
        assert f"\n## {heading}\n" in card
