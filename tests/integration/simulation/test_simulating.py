"""Simulated stations against a real gateway: what they sent is kept, and injected faults are answered as foretold."""

import json
from collections import Counter, defaultdict
from typing import Any

from telemetry.simulation import ledger, network
from telemetry.simulation.ledger import Answered, Sent
from tests.fixtures.brokers import RunningBroker
from tests.fixtures.ledger import Centre

# Fault by the station that shows it, and what must come of the readings that carry it.
FAULTS = {
    "TH-NT-001": ("unknown-symbol:rate=0.1", "quarantined", "unknown-symbol"),
    "TH-NT-002": ("wrong-unit:rate=0.1", "quarantined", "unit-mismatch"),
    "TH-KT-001": ("conflict:rate=0.5", "conflict", "same-time-other-value"),
    "TH-KT-002": ("duplicate:rate=0.5", "duplicate", "same-time-same-value"),
    "TH-NN-001": ("skew:rate=0.5,for=30m,by=35d", "quarantined", "in-future"),
    "TH-NN-002": ("skew:rate=0.5,for=30m,by=-450d", "quarantined", "too-old"),
    "TH-KK-01": ("stuck-clock:rate=1,for=30m", "conflict", "same-time-other-value"),
    "TH-KK-03": ("corrupt:rate=0.5", "", ""),
}


def tally_of(log: str) -> dict[str, Any]:
    """The tally that stands in the last line."""
    found: dict[str, Any] = json.loads(log.strip().splitlines()[-1])
    return found


async def test_all_stations_report_over_http_in_their_own_formats(centre: Centre) -> None:
    centre.serve()
    simulator = centre.simulator("--rounds", "4", "--speed", "6000", "--since", "2h")
    simulator.start()
    assert simulator.wait() == 0, simulator.log
    report = await centre.report()
    assert report.ok, str(report)
    assert report.operations == report.acked == 8 * 4
    assert report.fates == {"stored": report.readings}
    assert report.rows == report.readings
    tally = tally_of(simulator.log)
    assert tally["fates"] == {"stored": report.readings}
    assert tally["buffered"] == 0
    formats = await centre.database.fetch("SELECT DISTINCT format FROM receipt")
    assert len(formats) >= 2

    # The same cycles again, from another process: the same values, and nothing new.
    again = centre.simulator("--rounds", "4", "--speed", "6000", "--since", "2h", name="again")
    again.start()
    assert again.wait() == 0, again.log
    after = await centre.report()
    assert after.ok, str(after)
    assert set(after.fates) == {"stored", "duplicate"}
    assert after.rows == after.fates["stored"]


async def test_over_mqtt_every_acknowledged_packet_is_kept_and_receipts_come_back(
    centre: Centre, running_nats: RunningBroker
) -> None:
    centre.serve()
    centre.consume(running_nats)
    broker = f"127.0.0.1:{running_nats.port}"
    simulator = centre.simulator(
        "--mqtt", broker, "--wire", "mqtt", "--rounds", "5", "--speed", "3000", "--since", "2h"
    )
    simulator.start()
    assert simulator.wait() == 0, simulator.log
    report = await centre.settled(lambda found: found.ok and found.rows == found.readings)
    assert report.acked == 8 * 5
    assert report.unknown == ()
    channels = await centre.database.fetch("SELECT channel, count(*) AS n FROM receipt GROUP BY channel")
    assert [(row["channel"], row["n"]) for row in channels] == [("mqtt", 40)]
    answers = [line for line in ledger.read(centre.ledger_file) if isinstance(line, Answered)]
    assert sum(answer.via == "puback" for answer in answers) == 40
    assert any(answer.via == "receipt" and answer.receipt for answer in answers)

    # Stations that wait for receipts end each sending with one.
    centre.ledger_file.unlink()
    waiting = centre.simulator(
        "--mqtt", broker, "--wire", "mqtt", "--wait-for-receipt", "--rounds", "3", "--speed", "3000", "--since", "20h",
        name="waiting",
    )  # fmt: skip
    waiting.start()
    assert waiting.wait() == 0, waiting.log
    later = [line for line in ledger.read(centre.ledger_file) if isinstance(line, Answered)]
    assert [line.via for line in later if line.acceptance == "acked"].count("receipt") >= 24
    assert not any(line.via == "puback" and line.acceptance == "acked" for line in later)


async def test_injected_faults_are_answered_as_foretold(centre: Centre) -> None:
    centre.serve()
    faults = [f"{text},station={code}" for code, (text, _, _) in FAULTS.items()]
    options = [part for fault in faults for part in ("--fault", fault)]
    simulator = centre.simulator("--rounds", "40", "--speed", "30000", "--since", "30d", *options)
    simulator.start()
    assert simulator.wait(90) == 0, simulator.log
    report = await centre.report()
    assert report.ok, str(report)
    assert report.unknown == ()

    lines = list(ledger.read(centre.ledger_file))
    injected = [line for line in lines if isinstance(line, Sent) and line.injected]
    station_of = {line.operation: line.station for line in lines if isinstance(line, Sent)}
    deviating: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for line in lines:
        if isinstance(line, Answered):
            found = ((each.outcome, each.reason) for each in line.deviations or ())
            deviating[station_of[line.operation]].update(found)
    for code, (text, fate, reason) in FAULTS.items():
        carrying = [line for line in injected if line.station == code]
        assert {name for line in carrying for name, _ in line.injected} == {text.partition(":")[0]}
        if fate:
            assert deviating[code][fate, reason] > 0, code
            assert deviating[code].keys() <= {(fate, reason), ("duplicate", "same-time-same-value")}, code
        count = sum(len(line.readings[0].value) for line in carrying if line.readings)
        match text.partition(":")[0]:
            case "unknown-symbol" | "wrong-unit":
                # One spoiled reading for each injected fault, and no other.
                assert deviating[code] == {(fate, reason): sum(len(line.injected) for line in carrying)}
            case "conflict" | "skew":
                assert deviating[code] == {(fate, reason): count}
            case "duplicate":
                assert deviating[code] == {(fate, reason): count // 2}
            case "corrupt":
                assert report.refused == len(carrying)
    kept = await centre.database.fetchval("SELECT count(*) FROM quarantine WHERE reading_index IS NULL")
    assert kept == report.refused > 0


async def test_devices_limits_and_history_show_in_what_is_stored(centre: Centre) -> None:
    centre.serve()
    simulator = centre.simulator(
        "--backfill", "1", "--rounds", "1", "--fault", "calibrating:rate=0.2,for=30m",
        "--fault", "exceeding:rate=0.3,for=30m",
    )  # fmt: skip
    simulator.start()
    assert simulator.wait() == 0, simulator.log
    report = await centre.report()
    assert report.ok, str(report)
    # One day of columns and one live packet for each station.
    assert report.operations == report.acked == 16
    assert report.rows == report.readings
    assert report.readings % 289 == 0
    # A second run finds the history there and sends what is live only.
    again = centre.simulator("--backfill", "1", "--rounds", "1", name="again")
    again.start()
    assert again.wait() == 0, again.log
    assert tally_of(again.log)["acked"] <= 16
    assert tally_of(again.log)["readings"] < report.readings / 50
    formats = await centre.database.fetch("SELECT format, max(stored) AS most FROM receipt GROUP BY format")
    assert max(row["most"] for row in formats) >= 288 * 2
    rows = await centre.database.fetch(
        "SELECT device_status, result_quality, (quality_reasons & 16) > 0 AS above, count(*) AS n FROM observation"
        " GROUP BY 1, 2, 3"
    )
    assert {row["result_quality"] for row in rows if row["device_status"] == 1} == {4}
    assert sum(row["n"] for row in rows if row["device_status"] == 1) > 0.1 * report.rows
    assert sum(row["n"] for row in rows if row["above"]) > 0
    assert sum(row["n"] for row in rows if row["result_quality"] == 1) > report.rows / 2


async def test_a_killed_gateway_loses_nothing_and_a_killed_simulator_leaves_a_ledger(centre: Centre) -> None:
    gateway = centre.serve()
    simulator = centre.simulator("--rounds", "120", "--speed", "12000", "--since", "10h")
    simulator.start()
    await centre.settled(lambda found: found.acked > 100)
    gateway.kill()
    centre.serve()
    assert simulator.wait(90) == 0, simulator.log
    report = await centre.report()
    assert report.ok, str(report)
    assert report.lost == 0
    assert report.acked == report.operations == 8 * 120
    assert report.sendings > report.operations
    assert tally_of(simulator.log)["buffered"] == 0

    torn = centre.simulator("--rounds", "2000", "--speed", "12000", "--since", "20d", name="torn")
    torn.start()
    await centre.settled(lambda found: found.acked > 8 * 120 + 50)
    torn.kill()
    between = await centre.report()
    assert between.ok, str(between)
    again = centre.simulator("--rounds", "3", "--speed", "6000", "--since", "5h", name="again")
    again.start()
    assert again.wait() == 0, again.log
    after = await centre.report()
    assert after.ok, str(after)
    assert after.operations == between.operations + 24


async def test_a_stopped_simulator_says_what_it_did_and_a_wrong_file_is_told_in_one_line(centre: Centre) -> None:
    centre.serve()
    simulator = centre.simulator("--token-file", str(centre.folder / "token"))
    (centre.folder / "token").write_text("staff-token-of-the-ledger-tests\n", encoding="utf-8")
    simulator.start()
    await centre.settled(lambda found: found.acked >= 8)
    simulator.stop()
    assert simulator.process is not None
    assert simulator.process.returncode == 0
    assert tally_of(simulator.log)["acked"] == 8
    assert "Traceback" not in simulator.log

    # The network as a file serves a run that may not read the catalogue.
    file = centre.folder / "network.json"
    writer = centre.program(
        "writer", "simulate", "--url", centre.url, "--keys", str(centre.keys_file), "--write-network", str(file)
    )
    writer.start()
    assert writer.wait() == 0, writer.log
    assert [station.code for station in network.read(file)] == sorted(centre.credentials)
    from_file = centre.simulator("--network", str(file), "--rounds", "1", name="from-file")
    from_file.start()
    assert from_file.wait() == 0, from_file.log
    assert tally_of(from_file.log)["acked"] == 8

    missing = centre.program("missing", "simulate", "--url", centre.url, "--keys", str(centre.folder / "none.json"))
    missing.start()
    assert missing.wait() == 1
    assert "none.json" in missing.log
    assert "Traceback" not in missing.log
