"""A bad network between hrload and the services: answers get lost, cut off or emptied."""

import http.client
import random
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

STRUCK = ("BatchWriteItem", "PutRecords", "GetRecords", "GetShardIterator", "ListShards", "DescribeStream")


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, _request, _address):
        """A client that went away is what a bad network is for."""
        if not isinstance(sys.exception(), ConnectionError):
            raise


class BadNetwork:
    """A proxy that does one of five things to this share of the calls."""

    def __init__(self, url, share, seed=1):
        self.target = urlsplit(url).netloc
        self.share, self.dice = share, random.Random(seed)
        self.server = Server(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def fate(self, operation):
        if operation.split(".")[-1] not in STRUCK or self.dice.random() >= self.share:
            return "passes"
        return self.dice.choice(["cut before", "cut after", "cut short", "emptied", "refused"])

    def handler(self):
        network = self

        class Call(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fate = network.fate(self.headers.get("X-Amz-Target", ""))
                if fate == "cut before":
                    return self.cut()
                if fate == "refused":
                    return self.answer(500, {"Content-Type": "text/html"}, b"<html>bad gateway</html>")
                status, headers, answer = network.ask(self.path, body, self.headers)
                if fate == "cut after":
                    return self.cut()
                if fate == "emptied":
                    headers, answer = {"Content-Type": headers.get("Content-Type", "")}, b"{}"
                return self.answer(status, headers, answer, cut_short=fate == "cut short")

            def answer(self, status, headers, body, cut_short=False):
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if cut_short else body)
                if cut_short:
                    self.cut()

            def cut(self):
                self.wfile.flush()
                self.close_connection = True

            def log_message(self, *_):
                pass

        return Call

    def ask(self, path, body, headers):
        connection = http.client.HTTPConnection(self.target, timeout=30)
        passed = {name: value for name, value in headers.items() if name.lower() != "connection"}
        connection.request("POST", path, body, passed)
        answer = connection.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return found
