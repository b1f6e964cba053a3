"""Numbers with their nouns in messages: one rule for singular and plural."""

IRREGULAR = {
    "is": "are",
    "has": "have",
    "was": "were",
    "does": "do",
    "person": "persons",
    "copy": "copies",
    "this": "these",
    "it": "they",
    "its": "their",
}


def plural(word: str) -> str:
    """The plural of a noun, or of a verb of the third person: "cells", "are", "reach"."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    return word + "s"


def count(number: int, noun: str, verb: str = "") -> str:
    """A number with its noun, and a verb that agrees: "1 person", "2,989 cells", "1 cell is".

    Args:
        number: How many.
        noun: The noun in the singular; of several words the last one changes.
        verb: The verb in the singular, or "".
    """
    one = number == 1
    text = f"{number:,} {noun if one else plural(noun)}"
    return f"{text} {agree(number, verb)}" if verb else text


def agree(number: int, word: str) -> str:
    """A verb or pronoun in the singular for one, and in the plural otherwise."""
    if number == 1:
        return word
    return IRREGULAR.get(word) or word.removesuffix("s")
