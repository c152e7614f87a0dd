"""What to say of labels that can be counted, but look as if something else was meant."""

from weightedce.command.labels.tally import Tally, integer

MANY = 20  # rows: of fewer, that all differ says nothing


def notes(tallies: list[Tally], found: list[dict[str, int]]) -> list[str]:
    """Return a sentence for each thing that looks odd."""
    said = [
        note
        for tally, counts in zip(tallies, found, strict=True)
        for note in _of_column(tally, counts)
    ]
    return said + (_of_columns(found) if len(tallies) > 1 else [])


def _of_column(tally: Tally, counts: dict[str, int]) -> list[str]:
    said = []
    of = f"{tally.title}: " if tally.options.columns else ""  # a title may be what is eaten
    total, different = sum(counts.values()), sum(n > 0 for n in counts.values())
    if total >= MANY and different > total / 2:
        said.append(
            f"{of}looks like an identifier, not a label: {different:,} different values in "
            f"{total:,} rows"
        )
    elif (
        not tally.options.names
        and counts.get("0") == 0
        and counts.get("1")
        and 0 not in tally.left_out
    ):
        said.append(
            f"{of}no label is 0, the smallest is 1: if they are numbered from 1, subtract 1, or "
            f"the model has a class that never occurs"
        )
    if tally.title_from_text and tally.title is not None:
        number = integer(tally.title) is not None
        if number or tally.title in counts:
            what = "a number" if number else "also a label"
            said.append(
                f"the first line was read as names of columns, one of which is {what}: if the file "
                f"has no header, say --no-header"
            )
    return said


def _of_columns(found: list[dict[str, int]]) -> list[str]:
    """Return a note where several columns of zeros and ones may be one label of many classes."""
    rows = {sum(counts.values()) for counts in found}
    ones = sum(counts.get("1", 0) for counts in found)
    if rows != {ones}:
        return []
    return [
        f"as many ones as rows, {ones:,}: if each row has one of them, the columns are one-hot, "
        f"one label of {len(found)} classes: count argmax of the columns"
    ]
