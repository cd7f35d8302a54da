"""What a person meets before the first page: plain sentences where something is missing, and no demo by surprise."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import Cohort, Membership, Role, User
from config import probe
from exams import demo, offering, population, sweeps
from exams.management.commands import run_embedded
from exams.models import Attempt, ItemStatistic, MockExam, MockScoreCount
from questions.formats.blueprint import MockSpec
from tests.factories import NOW, make_blueprint, make_published_question, make_user
from tests.processes import ROOT


def make(*arguments: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    env = {"PATH": path, "HOME": os.environ.get("HOME", "/")}
    command = [shutil.which("make") or "make", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with the few programs that the Makefile calls, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "rm", "mkdir", "cp", "sed", "echo"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


# ── make run ──


def test_no_python_is_said_in_a_sentence(tools: Path, tmp_path: Path) -> None:
    result = make("run", f"VENV={tmp_path}/venv", path=str(tools))
    assert result.returncode != 0
    assert "Cutscore needs Python 3.11 or newer; here is none." in result.stdout
    assert "apt install python3" in result.stdout


def test_an_old_python_is_named(tools: Path, tmp_path: Path) -> None:
    old = tools / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    result = make("run", f"VENV={tmp_path}/venv", path=str(tools))
    assert result.returncode != 0
    assert "Cutscore needs Python 3.11 or newer; here is only Python 3.9.2." in result.stdout


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    venv.mkdir()
    (venv / "bin").mkdir()
    (venv / "bin" / "python").symlink_to(shutil.which("true") or "/bin/true")
    shutil.copy(ROOT / "requirements" / "run.txt", venv / "run.lock")
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    result = make("run", f"VENV={venv}", f"VAR_DIR={in_the_way}/var")
    assert result.returncode != 0
    assert f"The folder {in_the_way}/var can't be written." in result.stdout
    assert "make run VAR_DIR=" in result.stdout


def test_a_taken_port_is_said_with_the_next_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=rf"^Port {port} is in use\. Try: make run PORT={port + 1}$"):
            run_embedded.check_port("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port", "sentence"), [
    ("127.0.0.1", 0, "0 is not a port"),
    ("127.0.0.1", 70000, "70000 is not a port"),
    ("192.0.2.1", 8000, "is no address of this machine"),
    ("not an address", 8000, "is no address of this machine"),
])  # fmt: skip
def test_a_wrong_address_is_said_in_a_sentence(host: str, port: int, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run_embedded.check_port(host, port)


def test_data_in_use_is_refused_with_the_address_of_its_user(tmp_path: Path) -> None:
    hold = run_embedded.hold_data(tmp_path, "http://127.0.0.1:8000/")
    with pytest.raises(CommandError, match="already runs with the data in .*: http://127.0.0.1:8000/"):
        run_embedded.hold_data(tmp_path, "http://127.0.0.1:8001/")
    hold.close()
    run_embedded.hold_data(tmp_path, "http://127.0.0.1:8001/").close()


def test_a_production_environment_is_not_served_in_one_process(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EMBEDDED = False
    with pytest.raises(SystemExit) as ended:
        call_command("run_embedded", no_serve=True)
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("CELERY_BROKER_URL is set")
    assert "docs/deploy.md" in said


# ── the exam and the demo ──


@pytest.mark.django_db
def test_mocks_are_offered_once_and_keep_what_staff_changed() -> None:
    blueprint = make_blueprint()
    for n in range(12):
        make_published_question(blueprint, topic=f"{1 + n % 2}.1.1", code=f"q-{n}")
    spec = MockSpec(code="short", title="Short", items=6, unscored=1, minutes=12, papers=2)
    assert len(offering.offer_mocks(blueprint, [spec], now=NOW)) == 2
    MockExam.objects.update(title="Ours", papers_wanted=3)
    assert len(offering.offer_mocks(blueprint, [spec], now=NOW)) == 1
    [mock] = MockExam.objects.all()
    assert (mock.title, mock.seconds, mock.unscored) == ("Ours", 720, 1)
    assert offering.offer_mocks(blueprint, [spec], now=NOW) == []


@pytest.mark.django_db
def test_the_demo_needs_demo_mode(settings: Settings) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="well-known password"):
        call_command("load_demo")
    assert not User.objects.exists()


@pytest.fixture
def bank(db: None) -> None:
    """Enough for a short mock, which the demo's learners sit."""
    blueprint = make_blueprint()
    for n in range(12):
        make_published_question(blueprint, topic=f"{1 + n % 2}.{1 + n // 2 % 2}.1", code=f"q-{n}")
    spec = MockSpec(code="short", title="Short", items=6, unscored=0, minutes=12, papers=1)
    offering.offer_mocks(blueprint, [spec], now=NOW)


def test_the_demo_is_loaded_once_and_marked(bank: None) -> None:
    for _ in range(2):
        loaded = demo.load(now=NOW)
    assert not loaded.is_new
    assert len(loaded.learners) == 40
    assert User.objects.filter(is_demo=False).count() == 0
    for account in demo.ACCOUNTS:
        user = User.objects.get(email=account.email)
        assert user.role == account.role
        assert user.check_password(demo.PASSWORD)
        assert EmailAddress.objects.get(user=user).verified
    classmate = User.objects.get(email="demo-02@example.com")
    assert not classmate.has_usable_password()
    parts = Membership.objects.filter(cohort__is_demo=True)
    assert parts.filter(part=Membership.Part.LEARNER, cohort=loaded.cohort).count() == 40
    teaching = parts.filter(part=Membership.Part.INSTRUCTOR).values_list("user__email", flat=True)
    assert list(teaching) == ["instructor@example.com"] * 2
    terms = Cohort.objects.filter(is_demo=True).values_list("term", flat=True)
    assert set(terms) == {"Autumn 2026", "Spring 2026"}
    sat = Attempt.objects.count()
    assert sat >= 40
    demo.load(now=NOW)
    assert Attempt.objects.count() == sat


def test_the_demo_has_what_is_over_what_runs_now_and_what_is_to_come(bank: None) -> None:
    loaded = demo.load(now=NOW)

    over, running, coming = loaded.cohort.assignments.order_by("opens_at")
    given = loaded.cohort.assignments
    assert given.get(closes_at__lt=NOW) == over and given.get(opens_at__gt=NOW) == coming
    assert given.get(opens_at__lt=NOW, closes_at__gt=NOW) == running
    assert over.attempts.filter(state="scored").count() == 38 and not coming.attempts.exists()
    at_it = running.attempts.filter(state="in_progress")
    assert at_it.count() == 7 and running.attempts.filter(state="scored").count() == 10
    assert all(each.started_at < NOW < each.deadline_at for each in at_it)
    assert at_it.filter(last_seen_at__lte=NOW).count() == 7
    assert max(each.answered_so_far for each in at_it) > 1
    former = Cohort.objects.exclude(pk=loaded.cohort.pk).get()
    assert former.assignments.get().mock == over.mock

    # They end by themselves, and nobody watches a sitting of the demo for ever.
    sweeps.close_overdue(now=NOW + timedelta(hours=1))
    assert running.attempts.exclude(closed_at=None).count() == 17


def test_a_real_account_with_a_demo_address_is_left_alone(bank: None) -> None:
    mine = make_user("Real", email="admin@example.com", role=Role.LEARNER)
    demo.load(now=NOW)
    mine.refresh_from_db()
    assert (mine.role, mine.is_demo, mine.check_password("secret")) == (Role.LEARNER, False, True)
    assert not Membership.objects.filter(user=mine).exists()


def test_removing_the_demo_leaves_everybody_else_and_their_statistics(bank: None) -> None:
    from exams import simulation

    ana = make_user("Ana")
    simulation.load_history([ana], now=NOW)
    population.fold(now=NOW)
    before = statistics()
    own = Attempt.objects.count()
    loaded = demo.load(now=NOW)
    assert statistics() != before
    # A real learner in the demo's cohort sits what was assigned there.
    Membership.objects.create(cohort=loaded.cohort, user=ana, part=Membership.Part.LEARNER)
    running = loaded.cohort.assignments.get(opens_at__lt=NOW, closes_at__gt=NOW)
    mine = simulation.simulate_running(
        simulation.Simulant.of(ana), running, began_at=NOW - timedelta(minutes=5), now=NOW
    )
    own += 1

    removed = demo.remove(now=NOW)

    assert removed.accounts == 59
    assert removed.attempts >= 40
    assert list(User.objects.all()) == [ana]
    mine.refresh_from_db()
    assert mine.assignment is None and mine.is_open
    assert Attempt.objects.count() == own
    assert not Cohort.objects.exists()
    assert statistics() == before
    assert demo.remove(now=NOW) == demo.Removed(accounts=0, attempts=0)


def statistics() -> tuple[object, ...]:
    return (
        sorted(ItemStatistic.objects.values_list("version_id", "n", "correct")),
        sorted(MockScoreCount.objects.values_list("mock_id", "scaled_score", "n")),
    )


# ── what is shipped ──


def test_the_locks_hold_hashes_and_no_address() -> None:
    for name in ("run.txt", "dev.txt"):
        text = (ROOT / "requirements" / name).read_text()
        pins = re.findall(r"^[a-z0-9][\w.-]*==", text, flags=re.MULTILINE)
        assert len(pins) > 20
        assert text.count("==") >= len(pins)
        assert text.count("--hash=sha256:") >= len(pins)
        assert "://" not in text


def test_what_runs_is_locked() -> None:
    """Each dependency of pyproject.toml is in both locks."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[\[<>=;]", line)[0].strip().lower() for line in wanted}
    for lock in ("run.txt", "dev.txt"):
        text = (ROOT / "requirements" / lock).read_text().lower()
        assert {
            name for name in names if not re.search(rf"^{re.escape(name)}==", text, re.MULTILINE)
        } == set()


def test_the_probe_reads_the_age_of_a_file(tmp_path: Path) -> None:
    assert probe.main(["fresh", str(tmp_path), "60"]) == 1
    (tmp_path / "schedule").write_text("")
    assert probe.main(["fresh", str(tmp_path), "60"]) == 0
    long_ago = time.time() - 3600
    os.utime(tmp_path / "schedule", (long_ago, long_ago))
    assert probe.main(["fresh", str(tmp_path), "60"]) == 1
    assert probe.main(["http", "http://127.0.0.1:9/healthz"]) == 1
    assert probe.main([]) == 2


def test_the_documented_backup_holds_what_is_still_in_the_write_ahead_log(tmp_path: Path) -> None:
    [command] = re.findall(
        r"^\.venv/bin/python (-c .*backup.*)$", (ROOT / "docs/deploy.md").read_text(), re.MULTILINE
    )
    (tmp_path / "var").mkdir()
    live = sqlite3.connect(tmp_path / "var" / "cutscore.sqlite3")
    live.execute("PRAGMA journal_mode=WAL")
    with live:
        live.execute("CREATE TABLE answers (answer TEXT)")
        live.execute("INSERT INTO answers VALUES ('a')")
    subprocess.run([sys.executable, *shlex.split(command)], cwd=tmp_path, check=True)
    assert sqlite3.connect(tmp_path / "backup.sqlite3").execute("SELECT answer FROM answers").fetchall() == [
        ("a",)
    ]
