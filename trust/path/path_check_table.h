/* path_check_table.h -- every id this room may utter (identity.md 13). Ids are stable for ever.
 * C(number, severity, slug, clause, text)
 * Severity: REFUSE the answer is no; REMARK is said beside a yes; UNKNOWN could not find out.
 */
C(101, REFUSE, "peer-not-trusted", "X.690 10", "the certificate is not DER, or bytes follow it")
C(102, REFUSE, "peer-not-trusted", "own limit", "the certificate is longer than 16384 bytes")
C(103, REFUSE, "peer-not-trusted", "RFC 5280 4.1.2.1", "a certificate is not version 3")
C(104, REFUSE, "peer-not-trusted", "RFC 5280 4.1.2.2",
  "a serial number is not positive or longer than 20 octets")
C(105, REFUSE, "peer-not-trusted", "RFC 5280 4.1.1.2", "inner and outer signature algorithm differ")
C(106, REFUSE, "peer-not-trusted", "RFC 5280 4.1.2.4",
  "an issuer name, or the subject name of a CA, is empty")
C(107, REFUSE, "peer-not-trusted", "RFC 5280 4.1.2.5", "a validity period has the wrong form")
C(108, REFUSE, "peer-not-trusted", "RFC 5280 4.2", "an extension stands twice")
C(109, REFUSE, "peer-not-trusted", "RFC 5280 4.2", "a critical extension is not known here")
C(110, REFUSE, "peer-not-trusted", "RFC 5280 4.2", "an extension is malformed")
C(111, REFUSE, "peer-not-trusted", "RFC 5280 4.2.1", "an extension has the wrong criticality")
C(112, REFUSE, "peer-not-trusted", "RFC 5280 4.2.1.1", "a key identifier is missing")
C(113, REFUSE, "peer-not-trusted", "RFC 5280 4.2.1.3",
  "keyCertSign without cA, or a keyUsage without any bit")
C(114, REFUSE, "peer-not-trusted", "RFC 5280 4.2.1.9", "a path length without cA")
C(115, REFUSE, "peer-not-trusted", "RFC 5280 4.2.1.6", "a name in subjectAltName has the wrong form")
C(116, REFUSE, "peer-not-trusted", "own limit", "a certificate holds too many names, policies or extensions")
C(117, REFUSE, "peer-not-trusted", "RFC 5280 4.2.1.12", "an extended key usage is empty")
C(118, REFUSE, "peer-not-trusted", "RFC 5280 4.2.1.10", "name constraints have the wrong form")
C(119, REFUSE, "peer-not-trusted", "RFC 5280 4.1.2.8", "a unique identifier is present")
C(120, REFUSE, "peer-not-trusted", "RFC 5280 4.2.1.11", "a policy extension has the wrong form")
C(121, REFUSE, "peer-not-trusted", "RFC 5280 6.1.3 a1", "a signature algorithm is not allowed")
C(122, REFUSE, "peer-not-trusted", "RFC 5280 4.1.2.7", "a public key is not allowed or not sound")
C(202, REFUSE, "peer-not-trusted", "RFC 5280 6.1.3 a1", "a signature does not verify")
C(203, REFUSE, "peer-not-trusted", "RFC 5280 6.1.3 a2", "a certificate is not yet valid")
C(204, REFUSE, "peer-expired", "RFC 5280 6.1.3 a2", "a certificate has expired")
C(206, REFUSE, "peer-not-trusted", "RFC 5280 6.1.4 k", "an issuer is not a CA")
C(207, REFUSE, "peer-not-trusted", "RFC 5280 6.1.4 n", "an issuer may not sign certificates")
C(208, REFUSE, "peer-not-trusted", "RFC 5280 6.1.4 l", "the path is longer than a CA allows")
C(209, REFUSE, "peer-not-trusted", "RFC 5280 6.1.3 b", "a name lies outside the name constraints of a CA")
C(210, REFUSE, "peer-not-trusted", "RFC 5280 6.1.3 b",
  "a CA constrains a form of name that cannot be compared")
C(211, REFUSE, "peer-not-trusted", "RFC 5280 6.1.3 f", "no certificate policy holds along the whole path")
C(212, REFUSE, "peer-not-trusted", "RFC 5280 6.1.5 g", "a required certificate policy is missing")
C(213, REFUSE, "peer-not-trusted", "RFC 5280 4.2.1.12",
  "the certificate is not meant for this purpose (extended key usage)")
C(214, REFUSE, "peer-not-trusted", "RFC 5280 4.2.1.9", "the certificate is a CA certificate")
C(215, REFUSE, "peer-not-trusted", "own limit", "the search for a path used up its budget")
C(216, REFUSE, "peer-not-trusted", "own limit", "the path has too many intermediates")
C(217, REFUSE, "peer-not-trusted", "RFC 5280 4.2.1.3",
  "the certificate is not meant for this purpose (key usage)")
C(218, REFUSE, "peer-not-trusted", "RFC 9525 6", "the certificate does not name the host")
C(301, REFUSE, "issuer-not-listed", "TS 119 612 5.5.3", "no trusted list holds an issuer of this certificate")
C(302, REFUSE, "issuer-not-listed", "TS 119 612 5.5.3",
  "a listed service has the same name or the same key, not both")
C(303, REFUSE, "service-not-granted", "TS 119 612 5.5.1",
  "the listed service is of a type that does not fit the purpose")
C(304, REFUSE, "service-not-granted", "TS 119 612 5.5.4",
  "the listed service has no valid status at that time")
C(305, REFUSE, "service-not-granted", "TS 119 612 5.5.4",
  "a listed CA nearer to the certificate has no valid status")
C(306, UNKNOWN, "trust-list-expired", "TS 119 612 5.3.15",
  "the trusted list of that territory has expired or is closed")
C(307, REFUSE, "peer-not-trusted", "RFC 5280 6.1.1", "the listed certificate is outside its own validity")
C(308, REFUSE, "service-not-granted", "TS 119 612 5.5.9.2",
  "the certificate lacks a policy that the service demands")
C(309, REFUSE, "peer-not-trusted", "local policy", "this peer is not accepted here")
C(401, REFUSE, "peer-revoked", "RFC 6960 2.2", "a certificate of the path is revoked (OCSP)")
C(402, REFUSE, "peer-revoked", "RFC 5280 6.3", "a certificate of the path is revoked (CRL)")
C(403, REFUSE, "peer-not-trusted", "RFC 6960 2.2", "the responder does not know a certificate of the path")
C(404, UNKNOWN, "revocation-unknown", "RFC 5280 6.3",
  "a certificate names no source of revocation information")
C(405, UNKNOWN, "revocation-unknown", "RFC 6960 2.2", "no revocation answer is at hand")
C(406, UNKNOWN, "revocation-unknown", "RFC 6960 4.2.2.2", "the OCSP response is not signed by who may")
C(407, UNKNOWN, "revocation-unknown", "RFC 6960 4.1.1", "the revocation answer speaks of another certificate")
C(408, UNKNOWN, "revocation-unknown", "RFC 6960 4.2.2.1", "the revocation answer is stale or from the future")
C(409, UNKNOWN, "revocation-unknown", "RFC 9654 2.1", "the OCSP response answers another question (nonce)")
C(410, UNKNOWN, "revocation-unknown", "RFC 6960 4.2.1", "the OCSP response has the wrong form")
C(411, UNKNOWN, "revocation-unknown", "RFC 5280 6.3.3 f", "the CRL is not signed by who may")
C(412, UNKNOWN, "revocation-unknown", "RFC 5280 5.1", "the CRL has the wrong form")
C(413, UNKNOWN, "revocation-unknown", "RFC 5280 6.3.3 b", "the CRL does not cover the certificate")
C(414, UNKNOWN, "revocation-unknown", "RFC 5280 5.2.5", "indirect CRLs are not supported")
C(415, UNKNOWN, "revocation-unknown", "own limit", "the CRL is too large")
C(416, UNKNOWN, "revocation-unknown", "own limit", "the address of the revocation source may not be visited")
C(417, REFUSE, "peer-not-organisation", "Act No. 153 of 2002 (Japan)",
  "revocation of this certificate may not be asked for")
C(418, REMARK, "", "local policy", "revocation is unknown and was allowed by rule")
C(419, REMARK, "", "RFC 6960 4.2.2.2.1",
  "whether the certificate of an OCSP responder is revoked cannot be known: it names no list")
C(501, REFUSE, "peer-identity-invalid", "EN 319 412-1 5.1.4",
  "the certificate names no organisation identifier")
C(502, REMARK, "", "EN 319 412-1 5.1.4", "the organisation identifier has an unknown form")
C(503, REFUSE, "peer-identity-invalid", "EN 319 412-1 5.1.4",
  "the check digit of the organisation identifier is wrong")
C(504, REFUSE, "peer-identity-invalid", "EN 319 412-1 5.1.4",
  "the certificate names two different organisations")
C(505, REMARK, "", "EN 319 412-1 5.1.4", "country of the identifier and country of the subject differ")
C(506, REFUSE, "peer-not-organisation", "EN 319 412-2 4.2", "the certificate belongs to a natural person")
C(507, REFUSE, "peer-not-organisation", "Act No. 153 of 2002 (Japan)",
  "the certificate is a Japanese individual number card certificate")
C(508, REFUSE, "peer-identity-invalid", "RFC 3739 3.2.6",
  "the qualified certificate statements are malformed")
C(509, REFUSE, "peer-identity-invalid", "TS 119 495 5.2.1", "the PSD2 statement names another authority")
C(511, REFUSE, "peer-identity-invalid", "own limit",
  "a name is too long or holds characters that are not allowed")
C(901, UNKNOWN, "overloaded", "own limit", "out of memory")
C(902, UNKNOWN, "overloaded", "own limit", "the judge is busy")
C(903, UNKNOWN, "overloaded", "own limit", "no trusted list is loaded")
C(905, UNKNOWN, "overloaded", "own limit", "the cryptographic library failed")
