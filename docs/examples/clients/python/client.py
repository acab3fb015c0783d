"""Looks a citizen up by gRPC and by JSON, and meets an error and a deadline.

Needs LGSP_ADDRESS (host:port), LGSP_CA (who vouches for the gateway), LGSP_APPLICATION and LGSP_KEY (its private key).
"""

import json
import os
import ssl
import time
import urllib.error
import urllib.request

import grpc
import jwt
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from lgsp.population.v1 import population_pb2, population_pb2_grpc

ADDRESS, APPLICATION = os.environ["LGSP_ADDRESS"], os.environ["LGSP_APPLICATION"]
KNOWN, NOBODY = "092085000011", "092199000404"


def token():
    """Signed with the application's own key; good for a minute. Sign a new one before it ends, not one for each call."""
    with open(os.environ["LGSP_KEY"], "rb") as file:
        key = file.read()
    now = int(time.time())
    claims = {"iss": APPLICATION, "sub": APPLICATION, "aud": "lgsp", "iat": now, "exp": now + 60}
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": f"{APPLICATION}-1"})


METADATA = {"authorization": f"Bearer {token()}", "lgsp-purpose": "prefill", "lgsp-dossier": "H13.01-260601-0001"}

with open(os.environ["LGSP_CA"], "rb") as file:
    channel = grpc.secure_channel(ADDRESS, grpc.ssl_channel_credentials(file.read()))
population = population_pb2_grpc.PopulationServiceStub(channel)


def by_grpc(number, timeout=10):
    request = population_pb2.GetCitizenRequest(personal_number=number)
    return population.GetCitizen(request, metadata=METADATA.items(), timeout=timeout).citizen.full_name


def reason(error):
    """The hub's own reason: what to do about each is in docs/errors.md."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info.reason
    # Our own time ran out before the hub could answer.
    return error.code().name


def by_json(number, timeout_ms=10_000):
    request = urllib.request.Request(
        f"https://{ADDRESS}/lgsp.population.v1.PopulationService/GetCitizen",
        data=json.dumps({"personalNumber": number}).encode(),
        headers=METADATA | {"content-type": "application/json", "connect-timeout-ms": str(timeout_ms)},
    )
    trusted = ssl.create_default_context(cafile=os.environ["LGSP_CA"])
    # A little longer than the hub takes to say that it was too late.
    with urllib.request.urlopen(request, context=trusted, timeout=timeout_ms / 1000 + 5) as answer:
        return json.load(answer)["citizen"]["fullName"]


def reason_in_json(error):
    for detail in json.load(error).get("details", []):
        if detail["type"] == "google.rpc.ErrorInfo":
            return detail["debug"]["reason"]
    return str(error.code)


print("grpc:", by_grpc(KNOWN))
print("json:", by_json(KNOWN))
for what, number, seconds in [("error", NOBODY, 10), ("deadline", KNOWN, 0.001)]:
    try:
        by_grpc(number, seconds)
    except grpc.RpcError as error:
        print(f"grpc {what}:", reason(error))
    try:
        by_json(number, int(seconds * 1000))
    except urllib.error.HTTPError as error:
        print(f"json {what}:", reason_in_json(error))
