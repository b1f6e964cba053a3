"""The images of a ZIP, under the names that the program that made it meant."""

import io
import warnings
import zipfile

import pytest

from leukoscope.data.imaging.zip_entries import SAFE_METHODS, ZipListing, list_entries


def listing(
    files: dict[str, bytes], renamed: dict[bytes, bytes] | None = None, **options: object
) -> ZipListing:
    """List a ZIP of `files`, after some names were replaced by others of the same length."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:  # type: ignore[arg-type]
        for name, content in files.items():
            archive.writestr(name, content)
    data = buffer.getvalue()
    for old, new in (renamed or {}).items():
        assert len(old) == len(new)
        data = data.replace(old, new)
    return list_entries(zipfile.ZipFile(io.BytesIO(data)), SAFE_METHODS)


def named(raw: bytes) -> str:
    """The name that an entry with these bytes as its name gets, without the UTF-8 flag."""
    old = b"_" * len(raw)
    (entry,) = listing({old.decode() + ".png": b""}, {old: raw}).entries
    return entry.name.removesuffix(".png")


@pytest.mark.parametrize("codec", ["cp437", "cp1252", "utf-8"])
@pytest.mark.parametrize(
    "name", ["Größe_Zelle", "élève", "niña", "Ärzte/Übung", "ça", "Zellgröße 3 µm"]
)
def test_names_without_the_flag_are_read_in_the_encoding_they_were_written_in(name, codec):
    assert named(name.encode(codec)) == name


@pytest.mark.parametrize("name", ["細胞", "клетка", "ünï"])
def test_names_with_the_flag_are_utf_8(name):
    assert [entry.name for entry in listing({f"{name}.bmp": b""}).entries] == [f"{name}.bmp"]


@pytest.mark.parametrize("raw", [b"./a//./b.bmp", b".\\a\\b.bmp.."[:-2], b"././././a/b.bmp"])
def test_dots_and_empty_parts_are_dropped(raw):
    (entry,) = listing({"_" * len(raw): b""}, {b"_" * len(raw): raw}).entries
    assert entry.name == "a/b.bmp"
    assert not entry.problem


def test_files_without_a_name_are_refused_and_the_rest_goes_on():
    files = {"_.bmp": b"BM", "+.bmp": b"BM", "ok.bmp": b"BM"}
    found = listing(files, {b"_.bmp": b"\0.bmp", b"+.bmp": b"\0.bmp"})
    assert [bool(entry.problem) for entry in found.entries] == [True, True, False]
    assert len({entry.name for entry in found.entries}) == 3


@pytest.mark.parametrize("name", ["../1.bmp", "a/../../1.bmp", "/1.bmp", "C:/1.bmp", "..\\1.bmp"])
def test_names_that_point_outside_are_refused_under_a_name_inside(name):
    found = listing({name: b"BM", "ok.bmp": b"BM"})
    assert [bool(entry.problem) for entry in found.entries] == [True, False]
    assert ".." not in found.entries[0].name
    assert not found.entries[0].name.startswith("/")


def test_a_name_that_occurs_twice_gets_a_number():
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        for name in ("a/1.bmp", "a/1 (2).bmp", "a/1.bmp"):
            archive.writestr(name, b"BM")
    found = list_entries(zipfile.ZipFile(buffer))
    assert [(entry.number, entry.name) for entry in found.entries] == [
        (0, "a/1.bmp"),
        (1, "a/1 (2).bmp"),
        (2, "a/1 (3).bmp"),
    ]


def test_folders_are_no_files_whether_or_not_their_name_says_so():
    buffer = io.BytesIO()
    folder, marked = zipfile.ZipInfo("a.bmp/"), zipfile.ZipInfo("b.bmp")
    marked.external_attr = 0x10
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(folder, b"")
        archive.writestr(marked, b"")
        archive.writestr("c.bmp", b"BM")
    found = list_entries(zipfile.ZipFile(buffer))
    assert [entry.name for entry in found.entries] == ["c.bmp"]


def test_files_are_judged_by_name_then_by_content_and_the_rest_is_counted():
    found = listing(
        {
            "1.heic": b"",
            "2": b"II\x2b\0" + bytes(12),
            "3.bmp ": b"",
            "notes.txt": b"words",
            "labels.xlsx": b"PK\x03\x04",
            "inner.zip": b"PK\x03\x04",
            "__MACOSX/._1.heic": b"",
            ".DS_Store": b"",
            ".x/4.bmp": b"",
        }
    )
    assert [entry.name for entry in found.entries] == ["1.heic", "2", "3.bmp ", "inner.zip"]
    assert [bool(entry.problem) for entry in found.entries] == [False, False, False, True]
    assert found.left_out == {".txt": 1, ".xlsx": 1, "hidden": 1}


def test_only_allowed_methods_are_unpacked():
    (entry,) = listing({"1.bmp": b"BM"}, compression=zipfile.ZIP_LZMA).entries
    assert "method" in entry.problem


def test_entries_without_a_name_are_told_apart():
    entries = listing({"_": b"", "=": b""}, {b"_": b".", b"=": b"."}).entries
    assert len({entry.name for entry in entries}) == 2
    assert all(entry.problem for entry in entries)
