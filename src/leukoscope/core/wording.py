"""Numbers with their nouns in messages: one rule for singular and plural."""

IRREGULAR = {
    "is": "are",
    "has": "have",
    "was": "were",
    "does": "do",
    "person": "persons",
    "epoch": "epochs",
    "copy": "copies",
    "this": "these",
    "it": "they",
    "its": "their",
}


SIBILANTS = ("s", "x", "ch", "sh")
"""Endings of words that take "es": "class", "box", "batch", "reach"."""


def noun(number: int, word: str) -> str:
    """A noun in the singular for one, and in the plural otherwise: "cell", "cells"."""
    if number == 1:
        return word
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word.endswith("y") and word[-2:-1] not in tuple("aeiou"):
        return f"{word[:-1]}ies"
    return word + ("es" if word.endswith(SIBILANTS) else "s")


def count(number: int, word: str, verb: str = "") -> str:
    """A number with its noun, and a verb that agrees: "1 person", "2,989 cells", "1 cell is".

    Args:
        number: The number.
        word: The noun in the singular; of several words the last one changes.
        verb: The verb in the singular, or "".
    """
    text = f"{number:,} {noun(number, word)}"
    return f"{text} {agree(number, verb)}" if verb else text


def joined(*texts: str, by: str = "; ") -> str:
    """Join texts that may be whole sentences, without the full stop of one before the next.

    Args:
        texts: Empty ones are left out. The last one keeps its end, and an ellipsis stays.
        by: Text between them.
    """
    found = [text.strip() for text in texts if text.strip()]
    return by.join([*(_open_end(text) for text in found[:-1]), *found[-1:]])


def _open_end(text: str) -> str:
    """A text without the punctuation at its end."""
    bare = text.rstrip(".;,: ")
    return f"{bare}..." if text.rstrip(";,: ").endswith("...") else bare


def agree(number: int, word: str) -> str:
    """A verb or pronoun in the singular for one, and in the plural otherwise."""
    if number == 1:
        return word
    if word in IRREGULAR:
        return IRREGULAR[word]
    stem = word.removesuffix("es")
    return stem if stem.endswith(("ss", *SIBILANTS[1:])) else word.removesuffix("s")
