/* The codes of decisions, how a step says no by one, and what the reader of the trace is told on the way. */
#include "policy/policy_judge.h"

/* ---- codes ---- */

const judge_code_row judge_codes[CODE_COUNT] = {
#define C(id, code, http, later, retry, en, ja) {code, "urn:dfft:problem:" code, en, ja, http, later, retry},
#include "policy/code_table.h"
#undef C
};

static const judge_code_row *row_of(const char *code)
{
    for (size_t i = 0; code != NULL && i < CODE_COUNT; i++)
        if (strcmp(judge_codes[i].code, code) == 0)
            return &judge_codes[i];
    return NULL;
}

const char *policy_code_title(const char *code, const char *lang)
{
    const judge_code_row *row = row_of(code);
    bool ja = lang != NULL && strncmp(lang, "ja", 2) == 0;
    if (row == NULL)
        return ja ? "拒否されました" : "The exchange is refused";
    return ja ? row->ja : row->en;
}

int policy_code_http(const char *code)
{
    const judge_code_row *row = row_of(code);
    return row == NULL ? 403 : row->http;
}

/* ---- saying no ---- */

const char *judge_clause(judge *j, const model_document *doc, const char *pointer)
{
    const char *clause = dx_arena_printf(j->arena, "%s#%s", doc->name, pointer);
    j->out_of_room = j->out_of_room || clause == NULL;
    return clause;
}

const char *judge_law(const judge *j, const char *law, const model_document *doc)
{
    law = law != NULL ? law : doc->law;
    return law == NULL && j->agreement != NULL ? j->agreement->instrument->law : law;
}

bool judge_no(judge *j, policy_ruling *r, judge_code code)
{
    bool later = (j->phase == POLICY_RESPONSE || j->phase == POLICY_STREAM ||
                  (j->phase == POLICY_BODY && !j->import)) &&
                 judge_codes[code].later != 0;
    r->answer = POLICY_DENY;
    r->code = judge_codes[code].code;
    r->http = later ? judge_codes[code].later : judge_codes[code].http;
    r->retryable = judge_codes[code].retryable;
    r->clause = judge_codes[code].problem;
    r->law = NULL;
    r->rule = NULL;
    if (j->trace != NULL)
        trace_describe(j, j->trace, code);
    return false;
}

bool judge_no_at(judge *j, policy_ruling *r, judge_code code, const model_document *doc, const char *pointer,
                 const char *law)
{
    judge_no(j, r, code);
    const char *clause = judge_clause(j, doc, pointer);
    r->clause = clause != NULL ? clause : r->clause;
    r->law = judge_law(j, law, doc);
    return false;
}

bool judge_no_by_rule(judge *j, policy_ruling *r, judge_code code, const model_rule *rule,
                      const char *pointer, const char *law)
{
    judge_no_at(j, r, code, rule->doc, pointer, law != NULL ? law : rule->law);
    r->rule = rule->id;
    return false;
}

static void trace_rule(judge *j, const model_rule *rule, bool permit)
{
    if (j->trace != NULL) {
        j->trace->rule = rule;
        j->trace->permit = permit;
    }
}

bool judge_no_by_prohibit(judge *j, policy_ruling *r, judge_code code, const model_rule *rule)
{
    trace_rule(j, rule, false);
    return judge_no_by_rule(j, r, code, rule, rule->pointer, NULL);
}

bool judge_no_at_leaf(judge *j, policy_ruling *r, judge_code code, const model_rule *rule, truth was)
{
    dx_buf at;
    const char *law = rule->law;
    dx_buf_init(&at, 4096);
    bool ok = dx_buf_add_text(&at, rule->when_at).code == DX_OK;
    judge_blame(j, rule->when, was, true, &at, &law);
    char *pointer = ok ? dx_arena_text(j->arena, dx_buf_view(&at)) : NULL;
    dx_buf_fini(&at);
    j->out_of_room = j->out_of_room || pointer == NULL;
    trace_rule(j, rule, true);
    return judge_no_by_rule(j, r, code, rule, pointer == NULL ? rule->when_at : pointer, law);
}

/* ---- what the reader of the trace gets on the way ---- */

/* The list with room for one more; NULL: the arena is full. */
static void *one_more(judge *j, void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    size_t more = *room == 0 ? 8 : *room * 2;
    void *moved = dx_arena_array(j->arena, more, size);
    if (moved == NULL) {
        j->out_of_room = true;
        return NULL;
    }
    if (count > 0)
        memcpy(moved, list, count * size);
    *room = more;
    return moved;
}

void judge_note_pending(judge *j, const model_rule *rule)
{
    judge_trace *t = j->trace;
    if (t == NULL)
        return;
    const char **list = one_more(j, t->pending, t->pending_count, &t->pending_room, sizeof *list);
    if (list == NULL)
        return;
    t->pending = list;
    list[t->pending_count++] = rule->clause;
}

void judge_note_would(judge *j, const model_rule *rule, judge_code code)
{
    judge_trace *t = j->trace;
    if (t == NULL)
        return;
    judge_would *list = one_more(j, t->would, t->would_count, &t->would_room, sizeof *list);
    if (list == NULL)
        return;
    t->would = list;
    list[t->would_count++] = (judge_would){rule->clause, judge_codes[code].code};
}
