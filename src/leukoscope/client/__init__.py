"""A typed Python client of the REST API; needs the extra `client`."""

from leukoscope.client.client import Client
from leukoscope.core.errors import ServerError

__all__ = ["Client", "ServerError"]
