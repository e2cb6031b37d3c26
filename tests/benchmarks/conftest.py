"""Speed: collected by `pytest tests/benchmarks --benchmark-only` alone, never by the tests; prints ratios."""

import time
from itertools import groupby
from statistics import median

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


@pytest.fixture
def beside(benchmark):
    """Measure a call round by round with its yardstick, in turn: what slows the machine slows both.

    Each of the two runs once before it is timed, so that neither finds the other's numbers in the cache.
    """

    def measure(call, yardstick, rounds, warmup_rounds=1):
        times = []

        def first():
            yardstick()
            start = time.process_time()
            yardstick()
            times.append(time.process_time() - start)
            call()

        benchmark.pedantic(call, setup=first, rounds=rounds, warmup_rounds=warmup_rounds)
        benchmark.extra_info["yardstick"] = times[warmup_rounds:]

    return measure


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
            taken = bench.stats.median
            first = first or taken
            ratio, same = taken / first, ""
            if "yardstick" in bench.extra_info:
                pairs = zip(bench.stats.data, bench.extra_info["yardstick"], strict=True)
                ratio, same = median(call / yardstick for call, yardstick in pairs), ", round by round"
            psnr = f"{bench.extra_info['psnr']:8.2f} dB" if "psnr" in bench.extra_info else ""
            memory = f"{bench.extra_info['memory']:8.2f} GiB" if "memory" in bench.extra_info else ""
            milliseconds = 1e3 * taken / bench.extra_info.get("parts", 1)
            name = bench.params["name"]
            terminalreporter.write_line(f"  {name:<44} {milliseconds:10.3f} ms  {ratio:8.2f}{same}{psnr}{memory}")
