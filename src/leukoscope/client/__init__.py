"""Typed Python client of the REST API. Needs the extra `client`."""

from leukoscope.client.client import Client
from leukoscope.core.errors import ServerError

__all__ = ["Client", "ServerError"]
