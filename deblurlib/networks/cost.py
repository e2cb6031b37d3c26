"""What a network costs: its parameters and its floating-point operations, counted without computing anything."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode


@dataclass(frozen=True)
class Cost:
    """The cost of a network, or of a training step.

    Attributes:
        parameters: Numbers that training can change, frozen ones included.
        flops: Floating-point operations, two for a multiply-add; of convolutions and matrix products alone.
    """

    parameters: int
    flops: int

    def __str__(self) -> str:
        return f"{self.parameters / 1e6:.2f} M parameters, {self.flops / 1e9:.2f} GFLOP"


class OperationCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While it is entered, every convolution and matrix product adds its operations to `flops`.

    torch's own `FlopCounterMode` without its watch over modules, which a gradient penalty's slope of a slope defies.

    Example:
        >>> with OperationCounter() as counter:
        ...     _ = torch.empty(2, 3, device="meta") @ torch.empty(3, 5, device="meta")
        >>> counter.flops
        60
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        from torch.utils.flop_counter import flop_registry  # here, since it brings a compiler that nothing else needs

        self.formulas, self.flops = flop_registry, 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation, and count it where torch has a formula for it."""
        made = func(*args, **(kwargs or {}))
        formula = self.formulas.get(func._overloadpacket)
        if formula is not None:
            self.flops += int(formula(*args, **(kwargs or {}), out_val=made))
        return made


def network_cost(network: nn.Module, *inputs: tuple[int, ...] | float, backward: bool = False, side: int = 256) -> Cost:
    """Count the parameters and the floating-point operations of a network.

    Nothing is computed: a copy of the network runs on the meta device, where tensors have shapes and no values. A
    network that is built there already (`with torch.device("meta"): ...`) costs no memory either. Convolutions and
    matrix products count, two operations for a multiply-add; activations, norms and sums do not.

    Args:
        network: Any network.
        inputs: Of its forward pass: a shape for a tensor, or a number. Default: one colour image.
        backward: Count the gradients of weights and input too.
        side: Of the default image.

    Example:
        >>> network_cost(nn.Conv2d(3, 8, 3, padding=1, bias=False), side=10)
        Cost(parameters=216, flops=43200)
    """
    meta = torch.device("meta")
    if any(p.device != meta for p in network.parameters()):
        network = copy.deepcopy(network).to(meta)
    given: list[Tensor | float] = [
        torch.empty(x, device=meta, requires_grad=backward) if isinstance(x, tuple) else x
        for x in inputs or ((1, 3, side, side),)
    ]
    with OperationCounter() as counter, torch.set_grad_enabled(backward):
        made = network(*given)
        if backward:
            made.sum().backward()
    return Cost(sum(p.numel() for p in network.parameters()), counter.flops)
