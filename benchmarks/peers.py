"""Other ways to predict the same images, each in a process of its own, for benchmarks/predict.py.

A process loads its network once, then answers every line on its standard input by predicting all
images and writing a line. So the ways can be timed in turn, and one that waits costs nothing. They
run in an environment of their own, since Keras and TensorFlow are no part of Leukoscope:

    python -m venv peers && peers/bin/pip install tensorflow-cpu keras pillow scipy
    python benchmarks/predict.py FOLDER --peers peers/bin/python

The networks have random weights, which take the same time as trained ones.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np


class Peer:
    """A running process that predicts a list of images whenever it is asked.

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
        self.predict()  # waits until the network is built, and warms it up

    def predict(self) -> None:
        """Predict all images once."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        if self._process.stdout.readline() != "done\n":
            raise SystemExit(f"A peer ended: try it alone: {' '.join(self._process.args[:3])} ...")

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def first_project(paths: Sequence[str]) -> Callable[[], None]:
    """The first project's way: its CNN at 256 px, `predict` once for each image."""
    import keras

    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((256, 256, 3)),
            *_convolutions(layers, (32, 64, 64)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )

    def predict() -> None:
        for path in paths:
            network.predict(_load(keras, path, 256)[None], verbose=0)

    return predict


def second_project(paths: Sequence[str]) -> Callable[[], None]:
    """The second project's way: InceptionV3 at 224 px with a head of 256 units, 32 at a time."""
    import keras

    base = keras.applications.InceptionV3(
        include_top=False, weights=None, input_shape=(224, 224, 3), pooling="max"
    )
    head = keras.layers.Dense(256, activation="relu")(base.output)
    network = keras.Model(base.input, keras.layers.Dense(2, activation="softmax")(head))

    def predict() -> None:
        for start in range(0, len(paths), 32):
            batch = [_load(keras, path, 224) for path in paths[start : start + 32]]
            network.predict(np.stack(batch), verbose=0)

    return predict


def _convolutions(layers: Any, widths: Sequence[int]) -> list[Any]:
    return [
        layer
        for width in widths
        for layer in (layers.Conv2D(width, 3, activation="relu"), layers.MaxPooling2D())
    ]


def _load(keras: Any, path: str, side: int) -> np.ndarray:
    picture = keras.utils.load_img(path, target_size=(side, side))
    return np.asarray(keras.utils.img_to_array(picture) / 255)


WAYS = {
    "Keras, CNN at 256 px, one image at a time": first_project,
    "Keras, InceptionV3 at 224 px, 32 images at a time": second_project,
}


def main() -> None:
    """Answer each line on standard input by predicting all images."""
    predict = WAYS[sys.argv[1]](sys.argv[2:])
    for _ in sys.stdin:
        predict()
        print("done", flush=True)


if __name__ == "__main__":
    main()
