/* leaf_schema.h -- record_table.h as a tree per leaf type, members in canonical order.
 *
 * A node is a member; its children are sorted as RFC 8785 wants them, so a renderer that walks the tree
 * writes canonical JSON. Values live in numbered slots; the elements of an array of objects have slots of
 * their own. Threads: built once, immutable.
 */
#ifndef TRUST_PROVENANCE_LEAF_SCHEMA_H
#define TRUST_PROVENANCE_LEAF_SCHEMA_H

#include "trust/provenance/provenance.h"

typedef enum {
    LEAF_OBJECT, /* zero: a node that the table does not name itself */
    LEAF_ONE,
    LEAF_TEXT,
    LEAF_WORD,
    LEAF_URN,
    LEAF_MSG,
    LEAF_INT,
    LEAF_SINT,
    LEAF_BOOL,
    LEAF_NOW,
    LEAF_TIME,
    LEAF_DATE,
    LEAF_CC,
    LEAF_UUID,
    LEAF_DIGEST,
    LEAF_COMMIT,
    LEAF_HEX,
    LEAF_NOTE,
    LEAF_ORG,
    LEAF_PAIRS
} leaf_kind;

typedef struct leaf_node leaf_node;
struct leaf_node {
    const char *name;
    size_t name_size;
    leaf_kind kind;
    unsigned cap;      /* bytes; 0: the kind says it */
    const char *words; /* LEAF_ONE: "a|b" */
    unsigned max;      /* array of at most so many; 0: no array */
    unsigned slot;     /* in its scope */
    unsigned slots;    /* of an array of objects and of the root: size of the scope it opens */
    leaf_node *parent; /* NULL for the root */
    leaf_node *owner;  /* the array of objects whose elements hold this member; NULL: the leaf itself */
    leaf_node **children;
    unsigned child_count;
};

#define LEAF_SLOTS_MAX  192 /* the largest scope, checked when the trees are built */
#define LEAF_MAX_BYTES  65535
#define LEAF_SAFE_INT   9007199254740991LL /* 2^53-1 */
#define PROV_TYPE_COUNT 22

const leaf_node *leaf_schema_root(prov_type type);
const leaf_node *leaf_schema_find(prov_type type,
                                  const char *path); /* dotted, without [N]; NULL: no such member */
const leaf_node *leaf_schema_child(const leaf_node *parent, dx_bytes name);
const char *leaf_schema_type_text(prov_type type);
bool leaf_schema_type(dx_bytes text, prov_type *type);

#endif
