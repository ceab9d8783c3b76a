"""The senders' database as the settings say."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from processors import provider_settings, stores
from processors.settings import InvalidSettings, Kafka, Settings


def settings(url: str) -> Settings:
    database = provider_settings.Database(url=SecretStr(url))
    return Settings(database=database, kafka=Kafka(patience_s=0))


def test_database_is_brought_up_to_date(tmp_path: Path) -> None:
    found = stores.migrated(settings(f"sqlite:///{tmp_path}/x.db"))
    assert found.run_now(lambda one: one.execute(text("select count(*) from ledger")).scalar()) == 0
    found.close()


def test_newer_database_is_refused(tmp_path: Path) -> None:
    chosen = settings(f"sqlite:///{tmp_path}/x.db")
    found = stores.migrated(chosen)
    found.run_now(lambda one: one.execute(text("update alembic_version set version_num = '9'")))
    found.close()
    with pytest.raises(InvalidSettings, match=r"BECKON_DATABASE__URL: .* step 9"):
        stores.migrated(chosen)


def test_database_that_does_not_answer_is_refused_after_the_patience(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="BECKON_DATABASE__URL: does not answer"):
        stores.migrated(settings(f"sqlite:///{tmp_path}/absent/x.db"))


def test_address_of_another_kind_is_refused_without_being_told() -> None:
    with pytest.raises(InvalidSettings, match="BECKON_DATABASE__URL: ") as caught:
        stores.opened_by(settings("mysql://u:secret@host/x"))
    assert "secret" not in str(caught.value)
