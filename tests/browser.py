"""A headless Chromium, driven over HTTP by its driver (WebDriver) with the standard library alone.

with Browser() as browser:
    browser.open(path)
    browser.run("return document.title")
"""

import base64
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Down": "\ue015",
    "Up": "\ue013",
    "Left": "\ue012",
    "Right": "\ue014",
    "Home": "\ue011",
    "End": "\ue010",
    "Space": " ",
    "Shift": "\ue008",
}


def skip_without_browser():
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing:
        raise unittest.SkipTest(f"{' and '.join(missing)} missing (Debian: chromium, chromium-driver)")


class Browser:
    """One session; its profile is a folder of its own, removed at the end."""

    def __init__(self, width=1280, height=900):
        self.width, self.height = width, height

    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="hre-browser-", ignore_cleanup_errors=True)
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        port = None
        for line in self.driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                port = found[1]
                break
        self.address = f"http://127.0.0.1:{port}"
        arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            f"--window-size={self.width},{self.height}",
            f"--user-data-dir={self.profile.name}",
        ]
        options = {"binary": shutil.which("chromium"), "args": arguments}
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "timeouts": {"script": 60000},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        value = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}}, session="")
        self.session = f"/session/{value['sessionId']}"
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(20)
            self.driver.stdout.close()
            self.profile.cleanup()

    def call(self, method, path, body=None, session=None):
        request = urllib.request.Request(
            self.address + (self.session if session is None else session) + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=180) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as problem:
            raise AssertionError(json.load(problem)["value"]["message"]) from problem

    def open(self, path, fragment=""):
        self.call("POST", "/url", {"url": pathlib.Path(path).resolve().as_uri() + fragment})

    def run(self, script, *arguments):
        """Runs JavaScript; `return` gives its value."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def until(self, script, *arguments, seconds=60):
        """Waits until a script gives something true, and gives that."""
        end = time.monotonic() + seconds
        while not (value := self.run(script, *arguments)):
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {script}")
            time.sleep(0.05)
        return value

    def press(self, *keys):
        """Keys to what has the focus, one after the other: names of KEYS, or text."""
        actions = []
        for key in keys:
            for sign in [KEYS[key]] if key in KEYS else key:
                actions += [{"type": "keyDown", "value": sign}, {"type": "keyUp", "value": sign}]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def resize(self, width, height):
        self.call("POST", "/window/rect", {"width": width, "height": height})

    def screenshot(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    def messages(self):
        """What the console has said since the last call, at levels above INFO."""
        return [entry for entry in self.call("POST", "/se/log", {"type": "browser"}) if entry["level"] not in ("INFO", "DEBUG")]

    def requests(self):
        """The addresses that were asked for since the last call."""
        entries = [json.loads(entry["message"])["message"] for entry in self.call("POST", "/se/log", {"type": "performance"})]
        return [entry["params"]["request"]["url"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]
