"""Each symptom lies on one side of its limit where the failure is, and on the other where it is not."""

import pytest
import torch
import torch.nn.functional as F

from deblurlib import images
from deblurlib.benchmarks import input_symptoms as inputs
from deblurlib.benchmarks import symptoms
from deblurlib.blur import Blur, RotationBlur, add_noise, camera_shake, delta, from_linear, gaussian, to_linear
from deblurlib.deconvolution import hyper_laplacian, richardson_lucy, wiener
from deblurlib.profile import seed

NOISE = 0.005


@pytest.fixture(scope="module")
def kernel():
    return camera_shake(1, 21, length=(10.0, 16.0), generator=seed(3))


@pytest.fixture(scope="module", params=["camera", "coffee"])
def scene(request, kernel):
    """A sharp photograph, and what the camera saw of it: the frame is smaller than the scene."""
    x = images.bundled(request.param)
    y = add_noise(Blur(kernel, "valid")(x), NOISE, generator=seed(1)).clamp(0, 1)
    return request.param, x[..., 10:-10, 10:-10], y


@pytest.fixture(scope="module")
def camera(kernel):
    x = images.bundled("camera")
    return add_noise(Blur(kernel, "valid")(x), NOISE, generator=seed(1)).clamp(0, 1)


def test_a_faithful_restoration_has_no_symptom(scene, kernel):
    _, truth, y = scene
    for x in (truth, hyper_laplacian(y, kernel)):
        assert symptoms.ringing(x, y, kernel) < symptoms.RINGING_LIMIT
        assert symptoms.grain(x, y, kernel) < symptoms.GRAIN_LIMIT
        assert symptoms.border_excess(x, y, kernel) < symptoms.BORDER_LIMIT
        assert symptoms.unexplained(x, y, kernel, noise=NOISE) < symptoms.UNEXPLAINED_LIMIT
        assert symptoms.change(x, y) > symptoms.CHANGE_LIMIT
        assert symptoms.colour_shift(x, y) < symptoms.COLOUR_LIMIT
        assert symptoms.checkerboard(x) < symptoms.CHECKERBOARD_LIMIT


def test_the_photograph_itself_does_not_ring_and_is_no_restoration(scene, kernel):
    _, _, y = scene
    for ratio in (symptoms.ringing, symptoms.grain, symptoms.border_excess):
        torch.testing.assert_close(ratio(y, y, kernel), torch.ones(1))
    assert symptoms.change(y, y) == 0
    assert symptoms.unexplained(y, y, kernel, noise=NOISE) > symptoms.UNEXPLAINED_LIMIT


def test_ringing_of_a_linear_filter_and_of_a_wrong_kernel(camera, kernel):
    other = camera_shake(1, 21, length=(10.0, 16.0), generator=seed(4))
    for x in (wiener(camera, kernel, noise=NOISE), wiener(camera, other, noise=NOISE)):
        assert symptoms.ringing(x, camera, kernel) > symptoms.RINGING_LIMIT


def test_noise_that_was_raised(scene, kernel):
    _, _, y = scene
    assert symptoms.grain(wiener(y, kernel, noise=NOISE / 10), y, kernel) > symptoms.GRAIN_LIMIT
    assert symptoms.grain(wiener(y, kernel, noise=NOISE), y, kernel) < symptoms.GRAIN_LIMIT


def test_waves_from_beyond_the_frame(scene, kernel):
    _, _, y = scene
    wrap = wiener(y, kernel, noise=NOISE, boundary="wrap")
    assert symptoms.border_excess(wrap, y, kernel) > symptoms.BORDER_LIMIT
    assert symptoms.border_excess(wiener(y, kernel, noise=NOISE), y, kernel) < symptoms.BORDER_LIMIT


def test_a_restoration_that_does_not_explain_the_photograph(scene, kernel):
    _, truth, y = scene
    other = images.bundled("motorcycle").mean(dim=1, keepdim=True)[..., : y.shape[-2], : y.shape[-1]]
    turned = wiener(y, camera_shake(1, 21, length=(10.0, 16.0), generator=seed(4)), noise=NOISE)
    for x in (turned, truth.roll(2, dims=-1), other.expand_as(y)):
        assert symptoms.unexplained(x, y, kernel, noise=NOISE) > symptoms.UNEXPLAINED_LIMIT


def test_a_hallucination_that_the_blur_erases_is_not_found(kernel):
    """What no photograph can contradict: a wave at a frequency that the kernel lets nothing through of."""
    k = torch.full((1, 1, 1, 5), 0.2)
    wave = 0.1 * torch.cos(2 * torch.pi * torch.arange(100) / 5).expand(1, 1, 60, 100)
    x = 0.3 + 0.2 * torch.rand(1, 1, 60, 100, generator=seed(0))
    y = add_noise(Blur(k, "reflect")(x), NOISE, generator=seed(1))
    assert symptoms.unexplained(x + wave, y, k, noise=NOISE) < 1.1


def test_an_identity(scene):
    _, _, y = scene
    assert symptoms.change(y + 0.1 * (y - Blur(gaussian(7, 1.0), "reflect")(y)), y) < symptoms.CHANGE_LIMIT


def test_a_tint_and_a_change_of_brightness():
    x = 0.8 * images.bundled("coffee")
    for by in ([0.04, 0, 0], [-0.03, -0.03, -0.03]):
        tinted = x + torch.tensor(by).view(1, 3, 1, 1)
        assert symptoms.colour_shift(tinted, x) > symptoms.COLOUR_LIMIT
        torch.testing.assert_close(
            symptoms.colour_shift(tinted, x), torch.tensor([max(map(abs, by))]), atol=1e-4, rtol=0
        )


@pytest.mark.parametrize("name", ["astronaut", "camera", "china", "grass", "brick", "motorcycle"])
def test_a_transposed_convolution_leaves_a_checkerboard(name):
    x = images.bundled(name)
    assert symptoms.checkerboard(x) < symptoms.CHECKERBOARD_LIMIT
    half = F.avg_pool2d(x.mean(dim=1, keepdim=True), 2)
    box = torch.full((1, 1, 3, 3), 4 / 9)
    uneven = F.conv_transpose2d(half, box, stride=2, padding=1, output_padding=1)  # 3 does not divide by 2
    even = F.interpolate(half, scale_factor=2, mode="bilinear")
    assert symptoms.checkerboard(uneven.clamp(0, 1)) > symptoms.CHECKERBOARD_LIMIT
    assert symptoms.checkerboard(even) < symptoms.CHECKERBOARD_LIMIT


def test_an_answer_that_depends_on_the_size():
    x = images.bundled("camera")

    def over_the_whole(y):
        return 0.5 + 0.2 * (y - y.mean(dim=(-2, -1), keepdim=True)) / y.std(dim=(-2, -1), keepdim=True)

    def local(y):
        return Blur(gaussian(9, 1.5), "reflect")(y)

    assert symptoms.size_dependence(over_the_whole, x, 128) > symptoms.SIZE_LIMIT
    assert symptoms.size_dependence(local, x, 128) < symptoms.SIZE_LIMIT


def test_no_blur_and_drift(kernel):
    assert inputs.kernel_peak(delta(9)) == 1 > inputs.NO_BLUR_LIMIT > inputs.kernel_peak(kernel)
    assert inputs.kernel_drift(kernel) < inputs.DRIFT_LIMIT
    moved = F.pad(kernel, (4, 4, 4, 4)).roll((3, -4), dims=(-2, -1))
    torch.testing.assert_close(inputs.kernel_drift(moved), torch.tensor([5.0]), atol=0.5, rtol=0)
    batch = torch.cat([F.pad(kernel, (4, 4, 4, 4)), moved])
    assert (inputs.kernel_drift(batch) > inputs.DRIFT_LIMIT).tolist() == [False, True]


def test_saturation():
    x = images.bundled("camera") * 0.9
    assert inputs.saturated_share(x) < inputs.SATURATION_LIMIT < inputs.saturated_share((3 * x).clamp(0, 1))


def test_light_adds_up_before_the_curve(kernel):
    x = images.bundled("camera")
    file = add_noise(Blur(kernel, "valid")(x), NOISE, generator=seed(1)).clamp(0, 1)
    seen = add_noise(Blur(kernel, "valid")(to_linear(x)), NOISE / 2, generator=seed(1)).clamp(0, 1)
    assert inputs.linear_light(file, kernel) < inputs.LINEAR_LIMIT
    assert inputs.linear_light(from_linear(seen), kernel) > inputs.LINEAR_LIMIT


def test_a_turn_of_the_camera_is_no_convolution():
    x = images.bundled("camera")
    k = camera_shake(1, 15, length=(7.0, 11.0), generator=seed(3))
    values = [
        inputs.kernel_disagreement(add_noise(blur(x), 0.003, generator=seed(1)).clamp(0, 1), 15).item()
        for blur in (Blur(k, "reflect"), RotationBlur(torch.linspace(-1.5, 1.5, 13)))
    ]
    assert values[0] < inputs.DISAGREEMENT_LIMIT < values[1]


def test_a_batch_is_a_loop(camera, kernel):
    y = torch.cat([camera, camera.flip(-1)])
    x = richardson_lucy(y, kernel, iterations=3)
    for symptom in (symptoms.ringing, symptoms.grain, symptoms.border_excess):
        alone = torch.cat([symptom(a[None], b[None], kernel) for a, b in zip(x, y, strict=True)])
        torch.testing.assert_close(symptom(x, y, kernel), alone)
    torch.testing.assert_close(symptoms.checkerboard(y)[1:], symptoms.checkerboard(y[1:]))
    torch.testing.assert_close(symptoms.change(x, y)[1:], symptoms.change(x[1:], y[1:]))


def test_what_they_refuse(camera, kernel):
    with pytest.raises(ValueError, match="restored has shape"):
        symptoms.ringing(camera[..., 1:], camera, kernel)
    with pytest.raises(ValueError, match="sums to 2"):
        symptoms.grain(camera, camera, 2 * kernel)
    with pytest.raises(ValueError, match="noise: expected a number above 0"):
        symptoms.unexplained(camera, camera, kernel, noise=0.0)
    with pytest.raises(ValueError, match="at least 32x32"):
        symptoms.checkerboard(torch.zeros(1, 1, 31, 40))
    with pytest.raises(ValueError, match="at least 601x601"):
        symptoms.size_dependence(lambda x: x, camera, 600)
    with pytest.raises(ValueError, match="even"):
        inputs.kernel_peak(torch.full((1, 1, 2, 2), 0.25))
