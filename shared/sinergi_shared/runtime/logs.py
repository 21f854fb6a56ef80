"""Structured logs to standard output, one JSON object a line, from an allow-list of fields.

A field that is not listed is dropped and its name told, so that a careless log line can show ids,
codes and counts at most, never a note, a token or a coordinate (contracts, 6.6).
"""

import logging
import sys
from typing import Final

import structlog
from structlog.typing import EventDict, WrappedLogger

ALLOWED: Final = frozenset(
    {
        "event", "level", "timestamp", "service", "logger", "exception_type", "where",
        "lane", "lanes", "topic", "topics", "partition", "offset", "offsets", "count", "events", "alerts",
        "reason", "rule", "outcome", "stage", "source", "recipient", "channel", "state", "attempt",
        "thread_id", "event_id", "alert_number", "delivery_id", "policy_version", "kind",
        "seconds", "port", "servers", "signal", "setting", "path", "problem", "http_status", "dropped",
    }
)  # fmt: skip


def configure(service: str) -> None:
    """Send all logs of this process, also those of libraries, to standard output as JSON."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exception_type,
            _allowed_only(service),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    # Libraries may put values into their messages: only their names and levels are told.
    logging.basicConfig(level=logging.WARNING, handlers=[_LibraryHandler()], force=True)


def logger() -> structlog.typing.FilteringBoundLogger:
    """Return the process's logger."""
    return structlog.get_logger()  # type: ignore[no-any-return]


class _LibraryHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        logger().warning("library", logger=record.name, where=f"{record.module}:{record.lineno}")


def _exception_type(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["exception_type"] = type(error).__name__
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        if frame is not None:
            event["where"] = f"{frame.tb_frame.f_code.co_name}:{frame.tb_lineno}"
    return event


def _allowed_only(service: str) -> structlog.typing.Processor:
    def cut(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        dropped = sorted(event.keys() - ALLOWED)
        kept = {key: value for key, value in event.items() if key in ALLOWED}
        return {**kept, "service": service, **({"dropped": dropped} if dropped else {})}

    return cut
