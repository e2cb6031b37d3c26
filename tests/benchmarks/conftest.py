"""Speed: collected by `pytest tests/benchmarks --benchmark-only` alone, never by the tests; prints ratios."""

from itertools import groupby

import pytest
import torch
from pytest_benchmark.utils import parse_timer


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.option.benchmark_quiet = True  # the table below takes the place of the plugin's, which is 200 columns wide
    config.option.benchmark_timer = parse_timer("time.process_time")  # other programs do not count


def pytest_ignore_collect(collection_path, config):
    """A time is no pass or fail: these run when they are asked for."""
    return True if not config.getoption("benchmark_only", False) else None


@pytest.fixture(autouse=True)
def one_thread():
    """As the peers' times in the notes were taken."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def pytest_terminal_summary(terminalreporter, config):
    session = getattr(config, "_benchmarksession", None)
    measured = [bench for bench in getattr(session, "benchmarks", []) if bench.stats.data]
    if not measured:
        return
    terminalreporter.section("medians of CPU time, one thread, and ratios to the first of each group")
    for group, members in groupby(sorted(measured, key=lambda bench: bench.group), key=lambda bench: bench.group):
        terminalreporter.write_line(f"\n{group}")
        first = None
        for bench in members:
            median = bench.stats.median / bench.extra_info.get("parts", 1)
            first = first or median
            psnr = f"{bench.extra_info['psnr']:8.2f} dB" if "psnr" in bench.extra_info else ""
            name = bench.params["name"]
            terminalreporter.write_line(f"  {name:<44} {1e3 * median:10.3f} ms  {median / first:8.2f}{psnr}")
