"""A real browser for tests: headless Chromium, driven by the DevTools protocol.

A page is opened, keys are pressed as a person's are, scripts of the test look at what is there, and all that the page
asked of the network or complained of on its console is kept. The protocol is JSON over one websocket; a call waits for
its answer and keeps the events that come before it. Specification: https://chromedevtools.github.io/devtools-protocol
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
import msgspec

#: Names that a Chromium is installed under, on this system and others; `PLAYHEAD_CHROMIUM` names another.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: Seconds that anything may take.
PATIENCE = 60.0

_KEYS = {
    "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39, "PageDown": 34, "PageUp": 33, "Home": 36,
    "End": 35, "Enter": 13, "Escape": 27, "Tab": 9,
}  # fmt: skip


def find_chromium() -> str | None:
    """The browser's program; None where there is none."""
    named = os.environ.get("PLAYHEAD_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """A browser process with a profile of its own. Use as a context manager."""

    def __init__(self, program: str) -> None:
        self._folder = tempfile.mkdtemp(prefix="playhead-chromium-")
        self._process = subprocess.Popen(
            [
                program,
                "--headless=new",
                "--remote-debugging-port=0",
                f"--user-data-dir={self._folder}",
                "--no-sandbox",  # it has no use of one in a container, and shows files of our own only
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--font-render-hinting=none",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._loop = asyncio.new_event_loop()
        self._number = 0
        self._session: aiohttp.ClientSession | None = None
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Browser:
        try:
            self._run(self._connect(self._address()))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process and remove its profile."""
        if self._session is not None:
            with contextlib.suppress(AssertionError, OSError, TimeoutError, aiohttp.ClientError):
                self.call("Browser.close")
            self._run(self._session.close())
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()
        self._loop.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _address(self) -> str:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if b"DevTools listening on " in line:
                return line.decode().split()[-1]
        raise AssertionError("the browser did not start")

    async def _connect(self, address: str) -> None:
        self._session = aiohttp.ClientSession()
        self._socket = await self._session.ws_connect(address, max_msg_size=0)

    def _run(self, work: Any) -> Any:
        return self._loop.run_until_complete(asyncio.wait_for(work, PATIENCE))

    def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Call the protocol; the result."""
        return self._run(self._call(method, session, params))  # type: ignore[no-any-return]

    async def _call(self, method: str, session: str | None, params: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        number = self._number
        await self._socket.send_str(
            json.dumps({"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {}))
        )
        while True:
            message = await self._socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, f"the browser went away during {method}"
            told: dict[str, Any] = msgspec.json.decode(message.data)
            if told.get("id") == number:
                assert "error" not in told, f"{method}: {told.get('error')}"
                return told["result"]  # type: ignore[no-any-return]
            if "method" in told:
                self.events.append(told)

    @contextlib.contextmanager
    def page(self, width: int = 1440, height: int = 900, *, scale: float = 1, dark: bool = False) -> Iterator[Page]:
        """A tab of this size, closed at the end."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.resize(width, height, scale=scale)
        page.prefer(dark=dark)
        try:
            yield page
        finally:
            self.call("Target.closeTarget", targetId=target)


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call the protocol for this tab."""
        return self._browser.call(method, self._session, **params)

    def resize(self, width: int, height: int, *, scale: float = 1) -> None:
        """Make the window so large; pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )

    def prefer(self, *, dark: bool) -> None:
        """What the system says of light and dark."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def open(self, path: Path, place: str = "") -> None:
        """Open a page that `playhead view` wrote, and wait until it is ready."""
        self.call("Page.navigate", url="about:blank")  # another place on the same page would not load it anew
        self.call("Page.navigate", url=path.resolve().as_uri() + place)
        self.until("document.documentElement?.dataset.ready")

    def evaluate(self, script: str) -> Any:
        """The value of an expression; promises are waited for. What it throws fails the test."""
        told = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in told, f"{script}: {told['exceptionDetails']}"
        return told["result"].get("value")

    def until(self, condition: str, patience: float = 20.0) -> None:
        """Wait until an expression is true; it is looked at as often as the page draws itself anew."""
        self.evaluate(
            f"""new Promise((done, fail) => {{
              const until = performance.now() + {patience * 1000};
              (function look() {{
                if ({condition}) done(true);
                else if (performance.now() > until) fail(new Error("never true: " + {json.dumps(condition)}));
                else setTimeout(look, 10);
              }})();
            }})"""
        )

    def press(self, *keys: str, shift: bool = False) -> None:
        """Press keys one after the other, as a person does: "ArrowDown", "/", "j"."""
        for key in keys:
            text = "\r" if key == "Enter" else key if len(key) == 1 else None
            code = _KEYS.get(key, ord(key.upper()[0]))
            common: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": code, "modifiers": 8 if shift else 0}
            self.call("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
            self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        """Type a text where the focus is."""
        self.call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click in the middle of an element with the mouse."""
        box = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoViewIfNeeded();"
            "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2] })()"
        )
        self.click_at(*box)

    def click_at(self, x: float, y: float) -> None:
        """Click at a point; pixels from the corner."""
        for what in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=what, x=x, y=y, button="left", clickCount=1)

    def choose(self, selector: str, value: str) -> None:
        """Give a field or a choice a value, as who uses it does."""
        self.evaluate(
            f"(() => {{ const field = document.querySelector({json.dumps(selector)});"
            f"field.value = {json.dumps(value)};"
            "field.dispatchEvent(new Event('change', {bubbles: true})); })()"
        )

    def text(self, selector: str) -> str:
        """What an element shows."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def screenshot(self) -> bytes:
        """What the window shows, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def printed(self) -> bytes:
        """The page on paper, as PDF."""
        return base64.b64decode(self.call("Page.printToPDF")["data"])

    @property
    def requests(self) -> list[str]:
        """The URLs that this tab asked for."""
        self.evaluate("1")
        return [event["params"]["request"]["url"] for event in self._events("Network.requestWillBeSent")]

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings on the console, exceptions, and what the browser itself had to say."""
        self.evaluate("1")
        said = [json.dumps(event["params"]["entry"]) for event in self._events("Log.entryAdded")]
        said += [json.dumps(event["params"]["exceptionDetails"]) for event in self._events("Runtime.exceptionThrown")]
        return said + [
            json.dumps(event["params"]["args"])
            for event in self._events("Runtime.consoleAPICalled")
            if event["params"]["type"] in ("error", "warning", "assert")
        ]

    def _events(self, method: str) -> list[dict[str, Any]]:
        return [
            event
            for event in self._browser.events
            if event["method"] == method and event.get("sessionId") == self._session
        ]
