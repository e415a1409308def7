/* cert_form_table.h -- which broken rules of form refuse a certificate, by profile (identity.md 5).
 *
 * F(fault, id, production, rfc5280, strict, webpki): true refuses, false is a remark. In the order in which
 * they are told.
 */
F(CERT_FAULT_HUGE, "ID-116", true, true, true, true)
F(CERT_FAULT_DEFAULTS, "ID-101", false, false, true, true)
F(CERT_FAULT(103), "ID-103", true, false, true, true)
F(CERT_FAULT(104), "ID-104", true, false, true, true)
F(CERT_FAULT(105), "ID-105", true, true, true, true)
F(CERT_FAULT(106), "ID-106", true, true, true, true)
F(CERT_FAULT(107), "ID-107", true, true, true, true)
F(CERT_FAULT_DATE_LONG, "ID-107", false, false, false, false)
F(CERT_FAULT(108), "ID-108", true, true, true, true)
F(CERT_FAULT(109), "ID-109", true, true, true, true)
F(CERT_FAULT(110), "ID-110", true, true, true, true)
F(CERT_FAULT(111), "ID-111", true, false, true, true)
F(CERT_FAULT_CONSTRAINTS_SOFT, "ID-111", false, false, true, false)
F(CERT_FAULT_NAMES_HARD, "ID-111", false, false, false, true)
F(CERT_FAULT(112), "ID-112", false, false, true, true)
F(CERT_FAULT(113), "ID-113", true, false, true, true)
F(CERT_FAULT(114), "ID-114", false, false, true, true)
F(CERT_FAULT(115), "ID-115", true, false, true, true)
F(CERT_FAULT_UNDERSCORE, "ID-115", false, false, true, true)
F(CERT_FAULT(116), "ID-116", true, false, false, false)
F(CERT_FAULT(117), "ID-117", true, true, true, true)
F(CERT_FAULT(118), "ID-118", true, false, true, true)
F(CERT_FAULT(119), "ID-119", false, false, true, true)
F(CERT_FAULT(120), "ID-120", true, true, true, true)
