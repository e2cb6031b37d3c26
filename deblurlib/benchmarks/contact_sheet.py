"""Crops of every method's restorations beside each other, as papers show them."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from deblurlib import contracts

GAP, HEAD = 6, 22
"""Pixels between crops, and above them for the titles."""


def contact_sheet(
    rows: Sequence[Sequence[Tensor]], titles: Sequence[str], *, side: int = 96, magnify: int = 2
) -> Tensor:
    """One row of crops for each picture, one column for each method, with the titles above.

    Args:
        rows: For each picture the sharp original, then what the methods made of it: (1, C, H, W) in [0, 1], of one
            size within a row. The crop is where the original has most detail.
        titles: One for each column.
        side: Of a crop, pixels; at most that of the smallest picture.
        magnify: Pixels of the sheet for each pixel of a crop.

    Returns:
        (1, 3, height, width).

    Raises:
        TypeError, ValueError: not photographs, sizes that differ within a row, another number of titles than of
            columns, or a crop that does not fit.

    Example:
        >>> x = torch.rand(1, 3, 40, 50, generator=torch.Generator().manual_seed(0))
        >>> contact_sheet([[x, x / 2]], ["sharp", "half"], side=32).shape
        torch.Size([1, 3, 86, 134])
    """
    lines = []
    for row in rows:
        if len(row) != len(titles):
            raise ValueError(f"titles: expected {len(row)}, one for each column, got {len(titles)}.")
        for x in row:
            contracts.photograph(x, "rows")
            if x.shape[-2:] != row[0].shape[-2:]:
                raise ValueError(f"rows: {tuple(x.shape)} beside {tuple(row[0].shape)}, expected one size in a row.")
        if not 1 <= side <= min(row[0].shape[-2:]):
            raise ValueError(f"side: {side} pixels do not fit into {row[0].shape[-2]}x{row[0].shape[-1]}.")
        top, left = _busiest(row[0], side)
        crops = [x[..., top : top + side, left : left + side].float().clamp(0, 1).expand(-1, 3, -1, -1) for x in row]
        large = [c.repeat_interleave(magnify, -2).repeat_interleave(magnify, -1) for c in crops]
        lines.append(torch.cat([F.pad(c, (0, GAP, 0, GAP), value=1.0) for c in large], dim=-1)[..., :-GAP])
    if not lines:
        raise ValueError("rows: expected one at least, got none.")
    body = torch.cat(lines, dim=-2)[..., :-GAP, :]
    return torch.cat([_titles(titles, body.shape[-1], side * magnify), body], dim=-2)


def _busiest(x: Tensor, side: int) -> tuple[int, int]:
    """The place of the crop with the largest mean gradient, on a grid of a quarter of its side."""
    grey = x.float().mean(dim=1, keepdim=True)
    detail = (grey[..., 1:, :-1] - grey[..., :-1, :-1]).abs() + (grey[..., :-1, 1:] - grey[..., :-1, :-1]).abs()
    step = max(1, side // 4)
    means = F.avg_pool2d(F.pad(detail, (0, 1, 0, 1)), side, step)[0, 0]
    row, column = divmod(int(means.argmax()), means.shape[-1])
    return row * step, column * step


def _titles(titles: Sequence[str], width: int, column: int) -> Tensor:
    strip = Image.new("L", (width, HEAD), 255)
    pen, font = ImageDraw.Draw(strip), ImageFont.load_default(size=13)
    for i, name in enumerate(titles):
        shown = name
        while shown and pen.textlength(shown, font=font) > column:
            shown = shown[:-1]
        pen.text((i * (column + GAP), 3), shown, fill=20, font=font)
    return torch.from_numpy(np.array(strip, dtype=np.float32) / 255)[None, None].expand(1, 3, -1, -1)
