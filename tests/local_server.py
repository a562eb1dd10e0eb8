"""A web server on this machine that serves bytes as the real ones do, and as badly when asked to."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Files(ThreadingHTTPServer):
    """files: path -> bytes.   cut: path -> bytes after which the line breaks, once for each number in the list.

    versions: path -> ETag.   pages: paths that answer with a web page.   asked: (path, Range header) of each request.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.cut, self.versions, self.pages, self.asked = {}, {}, {}, set(), []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"

    def handle_error(self, request, client_address) -> None:
        """Nothing is said of a client that went away in the middle: some are killed on purpose."""

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Files

    def do_GET(self):
        path, wanted = self.path.lstrip("/"), self.headers.get("Range")
        self.server.asked.append((path, wanted))
        if path not in self.server.files:
            return self.send_error(404)
        content, version = self.server.files[path], self.server.versions.get(path, '"one"')
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if wanted and self.headers.get("If-Range", version) != version:
            start = 0
        if start and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.send_header("Content-Type", "text/html" if path in self.server.pages else "application/octet-stream")
        self.send_header("ETag", version)
        self.end_headers()
        cuts = self.server.cut.get(path, [])
        self.wfile.write(content[start : cuts.pop(0)] if cuts else content[start:])

    def log_message(self, *args):
        pass
