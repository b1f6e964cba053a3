"""Scan the images of an audit on the machines of a Ray cluster, by way of Ray Data."""

import pickle
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from leukoscope.core.errors import CohortError, LeukoscopeError
from leukoscope.core.ray_cluster import worker_error
from leukoscope.data.audit.scan import Scan, one_opencv_thread, scan_image
from leukoscope.data.hashing import UNREADABLE
from leukoscope.data.imaging.image import read_bytes

IMAGES = 128  # of a task: about 3 MB of fingerprints


def scan_on_cluster(paths: Sequence[str], step: float) -> Iterator[Scan]:
    """Scan each image on a core of a connected cluster; a `Scanner`.

    Args:
        paths: The files, on a drive that all machines mount under the same path.
        step: Original pixels per texture step of the fingerprints.

    Yields:
        The scans in the order of `paths`.

    Raises:
        CohortError: A worker cannot read an image that this machine can read.
        LeukoscopeError: The cluster stopped.
    """
    from ray.data import DataContext, from_items
    from ray.exceptions import RayError

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    starts = range(0, len(paths), IMAGES)
    rows = [{"paths": pickle.dumps(list(paths[at : at + IMAGES]))} for at in starts]
    work = from_items(rows, override_num_blocks=max(1, len(rows))).map_batches(
        partial(_scanned, step=step), batch_size=1, num_cpus=1
    )
    try:
        for row, own in zip(work.iter_rows(), starts, strict=True):
            for path, scan in zip(
                paths[own : own + IMAGES], pickle.loads(row["scans"]), strict=True
            ):
                require_seen(path, scan)
                yield scan
    except RayError as error:
        found = worker_error(error)
        if isinstance(found, LeukoscopeError):
            raise found from error
        raise LeukoscopeError(f"the cluster stopped ({found}). Run the command again.") from error


def _scanned(batch: Any, step: float) -> dict[str, list[bytes]]:
    """The scans of each batch of paths, in a process that Ray started."""
    with one_opencv_thread():
        batches = [
            [scan_image(Path(p), step) for p in pickle.loads(some)] for some in batch["paths"]
        ]
    return {"scans": [pickle.dumps(scans) for scans in batches]}


def require_seen(path: str, scan: Scan) -> None:
    """Refuse an image that only this machine can read, which would be left out in silence."""
    if UNREADABLE not in scan.flags or scan.identity.sha256:
        return
    try:
        read_bytes(Path(path))
    except LeukoscopeError:
        return
    raise CohortError(
        f"{path}: a worker of the cluster cannot read this image. All machines must see the images "
        "under the same path."
    )
