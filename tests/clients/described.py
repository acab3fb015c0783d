"""Holds what the hub says of its JSON face against the specification of OpenAPI.

    described.py FILE

Prints a line: "ok      what" or "FAILED  what".
"""

import json
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
problems = [f"{'/'.join(map(str, error.path))}: {error.message}"[:300] for error in OpenAPIV31SpecValidator(document).iter_errors()]
what = f"openapi: {len(document['paths'])} methods are described by OpenAPI {document['openapi']}"
print(f"FAILED  {what}" if problems else f"ok      {what}")
print("\n".join(f"        {problem}" for problem in problems[:20]), end="\n" if problems else "")
