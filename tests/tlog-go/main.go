// tlog-go verifies a transparency log with the libraries of others: golang.org/x/mod/sumdb, by which Go's checksum
// database is verified, and filippo.io/torchwood, by which witnesses are run. Nothing of it is ours but the order.
//
//	tlog-go [-witness VKEY]… [-old FILE]… [-proof FILE]… [-every N] BASE VKEY
//
// BASE is a folder or URL below which the log is laid out as c2sp.org/tlog-tiles says, VKEY the log's key. Verified are the
// checkpoint and its cosignatures by each of the witnesses, all tiles, all entries, the inclusion of every N-th one, that the
// log goes on each older checkpoint, and files by c2sp.org/tlog-proof whose extra data is the entry. The first thing that
// does not hold is said in a sentence, and the exit code is 1.
package main

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	maxResource = 32 << 20
	patience    = 30 * time.Second
)

// several is a flag that may be given more than once.
type several []string

func (s *several) String() string         { return strings.Join(*s, " ") }
func (s *several) Set(value string) error { *s = append(*s, value); return nil }

func main() {
	var witnesses, olds, proofs several
	flag.Var(&witnesses, "witness", "vkey of a witness that must have cosigned; may be repeated")
	flag.Var(&olds, "old", "file of an older checkpoint; may be repeated")
	flag.Var(&proofs, "proof", "file of a proof; may be repeated")
	every := flag.Int64("every", 1, "verify the inclusion of every N-th entry")
	flag.Parse()
	if flag.NArg() != 2 || *every < 1 {
		flag.Usage()
		os.Exit(64)
	}
	said, err := verify(flag.Arg(0), flag.Arg(1), witnesses, olds, proofs, *every)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tlog-go:", err)
		os.Exit(1)
	}
	fmt.Println(said)
}

func verify(base, vkey string, witnesses, olds, proofs []string, every int64) (string, error) {
	keys, err := newKeys(vkey, witnesses)
	if err != nil {
		return "", err
	}
	log := &reader{base: base}
	signed, err := log.read("checkpoint")
	if err != nil {
		return "", err
	}
	checkpoint, err := keys.open(signed)
	if err != nil {
		return "", fmt.Errorf("the checkpoint: %w", err)
	}
	hashes := tlog.TileHashReader(checkpoint.Tree, log)
	if err := verifyEntries(log, checkpoint.Tree, hashes, every); err != nil {
		return "", err
	}
	for _, file := range olds {
		if err := verifyOld(file, keys, checkpoint.Tree, hashes); err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
	}
	for _, file := range proofs {
		if err := verifyProof(file, keys); err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
	}
	return fmt.Sprintf("ok: %d entries, %d tiles, %d older checkpoints, %d proofs, %d witnesses",
		checkpoint.N, len(log.tiles), len(olds), len(proofs), len(witnesses)), nil
}

// keys are the log's and those of the witnesses, all of which must have signed.
type keys struct {
	log       note.Verifier
	witnesses []note.Verifier
}

func newKeys(vkey string, witnesses []string) (*keys, error) {
	log, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("the log's key: %w", err)
	}
	keys := &keys{log: log}
	for _, vkey := range witnesses {
		witness, err := newWitness(vkey)
		if err != nil {
			return nil, fmt.Errorf("the witness's key %s: %w", vkey, err)
		}
		keys.witnesses = append(keys.witnesses, witness)
	}
	return keys, nil
}

// publicOnly is what this version of torchwood makes a verifier of.
type publicOnly ed25519.PublicKey

func (p publicOnly) Public() crypto.PublicKey { return ed25519.PublicKey(p) }
func (p publicOnly) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("there is no private key")
}

func newWitness(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("it is not NAME+ID+BASE64")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return nil, errors.New("it is no key of cosignature/v1")
	}
	signer, err := torchwood.NewCosignatureSigner(parts[0], publicOnly(key[1:]))
	if err != nil {
		return nil, err
	}
	if signer.Verifier().String() != vkey {
		return nil, errors.New("its id does not follow from name and key")
	}
	return signer.Verifier(), nil
}

// open verifies a checkpoint's signatures: the log's, and those of all witnesses.
func (k *keys) open(signed []byte) (*torchwood.Checkpoint, error) {
	opened, err := note.Open(signed, note.VerifierList(append([]note.Verifier{k.log}, k.witnesses...)...))
	if err != nil {
		return nil, err
	}
	for _, verifier := range append([]note.Verifier{k.log}, k.witnesses...) {
		if !hasSigned(opened, verifier) {
			return nil, fmt.Errorf("%s has not signed", verifier.Name())
		}
	}
	checkpoint, err := torchwood.ParseCheckpoint(opened.Text)
	if err != nil {
		return nil, err
	}
	if checkpoint.Origin != k.log.Name() {
		return nil, fmt.Errorf("it is of %s, and the key of %s", checkpoint.Origin, k.log.Name())
	}
	return &checkpoint, nil
}

func hasSigned(opened *note.Note, verifier note.Verifier) bool {
	for _, signature := range opened.Sigs {
		if signature.Name == verifier.Name() && signature.Hash == verifier.KeyHash() {
			return true
		}
	}
	return false
}

// verifyEntries reads every tile by every hash of its leaves, every entry, and proves every N-th one.
func verifyEntries(log *reader, tree tlog.Tree, hashes tlog.HashReader, every int64) error {
	for index := int64(0); index*torchwood.TileWidth < tree.N; index++ {
		first := index * torchwood.TileWidth
		width := min(torchwood.TileWidth, tree.N-first)
		indexes := make([]int64, width)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		leaves, err := hashes.ReadHashes(indexes)
		if err != nil {
			return fmt.Errorf("the tiles of the entries from %d on: %w", first, err)
		}
		if err := verifyBundle(log, index, leaves); err != nil {
			return err
		}
		for i, leaf := range leaves {
			if at := first + int64(i); at%every == 0 {
				if err := verifyInclusion(tree, hashes, at, leaf); err != nil {
					return fmt.Errorf("the inclusion of entry %d: %w", at, err)
				}
			}
		}
	}
	return nil
}

func verifyBundle(log *reader, index int64, leaves []tlog.Hash) error {
	path := torchwood.TilePath(tlog.Tile{H: torchwood.TileHeight, L: -1, N: index, W: len(leaves)})
	rest, err := log.read(path)
	if err != nil {
		return err
	}
	for i, leaf := range leaves {
		var entry []byte
		if entry, rest, err = torchwood.ReadTileEntry(rest); err != nil {
			return fmt.Errorf("%s, entry %d of it: %w", path, i, err)
		}
		if tlog.RecordHash(entry) != leaf {
			return fmt.Errorf("%s, entry %d of it: it has not the hash that the tile has", path, i)
		}
	}
	if len(rest) != 0 {
		return fmt.Errorf("%s: it goes on after its last entry", path)
	}
	return nil
}

func verifyInclusion(tree tlog.Tree, hashes tlog.HashReader, at int64, leaf tlog.Hash) error {
	proof, err := tlog.ProveRecord(tree.N, at, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, at, leaf)
}

func verifyOld(file string, of *keys, tree tlog.Tree, hashes tlog.HashReader) error {
	signed, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	// Witnesses may have come later.
	log := keys{log: of.log}
	old, err := log.open(signed)
	if err != nil {
		return err
	}
	if old.N > tree.N {
		return fmt.Errorf("it has %d entries, and the log %d", old.N, tree.N)
	}
	if old.N == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(tree.N, old.N, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return fmt.Errorf("the log does not go on it: %w", err)
	}
	return nil
}

// verifyProof reads a file as c2sp.org/tlog-proof has it.
func verifyProof(file string, keys *keys) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, signed, found := bytes.Cut(content, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("it is no proof with extra data")
	}
	extra, isExtra := strings.CutPrefix(lines[1], "extra ")
	entry, err := base64.StdEncoding.DecodeString(extra)
	if !isExtra || err != nil {
		return errors.New("its second line is no extra data")
	}
	number, isIndex := strings.CutPrefix(lines[2], "index ")
	index, err := strconv.ParseInt(number, 10, 64)
	if !isIndex || err != nil {
		return errors.New("its third line is no index")
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	checkpoint, err := keys.open(signed)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, checkpoint.N, checkpoint.Hash, index, tlog.RecordHash(entry))
}

// reader reads the log's resources, from a folder or over HTTP.
type reader struct {
	base  string
	tiles map[tlog.Tile][]byte
}

func (r *reader) Height() int { return torchwood.TileHeight }

func (r *reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		read, ok := r.tiles[tile]
		if !ok {
			var err error
			if read, err = r.read(torchwood.TilePath(tile)); err != nil {
				return nil, err
			}
		}
		data[i] = read
	}
	return data, nil
}

// SaveTiles is told which tiles are verified.
func (r *reader) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	if r.tiles == nil {
		r.tiles = make(map[tlog.Tile][]byte)
	}
	for i, tile := range tiles {
		r.tiles[tile] = data[i]
	}
}

func (r *reader) read(path string) ([]byte, error) {
	if !strings.HasPrefix(r.base, "http://") && !strings.HasPrefix(r.base, "https://") {
		return os.ReadFile(filepath.Join(r.base, filepath.FromSlash(path)))
	}
	client := http.Client{Timeout: patience}
	response, err := client.Get(strings.TrimSuffix(r.base, "/") + "/" + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, maxResource))
}
