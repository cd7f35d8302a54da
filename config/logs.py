"""Logs for machines: one JSON object a line, with the request's id."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from config.middleware import current_request_id


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        # Django logs a 404 when the middlewares are through: its record still knows the request.
        request = getattr(record, "request", None)
        record.request_id = current_request_id.get() or getattr(request, "META", {}).get(
            "HTTP_X_REQUEST_ID", ""
        )
        return True


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := getattr(record, "request_id", ""):
            line["request_id"] = request_id
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
