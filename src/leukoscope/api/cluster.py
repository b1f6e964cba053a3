"""Predict images on a cluster."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leukoscope.inference.bulk.worker import Finished
    from leukoscope.inference.summary import Outcome

PART_ROWS = 4096

_log = logging.getLogger(__name__)


def predict_on_cluster(
    images: Iterable[Path | str],
    model: Path | str | None = None,
    *,
    out: str,
    subjects_out: Path | None = None,
    workers: int | None = None,
    worker_cores: int | None = None,
    part_rows: int = PART_ROWS,
) -> "Outcome":
    """Predict images on a Ray cluster into Parquet parts and a manifest, each image exactly once.

    A job that is stopped, or whose machines fail, resumes with the same arguments: a part is known
    by the model and its images.

    Args:
        images: Folders and patterns that all machines see, URLs of fsspec, or tables with a column
            `path` of either.
        model: As for `predict`; the workers get it from here.
        out: Folder that all machines see, or a URL. `manifest.json` in it lists the parts; it is
            written last.
        subjects_out: Table of subjects to write, on this machine.
        workers: Number of workers; by default as many as the cluster has room for.
        worker_cores: Cores of each worker; by default those of the smallest machine, at most 8.
        part_rows: Images of a part.

    Returns:
        Counts, and a summary of each subject; those of `predict_to_table`.

    Raises:
        MissingExtraError: The extra `cluster` is not installed.
        LeukoscopeError: The cluster, the sources or the output cannot be used.
    """
    from leukoscope.api.predict import open_predictor
    from leukoscope.core.files import keep_inputs
    from leukoscope.core.progress import track
    from leukoscope.core.ray_cluster import connected
    from leukoscope.inference.bulk import manifest
    from leukoscope.inference.bulk.cluster import Workers, finish_parts
    from leukoscope.inference.bulk.listing import list_items
    from leukoscope.inference.bulk.plan import Job, cut
    from leukoscope.inference.bulk.storage import open_storage
    from leukoscope.inference.sources import named_inputs
    from leukoscope.inference.subject.table import check_name, write_subjects
    from leukoscope.inference.summary import summarize

    check_name(subjects_out)
    keep_inputs([subjects_out], named_inputs(images))
    predictor = open_predictor(model)
    card, job = predictor.card, Job.of(predictor, part_rows)
    storage = open_storage(out)
    with connected():
        items = track(list_items(map(str, images)), "Listing")
        parts = list(cut(items, part_rows))
        if why := manifest.begin(storage, job):
            _log.warning("Starting again: %s.", why)
        content = predictor.model.path.read_bytes()
        stream = finish_parts(parts, content, job, out, Workers(workers, worker_cores))
        finished: list[Finished] = []
        tracked = track(stream, "Predicting parts", total=len(parts))
        outcome = summarize(_rows(tracked, finished), card.subjects)
        manifest.complete(storage, job, finished)
    if found := sum(part.found for part in finished):
        _log.info("%s of %s parts existed already.", f"{found:,}", f"{len(finished):,}")
    if subjects_out is not None:
        write_subjects(subjects_out, outcome.subjects, card.name)
    return outcome


def _rows(parts: "Iterator[Finished]", finished: "list[Finished]") -> Iterator[dict[str, Any]]:
    """The rows of all parts for the summary; the parts themselves are kept without them."""
    from dataclasses import replace

    for part in parts:
        yield from part.summary
        finished.append(replace(part, summary=[]))
