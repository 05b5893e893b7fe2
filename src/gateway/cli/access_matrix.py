"""`quantrac access-matrix`: which role may ask which route."""

import typer

from gateway import access_matrix as matrix
from gateway import application
from gateway.settings import Settings


def access_matrix() -> None:
    """Print which role may ask which route of the HTTP interface, as Markdown; no database is needed."""
    typer.echo(matrix.table(application.create(Settings())), nl=False)
