"""The commands by which definitions come and change: `diff`, `publish`, `import-rules` and so on.

`cli` gives them their names; what they do is in `processors.operations`.
"""

from pathlib import Path
from typing import Annotated

import typer

from processors.clock import WallClock
from processors.definitions import files
from processors.definitions.errors import InvalidDefinitions
from processors.operations.errors import OperationFailed
from processors.progress import Progress
from processors.terminal import (
    Events,
    Folder,
    FromTopic,
    Until,
    ask,
    configured,
    custom,
    history,
    instant_ms,
    show,
    tell,
    told,
    warn,
    whole,
)

EXIT_DIFFERENT = 3


@told
def diff(  # noqa: PLR0913 - each is an option of the command
    old: Annotated[Path, typer.Argument(exists=True, help="Definitions as they are.")],
    new: Annotated[Path, typer.Argument(exists=True, help="Definitions as they are to be.")],
    events: Events = None,
    from_topic: FromTopic = False,
    until: Until = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for all differences; made if need be.")
    ] = None,
    samples: Annotated[int, typer.Option("--samples", min=0, help="People shown of each.")] = 5,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 3 if something differs.")
    ] = False,
) -> None:
    """Shows what other definitions would have made of the same history. Sends nothing."""
    from processors.operations import diffing, telling

    played, policy = history(events, from_topic)
    options = diffing.Options(
        until_ms=None if until is None else instant_ms(until),
        samples=samples,
        out=out,
        policy=policy,
    )
    known = custom()
    before, after = (files.load(each, predicates=known) for each in (old, new))
    with Progress("compared", "events") as progress:
        summary = diffing.compare(before, after, played, options=options, progress=progress)
    for table in telling.tables(summary):
        show(table)
    for line in telling.samples(summary):
        typer.echo(line)
    typer.echo(telling.total(summary) + (f"; all are in {out}/" if out else ""))
    if exit_code and summary.differences:
        raise typer.Exit(EXIT_DIFFERENT)


@told
def publish(
    folder: Folder,
    yes: Annotated[bool, typer.Option("--yes", help="Without asking: for CI.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="End what is published and not in the folder.")
    ] = False,
) -> None:
    """Shows what publishing changes, asks, and does it: running workers take it up."""
    from processors import app
    from processors.operations import plans, positions, publishing, retentions, telling, walking

    if prune and not folder.is_dir():
        raise typer.BadParameter(f"--prune takes a folder: all that is not in {folder} would end")
    settings = configured()
    cluster, prefix = app.cluster_of(settings), settings.topics.prefix
    chosen = files.load(folder, predicates=custom(settings))
    warn(chosen)

    def look() -> plans.Plan:
        return plans.plan(publishing.published(cluster, prefix), chosen, prune=prune)

    plan = look()
    whole(chosen, () if prune else plan.old.values())
    show(telling.plan_table(plan))
    for line in telling.documents(plan):
        typer.echo(line)
    if plan.edits:
        with Progress("read", "records") as progress:
            standing = positions.read(cluster, prefix, progress=progress)
        for said in walking.fates(plan, standing):
            tell(said)
    deed = telling.deed(plan)
    kept_ms = retentions.kept_ms(cluster, prefix) if deed else None
    for line in retentions.warnings(plan, chosen, kept_ms, now_ms=WallClock().now_ms()):
        typer.echo(line, err=True)
    if deed and not yes:
        ask(deed)
        if look() != plan:
            raise OperationFailed("somebody has published meanwhile: do it again")
    if deed:
        publishing.carry_out(cluster, prefix, plan, now_ms=WallClock().now_ms())
    typer.echo(telling.done(plan) + ("; next: beckon worker" if deed else ""))


@told
def definitions(
    name: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Show its versions: id, or kind/id.")
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="Print this version, by its number.")
    ] = None,
) -> None:
    """Shows what is published now, the versions of one definition, or one of them as YAML."""
    from processors import app
    from processors.operations import publishing, standings, telling, texts

    if name is None and version is not None:
        raise typer.BadParameter("--version wants an ID before it")
    settings = configured()
    archive = publishing.published(app.cluster_of(settings), settings.topics.prefix)
    if name is None:
        records = [archive.records[key] for key in sorted(archive.records)]
        show(telling.catalogue_table(records))
        typer.echo(f"{len(records)} published; beckon definitions ID shows the versions of one")
        wanted = archive.published(custom(settings)).id
        found = standings.standings(app.cluster_of(settings), settings.topics.prefix)
        for line in telling.standing(found, wanted):
            typer.echo(line)
        return
    key = archive.named(name)
    if version is not None:
        typer.echo(texts.text(archive.version(key, version).document), nl=False)
        return
    active = archive.records.get(key)
    show(telling.versions_table(archive.versions(key), active))
    ended = "" if active else "it has ended; "
    typer.echo(f"{ended}beckon definitions {name} --version N prints one")


@told
def import_rules(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="Rules: *.json or *.yaml.")
    ],
    id_: Annotated[
        str | None, typer.Option("--id", help="Of the segment; none: the file's.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="The same.")] = None,
) -> None:
    """Prints a flat list of rules as a definition, read from left to right."""
    from processors.operations import flat_rules, texts

    text, problems = files.read(file)
    if problems:
        raise InvalidDefinitions(problems)
    found = flat_rules.convert(text, file=str(file), id_=id_, name=name)
    for remark in found.remarks:
        typer.echo(f"# {remark}")
    typer.echo(texts.text(found.document), nl=False)
