"""Levin's sparse deconvolution against its published errors, a dense matrix, and its own promises."""

import pytest
import torch

from deblurlib import images
from deblurlib.blur import Blur, delta, gaussian
from deblurlib.deconvolution import hyper_laplacian, reweighted, sparse
from deblurlib.deconvolution.reweighted import _differences, _differences_adjoint
from deblurlib.metrics import align
from deblurlib.profile import seed


def draw(*shape, number=0):
    return torch.rand(shape, generator=seed(number), dtype=torch.float64)


def squared_error(restored, x):
    return float((align(restored, x) - x)[..., 15:-15, 15:-15].square().sum())


@pytest.mark.filterwarnings("ignore:kernel. its centroid")
def test_the_published_errors_of_the_benchmark(levin):
    """Within one per cent on every file; the hyper-Laplacian has the lower error on three quarters of them."""
    wins = 0
    for x, y, k, published in levin:
        error = squared_error(sparse(y, k, clip=False), x)
        assert error == pytest.approx(published, rel=0.01)
        wins += squared_error(hyper_laplacian(y, k, clip=False), x) < error
    assert wins >= 0.75 * len(levin)


def test_the_adjoint_of_the_differences():
    x = draw(2, 1, 7, 9)
    d = [torch.randn(part.shape, generator=seed(i), dtype=x.dtype) for i, part in enumerate(_differences(x))]
    left = sum((a * b).sum() for a, b in zip(_differences(x), d, strict=True))
    torch.testing.assert_close(left, (x * _differences_adjoint(d)).sum(), rtol=0, atol=1e-10)


def test_the_first_pass_solves_its_normal_equations():
    """Against a dense matrix, columns by linearity."""
    k, y = gaussian(3, 0.7, dtype=torch.float64), draw(1, 1, 6, 7)
    n = 8 * 9
    unit = torch.eye(n, dtype=torch.float64).reshape(n, 1, 8, 9)
    a = Blur(k, "valid")(unit).reshape(n, -1).T
    rows = [a, *[0.05**0.5 * d.reshape(n, -1).T for d in _differences(unit)]]
    target = torch.cat([y.flatten(), torch.zeros(sum(len(r) for r in rows[1:]), dtype=torch.float64)])
    expected = torch.linalg.lstsq(torch.cat(rows), target[:, None]).solution.reshape(8, 9)[1:-1, 1:-1]
    restored = sparse(y, k, weight=0.05, reweightings=0, iterations=200, clip=False)
    torch.testing.assert_close(restored[0, 0], expected, rtol=0, atol=1e-9)


def test_batch_equals_loop_and_float32_is_near():
    y, k = draw(3, 2, 24, 30), torch.cat([gaussian(5, s, dtype=torch.float64) for s in (0.8, 1.0, 1.3)])
    whole = sparse(y, k, iterations=20)
    single = torch.cat([sparse(y[i : i + 1], k[i : i + 1], iterations=20) for i in range(3)])
    torch.testing.assert_close(whole, single, rtol=0, atol=1e-10)
    y = Blur(k[:1])(images.bundled("camera")[..., 100:140, 100:150].double())
    single = sparse(y.float(), k[:1].float()).double()
    torch.testing.assert_close(single, sparse(y, k[:1]), rtol=0, atol=1e-3)


def test_the_identity_kernel_and_a_weak_prior_leave_the_image():
    x = images.bundled("camera")[..., 100:140, 100:150].double()
    torch.testing.assert_close(sparse(x, delta(3, dtype=x.dtype), weight=1e-9), x, rtol=0, atol=1e-5)


def test_gradients():
    y, k = draw(1, 1, 6, 7).requires_grad_(), gaussian(3, 0.8, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda y: sparse(y, k, iterations=4, reweightings=1, clip=False), y)


def test_the_callback_sees_every_pass():
    seen = []
    y, k = draw(1, 1, 20, 20), gaussian(3, 0.8, dtype=torch.float64)
    x = sparse(y, k, reweightings=2, iterations=5, clip=False, callback=lambda i, e: seen.append((i, e)))
    assert [i for i, _ in seen] == [0, 1, 2] and torch.equal(seen[-1][1], x)


def test_a_pass_that_is_not_finite_is_not_taken(monkeypatch):
    """The second pass is spoilt: the first one's estimate comes back, and the warning says which pass and why."""
    y, k = 0.1 + 0.8 * draw(1, 1, 20, 22), gaussian(5, 1.0, dtype=torch.float64)
    first, passes, real = sparse(y, k, reweightings=0), [], reweighted.conjugate_gradients

    def spoilt(*args, **settings):
        passes.append(real(*args, **settings))
        return passes[-1] / 0 if len(passes) == 2 else passes[-1]

    monkeypatch.setattr(reweighted, "conjugate_gradients", spoilt)
    with pytest.warns(RuntimeWarning, match="pass 1 brought NaN or infinity"):
        restored = sparse(y, k, reweightings=4)
    assert len(passes) == 2
    torch.testing.assert_close(restored, first, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "settings", [{"weight": 0.0}, {"weight": -1.0}, {"exponent": 3.0}, {"iterations": 0}, {"reweightings": -1}]
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(ValueError):
        sparse(draw(1, 1, 20, 20), gaussian(3, 0.8, dtype=torch.float64), **settings)
