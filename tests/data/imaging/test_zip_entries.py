"""The images of a ZIP, under the names that the program that made it meant."""

import io
import struct
import warnings
import zipfile
import zlib

import pytest

from leukoscope.data.imaging.zip_entries import ZipListing, list_entries


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
    return list_entries(zipfile.ZipFile(io.BytesIO(data)))


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


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        *((name, "cp932") for name in ("テスト", "ひらがな", "細胞画像", "患者1/細胞_01", "細胞A")),
        *((name, "cp866") for name in ("клетка", "Пациент_1/Клетка", "КЛЕТКА", "мама")),
        *((name, "cp1251") for name in ("клетка", "Пациент_1/Клетка", "КЛЕТКА", "мама")),
        *((name, "cp1252") for name in ("ÅÄÖ", "Ø", "Ñuñoa", "été_â")),
        *((name, "cp437") for name in ("pâte", "âge", "fenêtre", "château")),
    ],
)
def test_a_code_page_is_taken_where_its_reading_is_plain(name, codec):
    assert named(name.encode(codec)) == name


@pytest.mark.parametrize(("name", "codec"), [("细胞", "gbk"), ("세포", "cp949"), ("細胞", "big5")])
def test_a_code_page_that_is_not_plain_is_437_as_the_standard_says(name, codec):
    assert named(name.encode(codec)) == name.encode(codec).decode("cp437")


def test_all_names_of_a_zip_are_read_in_one_code_page():
    one, two = "細".encode("cp932"), "細胞".encode("cp932")
    found = listing({"_" * 2: b"BM", "=" * 4: b"BM"}, {b"__": one, b"====": two}).entries
    assert [entry.name for entry in found] == [raw.decode("cp437") for raw in (one, two)]


def test_the_unicode_name_of_the_extra_field_comes_first():
    raw, name = "細胞.bmp".encode("cp932"), "患者/細胞.bmp"
    value = struct.pack("<BI", 1, zlib.crc32(raw)) + name.encode()
    other = struct.pack("<BI", 1, 0) + b"of another name.bmp"
    found = []
    for content in (value, other):
        info = zipfile.ZipInfo("_" * len(raw))
        info.extra = struct.pack("<HH", 0x7075, len(content)) + content
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(info, b"BM")
        data = buffer.getvalue().replace(b"_" * len(raw), raw)
        found += [entry.name for entry in list_entries(zipfile.ZipFile(io.BytesIO(data))).entries]
    assert found == [name, "細胞.bmp"]


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


def test_an_unknown_method_is_refused_by_name():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("1.bmp", b"BM")
        archive.infolist()[0].compress_type = 9  # Deflate64; only the directory says so
    (entry,) = list_entries(zipfile.ZipFile(buffer)).entries
    assert "method" in entry.problem


def test_entries_without_a_name_are_told_apart():
    entries = listing({"_": b"", "=": b""}, {b"_": b".", b"=": b"."}).entries
    assert len({entry.name for entry in entries}) == 2
    assert all(entry.problem for entry in entries)
