"""Bodies of requests as lists of images, whatever pieces they come in."""

import base64
import gc
import json
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukoscope.app.http.problems import RequestError
from leukoscope.app.limits import Limits
from leukoscope.app.uploads.multipart import FormReader
from leukoscope.app.uploads.uploaded_file import UploadedFile
from leukoscope.app.uploads.uploads import expand, read_json
from leukoscope.core.errors import ImageError
from leukoscope.data.imaging.other_files import archive_kind
from tests.app.forms import BOUNDARY, field, files, form, part, zipped

SMALL = Limits(image_bytes=1_000, request_images=5)


def read(body: bytes, limits: Limits = SMALL, step: int = 1 << 20) -> list[UploadedFile]:
    reader = FormReader(BOUNDARY, limits)
    for start in range(0, len(body), step):
        reader.feed(body[start : start + step])
    return reader.finish()


def refused(body: bytes, limits: Limits = SMALL) -> RequestError:
    with pytest.raises(RequestError) as raised:
        read(body, limits)
    return raised.value


def plain(data: bytes) -> bool:
    """No archive of another kind, and no end of its own part."""
    return not archive_kind(data) and b"\r\n--" + BOUNDARY not in b"\r\n" + data + b"\r\n"


content = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.sampled_from([b"\r\n", b"--", BOUNDARY, b"\r\n--" + BOUNDARY[:9], b"\r", b"\n", b"x"]),
        max_size=12,
    ).map(b"".join),
).filter(plain)


@given(
    named=st.lists(st.tuples(st.sampled_from(["a.bmp", "ü/b.png", "с"]), content), max_size=5),
    cuts=st.lists(st.integers(1, 700), min_size=1, max_size=60),
)
@settings(max_examples=100, deadline=None)
def test_any_split_of_the_body_gives_the_same_files(named, cuts):
    body = form([field(b"note", b"hello"), *(part(n.encode(), d) for n, d in named)])
    reader = FormReader(BOUNDARY, SMALL)
    start = 0
    while start < len(body):
        for cut in cuts:
            reader.feed(body[start : start + cut])
            start += cut
    if named:
        assert [(one.name, one.load()) for one in reader.finish()] == named
    else:
        with pytest.raises(RequestError, match="no file"):
            reader.finish()


def test_byte_by_byte():
    body = files({"a.bmp": b"BM" + bytes(99), "b.bmp": b""})
    assert (
        read(body, step=1)
        == read(body)
        == [
            UploadedFile("a.bmp", b"BM" + bytes(99)),
            UploadedFile("b.bmp", b""),
        ]
    )


def test_byte_by_byte_for_long():
    data = bytes(range(256)) * 40
    limits = Limits()
    assert read(files({"a.bmp": data}), limits, step=1) == [UploadedFile("a.bmp", data)]


def test_a_name_that_is_no_ascii_survives():
    assert [one.name for one in read(files({"клетка/细胞 é.bmp": b"x"}))] == ["клетка/细胞 é.bmp"]


def test_a_name_that_is_no_utf8_is_shown_as_such():
    assert read(form([part(b"z\xe4hlung.bmp", b"x")]))[0].name == "z\ufffdhlung.bmp"


def test_quotes_in_a_name():
    assert read(form([part(b'a\\"b.bmp', b"x")]))[0].name == 'a"b.bmp'


def test_a_file_that_is_too_large_is_a_problem_and_the_rest_goes_on():
    large, good = read(files({"large.bmp": bytes(1_001), "good.bmp": bytes(1_000)}), step=100)
    assert large.data == b""
    with pytest.raises(ImageError, match="larger than"):
        large.load()
    assert good.load() == bytes(1_000)


def test_an_archive_may_be_larger_than_an_image():
    data = zipped({f"{n}.bmp": bytes([n]) * 900 for n in range(4)}, 0)
    assert len(data) > SMALL.image_bytes
    assert read(files({"all.zip": data}), step=37)[0].load() == data


def test_too_many_files():
    body = form(part(b"a.bmp", b"x") for _ in range(6))
    assert refused(body).status == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing of the kind",
        files({"a.bmp": b"data"})[:-9],
        form([field(b"note", b"no file")]),
        b"--" + BOUNDARY + b"\r\n" + b"X" * 20_000,
        b"--" + BOUNDARY + b"\r\n" + b"X-Header: 1\r\n" * 2_000 + b"\r\n",
        b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; filename="' + b"n" * 20_000,
        b"--" + BOUNDARY + b"\r\nno colon here\r\n\r\n\r\n",
    ],
    ids=["empty", "junk", "cut", "no file", "endless", "many headers", "huge header", "bad header"],
)
def test_a_body_that_is_none(body):
    error = refused(body)
    assert error.status == 400
    assert "\n" not in str(error)


@pytest.mark.parametrize("boundary", [b"", b"x" * 5_000])
def test_a_boundary_that_is_none(boundary):
    with pytest.raises(RequestError) as raised:
        FormReader(boundary, SMALL)
    assert raised.value.status == 400


def as_json(*images: dict[str, object]) -> bytes:
    return json.dumps({"images": images}).encode()


@given(st.lists(st.tuples(st.sampled_from(["", "a.bmp", "ü"]), content), max_size=5))
def test_json_images_come_back(named):
    body = as_json(*({"name": n, "data": base64.b64encode(d).decode()} for n, d in named))
    assert [(one.name, one.load()) for one in read_json(body, SMALL)] == named


@pytest.mark.parametrize("data", ["%%%", "A", "Ä===", "=AAA", "data:image/png,AAAA"])
def test_base64_junk_is_a_problem_of_its_image(data):
    junk, good = read_json(as_json({"data": data}, {"data": "QU\nJD"}), SMALL)
    assert "base64" in junk.problem
    assert good.load() == b"ABC"


def test_a_json_image_that_is_too_large():
    data = base64.b64encode(bytes(1_001)).decode()
    (upload,) = read_json(as_json({"data": data}), SMALL)
    assert "larger" in upload.problem


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"images": [1]}', 422),
        (b'{"images": [{"data": 1}]}', 422),
        (b'{"images": [], "more": 1}', 422),
        (b'{"images": [{"data": "", "color": "red"}]}', 422),
        (b"\xff\xfe", 422),
        (b"[" * 1_000_000, 422),
        (b'{"images":' * 100_000, 422),
        (b'{"images": [' + b'{"data": ""},' * 5 + b'{"data": ""}]}', 413),
    ],
    ids=lambda value: str(value[:20]) if isinstance(value, bytes) else str(value),
)
def test_json_of_another_form(body, status):
    with pytest.raises(RequestError) as raised:
        read_json(body, SMALL)
    assert raised.value.status == status
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x1f\x8b\x08", "gzip"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!\x1a\x07\x01", "RAR"),
        (b"\xfd7zXZ\x00", "xz"),
        (bytes(257) + b"ustar", "tar"),
    ],
)
def test_other_archives_are_told_by_name(head, kind):
    (upload,) = read(files({"cells": head + bytes(300)}))
    assert upload.problem.startswith(kind)


@pytest.mark.parametrize(
    ("name", "first", "kind"),
    [
        ("report.docx", "[Content_Types].xml", "a .docx document"),
        ("labels.xlsx", "xl/workbook.xml", "a .xlsx document"),
        ("report", "[Content_Types].xml", "an office document"),
        ("notes.odt", "mimetype", "a .odt document"),
        ("program", "META-INF/MANIFEST.MF", "an office document or program"),
        ("arrays.NPZ", "a.npy", "a .npz document"),
    ],
)
def test_a_document_is_no_archive_of_images_also_with_pictures_in_it(name, first, kind):
    document = zipped({first: b"x", "word/media/image1.png": b"\x89PNG\r\n\x1a\n"})
    for data in (document, document[:50]):
        (item,) = expand(read(files({name: data})), SMALL)
        assert item.problem.startswith(f"{kind}")
        assert "not an image" in item.problem


def test_archives_are_opened_in_their_place():
    inner = zipped({"1.bmp": b"BMa", "2.bmp": b"BMb"})
    uploads = [
        UploadedFile("first.bmp", b"BM1"),
        UploadedFile("all.zip", inner),
        UploadedFile("last.bmp", b"BM2"),
    ]
    items = expand(uploads, SMALL)
    assert [item.name for item in items] == [
        "first.bmp",
        "all.zip/1.bmp",
        "all.zip/2.bmp",
        "last.bmp",
    ]
    assert [item.load() for item in items] == [b"BM1", b"BMa", b"BMb", b"BM2"]


def test_an_archive_for_which_no_room_is_left_is_a_problem():
    three = zipped({f"{n}.bmp": b"BM" for n in range(3)})
    items = expand(
        [UploadedFile("a.zip", three), UploadedFile("b.zip", three), UploadedFile("c.bmp", b"BM")],
        SMALL,
    )
    assert [item.name for item in items] == [
        "a.zip/0.bmp",
        "a.zip/1.bmp",
        "a.zip/2.bmp",
        "b.zip",
        "c.bmp",
    ]
    with pytest.raises(ImageError, match="split it"):
        items[3].load()


def test_a_closed_reader_keeps_no_file():
    """Nor does it wait for the garbage collector, which would let bodies pile up."""
    gc.disable()
    try:
        reader = FormReader(BOUNDARY, SMALL)
        reader.feed(files({"a.bmp": b"BM"}))
        gone = weakref.ref(reader)
        reader.close()
        del reader
        assert gone() is None
    finally:
        gc.enable()
