"""An import goes down a floor, never up; nobody looks at what only the notebooks look at; a name is in one room.

The floors are drawn in book/appendix/architecture.md.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

GROUND = ("contracts", "files", "images", "least_squares", "photographs", "profile", "networks", "losses")
FLOORS = {
    **dict.fromkeys(GROUND, 0),
    **dict.fromkeys(("blur", "datasets", "metrics"), 1),
    **dict.fromkeys(("deconvolution", "training"), 2),
    **dict.fromkeys(("blind", "benchmarks"), 3),
    **dict.fromkeys(("cli", "show", "exercises"), 4),
}
FOR_NOTEBOOKS = {"show", "exercises"}


def modules(library: Path) -> Iterator[tuple[str, Path]]:
    """Dotted name below the library, and file, of every module but the library's own __init__."""
    for path in sorted(library.rglob("*.py")):
        parts = path.relative_to(library).with_suffix("").parts
        parts = parts[:-1] if parts[-1] in ("__init__", "__main__") else parts
        if parts:
            yield ".".join(parts), path


def imports(path: Path, library: Path) -> Iterator[str]:
    """Every name below the library that ``path`` imports, at its top or inside a function."""
    package = path.relative_to(library.parent).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{prefix}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            first, _, rest = name.partition(".")
            if first == library.name and rest:
                yield rest


def room(name: str) -> str:
    return name.partition(".")[0]


def violations(library: Path) -> list[str]:
    found = []
    for name, path in modules(library):
        here = room(name)
        if here not in FLOORS:
            found.append(f"{here} is on no floor")
            continue
        for target in imports(path, library):
            there = room(target)
            if there == here or there.startswith("__"):
                continue
            if there not in FLOORS:
                found.append(f"{name} imports {target}, which is on no floor")
            elif FLOORS[there] > FLOORS[here]:
                found.append(f"{name} (floor {FLOORS[here]}) imports {target} (floor {FLOORS[there]})")
            elif there in FOR_NOTEBOOKS or there == "cli":
                found.append(f"{name} imports {target}, which is for the readers alone")
    return found


def circles(library: Path) -> list[str]:
    """Rooms of one floor may look at each other, but not in a circle."""
    needs: dict[str, set[str]] = defaultdict(set)
    for name, path in modules(library):
        needs[room(name)] |= {room(target) for target in imports(path, library)} & FLOORS.keys() - {room(name)}
    found, done = [], set()

    def visit(here: str, way: tuple[str, ...]) -> None:
        if here in way:
            found.append(" -> ".join([*way[way.index(here) :], here]))
        elif here not in done:
            for there in sorted(needs[here]):
                visit(there, (*way, here))
            done.add(here)

    for here in sorted(needs):
        visit(here, ())
    return found


def shared_names(library: Path) -> list[str]:
    """File names that two rooms use."""
    rooms: dict[str, set[str]] = defaultdict(set)
    for name, path in modules(library):
        if path.stem != "__init__":
            rooms[path.stem].add(room(name))
    return [f"{name}: {', '.join(sorted(where))}" for name, where in rooms.items() if len(where) > 1]


@pytest.fixture
def library(root: Path) -> Path:
    return root / "deblurlib"


def test_imports_go_down(library: Path) -> None:
    assert not violations(library)


def test_no_circles(library: Path) -> None:
    assert not circles(library)


def test_a_module_name_is_in_one_room(library: Path) -> None:
    assert not shared_names(library)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import deblurlib.deconvolution", "imports deconvolution (floor 2)"),
        ("from deblurlib import training", "imports training (floor 2)"),
        ("from deblurlib.show import figures", "imports show.figures (floor 4)"),
        ("from ..training import loop", "imports training.loop (floor 2)"),
        ("def later():\n    from deblurlib.cli import main", "imports cli.main (floor 4)"),
        ("import deblurlib.utils", "on no floor"),
    ],
)
def test_an_import_that_goes_up_is_found(code: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "deblurlib" / "blur").mkdir(parents=True)
    (tmp_path / "deblurlib" / "blur" / "kernels.py").write_text(code)
    assert message in " ".join(violations(tmp_path / "deblurlib"))


def test_an_import_of_what_only_notebooks_use_is_found(tmp_path: Path) -> None:
    (tmp_path / "deblurlib").mkdir()
    (tmp_path / "deblurlib" / "cli.py").write_text("from deblurlib import show")
    assert violations(tmp_path / "deblurlib") == ["cli imports show, which is for the readers alone"]


def test_a_circle_and_a_shared_name_are_found(tmp_path: Path) -> None:
    for here, there in (("blur", "metrics"), ("metrics", "blur")):
        (tmp_path / "deblurlib" / here).mkdir(parents=True)
        (tmp_path / "deblurlib" / here / "psnr.py").write_text(f"import deblurlib.{there}")
    assert circles(tmp_path / "deblurlib") == ["blur -> metrics -> blur"]
    assert shared_names(tmp_path / "deblurlib") == ["psnr: blur, metrics"]
