"""Take the picture of the page that the README shows.

    python docs/screenshot.py [--out docs/page.webp]

It serves the bundled model on a free port, reads the shipped sample, and needs Chromium on the path.
"""

import argparse
import io
import shutil
import socket
import threading
import time
from pathlib import Path

import uvicorn
from PIL import Image
from playwright.sync_api import sync_playwright

import khabar
from khabar.serving.app import create_app
from khabar.serving.settings import ServingSettings


def photograph(url: str) -> bytes:
    """Return a picture of the page as PNG, with an article read and evidence lit."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 860})
        page.goto(url)
        page.click("#sample")
        page.fill("#question", "شرکت سنگین‌بنای وطن")
        page.press("#question", "Enter")
        page.wait_for_selector(".evidence")
        page.evaluate("scrollTo(0, 0)")
        picture = page.screenshot()
        browser.close()
        return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/page.webp"))
    out = parser.parse_args().out
    app = create_app(khabar.load(), ServingSettings())
    server = uvicorn.Server(uvicorn.Config(app, access_log=False, ws="none", log_level="warning"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        picture = photograph(f"http://127.0.0.1:{listener.getsockname()[1]}")
        server.should_exit = True
        thread.join()
    Image.open(io.BytesIO(picture)).save(out, quality=80, method=6)


if __name__ == "__main__":
    main()
