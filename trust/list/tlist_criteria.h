/* tlist_criteria.h -- criteria of the Qualifications extension (TS 119 612 5.5.9.2) and of recognition
 * elements, as they are kept: inside trust/list only.
 *
 * Threads: values, immutable once read; memory of the list object's arena.
 */
#ifndef TRUST_LIST_TLIST_CRITERIA_H
#define TRUST_LIST_TLIST_CRITERIA_H

#include "trust/base/digest.h"
#include "trust/list/tlist_recognition.h"
#include "trust/list/tlist_xml.h"

typedef enum { ASSERT_ALL, ASSERT_SOME, ASSERT_NONE } tlist_assertion;
typedef enum {
    BY_KEY_USAGE,
    BY_POLICIES,
    BY_SUBJECT,
    BY_PURPOSES,
    BY_STATEMENTS, /* of recognition elements alone */
    BY_LIST,
    BY_NOTHING
} tlist_criterion_kind;

typedef struct { /* one QcStatement that is asked for */
    unsigned statement;
    unsigned type;   /* with QcType: last arc of 0.4.0.1862.1.6.n; 0: any */
    char country[3]; /* with QcCClegislation; "": any */
} tlist_statement_want;

typedef struct {
    tlist_criterion_kind kind;
    uint32_t bits_known, bits_set; /* key usage, bit 0 = digitalSignature */
    const char **oids;
    size_t oid_count;
    tlist_statement_want *statements;
    size_t statement_count;
    struct tlist_criteria *list;
} tlist_criterion;

struct tlist_criteria {
    tlist_assertion assert_;
    tlist_criterion *rows;
    size_t row_count;
    bool has_statements; /* here or below */
};

/* ---- tlist_criteria.c ---- */
/* Criteria of a QualificationElement. *usable false: TL-804. NULL without memory. */
struct tlist_criteria *tlist_criteria_read(const xmlNode *list, dx_arena *arena, bool *usable);
/* The OIDs of criteria that are one PolicySet and nothing else, all asserted; 0: they are something else. */
size_t tlist_criteria_policies(const struct tlist_criteria *criteria, const char *const **oids);
/* The same for a recognition element, where a QcStatementSet may stand. */
struct tlist_criteria *tlist_criteria_read_content(const xmlNode *list, dx_arena *arena, bool *usable);
/* As tlist_criteria_match; `stated` is what the certificate states. */
bool tlist_criteria_match_stated(const struct tlist_criteria *criteria, dx_bytes certificate_der,
                                 const tlist_statements *stated);
/* Adds what the criteria say to a content fingerprint. */
void tlist_criteria_hash(const struct tlist_criteria *criteria, dx_hash *hash);

/* ---- tlist_criteria_statement.c ---- */
bool tlist_statements_read(const xmlNode *set, dx_arena *arena, tlist_criterion *out);
bool tlist_statements_match(const tlist_criterion *c, const tlist_statements *stated);
/* Makes what a certificate states as the criteria would have it: all adds what is named, none takes it away,
 * atLeastOne takes the first alternative. */
void tlist_statements_rewrite(const struct tlist_criteria *criteria, tlist_statements *stated);

#endif
