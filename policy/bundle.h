/* bundle.h -- a policy folder being read: files, parsed documents, vocabulary, findings.
 *
 * Lives only while policy_build runs; the compiled policy keeps nothing of it.
 */
#ifndef POLICY_BUNDLE_H
#define POLICY_BUNDLE_H

#include "policy/policy.h"
#include "policy/policy_term.h"
#include "trust/base/json.h"

typedef enum {
    KIND_GUARDS,
    KIND_LEVELS,
    KIND_VOCAB,
    KIND_PARTNERSHIP,
    KIND_PARTY,
    KIND_DATASET,
    KIND_AGREEMENT,
    KIND_AUTHORITY,
    KIND_TEST,
    KIND_MANIFEST,
    KIND_FACTS,
    KIND_NONE
} bundle_kind;
extern const char *const bundle_kind_names[]; /* "guards", ... by bundle_kind, NULL-ended */

typedef struct {
    const char *path; /* relative to the bundle */
    dx_bytes text;    /* kept for line and column */
    json_t *json;     /* NULL: could not be read */
    bundle_kind kind;
    bool closed; /* a finding says: read no further */
    uint8_t sha256[32];
    const char *id;
    int64_t version;
} bundle_document;

typedef struct {
    const policy_source *source;
    const policy_can *can;
    policy_findings *lint;
    dx_arena arena;
    bundle_document *documents; /* by path */
    size_t count, room;
    const char **others; /* seals and fixtures: files that are no documents */
    size_t other_count;
    bundle_document manifest;
    bool has_manifest;
    bundle_document *by_kind_guards, *by_kind_levels, *by_kind_vocab;
    text_map ids;      /* document id -> bundle_document */
    text_map orgs;     /* party org and also -> bundle_document */
    text_map terms;    /* vocab term -> json object */
    text_map narrower; /* broader term -> term_list */
    json_t *groups;    /* vocab groups or NULL */
    json_t *prefixes;
    bool out_of_memory;
} bundle;

/* Where in a document a check stands: a JSON Pointer that grows and shrinks. */
typedef struct {
    bundle *b;
    const bundle_document *doc;
    char pointer[256];
    size_t size;
} place;
size_t place_push(place *p, const char *member);
size_t place_push_index(place *p, size_t index);
void place_pop(place *p, size_t size);

/* Adds a finding; severity is the table's unless `warning`. `name`: line and column of the member's name. */
void finding_add(policy_findings *lint, const char *file, dx_bytes text, unsigned number, bool warning,
                 const char *pointer, bool name, const char *format, ...)
    __attribute__((format(printf, 8, 9)));
#define FINDING(place, number, ...)                                                                          \
    finding_add((place)->b->lint, (place)->doc->path, (place)->doc->text, (number), false, (place)->pointer, \
                (number) == 104, __VA_ARGS__)
void finding_sort(policy_findings *lint);

/* Reads the folder: files, JSON, heads, manifest. Failures of the machine are DX codes; what is wrong with
 * the documents becomes findings. */
DX_RC bundle_read(bundle *b, dx_why *why);
void bundle_fini(bundle *b);
/* Parses one document by the rules of policy.md 2 (PL-101 to 103, 107, 108, 110, 112); used for facts files
 * too. */
void bundle_parse(bundle *b, bundle_document *doc);

/* The document of that path, or NULL; after bundle_read. */
const bundle_document *bundle_find(const bundle *b, const char *path);

/* Vocabulary, for shape_check: before anything else is checked. False: out of memory. */
bool bundle_vocabulary(bundle *b);
/* Members of a built-in or vocab group; count 0 when there is none of that name. */
text_set bundle_group(bundle *b, dx_bytes name);
/* References between documents: PL-201, and ids that stand twice (PL-111). */
void bundle_refer(bundle *b);
/* PL-601 to 607, without signatures. */
void manifest_check(bundle *b);
/* PL-209, 3xx to 5xx, 8xx over the compiled model and its documents. */
void lint_check(bundle *b, const policy *p);

typedef struct term_list {
    dx_bytes term;
    const struct term_list *next;
} term_list;

static inline dx_bytes json_view(const json_t *text)
{
    return json_is_string(text) ? dx_bytes_of(json_string_value(text), json_string_length(text))
                                : (dx_bytes){NULL, 0};
}

#endif
