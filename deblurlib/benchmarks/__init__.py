"""Comparing methods: over any set of pictures with confidence intervals, and by the field's official protocols."""

from deblurlib.benchmarks.ablation_record import AblationRun, Ablations, ablations
from deblurlib.benchmarks.bootstrap import Interval, bootstrap
from deblurlib.benchmarks.contact_sheet import contact_sheet
from deblurlib.benchmarks.levin import levin
from deblurlib.benchmarks.levin_files import Photograph
from deblurlib.benchmarks.levin_table import LevinTable, Row, Summary
from deblurlib.benchmarks.picture_sets import Item, Sample, TestSet, bundled_set, gopro_set, levin_set, shaken_set
from deblurlib.benchmarks.printed import printed_table
from deblurlib.benchmarks.recorded import recorded, recorded_names
from deblurlib.benchmarks.restorers import restore
from deblurlib.benchmarks.results import Result, Table
from deblurlib.benchmarks.tables import default_methods, sheet, table

__all__ = [
    "AblationRun",
    "Ablations",
    "Interval",
    "Item",
    "LevinTable",
    "Photograph",
    "Result",
    "Row",
    "Sample",
    "Summary",
    "Table",
    "TestSet",
    "ablations",
    "bootstrap",
    "bundled_set",
    "contact_sheet",
    "default_methods",
    "gopro_set",
    "levin",
    "levin_set",
    "printed_table",
    "recorded",
    "recorded_names",
    "restore",
    "shaken_set",
    "sheet",
    "table",
]
