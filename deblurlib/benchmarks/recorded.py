"""Results that took long to compute ship with the library, with the command, the versions and the hardware inside."""

from pathlib import Path

from deblurlib import contracts
from deblurlib.benchmarks.results import Table

FOLDER = Path(__file__).parent / "records"


def recorded_names() -> list[str]:
    """The recorded tables by name.

    Example:
        >>> "shaken" in recorded_names()
        True
    """
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def recorded(name: str = "shaken") -> Table:
    """A recorded table.

    Args:
        name: One of `recorded_names()`.

    Raises:
        ValueError: there is none of this name; the message lists the names.

    Example:
        >>> found = recorded("shaken")
        >>> len(found.methods) >= 10, len(found.metrics), len({r.image for r in found.results}) >= 24
        (True, 6, True)
    """
    contracts.choice(name, "name", recorded_names())
    return Table.from_json((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
