"""The senders' database, opened as the settings say and brought up to date."""

import time

from connectors.errors import BadSetting
from connectors.stores import migrating
from connectors.stores.engines import Away, Database
from processors.settings import InvalidSettings, Settings

RETRY_S = 1.0
VARIABLE = "BECKON_DATABASE__URL"


def opened_by(settings: Settings) -> Database:
    """Returns the database; nothing is asked of it yet.

    Raises:
        InvalidSettings: an address of another kind.
    """
    chosen = settings.database
    try:
        return Database(chosen.url.get_secret_value(), connections=chosen.connections)
    except BadSetting as error:
        raise InvalidSettings(f"{VARIABLE}: {error}") from error


def migrated(settings: Settings) -> Database:
    """Returns the database, up to date.

    Raises:
        InvalidSettings: it can not be used, or does not answer within the patience.
    """
    found = opened_by(settings)
    upgraded(found, settings.kafka.patience_s)
    return found


def upgraded(found: Database, patience_s: float) -> tuple[str | None, str]:
    """Returns the database's state before, and now; waits for its answer so long.

    Raises:
        InvalidSettings: it does not answer, or is newer than this version.
    """
    until = time.monotonic() + patience_s
    while True:
        try:
            return migrating.upgrade(found)
        except migrating.NewerDatabase as error:
            raise InvalidSettings(f"{VARIABLE}: {error}: use a newer version") from error
        except Away as error:
            if time.monotonic() >= until:
                raise InvalidSettings(f"{VARIABLE}: does not answer ({error})") from error
        time.sleep(RETRY_S)
