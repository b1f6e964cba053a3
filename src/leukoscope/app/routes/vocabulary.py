"""The tables that a client shows: verdicts, metrics, image formats and the C-NMC file name."""

from functools import cache

from fastapi import APIRouter

from leukoscope.app.http.openapi import problems
from leukoscope.app.vocabulary import FormatEntry, MetricEntry, VerdictEntry, Vocabulary
from leukoscope.core.verdicts import VERDICTS
from leukoscope.data.cnmc.cnmc import FILE_NAME_PATTERN
from leukoscope.data.imaging.formats import FORMATS
from leukoscope.evaluation.metrics.metrics import metric_texts

router = APIRouter(prefix="/v1", tags=["service"])


@router.get("/vocabulary", summary="Names and their meanings", responses=problems())
@cache
def vocabulary() -> Vocabulary:
    """Verdicts, metrics and image formats with their texts, in the order in which to list them."""
    return Vocabulary(
        verdicts=[
            VerdictEntry(
                verdict=info.verdict,
                plural=info.plural,
                meaning=info.meaning,
                color=info.color,
                label=info.label,
                from_probability=info.from_probability,
            )
            for info in VERDICTS
        ],
        metrics=[MetricEntry(key=key, **texts) for key, texts in metric_texts().items()],
        image_formats=[FormatEntry(name=row.name, suffixes=list(row.suffixes)) for row in FORMATS],
        file_name_pattern=FILE_NAME_PATTERN,
    )
