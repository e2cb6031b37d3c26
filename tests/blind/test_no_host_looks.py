"""No method looks at a value on its way from the photograph to the kernel, and none sends one to the device."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from deblurlib import blind
from deblurlib.blind import face_exemplar, sparse_coding
from deblurlib.blind.nonnegative import nonnegative

LOOKS = ("_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "masked_select", "unique")
"""What waits for a device in order to know a value, or how many there are."""

FEW = {name: {"iterations": 2} for name in blind.METHODS} | {
    "dark_channel": {"iterations": 1},
    "variational_bayes": {"iterations": 1, "sweeps": 1},
    "agreement": {
        "l0_gradient": blind.L0GradientSettings(iterations=1),
        "fast_edges": blind.FastEdgesSettings(iterations=1),
        "two_phase": blind.TwoPhaseSettings(iterations=1),
    },
}
"""Rounds of a scale, which are all alike."""


SHIPPED = {"face_exemplar": face_exemplar.exemplars, "sparse_coding": sparse_coding.dictionary}
"""What a method reads from a file, once for each device, however many photographs follow."""


class NoTransfers(TorchDispatchMode):
    """Raises where a value, or what its size depends on, goes from the device to the host or the other way."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        if name in LOOKS:
            raise AssertionError(f"{name} looks at a value")
        if name == "lift_fresh":
            raise AssertionError("a tensor is made of numbers of the host")
        if name in ("index", "index_put", "index_put_") and any(
            i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1]
        ):
            raise AssertionError("a mask as an index has to be counted")
        out = func(*args, **kwargs)
        places = {x.device for x in (*args, *kwargs.values()) if isinstance(x, torch.Tensor) and x.ndim}
        if isinstance(out, torch.Tensor) and len(places | {out.device}) > 1:
            raise AssertionError(f"{name} goes from {places} to {out.device}")
        return out


@pytest.mark.parametrize("method", blind.METHODS)
def test_no_method_looks_at_a_value(method):
    """On the device 'meta' tensors have no values at all: whoever asks for one fails."""
    chosen = blind.METHODS[method]
    y = torch.empty(2, 1, 50, 44, device="meta")
    rounds = []
    if method in SHIPPED:
        SHIPPED[method](y.device)
    with torch.no_grad(), NoTransfers():
        kernel, latent = chosen.estimate(y, 9, settings=chosen.settings(**FEW[method]), watch=rounds.append)
    assert kernel.shape == (2, 1, 9, 9)
    assert kernel.device == latent.device == y.device
    assert len({r.scale for r in rounds}) > 1


@pytest.mark.parametrize(
    "look",
    [
        lambda x: float(x.sum()),
        lambda x: bool((x > 0.5).any()),
        lambda x: x[x > 0.5],
        lambda x: (x > 0.5).nonzero(),
        lambda x: x * torch.tensor([1.0, 2.0, 3.0]),
        lambda x: x.to("meta"),
        lambda x: nonnegative(x[None] @ x.mT[None] + torch.eye(3), x[:1]),
    ],
    ids=["number", "branch", "mask", "places", "list", "transfer", "until nothing is wrong"],
)
def test_the_guard_notices_every_kind_of_look(look):
    x = torch.rand(3, 3, generator=torch.Generator().manual_seed(0))
    look(x)
    with NoTransfers(), pytest.raises(AssertionError):
        look(x)
