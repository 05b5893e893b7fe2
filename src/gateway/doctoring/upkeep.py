"""Checks of what runs by itself: jobs of TimescaleDB, and the readers of what was committed."""

from collections.abc import Mapping, Sequence

from gateway.doctoring.findings import Finding, Line
from gateway.doctoring.store import Job

# A reader notes its position every few seconds, with news or without.
_NOTICE_SECONDS = 60.0
_FAULT_SECONDS = 600.0


def jobs(found: Sequence[Job]) -> list[Finding]:
    return [_job(job) for job in found] or [
        Line("jobs", "jobs of TimescaleDB").fault("none", "Run `quantrac migrate`.")
    ]


def _job(job: Job) -> Finding:
    line = Line("jobs", f"job {job.job_id}, {job.name}")
    inspect = f"Look into timescaledb_information.job_errors, then `CALL run_job({job.job_id})`."
    late = 2 * job.every_seconds
    if not job.scheduled:
        return line.notice("switched off", f"If that was not meant: SELECT alter_job({job.job_id}, scheduled => true).")
    if job.stuck:
        return line.fault(
            "it will never start again",
            f"Upgrade TimescaleDB, then SELECT alter_job({job.job_id}, next_start => now()).",
        )
    if job.last_status == "Failed":
        return line.fault(f"its last run failed; {job.failures} failures so far", inspect)
    age = job.success_age_seconds
    if age is None:
        return line.notice(
            "it has not run yet", f"Right in a new database. Else: are there free background workers? {inspect}"
        )
    if age > late and job.status != "Running":
        return line.fault(f"last success {_told(age)} ago, due every {_told(job.every_seconds)}", inspect)
    return line.ok(f"last success {_told(age)} ago")


def feeds(behind: Mapping[str, float] | None) -> list[Finding]:
    """behind: seconds by reader; None where that cannot be known."""
    line = Line("feeds", "readers of what was committed")
    if behind is None:
        return [line.skipped("this role may not read their positions, or the schema is older")]
    if not behind:
        return [
            line.notice("none has begun", "Start `quantrac watch`: without it nothing is judged and nobody is told.")
        ]
    return [_feed(reader, seconds) for reader, seconds in behind.items()]


def _feed(reader: str, seconds: float) -> Finding:
    line = Line("feeds", f"reader {reader}")
    found = f"{_told(max(seconds, 0))} behind"
    advice = "Does `quantrac watch` run, and what does its log say?"
    if seconds > _FAULT_SECONDS:
        return line.fault(found, advice)
    if seconds > _NOTICE_SECONDS:
        return line.notice(found, advice)
    return line.ok(found)


def _told(seconds: float) -> str:
    """A length of time as one would say it."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
