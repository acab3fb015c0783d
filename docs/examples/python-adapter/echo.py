"""The echo service of the hub's own tests, as an adapter in Python.

    docs/examples/python-adapter/prepare target/python-adapter tests/proto
    PYTHONPATH=target/python-adapter/generated target/python-adapter/python/bin/python \\
        docs/examples/python-adapter/echo.py --brokers 127.0.0.1:9092 --key-file keys/mac/echo.key
"""

import argparse
import logging
import time
from pathlib import Path

from lgsp.echo.v1 import echo_pb2

from provider import Failure, Provider

SECRET = "secret-that-never-leaves"
COMPANION = "092300000002"


class Echo:
    def Echo(self, asked, request):
        behave(asked, request)
        return answer(asked, 0)

    def Repeat(self, asked, request):
        for number in range(asked.messages):
            behave(asked, request)
            yield answer(asked, number)
        if asked.behaviour == echo_pb2.BEHAVIOUR_LATE_ERROR:
            raise Failure("ADAPTER_FAILED")


def behave(asked, request):
    time.sleep(asked.delay_ms / 1000)
    if asked.behaviour == echo_pb2.BEHAVIOUR_HANG:
        time.sleep(request.seconds_left())
    if asked.behaviour == echo_pb2.BEHAVIOUR_SOURCE_DOWN:
        raise Failure("SOURCE_UNAVAILABLE")
    if asked.behaviour in (echo_pb2.BEHAVIOUR_PANIC, echo_pb2.BEHAVIOUR_LEAK):
        raise RuntimeError(f"{SECRET}: no row for {asked.subject}")


def answer(asked, number):
    """Holds what no agreement grants, too: what of it leaves is for the gateway to decide."""
    numbers = [asked.subject, COMPANION] if asked.subject else []
    return echo_pb2.EchoResponse(
        text=asked.text,
        payload=b"x" * asked.payload_bytes,
        secret=SECRET,
        persons=[echo_pb2.Person(personal_number=number, secret=SECRET) for number in numbers],
        number=number,
    )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Serves the echo service.")
    arguments.add_argument("--brokers", required=True)
    arguments.add_argument("--namespace", default="lgsp")
    arguments.add_argument("--key-file", required=True, type=Path)
    chosen = arguments.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    key = bytes.fromhex(chosen.key_file.read_text().strip())
    service = echo_pb2.DESCRIPTOR.services_by_name["EchoService"]
    Provider(chosen.brokers, chosen.namespace, key, service, Echo()).run()
