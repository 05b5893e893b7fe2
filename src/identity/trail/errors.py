"""What can be wrong with a question to the trail."""

from core import errors


class EntryNotFound(errors.NotFound):
    slug = "entry-not-found"
    title = "No such entry in the trail"

    def __init__(self, number: int) -> None:
        fault = errors.Fault("number", str(number), "a number of GET /v1/trail")
        super().__init__(f"There is no entry {number}.", faults=[fault])
