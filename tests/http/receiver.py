"""An HTTP server of the tests' own, to which the product sends: it answers as a test tells it to."""

import http.server
import json
import threading


def json_of(body):
    """None: it is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None


class Receiver:
    """`got` are the requests: method, path, headers, body, json. `answer` makes of one a status, headers and, if there
    is one, a body."""

    def __init__(self, answer=lambda _request: (204, {})):
        self.got, self.answer = [], answer
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def receive(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = {"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body,
                           "json": json_of(body)}
                receiver.got.append(request)
                status, headers, *bodies = receiver.answer(request)
                body = b"".join(bodies)
                length = {} if status == 204 else {"Content-Length": str(len(body))}
                self.send_response(status)
                for name, value in (length | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = receive

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join(30)
        self.server.server_close()
