"""Flags: remarks on an image, as they appear in result tables."""

from enum import StrEnum


class Flag(StrEnum):
    """A remark on one image; its value is the text in tables and answers."""

    EMPTY = "empty"
    NO_BORDER = "no black border"
    TOO_SMALL = "smaller than any known cell"
    TOO_LARGE = "larger than any known cell"
    RAGGED = "ragged outline"
    SQUARE = "square outline"
    SEVERAL_OBJECTS = "several objects"
    OFF_CENTER = "off center"
    CUT_OFF = "cut off by the frame"
    BLURRED = "blurred"
    GRAINY = "grainy"
    TOO_DARK = "darker than any known cell"
    TOO_BRIGHT = "brighter than any known cell"
    UNKNOWN_COLOR = "unknown color"
    UNLIKE_TRAINING = "unlike the training cells"
    BEYOND_CROP = "reaches over the crop"
    SEEN_IN_TRAINING = "seen in training"
