/* model.h -- the compiled policy: immutable, indexed, no JSON.
 *
 * Made by compile.c in one arena, judged by evaluate.c. Views of texts end in a NUL, so that they serve as C
 * strings. Threads: shared and immutable after policy_build.
 */
#ifndef POLICY_MODEL_H
#define POLICY_MODEL_H

#include "policy/oblige.h"

#include <stdatomic.h>

typedef enum {
#define O(id, name, types, other) OP_##id,
#include "policy/operator_table.h"
#undef O
    OP_COUNT
} condition_op;
typedef struct {
    const char *name;
    unsigned types;
    bool other;
} condition_op_row;
extern const condition_op_row condition_ops[OP_COUNT];
condition_op condition_op_find(dx_bytes name); /* OP_COUNT: none */

typedef enum { NODE_ALL, NODE_ANY, NODE_NONE, NODE_LEAF } condition_kind;
extern const char *const condition_group_names[]; /* all any none, NULL-ended */
typedef struct condition condition;
struct condition {
    uint8_t kind, op;
    int16_t attr, other; /* other: {"attr":B} as the value, else -1 */
    uint32_t count;
    const condition *members; /* a group's, in document order */
    union {
        bool flag;
        int64_t number; /* times: microseconds */
        dx_bytes text;
        text_set set; /* numbers stand as their decimal texts */
        policy_level level;
        struct {
            int offset_s, from_s, to_s; /* seconds of the local day; from_s < 0: no `daily` */
            unsigned days;              /* bit 0 Monday; 0: no `days` */
        } within;
    };
    const char *want; /* the value as written, canonical JSON */
    const char *law;
};

typedef struct {
    const char *id, *file, *name; /* name: "<id>@<version>" */
    int64_t version;
    const char *law;
    uint8_t sha256[32];
} model_document;

typedef struct {
    const model_document *doc;
    const char *id, *pointer, *law; /* pointer: "/permit/0" */
    const char *clause;             /* "<document>@<version>#/permit/0" */
    const condition *when;
    const char *when_at; /* "/permit/0/when" */
    int phase;           /* -1, or a policy_phase that must be reached */
    unsigned leaves;
    bool shadow;
    bool names_body, names_response; /* some leaf is due only then */
} model_rule;

typedef struct {
    const char *pointer, *law;
    unsigned of, per, window; /* places in the word lists of model.c */
    int64_t max;
    const condition *unless;
    dx_bytes zone;
    int offset_s;
} model_quota;
enum { QUOTA_REQUESTS, QUOTA_BYTES, QUOTA_RECORDS };         /* of */
enum { QUOTA_OF_AGREEMENT, QUOTA_OF_PERMIT, QUOTA_OF_PEER }; /* per */
extern const char *const model_quota_of[];                   /* requests bytes records */
extern const char *const model_quota_per[];                  /* agreement permit peer */
extern const char *const model_quota_window[];               /* minute hour day month total */

typedef struct model_dataset {
    model_document doc;
    dx_bytes host, prefix, address; /* address: host and prefix, the key of the index */
    struct {
        dx_bytes method;
        bool import;
    } * methods;
    size_t method_count;
    text_set media_types;
    policy_fact labels[7]; /* personal special category origin state labels duo: POLICY_DATA_PERSONAL.. */
    text_set import_purposes;
    const char *const *items;
    size_t item_count;
    const char *record_count; /* pointer or NULL */
    bool inspect_required, inspect_none, inspect_stated, async, personal;
    text_set keep; /* fields.allow */
    policy_fact permission;
    uint32_t number;
    const struct model_dataset *next; /* of the same host and prefix */
} model_dataset;

typedef struct {
    model_document doc;
    dx_bytes org, territory;
    const char *name, *address, *representative;
    const char *sector; /* private, public or NULL */
    text_set groups;
    bool in_agreement;    /* party to some agreement: may be told a code */
    policy_fact facts[3]; /* peer.party, peer.groups, peer.sector */
    uint32_t number;
} model_party;

typedef struct {
    const char *id, *law;
    dx_bytes status;
    text_set from, to;
    int64_t since_s, valid_to_s;
    bool ends, enacted;
} model_instrument;

typedef struct {
    model_document doc;
    bool active;
    int64_t from_s, to_s;
    struct {
        dx_bytes group;
        text_set territories;
    } * between;
    size_t between_count;
    model_instrument *instruments;
    size_t instrument_count;
    struct {
        bool assurance_set, purposes_set;
        policy_level assurance;
        int64_t list_age_s, revocation_age_s; /* -1: no floor */
        unsigned origin_min;                  /* 0: no floor; place in model_origins */
        text_set purposes;                    /* expanded */
        obligations oblige;
    } floors;
    model_rule *never;
    size_t never_count;
} model_partnership;
extern const char *const model_origins[]; /* pinned operator-compiled publisher-signed list-of-lists */

typedef struct {
    model_rule rule;
    const model_dataset **datasets;
    size_t dataset_count;
    text_set methods;
    model_quota *quota;
    size_t quota_count;
    obligations oblige;
    obligations merged; /* with the partnership's floors: what one permit alone comes to */
} model_permit;

typedef struct {
    const char *instrument_id, *law, *ref;
    dx_bytes code, group;
    bool notice, contract, certificate, note;
    int64_t module, expires_s;
    bool expires;
    int check; /* place in the table of basis_check.c; -1: none */
} model_basis;
int basis_check_find(dx_bytes code);

typedef struct {
    model_document doc;
    const model_partnership *under;
    const model_party *assigner, *assignee;
    const model_instrument *instrument;
    bool active, shadow;
    int64_t from_s, to_s;
    model_basis basis;
    model_permit *permits;
    size_t permit_count;
    model_rule *prohibits;
    size_t prohibit_count, term_count;
    const char *explain, *licence_no, *tia;
    struct {
        bool set;
        text_set destinations;
        int64_t from_s, to_s;
    } licence;
    struct {
        bool set;
        int64_t last_s, due_s;
        policy_duration every;
    } check;
    policy_fact facts[4]; /* agreement.id .version .state .basis */
    policy_fact partnership_id, instrument_status;
} model_agreement;

bool model_permit_offers(const model_permit *permit, const model_dataset *dataset, dx_bytes method);
/* The parties stand in two different groups of the partnership, each in its territory. */
bool model_two_groups(const model_agreement *a, dx_bytes assignee_territory);

typedef struct {
    const model_agreement **items;
    size_t count;
} model_candidates;

typedef struct {
    model_rule rule;
    text_set methods;
    model_quota *quota;
    size_t quota_count;
    obligations oblige;
    policy_duration window;
    const char *approval;
    const char *const *scope_countries;
    size_t scope_country_count;
    bool scope_stated;
    text_set hide;
} model_grant;

typedef struct {
    model_document doc;
    const condition *identify;
    model_grant *grants;
    size_t grant_count;
    bool supervises; /* some active partnership names it */
} model_authority;

typedef struct {
    const char *id;
    text_set level, basis, territory, scheme, partnership;
    bool has_level, has_basis, has_territory, has_scheme, has_partnership;
    int l, s, t; /* -1: keeps the default */
} model_level_row;

struct policy {
    dx_arena arena;
    atomic_uint references;
    const char *revision;
    int64_t serial, not_before_s, not_after_s;
    bool has_manifest;
    uint8_t sha256[32];

    model_document guards;
    bool number_denies; /* jp.individual_number */
    bool insurance_denies, licence_denies;
    model_rule *guard_rules;
    size_t guard_count;
    model_level_row *levels;
    size_t level_count;
    model_party *parties;
    size_t party_count;
    model_dataset *datasets;
    size_t dataset_count;
    model_partnership *partnerships;
    size_t partnership_count;
    model_agreement *agreements;
    size_t agreement_count;
    model_authority *authorities;
    size_t authority_count;
    text_map party_by_org, dataset_by_address, agreement_by_id, candidates;
    text_set whitelist; /* APPI-28-whitelist */
    text_set key_names[3];
};

#endif
