#!/usr/bin/env python3
"""A partner to have an incident with: it answers 204 after 50 ms, and 503 while the file DOWN is there. To bodies with
"bad" it answers 422 until the file FIXED is there."""
import http.server
import os
import sys
import time

port, down, fixed = int(sys.argv[1]), sys.argv[2], sys.argv[3]


class Partner(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(0.05)
        bad = b"bad" in body and not os.path.exists(fixed)
        self.send_response(503 if os.path.exists(down) else 422 if bad else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Partner).serve_forever()
