/* stamp_check_table.h -- what a time stamp and an evidence record must be, in the words of the standards.
 * C(enum, id, clause, text, sub-indication of EN 319 102-1)
 * The order is that of the ids; the order of judging is that of seals.md 7.5 and 7.3 (STAMP-07 before
 * STAMP-06). A row gives the usual sub-indication; STAMP-03 and STAMP-08 have a second one for the form and
 * the algorithm.
 */
C(STAMP_01, "STAMP-01", "RFC 3161 2.4.2",
  "the answer of the authority is a granted TimeStampResp with a token and nothing behind it",
  "FORMAT_FAILURE")
C(STAMP_02, "STAMP-02", "RFC 5652 5.1, 5.3; RFC 3161 2.4.2",
  "the token is SignedData over a TSTInfo with exactly one signer, versions as the standard has them",
  "FORMAT_FAILURE")
C(STAMP_03, "STAMP-03", "RFC 3161 2.4.2",
  "the TSTInfo is version 1 in DER and its imprint is the one that was to be stamped", "HASH_FAILURE")
C(STAMP_04, "STAMP-04", "RFC 3161 2.4.2", "the nonce of the request comes back", "SIG_CONSTRAINTS_FAILURE")
C(STAMP_05, "STAMP-05", "RFC 3161 2.4.1", "the policy is one that is accepted from this authority",
  "SIG_CONSTRAINTS_FAILURE")
C(STAMP_06, "STAMP-06", "RFC 5816 2.2; RFC 5652 11.1, 11.2",
  "the signed attributes name the content and, first, the signer's certificate", "SIG_CONSTRAINTS_FAILURE")
C(STAMP_07, "STAMP-07", "RFC 5652 5.3", "the certificate that the SignerInfo names is at hand",
  "NO_SIGNING_CERTIFICATE_FOUND")
C(STAMP_08, "STAMP-08", "RFC 5652 5.4; EN 319 422 6",
  "the signature is valid and its algorithms fit each other and the key", "SIG_CRYPTO_FAILURE")
C(STAMP_09, "STAMP-09", "RFC 3161 2.3", "the signer's extended key usage is timeStamping, alone and critical",
  "CHAIN_CONSTRAINTS_FAILURE")
C(STAMP_10, "STAMP-10", "EN 319 422 6.2",
  "the signer's key usage is digitalSignature, nonRepudiation or both", "CHAIN_CONSTRAINTS_FAILURE")
C(STAMP_11, "STAMP-11", "RFC 5280 6.1; RFC 3161 2.2",
  "the signer's certificate leads to an issuer that is believed and held at genTime",
  "NO_CERTIFICATE_CHAIN_FOUND")
C(STAMP_12, "STAMP-12", "TS 119 612 5.5.1; EN 319 422 9",
  "the list names the signer as an authority of the class asked for, in standing at genTime",
  "SIG_CONSTRAINTS_FAILURE")
C(STAMP_13, "STAMP-13", "RFC 3161 2.4.2", "genTime lies between asking and answer", "SIG_CONSTRAINTS_FAILURE")
C(STAMP_14, "STAMP-14", "EN 319 102-1 5.5.4", "genTime is not before the seal it covers",
  "TIMESTAMP_ORDER_FAILURE")
C(STAMP_15, "STAMP-15", "EN 319 422 9.1",
  "the statement that a stamp is qualified is noted; the list alone proves it", "FORMAT_FAILURE")
C(ER_01, "ER-01", "RFC 4998 3.1", "the record is an EvidenceRecord in DER within the limits",
  "FORMAT_FAILURE")
C(ER_02, "ER-02", "RFC 4998 3.1", "the version is 1", "FORMAT_FAILURE")
C(ER_03, "ER-03", "RFC 4998 3.1, 4.1", "each hash algorithm is listed, known and that of the token's imprint",
  "CRYPTO_CONSTRAINTS_FAILURE")
C(ER_04, "ER-04", "RFC 4998 4.3",
  "the object's hash is in the first group, or is the imprint where there is no tree", "HASH_FAILURE")
C(ER_05, "ER-05", "RFC 4998 4.3", "the root of the reduced hash tree is the imprint of the token",
  "HASH_FAILURE")
C(ER_06, "ER-06", "RFC 4998 5.3", "each token is believed (reported under its STAMP id)", "FORMAT_FAILURE")
C(ER_07, "ER-07", "RFC 4998 5.2, 5.3", "a renewal covers the time stamp before it", "HASH_FAILURE")
C(ER_08, "ER-08", "RFC 4998 5.2, 5.3", "a new chain covers the object and the chains before it",
  "HASH_FAILURE")
C(ER_09, "ER-09", "RFC 4998 4.2", "another hash stands beside the object's in the first group (a note)",
  "HASH_FAILURE")
