"""Ports for servers that must be told theirs."""

import random
import socket

# Below those that systems give to connections (Linux: from 32768, macOS and IANA: from 49152), so
# that none of these takes the port of a server that is just being restarted.
FIRST, LAST = 20_000, 32_000


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    while True:
        port = random.SystemRandom().randint(FIRST, LAST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
