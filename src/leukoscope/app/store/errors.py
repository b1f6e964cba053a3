"""What can go wrong with kept cases. Light to import: the server maps these to status codes."""

from leukoscope.core.errors import LeukoscopeError


class StoreError(LeukoscopeError):
    """Cases cannot be kept or read."""


class NotFoundError(StoreError):
    """There is no such case, cell or image."""


class ConflictError(StoreError):
    """The case is not in a state for what was asked."""


class UnavailableError(StoreError):
    """The database cannot be used at the moment."""
