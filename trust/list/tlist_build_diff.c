/* What two lists say, fact by fact. A fact has a key (where it stands), and facts of equal key are compared
 * by value; a service is known by its provider and key identifier, an interval of its life by the instant it
 * begins, so that a new status is one fact. */
#include "trust/list/tlist_build_private.h"
#include "trust/list/tlist_certificate.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    const char *key, *value;
    const char *label; /* for people */
    const char *head;  /* key of what this fact belongs to: when that is new, its facts are not told one by
                          one; NULL */
} fact;

typedef struct {
    dx_arena arena;
    fact *items;
    size_t count, room;
    bool failed;
} facts;

static void add(facts *f, const char *key, const char *label, const char *head, const char *value)
{
    if (f->count == f->room) {
        size_t room = f->room == 0 ? 256 : 2 * f->room;
        fact *items = realloc(f->items, room * sizeof *items);
        if (items == NULL) {
            f->failed = true;
            return;
        }
        f->items = items;
        f->room = room;
    }
    f->failed |= key == NULL || label == NULL || value == NULL;
    f->items[f->count++] = (fact){key, value, label, head};
}

#define TEXT(f, ...) dx_arena_printf(&(f)->arena, __VA_ARGS__)

static const char *lang_of(const xmlNode *node)
{
    for (const xmlAttr *a = node->properties; a != NULL; a = a->next)
        if (a->ns != NULL && strcmp((const char *)a->name, "lang") == 0 && a->children != NULL)
            return (const char *)a->children->content;
    return "";
}

/* Every leaf below, by the names that lead to it; `skip` is not entered. */
static void leaves(facts *f, const xmlNode *node, const char *path, const char *label, const char *head,
                   const char *const *skip)
{
    for (const xmlNode *n = tlist_first(node); n != NULL && !f->failed; n = tlist_next(n)) {
        size_t i = 0;
        while (skip != NULL && skip[i] != NULL && strcmp(skip[i], (const char *)n->name) != 0)
            i++;
        if (skip != NULL && skip[i] != NULL)
            continue;
        const char *lang = lang_of(n), *name = (const char *)n->name;
        const char *below = TEXT(f, "%s/%s%s%s", path, name, lang[0] == '\0' ? "" : "@", lang);
        if (below == NULL)
            f->failed = true;
        else if (tlist_first(n) != NULL)
            leaves(f, n, below, label, head, NULL);
        else
            add(f, below, label, head, tlist_text(n, &f->arena));
    }
}

static const char *segment(const char *uri)
{
    const char *slash = uri == NULL ? NULL : strrchr(uri, '/');
    return slash == NULL ? uri : slash + 1;
}

/* All texts and attribute values below, as one value. */
static const char *all_texts(facts *f, const xmlNode *node)
{
    dx_buf out;
    dx_buf_init(&out, 1 << 20);
    struct dx_rc rc = DX_OKAY;
    for (const xmlNode *n = node; n != NULL && rc.code == DX_OK; n = tlist_walk(node, n)) {
        const char *text = tlist_first(n) == NULL ? tlist_text(n, &f->arena) : "";
        for (const xmlAttr *a = n->properties; a != NULL && rc.code == DX_OK; a = a->next)
            if (a->ns == NULL && a->children != NULL && strcmp((const char *)a->name, "Critical") != 0 &&
                strcmp((const char *)a->name, "Qualifier") != 0)
                rc = dx_buf_addf(&out, " %s", (const char *)a->children->content);
        if (rc.code == DX_OK && text != NULL && text[0] != '\0')
            rc = dx_buf_addf(&out, " %s", text);
    }
    const char *value = rc.code == DX_OK ? dx_arena_text(&f->arena, dx_buf_view(&out)) : NULL;
    dx_buf_fini(&out);
    return value == NULL ? "" : value;
}

static void interval(facts *f, const xmlNode *node, const char *path, const char *label)
{
    const char *since = tlist_text(tlist_child(node, TLIST_NS, "StatusStartingTime"), &f->arena);
    const char *type = tlist_text(tlist_child(node, TLIST_NS, "ServiceTypeIdentifier"), &f->arena);
    const char *status = tlist_text(tlist_child(node, TLIST_NS, "ServiceStatus"), &f->arena);
    if (since == NULL || type == NULL || status == NULL) {
        f->failed = true;
        return;
    }
    /* Type and its family: ".../Svctype/TSA/accredited". */
    const char *family = strstr(type, "/Svctype/");
    add(f, TEXT(f, "%s/since %s", path, since), label, path,
        TEXT(f, "%s (%s)%s", segment(status), family == NULL ? type : family + 9,
             all_texts(f, tlist_child(node, TLIST_NS, "ServiceInformationExtensions"))));
}

static void service(facts *f, const xmlNode *node, const char *provider)
{
    const xmlNode *now = tlist_child(node, TLIST_NS, "ServiceInformation");
    const xmlNode *id = tlist_child(now, TLIST_NS, "ServiceDigitalIdentity");
    const char *ski = "", *name = tlist_best_name(tlist_child(now, TLIST_NS, "ServiceName"), &f->arena);
    for (const xmlNode *n = tlist_first(id); n != NULL && ski[0] == '\0'; n = tlist_next(n))
        if (tlist_is(tlist_first(n), TLIST_NS, "X509SKI"))
            ski = tlist_text(tlist_first(n), &f->arena);
    if (ski == NULL || name == NULL) {
        f->failed = true;
        return;
    }
    const char *path = TEXT(f, "2 %s/service %s", provider, ski[0] == '\0' ? name : ski);
    const char *label = TEXT(f, "%s, service \"%s\"", provider, name);
    if (path == NULL || label == NULL) {
        f->failed = true;
        return;
    }
    add(f, path, label, NULL, "");
    for (const xmlNode *n = tlist_first(id); n != NULL; n = tlist_next(n)) {
        const xmlNode *certificate = tlist_first(n);
        dx_bytes der;
        if (!tlist_is(certificate, TLIST_NS, "X509Certificate") ||
            !tlist_base64(certificate, &f->arena, &der))
            continue;
        uint8_t sha256[32];
        char hex[65];
        dx_sha256(der, sha256);
        dx_hex(dx_bytes_of(sha256, 32), hex);
        add(f, TEXT(f, "%s/certificate", path), label, path, TEXT(f, "%s", hex));
    }
    static const char *const apart[] = {
        "ServiceTypeIdentifier", "ServiceDigitalIdentity",       "ServiceStatus",
        "StatusStartingTime",    "ServiceInformationExtensions", NULL};
    leaves(f, now, path, label, path, apart);
    interval(f, now, path, label);
    const xmlNode *names = tlist_child(now, TLIST_NS, "ServiceName");
    for (const xmlNode *n = tlist_first(tlist_child(node, TLIST_NS, "ServiceHistory")); n != NULL;
         n = tlist_next(n)) {
        const xmlNode *then = tlist_child(n, TLIST_NS, "ServiceName");
        interval(f, n, path, label);
        if (strcmp(all_texts(f, then), all_texts(f, names)) != 0)
            leaves(f, then, TEXT(f, "%s/once", path), label, path, NULL);
    }
}

static void gather(facts *f, const xmlNode *root)
{
    static const char *const passing[] = {"TSLSequenceNumber", "ListIssueDateTime", "NextUpdate", NULL};
    leaves(f, tlist_child(root, TLIST_NS, "SchemeInformation"), "0 scheme", "scheme", NULL, passing);
    const xmlNode *all = tlist_child(root, TLIST_NS, "TrustServiceProviderList");
    for (const xmlNode *p = tlist_first(all); p != NULL && !f->failed; p = tlist_next(p)) {
        const xmlNode *information = tlist_child(p, TLIST_NS, "TSPInformation");
        const char *id =
            tlist_text(tlist_first(tlist_child(information, TLIST_NS, "TSPTradeName")), &f->arena);
        const char *name = id == NULL ? NULL : TEXT(f, "provider %s", id);
        const char *path = name == NULL ? NULL : TEXT(f, "1 %s", name);
        if (path == NULL) {
            f->failed = true;
            return;
        }
        add(f, path, name, NULL, "");
        leaves(f, information, path, name, path, NULL);
        for (const xmlNode *s = tlist_first(tlist_child(p, TLIST_NS, "TSPServices")); s != NULL;
             s = tlist_next(s))
            service(f, s, name);
    }
}

static int compare(const void *a, const void *b)
{
    const fact *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : strcmp(x->value, y->value);
}

static bool has_key(const facts *f, const char *key)
{
    size_t low = 0, high = f->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(f->items[middle].key, key);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

typedef struct {
    void (*line)(void *context, const char *line);
    void *context;
    size_t count;
    dx_arena arena;
} teller;

/* "+ provider NTRJP-…, service "X": since 2026-…: revoked (TSA/accredited)" */
static void tell(teller *t, char sign, const fact *one, const char *from, const char *to)
{
    const char *head = one->head != NULL ? one->head : "0 scheme", *what = one->key;
    bool whole = one->value[0] == '\0' && one->head == NULL;
    t->count++;
    if (t->line == NULL)
        return;
    what += strncmp(one->key, head, strlen(head)) == 0 ? strlen(head) : 0;
    what += *what == '/';
    const char *text =
        whole          ? dx_arena_printf(&t->arena, "%c %s", sign, one->label)
        : from == NULL ? dx_arena_printf(&t->arena, "%c %s: %s: %s", sign, one->label, what, to)
                       : dx_arena_printf(&t->arena, "%c %s: %s: %s -> %s", sign, one->label, what, from, to);
    if (text != NULL)
        t->line(t->context, text);
}

static bool alone(const fact *one, const facts *other)
{
    return one->head == NULL || has_key(other, one->head);
}

/* Facts of one key on both sides: equal values cancel out, the rest are changes, then what is left. */
static void compare_key(teller *t, const facts *a, size_t i, size_t i_end, const facts *b, size_t k,
                        size_t k_end)
{
    while (i < i_end || k < k_end) {
        int order = i == i_end ? 1 : k == k_end ? -1 : strcmp(a->items[i].value, b->items[k].value);
        if (order == 0) {
            i++, k++;
        } else if (i_end - i == k_end - k) {
            tell(t, '~', &b->items[k], a->items[i].value, b->items[k].value);
            i++, k++;
        } else if (k == k_end || (i < i_end && order < 0)) {
            if (alone(&a->items[i], b))
                tell(t, '-', &a->items[i], NULL, a->items[i].value);
            i++;
        } else {
            if (alone(&b->items[k], a))
                tell(t, '+', &b->items[k], NULL, b->items[k].value);
            k++;
        }
    }
}

static size_t run_of(const facts *f, size_t i, const char *key)
{
    while (i < f->count && strcmp(f->items[i].key, key) == 0)
        i++;
    return i;
}

DX_RC tlist_build_diff(const xmlNode *before, const xmlNode *after,
                       void (*line)(void *context, const char *line), void *context, size_t *count,
                       dx_why *why)
{
    facts a = {0}, b = {0};
    teller t = {.line = line, .context = context};
    gather(&a, before);
    gather(&b, after);
    bool failed = a.failed || b.failed;
    if (!failed) {
        qsort(a.items, a.count, sizeof *a.items, compare);
        qsort(b.items, b.count, sizeof *b.items, compare);
    }
    for (size_t i = 0, k = 0; !failed && (i < a.count || k < b.count);) {
        const char *key = i == a.count                                 ? b.items[k].key
                          : k == b.count                               ? a.items[i].key
                          : strcmp(a.items[i].key, b.items[k].key) < 0 ? a.items[i].key
                                                                       : b.items[k].key;
        size_t i_end = run_of(&a, i, key), k_end = run_of(&b, k, key);
        compare_key(&t, &a, i, i_end, &b, k, k_end);
        i = i_end;
        k = k_end;
    }
    *count = t.count;
    free(a.items);
    free(b.items);
    dx_arena_fini(&a.arena);
    dx_arena_fini(&b.arena);
    dx_arena_fini(&t.arena);
    return failed ? tlist_build_no_memory(why) : DX_OKAY;
}
