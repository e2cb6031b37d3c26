"""axe-core in every built page, light and dark: `make axe` fetches it and runs this."""

import pytest

from .chromium import Chromium
from .conftest import SITE, pages

AXE = SITE.parents[1] / "tests" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not AXE.exists(), reason="no axe-core: make axe"),
    pytest.mark.skipif(not pages(), reason="the book is not built: make book"),
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ASK = """\
axe.run(document, {runOnly: %s, resultTypes: ["violations"]}).then((result) => result.violations.map((violation) => {
  const reason = (node) => ([...node.any, ...node.all, ...node.none][0] || {}).message;
  const lines = violation.nodes.slice(0, 4).map((node) => `    ${node.html.slice(0, 160)}\\n      ${reason(node)}`);
  return [`${violation.id}: ${violation.help} (${violation.nodes.length} times)`, ...lines].join("\\n");
}))"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", pages())
def test_page_has_no_violation(name: str, theme: str, browser: Chromium) -> None:
    browser.open((SITE / name).as_uri(), theme=theme)
    browser.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    violations = browser.evaluate(ASK % RULES)
    assert not violations, "\n".join(["", *violations])
