"""The few statements that the launcher says to its server."""

import psycopg

from core import queries

_sql = queries.load(__file__, "embedded")


def data_directory(dsn: str) -> str:
    """Where the server that answers at this address keeps its data. Raises psycopg.Error when none answers."""
    with psycopg.connect(dsn, connect_timeout=3, autocommit=True) as connection:
        row = connection.execute(_sql["embedded_data_directory"].encode()).fetchone()
        return str(row[0]) if row else ""


def create_database(dsn: str) -> None:
    """Create the service's database where the cluster does not have it yet."""
    with psycopg.connect(dsn, connect_timeout=3, autocommit=True) as connection:
        row = connection.execute(_sql["embedded_has_database"].encode()).fetchone()
        if row is None or not row[0]:
            connection.execute(_sql["embedded_create_database"].encode())
