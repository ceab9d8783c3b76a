"""The commands that count for marketers and analysts: `beckon segments`, `beckon effectiveness`.

`cli` gives them their names; what they do is in `processors.operations`.
"""

from pathlib import Path
from typing import Annotated

import typer

from processors.clock import WallClock
from processors.definitions import files
from processors.definitions.sets import DefinitionSet
from processors.operations.errors import OperationFailed
from processors.progress import Progress
from processors.terminal import (
    Events,
    FromTopic,
    Until,
    configured,
    custom,
    history,
    instant_ms,
    show,
    told,
)
from schemas.topics import DAY_MS

EXIT_ABOVE = 3
MAX_DAYS = 3_650


@told
def segments(
    days: Annotated[
        int, typer.Option("--days", min=1, max=MAX_DAYS, help="How far back to count changes.")
    ] = 30,
    limit: Annotated[
        int | None, typer.Option("--limit", min=0, help="Remark on segments with more members.")
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 3 if a segment is above the limit.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Shows the published segments: members, who came and went, who uses them, what is odd."""
    from processors import app
    from processors.operations import memberships, publishing, reporting, retentions, upkeep

    if exit_code and limit is None:
        raise typer.BadParameter("--exit-code wants a --limit")
    settings = configured()
    cluster, prefix = app.cluster_of(settings), settings.topics.prefix
    archive = publishing.published(cluster, prefix)
    published = archive.published(custom(settings))
    if not published.segments:
        raise OperationFailed("no segment is published: beckon publish FOLDER")
    options = upkeep.Options(now_ms=WallClock().now_ms(), days=days, limit=limit)
    registry = app.registry_of(settings)
    with Progress("read", "records") as progress:
        counts = memberships.read(
            cluster, prefix, since_ms=options.since_ms, schemas=registry, progress=progress
        )
    found = upkeep.segments(archive, published, counts, options)
    kept_ms = retentions.kept_ms(cluster, prefix, "segment-changes")
    kept = None if kept_ms is None else kept_ms // DAY_MS
    unpublished = upkeep.unpublished(published, counts)
    notes = list(reporting.notes(sorted(published.lists), unpublished, (days, kept)))
    if as_json:
        typer.echo(reporting.segments_json(found, options, notes))
    else:
        show(reporting.segments_table(found))
        for line in (reporting.segments_total(found, options), *notes):
            typer.echo(line)
    if exit_code and any(each.is_above_limit for each in found):
        raise typer.Exit(EXIT_ABOVE)


@told
def effectiveness(  # noqa: PLR0913 - each is an option of the command
    score: Annotated[str, typer.Argument(help="Id of the score.")],
    conversion: Annotated[
        str, typer.Option("--conversion", help="The event that it is to foretell, by its name.")
    ],
    definitions: Annotated[
        Path | None, typer.Option("--definitions", exists=True, help="None: what is published.")
    ] = None,
    events: Events = None,
    from_topic: FromTopic = False,
    until: Until = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tells how well a score foretells who converts: by band, in all, and rule by rule."""
    from processors.operations import conversions, reporting

    played, policy = history(events, from_topic)
    if events and definitions is None:
        raise typer.BadParameter("--events wants --definitions")
    question = conversions.Question(
        score=score,
        conversion=conversion,
        until_ms=None if until is None else instant_ms(until),
    )
    chosen = _definitions(definitions)
    with Progress("played", "events") as progress:
        found = conversions.measure(chosen, question, played, policy=policy, progress=progress)
    if as_json:
        typer.echo(reporting.effectiveness_json(found, question))
        return
    for table in reporting.effectiveness_tables(found):
        show(table)
    if combined := chosen.scores[score].combined:
        typer.echo(f"{score} has no rules of its own: ask for {' and '.join(combined.of)}")
    for line in reporting.effectiveness_total(found, question):
        typer.echo(line)


def _definitions(folder: Path | None) -> DefinitionSet:
    """Returns what is in a folder; without one, what is published."""
    from processors import app
    from processors.explanations import reading

    if folder is not None:
        return files.load(folder, predicates=custom())
    return reading.published(app.explaining_of(configured()))
