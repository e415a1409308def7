/* tlist_build_column_table.h -- columns of an operator's table, and names of the members in its JSON form
 * (trusted-lists.md 9.2).
 * COLUMN(id, name, scope, must): scope PROVIDER, SERVICE or INTERVAL is what the cell speaks of. An empty
 * cell is as in the other rows of the same provider, or as in the neighbouring row of the same service, newer
 * ones first; "-" is nothing. `must` ones cannot stay empty.
 */
COLUMN(TSP_ID, "tsp_id", INTERVAL, true)
COLUMN(TSP_NAME_EN, "tsp_name_en", PROVIDER, true)
COLUMN(TSP_NAME_JA, "tsp_name_ja", PROVIDER, false)
COLUMN(STREET, "tsp_address_street", PROVIDER, true)
COLUMN(LOCALITY, "tsp_address_locality", PROVIDER, true)
COLUMN(STATE, "tsp_address_state", PROVIDER, false)
COLUMN(POSTCODE, "tsp_address_postcode", PROVIDER, false)
COLUMN(COUNTRY, "tsp_address_country", PROVIDER, true)
COLUMN(MAIL, "tsp_mail", PROVIDER, true)
COLUMN(URL, "tsp_url", PROVIDER, true)
COLUMN(SERVICE_ID, "service_id", INTERVAL, true)
COLUMN(SERVICE_NAME_EN, "service_name_en", SERVICE, true)
COLUMN(SERVICE_NAME_JA, "service_name_ja", SERVICE, false)
COLUMN(TYPE, "type", INTERVAL, true)
COLUMN(STATUS, "status", INTERVAL, true)
COLUMN(SINCE, "since", INTERVAL, true)
COLUMN(CERT, "cert", SERVICE, true)
COLUMN(INFO, "info", SERVICE, false)
COLUMN(POLICY_OIDS, "policy_oids", SERVICE, false)
COLUMN(SOURCE_URL, "source_url", SERVICE, true)
COLUMN(SOURCE_CHECKED, "source_checked", SERVICE, true)
