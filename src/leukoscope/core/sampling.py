"""A sample of rows that is the same in every run."""


def evenly_spread(count: int, most: int) -> list[int]:
    """Choose rows at equal distances, the first and the last among them.

    Args:
        count: Number of rows.
        most: Size of the sample; all rows if there are fewer.

    Returns:
        Ascending row numbers without repetition; only the first row if `most` is 1.
    """
    size = min(count, most)
    if size < 2:
        return list(range(size))
    return [number * (count - 1) // (size - 1) for number in range(size)]
