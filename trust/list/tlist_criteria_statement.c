/* QcStatementSet in the criteria of recognition elements: read, compared, and applied to what a certificate
 * states (trusted-lists.md 9.5). */
#include "trust/list/tlist_criteria.h"

#include <stdio.h>

enum { STATEMENTS_MAX = 64 };

static const char etsi_qc[] = "0.4.0.1862.1.";

/* The last arc of 0.4.0.1862.1.n, or of 0.4.0.1862.1.6.n with `below`; 0: another identifier. */
static unsigned last_arc(const char *oid, bool below)
{
    size_t size = sizeof etsi_qc - 1;
    if (strncmp(oid, etsi_qc, size) != 0)
        return 0;
    oid += size;
    if (below) {
        if (strncmp(oid, "6.", 2) != 0)
            return 0;
        oid += 2;
    }
    return oid[0] >= '1' && oid[0] <= '0' + TLIST_QC_LAST && oid[1] == '\0' ? (unsigned)(oid[0] - '0') : 0;
}

static const char *identifier(const xmlNode *parent, dx_arena *arena)
{
    const char *text = tlist_text(tlist_child(parent, TLIST_NS_XADES, "Identifier"), arena);
    return text == NULL ? "" : strncasecmp(text, "urn:oid:", 8) == 0 ? text + 8 : text;
}

static bool read_info(const xmlNode *info, dx_arena *arena, tlist_statement_want *out)
{
    const xmlNode *type = tlist_child(info, TLIST_NS_MRA, "QcType"),
                  *law = tlist_child(info, TLIST_NS_MRA, "QcCClegislation");
    if ((type == NULL) == (law == NULL))
        return false;
    if (type != NULL) {
        out->type = last_arc(identifier(type, arena), true);
        return out->statement == TLIST_QC_TYPE && out->type != 0 && out->type <= TLIST_QCTYPE_WEB;
    }
    const char *country = tlist_text(law, arena);
    if (country == NULL || strlen(country) != 2 || out->statement != TLIST_QC_LEGISLATION)
        return false;
    memcpy(out->country, country, 3);
    return true;
}

bool tlist_statements_read(const xmlNode *set, dx_arena *arena, tlist_criterion *out)
{
    size_t room = 0;
    out->kind = BY_STATEMENTS;
    for (const xmlNode *n = tlist_first(set); n != NULL; n = tlist_next(n))
        room++;
    out->statements = room > STATEMENTS_MAX ? NULL : DX_ARENA_ARRAY(arena, tlist_statement_want, room + 1);
    if (out->statements == NULL)
        return false;
    for (const xmlNode *n = tlist_first(set); n != NULL; n = tlist_next(n)) {
        tlist_statement_want *w = &out->statements[out->statement_count++];
        const xmlNode *info = tlist_child(n, TLIST_NS_MRA, "QcStatementInfo");
        if (!tlist_is(n, TLIST_NS_MRA, "QcStatement"))
            return false;
        w->statement = last_arc(identifier(tlist_child(n, TLIST_NS_MRA, "QcStatementId"), arena), false);
        if (w->statement == 0 || (info != NULL && !read_info(info, arena, w)))
            return false;
    }
    return out->statement_count > 0;
}

static bool stated_country(const tlist_statements *stated, const char *country)
{
    for (unsigned i = 0; i < stated->legislation_count; i++)
        if (strcmp(stated->legislation[i], country) == 0)
            return true;
    return false;
}

static bool is_stated(const tlist_statement_want *w, const tlist_statements *stated)
{
    return (stated->statements & TLIST_BIT(w->statement)) != 0 &&
           (w->type == 0 || (stated->types & TLIST_BIT(w->type)) != 0) &&
           (w->country[0] == '\0' || stated_country(stated, w->country));
}

bool tlist_statements_match(const tlist_criterion *c, const tlist_statements *stated)
{
    for (size_t i = 0; i < c->statement_count; i++)
        if (!is_stated(&c->statements[i], stated))
            return false;
    return true;
}

static void add(const tlist_statement_want *w, tlist_statements *stated)
{
    stated->statements |= TLIST_BIT(w->statement);
    if (w->type != 0)
        stated->types |= TLIST_BIT(w->type);
    if (w->country[0] != '\0' && !stated_country(stated, w->country) &&
        stated->legislation_count < TLIST_COUNTRY_MAX)
        memcpy(stated->legislation[stated->legislation_count++], w->country, 3);
}

static void take_away(const tlist_statement_want *w, tlist_statements *stated)
{
    if (w->statement == TLIST_QC_TYPE)
        stated->types &= w->type == 0 ? 0 : ~TLIST_BIT(w->type);
    if (w->statement == TLIST_QC_LEGISLATION) {
        unsigned kept = 0;
        for (unsigned i = 0; i < stated->legislation_count && w->country[0] != '\0'; i++)
            if (strcmp(stated->legislation[i], w->country) != 0)
                memmove(stated->legislation[kept++], stated->legislation[i], 3);
        stated->legislation_count = kept;
    }
    /* One type or country of several gone leaves the statement with the others. */
    if ((w->statement == TLIST_QC_TYPE && stated->types != 0) ||
        (w->statement == TLIST_QC_LEGISLATION && stated->legislation_count != 0))
        return;
    stated->statements &= ~TLIST_BIT(w->statement);
}

static void rewrite(const struct tlist_criteria *list, bool away, tlist_statements *stated)
{
    size_t count = list->assert_ == ASSERT_SOME && list->row_count > 1 ? 1 : list->row_count;
    away |= list->assert_ == ASSERT_NONE;
    for (size_t i = 0; i < count; i++) {
        const tlist_criterion *c = &list->rows[i];
        if (c->kind == BY_LIST)
            rewrite(c->list, away, stated);
        for (size_t k = 0; k < c->statement_count; k++)
            (away ? take_away : add)(&c->statements[k], stated);
    }
}

void tlist_statements_rewrite(const struct tlist_criteria *criteria, tlist_statements *stated)
{
    rewrite(criteria, false, stated);
}
