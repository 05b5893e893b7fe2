"""Cells of CSV files that people open in spreadsheets."""

# A cell that begins with one of these is taken for a formula, in some languages with the wide forms of the signs too.
_FORMULA = (*"=+-@", *"＝＋－＠", "\t", "\r", "\n")


def guarded(text: str) -> str:
    """Text that no spreadsheet takes for a formula. Numbers need no guard, so they are never passed here."""
    return "'" + text if text.startswith(_FORMULA) else text
