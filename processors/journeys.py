"""The commands for living with journeys: who is where, whom they let in, whether they go on.

`cli` gives them their names; what they do is in `processors.operations`.
"""

from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from processors.clock import WallClock
from processors.definitions.journeys import Overdue, Status
from processors.operations.errors import OperationFailed
from processors.progress import Progress
from processors.terminal import ask, configured, custom, show, tell, told
from schemas.topics import DAY_MS

if TYPE_CHECKING:
    from processors.operations.archives import Archive
    from processors.settings import Settings
    from schemas.records import RunRecord

MAX_DAYS = 3_650

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Journey = Annotated[str, typer.Argument(metavar="JOURNEY", help="Its id.")]
Yes = Annotated[bool, typer.Option("--yes", help="Without asking: for CI.")]


@told
def journeys(
    days: Annotated[
        int, typer.Option("--days", min=1, max=MAX_DAYS, help="Of runs that entered since then.")
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """Shows the published journeys: who is at each step now, passed it, or left, and why."""
    from processors import app
    from processors.operations import funnels, positions, publishing, retentions, walking
    from processors.operations import runs as history

    settings = configured()
    cluster, prefix = app.cluster_of(settings), settings.topics.prefix
    published = publishing.published(cluster, prefix).published(custom(settings)).journeys
    if not published:
        raise OperationFailed("no journey is published: beckon publish FOLDER")
    now_ms = WallClock().now_ms()
    since_ms = now_ms - days * DAY_MS
    registry = app.registry_of(settings)
    with Progress("read", "records") as progress:
        partitions = history.read(cluster, prefix, schemas=registry, progress=progress)
        counts = funnels.count(partitions, since_ms=since_ms)
    with Progress("read", "profiles") as progress:
        rows = funnels.rows(published, counts, positions.read(cluster, prefix, progress=progress))
    kept_ms = retentions.kept_ms(cluster, prefix, history.TOPIC)
    kept = None if kept_ms is None else kept_ms // DAY_MS
    gone = funnels.unpublished(published, counts)
    notes = list(walking.notes(gone, since_ms, (days, kept)))
    if as_json:
        typer.echo(walking.journeys_json(rows, notes, now_ms=now_ms, since_ms=since_ms))
        return
    show(walking.journeys_table(rows))
    for row in rows:
        typer.echo()
        show(walking.steps_table(row))
    typer.echo()
    for line in notes:
        typer.echo(line)


@told
def runs(
    profile: Annotated[str, typer.Argument(help="The person's id.")],
    journey: Annotated[str | None, typer.Option("--journey", help="Of this one only: ID.")] = None,
    cancel: Annotated[str | None, typer.Option("--cancel", help="End this run: RUN.")] = None,
    move: Annotated[str | None, typer.Option("--move", help="Have this run go on: RUN.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="At this step: STEP.")] = None,
    as_json: AsJson = False,
) -> None:
    """Shows the runs of one person: steps, waits, ways, ends. Or ends one, or moves it."""
    from processors import app
    from processors.operations import retentions, walking
    from processors.operations import runs as history

    settings = configured()
    cluster, prefix = app.cluster_of(settings), settings.topics.prefix
    registry = app.registry_of(settings)
    with Progress("read", "records") as progress:
        found = history.of_person(cluster, prefix, profile, schemas=registry, progress=progress)
    if (move is None) != (to is None) or (cancel is not None and move is not None):
        raise typer.BadParameter("give --cancel RUN, or --move RUN with --to STEP")
    if cancel is not None or move is not None:
        _steer(settings, profile, found.records, cancel or move or "", to)
        return
    kept_ms = retentions.kept_ms(cluster, prefix, history.TOPIC) if found.is_cut else None
    notes = list(walking.gone(found.is_cut, None if kept_ms is None else kept_ms // DAY_MS))
    rows = walking.runs(each for each in found.records if journey in (None, each.journey_id))
    if as_json:
        typer.echo(walking.runs_json(profile, rows, notes))
        return
    for run in rows:
        for line in walking.run_lines(run):
            typer.echo(line)
        typer.echo()
    typer.echo(walking.runs_total(len(rows), profile, journey))
    for line in notes:
        typer.echo(line)


@told
def fire(
    trigger: Annotated[
        str, typer.Argument(help="Id of a trigger, or a journey, that is {manual: true}.")
    ],
    profiles: Annotated[
        list[str] | None, typer.Argument(help="Profile ids.", metavar="[PROFILE...]")
    ] = None,
    segment: Annotated[
        str | None, typer.Option("--segment", help="Everybody who is in it now: ID.")
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", help="Ids, one a line: FILE, FILE.zst or -.")
    ] = None,
) -> None:
    """Fires a manual trigger for people, or lets them into a journey, as far as it allows it."""
    from processors import app
    from processors.operations import publishing, requesting, sending
    from processors.operations.producing import Writer
    from schemas.topics import full_name

    if (segment is None) == (not profiles and file is None):
        raise typer.BadParameter("give profile ids, or a --file of them, or else a --segment")
    settings = configured()
    cluster, prefix = app.cluster_of(settings), settings.topics.prefix
    archive = publishing.published(cluster, prefix)
    kind = requesting.check(archive, trigger)
    if segment is not None:
        people = _members(settings, archive, segment)
    else:
        people = _named(profiles or [], file)
    topic, now_ms = full_name(prefix, "events"), WallClock().now_ms()
    with Writer(cluster) as writer, Progress("sent", "requests") as progress:
        asked = requesting.request(trigger)
        count = sending.send(
            writer, topic, asked, profile_ids=people, now_ms=now_ms, progress=progress
        )
    typer.echo(f"{kind} {trigger} is asked for {count:,} people, by {topic}")


def _steer(
    settings: "Settings", profile: str, records: list["RunRecord"], run: str, to: str | None
) -> None:
    """Asks for the end of a run, or for its going on at a step."""
    from processors import app
    from processors.operations import publishing, requesting, sending
    from processors.operations.producing import Writer
    from schemas.topics import full_name

    cluster, prefix = app.cluster_of(settings), settings.topics.prefix
    asked = requesting.steer(publishing.published(cluster, prefix), records, run, to)
    topic, now_ms = full_name(prefix, "events"), WallClock().now_ms()
    with Writer(cluster) as writer:
        sending.send(writer, topic, asked, profile_ids=[profile], now_ms=now_ms)
    what = "to end" if to is None else f"to go on at {to}"
    typer.echo(f"run {run} of {profile} is asked {what}, by {topic}")


def _members(settings: "Settings", archive: "Archive", segment: str) -> Iterable[str]:
    """Returns who is in a segment."""
    from processors import app
    from processors.operations import memberships

    archive.require("segment", segment)
    return memberships.people(
        app.cluster_of(settings),
        settings.topics.prefix,
        segment,
        schemas=app.registry_of(settings),
    )


def _named(profiles: list[str], file: str | None) -> Iterable[str]:
    """Returns who is named, all of them once they are found to be ids."""
    from processors.operations import rosters

    listed = rosters.of_file(file, None) if file is not None else ()
    return rosters.checked(chain(rosters.given(profiles), listed))


@told
def pause(journey: Journey, yes: Yes = False) -> None:
    """Has a journey stand still: nobody enters, and runs hold where they are."""
    _put("pause", journey, "paused", yes=yes)


@told
def resume(
    journey: Journey,
    overdue: Annotated[
        str | None,
        typer.Option("--overdue", help="What becomes of runs whose time has come: run or skip."),
    ] = None,
    yes: Yes = False,
) -> None:
    """Has a journey go on, and lets people in again."""
    chosen: Overdue | None = next((each for each in get_args(Overdue) if each == overdue), None)
    if chosen != overdue:
        raise typer.BadParameter(f"--overdue takes {' or '.join(get_args(Overdue))}")
    _put("resume", journey, "active", overdue=chosen, yes=yes)


@told
def drain(journey: Journey, yes: Yes = False) -> None:
    """Lets nobody into a journey any more; the runs under way go on to their end."""
    _put("drain", journey, "draining", yes=yes)


@told
def archive(journey: Journey, yes: Yes = False) -> None:
    """Ends all runs of a journey, and lets nobody in any more."""
    _put("archive", journey, "archived", yes=yes)


def _put(
    verb: str, journey: str, status: Status, *, overdue: Overdue | None = None, yes: bool
) -> None:
    """Publishes a journey as it is published, but with another status."""
    from processors import app
    from processors.operations import plans, positions, publishing, statuses, telling, walking

    settings = configured()
    cluster, prefix = app.cluster_of(settings), settings.topics.prefix
    known = custom(settings)

    def look() -> plans.Plan:
        found = publishing.published(cluster, prefix)
        chosen = statuses.changed(found, journey, status=status, overdue=overdue, predicates=known)
        return plans.plan(found, chosen)

    plan = look()
    if not telling.deed(plan):
        typer.echo(f"nothing to do: journey {journey} is {status}")
        return
    for line in telling.documents(plan):
        typer.echo(line)
    if plan.edits:
        for said in walking.fates(plan, positions.read(cluster, prefix)):
            tell(said)
    if not yes:
        ask(f"{verb} journey {journey}")
        if look() != plan:
            raise OperationFailed("somebody has published meanwhile: do it again")
    publishing.carry_out(cluster, prefix, plan, now_ms=WallClock().now_ms())
    key = ("journey", journey)
    typer.echo(f"journey {journey} is {status}: workers take it up between two batches")
    typer.echo(statuses.reminder(journey, dict(plan.old[key]), dict(plan.new[key])))
