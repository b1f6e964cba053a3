"""One image after another over HTTP: `leukoscope serve` beside a page made of Flask and Keras.

Clients send an image each and wait for its answer. benchmarks/load.py measures the server under a
hundred clients and checks every answer.

    python benchmarks/app.py [FOLDER] [--clients 4] [--requests 64] [--rounds 3] [--peers PYTHON]
"""

import argparse
import http.client
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from load import load_images, serving
from peers import Peer
from timing import Table, alternate

from leukoscope.core.cores import usable_cores

WAY = "Flask and Keras, CNN at 256 px"
OURS = "leukoscope serve"


class Server:
    """A server on this machine to which every client thread keeps a connection."""

    def __init__(self, port: int, path: str) -> None:
        self.port, self.path, self._kept = port, path, threading.local()

    def send(self, image: bytes) -> None:
        """Send an image and wait for the answer."""
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="a.bmp"\r\n'
        body = f"{head}\r\n".encode() + image + f"\r\n--{boundary}--\r\n".encode()
        if not hasattr(self._kept, "connection"):
            self._kept.connection = http.client.HTTPConnection("127.0.0.1", self.port)
        form = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        self._kept.connection.request("POST", self.path, body, form)
        answer = self._kept.connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"the server answered {answer.status}")

    def rate(self, images: Sequence[bytes], clients: int, requests: int) -> float:
        """Answers per second."""
        start = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(self.send, (images[n % len(images)] for n in range(requests))))
        return requests / (time.perf_counter() - start)


def measure(args: argparse.Namespace) -> Table:
    """Measure both servers, which run at the same time; one waits while the other works."""
    images = load_images(args.folder)
    with ExitStack() as stack:
        _, port = stack.enter_context(serving(usable_cores(), None))
        servers = {OURS: Server(port, "/v1/predict")}
        if args.peers:
            peer = Peer(args.peers, WAY, [])
            stack.callback(peer.close)
            servers[WAY] = Server(peer.run(), "/predict")
        jobs = {
            name: lambda s=server: s.rate(images, args.clients, args.requests)
            for name, server in servers.items()
        }
        alternate(jobs, 1)  # warms up
        values = alternate(jobs, args.rounds)
    title = f"App: {args.clients} clients, {args.requests} requests of one image"
    return Table(title, "requests/s", values, OURS)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--requests", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, help="Python of the environment of `make bench`")
    print(measure(parser.parse_args()).text())


if __name__ == "__main__":
    main()
