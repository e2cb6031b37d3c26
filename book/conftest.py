"""What nbval lets pass, and this book does not. ``tests/book/test_nbval.py`` shows each hole open and closed."""

import re
from collections.abc import Generator

import pytest

MARKER = re.compile(r"#.*\bNBVAL_\w+|#.*\bPYTEST_VALIDATE_\w+")
MARKER_ALONE = re.compile(r"\s*#\s*\w+\s*")
PICTURES = ("image/png", "image/jpeg")


def pytest_configure(config: pytest.Config) -> None:
    # Without it xdist hands the cells of one notebook to several kernels.
    if getattr(config.option, "dist", "no") in ("load", "worksteal", "each"):
        raise pytest.UsageError("notebooks are tested with --dist loadfile: one notebook, one kernel")


def is_cell(item: pytest.Item) -> bool:
    return item.path.suffix == ".ipynb" and hasattr(item, "cell")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a cell that asks for a comparison which nbval would silently leave out."""
    if not is_cell(item):
        return
    for line in item.cell.source.splitlines():
        if MARKER.search(line) and not MARKER_ALONE.fullmatch(line):
            pytest.fail(f"nbval reads a marker only when it is alone on its line: {line.strip()}", pytrace=False)
    if not item.options["check"]:
        return
    if item.cell.execution_count is None:
        pytest.fail("no output is stored, so nbval would compare nothing: assert in the cell", pytrace=False)
    if any(kind in output.get("data", {}) for output in item.cell.outputs for kind in PICTURES):
        pytest.fail("nbval never compares pictures: assert on the numbers behind this one", pytrace=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail the cell that ran out of time, every cell after it, and a cell that did not raise what it is tagged to."""
    report = yield
    if not is_cell(item):
        return report
    reason = ""
    if hasattr(report, "wasxfail"):
        del report.wasxfail
        reason = "a cell before this one ran out of time"
    elif report.when == "call" and report.passed:
        raised = any(output.output_type == "error" for output in getattr(item, "test_outputs", []))
        if item.parent.timed_out:
            reason = "this cell ran out of time"
        elif item.options["check_exception"] and not raised:
            reason = "this cell is tagged raises-exception, and raised none"
    if reason:
        report.outcome, report.longrepr = "failed", reason
    return report
