"""`quantrac openapi`: the description of the HTTP interface."""

import json

import typer

from gateway import application
from gateway.settings import Settings


def openapi() -> None:
    """Print the OpenAPI document of this version; no database is needed."""
    document = application.create(Settings()).openapi()
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
