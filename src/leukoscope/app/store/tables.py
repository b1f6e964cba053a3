"""The tables: a case has cells, a cell can have an image file and reviews.

A change here needs a migration in `migrations/versions/`; a test compares the two.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ID_LENGTH = 22  # of secrets.token_urlsafe(16)
SHA256_LENGTH = 64


class UtcTime(TypeDecorator[datetime]):
    """A time with time zone. SQLite has no such type and returns naive UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; a time without zone is an error of the program."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a time needs a time zone, got {value!r}")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Add the time zone UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base with a name for every constraint, so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class CaseRow(Base):
    """A case, and the model of all its predictions."""

    __tablename__ = "cases"
    __table_args__ = (Index(None, "created"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    notes: Mapped[str] = mapped_column(Text)
    keep_images: Mapped[bool]
    created: Mapped[datetime] = mapped_column(UtcTime)
    updated: Mapped[datetime] = mapped_column(UtcTime)
    model: Mapped[str] = mapped_column(Text)
    model_sha256: Mapped[str] = mapped_column(String(SHA256_LENGTH))
    model_threshold: Mapped[float] = mapped_column(Double)
    model_all_from: Mapped[float | None] = mapped_column(Double)
    model_hem_to: Mapped[float | None] = mapped_column(Double)
    own_threshold: Mapped[float | None] = mapped_column(Double)


class CellRow(Base):
    """One prediction. `verdict` is the model's; the threshold of a case is applied when reading.

    `sha256` is null if the bytes of the file were never read. A case can contain any number of
    those, but every other file only once.
    """

    __tablename__ = "cells"
    # An id is never reused, so that an outdated page cannot review the wrong cell.
    __table_args__ = (UniqueConstraint("case_id", "sha256"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    p_all: Mapped[float | None] = mapped_column(Double)
    verdict: Mapped[str] = mapped_column(Text)
    logit: Mapped[float | None] = mapped_column(Double)
    flags: Mapped[list[str]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str | None] = mapped_column(String(SHA256_LENGTH))
    answered: Mapped[datetime] = mapped_column(UtcTime)
    features: Mapped[dict[str, float | None] | None] = mapped_column(JSON(none_as_null=True))
    pixels: Mapped[str | None] = mapped_column(String(SHA256_LENGTH))


class ImageRow(Base):
    """The bytes of an image file, in a table of its own so that no list loads them."""

    __tablename__ = "images"

    cell_id: Mapped[int] = mapped_column(
        ForeignKey("cells.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    data: Mapped[bytes] = mapped_column(LargeBinary)


class ReviewRow(Base):
    """A review of a cell. Rows are only added; `undone` marks one as taken back.

    `case_id` repeats that of the cell, to look up the latest review of a case.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        Index(None, "case_id", "id"),
        Index(None, "cell_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"))
    cell_id: Mapped[int] = mapped_column(ForeignKey("cells.id", ondelete="CASCADE"))
    label: Mapped[str] = mapped_column(Text)
    reviewer: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(UtcTime)
    undone: Mapped[datetime | None] = mapped_column(UtcTime)
