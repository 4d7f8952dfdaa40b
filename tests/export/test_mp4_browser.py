"""The default video plays in a browser: headless Chromium loads it, plays it to its end, and reports its pixels."""

from __future__ import annotations

import http.server
import json
import os
import queue
import shutil
import subprocess
import threading

import numpy as np
import pytest

import isx
from builders.movie import isxd_movie

pytest.importorskip("av")

NUM_FRAMES, ROWS, COLS = 30, 48, 64
PAGE = """<!doctype html><video id="v" muted></video><script>
const v = document.getElementById("v"), report = (data) => fetch("/result", {method: "POST", body: JSON.stringify(data)});
const pixel = (x) => {
  const c = document.createElement("canvas"); c.width = v.videoWidth; c.height = v.videoHeight;
  const g = c.getContext("2d"); g.drawImage(v, 0, 0); return g.getImageData(x, 24, 1, 1).data[0];
};
v.onerror = () => report({error: v.error.code + " " + v.error.message});
v.onended = () => report({
  width: v.videoWidth, height: v.videoHeight, duration: v.duration, time: v.currentTime,
  frames: v.getVideoPlaybackQuality().totalVideoFrames, left: pixel(16), right: pixel(48),
});
v.src = "/movie.mp4";
v.play().catch((e) => report({error: String(e)}));
</script>"""
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
    "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip


class Handler(http.server.BaseHTTPRequestHandler):
    files: dict[str, tuple[str, bytes]]
    results: queue.Queue[dict]

    def do_GET(self):
        kind, data = self.files.get(self.path, ("text/plain", b""))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        self.results.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def chromium():
    path = os.environ.get("ISX_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        pytest.skip("Chromium is not installed (Debian package: chromium)")
    return path


def test_default_video_plays_in_chromium(tmp_path, chromium):
    frames = np.zeros((NUM_FRAMES, ROWS, COLS), np.uint16)
    frames[:, :, COLS // 2 :] = 4000
    isxd_movie(tmp_path / "m.isxd", frames)
    isx.export_movie_to_mp4(tmp_path / "m.isxd", tmp_path / "movie.mp4")
    Handler.results = queue.Queue()
    Handler.files = {
        "/": ("text/html", PAGE.encode()),
        "/movie.mp4": ("video/mp4", (tmp_path / "movie.mp4").read_bytes()),
    }
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = subprocess.Popen(
        [
            chromium,
            *FLAGS,
            f"--user-data-dir={tmp_path / 'profile'}",
            f"http://127.0.0.1:{server.server_port}/",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        result = Handler.results.get(timeout=120)
    finally:
        browser.terminate()
        browser.wait(30)
        server.shutdown()
        server.server_close()
    assert "error" not in result, result
    assert (result["width"], result["height"]) == (COLS, ROWS)
    assert result["duration"] == pytest.approx(NUM_FRAMES * 0.05, abs=0.01)
    assert result["time"] == pytest.approx(result["duration"], abs=0.06)
    assert result["frames"] > 0
    assert result["left"] < 16
    assert result["right"] > 240
