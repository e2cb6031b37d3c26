"""Every system keeps its row: what the paper cites is there, and what is in the library is listed."""

import importlib
import re
from itertools import chain
from pathlib import Path

import pytest

from deblurlib import blind, deconvolution, training
from deblurlib.benchmarks.catalogue import catalogue
from deblurlib.training.systems import SYSTEMS

ROOT = Path(__file__).parents[2]
ENTRIES = list(catalogue())
CITED = {1, 3, 8, 9, 15, 20, 21, 23, *range(26, 31), *range(32, 37), 39, 40, 41, 43, 44, 45, 46, 49, 50, 51}
"""References of Yuan et al. that are systems or metrics."""

MISSING = {27}
"""Liu, Chang, Ma (2014); the page says so."""

PIECES = {
    "edge_taper",
    "explained_extension",
    "half_quadratic_splitting",
    "in_tiles",
    "remove_ringing",
    "shipped_denoiser",
    "signal_power",
    "smooth_extension",
    "sparse_varying",
}
"""Functions of the room that are no systems of their own."""


def test_every_reference_is_there():
    assert set(chain(*(entry.numbers for entry in ENTRIES))) == CITED - MISSING
    assert "{cite:t}`liu2014`" in (ROOT / "book/appendix/systems.md").read_text()


def test_what_the_library_has_is_listed():
    doors = [entry.door for entry in ENTRIES]
    functions = {n for n in deconvolution.__all__ if n[0].islower() and n not in PIECES}
    assert {d.rpartition(".")[2] for d in doors if d.startswith("deblurlib.deconvolution.")} == functions
    assert [d for d in doors if d.startswith("method=")] == [f'method="{name}"' for name in blind.METHODS]
    networks_of_others = {"deconvolution_cnn", "deep_deconvolution", "denoiser", "motion_field"}
    trained = set(SYSTEMS) - networks_of_others
    assert {d for d in doors if d.startswith("system=")} == {f'system="{name}"' for name in trained}
    titles = [(entry.kind, entry.title) for entry in ENTRIES]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.door)
def test_a_row_leads_somewhere(entry):
    """Its door opens, its chapter is in the book and cites its papers, and the bibliography has them."""
    if entry.door.startswith("deblurlib."):
        module, _, name = entry.door.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))
    elif entry.door.startswith("system="):
        training.TrainingConfig(system=entry.door.split('"')[1])
    assert f"file: book/{entry.chapter}\n" in (ROOT / "_toc.yml").read_text()
    known = re.findall(r"^@\w+\{(\w+),", (ROOT / "book/references.bib").read_text(), re.MULTILINE)
    text = (ROOT / f"book/{entry.chapter}.ipynb").read_text()
    for paper in entry.papers:
        assert paper in known
        assert re.search(rf"{{cite:[pt]}}`[^`]*\b{paper}\b", text), f"{entry.chapter} does not cite {paper}"
