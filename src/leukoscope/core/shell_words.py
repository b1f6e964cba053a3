"""Options as a user can type them: quoted where a shell would split or change them."""

import re
import shlex

PLAIN = re.compile(r"[\w./+-]+")
BLANKS = re.compile(r"[\w./+ -]+")


def pair_option(option: str, left: str, right: str) -> str:
    """An option with one pair, such as `--columns subject="patient no"`.

    Args:
        option: The option, with its dashes.
        left: The name of the pair.
        right: The value, any text; where it has commas or signs of a shell it is quoted twice, for
            the shell and for `split_pairs`.
    """
    if PLAIN.fullmatch(right):
        return f"{option} {left}={right}"
    if BLANKS.fullmatch(right):
        return f'{option} {left}="{right}"'  # as all shells read it
    return f"{option} {shlex.quote(f'{left}={inner_quoted(right)}')}"


def inner_quoted(text: str) -> str:
    """Text in quotes for `split_pairs`, which has no way to write a double quote inside."""
    return f'"{text}"' if '"' not in text else text


def split_pairs(text: str) -> list[tuple[str, str]]:
    """Split `a=b,c="d, e"` into pairs; a comma inside double quotes does not count.

    Returns:
        Left and right of the first equals sign, without blanks; "" where there is none.
    """
    pairs = []
    for part in re.findall(r'(?:[^,"]|"[^"]*"|")+', text) or [""]:
        left, _, right = (side.strip() for side in part.partition("="))
        if len(right) > 1 and right[0] == right[-1] == '"':
            right = right[1:-1]
        pairs.append((left, right))
    return pairs
