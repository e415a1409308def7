/* service_table.h -- what service types and statuses mean, TS 119 612 5.5.1, 5.5.4 and Annex D.3.
 * SERVICE(uri, purposes, class): which questions a service of that type may answer.
 * STATUS(uri, valid, until_s): valid only in intervals that begin before until_s; 0 always.
 * JP_PROFILE(member, uri): defaults of the J-TSL profile (trusted-lists.md 9.1); JP_SERVICE(uri, purposes,
 * class, key) and JP_STATUS as above, `key` being the word for it in an operator's table. `.example`, so that
 * nobody takes them for official. A profile file (tlist_map.c) changes or adds rows; reader and builder use
 * the same.
 */
#ifndef SVCTYPE
#define SVCTYPE   "http://uri.etsi.org/TrstSvc/Svctype/"
#define SVCSTATUS "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/"
#define JP_BASE   "https://j-tsl.example/TrstSvc/"
#define EIDAS_S   1467331200 /* 2016-07-01T00:00:00Z: Regulation (EU) 910/2014 Art. 52 */
#endif
#ifdef JP_PROFILE
JP_PROFILE(territory, "JP")
JP_PROFILE(tsl_type, JP_BASE "TrustedList/TSLType/JPlist")
JP_PROFILE(status_approach, JP_BASE "TrustedList/StatusDetn/JPdetermination")
JP_PROFILE(scheme_rules, JP_BASE "TrustedList/schemerules/JP")
JP_PROFILE(operator_compiled_rule, TLIST_OPERATOR_RULE)
JP_PROFILE(policy_qualifier, JP_BASE "SvcInfoExt/RequiredPolicies")
#endif
#ifdef SERVICE
SERVICE(SVCTYPE "CA/QC", TLIST_FOR(ISSUER), NULL)
SERVICE(SVCTYPE "TSA/QTST", TLIST_FOR(STAMP), NULL)
SERVICE(SVCTYPE "Certstatus/OCSP/QC", TLIST_FOR(OCSP), NULL)
SERVICE(SVCTYPE "Certstatus/CRL/QC", TLIST_FOR(CRL), NULL)
#endif
#ifdef STATUS
STATUS(SVCSTATUS "granted", true, 0)
STATUS(SVCSTATUS "withdrawn", false, 0)
STATUS(SVCSTATUS "recognisedatnationallevel", false, 0)
STATUS(SVCSTATUS "deprecatedatnationallevel", false, 0)
STATUS(SVCSTATUS "setbynationallaw", false, 0)
STATUS(SVCSTATUS "deprecatedbynationallaw", false, 0)
STATUS(SVCSTATUS "undersupervision", true, EIDAS_S)
STATUS(SVCSTATUS "supervisionincessation", true, EIDAS_S)
STATUS(SVCSTATUS "accredited", true, EIDAS_S)
STATUS(SVCSTATUS "supervisionceased", false, 0)
STATUS(SVCSTATUS "supervisionrevoked", false, 0)
STATUS(SVCSTATUS "accreditationceased", false, 0)
STATUS(SVCSTATUS "accreditationrevoked", false, 0)
#endif
#ifdef JP_SERVICE
JP_SERVICE(JP_BASE "Svctype/CA/eSeal-accredited", TLIST_FOR(ISSUER), "jp-eseal-2", "eseal")
JP_SERVICE(JP_BASE "Svctype/CA/eSeal-registered", TLIST_FOR(ISSUER), "jp-eseal-1", "eseal-registered")
JP_SERVICE(JP_BASE "Svctype/TSA/accredited", TLIST_FOR(STAMP), "jp-tsa", "tsa")
JP_SERVICE(JP_BASE "Svctype/CA/eSign-accredited", TLIST_FOR(ISSUER), "jp-esign", "esign")
JP_SERVICE(JP_BASE "Svctype/CA/JPKI", TLIST_FOR(ISSUER), "jp-jpki", "jpki")
JP_SERVICE(JP_BASE "Svctype/CA/CommercialRegistration", TLIST_FOR(ISSUER), "jp-comreg", "comreg")
JP_SERVICE(JP_BASE "Svctype/CA/GPKI", TLIST_FOR(ISSUER), "jp-gov", "gpki")
JP_SERVICE(JP_BASE "Svctype/CA/LGPKI", TLIST_FOR(ISSUER), "jp-gov", "lgpki")
#endif
#ifdef JP_STATUS
JP_STATUS(JP_BASE "Svcstatus/accredited", true, 0)
JP_STATUS(JP_BASE "Svcstatus/suspended", false, 0)
JP_STATUS(JP_BASE "Svcstatus/revoked", false, 0)
JP_STATUS(JP_BASE "Svcstatus/expired", false, 0)
JP_STATUS(SVCSTATUS "granted", true, 0)
JP_STATUS(SVCSTATUS "withdrawn", false, 0)
#endif
