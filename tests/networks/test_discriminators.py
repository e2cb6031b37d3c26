"""A score of a PatchGAN sees a patch of the stated size and no more."""

import pytest
import torch

from deblurlib.losses import gradient_penalty
from deblurlib.networks import PatchDiscriminator, receptive_field
from deblurlib.networks.discriminators import LAYERS
from deblurlib.profile import seed


@pytest.mark.parametrize("size", [16, 34, 70, 142])
def test_receptive_field_is_what_one_score_sees(size):
    """Probed by gradients, without the normalisation, whose statistics look at the whole image."""
    judge = PatchDiscriminator(size, width=1, channels=1, normalize=False).double()
    with torch.no_grad():
        for p in judge.parameters():
            p.fill_(0.05)
    x = torch.rand(1, 1, 2 * size, 2 * size, generator=seed(0), dtype=torch.float64).requires_grad_()
    scores = judge(x)
    middle = scores.shape[-1] // 2
    (gradient,) = torch.autograd.grad(scores[0, 0, middle, middle], x)
    rows, columns = gradient[0, 0].abs().sum(1).nonzero(), gradient[0, 0].abs().sum(0).nonzero()
    assert len(rows) == len(columns) == size == receptive_field(judge)
    assert rows.max() - rows.min() == size - 1


@pytest.mark.parametrize("size", LAYERS)
def test_the_smallest_image(size):
    judge = PatchDiscriminator(size, width=2)
    smallest = judge.smallest_side
    scores = judge(torch.rand(2, 3, smallest, smallest + 5, generator=seed(0)))
    assert scores.shape[:2] == (2, 1)
    assert scores.numel() > 0
    assert scores.isfinite().all()
    with pytest.raises(
        ValueError, match=f"{smallest - 1}x{smallest} pixels are too few for a receptive field of {size}"
    ):
        judge(torch.zeros(1, 3, smallest - 1, smallest))


@pytest.mark.parametrize(("size", "parameters"), [(70, 2_764_737), (16, None), (286, None)])
def test_the_layers_are_those_of_the_paper(size, parameters):
    """C64-C128-C256-C512 for 70 pixels: 2.765 million weights in the released code."""
    judge = PatchDiscriminator(size)
    if parameters:
        assert sum(p.numel() for p in judge.parameters()) == parameters
    layers = list(judge.layers)
    assert isinstance(layers[-1], torch.nn.Conv2d)  # no sigmoid: the loss decides what a score means
    assert not isinstance(layers[1], torch.nn.InstanceNorm2d)


def test_it_starts_as_its_source_does():
    """N(0, 0.02^2) beside normalisation, which makes the scale of no account; without it, the scale must last."""
    judge = PatchDiscriminator(70)
    weights = torch.cat([p.flatten() for p in judge.parameters() if p.ndim > 1])
    assert weights.std().item() == pytest.approx(0.02, rel=0.01)
    assert all((p == 0).all() for p in judge.parameters() if p.ndim == 1)
    assert (
        PatchDiscriminator(70, width=8, normalize=False)(torch.rand(1, 3, 70, 70, generator=seed(0))).abs().max() > 1e-3
    )


@pytest.mark.parametrize("normalize", [False, True])
def test_a_gradient_penalty_reaches_its_weights(normalize):
    """A slope of a slope, through leaky ReLU in place and instance normalisation, against differences.

    A slope jumps where a ReLU bends: one judge in thirty has a bend within the step, and this one has none.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        judge = PatchDiscriminator(16, width=4, normalize=normalize).double()
    x, y = (torch.rand(2, 3, 16, 16, generator=seed(n), dtype=torch.float64) for n in (0, 1))

    def penalty():
        return gradient_penalty(judge, x, y, generator=seed(2))

    penalty().backward()
    weight, step = judge.layers[0].weight, 1e-5
    with torch.no_grad():
        slopes = []
        for sign in (1, -1):
            weight[0, 0, 1, 1] += sign * step
            with torch.enable_grad():
                slopes.append(penalty().item())
            weight[0, 0, 1, 1] -= sign * step
    assert weight.grad[0, 0, 1, 1].item() == pytest.approx((slopes[0] - slopes[1]) / (2 * step), rel=1e-4, abs=1e-8)


def test_images_do_not_mix():
    judge = PatchDiscriminator(34, width=4).double()
    x = torch.rand(3, 3, 40, 44, generator=seed(0), dtype=torch.float64)
    torch.testing.assert_close(judge(x), torch.cat([judge(x[i : i + 1]) for i in range(3)]), rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", [0, 69, "70", None])
def test_another_receptive_field_is_refused(size):
    with pytest.raises(ValueError, match="receptive_field: expected one of 16, 34, 70, 142, 286"):
        PatchDiscriminator(size)
    with pytest.raises(ValueError, match="expected positive width and channels, got 0, 3"):
        PatchDiscriminator(width=0)
