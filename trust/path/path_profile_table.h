/* path_profile_table.h -- what each purpose demands of a path: identity.md 7.1 as rows.
 *
 * P(enumerator, name, usage OID of the leaf or NULL, leaf usage rule, CA usage nesting, leaf may be CA, host name,
 *   anchor validity, anchor constraints, form rules that refuse)
 *   leaf usage rule: USAGE_FREE, USAGE_OPTIONAL (absent or fitting, any allowed), USAGE_REQUIRED, USAGE_SOLE
 *   (required, critical and alone), USAGE_SEAL (required, absent allowed for a qualified seal certificate)
 *   form rules: FORM_PRODUCTION, FORM_RFC5280, FORM_STRICT, FORM_WEBPKI (sets of cert_facts.h faults)
 */
P(PATH_PEER, "peer", "1.3.6.1.5.5.7.3.2", USAGE_SEAL, true, false, false, true, true, FORM_PRODUCTION)
P(PATH_SERVER, "server", "1.3.6.1.5.5.7.3.1", USAGE_REQUIRED, true, false, true, true, true, FORM_PRODUCTION)
P(PATH_SEAL, "seal", NULL, USAGE_FREE, false, false, false, true, true, FORM_PRODUCTION)
P(PATH_TSU, "tsu", "1.3.6.1.5.5.7.3.8", USAGE_SOLE, false, false, false, true, true, FORM_PRODUCTION)
P(PATH_RESPONDER, "responder", "1.3.6.1.5.5.7.3.9", USAGE_REQUIRED, false, false, false, false, false, FORM_PRODUCTION)
P(PATH_RFC5280, "rfc5280", NULL, USAGE_OPTIONAL, true, true, true, false, false, FORM_RFC5280)
P(PATH_RFC5280_STRICT, "rfc5280-strict", NULL, USAGE_OPTIONAL, true, true, true, true, true, FORM_STRICT)
P(PATH_WEBPKI, "webpki", NULL, USAGE_REQUIRED, true, false, true, true, true, FORM_WEBPKI)
