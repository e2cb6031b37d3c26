"""A headless Chromium, asked through its debugging pipe: nothing but Python and the browser is needed."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


def find() -> str | None:
    """The browser: $CHROMIUM, or the first of the usual names."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """One browser with one tab; a context manager.

    Attributes:
        events: What the tab has reported since `open` was last called: requests, console messages, exceptions.
    """

    def __init__(self, executable: str) -> None:
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        read_end, self._to = os.pipe()
        self._from, write_end = os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (read_end, write_end)]

        def connect() -> None:
            """Chromium reads from descriptor 3 and writes to 4."""
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        command = [executable, *FLAGS, *sandbox, f"--user-data-dir={self.profile}"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, preexec_fn=connect, close_fds=False, **quiet)
        for end in (read_end, write_end, *high):
            os.close(end)
        self._buffer, self._last, self.session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        os.close(self._to)
        os.close(self._from)
        shutil.rmtree(self.profile, ignore_errors=True)

    def _messages(self) -> Iterator[dict[str, Any]]:
        while True:
            message, zero, rest = self._buffer.partition(b"\0")
            if zero:
                self._buffer = rest
                yield json.loads(message)
                continue
            data = os.read(self._from, 1 << 20)
            if not data:
                raise RuntimeError("Chromium has gone")
            self._buffer += data

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask, and wait for the answer."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        for answer in self._messages():
            if answer.get("id") == self._last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)
        raise AssertionError

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression (of what it promises, if it promises)."""
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", "exception"))
        return answer["result"].get("value")

    def open(self, address: str, theme: str = "light", width: int = 1400, height: int = 1000) -> None:
        """Load a page, and wait until its scripts and its equations are done."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": theme}
        self.send(
            "Emulation.setEmulatedMedia", features=[scheme, {"name": "prefers-reduced-motion", "value": "reduce"}]
        )
        self.events.clear()
        self.send("Page.navigate", url=address)
        deadline = time.monotonic() + 60
        while self.evaluate("document.readyState") != "complete":
            if time.monotonic() > deadline:
                raise TimeoutError(address)
            time.sleep(0.05)
        self.evaluate(f"document.documentElement.dataset.theme = '{theme}'; 0")
        self.evaluate(
            "Promise.resolve(window.MathJax?.startup?.promise).then(() => document.fonts.ready).then(() => 0)"
        )
        self.evaluate("new Promise((done) => setTimeout(() => done(0), 300))")

    def reported(self) -> dict[str, list[str]]:
        """Addresses on other hosts that were asked for, requests that failed, and what the console shows."""
        found: dict[str, list[str]] = {"outside": [], "failed": [], "console": []}
        addresses = {}
        for event in self.events:
            what, said = event.get("method"), event.get("params", {})
            if what == "Network.requestWillBeSent":
                addresses[said["requestId"]] = said["request"]["url"]
                if said["request"]["url"].split(":")[0] not in ("file", "data", "blob", "about"):
                    found["outside"].append(said["request"]["url"])
            elif what == "Network.loadingFailed":
                found["failed"].append(f"{addresses.get(said['requestId'])}: {said.get('errorText')}")
            elif what == "Runtime.consoleAPICalled":
                found["console"].append(" ".join(str(a.get("value", a.get("description"))) for a in said["args"]))
            elif what == "Runtime.exceptionThrown":
                found["console"].append(said["exceptionDetails"].get("exception", {}).get("description", "exception"))
            elif what == "Log.entryAdded":
                found["console"].append(said["entry"]["text"])
        return found

    def screenshot(self, path: Path, height: int | None = None) -> None:
        """The page as a PNG, from its top to ``height`` or to its end."""
        import base64

        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": height or size["height"], "scale": 1}
        picture = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(picture["data"]))
