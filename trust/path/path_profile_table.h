/* path_profile_table.h -- what each purpose demands of a path: identity.md 7.1 as rows of path_rules.
 *
 * P(enumerator, columns): a column that is not named is no demand. The time is an input of each judgement.
 */
P(PATH_PEER, .name = "peer", .usage = "1.3.6.1.5.5.7.3.2", .leaf_usage = USAGE_SEAL, .nested_usage = true,
  .nested_exact = true, .organisation = true, .anchor_validity = true, .anchor_constraints = true,
  .leaf_key_usage = CERT_DIGITAL_SIGNATURE, .form = FORM_PRODUCTION, .service = TLIST_ISSUER)
P(PATH_SERVER, .name = "server", .usage = "1.3.6.1.5.5.7.3.1", .leaf_usage = USAGE_REQUIRED,
  .nested_usage = true, .nested_exact = true, .host = true, .anchor_validity = true,
  .anchor_constraints = true, .form = FORM_PRODUCTION, .service = TLIST_ISSUER)
P(PATH_SEAL, .name = "seal", .leaf_usage = USAGE_FREE, .organisation = true, .past = true,
  .anchor_validity = true, .anchor_constraints = true,
  .leaf_key_usage = CERT_DIGITAL_SIGNATURE | CERT_NON_REPUDIATION, .key_usage_required = true,
  .form = FORM_PRODUCTION, .service = TLIST_ISSUER)
P(PATH_TSU, .name = "tsu", .usage = "1.3.6.1.5.5.7.3.8", .leaf_usage = USAGE_SOLE, .past = true,
  .anchor_validity = true, .anchor_constraints = true, .form = FORM_PRODUCTION, .service = TLIST_STAMP)
P(PATH_RESPONDER, .name = "responder", .usage = "1.3.6.1.5.5.7.3.9", .leaf_usage = USAGE_REQUIRED,
  .leaf_key_usage = CERT_DIGITAL_SIGNATURE, .form = FORM_PRODUCTION, .service = TLIST_OCSP)
P(PATH_RFC5280, .name = "rfc5280", .leaf_usage = USAGE_OPTIONAL, .nested_usage = true, .leaf_may_be_ca = true,
  .host = true, .form = FORM_RFC5280, .service = TLIST_ISSUER)
P(PATH_RFC5280_STRICT, .name = "rfc5280-strict", .leaf_usage = USAGE_OPTIONAL_EXACT, .nested_usage = true,
  .nested_exact = true, .leaf_may_be_ca = true, .host = true, .anchor_validity = true,
  .anchor_constraints = true, .anchor_lint = true, .form = FORM_STRICT, .service = TLIST_ISSUER)
P(PATH_WEBPKI, .name = "webpki", .usage = "1.3.6.1.5.5.7.3.1", .leaf_usage = USAGE_WITHOUT_ANY,
  .nested_usage = true, .nested_exact = true, .host = true, .common_name_repeats = true,
  .anchor_validity = true, .anchor_constraints = true, .anchor_lint = true, .no_revocation = true,
  .form = FORM_WEBPKI, .service = TLIST_ISSUER)
