"""A Ray cluster of two machines in one, and an S3 server, both on the loopback interface."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.inference.tiny_model import cell_image

PARTS, ROWS = 4, 6


@pytest.fixture(scope="session")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with cells of three subjects, the last part incomplete, and one broken image."""
    folder = tmp_path_factory.mktemp("bulk") / "cells"
    folder.mkdir()
    for number in range(PARTS * ROWS - 3):
        picture = Image.fromarray(cell_image(number, 200))
        picture.save(folder / f"UID_{number % 3 + 1}_{number}_1_all.bmp")
    (folder / "broken.bmp").write_bytes(b"BM no image")
    return folder


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The URL of an empty bucket of moto's server; the settings for it are in the environment."""
    server = pytest.importorskip("moto.server", reason="moto is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        import s3fs

        s3fs.S3FileSystem.clear_instance_cache()
        s3fs.S3FileSystem().mkdir("bucket")
        yield "s3://bucket"
    running.stop()


@pytest.fixture(scope="module")
def ray_cluster(s3: str) -> Iterator[None]:
    """A connected cluster of two machines with a core each.

    It ends with the file that uses it, since its processes work when idle, too.
    """
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    pytest.importorskip("ray.data", reason="Ray Data is not installed")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    from leukoscope.core.ray_cluster import on_loopback

    machine = {"num_cpus": 1, "object_store_memory": 100 << 20, "node_ip_address": "127.0.0.1"}
    with on_loopback():
        head = {**machine, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        cluster.add_node(**machine)
        ray.init(address=cluster.address, logging_level="ERROR", log_to_driver=False)
    yield
    ray.shutdown()
    cluster.shutdown()
