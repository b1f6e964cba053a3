"""Errors of the store. Cheap to import: the server maps them to status codes."""

from leukoscope.core.errors import LeukoscopeError


class StoreError(LeukoscopeError):
    """Cases cannot be stored or read."""


class NotFoundError(StoreError):
    """The case, cell or image does not exist."""


class ConflictError(StoreError):
    """The request conflicts with the state of the case."""


class UnavailableError(StoreError):
    """The database is temporarily unavailable."""
