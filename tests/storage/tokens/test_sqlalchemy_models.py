"""The table of tokens among an application's own models, and in its migrations."""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import flask
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy_lite import SQLAlchemy as LiteSQLAlchemy
from sqlalchemy import orm

from flask_oauthclient.protocol.errors import InvalidSettingError
from flask_oauthclient.protocol.errors import MissingConfigurationError
from flask_oauthclient.storage.tokens.sqlalchemy import SQLAlchemyTokenStore
from flask_oauthclient.storage.tokens.sqlalchemy import TokenMixin
from flask_oauthclient.storage.tokens.sqlalchemy import token_table
from tests.storage.tokens._sql_worker import KEY
from tests.storage.tokens._sql_worker import KEYS
from tests.storage.tokens._sql_worker import NEW
from tests.storage.tokens._sql_worker import OLD


def works(store: SQLAlchemyTokenStore) -> bool:
    """Put, read, refresh."""
    store.put(KEY, OLD)
    assert store.refresh(KEY, OLD, lambda current: NEW) == NEW
    return store.get(KEY) == NEW and store.list(KEY.owner) == [KEY]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'app.db'}")
    yield engine
    engine.dispose()


# -- models -------------------------------------------------------------------------------


def test_a_declarative_model(engine: sa.Engine) -> None:
    class Base(orm.DeclarativeBase):
        pass

    class Token(TokenMixin, Base):
        pass

    class OtherToken(TokenMixin, Base):
        __tablename__ = "other_token"

    Base.metadata.create_all(engine)
    assert works(SQLAlchemyTokenStore(engine, Token, KEYS))
    assert works(SQLAlchemyTokenStore(engine, OtherToken, KEYS))
    with orm.Session(engine) as session:
        assert session.scalars(sa.select(Token)).one().id == KEY.row_id


def test_a_model_that_is_a_dataclass(engine: sa.Engine) -> None:
    class Base(orm.MappedAsDataclass, orm.DeclarativeBase):
        pass

    class Token(TokenMixin, Base):
        note: orm.Mapped[str] = orm.mapped_column(init=False, insert_default="new")

    Base.metadata.create_all(engine)
    assert works(SQLAlchemyTokenStore(engine, Token, KEYS))
    with orm.Session(engine) as session:
        assert session.scalars(sa.select(Token.note)).one() == "new"


def test_columns_of_the_application_survive(engine: sa.Engine) -> None:
    table = token_table(sa.MetaData(), "mine", sa.Column("note", sa.String(20)), info={"a": 1})
    store = SQLAlchemyTokenStore(engine, table, KEYS)
    store.create_table()
    store.put(KEY, OLD)
    with engine.begin() as connection:
        connection.execute(table.update().values(note="important"))
    store.put(KEY, OLD)
    assert works(store)
    with engine.connect() as connection:
        assert connection.scalar(sa.select(table.c.note)) == "important"


def test_a_column_that_nobody_fills_is_a_mistake_of_the_application(engine: sa.Engine) -> None:
    table = token_table(sa.MetaData(), "mine", sa.Column("note", sa.String(20), nullable=False))
    store = SQLAlchemyTokenStore(engine, table, KEYS)
    store.create_table()
    with pytest.raises(InvalidSettingError, match="has to have a default"):
        store.put(KEY, OLD)
    with pytest.raises(InvalidSettingError, match="has to have a default"):
        store.refresh(KEY, None, lambda current: NEW)


def test_a_table_in_a_schema(engine: sa.Engine, tmp_path: Path) -> None:
    sa.event.listen(
        engine,
        "connect",
        lambda driver, record: driver.execute(f"ATTACH '{tmp_path / 'other.db'}' AS other"),
    )
    store = SQLAlchemyTokenStore(engine, token_table(sa.MetaData(), schema="other"), KEYS)
    with pytest.raises(MissingConfigurationError, match=r"other\.oauthclient_token is not"):
        store.get(KEY)
    store.create_table()
    assert works(store)
    assert (tmp_path / "other.db.oauthclient-locks").exists()


# -- Flask --------------------------------------------------------------------------------


def made_app(db: Any, **config: Any) -> flask.Flask:
    app = flask.Flask(__name__)
    app.config.update(config)
    db.init_app(app)
    return app


def test_flask_sqlalchemy(tmp_path: Path) -> None:
    class Base(orm.DeclarativeBase):
        pass

    db = SQLAlchemy(model_class=Base)

    class Token(TokenMixin, db.Model):  # type: ignore[name-defined,misc]
        pass

    stores = [
        SQLAlchemyTokenStore(db, Token, KEYS),
        SQLAlchemyTokenStore(db.session, Token, KEYS),
        SQLAlchemyTokenStore(lambda: db.engine, Token, KEYS),
    ]
    for store in stores:
        with pytest.raises(MissingConfigurationError, match=r"with app\.app_context\(\)"):
            store.get(KEY)
    for number, uri in enumerate([f"sqlite:///{tmp_path / 'one.db'}", "sqlite://"]):
        app = made_app(db, SQLALCHEMY_DATABASE_URI=uri)
        with app.app_context():
            db.create_all()
            for store in stores:
                assert store.get(KEY) is None, f"application {number} has tokens of its own"
                assert works(store)
                store.delete(KEY)
            db.session.remove()
            db.engine.dispose()


def test_flask_sqlalchemy_has_several_engines(tmp_path: Path) -> None:
    class Base(orm.DeclarativeBase):
        pass

    db = SQLAlchemy(model_class=Base)

    class Token(TokenMixin, db.Model):  # type: ignore[name-defined,misc]
        __bind_key__ = "secrets"

    app = made_app(
        db,
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / 'one.db'}",
        SQLALCHEMY_BINDS={"secrets": f"sqlite:///{tmp_path / 'two.db'}"},
    )
    with app.app_context():
        db.create_all()
        assert works(SQLAlchemyTokenStore(db, Token, KEYS))
        assert works(SQLAlchemyTokenStore(db.session, Token, KEYS))
        assert not sa.inspect(db.engine).has_table("oauthclient_token")
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


def test_what_flask_sqlalchemys_session_has_not_committed_stays_so(tmp_path: Path) -> None:
    class Base(orm.DeclarativeBase):
        pass

    db = SQLAlchemy(model_class=Base)

    class Token(TokenMixin, db.Model):  # type: ignore[name-defined,misc]
        pass

    class Note(db.Model):  # type: ignore[name-defined,misc]
        id: orm.Mapped[int] = orm.mapped_column(primary_key=True)

    for uri in [f"sqlite:///{tmp_path / 'one.db'}", "sqlite://"]:
        app = made_app(db, SQLALCHEMY_DATABASE_URI=uri)
        store = SQLAlchemyTokenStore(db, Token, KEYS)
        with app.app_context():
            db.create_all()
            store.put(KEY, OLD)
            db.session.add(Note(id=1))
            db.session.flush()
            assert store.get(KEY) == OLD
            db.session.commit()
            assert db.session.get(Note, 1)
            db.session.add(Note(id=2))
            store.put(KEY, NEW)
            db.session.flush()
            db.session.rollback()
            assert db.session.get(Note, 2) is None
            assert store.get(KEY) == NEW
            db.session.remove()
            db.engine.dispose()


def test_flask_sqlalchemy_lite(tmp_path: Path) -> None:
    class Base(orm.DeclarativeBase):
        pass

    class Token(TokenMixin, Base):
        pass

    db = LiteSQLAlchemy()
    store = SQLAlchemyTokenStore(db, Token, KEYS)
    with pytest.raises(MissingConfigurationError, match=r"with app\.app_context\(\)"):
        store.get(KEY)
    for uri in [f"sqlite:///{tmp_path / 'one.db'}", "sqlite://"]:
        app = made_app(db, SQLALCHEMY_ENGINES={"default": uri})
        with app.app_context():
            Base.metadata.create_all(db.engine)
            assert works(store)
            assert works(SQLAlchemyTokenStore(db.session, Token, KEYS))
            db.engine.dispose()


# -- migrations ---------------------------------------------------------------------------

_ENV = """
from alembic import context
from sqlalchemy import create_engine

config = context.config
engine = create_engine(config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    metadata = config.attributes["metadata"]
    context.configure(
        connection,
        target_metadata=metadata,
        include_name=lambda name, kind, parents: kind != "table" or name in metadata.tables,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
"""
_SCRIPT = '''"""${message}"""
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
'''


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "mariadb"])
def test_alembic_finds_the_table_and_nothing_to_change_afterwards(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    is_file = kind == "sqlite"
    url = f"sqlite:///{tmp_path / 'a.db'}" if is_file else request.getfixturevalue(f"{kind}_url")
    engine = sa.create_engine(url)
    metadata = sa.MetaData()
    table = token_table(metadata)
    config = _alembic(tmp_path / "migrations", url, metadata)
    try:
        assert [difference[0] for difference in _differences(engine, metadata)] == [
            "add_table",
            "add_index",
        ]
        alembic.command.revision(config, "tokens", autogenerate=True)
        alembic.command.upgrade(config, "head")
        assert _differences(engine, metadata) == []
        assert works(SQLAlchemyTokenStore(engine, table, KEYS))
        alembic.command.downgrade(config, "base")
        assert not sa.inspect(engine).has_table(table.name)
    finally:
        with engine.begin() as connection:
            for name in table.name, "alembic_version":
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
        engine.dispose()


def _alembic(folder: Path, url: str, metadata: sa.MetaData) -> alembic.config.Config:
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(_ENV)
    (folder / "script.py.mako").write_text(_SCRIPT)
    config = alembic.config.Config(attributes={"metadata": metadata})
    config.set_main_option("script_location", str(folder))
    config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", url)
    return config


def _differences(engine: sa.Engine, metadata: sa.MetaData) -> list[Any]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": _is_ours(metadata)})
        found: list[Any] = compare_metadata(context, metadata)
        return [difference for difference in found if "alembic_version" not in str(difference)]


def _is_ours(metadata: sa.MetaData) -> Callable[..., bool]:
    """Whether a name is of our tables: others' tests use the same database."""
    return lambda name, kind, parents: kind != "table" or name in metadata.tables
