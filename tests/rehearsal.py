"""Learners over HTTP against a real site, and what must hold when they are through."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.cookies import SimpleCookie
from typing import Any

from exams.closing import receipt_digest
from questions.content import QuestionContent
from tests import processes
from tests.processes import Site, wait_for

ITEMS = 10
PASSWORD = "secret-of-faults"


@dataclass
class Learner:
    """A learner's browser over HTTP: it holds on to an answer until it is acknowledged, as the player does."""

    site: Site
    email: str
    cookies: dict[str, str] = field(default_factory=dict)
    attempt: str = ""
    slots: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: dict[int, tuple[int, Any]] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None, *, form: bool = False) -> tuple[int, Any, str]:
        """Status, JSON (or text) and Location; status 0 where no reply came."""
        host = f"localhost:{self.site.port}"
        headers = {
            "Host": host,
            "X-Forwarded-Proto": "https",
            "Referer": f"https://{host}/",
            "Accept": "text/html" if form else "application/json",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "X-CSRFToken": self.cookies.get("csrftoken", ""),
        }
        data = None
        if body is not None:
            kind = "x-www-form-urlencoded" if form else "json"
            headers["Content-Type"] = f"application/{kind}"
            data = body if form else json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=20)
        try:
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return 0, None, ""
        finally:
            connection.close()
        for value in response.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(value).items():
                self.cookies[name] = morsel.value
        try:
            said = json.loads(text)
        except ValueError:
            said = text
        return response.status, said, response.headers.get("Location", "")

    def sign_in(self) -> None:
        self.ask("GET", "/accounts/login/")
        token = self.cookies["csrftoken"]
        body = f"csrfmiddlewaretoken={token}&login={self.email.replace('@', '%40')}&password={PASSWORD}"
        status, _, location = self.ask("POST", "/accounts/login/", body, form=True)
        assert (status, location) == (302, "/"), status

    def start(self, mock_id: int) -> None:
        status, _, location = self.ask("POST", f"/mocks/{mock_id}/start/", {})
        assert status == 302, status
        self.attempt = location.split("/")[2]
        self.slots = self.read()["slots"]

    def read(self, rest: str = "") -> Any:
        status, body, _ = self.ask("GET", f"/attempts/{self.attempt}/{rest}")
        assert status == 200, (status, body)
        return body

    def save(self, slot: int, revision: int, answer: Any) -> int:
        path = f"/attempts/{self.attempt}/responses/{slot}/"
        status, body, _ = self.ask("POST", path, {"answer": answer, "revision": revision})
        self.statuses.append(status)
        if status == 200:
            assert (body["slot"], body["revision"]) == (slot, revision)
            self.acknowledged[slot] = (revision, answer)
        return status

    def is_saved(self, slot: int, revision: int, answer: Any) -> bool:
        return self.save(slot, revision, answer) == 200

    def answer_to(self, slot: int, revision: int) -> Any:
        """Some well-formed answer, another at each revision."""
        row = self.slots[slot - 1]
        options, turn = sorted(row["options"]), revision % len(row["options"])
        turned = options[turn:] + options[:turn]
        return {
            "multiple_choice": turned[0],
            "multiple_response": sorted(turned[:2]),
            "ordering": turned,
            "matching": {prompt: turned[0] for prompt in row["prompts"]},
        }[row["type"]]

    def keep_answering(self, enough: Callable[[], bool]) -> None:
        """One change after the other; what isn't acknowledged is sent again, with the same revision."""
        change = 0
        while not enough():
            slot, revision = change % ITEMS + 1, change // ITEMS + 1
            answer = self.answer_to(slot, revision)
            wait_for(partial(self.is_saved, slot, revision, answer), what="an acknowledgement")
            change += 1

    def submit(self) -> dict[str, Any]:
        """The receipt; asked for again while no reply comes."""
        receipts: list[dict[str, Any]] = []

        def submitted() -> bool:
            status, body, _ = self.ask("POST", f"/attempts/{self.attempt}/submit/", {})
            if status == 200:
                receipts.append(body["receipt"])
            return status == 200

        wait_for(submitted, what="a receipt")
        return receipts[0]


@contextmanager
def answering(learners: Sequence[Learner], *, at_least: int = 8) -> Iterator[None]:
    """All learners answer all the while; before and after the body each has had `at_least` more saves taken."""
    is_enough = threading.Event()
    errors: list[BaseException] = []

    def work(learner: Learner) -> None:
        try:
            learner.keep_answering(is_enough.is_set)
        except BaseException as error:  # noqa: BLE001 told in the test's own thread
            errors.append(error)

    def taken() -> list[int]:
        return [learner.statuses.count(200) for learner in learners]

    def has_gone_on(before: Sequence[int]) -> bool:
        return bool(errors) or all(now - then >= at_least for now, then in zip(taken(), before, strict=True))

    threads = [threading.Thread(target=work, args=(learner,), daemon=True) for learner in learners]
    before = taken()
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: has_gone_on(before), what="answers before the fault")
        yield
        before = taken()
        wait_for(lambda: has_gone_on(before), seconds=60, what="answers after the fault")
    finally:
        is_enough.set()
        for thread in threads:
            thread.join(60)
    assert not errors, errors


def failures(learners: Sequence[Learner]) -> list[int]:
    return [status for learner in learners for status in learner.statuses if status != 200]


# ── what must hold ──


def assert_kept(site: Site, learners: Sequence[Learner], *, seconds: float = 60) -> None:
    """Scored by itself; every acknowledged answer in receipt and result; once each; nothing open."""
    attempts = [learner.attempt for learner in learners]
    with site.database() as database:
        wait_for(lambda: states(database, attempts) == {"scored"}, seconds=seconds, what="all to be scored")
        for learner in learners:
            _assert_kept(database, learner)


def _assert_kept(database: processes.Database, learner: Learner) -> None:
    rows = database.execute(
        "SELECT r.slot, r.revision, r.answer, r.is_correct, r.is_scored, v.content"
        " FROM exams_response r JOIN questions_questionversion v ON v.id = r.version_id"
        " WHERE r.attempt_id = %s ORDER BY r.slot",
        [learner.attempt],
    ).fetchall()
    stored = {slot: (revision, answer) for slot, revision, answer, *_ in rows}
    for slot, acknowledged in learner.acknowledged.items():
        # A save whose reply was lost may be stored above the last acknowledged one; never the other way.
        assert stored[slot][0] >= acknowledged[0], (slot, stored[slot], acknowledged)
        if stored[slot][0] == acknowledged[0]:
            assert stored[slot] == acknowledged
    [(digest, answered)] = database.execute(
        "SELECT digest, answered_count FROM exams_attempt WHERE id = %s", [learner.attempt]
    ).fetchall()
    assert digest == receipt_digest([(slot, revision, answer) for slot, revision, answer, *_ in rows])
    assert answered == sum(answer is not None for _, _, answer, *_ in rows)
    right = [QuestionContent.from_json(content).key == answer for _, _, answer, _, _, content in rows]
    assert [is_correct for _, _, _, is_correct, *_ in rows] == right
    results = database.execute(
        "SELECT correct FROM exams_result WHERE attempt_id = %s", [learner.attempt]
    ).fetchall()
    assert results == [(sum(right),)]
    log = database.execute(
        "SELECT kind, count(*) FROM exams_attemptevent WHERE attempt_id = %s AND kind IN ('started', 'closed', 'scored')"
        " GROUP BY kind",
        [learner.attempt],
    ).fetchall()
    assert dict(log) == {"started": 1, "closed": 1, "scored": 1}
    seen = database.execute(
        "SELECT sum(e.seen) FROM exams_evidence e JOIN exams_attempt a ON a.learner_id = e.learner_id WHERE a.id = %s",
        [learner.attempt],
    ).fetchall()
    assert seen == [(len([r for r in rows if r[1] > 0]),)]


def states(database: processes.Database, attempts: Sequence[str]) -> set[str]:
    rows = database.execute(
        "SELECT DISTINCT state FROM exams_attempt WHERE id = ANY(%s::uuid[])", [list(attempts)]
    )
    return {state for (state,) in rows}
