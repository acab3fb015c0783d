"""Calls a live hub as an agency's system would, with code that was generated from proto/ and tokens signed here.

Prints a line per check: "ok      what" or "FAILED  what".
"""

import os
import textwrap
import time
import traceback
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor

import grpc
import jwt
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from lgsp.land.v1 import land_pb2, land_pb2_grpc
from lgsp.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from lgsp.population.v1 import population_pb2, population_pb2_grpc
from lgsp.record.v1 import record_pb2

ALL_FIELDS = ("092085000011", "Nguyễn Văn Mẫu")
MASKED = ("092190000022", "Trần Thị Thử Nghiệm")
MOVED_WARD = "093152000033"
NOT_FOUND = "092199000404"
WARD, FORMER_WARD = "31135", "31123"

TIMEOUT = 10

channel = grpc.insecure_channel(os.environ["GRPC"])
population = population_pb2_grpc.PopulationServiceStub(channel)
land = land_pb2_grpc.LandServiceStub(channel)
ledger = ledger_pb2_grpc.LedgerServiceStub(channel)

# Exchange ids of every call that was made here.
exchanges = []


def token(application, **claims):
    """Signs a token with the application's own key, as its own system would."""
    with open(f"{os.environ['DATA']}/keys/applications/{application}.pem", "rb") as file:
        key = file.read()
    now = int(time.time())
    claims = {"iss": application, "sub": application, "aud": "lgsp", "iat": now, "exp": now + 60} | claims
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": f"{application}-1"})


def metadata(application, purpose=None, **claims):
    pairs = [("authorization", f"Bearer {token(application, **claims)}")]
    if purpose:
        pairs += [("lgsp-purpose", purpose), ("lgsp-dossier", "H13.01-260601-0001")]
    return pairs


def call(method, request, application="tthc", purpose="prefill", **options):
    answer, ended = method.with_call(request, metadata=metadata(application, purpose), timeout=TIMEOUT, **options)
    note(ended.initial_metadata())
    return answer


def note(pairs):
    [exchange] = [value for key, value in pairs if key == "lgsp-exchange-id"]
    assert str(uuid.UUID(exchange)) == exchange
    exchanges.append(exchange)
    return exchange


def refusal(method, request, application="tthc", purpose="prefill", claims=None):
    """Makes a call that is not served. Returns its code and its details by their type."""
    try:
        method(request, metadata=metadata(application, purpose, **(claims or {})), timeout=TIMEOUT)
    except grpc.RpcError as error:
        exchange = note(error.trailing_metadata() or error.initial_metadata())
        details = {}
        for detail in rpc_status.from_call(error).details:
            kind = detail.type_url.rsplit(".", 1)[-1]
            details[kind] = getattr(error_details_pb2, kind)()
            assert detail.Unpack(details[kind])
        assert details["RequestInfo"].request_id == exchange
        assert details["LocalizedMessage"].locale == "vi"
        assert details["ErrorInfo"].domain == "lgsp"
        return error.code(), details
    raise AssertionError("the call was served")


def citizen(number):
    return population_pb2.GetCitizenRequest(personal_number=number)


def the_state_is_ready():
    address = os.environ["STATE"].removesuffix("/status")
    for page in ["/livez", "/readyz", "/status"]:
        with urllib.request.urlopen(address + page, timeout=TIMEOUT) as answer:
            assert answer.status == 200, page


def a_citizen_is_got_in_full():
    got = call(population.GetCitizen, citizen(ALL_FIELDS[0])).citizen
    assert got.full_name == ALL_FIELDS[1]
    assert (got.date_of_birth.year, got.date_of_birth.month, got.date_of_birth.day) == (1985, 4, 30)
    assert got.phone_number and got.old_identity_number
    assert got.provenance.synthetic and got.provenance.source


def fields_outside_the_agreement_do_not_arrive():
    got = call(population.GetCitizen, citizen(MASKED[0]), application="dvctt").citizen
    assert got.full_name == MASKED[1]
    named = {field.name for field, _ in got.ListFields()}
    granted = {"personal_number", "full_name", "date_of_birth", "sex", "permanent_address", "provenance"}
    assert named == granted, named
    assert {field.name for field, _ in got.permanent_address.ListFields()} == {"text", "ward"}


def a_moved_ward_keeps_its_old_code_and_a_birth_its_gaps():
    got = call(population.GetCitizen, citizen(MOVED_WARD)).citizen
    assert got.permanent_address.ward.code != got.permanent_address.ward.former_code != ""
    assert got.date_of_birth.year == 1952 and not got.date_of_birth.month


def claims_match_whatever_their_case_and_tone_marks():
    request = population_pb2.VerifyCitizenRequest(
        personal_number=ALL_FIELDS[0],
        full_name="NGUYỄN  văn mẫu",
        date_of_birth=record_pb2.PartialDate(year=1986),
    )
    got = call(population.VerifyCitizen, request, purpose="verify")
    assert got.full_name == record_pb2.MATCH_YES
    assert got.date_of_birth == record_pb2.MATCH_NO


def residents_are_streamed():
    sizes = []
    for ward in [WARD, FORMER_WARD]:
        request = population_pb2.ListResidentsRequest(ward_code=ward)
        stream = population.ListResidents(request, metadata=metadata("tthc", "statistics"), timeout=TIMEOUT)
        note(stream.initial_metadata())
        names = [message.resident.full_name for message in stream]
        assert ALL_FIELDS[1] in names and all(names)
        assert stream.code() == grpc.StatusCode.OK
        sizes.append(len(names))
    assert sizes[0] == sizes[1] > 1, f"an old code finds the same people: {sizes}"


def a_parcel_is_got_by_its_key_after_its_owner():
    owned = land_pb2.ListParcelsByOwnerRequest(personal_number=ALL_FIELDS[0])
    parcels = call(land.ListParcelsByOwner, owned).parcels
    assert parcels
    got = call(land.GetParcel, land_pb2.GetParcelRequest(parcel_key=parcels[0].parcel_key)).parcel
    assert got.parcel_id == parcels[0].parcel_id
    assert ALL_FIELDS[0] in [owner.personal_number for owner in got.owners]


def a_compressed_request_is_taken():
    got = call(population.GetCitizen, citizen(ALL_FIELDS[0]), compression=grpc.Compression.Gzip)
    assert got.citizen.full_name == ALL_FIELDS[1]


def answers_reach_their_own_caller():
    def ask(number):
        person = (ALL_FIELDS, MASKED)[number % 2]
        return call(population.GetCitizen, citizen(person[0])).citizen.full_name == person[1]

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(ask, range(200)))


def a_refused_purpose_tells_why():
    code, details = refusal(population.GetCitizen, citizen(ALL_FIELDS[0]), purpose="statistics")
    assert code == grpc.StatusCode.PERMISSION_DENIED
    assert details["ErrorInfo"].reason == "PURPOSE_NOT_AGREED"
    assert details["ErrorInfo"].metadata["hop"] == "gateway"
    assert "RetryInfo" not in details


def nobody_by_that_number_is_no_technical_failure():
    code, details = refusal(population.GetCitizen, citizen(NOT_FOUND))
    assert code == grpc.StatusCode.NOT_FOUND
    assert details["ErrorInfo"].metadata["hop"] == "source"


def every_violated_field_is_named():
    request = population_pb2.VerifyCitizenRequest(personal_number="12", old_identity_number="34", ward_code="x")
    code, details = refusal(population.VerifyCitizen, request)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    fields = {violation.field for violation in details["BadRequest"].field_violations}
    assert fields == {"personal_number", "old_identity_number", "ward_code"}, fields
    assert all("12" not in violation.description.split() for violation in details["BadRequest"].field_violations[1:])


def an_old_token_is_refused():
    then = int(time.time()) - 3600
    code, details = refusal(population.GetCitizen, citizen(NOT_FOUND), claims={"iat": then, "exp": then + 60})
    # What nobody vouches for is counted, and has no entry of its own.
    exchanges.pop()
    assert code == grpc.StatusCode.UNAUTHENTICATED
    assert details["ErrorInfo"].reason == "TOKEN_EXPIRED"


def every_exchange_is_in_the_log():
    missing, patience = set(exchanges), time.monotonic() + TIMEOUT
    assert len(missing) == len(exchanges) > 200
    while missing and time.monotonic() < patience:
        request = ledger_pb2.ListExchangesRequest(page_size=1000)
        got = ledger.ListExchanges(request, metadata=metadata("dieu-hanh"), timeout=TIMEOUT)
        missing -= {exchange.exchange_id for exchange in got.exchanges}
        time.sleep(0.1)
    assert not missing, f"{len(missing)} of {len(exchanges)} are missing"


CHECKS = [
    the_state_is_ready,
    a_citizen_is_got_in_full,
    fields_outside_the_agreement_do_not_arrive,
    a_moved_ward_keeps_its_old_code_and_a_birth_its_gaps,
    claims_match_whatever_their_case_and_tone_marks,
    residents_are_streamed,
    a_parcel_is_got_by_its_key_after_its_owner,
    a_compressed_request_is_taken,
    answers_reach_their_own_caller,
    a_refused_purpose_tells_why,
    nobody_by_that_number_is_no_technical_failure,
    every_violated_field_is_named,
    an_old_token_is_refused,
    every_exchange_is_in_the_log,
]


for check in CHECKS:
    name = "python: " + check.__name__.replace("_", " ")
    try:
        check()
        print(f"ok      {name}", flush=True)
    except Exception:
        print(f"FAILED  {name}")
        print(textwrap.indent(traceback.format_exc(limit=-3), "        "), flush=True)
