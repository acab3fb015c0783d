"""Verifies a transparency log with tlog-scales, a library of others in Python; the order alone is ours.

    verify.py [--witness VKEY]… [--old FILE]… [--every N] BASE VKEY

BASE is a folder (absolute) or URL below which the log is laid out as c2sp.org/tlog-tiles says, VKEY the log's key. Verified are
the checkpoint and its cosignatures by each of the witnesses, the root of the tiles, all entries, the inclusion of every N-th
one, and that the log goes on each older checkpoint. What does not hold is said, and the exit code is 1.
"""

import argparse
import sys
from pathlib import Path

from tlog_scales import backend, signing, tiles
from tlog_scales.reader import TilesReader
from tlog_scales.tlog import Checkpoint


def verify(arguments: argparse.Namespace) -> str:
    log_key, witnesses = key(arguments.vkey, 1), [key(witness, 4) for witness in arguments.witness]
    reader = TilesReader(backend.make_backend(arguments.base))
    checkpoint = reader.get_checkpoint()
    for signer in [log_key, *witnesses]:
        checkpoint.verify(signer)
    if checkpoint.origin != log_key.name:
        raise ValueError(f"the checkpoint is of {checkpoint.origin}")
    if reader.calculate_root_hash() != checkpoint.root_hash:
        raise ValueError("the tiles make another root")
    for index in range(checkpoint.size):
        leaf = tiles.leaf_hash(reader.get_entry(index))
        if leaf != reader.mth(index, index + 1):
            raise ValueError(f"entry {index} has not the hash that the tile has")
        if index % arguments.every == 0:
            reader.get_inclusion_proof(index, checkpoint.size).check(leaf, checkpoint.root_hash)
    for file in arguments.old:
        old = Checkpoint.from_text(Path(file).read_text())
        old.verify(log_key)
        reader.get_consistency_proof(old.size, checkpoint.size).check(old.root_hash, checkpoint.root_hash)
    return f"ok: {checkpoint.size} entries, {len(arguments.old)} older checkpoints, {len(witnesses)} witnesses"


def key(vkey: str, kind: int) -> signing.Vkey:
    """The key of a text, whose id must be that of name and key."""
    read = signing.Vkey.from_string(vkey)
    if read.sig_type != kind or signing.Vkey(read.name, None, kind, read.pubkey).key_id != read.key_id:
        raise ValueError(f"{vkey} is no key of type {kind}")
    return read


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--old", action="append", default=[])
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("base")
    parser.add_argument("vkey")
    try:
        print(verify(parser.parse_args()))
    except Exception as error:  # noqa: BLE001: whatever a library finds, the log is refused
        sys.exit(f"verify.py: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
