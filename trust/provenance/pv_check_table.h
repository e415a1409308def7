/* pv_check_table.h -- what a log and its proofs must be, in the words of the standards.
 * C(number, clause, text)
 * Ids are stable for ever. The first step that fails names the finding (provenance.md 11): form of the file
 * 10x, origin 305, log lines 301, witness lines and quorum 302, tree 2xx (501 and 502 before 202), then the
 * leaves: 101, 102, 103, 204, 303, 4xx.
 */
C(101, "RFC 8785 3.2", "a leaf is one JSON object in canonical form")
C(102, "provenance.md 4.2, 4.3", "a leaf has the members of its type, each of its kind and within its limit")
C(103, "provenance.md 4.3", "a leaf holds no number of a person and no mail address")
C(104, "C2SP signed-note, tlog-checkpoint", "a note has its form, and its text is a checkpoint")
C(105, "C2SP tlog-proof, tlog-witness", "a proof has its form")
C(106, "C2SP tlog-tiles", "each tile and bundle is there and has its width")
C(107, "C2SP signed-note, tlog-policy", "a verifier key or policy has its form and is used once")
C(108, "provenance.md 3.2", "segments, frames and stored checkpoints are whole and follow each other")
C(201, "RFC 6962 2.1.1", "the path leads from the leaf to the signed root")
C(202, "RFC 6962 2.1.2", "the newer tree continues the older one")
C(203, "RFC 6962 2.1", "roots, tiles and frames agree with the hashes of the leaves")
C(204, "provenance.md 4.2", "a leaf says the index at which it stands")
C(301, "C2SP signed-note", "a known key of the log has signed, and no signature of a known key is false")
C(302, "C2SP tlog-cosignature, tlog-policy", "cosignatures are true, and enough witnesses have signed")
C(303, "provenance.md 4.3, 8", "a change of keys is signed by the old key and the new")
C(305, "C2SP tlog-checkpoint", "note, keys and segments are about the same log")
C(401, "provenance.md 6.4", "each counter goes up by one from leaf to leaf")
C(501, "provenance.md 9", "a log never gets smaller than a size that it has published")
C(502, "provenance.md 9", "there is one root for each size")
C(503, "provenance.md 9", "the log reaches the size that it has published")
C(601, "provenance.md 5", "an opening gives the commitment in the leaf")
