"""`quantrac receipts` and `quantrac quarantine`, each as a real process on a real database."""

import json
from pathlib import Path

from tests.fixtures import commands
from tests.fixtures.evidence import EvidenceRoom


async def _quantrac(dsn: str, *arguments: str, code: int = 0) -> tuple[str, str]:
    """Standard output and standard error of a command that ends with the code."""
    return await commands.quantrac(*arguments, environment={"QUANTRAC_DATABASE__DSN": dsn}, code=code)


async def test_receipts_are_listed_and_shown(evidence_room: EvidenceRoom, dsn: str) -> None:
    outcome = await evidence_room.send(evidence_room.packet(COD=1, Amoni=2))
    out, _ = await _quantrac(dsn, "receipts", "list", "--station", "TH-NT-001", "--outcome", "quarantined")
    assert str(outcome.receipt_id) in out
    out, _ = await _quantrac(dsn, "receipts", "list", "--from", "2100-01-01T00:00:00Z", "--json")
    assert out == ""
    out, _ = await _quantrac(dsn, "receipts", "show", str(outcome.receipt_id))
    assert "unknown-symbol" in out
    assert "TH-NT-001" in out


async def test_the_bytes_of_a_receipt_are_written_as_they_came(
    evidence_room: EvidenceRoom, dsn: str, tmp_path: Path
) -> None:
    body = b'{"station":"TH-NT-001",  "phenomenonTime":"%s","readings":{"COD":1}}\r\n' % evidence_room.time().encode()
    outcome = await evidence_room.send(body)
    file = tmp_path / "body"
    _, err = await _quantrac(dsn, "receipts", "raw", str(outcome.receipt_id), "--output", str(file))
    assert file.read_bytes() == body
    assert f"{len(body)} bytes, identity" in err


async def test_a_receipt_that_is_not_there_is_told_in_one_line(evidence_room: EvidenceRoom, dsn: str) -> None:
    del evidence_room
    _, err = await _quantrac(dsn, "receipts", "show", "404", code=1)
    assert err.startswith("quantrac: There is no receipt 404")
    assert len(err.splitlines()) == 1


async def test_a_time_without_offset_is_refused(evidence_room: EvidenceRoom, dsn: str) -> None:
    del evidence_room
    _, err = await _quantrac(dsn, "receipts", "list", "--from", "2026-11-23T08:00:00", code=2)
    assert "no offset" in err


async def test_quarantine_is_replayed_after_a_dry_run(evidence_room: EvidenceRoom, dsn: str) -> None:
    await evidence_room.send([evidence_room.packet(minutes=n, Amoni=n) for n in range(3)])
    await evidence_room.send(evidence_room.packet(Lạ=1))
    await evidence_room.alias("Amoni")
    out, _ = await _quantrac(dsn, "quarantine", "replay")
    assert "4 entries of 2 receipts would become: 3 stored, 0 duplicate, 0 conflict, 1 quarantined" in out
    assert "Nothing was changed" in out
    assert await evidence_room.observations() == []
    out, _ = await _quantrac(dsn, "quarantine", "replay", "--write")
    assert "4 entries of 2 receipts became: 3 stored" in out
    assert "1 stay in quarantine" in out
    assert len(await evidence_room.observations()) == 3
    out, _ = await _quantrac(dsn, "quarantine", "list", "--json")
    assert [json.loads(line)["symbol"] for line in out.splitlines()] == ["Lạ"]


async def test_an_entry_is_shown_and_dismissed(evidence_room: EvidenceRoom, dsn: str) -> None:
    await evidence_room.send(evidence_room.packet(Lạ=1))
    out, _ = await _quantrac(dsn, "quarantine", "list")
    assert "unknown-symbol" in out
    (entry,) = (await evidence_room.get("/v1/quarantine"))["items"]
    await _quantrac(dsn, "quarantine", "dismiss", str(entry["id"]), "--note", "Not ours.")
    out, _ = await _quantrac(dsn, "quarantine", "show", str(entry["id"]))
    assert "dismissed" in out
    assert "Not ours." in out
    _, err = await _quantrac(dsn, "quarantine", "dismiss", str(entry["id"]), "--note", "again", code=1)
    assert "was dismissed before" in err
    _, err = await _quantrac(dsn, "quarantine", "dismiss", str(entry["id"]), "--note", "", code=2)
    assert "1 to 500 characters" in err
