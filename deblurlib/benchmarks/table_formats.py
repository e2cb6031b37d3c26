"""A table of results as text, Markdown, LaTeX, HTML and CSV."""

import csv
import html
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from deblurlib.metrics.scores import COLUMNS

if TYPE_CHECKING:
    from deblurlib.benchmarks.results import Table

SECONDS = "CPU s"


def text(table: "Table", *, aligned: bool = True) -> str:
    """A line of means for each method, and under it the intervals."""
    head = ["method", *_heads(table)]
    lines = [head]
    for name, cells, reason in _rows(table, aligned):
        if reason:
            lines.append([f"{name}: {reason}"])
            continue
        lines.append([name, *(mean for mean, _ in cells)])
        lines.append(["", *(interval for _, interval in cells)])
    widths = [max(len(line[i]) for line in lines if len(line) > 1) for i in range(len(head))]
    drawn = [
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=len(line) > 1))])
        for line in lines
    ]
    return "\n".join([_about(table, aligned), *(line.rstrip() for line in drawn)])


def markdown(table: "Table", *, aligned: bool = True) -> str:
    """A Markdown table."""
    heads = ["method", *_heads(table)]
    lines = [f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * (len(heads) - 1)}"]
    for name, cells, reason in _rows(table, aligned):
        shown = [f"*{reason}*", *[""] * (len(heads) - 2)] if reason else [f"{m} {i}".strip() for m, i in cells]
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join([*lines, "", _about(table, aligned), ""])


def latex(table: "Table", *, aligned: bool = True) -> str:
    """A tabular with the rules of booktabs."""
    heads = ["method", *_heads(table)]
    lines = [f"\\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}", "\\toprule", f"{_row(heads)}", "\\midrule"]
    for name, cells, reason in _rows(table, aligned):
        if reason:
            lines.append(f"{_escape(name)} & \\multicolumn{{{len(heads) - 1}}}{{l}}{{{_escape(reason)}}} \\\\")
        else:
            lines += [_row([name, *(m for m, _ in cells)]), _row(["", *(i for _, i in cells)])]
    return "\n".join([f"% {_about(table, aligned)}", *lines, "\\bottomrule", "\\end{tabular}", ""])


def html_table(table: "Table", *, aligned: bool = True) -> str:
    """For a notebook."""
    lines = [f'<th scope="col">{html.escape(head)}</th>' for head in ["method", *_heads(table)]]
    body = []
    for name, cells, reason in _rows(table, aligned):
        if reason:
            shown = f'<td colspan="{len(lines) - 1}" style="text-align:left"><em>{html.escape(reason)}</em></td>'
        else:
            shown = "".join(
                f'<td style="text-align:right">{m}{f"<br><small>{i}</small>" if i else ""}</td>' for m, i in cells
            )
        body.append(f'<tr><th scope="row" style="text-align:left">{html.escape(name)}</th>{shown}</tr>')
    caption = f"<caption>{html.escape(_about(table, aligned))}</caption>"
    head = f"<thead><tr>{''.join(lines)}</tr></thead>"
    return f'<table class="scores">{caption}{head}<tbody>{"".join(body)}</tbody></table>'


def csv_lines(table: "Table") -> str:
    """A line for each result: method, picture, scene, seconds, then each metric as it lies and aligned."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    columns = [*table.metrics, *(f"{metric}_aligned" for metric in table.metrics)]
    writer.writerow(["method", "image", "scene", "seconds", *columns])
    for r in table.results:
        values = [*(r.lying[m] for m in table.metrics), *(r.aligned[m] for m in table.metrics)]
        writer.writerow([r.method, r.image, r.scene, r.seconds, *values])
    return stream.getvalue()


def _heads(table: "Table") -> list[str]:
    return [*(f"{COLUMNS[m].title}{'' if COLUMNS[m].higher_is_better else ' (low)'}" for m in table.metrics), SECONDS]


def _rows(table: "Table", aligned: bool) -> Iterator[tuple[str, list[tuple[str, str]], str]]:
    """Title, (mean, interval) for each column, and why there is nothing, where there is nothing."""
    for method in table.methods:
        name = table.titles.get(method, method)
        if method in table.absent:
            yield name, [], table.absent[method]
            continue
        cells = []
        for metric in table.metrics:
            found, digits = table.mean(method, metric, aligned=aligned), COLUMNS[metric].digits
            cells.append(
                (f"{found.mean:.{digits}f}", f"[{found.low:.{digits}f}, {found.high:.{digits}f}]")
                if found
                else ("-", "")
            )
        seconds = table.values(method, "seconds")
        cells.append((f"{sum(seconds.values()) / len(seconds):.3f}", "") if seconds else ("-", ""))
        yield name, cells, ""


def _about(table: "Table", aligned: bool) -> str:
    count = len({result.image for result in table.results})
    return (
        f"{table.description}; {count} pictures, {'aligned' if aligned else 'as they lie'}; "
        "means with 95 % intervals by the bootstrap over scenes."
    )


def _row(cells: list[str]) -> str:
    return f"{' & '.join(_escape(cell) for cell in cells)} \\\\"


def _escape(cell: str) -> str:
    return cell.replace("_", "\\_").replace("%", "\\%")
