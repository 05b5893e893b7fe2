"""The rules that the service comes with, and which of them holds for whom."""

from core.database import Database
from telemetry.alerts.kinds import Kind
from telemetry.alerts.rules import book as rules
from telemetry.alerts.rules import seeding as alert_seeding
from telemetry.alerts.rules import store as rule_store
from telemetry.catalog import seeding


async def test_seeding_twice_adds_every_rule_once_and_changes_none(database: Database) -> None:
    await seeding.seed(database)
    assert await alert_seeding.seed(database) == len(rules.defaults())
    await database.execute("UPDATE alert_rule SET severity = 'notice' WHERE kind = 'over-limit'")
    revision = await database.fetchval("SELECT revision FROM catalog_revision")
    assert await alert_seeding.seed(database) == 0
    assert await database.fetchval("SELECT revision FROM catalog_revision") == revision
    book = await rule_store.read(database)
    assert book.effective(Kind.OVER_LIMIT).severity == "notice"


async def test_what_the_table_lacks_is_read_from_the_data_file(database: Database) -> None:
    book = await rule_store.read(database)
    assert {rule.key: rule for rule in rules.defaults()} == dict(book.rules)


async def test_rules_for_properties_that_the_catalogue_lacks_are_left_out(database: Database) -> None:
    general = [rule for rule in rules.defaults() if rule.symbol is None]
    assert await alert_seeding.seed(database) == len(general) == len(Kind)
