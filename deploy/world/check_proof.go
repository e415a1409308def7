// check_proof PROOF LEAF VKEY -- is this record in the log that this key signed?
//
// Only Debian's golang-golang-x-mod-dev (the code behind Go's checksum database), no code of the gateway:
// GO111MODULE=off GOPATH=/usr/share/gocode go run check_proof.go record.tlog-proof record.json 'name+hash+key'
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "check_proof:", err)
		os.Exit(1)
	}
}

func main() {
	proofFile, err := os.ReadFile(os.Args[1])
	check(err)
	leaf, err := os.ReadFile(os.Args[2])
	check(err)
	head, checkpoint, _ := bytes.Cut(proofFile, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" || len(lines) < 2 {
		check(fmt.Errorf("%s is not a tlog-proof", os.Args[1]))
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	check(err)
	var path tlog.RecordProof
	for _, line := range lines[2:] {
		var hash tlog.Hash
		raw, err := base64.StdEncoding.DecodeString(line)
		check(err)
		copy(hash[:], raw)
		path = append(path, hash)
	}

	verifier, err := note.NewVerifier(os.Args[3])
	check(err)
	signed, err := note.Open(checkpoint, note.VerifierList(verifier))
	check(err)
	text := strings.Split(signed.Text, "\n") // origin, size, root
	size, err := strconv.ParseInt(text[1], 10, 64)
	check(err)
	raw, err := base64.StdEncoding.DecodeString(text[2])
	check(err)
	var root tlog.Hash
	copy(root[:], raw)

	check(tlog.CheckRecord(path, size, root, index, tlog.RecordHash(leaf)))
	fmt.Printf("record %d is in the log of %d records that %s signed\n", index, size, verifier.Name())
}
