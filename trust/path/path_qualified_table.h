/* path_qualified_table.h -- where the steps of qualification may end (trusted-lists.md 8). Ids are stable for
 * ever. Q(number, clause, text): the text says what holds when the id is not uttered.
 */
Q(901, "TS 119 615 4.4", "a listed service, in a list in force, speaks of the path at that time")
Q(902, "TS 119 612 5.5.1.1", "the service is one of type CA/QC in a list of the EU, or recognised as one")
Q(903, "TS 119 612 5.5.9.4", "the service issues certificates of that type")
Q(904, "TS 119 615 4.4", "services that speak of one certificate agree")
Q(905, "TS 119 612 5.5.4", "the service is granted at that time")
Q(906, "EN 319 412-5 4.2.1; TS 119 612 5.5.9.2",
  "certificate and list say that it is issued as such under EU law")
Q(907, "eIDAS Art. 24, 32", "what holds at issuance and what holds at the control time agree")
Q(921, "TS 119 615 4.5; TS 119 612 5.5.1.1",
  "the unit is a granted QTST service at genTime and when the stamp is proved to have existed")
