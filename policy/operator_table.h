/* operator_table.h -- what a leaf may say (policy.md 5).
 * O(id, name, types of the attribute, takes another attribute)
 * types: a sum of the type bits of policy_term.h
 */
O(EQ, "eq", TB(BOOL) | TB(INT) | TB(TIME) | TB(TEXT) | TB(TERR) | TB(LEVEL), true)
O(NE, "ne", TB(BOOL) | TB(INT) | TB(TIME) | TB(TEXT) | TB(TERR) | TB(LEVEL), true)
O(IN, "in", TB(TEXT) | TB(TERR) | TB(INT), false)
O(NOT_IN, "not_in", TB(TEXT) | TB(TERR) | TB(INT), false)
O(LT, "lt", TB(INT) | TB(TIME), false)
O(LTE, "lte", TB(INT) | TB(TIME) | TB(LEVEL), true)
O(GT, "gt", TB(INT) | TB(TIME), false)
O(GTE, "gte", TB(INT) | TB(TIME) | TB(LEVEL), true)
O(CONTAINS_ANY, "contains_any", TB_SETS, true)
O(CONTAINS_ALL, "contains_all", TB_SETS, true)
O(CONTAINS_NONE, "contains_none", TB_SETS, false)
O(SUBSET_OF, "subset_of", TB_SETS, true)
O(WITHIN, "within", TB(TIME), false)
O(EXISTS, "exists", TB_ANY, false)
