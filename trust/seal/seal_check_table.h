/* seal_check_table.h -- every check of a seal: S(id, clause, what must hold, sub-indication of a failure).
 * Indications and sub-indications: ETSI EN 319 102-1 5.1.3. Order here is by number; the order of judging is
 * that of seal_check.c.
 */
S("SEAL-01", "RFC 9651 4.2, RFC 9110 5", "the message and its seal fields follow their grammar",
  "FORMAT_FAILURE")
S("SEAL-02", "dfft-seal-v1 1", "one seal with the label eseal, list and proof together", "FORMAT_FAILURE")
S("SEAL-03", "dfft-seal-v1 5, RFC 9421 2.3", "the list carries the tag dfft-seal-v1", "FORMAT_FAILURE")
S("SEAL-04", "dfft-seal-v1 3", "every mandatory component is covered", "SIG_CONSTRAINTS_FAILURE")
S("SEAL-05", "dfft-seal-v1 3 rule 5", "no field that must be covered stands uncovered",
  "SIG_CONSTRAINTS_FAILURE")
S("SEAL-06", "dfft-seal-v1 5, RFC 9421 2.3", "created is there, not in the future and not too old",
  "SIG_CONSTRAINTS_FAILURE")
S("SEAL-07", "RFC 9421 2.5", "the seal base can be built from the message", "FORMAT_FAILURE")
S("SEAL-08", "dfft-seal-v1 3, RFC 9421 2.3", "the parameter line is canonical and has no other parameter",
  "FORMAT_FAILURE")
S("SEAL-09", "dfft-seal-v1 5", "both proofs and the fields say the same", "FORMAT_FAILURE")
S("SEAL-10", "RFC 9530 2", "Content-Digest follows its grammar and has a known algorithm", "FORMAT_FAILURE")
S("SEAL-11", "RFC 9530 2", "Content-Digest is the digest of the content", "HASH_FAILURE")
S("SEAL-12", "ETSI TS 119 182-1 5.2.8.3.3", "the first reference is the seal base", "HASH_FAILURE")
S("SEAL-13", "ETSI TS 119 182-1 5.2.8.3.3", "the second reference is the content", "HASH_FAILURE")
S("SEAL-14", "ETSI TS 119 182-1 5.2.8.3.3", "hashM names a usable algorithm", "FORMAT_FAILURE")
S("SEAL-15", "dfft-seal-v1 3 rule 6", "all content is covered", "SIG_CONSTRAINTS_FAILURE")
S("SEAL-16", "ETSI TS 119 182-1 5.2.8", "sigD uses the mechanism of this profile", "FORMAT_FAILURE")
S("SEAL-17", "ETSI TS 119 182-1 5.2.8.3.3", "pars, hashV and ctys fit each other and the message",
  "FORMAT_FAILURE")
S("SEAL-18", "dfft-seal-v1 6", "head and trailers do not contradict each other", "FORMAT_FAILURE")
S("SEAL-19", "RFC 9110 14.4, 15.3.7", "Content-Range fits status and content", "SIG_CONSTRAINTS_FAILURE")
S("SEAL-20", "RFC 7515 4, 7.1", "the JWS has its form", "FORMAT_FAILURE")
S("SEAL-21", "RFC 7515 4", "no member of the header occurs twice", "FORMAT_FAILURE")
S("SEAL-22", "RFC 7515 4.1.11", "crit is well-formed and understood", "FORMAT_FAILURE")
S("SEAL-23", "RFC 7797 3, 6", "b64 is a boolean, and critical when false", "FORMAT_FAILURE")
S("SEAL-24", "RFC 7518 3.1, RFC 9421 3.3", "the algorithm is accepted and fits the key",
  "CRYPTO_CONSTRAINTS_FAILURE")
S("SEAL-25", "ETSI TS 119 182-1 5.1.7, 5.2.2",
  "exactly one reference to the signing certificate, and x5c agrees", "FORMAT_FAILURE")
S("SEAL-26", "ETSI TS 119 182-1 6.3", "the claimed time has the baseline form", "FORMAT_FAILURE")
S("SEAL-27", "ETSI TS 119 182-1 5.3", "the unprotected header holds etsiU of one kind only", "FORMAT_FAILURE")
S("SEAL-28", "RFC 7518 3.4, RFC 9421 3.3.4", "the signature value has its fixed length", "FORMAT_FAILURE")
S("SEAL-29", "RFC 4648 3.5", "base64 and base64url are canonical", "FORMAT_FAILURE")
S("SEAL-30", "RFC 7515 5.2", "the JWS signature holds", "SIG_CRYPTO_FAILURE")
S("SEAL-31", "RFC 9421 3.2", "the HTTP message signature holds", "SIG_CRYPTO_FAILURE")
S("SEAL-40", "dfft-seal-v1 4", "the seal certificate is known", "NO_SIGNING_CERTIFICATE_FOUND")
S("SEAL-41", "RFC 5280 4.2.1.3", "key usage allows sealing", "CHAIN_CONSTRAINTS_FAILURE")
S("SEAL-42", "dfft-seal-v1 10", "the seal is of the expected organisation", "SIG_CONSTRAINTS_FAILURE")
S("SEAL-43", "RFC 5280 6.1", "the certificate leads to an anchor", "NO_CERTIFICATE_CHAIN_FOUND")
S("SEAL-44", "ETSI TS 119 612 5.5", "a listed service vouches for the certificate",
  "CERTIFICATE_CHAIN_GENERAL_FAILURE")
S("SEAL-45", "RFC 5280 6.3, RFC 6960", "the certificate was not revoked", "REVOKED")
S("SEAL-46", "RFC 5280 4.1.2.5", "the certificate was within its validity", "EXPIRED")
S("SEAL-47", "dfft-seal-v1 2", "the seal key is no TLS key", "CHAIN_CONSTRAINTS_FAILURE")
S("SEAL-48", "dfft-seal-v1 10", "the message is addressed to us", "SIG_CONSTRAINTS_FAILURE")
S("SEAL-49", "dfft-seal-v1 10", "the message was not accepted before", "SIG_CONSTRAINTS_FAILURE")
