"""A headless Chromium, driven over a pair of pipes: the DevTools protocol without a library.

A window of Chromium's command line is never narrower than 500 pixels, so a phone's width needs the protocol.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe"
)


def find() -> str | None:
    """Return the path of a Chromium on this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """One page in one browser, running from `with` to its end."""

    def __init__(self, browser: str) -> None:
        """Start the browser of this path."""
        self._last = 0
        self._session: dict[str, str] = {}
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
        command = [browser, *FLAGS.split(), f"--user-data-dir={self._profile.name}", "about:blank"]
        # Chromium reads descriptor 3 and writes descriptor 4.
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "-", *command],
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._out, self._in = os.fdopen(ours_out, "wb", 0), os.fdopen(ours_in, "rb")

    def __enter__(self) -> Self:
        """Open a page."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        return self

    def __exit__(self, *_: object) -> None:
        """End the browser, which ends when its pipe does."""
        self._out.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._in.close()
        self._profile.cleanup()

    def show(self, url: str, width: int, scheme: str, *, scale: float = 1) -> None:
        """Load a page at this width, in a `dark` or `light` scheme; raises AssertionError when it can't be loaded."""
        size = {"width": width, "height": 900, "deviceScaleFactor": scale, "mobile": width < 500}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        answer = self.call("Page.navigate", url=url)
        if "errorText" in answer:
            raise AssertionError(answer["errorText"])
        self.evaluate(
            "new Promise(done => document.readyState == 'complete' ? done() : addEventListener('load', done))"
        )

    def evaluate(self, script: str) -> Any:
        """Return what a script in the page returns, as JSON; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def picture(self, selector: str | None = None) -> bytes:
        """Return a PNG of the first element that matches, or of the page's first screen."""
        clip: dict[str, Any] = {}
        if selector:
            box = self.evaluate(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()")
            clip = {"clip": {**box, "scale": 1}, "captureBeyondViewport": True}
        return base64.b64decode(self.call("Page.captureScreenshot", **clip)["data"])

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of https://chromedevtools.github.io/devtools-protocol and return its result."""
        self._last += 1
        request = {"id": self._last, "method": method, "params": parameters, **self._session}
        self._out.write(json.dumps(request).encode() + b"\0")
        while (answer := self._read()).get("id") != self._last:
            pass  # an event, which nobody here waits for
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _read(self) -> Any:
        message = bytearray()
        while (byte := self._in.read(1)) != b"\0":
            if not byte:
                raise AssertionError("The browser ended.")
            message += byte
        return json.loads(message)
