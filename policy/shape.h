/* shape.h -- what a document must look like before anybody asks what it means (PL-104 to 106, 109, 111, 2xx).
 *
 * shape.c has the structure, by shape_table.h; shape_text.c single texts; shape_condition.c conditions.
 */
#ifndef POLICY_SHAPE_H
#define POLICY_SHAPE_H

#include "policy/bundle.h"

typedef enum {
    V_ANY,
    V_TEXT,
    V_INT,
    V_BOOL,
    V_WORD,
    V_TIME,
    V_DURATION,
    V_TERR,
    V_TERR_OR_GROUP,
    V_ORG,
    V_RULE_ID,
    V_DOC_ID,
    V_TERM,
    V_PURPOSE,
    V_POINTER,
    V_HOST,
    V_PREFIX,
    V_MEDIA,
    V_METHOD,
    V_DIRECTION,
    V_ZONE,
    V_LEVEL,
    V_PILLAR,
    V_CONDITION,
    V_OBJECT,
    V_LIST,
    V_MAP,
    V_INTERVAL,
    V_HEADERS,
    V_ORIGIN,
    V_URN,
} value_kind;

typedef struct shape_node shape_node;
typedef struct {
    value_kind kind;
    const shape_node *of; /* members of an object, element of a list, value of a map */
    const char *words;    /* V_WORD: "a|b" */
    int64_t min, max;     /* V_INT; V_LIST: least number of elements */
    unsigned unknown;     /* V_OBJECT: the finding for an unknown member, 0 for PL-104 */
} value_shape;
typedef struct {
    const char *name;
    char need;
    value_shape value;
} member_shape;
struct shape_node {
    value_shape value; /* of list elements and map values */
    bool annotated;    /* title, law, note may stand here */
    const member_shape *members;
};

/* Members, types and words of one document. */
void shape_check(bundle *b, bundle_document *doc);
void shape_condition(place *p, json_t *value);
bool shape_is_note(const char *name); /* title, law, note */
void shape_level(place *p, json_t *object);

/* One text in the form of its member. */
void shape_text(place *p, dx_bytes text, const value_shape *shape);
bool shape_term(place *p, dx_bytes term, bool needs_prefix);
bool shape_territory(place *p, dx_bytes code, bool groups);
/* The form alone, without a finding. */
bool shape_time(dx_bytes text, int64_t *unix_s);
bool shape_zone(dx_bytes zone, int *offset_s);

#endif
