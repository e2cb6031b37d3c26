"""The field's benchmarks, by their official protocols."""

from deblurlib.benchmarks.levin import levin
from deblurlib.benchmarks.levin_files import Photograph
from deblurlib.benchmarks.levin_table import LevinTable, Row, Summary

__all__ = ["LevinTable", "Photograph", "Row", "Summary", "levin"]
