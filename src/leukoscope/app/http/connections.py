"""Choose the connections that the server keeps when clients are slow or many.

A connection on which the server waits for its client gives way to a newer one when there is no more
room, the slowest first. So connections that send nothing cannot block others.
"""

import asyncio
import logging
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Protocol

from leukoscope.app.limits import Limits

Network = IPv4Network | IPv6Network

log = logging.getLogger("leukoscope.app")

REFUSALS = 32  # refused connections that get a response at a time; others are just closed
FILES = 2  # descriptors of a connection: its socket, and a file of the page that it receives
RESERVED_FILES = 128  # descriptors for the database, the model and what else the program opens
IPV6_BITS = 64  # the part of an IPv6 address that an organization gives to one customer or network


class Connection(Protocol):
    """The interface of a connection in the table."""

    client_key: str

    def delay(self, now: float) -> float:
        """Seconds for which the client has kept the server waiting; 0 or less if it has not."""

    def enforce(self, now: float) -> None:
        """Close the connection if its client is too slow."""

    def abort(self) -> None:
        """Close the connection at once."""


class ConnectionTable:
    """The open connections of one server.

    Args:
        limits: Limits of the server.
        proxies: Addresses and networks that forward for many clients, as in FORWARDED_ALLOW_IPS.
            They may take all connections; any other address has a limit of its own.
    """

    def __init__(self, limits: Limits, proxies: Sequence[str] | str = ()) -> None:
        self._limits = limits
        self._most = usable_connections(limits.connections)
        self._proxies = _parsed(proxies)
        self._open: dict[Connection, None] = {}
        self._refused: set[Connection] = set()
        self._turned_away = 0
        self._interval = min(1.0, limits.head_seconds / 4, limits.response_seconds / 4)
        self._timer: asyncio.TimerHandle | None = None

    def admit(self, connection: Connection) -> bool:
        """Take a new connection, if there is room or a slow one gives way; False otherwise."""
        rivals = self._rivals(connection.client_key)
        if rivals:
            now = asyncio.get_running_loop().time()
            slowest = max(rivals, key=lambda rival: rival.delay(now))
            self._turned_away += 1
            if slowest.delay(now) <= 0:
                return False
            self.remove(slowest)
            slowest.abort()
        self._open[connection] = None
        self._schedule()
        return True

    def may_refuse(self, connection: Connection) -> bool:
        """Register a refusal that is being sent; False if too many are under way already."""
        if len(self._refused) >= REFUSALS:
            return False
        self._refused.add(connection)
        return True

    def remove(self, connection: Connection) -> None:
        """Forget a closed connection."""
        self._open.pop(connection, None)
        self._refused.discard(connection)

    def _rivals(self, key: str) -> list[Connection]:
        """The connections of which one must give way to a new one from this client."""
        if not self._is_proxy(key):
            own = [other for other in self._open if other.client_key == key]
            if len(own) >= min(self._limits.client_connections, self._most):
                return own
        return list(self._open) if len(self._open) >= self._most else []

    def _is_proxy(self, key: str) -> bool:
        if self._proxies is None:
            return True
        try:
            network = ip_network(key)
        except ValueError:  # a Unix socket: behind it is a proxy, too
            return True
        return any(network.network_address in proxy for proxy in self._proxies)

    def _schedule(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._interval, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for connection in list(self._open):
            connection.enforce(now)
        if self._turned_away:
            log.warning("all connections in use: %d closed or refused", self._turned_away)
            self._turned_away = 0
        if self._open:
            self._schedule()


def client_key(host: str) -> str:
    """The network that counts as one client: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        return str(ip_network(mapped))
    if address.version == 4 or address.is_loopback:
        return str(ip_network(address))
    return str(ip_network((address, IPV6_BITS), strict=False))


def usable_connections(wanted: int) -> int:
    """The number of connections for which the system grants file descriptors, at most `wanted`.

    The soft limit of the process is raised as far as it may be. Without this, accepting would fail
    before any connection could give way.
    """
    try:
        import resource
    except ImportError:  # not on this system
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    aim = FILES * wanted + RESERVED_FILES
    if soft == resource.RLIM_INFINITY or soft >= aim:
        return wanted
    aim = aim if hard == resource.RLIM_INFINITY else min(aim, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (aim, hard))
    except (OSError, ValueError):
        aim = soft
    return max(8, min(wanted, (aim - RESERVED_FILES) // FILES))


def _parsed(proxies: Sequence[str] | str) -> "list[Network] | None":
    """Networks; None for all of them. Names that are no addresses belong to Unix sockets."""
    names = proxies.split(",") if isinstance(proxies, str) else list(proxies)
    names = [name.strip() for name in names if name.strip()]
    if "*" in names:
        return None
    networks: list[Network] = []
    for name in names:
        try:
            networks.append(ip_network(name, strict=False))
        except ValueError:
            continue
    return networks
