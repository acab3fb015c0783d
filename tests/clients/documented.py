"""Runs the commands of a document as they stand, in one shell, and looks for what stands below each.

    documented.py DOCUMENT ADDRESS

Prints a line per block: "ok      what" or "FAILED  what". The document's own address becomes ADDRESS. In what stands below, "…" is for anything.
"""

import re
import subprocess
import sys

DOCUMENTED = "127.0.0.1:50051"
MARK = "--- block {}"

document, address = sys.argv[1:]
with open(document, encoding="utf-8") as file:
    blocks = re.findall(r"^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", file.read(), re.DOTALL | re.MULTILINE)
assert blocks, "no command"

script = "".join(f"{commands}\necho; echo '{MARK.format(number)}'\n" for number, (commands, _) in enumerate(blocks))
# Commands that call without naming an address mean the same.
ours = f'lgsp() {{ if [[ $1 == service ]]; then command lgsp "$@" --grpc {address}; else command lgsp "$@"; fi; }}\n'
script = ours + script.replace(DOCUMENTED, address)
ran = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=120, errors="replace")
rest = ran.stdout
for number, (commands, expected) in enumerate(blocks):
    what = commands.strip().splitlines()[-1].strip()[:60]
    output, found, rest = rest.partition(MARK.format(number))
    missing = [
        line
        for line in (expected or "").splitlines()
        if not re.search(".*".join(map(re.escape, line.split("…"))), output, re.DOTALL)
    ]
    if found and not missing:
        print(f"ok      {document}: {what}")
    else:
        print(f"FAILED  {document}: {what}")
        print("\n".join(f"        {line}" for line in [f"lacks: {line}" for line in missing] + [output[:2000], ran.stderr[:2000]]))
