/* service_table.h -- service types and statuses that mean something to us.
 * Y(type URI, purpose, class)         types: which purpose a service of that type serves
 * U(status URI, valid, before)        statuses: valid or not; `before` 1: only for intervals that start before 2016-07-01
 */
#define ETSI_TYPE   "http://uri.etsi.org/TrstSvc/Svctype/"
#define ETSI_STATUS "http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/"
#define JP_TYPE     "https://j-tsl.example/TrstSvc/Svctype/"
#define JP_STATUS   "https://j-tsl.example/TrstSvc/Svcstatus/"
#ifdef Y
Y(ETSI_TYPE "CA/QC",                TLIST_ISSUER, NULL)
Y(ETSI_TYPE "TSA/QTST",             TLIST_STAMP,  NULL)
Y(ETSI_TYPE "Certstatus/OCSP/QC",   TLIST_OCSP,   NULL)
Y(ETSI_TYPE "Certstatus/CRL/QC",    TLIST_CRL,    NULL)
Y(JP_TYPE "CA/eSeal-accredited",    TLIST_ISSUER, "jp-eseal-2")
Y(JP_TYPE "CA/eSeal-registered",    TLIST_ISSUER, "jp-eseal-1")
Y(JP_TYPE "TSA/accredited",         TLIST_STAMP,  "jp-tsa")
Y(JP_TYPE "CA/eSign-accredited",    TLIST_ISSUER, "jp-esign")
Y(JP_TYPE "CA/JPKI",                TLIST_ISSUER, "jp-jpki")
Y(JP_TYPE "CA/CommercialRegistration", TLIST_ISSUER, "jp-comreg")
Y(JP_TYPE "CA/GPKI",                TLIST_ISSUER, "jp-gov")
Y(JP_TYPE "CA/LGPKI",               TLIST_ISSUER, "jp-gov")
#endif
#ifdef U
U(ETSI_STATUS "granted",                1, 0)
U(ETSI_STATUS "withdrawn",              0, 0)
U(ETSI_STATUS "undersupervision",       1, 1)
U(ETSI_STATUS "supervisionincessation", 1, 1)
U(ETSI_STATUS "accredited",             1, 1)
U(JP_STATUS "accredited",               1, 0)
U(JP_STATUS "suspended",                0, 0)
U(JP_STATUS "revoked",                  0, 0)
U(JP_STATUS "expired",                  0, 0)
#endif
