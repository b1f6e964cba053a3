"""`data download`, with a module of our own standing in for kagglehub and its network."""

import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from leukoscope.core.errors import DownloadError, MissingExtraError
from leukoscope.data.cnmc import download
from leukoscope.data.cnmc.download import CITATION, download_cnmc

INSIDE = "datasets/andrewmvd/leukemia-classification/versions/2"


@pytest.fixture
def roomy(monkeypatch):
    """A disk that has room, whatever the machine."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**12))


@pytest.fixture
def kaggle(monkeypatch, roomy):
    """Install a fake kagglehub; returns a function that says what its download does."""

    def install(deliver):
        monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=deliver))

    return install


def deliver(handle):
    """Unpack one image into the cache folder as kagglehub 1.0 lays it out."""
    assert handle == "andrewmvd/leukemia-classification"
    version = Path(os.environ["KAGGLEHUB_CACHE"], INSIDE)
    image = version / "C-NMC_Leukemia/training_data/fold_0/all/UID_1_10_1_all.bmp"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"not the official bytes")
    return str(version)


def test_says_size_license_and_citation_before_it_asks(tmp_path, kaggle):
    kaggle(lambda handle: pytest.fail("fetched without consent"))
    shown = []
    assert download_cnmc(tmp_path, confirm=lambda lines: shown.extend(lines)) is None
    text = "\n".join(shown)
    for part in (
        "15,114 images",
        "10.4 GB",
        "CC BY 3.0",
        CITATION,
        "doi.org/10.7937",
        str(tmp_path),
    ):
        assert part in text
    assert list(tmp_path.iterdir()) == []


def test_tree_is_moved_into_place_and_verified(tmp_path, kaggle, monkeypatch):
    monkeypatch.setenv("KAGGLEHUB_CACHE", "/before")
    kaggle(deliver)
    found = download_cnmc(tmp_path / "new" / "cnmc", confirm=lambda lines: True)
    assert [finding.status for finding in found.findings] == ["altered"]
    assert found.exit_code == 1
    assert [path.name for path in (tmp_path / "new" / "cnmc").iterdir()] == ["C-NMC_Leukemia"]
    assert os.environ["KAGGLEHUB_CACHE"] == "/before"


def test_broken_download_goes_on_where_it_stopped(tmp_path, kaggle, monkeypatch):
    monkeypatch.delenv("KAGGLEHUB_CACHE", raising=False)

    def breaks(handle):
        Path(os.environ["KAGGLEHUB_CACHE"], "2.archive").write_bytes(b"half")
        raise ConnectionError("Failed to resolve 'api.kaggle.com'\nwith much detail")

    def goes_on(handle):
        assert Path(os.environ["KAGGLEHUB_CACHE"], "2.archive").read_bytes() == b"half"
        return deliver(handle)

    kaggle(breaks)
    with pytest.raises(DownloadError, match="no connection") as raised:
        download_cnmc(tmp_path, confirm=lambda lines: True)
    assert "\n" not in str(raised.value)
    assert "https://doi.org/10.7937/tcia.2019.dc64i46r" in str(raised.value)
    assert "KAGGLEHUB_CACHE" not in os.environ
    kaggle(goes_on)
    assert len(download_cnmc(tmp_path, confirm=lambda lines: True).findings) == 1


def test_refusal_by_kaggle_is_quoted_in_one_line(tmp_path, kaggle):
    def refuses(handle):
        raise RuntimeError("403 Client Error.\n\nYou don't have permission")

    kaggle(refuses)
    with pytest.raises(DownloadError, match=r"RuntimeError: 403 Client Error\.\)"):
        download_cnmc(tmp_path, confirm=lambda lines: True)


def test_data_attached_to_a_notebook_stays_where_it_is(tmp_path, kaggle):
    attached = tmp_path / "input"
    attached.mkdir()
    (attached / "1.bmp").write_bytes(b"x")
    kaggle(lambda handle: str(attached))
    found = download_cnmc(tmp_path / "target", confirm=lambda lines: True)
    assert found.root == str(attached)
    assert (attached / "1.bmp").exists()


def test_missing_extra_names_the_command(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*\[download\]'"):
        download_cnmc(tmp_path, confirm=lambda lines: True)


def test_refuses_another_source(tmp_path):
    with pytest.raises(DownloadError, match="kaggle"):
        download_cnmc(tmp_path, source="elsewhere", confirm=lambda lines: True)


def test_refuses_to_touch_an_existing_copy(tmp_path, kaggle):
    kaggle(deliver)
    (tmp_path / "C-NMC_Leukemia").mkdir()
    with pytest.raises(DownloadError, match="data verify"):
        download_cnmc(tmp_path, confirm=lambda lines: True)


def test_refuses_a_full_disk_before_fetching(tmp_path, kaggle, monkeypatch):
    kaggle(lambda handle: pytest.fail("fetched onto a full disk"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**9))
    with pytest.raises(DownloadError, match=r"1\.0 GB free, 10\.4 GB needed"):
        download_cnmc(tmp_path / "new", confirm=lambda lines: True)
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_target_below_a_file(tmp_path, kaggle):
    kaggle(deliver)
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(DownloadError, match="is a file"):
        download_cnmc(tmp_path / "file" / "cnmc", confirm=lambda lines: True)


def test_real_kagglehub_has_what_we_call(tmp_path):
    kagglehub = pytest.importorskip("kagglehub")
    from kagglehub.config import get_cache_folder

    assert callable(kagglehub.dataset_download)
    with download._cache_inside(tmp_path) as cache:
        assert get_cache_folder() == str(cache)
