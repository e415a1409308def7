/* path_profile_table.h -- what each purpose demands of a path: identity.md 7.1 as rows of path_rules.
 *
 * P(enumerator, name, usage of the leaf, rule for it, nested, nested exactly, leaf may be CA, host name,
 *   anchor: validity, constraints, lint, key usage of the leaf: bits and must be there, form, no revocation)
 * The time of a judgement is an input: now for peers and servers, the past for seals and stamps.
 */
#define ANY_SIGNATURE (CERT_DIGITAL_SIGNATURE | CERT_NON_REPUDIATION)
P(PATH_PEER, "peer", "1.3.6.1.5.5.7.3.2", USAGE_SEAL, true, true, false, false, true, true, false,
  CERT_DIGITAL_SIGNATURE, false, FORM_PRODUCTION, false)
P(PATH_SERVER, "server", "1.3.6.1.5.5.7.3.1", USAGE_REQUIRED, true, true, false, true, true, true, false, 0,
  false, FORM_PRODUCTION, false)
P(PATH_SEAL, "seal", NULL, USAGE_FREE, false, false, false, false, true, true, false, ANY_SIGNATURE, true,
  FORM_PRODUCTION, false)
P(PATH_TSU, "tsu", "1.3.6.1.5.5.7.3.8", USAGE_SOLE, false, false, false, false, true, true, false, 0, false,
  FORM_PRODUCTION, false)
P(PATH_RESPONDER, "responder", "1.3.6.1.5.5.7.3.9", USAGE_REQUIRED, false, false, false, false, false, false,
  false, CERT_DIGITAL_SIGNATURE, false, FORM_PRODUCTION, true)
P(PATH_RFC5280, "rfc5280", NULL, USAGE_OPTIONAL, true, false, true, true, false, false, false, 0, false,
  FORM_RFC5280, false)
P(PATH_RFC5280_STRICT, "rfc5280-strict", NULL, USAGE_OPTIONAL_EXACT, true, true, true, true, true, true, true,
  0, false, FORM_STRICT, false)
P(PATH_WEBPKI, "webpki", "1.3.6.1.5.5.7.3.1", USAGE_REQUIRED, true, true, false, true, true, true, true, 0,
  false, FORM_WEBPKI, true)
#undef ANY_SIGNATURE
