"""Other ways to do what Leukoscope does, each in a process of its own.

A process loads its network once, then answers every line on its standard input by doing its work
and writing a line of JSON. So the ways can be timed in turn, and one that waits costs nothing. They
run in an environment of their own, which `make bench` makes, since none of them is a part of
Leukoscope. The networks have random weights, which take the same time as trained ones.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

BATCH = 32


class Peer:
    """A running process that does its work on a list of images whenever it is asked.

    Args:
        python: The interpreter of the peers' environment.
        way: A key of `WAYS`.
        paths: The images.
    """

    def __init__(self, python: Path, way: str, paths: Sequence[Path]) -> None:
        command = [str(python), __file__, way, *map(str, paths)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self) -> Any:
        """Do the work once and return what it answers."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write("\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())
        except (BrokenPipeError, ValueError):
            command = " ".join(self._process.args[:3])  # type: ignore[index, union-attr]
            raise SystemExit(f"A peer ended. To see why: echo | {command} IMAGE") from None

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def keras_cnn(keras: Any) -> Any:
    """The CNN of the first project, at 256 px."""
    layers = keras.layers
    convolutions = [
        layer
        for width in (32, 64, 64)
        for layer in (layers.Conv2D(width, 3, activation="relu"), layers.MaxPooling2D())
    ]
    return keras.Sequential(
        [
            keras.Input((256, 256, 3)),
            *convolutions,
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def first_project(paths: Sequence[str]) -> Callable[[], int]:
    """The first project's way: its CNN at 256 px, `predict` once for each image."""
    import keras

    network = keras_cnn(keras)

    def predict() -> int:
        for path in paths:
            network.predict(_load(keras, path, 256)[None], verbose=0)
        return len(paths)

    return predict


def second_project(paths: Sequence[str]) -> Callable[[], int]:
    """The second project's way: InceptionV3 at 224 px with a head of 256 units, 32 at a time."""
    import keras

    base = keras.applications.InceptionV3(
        include_top=False, weights=None, input_shape=(224, 224, 3), pooling="max"
    )
    head = keras.layers.Dense(256, activation="relu")(base.output)
    network = keras.Model(base.input, keras.layers.Dense(2, activation="softmax")(head))

    def predict() -> int:
        for batch in _batches(paths):
            network.predict(np.stack([_load(keras, path, 224) for path in batch]), verbose=0)
        return len(paths)

    return predict


def timm_inference(paths: Sequence[str]) -> Callable[[], int]:
    """What timm's inference script does: a DataLoader with two workers, 32 images at a time."""
    import timm
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset

    class Images(Dataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(paths)

        def __getitem__(self, row: int) -> Any:
            with Image.open(paths[row]) as image:
                small = image.convert("RGB").resize((256, 256), Image.Resampling.BICUBIC)
            pixels = np.asarray(small.crop((16, 16, 240, 240)), np.float32) / 255
            return torch.from_numpy((pixels - 0.5) / 0.5).permute(2, 0, 1)

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=2).eval()
    loader = DataLoader(Images(), batch_size=BATCH, num_workers=2, persistent_workers=True)

    def predict() -> int:
        with torch.inference_mode():
            return sum(len(network(batch).softmax(1)) for batch in loader)

    return predict


def ultralytics_classify(paths: Sequence[str]) -> Callable[[], int]:
    """Ultralytics' `classify predict` at 224 px, 32 images at a time.

    Ultralytics is under the AGPL-3.0: it is run here, in its own process, and used nowhere else.
    """
    import os
    import tempfile

    # Its settings would be written into the home, and it would look for updates.
    os.environ |= {"YOLO_CONFIG_DIR": tempfile.mkdtemp(), "YOLO_OFFLINE": "1"}
    from ultralytics import YOLO

    network = YOLO("yolo11n-cls.yaml", task="classify")

    def predict() -> int:
        answers = network.predict(list(paths), imgsz=224, batch=BATCH, verbose=False, stream=True)
        return sum(1 for _ in answers)

    return predict


def perceptual_hashes(paths: Sequence[str]) -> Callable[[], list[list[int]]]:
    """Search copies by perceptual hashes of each image in eight orientations, of all pairs."""
    import imagehash
    from PIL import Image

    def search() -> list[list[int]]:
        bits = []
        for path in paths:
            with Image.open(path) as image:
                gray = image.convert("L")
            mirrored = gray.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            turned = [one.rotate(90 * turn) for one in (gray, mirrored) for turn in range(4)]
            bits.append([imagehash.phash(one).hash.ravel() for one in turned])
        hashes = np.array(bits)
        return [
            [first, second]
            for first, second in combinations(range(len(paths)), 2)
            if np.count_nonzero(hashes[first, 0] != hashes[second], axis=1).min() <= 8
        ]

    return search


def keras_training(paths: Sequence[str]) -> Callable[[], int]:
    """Train the first project's CNN with Keras on one batch of images that is held in memory."""
    import keras

    network = keras_cnn(keras)
    network.compile("adam", "binary_crossentropy")
    batch = np.stack([_load(keras, path, 256) for path in paths[:BATCH]])
    labels = np.arange(len(batch)) % 2

    def train() -> int:
        for _ in range(4):
            network.train_on_batch(batch, labels)
        return 4 * len(batch)

    return train


def flask_server(paths: Sequence[str]) -> Callable[[], int]:
    """A page as the projects have it: Flask and Keras, which predicts the uploaded image."""
    import io
    import threading

    import flask
    import keras
    from PIL import Image
    from werkzeug.serving import make_server

    network, application = keras_cnn(keras), flask.Flask(__name__)

    @application.post("/predict")
    def predict() -> Any:
        upload = flask.request.files["files"]
        with Image.open(io.BytesIO(upload.read())) as image:
            pixels = np.asarray(image.convert("RGB").resize((256, 256)), np.float32) / 255
        return {"p_all": float(network.predict(pixels[None], verbose=0)[0, 0])}

    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return lambda: int(server.server_port)


WAYS: dict[str, Callable[[Sequence[str]], Callable[[], Any]]] = {
    "Keras, CNN at 256 px, one image at a time": first_project,
    "Keras, InceptionV3 at 224 px, 32 images at a time": second_project,
    "PyTorch and timm, EfficientNet-Lite0 at 224 px, 32 images at a time": timm_inference,
    "Ultralytics, YOLO11n-cls at 224 px, 32 images at a time": ultralytics_classify,
    "imagehash, eight orientations, all pairs": perceptual_hashes,
    "Keras, CNN at 256 px, training": keras_training,
    "Flask and Keras, CNN at 256 px": flask_server,
}
PREDICTING = tuple(WAYS)[:4]


def _batches(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    return (paths[start : start + BATCH] for start in range(0, len(paths), BATCH))


def _load(keras: Any, path: str, side: int) -> np.ndarray:
    picture = keras.utils.load_img(path, target_size=(side, side))
    return np.asarray(keras.utils.img_to_array(picture) / 255)


def main() -> None:
    """Do the work of a way for each line on standard input."""
    # What the other programs print must not stand between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    work = WAYS[sys.argv[1]](sys.argv[2:])
    for _ in sys.stdin:
        print(json.dumps(work()), file=answers, flush=True)


if __name__ == "__main__":
    main()
