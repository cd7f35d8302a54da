"""The headers of every reply, the id of every request, and the reader's own time."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path as url_path
from django.utils import timezone

from accounts.models import User
from config import urls
from config.logs import JsonFormatter, RequestIdFilter
from config.middleware import CONTENT_SECURITY_POLICY, current_request_id
from tests.factories import make_user


def show_time(request: HttpRequest) -> HttpResponse:
    moment = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    return HttpResponse(timezone.localtime(moment).isoformat())


def log_something(request: HttpRequest) -> HttpResponse:
    logging.getLogger("exams.test").warning("something %s", "happened")
    return HttpResponse("ok")


urlpatterns = [*urls.urlpatterns, url_path("time", show_time), url_path("log", log_something)]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


# ── security headers ──


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/healthz", "/no/such/page", "/admin/login/"])
def test_every_reply_carries_the_policy(client: Client, path: str) -> None:
    response = client.get(path)

    assert response["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "camera=()" in response["Permissions-Policy"]
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


def test_the_policy_lets_nothing_in_that_is_not_ours() -> None:
    directives = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))

    assert directives["default-src"] == "'none'"
    assert set(directives.values()) <= {"'none'", "'self'", "'self' data:"}
    assert directives["script-src"] == directives["style-src"] == directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/accounts/signup/", "/no/such/page"])
def test_no_page_has_inline_style_script_or_handler(client: Client, path: str) -> None:
    html = client.get(path).content.decode()

    assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=|javascript:", html)
    for attributes, body in re.findall(r"<script\b([^>]*)>(.*?)</script>", html, re.DOTALL):
        assert not body.strip() or 'type="application/json"' in attributes


# ── the request's id ──


def test_each_request_gets_an_id_of_its_own(client: Client) -> None:
    first, second = (client.get("/healthz")["X-Request-ID"] for _ in range(2))

    assert re.fullmatch(r"[0-9a-f]{32}", first)
    assert first != second


def test_a_proxys_id_is_kept(client: Client) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "abc-123"})["X-Request-ID"] == "abc-123"


@pytest.mark.parametrize("given", ["", "a b", "a" * 65, 'x"y', "ü", "a;b", "<script>"])
def test_an_id_that_could_do_harm_is_replaced(client: Client, given: str) -> None:
    assert re.fullmatch(
        r"[0-9a-f]{32}", client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"]
    )


def test_a_log_line_carries_the_id_of_its_request(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(keep_id := RequestIdFilter())
    try:
        client.get("/log", headers={"X-Request-ID": "abc-123"})
        client.get("/no/such/page", headers={"X-Request-ID": "def-456"})
    finally:
        caplog.handler.removeFilter(keep_id)

    ids = {record.name: getattr(record, "request_id", None) for record in caplog.records}
    assert ids["exams.test"] == "abc-123"
    assert ids["django.request"] == "def-456"
    assert current_request_id.get() == ""


# ── JSON log lines ──


def record(message: str, *arguments: object, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("exams.sweeps", logging.WARNING, __file__, 1, message, arguments, None)
    made.__dict__.update(fields)
    return made


def test_a_log_line_is_one_json_object() -> None:
    line = JsonFormatter().format(
        record("closed %d\nof “%s”", 3, "Ana", request_id="abc", created=1_790_000_000.25)
    )

    assert "\n" not in line
    assert json.loads(line) == {
        "at": datetime.fromtimestamp(1_790_000_000.25, UTC).isoformat(timespec="milliseconds"),
        "level": "warning",
        "logger": "exams.sweeps",
        "message": "closed 3\nof “Ana”",
        "request_id": "abc",
    }


def test_a_log_line_outside_of_a_request_has_no_id() -> None:
    assert "request_id" not in json.loads(JsonFormatter().format(record("x", request_id="")))


def test_an_exception_is_in_its_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError as error:
        line = JsonFormatter().format(record("x", exc_info=(ValueError, error, error.__traceback__)))

    assert "\n" not in line
    assert "ValueError: broken" in json.loads(line)["exception"]


# ── the reader's time ──


def test_times_are_in_the_readers_zone(client: Client) -> None:
    client.force_login(make_user(time_zone="America/New_York"))

    assert client.get("/time").content == b"2026-07-01T08:00:00-04:00"


def test_a_visitor_reads_utc(client: Client) -> None:
    assert client.get("/time").content == b"2026-07-01T12:00:00+00:00"


def test_one_readers_zone_does_not_reach_the_next(client: Client, ana: User) -> None:
    client.force_login(make_user(time_zone="Asia/Tokyo"))
    client.get("/time")
    client.force_login(ana)

    assert client.get("/time").content == b"2026-07-01T12:00:00+00:00"
