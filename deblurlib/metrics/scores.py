"""All metrics of a restoration, in one table."""

import csv
import html
import io
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from deblurlib import contracts
from deblurlib.metrics.alignment import CROP, align
from deblurlib.metrics.gaussian_scale_mixture import SMALLEST
from deblurlib.metrics.ms_ssim import SMALLEST as MS_SSIM_SMALLEST
from deblurlib.metrics.ms_ssim import ms_ssim
from deblurlib.metrics.niqe import SMALLEST as NIQE_SMALLEST
from deblurlib.metrics.niqe import FlatImageError, NiqeModel, niqe
from deblurlib.metrics.psnr import psnr
from deblurlib.metrics.ssim import ssim
from deblurlib.metrics.vif import PIXEL_SMALLEST, ifc, vif, vif_pixel


class Column(NamedTuple):
    """How one metric is shown."""

    title: str
    digits: int
    unit: str = ""
    higher_is_better: bool = True


COLUMNS = {
    "psnr": Column("PSNR", 2, "dB"),
    "ssim": Column("SSIM", 4),
    "ms_ssim": Column("MS-SSIM", 4),
    "ifc": Column("IFC", 3, "bit/pixel"),
    "vif": Column("VIF", 4),
    "vif_pixel": Column("VIF (pixel)", 4),
    "niqe": Column("NIQE", 2, higher_is_better=False),
}


@dataclass(frozen=True, eq=False)
class Scores:
    """The metrics of a batch of restorations. Prints as text, shows as a table in a notebook.

    Attributes:
        values: Name of each metric that could be computed, and its values (B,).
        skipped: Name of each metric that could not, and why.

    Example:
        >>> import torch
        >>> scores = Scores({"psnr": torch.tensor([30.0]), "ssim": torch.tensor([0.9])}, {"vif": "too few pixels"})
        >>> scores
        PSNR   30.00  dB
        SSIM  0.9000
        VIF        -  too few pixels
        >>> scores["psnr"].item(), scores.to_json()
        (30.0, '{"psnr": 30.0, "ssim": 0.8999999761581421, "vif": null}')
    """

    values: dict[str, Tensor]
    skipped: dict[str, str]

    def __getitem__(self, name: str) -> Tensor:
        return self.values[name]

    def __len__(self) -> int:
        return len(next(iter(self.values.values())))

    def __str__(self) -> str:
        lines = list(self._rows())
        titles = max(len(title) for title, _, _ in lines)
        widths = [max(map(len, cells)) for cells in zip(*(cells for _, cells, _ in lines), strict=True)]
        text = []
        for title, cells, note in lines:
            numbers = "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
            text.append(f"{title:<{titles}}  {numbers}  {note}".rstrip())
        return "\n".join(text)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        text = []
        for title, cells, note in self._rows():
            numbers = "".join(f'<td style="text-align:right">{html.escape(cell)}</td>' for cell in cells)
            head = f'<th scope="row" style="text-align:left">{html.escape(title)}</th>'
            text.append(f'<tr>{head}{numbers}<td style="text-align:left">{html.escape(note)}</td></tr>')
        return f'<table class="scores"><tbody>{"".join(text)}</tbody></table>'

    def _rows(self) -> Iterator[tuple[str, list[str], str]]:
        """Title, cells and a note: one cell for one image, else the mean, the lowest and the highest value."""
        many = len(self) > 1
        if many:
            yield f"{len(self)} images", ["mean", "lowest", "highest"], ""
        for name, column in COLUMNS.items():
            better = "" if column.higher_is_better else "lower is better"
            if name in self.values:
                v = self.values[name].double()
                shown = [v.mean(), v.min(), v.max()] if many else [v[0]]
                cells = ["infinite" if math.isinf(x) else f"{x:.{column.digits}f}" for x in map(float, shown)]
                yield column.title, cells, column.unit or better
            elif name in self.skipped:
                yield column.title, ["-"] * (3 if many else 1), self.skipped[name]

    def to_dict(self) -> dict[str, list[float | None]]:
        """Every metric's values, one for each image; None where it could not be computed or is infinite."""
        nothing: list[float | None] = [None] * len(self)
        found = {
            name: [x if math.isfinite(x) else None for x in values.tolist()] for name, values in self.values.items()
        }
        return {name: found.get(name, nothing) for name in COLUMNS if name in found or name in self.skipped}

    def to_json(self) -> str:
        """JSON: an object of numbers for one image, of lists for several; null as None in `to_dict`."""
        values = self.to_dict()
        return json.dumps(values if len(self) > 1 else {name: v[0] for name, v in values.items()})

    def to_csv(self) -> str:
        """CSV: a header of names, a line for each image; an empty cell for None in `to_dict`."""
        text, values = io.StringIO(), self.to_dict()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(values)
        writer.writerows(zip(*values.values(), strict=True))
        return text.getvalue()


def score(
    restored: Tensor,
    reference: Tensor,
    *,
    data_range: float = 1.0,
    max_shift: float | None = None,
    model: NiqeModel | None = None,
) -> Scores:
    """Every metric of a restoration: psnr, ssim, ms_ssim, ifc, vif, vif_pixel, and niqe, which needs no reference.

    Args:
        restored: (B, C, H, W) in [0, data_range], C = 1 or 3.
        reference: Same shape, dtype and device.
        data_range: The value of white: 1 for images in [0, 1].
        max_shift: None scores the images as they lie. A number aligns them first, as Levin's protocol does, and leaves
            out a rim of 15 pixels (or of max_shift + 1, if that is more).
        model: For `niqe`.

    Returns:
        The table. A metric that needs more pixels than there are, or more detail, is left out, and the table says why.

    Raises:
        TypeError, ValueError: as `ssim`; neither grey nor RGB; or `max_shift` as in `find_shift`.

    Example:
        >>> import torch
        >>> x = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> score(x + 0.1, x)
        PSNR          20.00  dB
        SSIM         0.9826
        MS-SSIM           -  needs at least 176x176 pixels
        IFC               -  needs at least 72x72 pixels
        VIF               -  needs at least 72x72 pixels
        VIF (pixel)  1.0000
        NIQE              -  needs at least 96x192 pixels
    """
    contracts.pair(restored, reference, data_range)
    if restored.shape[1] not in (1, 3):
        raise ValueError(f"restored: expected 1 (grey) or 3 (RGB) channels, got {restored.shape[1]}.")
    if max_shift is not None:
        crop = max(CROP, math.ceil(contracts.number(max_shift, "max_shift", low=0)) + 1)
        restored = align(restored, reference, max_shift=max_shift, crop=crop, data_range=data_range)
        restored, reference = (x[..., crop:-crop, crop:-crop] for x in (restored, reference))
    values = {f.__name__: f(restored, reference, data_range=data_range) for f in (psnr, ssim)}
    others: dict[str, tuple[tuple[int, int], Callable[[], Tensor]]] = {
        "ms_ssim": ((MS_SSIM_SMALLEST,) * 2, lambda: ms_ssim(restored, reference, data_range=data_range)),
        "ifc": ((SMALLEST,) * 2, lambda: ifc(restored, reference, data_range=data_range)),
        "vif": ((SMALLEST,) * 2, lambda: vif(restored, reference, data_range=data_range)),
        "vif_pixel": ((PIXEL_SMALLEST,) * 2, lambda: vif_pixel(restored, reference, data_range=data_range)),
        "niqe": (NIQE_SMALLEST, lambda: niqe(restored, data_range=data_range, model=model)),
    }
    h, w = sorted(restored.shape[-2:])
    skipped = {}
    for name, (smallest, compute) in others.items():
        if h < smallest[0] or w < smallest[1]:
            skipped[name] = f"needs at least {smallest[0]}x{smallest[1]} pixels"
            continue
        try:
            values[name] = compute()
        except FlatImageError as error:
            skipped[name] = str(error)
    return Scores(values, skipped)
