/* policy_term.h -- the words policy documents are made of: territories, groups, terms, organisation ids,
 * times.
 *
 * Built in: the 249 assigned ISO 3166-1 codes and the sandbox's ZJ and ZE, EU and EEA, the prefixes and bases
 * of policy.md 8. The vocab document adds to them. Threads: pure over immutable data.
 */
#ifndef POLICY_POLICY_TERM_H
#define POLICY_POLICY_TERM_H

#include "policy/facts.h"
#include "trust/base/clock.h"

typedef enum {
    TYPE_BOOL,
    TYPE_INT,
    TYPE_TIME,
    TYPE_TEXT,
    TYPE_TEXTS,
    TYPE_TERR,
    TYPE_TERRS,
    TYPE_OIDS,
    TYPE_LEVEL
} policy_type;
#define TB(t)   (1U << TYPE_##t)
#define TB_SETS (TB(TEXTS) | TB(TERRS) | TB(OIDS))
#define TB_ANY  ((1U << (TYPE_LEVEL + 1)) - 1U)

typedef enum { DUE_CONNECTION, DUE_REQUEST, DUE_RESPONSE, DUE_BODY } policy_due;

/* flags of attribute_table.h */
enum { DERIVED = 1, DECLARED = 2, TERM = 4, PREFIXED = 8, SEGMENT = 16, SECRET = 32, LATER = 64 };

typedef struct {
    const char *name;
    policy_type type;
    policy_due due;
    policy_source_of_fact source;
    unsigned flags;
} policy_attribute_row;
extern const policy_attribute_row policy_attributes[POLICY_ATTRIBUTE_COUNT];
/* POLICY_ATTRIBUTE_COUNT when there is none of that name. */
policy_attribute policy_attribute_find(dx_bytes name);
const char *policy_source_name(policy_source_of_fact source);
bool policy_type_is_set(policy_type type);

/* A sorted set of texts without doubles; up to a few items it is searched in line. */
typedef struct {
    const dx_bytes *items;
    size_t count;
} text_set;
bool text_set_has(text_set set, dx_bytes text);
bool text_set_subset(text_set inner, text_set outer);
bool text_set_meets(text_set a, text_set b);
/* Sorts in place and drops doubles; returns the new count. */
size_t text_set_sort(dx_bytes *items, size_t count);
/* Union and intersection, in the arena; false: out of memory. */
bool text_set_union(dx_arena *arena, text_set a, text_set b, text_set *out);
bool text_set_cut(dx_arena *arena, text_set a, text_set b, text_set *out);

/* "EL" and "UK" of trusted lists become GR and GB. */
dx_bytes policy_territory_fold(dx_bytes code);
bool policy_territory_known(dx_bytes code);
text_set policy_group_eu(void);
text_set policy_group_eea(void);

/* The prefixed form of a full IRI under a built-in prefix ("https://w3id.org/dpv#Marketing" is
 * "dpv:Marketing"). Copies into the arena only when it changes something. */
dx_bytes policy_term_fold(dx_arena *arena, dx_bytes term);
bool policy_prefix_builtin(dx_bytes prefix); /* without the colon */
bool policy_dfft_term_known(dx_bytes term);  /* a term of our own vocabulary, "dfft:..." */
dx_bytes policy_last_segment(dx_bytes uri);

/* Upper-cases the first five characters. */
dx_bytes policy_org_fold(dx_arena *arena, dx_bytes id);
/* NULL, or what is wrong with it. `check_digits`: LEI and Japanese corporate numbers too. */
const char *policy_org_wrong(dx_bytes id, bool check_digits);
/* Scheme and country an organisation id claims; country empty for LEIXG. */
const char *policy_org_scheme(dx_bytes id);
dx_bytes policy_org_country(dx_bytes id);

/* ISO 8601 duration of whole numbers, applied by the UTC calendar. */
typedef struct {
    int64_t months, days, seconds;
} policy_duration;
bool policy_duration_parse(dx_bytes text, policy_duration *out);
int64_t policy_duration_add(int64_t unix_s, policy_duration d, int sign);
int64_t policy_duration_length_s(policy_duration d); /* from 2001-01-01T00:00:00Z */

/* The one form of a path (dataplane.md 8), or an empty view when it is ambiguous or ill-formed; *no_memory
 * becomes true when the arena is full, which says nothing about the path. */
dx_bytes policy_path_form(dx_arena *arena, dx_bytes raw, bool *no_memory);

/* A map from text to pointer with a fixed ceiling, open addressing. */
typedef struct {
    struct text_map_slot {
        uint64_t hash;
        dx_bytes key;
        const void *value;
    } * slots;
    size_t mask;
} text_map;
bool text_map_init(text_map *map, dx_arena *arena, size_t count);
void text_map_put(text_map *map, dx_bytes key, const void *value); /* replaces */
const void *text_map_get(const text_map *map, dx_bytes key);
uint64_t text_hash(uint64_t seed, dx_bytes text);
#define TEXT_HASH_SEED 0xcbf29ce484222325ULL
const void *text_map_get_hashed(const text_map *map, uint64_t hash, dx_bytes a,
                                dx_bytes b); /* key is a then b */

#endif
