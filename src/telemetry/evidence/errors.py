"""What can be wrong with a request for evidence."""

from core import errors


class ReceiptNotFound(errors.NotFound):
    slug = "receipt-not-found"
    title = "No such receipt"

    def __init__(self, receipt_id: int) -> None:
        fault = errors.Fault("receipt", str(receipt_id), "a receipt of GET /v1/receipts")
        super().__init__(f"There is no receipt {receipt_id} that these credentials may read.", faults=[fault])


class QuarantineNotFound(errors.NotFound):
    slug = "quarantine-not-found"
    title = "No such reading in quarantine"

    def __init__(self, quarantine_id: int) -> None:
        fault = errors.Fault("id", str(quarantine_id), "an id of GET /v1/quarantine")
        super().__init__(
            f"There is no reading {quarantine_id} in quarantine that these credentials may read.", faults=[fault]
        )


class AlreadyResolved(errors.Conflict):
    slug = "already-resolved"
    title = "The reading has left quarantine before"

    def __init__(self, quarantine_id: int, resolution: str) -> None:
        fault = errors.Fault("state", resolution, "open")
        super().__init__(f"Reading {quarantine_id} was {resolution} before.", faults=[fault])
