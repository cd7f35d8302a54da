"""Faults, on the real processes of docker-compose.yml: something dies while learners answer, and nothing is lost.

After each of them every acknowledged answer is in the result, each attempt was scored once, and none is open.
PostgreSQL and Redis are this file's own, so that they can be killed: neither is the machine's.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests import processes
from tests.own_postgres import Postgres, postgres_programs
from tests.processes import SERVICES, Site, wait_for
from tests.rehearsal import ITEMS, PASSWORD, Learner, answering, assert_kept, failures, states

pytestmark = pytest.mark.processes

GRACE = 2


# ── the site ──


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    programs = postgres_programs()
    if programs is None or shutil.which("redis-server") is None:
        why = "no PostgreSQL programs (initdb) or no redis-server here: the tests of faults start their own"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    # Where the user whose server it is may enter: pytest's own folders let nobody in.
    folder = Path(tempfile.mkdtemp(prefix="cutscore-faults-"))
    folder.chmod(0o755)
    server = Postgres(folder / "postgres", programs)
    server.start()
    try:
        yield server
    finally:
        if server.process is not None:
            server.end(signal.SIGINT)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def whole_site(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", postgres.url)
        environment = {"GRACE_SECONDS": str(GRACE)}
        with processes.running(tmp_path_factory.mktemp("faults"), *SERVICES, environment=environment) as site:
            site.manage("load_exam", "fixtures/mla-c01")
            site.wait_until_ready()
            yield site


@pytest.fixture
def site(whole_site: Site, postgres: Postgres) -> Iterator[Site]:
    """The site with everything running, before each test and after."""
    yield whole_site
    if postgres.process is None:
        postgres.start()
    if "redis" not in whole_site.running:
        whole_site.start_redis()
    whole_site.start(*[service for service in SERVICES if service not in whole_site.running])
    whole_site.wait_until_ready()


@pytest.fixture(scope="module")
def accounts(whole_site: Site) -> Iterator[str]:
    made = json.loads(
        whole_site.manage(
            *("create_accounts", "--count", "60", "--role", "learner"),
            *("--prefix", "fault", "--password", PASSWORD),
        )
    )
    return iter([account["email"] for account in made["accounts"]])


@pytest.fixture
def sit(site: Site, accounts: Iterator[str]) -> Callable[..., list[Learner]]:
    """Learners who have just started the same new mock."""

    def sit(count: int, *, seconds: int = 600) -> list[Learner]:
        mock = json.loads(
            site.manage(
                "create_mock", "--blueprint", "MLA-C01", "--items", str(ITEMS), "--seconds", str(seconds)
            )
        )
        learners = [Learner(site, next(accounts)) for _ in range(count)]
        for learner in learners:
            learner.sign_in()
            learner.start(mock["id"])
        return learners

    return sit


# ── the faults ──


def test_web_is_killed_between_a_save_and_its_reply(site: Site, sit: Callable[..., list[Learner]]) -> None:
    learners = sit(4)
    with answering(learners):
        site.kill("web")
        site.start("web")
        wait_for(lambda: site.get("/healthz")[0] == 200, what="the web server")
        site.kill_children("web")

    # Each was cut off in the middle of something, and nobody was ever told anything but yes or nothing.
    assert set(failures(learners)) == {0}
    for learner in learners:
        for slot, (revision, answer) in list(learner.acknowledged.items()):
            assert learner.save(slot, revision, answer) == 200
        learner.submit()
    assert_kept(site, learners)


@pytest.mark.parametrize("whom", ["the worker", "its children"])
def test_a_worker_is_killed_in_the_middle_of_scoring(
    site: Site, sit: Callable[..., list[Learner]], whom: str
) -> None:
    learners = sit(2)
    with answering(learners):
        pass
    emails = [learner.email for learner in learners]
    with psycopg.connect(site.database_url) as held:
        # Scoring locks the learner when it is half through: here it has to wait, until it is dead.
        held.execute("SELECT 1 FROM accounts_user WHERE email = ANY(%s) FOR UPDATE", [emails])
        for learner in learners:
            learner.submit()
        with site.database() as database:
            wait_for(lambda: waiting_for_a_lock(database), what="a worker in the middle of scoring")
            if whom == "the worker":
                site.kill("worker")
            else:
                assert site.kill_children("worker")
            assert states(database, [learner.attempt for learner in learners]) == {"closed"}
        held.rollback()
    if whom == "the worker":
        site.start("worker")

    assert_kept(site, learners)


def waiting_for_a_lock(database: processes.Database) -> bool:
    found = database.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    return bool(found and found[0])


def test_redis_is_stopped_and_comes_back_empty(site: Site, sit: Callable[..., list[Learner]]) -> None:
    learners = sit(3)
    with answering(learners):
        site.kill("redis")
        # Answers are taken without it …
        before = [learner.statuses.count(200) for learner in learners]
        wait_for(
            lambda: all(
                now.statuses.count(200) > then + 5 for now, then in zip(learners, before, strict=True)
            ),
            what="answers without Redis",
        )
    # … and so is the end of the exam; only the message that asks for scoring is lost.
    receipts = [learner.submit() for learner in learners[:2]]
    site.start_redis()
    receipts.append(learners[2].submit())

    assert failures(learners) == []
    assert all(receipt["answered"] for receipt in receipts)
    assert_kept(site, learners)


def test_redis_is_emptied_while_messages_wait(site: Site, sit: Callable[..., list[Learner]]) -> None:
    learners = sit(2)
    with answering(learners):
        pass
    site.kill("worker")
    for learner in learners:
        learner.submit()
    site.kill("redis")
    site.start_redis()
    site.start("worker")

    assert_kept(site, learners)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["shut down", "crashed"])
def test_postgresql_is_restarted(
    site: Site, postgres: Postgres, sit: Callable[..., list[Learner]], how: signal.Signals
) -> None:
    learners = sit(3)
    with answering(learners):
        postgres.end(how)
        postgres.start()
    for learner in learners:
        learner.submit()

    # Without its database a page fails; it never says that it has stored what it has not.
    assert set(failures(learners)) <= {0, 500}
    assert_kept(site, learners)


def test_beat_is_stopped_and_a_look_closes(site: Site, sit: Callable[..., list[Learner]]) -> None:
    site.kill("beat")
    learners = sit(2, seconds=6)
    for learner in learners:
        for slot in range(1, ITEMS + 1):
            assert learner.save(slot, 1, learner.answer_to(slot, 1)) == 200

    wait_for(
        lambda: all(learner.read()["state"] != "in_progress" for learner in learners),
        what="a look that closes",
    )

    assert learners[0].save(1, 2, learners[0].answer_to(1, 2)) == 410
    assert_kept(site, learners)


def test_nobody_is_there_and_the_sweep_closes(site: Site, sit: Callable[..., list[Learner]]) -> None:
    learners = sit(2, seconds=5)
    for learner in learners:
        assert learner.save(1, 1, learner.answer_to(1, 1)) == 200

    assert_kept(site, learners)

    with site.database() as database:
        delays = database.execute(
            "SELECT extract(epoch FROM closed_at - deadline_at), closed_reason FROM exams_attempt WHERE id = ANY(%s::uuid[])",
            [[learner.attempt for learner in learners]],
        ).fetchall()
    assert all(reason == "time_ran_out" and delay > GRACE for delay, reason in delays)


def test_no_worker_runs_and_the_result_page_scores(site: Site, sit: Callable[..., list[Learner]]) -> None:
    learners = sit(2)
    with answering(learners):
        pass
    site.kill("worker")
    for learner in learners:
        learner.submit()
    first, second = learners
    assert first.read("results/") == {"state": "closed"}

    with site.database() as database:
        # Instead of waiting for 20 seconds: as if they had passed.
        database.execute(
            "UPDATE exams_attempt SET closed_at = closed_at - interval '21 s' WHERE id = %s", [first.attempt]
        )
    assert first.read("results/")["state"] == "scored"

    # The messages still wait: who scores first has scored, and the second message changes nothing.
    site.start("worker")
    assert_kept(site, learners)
    assert second.read("results/")["state"] == "scored"
