"""The data set that a model was trained on, and which ids may be compared with its own.

A card of an earlier version names C-NMC 2019 for any real cells, and has no ids by data set. The
hashes of its images tell which of them are official files.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from leukoscope.core.listing import listed
from leukoscope.data.ids import id_key
from leukoscope.data.imaging.scale import CNMC_UM_PER_PX
from leukoscope.data.sources import CNMC, OWN, UNKNOWN_LICENSE, Sources, comparable
from leukoscope.inference.model_file.hashes import official_files

if TYPE_CHECKING:
    from leukoscope.inference.model_file.card import Card, DataSource

UNVERIFIED = "Unknown data"


def is_cnmc(card: "Card") -> bool:
    """True if all images that the model has seen are official ones of C-NMC 2019."""
    return card.data.name == CNMC and (_official(card) > 0 or set(card.training.sources) == {CNMC})


def stated_data(card: "Card") -> "DataSource":
    """The data set of a card; unknown where it names C-NMC but has seen none of its images."""
    if card.data.name != CNMC or is_cnmc(card):
        return card.data
    return replace(
        card.data,
        name=UNVERIFIED,
        citation="the card names C-NMC 2019, but none of its images is an official one",
        license=UNKNOWN_LICENSE,
        doi="",
    )


def scale_text(card: "Card") -> str:
    """The scale of the images of a card; for an older card that of C-NMC, if it has seen these."""
    if card.scale is not None:
        return card.scale.text()
    if is_cnmc(card):
        return f"{CNMC_UM_PER_PX} µm per pixel, as derived for C-NMC 2019 (not in the card)"
    return "not recorded"


def known_ids(card: "Card") -> Mapping[str, tuple[str, ...]]:
    """The ids of subjects and persons that a model has seen by data set, "" for an unknown one.

    Where a card without ids by data set names C-NMC, but not all of its images are official, its
    ids may be of C-NMC or of others, and both are assumed.
    """
    training = card.training
    if training.sources:
        return training.sources
    persons = (name for names in training.persons.values() for name in names)
    ids = tuple({*training.subjects, *persons})
    official = _official(card)
    if official and official == len(card.hash_set()):
        return {CNMC: ids}
    return {OWN: ids, CNMC: ids} if official or card.data.name == CNMC else {OWN: ids}


def same_source(card: "Card", names: Iterable[str], sources: Sequence[Sources]) -> list[str]:
    """Select the ids of cells that may be from a data set in which the model knows this id.

    Args:
        card: The card of the model.
        names: An id for each cell.
        sources: The data sets that each cell may be from.
    """
    known = {source: set(map(id_key, ids)) for source, ids in known_ids(card).items()}
    return [
        name
        for name, own in zip(names, sources, strict=True)
        if any(id_key(name) in ids and comparable(own, {one}) for one, ids in known.items())
    ]


def other_source_note(card: "Card", names: Iterable[str], sources: Sequence[Sources]) -> list[str]:
    """A note on ids that the model has seen in another data set only; empty without such ids."""
    every = list(names)
    kept = set(same_source(card, every, sources))
    trained = {id_key(name) for ids in known_ids(card).values() for name in ids}
    found = {name for name in every if name and id_key(name) in trained} - kept
    if not found:
        return []
    return [
        f"The ids {listed(found)} are ids of training persons too, but of another "
        f"data set ({stated_data(card).name}), and count as other persons. Images were compared. "
        "If the cells are of that data set, name it with --data-source."
    ]


def _official(card: "Card") -> int:
    """The number of images trained or calibrated on that are official files of C-NMC."""
    return len(card.hash_set() & official_files())
