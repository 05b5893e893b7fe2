"""`quantrac audit`: who changed what, and whether anybody changed that record since."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.progress import Progress, TaskID

from core.database import Database, PoolLimits
from gateway.cli import asking, options, printing
from gateway.settings import Settings
from gateway.trailing.verifying import Verification
from identity.trail import archive, errors, schemas, store
from identity.trail.archive import Cover, NotATrail
from identity.trail.chain import BEGINNING, Chain, Head, Problem

app = typer.Typer(
    no_args_is_help=True,
    help="The audit trail: who changed what, and whether anybody changed that record since.",
)

# Sums of a day with long spans, and looks for observations without a receipt.
_LIMITS = PoolLimits(max_size=2, command_seconds=900)
_MOST_TOLD = 1_000

Number = Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="Number of the entry.")]
Since = Annotated[
    datetime | None,
    typer.Option("--from", parser=options.instant, metavar="TIME", help="At this time or later, with its offset."),
]
Until = Annotated[
    datetime | None, typer.Option("--to", parser=options.instant, metavar="TIME", help="Before this time.")
]


def _anchor(text: str) -> Head:
    """NUMBER:HASH, as `quantrac audit head` prints it."""
    number, _, digest = text.strip().partition(":")
    try:
        found = Head(int(number), bytes.fromhex(digest))
    except ValueError:
        found = BEGINNING
    if found.number < 1 or len(found.hash) != len(BEGINNING.hash):
        raise typer.BadParameter("write NUMBER:HASH, as `quantrac audit head` prints it")
    return found


@app.command()
def head(as_json: options.AsJson = False) -> None:
    """Print number and hash of the newest entry; keep them where nobody who runs this service can change them."""
    found, time = asking.asked(store.head)
    if as_json:
        printing.print_json([schemas.Head(number=found.number, hash=found.hash.hex(), time=time)])
    else:
        typer.echo(str(found))


@app.command("list")
def list_entries(
    actor: Annotated[str | None, typer.Option(help="Only what they did.")] = None,
    table: Annotated[str | None, typer.Option(help="Only this kind of thing, such as datastream_limit.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only this one; with --table, the history of one thing.")] = None,
    action: Annotated[schemas.Action | None, typer.Option(help="Only this kind of change.")] = None,
    since: Since = None,
    until: Until = None,
    limit: options.Limit = 20,
    as_json: options.AsJson = False,
) -> None:
    """List what was changed, newest first."""
    wanted = store.Filter(actor, table, subject, action, since, until)
    found = asking.asked(lambda database: store.page(database, wanted, None, limit))
    if as_json:
        printing.print_json(found)
        return
    printing.print_rows(
        ("number", "when", "who", "what", "table", "subject", "members", "reason"),
        [
            (e.number, printing.written(e.time), e.actor, e.action, e.table, e.subject, _members(e), e.reason)
            for e in found
        ],
    )


def _members(entry: schemas.Entry) -> str:
    """Names of what changed in an update."""
    return ", ".join(entry.after or ()) if entry.action is schemas.Action.UPDATE else ""


@app.command()
def show(number: Number, as_json: options.AsJson = False) -> None:
    """Show one entry with all that was before and after."""
    found = asking.asked(lambda database: store.entry(database, number))
    if found is None:
        raise errors.EntryNotFound(number)
    if as_json:
        printing.print_json([found])
        return
    printing.print_members(found.model_copy(update={"before": None, "after": None}))
    typer.echo()
    names = sorted({*(found.before or ()), *(found.after or ())})
    rows = [(name, _said(found.before, name), _said(found.after, name)) for name in names]
    printing.print_rows(("member", "before", "after"), rows)


def _said(image: dict[str, Any] | None, name: str) -> str:
    if image is None or name not in image:
        return ""
    return json.dumps(image[name], ensure_ascii=False)


@app.command()
def verify(
    since: Since = None,
    until: Until = None,
    anchor: Annotated[
        list[Head] | None,
        typer.Option(
            parser=_anchor,
            metavar="NUMBER:HASH",
            help="A head that was noted elsewhere; may be repeated. Without one, whoever owns the tables could have "
            "written all of it anew.",
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="An exported file instead of the database.", exists=True, dir_okay=False)
    ] = None,
    chain_only: Annotated[
        bool, typer.Option("--chain-only", help="Leave out what was measured; look at the chain alone.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Find what was edited, taken out, put in or moved, in the trail and in what was measured; exit code 1 if so."""
    anchors = {head.number: head.hash for head in anchor or ()}
    if file is not None:
        chain = Chain(anchors=anchors)
        problems = list(_problems_of(file, chain))
        seen = {"entries": chain.entries}
        last = chain.last
    else:
        verification = Verification(anchors, since, until)
        problems, last = asyncio.run(_verified(verification, chain_only=chain_only))
        seen = {"entries": verification.entries, "days": verification.days}
    _tell(problems, seen, last, as_json=as_json, anchored=bool(anchors))
    if problems:
        raise typer.Exit(1)


async def _verified(verification: Verification, *, chain_only: bool) -> tuple[list[Problem], Head]:
    limits = _LIMITS
    async with Database(Settings().dsn, application_name="quantrac-audit", limits=limits) as database:
        with _progress(verification):
            problems = [problem async for problem in verification.chain(database)]
            if not chain_only:
                problems += [problem async for problem in verification.readings(database)]
        return problems, (await store.head(database))[0]


@contextmanager
def _progress(verification: Verification) -> Iterator[None]:
    with printing.bar() as bar:
        tasks: dict[str, TaskID] = {}
        verification.progress = lambda what, done, all_of_them: _advance(bar, tasks, what, done, all_of_them)
        yield


def _advance(bar: Progress, tasks: dict[str, TaskID], what: str, done: int, all_of_them: int) -> None:
    if what not in tasks:
        tasks[what] = bar.add_task(what, total=all_of_them)
    bar.update(tasks[what], completed=done, total=all_of_them)


def _problems_of(file: Path, chain: Chain) -> Iterator[Problem]:
    """Everything that is wrong with an exported file."""
    with _opened(file, "rt") as stream:
        try:
            yield from archive.problems(iter(stream), chain)
        except (EOFError, UnicodeDecodeError, zlib.error) as error:
            raise NotATrail(f"{file} is damaged: it cannot be read to its end ({type(error).__name__}).") from None


def _tell(problems: list[Problem], seen: dict[str, int], last: Head, *, as_json: bool, anchored: bool) -> None:
    told = problems[:_MOST_TOLD]
    if as_json:
        for problem in told:
            typer.echo(json.dumps({"number": problem.number, "kind": problem.kind, "text": problem.text}))
        typer.echo(json.dumps({"sound": not problems, "problems": len(problems), **seen, "head": str(last)}))
        return
    for problem in told:
        typer.echo(problem.text)
    looked = ", ".join(f"{count} {what}" for what, count in seen.items())
    if problems:
        typer.echo(f"{len(problems)} found wrong; looked at {looked}.")
    else:
        typer.echo(f"Nothing is wrong; looked at {looked}. Head: {last}")
        if not anchored:
            typer.echo("Without --anchor this does not show that the whole was not written anew.", err=True)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="File to write; compressed where its name ends in .gz.")],
    since: Since = None,
    until: Until = None,
) -> None:
    """Write the trail to a file that can be verified without the database: `quantrac audit verify --file`."""
    written, newest = asyncio.run(_export(file, since, until))
    typer.echo(f"{written} entries are in {file}. Head: {newest}")


async def _export(file: Path, since: datetime | None, until: datetime | None) -> tuple[int, Head]:
    unfinished = file.with_name(f".{file.name}")
    async with Database(Settings().dsn, application_name="quantrac-audit", limits=_LIMITS) as database:
        newest, _ = await store.head(database)
        span = await store.span(database, since, until)
        first, last = span or (newest.number + 1, newest.number)
        after, final = await store.link(database, first - 1), await store.link(database, last)
        with _opened(unfinished, "wt") as stream, printing.bar() as bar:
            task = bar.add_task("entries", total=last - first + 1)
            stream.write(archive.write_cover(Cover(after or BEGINNING, final or BEGINNING, newest)) + "\n")
            async for entries in store.entries(database, first, last):
                _write_lines(stream, map(archive.write_entry, entries))
                bar.update(task, advance=len(entries))
    unfinished.replace(file)
    return last - first + 1, newest


def _write_lines(stream: IO[Any], lines: Iterable[str]) -> None:
    stream.writelines(line + "\n" for line in lines)


def _opened(file: Path, mode: str) -> IO[Any]:
    if file.suffix == ".gz":
        return gzip.open(file, mode, encoding="utf-8", newline="\n")  # type: ignore[return-value] # text mode gives text
    return file.open(mode.removesuffix("t"), encoding="utf-8", newline="\n")
