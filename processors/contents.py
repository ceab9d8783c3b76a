"""The commands that show and bring in what messages say: `preview`, `templates import`.

`cli` gives them their names; what they do is in `processors.content`.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from processors.clock import WallClock
from processors.definitions import files, suggestions
from processors.definitions.sets import DefinitionSet
from processors.operations.errors import OperationFailed
from processors.progress import Progress
from processors.settings import Settings
from processors.terminal import configured, custom, told, whole
from schemas.messages import Message, Reply

if TYPE_CHECKING:
    from processors.content.facts import Options
    from processors.content.previews import Preview, Subject
    from processors.definitions.templates import Template
    from processors.ports import Provider

MAX_DATA_BYTES = 1024 * 1024
SOURCES = (".hbs", ".handlebars", ".html", ".htm", ".mjml", ".txt")

_TITLE = re.compile(r"<title>\s*([^<]+?)\s*</title>", re.I)

cli = typer.Typer(help="Templates of messages.", no_args_is_help=True)


Definitions = Annotated[
    Path | None,
    typer.Option("--definitions", exists=True, help="The folder; none: what is published."),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", exists=True, dir_okay=False, help='JSON: {"traits": {…}, "properties": {…}}.'
    ),
]
Person = Annotated[str | None, typer.Option("--profile", help="A person of the running system.")]
Language = Annotated[str | None, typer.Option("--locale", help="Another language.")]
Segments = Annotated[
    list[str] | None, typer.Option("--segment", help="A segment to be in; several times.")
]
Chosen = Annotated[str | None, typer.Option("--variant", help="The variant to show; none: theirs.")]
Named = Annotated[str, typer.Argument(help="The template's id.")]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message that is only looked at comes from."""

    definitions: Path | None
    data: Path | None
    profile: str | None
    traits: dict[str, Any]
    """These stand over those of the person."""
    segments: tuple[str, ...] = ()
    """Beside those that the person is in."""
    variant: str | None = None
    """None: the one that the person gets."""


@told
def preview(  # noqa: PLR0913 - each is an option of the command
    template: Named,
    definitions: Definitions = None,
    data: Data = None,
    profile: Person = None,
    locale: Language = None,
    segment: Segments = None,
    variant: Chosen = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File for the HTML; none: ID.preview.html.")
    ] = None,
) -> None:
    """Shows how a message would look: HTML in a file, the rest here. Sends nothing."""
    traits = {} if locale is None else {"locale": locale}
    source = Source(
        definitions=definitions,
        data=data,
        profile=profile,
        traits=traits,
        segments=tuple(segment or ()),
        variant=variant,
    )
    made = prepared(configured(), template, source)
    for line in lines(made):
        typer.echo(line)
    if made.message.html is not None:
        file = out or Path(f"{template}.preview.html")
        _write(file, made.message.html)
        typer.echo(f"the HTML is in {file}")
    for note in made.notes:
        typer.echo(f"note: {note}", err=True)


@told
def send_test(
    template: Named,
    to: Annotated[str, typer.Option("--to", help="Address, number or device.")],
    definitions: Definitions = None,
    data: Data = None,
    profile: Person = None,
    locale: Language = None,
) -> None:
    """Sends one message to an address of yours, marked as a test; past gate and ledger."""
    from processors import providers
    from processors.content import previews

    settings = configured()
    traits = dict.fromkeys(previews.SAMPLES, to) | ({} if locale is None else {"locale": locale})
    source = Source(definitions=definitions, data=data, profile=profile, traits=traits)
    made = prepared(settings, template, source)
    for note in made.notes:
        typer.echo(f"note: {note}", err=True)
    message = previews.marked(made.message, to)
    found = providers.of(settings, message.channel)
    reply, by = asyncio.run(delivered(message, found))
    if reply.fate != "accepted":
        raise OperationFailed(f"{by} has not taken it: {reply.fate}, {reply.detail}")
    typer.echo(f"{by} has taken it for {message.to} ({reply.provider_id or reply.detail})")


async def delivered(message: Message, providers: "Sequence[Provider]") -> tuple[Reply, str]:
    """Returns what the first provider says that does not put it off, and who that is."""
    try:
        reply, by = await providers[0].send(message), providers[0].name
        for each in providers[1:]:
            if reply.fate == "passing":
                reply, by = await each.send(message), each.name
        return reply, by
    finally:
        for each in providers:
            await each.close()


def prepared(settings: Settings, template: str, source: Source) -> "Preview":
    """Returns a message as it would be.

    Raises:
        InvalidDefinitions: the definitions are none.
        OperationFailed: there is no such template or person, or no message can be made.
    """
    from processors import composers
    from processors.content import previews
    from processors.content.libraries import Library

    if source.data is not None and source.profile is not None:
        raise typer.BadParameter("give either --data or --profile")
    path = source.definitions
    found = published(settings) if path is None else folder(path, settings)
    chosen = named(found, template)
    subject = previews.Subject(traits=previews.SAMPLES)
    if source.data is not None:
        subject = read(source.data)
    elif source.profile is not None:
        subject = person(settings, found, source.profile)
    if chosen.catalogue is not None and source.profile is not None:
        subject = recommended(settings, found, chosen, subject)
    traits = {**subject.traits, **source.traits}
    segments = (*subject.segments, *source.segments)
    subject = msgspec.structs.replace(subject, traits=traits, segments=segments)
    library = Library(found.documents.values())
    options = composers.options_of(settings)
    return shown(library, chosen, subject, options, variant=source.variant)


@cli.command("import")
@told
def bring(
    sources: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, help="Files of Handlebars.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the definitions.")],
) -> None:
    """Makes templates of files written for Handlebars; says what could not be translated.

    A file that lies in a folder `partials`, or whose name begins with `_`, becomes a partial.
    """
    from processors.content import handlebars

    for source in sources:
        converted = handlebars.convert(_text(source, SOURCES))
        for target, written in documents(source, converted.source).items():
            if (out / target).exists():
                raise OperationFailed(f"{out / target} is there already: nothing is written over")
            _write(out / target, written)
        for line, said in converted.faults:
            typer.echo(f"{source}:{line}: {said}", err=True)
        count = len(converted.faults)
        rest = f"; {count} not translated, marked in it by a comment" if count else ""
        typer.echo(f"{source}: {out / identifier(source)}.yaml{rest}")
    typer.echo(f"next: beckon check {out}")


def folder(definitions: Path, settings: Settings) -> DefinitionSet:
    """Returns the definitions of a folder, whose templates can be compiled."""
    return whole(files.load(definitions, predicates=custom(settings)))


def published(settings: Settings) -> DefinitionSet:
    """Returns the definitions that are active."""
    from processors import app
    from processors.explanations import reading

    return reading.published(app.explaining_of(settings))


def person(settings: Settings, definitions: DefinitionSet, profile_id: str) -> "Subject":
    """Returns what a running system knows of a person."""
    from processors import app
    from processors.content.previews import Subject
    from processors.decisions.compiling import compile_set
    from processors.explanations import reading

    options = app.explaining_of(settings)
    with Progress("read", "records") as progress:
        history = reading.read(options, compile_set(definitions), profile_id, progress=progress)
    traits = {name: value for name, (value, _) in history.profile.traits.items()}
    return Subject(
        profile_id=profile_id,
        traits=traits,
        segments=tuple(history.profile.segments),
        lists=tuple(history.profile.lists),
    )


def recommended(
    settings: Settings, definitions: DefinitionSet, template: "Template", subject: "Subject"
) -> "Subject":
    """Returns a person with what is recommended to them, where the settings name a database."""
    from processors import recommending
    from processors.content import previews

    if "url" not in settings.database.model_fields_set:
        return subject
    now_ms, traits = WallClock().now_ms(), dict(subject.traits)
    order = previews.ordered(template, subject.profile_id, traits, {}, at_ms=now_ms)
    told = recommending.told(settings, definitions.documents.values(), order)
    return msgspec.structs.replace(subject, traits=told.traits)


def read(file: Path) -> "Subject":
    """Returns the person and what happened, as a file says it.

    Raises:
        OperationFailed: it is no such JSON.
    """
    from processors.content.previews import Subject

    class Data(msgspec.Struct, forbid_unknown_fields=True):
        traits: dict[str, Any] = {}
        properties: dict[str, Any] = {}
        segments: tuple[str, ...] = ()
        lists: tuple[str, ...] = ()
        id: str = "sample"

    try:
        found = msgspec.json.decode(_text(file, (".json",)), type=Data)
    except msgspec.DecodeError as error:
        said = f'must be JSON such as {{"traits": {{}}, "properties": {{}}}}: {error}'
        raise OperationFailed(f"{file}: {said}") from error
    return Subject(
        profile_id=found.id,
        traits=found.traits,
        properties=found.properties,
        segments=found.segments,
        lists=found.lists,
    )


def named(definitions: DefinitionSet, template: str) -> "Template":
    """Returns a template by its id.

    Raises:
        OperationFailed: there is none.
    """
    found = definitions.templates.get(template)
    if found is None:
        hint = suggestions.hint(template, definitions.templates)
        raise OperationFailed(f"there is no template {template}{hint}")
    return found


def shown(
    library: Any,
    template: "Template",
    subject: "Subject",
    options: "Options",
    *,
    variant: str | None = None,
) -> "Preview":
    """Returns the preview of a template, of a variant of it where one is named.

    Raises:
        OperationFailed: there is no such variant, or no message can be made.
    """
    from processors.content import previews
    from schemas.errors import Unsendable

    known = [each.name for each in template.variants]
    if variant is not None and variant not in known:
        hint = suggestions.hint(variant, known)
        raise OperationFailed(f"{template.id} has no variant {variant}{hint}")
    now_ms = WallClock().now_ms()
    try:
        return previews.preview(
            library, template, subject, options=options, at_ms=now_ms, variant=variant
        )
    except Unsendable as error:
        raise OperationFailed(f"no message can be made: {error}") from error


def lines(preview: "Preview") -> Iterable[str]:
    """Yields what is said of a message in a terminal."""
    message = preview.message
    fields = {
        "to": message.to,
        "from": message.sender,
        "reply to": message.reply_to,
        "subject": message.subject,
        "variant": message.variant,
        "template": message.template,
        "language": message.language,
        "link": message.url,
        "image": message.image,
    }
    yield from (f"{name}: {value}" for name, value in fields.items() if value)
    yield from (f"{place}: {value}" for place, value in enumerate(message.parameters, 1))
    if message.text:
        yield f"\n{message.text}\n"
    if message.data:
        yield msgspec.json.encode(message.data).decode()


def documents(source: Path, text: str) -> dict[str, str]:
    """Returns the files of a definition, by name: the YAML, and the text beside it."""
    id_ = identifier(source)
    key = "mjml" if source.suffix == ".mjml" or text.lstrip().startswith("<mjml") else "html"
    key = "text" if source.suffix == ".txt" else key
    file = f"{id_}.{'txt' if key == 'text' else key}"
    if source.parent.name == "partials" or source.name.startswith("_"):
        head = ["kind: partial", f"id: {id_}"]
    else:
        title = _TITLE.search(text)
        subject = title[1] if title is not None else id_.replace("-", " ").capitalize()
        named = [f"name: {_quoted(subject)}", "channel: email", f"subject: {_quoted(subject)}"]
        head = ["kind: template", f"id: {id_}", *named]
    return {f"{id_}.yaml": "\n".join([*head, f"{key}: {{file: {file}}}", ""]), file: text}


def identifier(source: Path) -> str:
    """Returns the id of a template, from the name of its file."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", source.name.split(".")[0].lower().replace("_", "-"))
    return plain.strip("-")[:64] or "template"


def _quoted(text: str) -> str:
    return msgspec.json.encode(" ".join(text.split())[:200]).decode()


def _text(file: Path, suffixes: tuple[str, ...]) -> str:
    if file.suffix not in suffixes:
        raise OperationFailed(f"{file}: must be named {', '.join(f'*{each}' for each in suffixes)}")
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_DATA_BYTES + 1)
        if len(content) > MAX_DATA_BYTES:
            raise OperationFailed(f"{file}: must have at most {MAX_DATA_BYTES // 1024} kB")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise OperationFailed(f"{file}: can not be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise OperationFailed(f"{file}: is not UTF-8") from error


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    except OSError as error:
        raise OperationFailed(f"{file}: can not be written: {error.strerror}") from error
