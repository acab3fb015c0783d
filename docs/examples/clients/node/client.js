// Looks a citizen up by gRPC and by JSON, and meets an error and a deadline.
//
// Needs LGSP_ADDRESS (host:port), LGSP_CA (who vouches for the gateway), LGSP_APPLICATION and LGSP_KEY (its private key), and LGSP_PROTO
// (the folder of the hub's contracts). fetch trusts whom NODE_EXTRA_CA_CERTS names: the same file.
import { createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const { LGSP_ADDRESS: address, LGSP_CA: ca, LGSP_APPLICATION: application, LGSP_KEY: key, LGSP_PROTO: contracts } = process.env;
const KNOWN = "092085000011";
const NOBODY = "092199000404";

// Signed with the application's own key; good for a minute. Sign a new one before it ends, not one for each call.
function token() {
  const encoded = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const header = { alg: "EdDSA", kid: `${application}-1` };
  const claims = { iss: application, sub: application, aud: "lgsp", iat: now, exp: now + 60 };
  const signed = `${encoded(header)}.${encoded(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), createPrivateKey(readFileSync(key))).toString("base64url")}`;
}

const said = { authorization: `Bearer ${token()}`, "lgsp-purpose": "prefill", "lgsp-dossier": "H13.01-260601-0001" };

const files = ["lgsp/population/v1/population.proto", "google/rpc/status.proto", "google/rpc/error_details.proto"];
const contract = loadSync(files, { includeDirs: [contracts] });
const { PopulationService } = grpc.loadPackageDefinition(contract).lgsp.population.v1;
const population = new PopulationService(address, grpc.credentials.createSsl(readFileSync(ca)));

function byGrpc(number, milliseconds = 10_000) {
  const metadata = new grpc.Metadata();
  Object.entries(said).forEach(([name, value]) => metadata.set(name, value));
  const deadline = Date.now() + milliseconds;
  return new Promise((resolve, reject) => {
    population.GetCitizen({ personalNumber: number }, metadata, { deadline }, (error, answer) =>
      error ? reject(error) : resolve(answer.citizen.fullName),
    );
  });
}

// The hub's own reason: what to do about each is in docs/errors.md.
function reason(error) {
  const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
  // Without, our own time ran out before the hub could answer.
  if (!bytes) return grpc.status[error.code];
  const { details } = contract["google.rpc.Status"].deserialize(bytes);
  const info = details.find((detail) => detail.type_url.endsWith("/google.rpc.ErrorInfo"));
  return contract["google.rpc.ErrorInfo"].deserialize(info.value).reason;
}

async function byJson(number, milliseconds = 10_000) {
  const answer = await fetch(`https://${address}/lgsp.population.v1.PopulationService/GetCitizen`, {
    method: "POST",
    headers: { ...said, "content-type": "application/json", "connect-timeout-ms": String(milliseconds) },
    body: JSON.stringify({ personalNumber: number }),
    // A little longer than the hub takes to say that it was too late.
    signal: AbortSignal.timeout(milliseconds + 5_000),
  });
  const told = await answer.json();
  if (answer.ok) return told.citizen.fullName;
  const info = told.details?.find((detail) => detail.type === "google.rpc.ErrorInfo");
  throw new Error(info?.debug.reason ?? told.code);
}

console.log("grpc:", await byGrpc(KNOWN));
console.log("json:", await byJson(KNOWN));
for (const [what, number, milliseconds] of [["error", NOBODY, 10_000], ["deadline", KNOWN, 1]]) {
  await byGrpc(number, milliseconds).catch((error) => console.log(`grpc ${what}:`, reason(error)));
  await byJson(number, milliseconds).catch((error) => console.log(`json ${what}:`, error.message));
}
population.close();
