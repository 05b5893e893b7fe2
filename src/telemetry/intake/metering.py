"""What ingestion counts and times, for Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

READINGS = Counter("quantrac_readings_total", "Readings answered, by outcome and channel.", ["outcome", "channel"])
SUBMISSIONS = Counter("quantrac_submissions_total", "Submissions answered, by channel.", ["channel"])
REFUSALS = Counter("quantrac_refusals_total", "Submissions over HTTP that were not taken, by reason.", ["reason"])
RETRIES = Counter("quantrac_write_retries_total", "Groups written again, by cause.", ["cause"])
GROUP_READINGS = Histogram(
    "quantrac_group_readings",
    "Readings committed in one transaction.",
    buckets=(1, 10, 100, 1_000, 5_000, 20_000, 100_000),
)
COMMIT_SECONDS = Histogram(
    "quantrac_commit_seconds",
    "Time from taking a group to its COMMIT.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
QUEUE_READINGS = Gauge("quantrac_queue_readings", "Readings that wait for the database.")
QUEUE_BYTES = Gauge("quantrac_queue_bytes", "Raw bytes that wait for the database.")
