"""The records of docs/protocol.md as bytes: what their MAC covers, what a request holds, what a reply says."""

import hashlib
import hmac
import time
from dataclasses import dataclass

from google.rpc import error_details_pb2, status_pb2

MOST_HEADERS, MOST_HEADER_BYTES = 64, 48 * 1024

# Reasons that a provider may give, with their gRPC codes.
REASONS = {
    "MALFORMED": 3,
    "INVALID_FIELD": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "ANSWER_TOO_LARGE": 8,
    "STREAM_TOO_LONG": 8,
    "ADAPTER_FAILED": 13,
    "ADAPTER_OVERLOADED": 14,
    "SOURCE_UNAVAILABLE": 14,
}

# What a dead letter keeps of a request. The other headers may point to persons.
HARMLESS = ("lgsp-protocol", "lgsp-exchange-id", "lgsp-method", "lgsp-reply-to", "lgsp-deadline", "lgsp-application",
            "lgsp-purpose", "traceparent")


class Refused(Exception):
    """A record that is no request of the hub. Its text is one of ours, and quotes nothing."""


@dataclass(frozen=True)
class Request:
    exchange: str
    method: str
    reply_to: str
    reply_partition: int
    deadline_us: int
    taken_up_us: int
    application: str
    # Paths of the fields that may leave the gateway: others need not be fetched.
    fields: tuple[str, ...]
    value: bytes

    def seconds_left(self):
        return max(0, self.deadline_us - now_us()) / 1e6


def now_us():
    return time.time_ns() // 1000


def covered(name):
    return name.startswith(("lgsp-", "grpc-")) and name != "lgsp-mac"


def mac(key, kind, headers, value):
    fields = [f"lgsp 1 {kind}".encode()]
    for name, held in headers:
        if covered(name):
            fields += [name.encode(), held]
    tag = hmac.new(key, digestmod=hashlib.sha256)
    for field in [*fields, value]:
        tag.update(len(field).to_bytes(8, "big") + field)
    return tag.hexdigest().encode()


def read_headers(record):
    try:
        headers = [(name, held or b"") for name, held in record.headers() or []]
    except (UnicodeDecodeError, SystemError):
        raise Refused("a header's name is not text") from None
    size = sum(len(name.encode()) + len(held) for name, held in headers)
    if len(headers) > MOST_HEADERS or size > MOST_HEADER_BYTES:
        raise Refused("the headers are too large")
    names = [name for name, _ in headers if covered(name)]
    if len(names) != len(set(names)):
        raise Refused("a header is there twice")
    return headers


def read_request(key, headers, value):
    """Returns `None` for a request whose deadline is past: nobody waits for its answer."""
    held = dict(headers)
    try:
        deadline_us, taken_up_us = int(held["lgsp-deadline"]), now_us()
        if deadline_us <= taken_up_us:
            return None
        if not hmac.compare_digest(held.get("lgsp-mac", b""), mac(key, "request", headers, value)):
            raise Refused("the mac is missing or wrong")
        if held["lgsp-protocol"] != b"1":
            raise Refused("the protocol is not ours")
        text = {name: held.decode() for name, held in held.items() if covered(name)}
        return Request(
            exchange=text["lgsp-exchange-id"],
            method=text["lgsp-method"],
            reply_to=text["lgsp-reply-to"],
            reply_partition=int(text["lgsp-reply-to"].split("/")[0]),
            deadline_us=deadline_us,
            taken_up_us=taken_up_us,
            application=text["lgsp-application"],
            fields=tuple(filter(None, text.get("lgsp-fields", "").split(","))),
            value=value,
        )
    except (KeyError, ValueError):
        raise Refused("a header is missing or not acceptable") from None


def reply_headers(key, request, sequence, holds, value, instance, version, end):
    told = {
        "lgsp-protocol": 1,
        "lgsp-exchange-id": request.exchange,
        "lgsp-reply-to": request.reply_to,
        "lgsp-sequence": sequence,
        "lgsp-value": holds,
        "lgsp-adapter": instance,
        "lgsp-version": version,
        "lgsp-taken-up": request.taken_up_us,
        "lgsp-answered": now_us(),
    }
    headers = [(name, str(held).encode()) for name, held in told.items()] + end
    return [*headers, ("lgsp-mac", mac(key, "reply", headers, value))]


def end(code, details=None):
    """The headers of the last record. Details are a `google.rpc.Status`."""
    headers = [("lgsp-end", b"1"), ("grpc-status", str(code).encode())]
    return headers + ([("grpc-status-details-bin", details)] if details else [])


def failed(reason):
    """The same for a reason. The gateway makes the text that the caller reads."""
    status = status_pb2.Status(code=REASONS[reason])
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=reason, domain="lgsp"))
    return end(status.code, status.SerializeToString())


def dead_letter_headers(key, record, headers, value, cause, instance):
    """Tells of a request that could not be processed, without its value."""
    kept = [(name, held) for name, held in headers if name in HARMLESS and len(held) <= 128 and is_graphic(held)]
    told = {
        "lgsp-cause": cause,
        "lgsp-topic": record.topic(),
        "lgsp-partition": record.partition(),
        "lgsp-offset": record.offset(),
        "lgsp-digest": mac(key, "dead letter", [], value).decode(),
        "lgsp-size": len(value),
        "lgsp-adapter": instance,
    }
    return kept + [(name, str(held).encode()) for name, held in told.items()]


def is_graphic(held):
    return all(0x21 <= byte <= 0x7E for byte in held)
