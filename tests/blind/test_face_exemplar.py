"""Faces: the exemplar lies on the face, its contours are where they belong, and a face's kernel is found."""

import pytest
import torch

from deblurlib import blind, blur, images, metrics
from deblurlib.blind.coarse_to_fine import scales
from deblurlib.blind.edges import gradients
from deblurlib.blind.face_exemplar import (
    SIDES,
    FaceExemplarSettings,
    contour_mask,
    contours,
    exemplars,
    find_exemplar,
    unit,
)

PYRAMID = FaceExemplarSettings().pyramid
CENTRE = (125, 221)
"""Row and column of the middle between eyes and mouth in the photograph of the astronaut, seen by eye."""


@pytest.fixture(scope="module")
def portrait():
    """The astronaut's head and shoulders, and where in the photograph they begin."""
    return images.bundled("astronaut").mean(dim=1, keepdim=True)[..., :256, 90:346], (0, 90)


@pytest.fixture(scope="module")
def shaken(portrait):
    kernels = blur.camera_shake(2, size=13, generator=torch.Generator().manual_seed(2))
    y = blur.Blur(kernels, "valid")(portrait[0].expand(2, -1, -1, -1))
    return blur.add_noise(y, 0.003, generator=torch.Generator().manual_seed(0)).clamp(0, 1), kernels


def test_the_exemplar_lies_on_the_blurred_face(portrait, shaken):
    coarsest = next(scales(shaken[0], 13, PYRAMID))
    found = find_exemplar(coarsest.blurred)
    top, left = portrait[1]
    for place, side in zip(found.place.tolist(), found.side.tolist(), strict=True):
        row, column = ((p + s * side) / coarsest.factor + 6 for p, s in zip(place, (0.5, 0.46), strict=True))
        assert abs(row + top - CENTRE[0]) < 15
        assert abs(column + left - CENTRE[1]) < 15
        assert 90 < side / coarsest.factor < 130
    lit = found.edges.square().sum(dim=1) > 0
    rows, columns = (lit.any(dim=d).float().argmax(dim=1) for d in (2, 1))
    assert (rows >= found.place[:, 0]).all()
    assert (columns >= found.place[:, 1]).all()


def test_the_face_is_found_again_where_it_moves_to(shaken):
    x = next(scales(shaken[0][:1], 13, PYRAMID)).blurred
    first, second = find_exemplar(x), find_exemplar(x[..., 4:, 6:])
    assert torch.equal(second.face, first.face)
    assert torch.equal(second.side, first.side)
    assert torch.equal(second.place, first.place - torch.tensor([[4, 6]]))


def test_an_exemplar_finds_itself():
    """Its own face in a plain frame: at its place, by its number, with its gradients."""
    faces, _ = exemplars(torch.device("cpu"))
    for number in (3, 57, 86):
        x = faces[number].mean().expand(1, 1, 80, 90).clone()
        x[..., 30:55, 40:65] = faces[number]
        found = find_exemplar(x)
        assert found.side.item() == 25
        assert found.place.tolist() == [[30, 40]]
        assert found.face.item() == number


def test_likeness_is_normalised_and_no_proof_of_a_face(shaken):
    """It does not change with contrast; and a hundred coins are more like a face than the astronaut is."""
    portrait = next(scales(shaken[0][:1], 13, PYRAMID)).blurred
    found, pale = find_exemplar(portrait), find_exemplar(0.3 * portrait + 0.5)
    assert torch.equal(pale.face, found.face)
    assert torch.allclose(pale.score, found.score, rtol=1e-3)
    coins = next(scales(images.bundled("coins")[..., :250, :250], 13, PYRAMID)).blurred
    assert float(find_exemplar(coins).score) > float(found.score)


def test_contours_of_every_side():
    for side in (*SIDES, 17):
        soft, sharp, mask = contours(side, torch.zeros(1, dtype=torch.float64))
        assert soft.shape == sharp.shape == (100, 2, side - 1, side - 1)
        assert torch.allclose(soft.square().sum(dim=(1, 2, 3)), torch.ones(100, dtype=torch.float64))
        assert not (sharp * (1 - mask)).any()
    powers = [g.square().sum(dim=1).flatten(1) for g in contours(75, mask)[:2]]
    steep = [power.amax(dim=1) / power.sum(dim=1) for power in powers]
    assert (steep[1] > steep[0]).all()  # the filter gathers an edge in fewer pixels


def test_the_mask_is_that_of_the_mean_face():
    """The darkest rows of the two halves of the mean face, eyes and mouth, lie in it; cheeks and forehead do not."""
    faces, mask = exemplars(torch.device("cpu"))
    mean = faces.mean(dim=0)[0]
    eyes, mouth = (int(mean[a:b, 6:17].mean(dim=1).argmin()) + a for a, b in ((5, 12), (13, 21)))
    assert mask[0, 0, eyes, 6:17].all()
    assert mask[0, 0, mouth, 6:17].all()
    assert not mask[0, 0, 12:14, 6:17].any()
    assert not mask[0, 0, :4].any()
    assert 0.3 < float(contour_mask().mean()) < 0.6


def test_gradients_of_length_one():
    g = unit(torch.stack([torch.full((4, 4), 3.0), torch.zeros(4, 4)])[None])
    assert torch.allclose(g[0, 0], torch.full((4, 4), 0.25))
    assert torch.equal(g[0, 1], torch.zeros(4, 4))


def test_the_kernel_of_a_face_is_found(shaken):
    y, kernels = shaken
    rounds = []
    found = blind.estimate(y, 13, method="face_exemplar", callback=rounds.append)
    assert (metrics.kernel_similarity(found.kernel, kernels) > 0.8).all()
    assert [r.iteration for r in rounds if r.scale == 0] == list(range(1, 11))
    steps = gradients(found.latent)
    assert float((steps.square().sum(dim=1) < 1e-8).float().mean()) > 0.3  # few gradients
