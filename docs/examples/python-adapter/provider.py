"""Serves one data service of the hub over Kafka, as docs/protocol.md describes it. It works on one request at a time.

Nothing here logs a value, a header that may point to a person, or the text of an exception.
"""

import logging
import secrets
import signal
import threading
import time

from confluent_kafka import Consumer, KafkaException, Producer
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from lgsp.monitor.v1 import monitor_pb2
from lgsp.options.v1 import options_pb2

import records
from records import Refused, now_us

VERSION = "0.1.0"
LONGEST_PIECE = 512 * 1024
LARGEST_MESSAGE = 4 * 1024 * 1024
UNIMPLEMENTED = 12
# Most dead letters within so many seconds: strangers may cause as many as they like.
MOST_DEAD_LETTERS, DEAD_LETTER_PERIOD = 100, 10
# After it has said that it leaves, it still takes what was sent before the gateways heard it.
FAREWELL = 0.5

log = logging.getLogger("provider")


class Failure(Exception):
    """Raised by a method with a reason of `records.REASONS`. It has no text, because text may hold anything."""


class NobodyWaits(Exception):
    """The deadline passed while the answer was under way."""


class Provider:
    """`servicer` has a function for each method that it serves: of a request and what came with it, to a message or several."""

    def __init__(self, brokers, namespace, key, service, servicer):
        domain = service.GetOptions().Extensions[options_pb2.service].domain
        self.namespace, self.domain, self.key = namespace, domain, key
        self.instance = f"adapter-{domain}-{secrets.token_hex(4)}"
        self.methods = {
            f"/{service.full_name}/{method.name}": (method, getattr(servicer, method.name))
            for method in service.methods
            if hasattr(servicer, method.name)
        }
        self.owned, self.leaves_at, self.ended = frozenset(), None, False
        self.dead_letters, self.dead_letters_since = 0, 0
        client = {
            "bootstrap.servers": brokers,
            "allow.auto.create.topics": False,
            "socket.nagle.disable": True,
            "reconnect.backoff.ms": 50,
            "reconnect.backoff.max.ms": 500,
        }
        producer = client | {"linger.ms": 0, "message.max.bytes": 1_000_000, "max.in.flight": 5}
        # The small queue bounds what of a stream is under way.
        replies = {"acks": "all", "message.timeout.ms": 5_000, "queue.buffering.max.kbytes": 1_024}
        self.replies = Producer(producer | replies)
        self.beats = Producer(producer | {"acks": 1, "message.timeout.ms": 2_000})
        member = {
            "group.id": f"{namespace}.{domain}",
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 1_500,
            "max.poll.interval.ms": 60_000,
            "auto.offset.reset": "earliest",
            # What is stored, once its reply is out, is committed in the background.
            "enable.auto.offset.store": False,
            "auto.commit.interval.ms": 200,
        }
        self.consumer = Consumer(client | member)

    def run(self):
        """Serves until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.leave())
        heartbeats = threading.Thread(target=self.send_heartbeats)
        heartbeats.start()
        topic = f"{self.namespace}.request.{self.domain}"
        self.consumer.subscribe([topic], on_assign=self.assigned, on_revoke=self.revoked, on_lost=self.revoked)
        try:
            while self.leaves_at is None or time.monotonic() < self.leaves_at:
                record = self.consumer.poll(0.1)
                if record is not None and record.error() is None:
                    self.take_up(record)
                    self.done(record)
        finally:
            # Commits what is stored, and leaves the group.
            self.consumer.close()
            self.ended = True
            heartbeats.join()

    def leave(self):
        self.leaves_at = self.leaves_at or time.monotonic() + FAREWELL

    # -- requests

    def take_up(self, record):
        value, headers, request = record.value() or b"", [], None
        try:
            headers = records.read_headers(record)
            request = records.read_request(self.key, headers, value)
            if request is not None:
                self.serve(request)
        except Refused as refused:
            # A stranger gets no reply: its reply address proves nothing.
            log.warning("request refused: partition=%d offset=%d: %s", record.partition(), record.offset(), refused)
            self.dead_letter(record, headers, value, str(refused))
        except NobodyWaits:
            log.info("deadline passed while the service worked: exchange=%s", request.exchange)
        except Exception as error:
            exchange = request.exchange if request else "none"
            log.error("service failed: exchange=%s %s", exchange, type(error).__name__)
            self.dead_letter(record, headers, value, "the service panicked")

    def serve(self, request):
        answer = Answer(self, request)
        if request.method not in self.methods:
            return answer.end(records.end(UNIMPLEMENTED))
        method, function = self.methods[request.method]
        try:
            message = GetMessageClass(method.input_type).FromString(request.value)
            if not method.server_streaming:
                return answer.only(function(message, request))
            limits = method.GetOptions().Extensions[options_pb2.method]
            for each in function(message, request):
                answer.message(each, limits)
            answer.end(records.end(0))
        except DecodeError:
            answer.end(records.failed("MALFORMED"))
        except Failure as failure:
            answer.end(records.failed(failure.args[0]))
        except NobodyWaits:
            raise
        except Exception:
            answer.end(records.failed("ADAPTER_FAILED"))
            raise

    def done(self, record):
        """Reply first, commit after: a crash in between repeats the request, and the gateway drops the second reply."""
        self.replies.flush(5)
        try:
            self.consumer.store_offsets(record)
        except KafkaException:
            log.info("another instance owns the partition now: partition=%d", record.partition())

    def dead_letter(self, record, headers, value, cause):
        now = time.monotonic()
        if now - self.dead_letters_since >= DEAD_LETTER_PERIOD:
            self.dead_letters, self.dead_letters_since = 0, now
        self.dead_letters += 1
        if self.dead_letters <= MOST_DEAD_LETTERS:
            told = records.dead_letter_headers(self.key, record, headers, value, cause, self.instance)
            self.replies.produce(f"{self.namespace}.dead-letter", partition=0, headers=told)

    # -- membership and heartbeats

    def assigned(self, _, partitions):
        self.owned |= {partition.partition for partition in partitions}

    def revoked(self, _, partitions):
        self.owned -= {partition.partition for partition in partitions}

    def send_heartbeats(self):
        """Every second, and at once when there is something to tell."""
        told, due, sent_us = None, 0, 0
        try:
            while not self.ended:
                state = (self.owned, self.leaves_at is not None)
                if state != told or time.monotonic() >= due:
                    told, due, sent_us = state, time.monotonic() + 1, max(now_us(), sent_us + 1)
                    self.send_heartbeat(*state, sent_us)
                self.beats.poll(0.02)
            self.beats.flush(0.5)
        finally:
            # Who is not heard is not called.
            self.leave()

    def send_heartbeat(self, owned, leaving, sent_us):
        heartbeat = monitor_pb2.Heartbeat(
            instance=self.instance,
            role="adapter",
            domain=self.domain,
            version=VERSION,
            sent_us=sent_us,
            partitions=sorted(owned),
            leaving=leaving,
        )
        value = heartbeat.SerializeToString()
        headers = [("lgsp-mac", records.mac(self.key, "heartbeat", [], value))]
        topic = f"{self.namespace}.heartbeat"
        self.beats.produce(topic, partition=0, key=self.instance, value=value, headers=headers)


class Answer:
    """Writes the records of one answer, in order."""

    def __init__(self, provider, request):
        self.provider, self.request = provider, request
        self.sequence = self.messages = self.bytes = 0

    def only(self, message):
        """The message of a unary answer, together with its good end."""
        self.pieces(encoded(message), records.end(0))

    def message(self, message, limits):
        """A message of a stream."""
        value = encoded(message)
        self.messages, self.bytes = self.messages + 1, self.bytes + len(value)
        if self.messages > limits.max_stream_messages or self.bytes > limits.max_stream_bytes:
            raise Failure("STREAM_TOO_LONG")
        self.pieces(value, [])

    def end(self, headers):
        self.record("none", b"", headers)

    def pieces(self, value, end):
        while len(value) > LONGEST_PIECE:
            self.record("piece", value[:LONGEST_PIECE], [])
            value = value[LONGEST_PIECE:]
        self.record("message", value, end)

    def record(self, holds, value, end):
        to, request = self.provider, self.request
        headers = records.reply_headers(to.key, request, self.sequence, holds, value, to.instance, VERSION, end)
        while request.seconds_left() > 0:
            try:
                to.replies.produce(f"{to.namespace}.reply", partition=request.reply_partition, value=value, headers=headers)
                self.sequence += 1
                return
            except BufferError:
                to.replies.poll(0.01)
        raise NobodyWaits


def encoded(message):
    value = message.SerializeToString()
    if len(value) > LARGEST_MESSAGE:
        raise Failure("ANSWER_TOO_LARGE")
    return value
