"""Data sets on disk: folders of photographs, folders of pairs, GoPro in its official layout. Nothing is downloaded."""

from deblurlib.datasets.folders import pictures, read
from deblurlib.datasets.pairs import Pair, gopro, pairs, unpaired

__all__ = ["Pair", "gopro", "pairs", "pictures", "read", "unpaired"]
