"""Fixtures of the whole suite live in `tests/fixtures/`; this file only names them."""

pytest_plugins = [
    "tests.fixtures.databases",
    "tests.fixtures.evidence",
    "tests.fixtures.series",
    "tests.fixtures.timescale",
    "tests.fixtures.brokers",
    "tests.fixtures.catalogs",
    "tests.fixtures.ledger",
    "tests.fixtures.servers",
    "tests.fixtures.intakes",
    "tests.fixtures.applications",
    "tests.fixtures.entrances",
    "tests.fixtures.mail_servers",
    "tests.fixtures.watches",
    "tests.fixtures.webhooks",
    "tests.fixtures.logins",
    "tests.fixtures.alerts",
    "tests.fixtures.narrowing",
    "tests.fixtures.verdicts",
    "tests.fixtures.providers",
    "tests.fixtures.bearers",
]
