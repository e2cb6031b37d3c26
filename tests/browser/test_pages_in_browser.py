"""The built book in a browser, from `file://`: no other host is asked, nothing complains, everything works."""

import pytest

from .chromium import Chromium
from .conftest import ROOT, SITE, pages

pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not pages(), reason="the book is not built: make book"),
]
CHAPTERS = [name for name in pages() if (ROOT / name).with_suffix(".ipynb").exists()]


@pytest.mark.parametrize("name", pages())
def test_page_asks_no_other_host_and_says_nothing(name: str, browser: Chromium) -> None:
    browser.open((SITE / name).as_uri())
    assert browser.reported() == {"outside": [], "failed": [], "console": []}


@pytest.mark.parametrize("name", CHAPTERS)
def test_equations_and_pictures_are_drawn(name: str, browser: Chromium) -> None:
    browser.open((SITE / name).as_uri())
    assert browser.evaluate("document.querySelectorAll('mjx-merror').length") == 0
    drawn = browser.evaluate("document.querySelectorAll('mjx-container').length")
    assert drawn == browser.evaluate("document.querySelectorAll('span.math, div.math').length")
    broken = "[...document.images].filter((image) => image.complete && !image.naturalWidth).map((image) => image.src)"
    assert browser.evaluate(broken) == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_page_fits_a_telephone(name: str, browser: Chromium) -> None:
    browser.open((SITE / name).as_uri(), width=390, height=844)
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390


def test_search_finds_a_word(browser: Chromium) -> None:
    browser.open((SITE / "search.html").as_uri() + "?q=Wiener")
    for _ in range(20):
        if browser.evaluate("document.querySelectorAll('#search-results li').length"):
            break
        browser.evaluate("new Promise((done) => setTimeout(() => done(0), 200))")
    assert browser.evaluate("document.querySelectorAll('#search-results li').length") > 0


def press(browser: Chromium, key: str) -> None:
    number = {"ArrowLeft": 37, "ArrowRight": 39}[key]
    for kind in ("keyDown", "keyUp"):
        browser.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=number)


@pytest.mark.parametrize("name", CHAPTERS)
def test_sliders_move_with_the_keyboard(name: str, browser: Chromium) -> None:
    """An arrow key on a slider changes what its figure shows: no kernel is needed."""
    browser.open((SITE / name).as_uri())
    for number in range(browser.evaluate("document.querySelectorAll('figure input[type=range]').length")):
        slider = f"document.querySelectorAll('figure input[type=range]')[{number}]"
        figure = f"{slider}.closest('figure').outerHTML"
        browser.evaluate(f"{slider}.focus(); 0")
        value, before = browser.evaluate(f"{slider}.value"), browser.evaluate(figure)
        press(browser, "ArrowLeft")
        if browser.evaluate(f"{slider}.value") == value:  # it stood at its left end
            press(browser, "ArrowRight")
        assert browser.evaluate(f"{slider}.value") != value
        assert browser.evaluate(figure) != before, f"slider {number} changes nothing"
        assert browser.evaluate(f"{slider}.labels.length > 0 || Boolean({slider}.ariaLabel)"), "the slider has no name"
