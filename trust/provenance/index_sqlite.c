/* The index: derived, one file, thrown away and built again whenever it does not fit the tree (provenance.md
 * 7). Queries are put together from constant pieces; every value is bound. A reader's connection can only
 * SELECT. */
#include "trust/provenance/index_sqlite.h"

#include "trust/base/log.h"
#include "trust/provenance/leaf_lint.h"
#include "trust/provenance/reader.h"

#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROWS_PER_TRANSACTION 2000
#define SCOPE_MAX            64
#define FILTERS_MAX          8

enum { KIND_COUNTRY = 1, KIND_PURPOSE, KIND_PEER, KIND_DATASET, KIND_CODE, KIND_DECISION, KIND_ID };

struct prov_index {
    pthread_mutex_t lock;
    const dx_io *io;
    char file[PATH_MAX], folder[PATH_MAX];
    prov_reader *reader;
    sqlite3 *write, *read;
    sqlite3_stmt *add_rec, *add_term, *get_term, *add_fact, *set_pos;
    uint64_t next;
};

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "CREATE TABLE IF NOT EXISTS pos(one INTEGER PRIMARY KEY CHECK(one=1), next INTEGER, root BLOB);"
    "CREATE TABLE IF NOT EXISTS term(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS rec(i INTEGER PRIMARY KEY, ts INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS rec_ts ON rec(ts, i);"
    /* one row per value of a leaf: every filter is a range of one key, in the order of the log */
    "CREATE TABLE IF NOT EXISTS fact(kind INTEGER, val INTEGER, i INTEGER, PRIMARY KEY(kind, val, i)) "
    "WITHOUT ROWID;";

const char *index_sqlite_version(void)
{
    return sqlite3_libversion();
}

static DX_RC sql_fail(const prov_index *index, sqlite3 *db, dx_why *why)
{
    return dx_fail(why, DX_IO, "", "provenance.md 7", "index %s: %s", index->file,
                   db == NULL ? "no memory" : sqlite3_errmsg(db));
}

/* What a reader's statement may do: SELECT, and read these tables. */
static int authorize(void *context, int action, const char *a, const char *b, const char *database,
                     const char *trigger)
{
    (void)context;
    (void)b;
    (void)database;
    (void)trigger;
    if (action == SQLITE_SELECT)
        return SQLITE_OK;
    bool table = a != NULL && (strcmp(a, "rec") == 0 || strcmp(a, "term") == 0 || strcmp(a, "fact") == 0);
    return action == SQLITE_READ && table ? SQLITE_OK : SQLITE_DENY;
}

static void db_close(prov_index *index)
{
    sqlite3_stmt **all[] = {&index->add_rec, &index->add_term, &index->get_term, &index->add_fact,
                            &index->set_pos};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        sqlite3_finalize(*all[i]);
        *all[i] = NULL;
    }
    sqlite3_close(index->read);
    sqlite3_close(index->write);
    index->read = index->write = NULL;
}

static bool prepare(prov_index *index)
{
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } all[] = {
        {&index->add_rec, "INSERT INTO rec VALUES(?1,?2)"},
        {&index->add_term, "INSERT OR IGNORE INTO term(text) VALUES(?1)"},
        {&index->get_term, "SELECT id FROM term WHERE text=?1"},
        {&index->add_fact, "INSERT OR IGNORE INTO fact VALUES(?1,?2,?3)"},
        {&index->set_pos, "INSERT OR REPLACE INTO pos VALUES(1,?1,?2)"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (sqlite3_prepare_v2(index->write, all[i].sql, -1, all[i].stmt, NULL) != SQLITE_OK)
            return false;
    return true;
}

/* Opens the file; *fits false: damaged, or made from another tree. */
static DX_RC db_open(prov_index *index, bool *fits, dx_why *why)
{
    *fits = false;
    index->next = 0;
    if (sqlite3_open_v2(index->file, &index->write,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return sql_fail(index, index->write, why);
    sqlite3_busy_timeout(index->write, 2000);
    if (sqlite3_exec(index->write, schema, NULL, NULL, NULL) != SQLITE_OK || !prepare(index))
        return DX_OKAY;
    if (sqlite3_open_v2(index->file, &index->read, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return sql_fail(index, index->read, why);
    sqlite3_busy_timeout(index->read, 2000);
    /* The first statement of a connection reads the schema, which the authorizer would deny. */
    sqlite3_exec(index->read, "SELECT 1 FROM rec LIMIT 0", NULL, NULL, NULL);
    sqlite3_set_authorizer(index->read, authorize, NULL);

    sqlite3_stmt *stmt = NULL;
    merkle_hash root, stored = {{0}};
    uint64_t next = 0;
    if (sqlite3_prepare_v2(index->write, "SELECT next, root FROM pos", -1, &stmt, NULL) == SQLITE_OK) {
        int step = sqlite3_step(stmt);
        *fits = step == SQLITE_DONE || step == SQLITE_ROW;
        if (step == SQLITE_ROW) {
            next = (uint64_t)sqlite3_column_int64(stmt, 0);
            *fits = sqlite3_column_bytes(stmt, 1) == 32;
            if (*fits)
                memcpy(stored.bytes, sqlite3_column_blob(stmt, 1), 32);
        }
    }
    sqlite3_finalize(stmt);
    if (*fits && next > 0)
        *fits = next <= prov_reader_size(index->reader) &&
                merkle_root_of(reader_subtree, index->reader, next, &root, why).code == DX_OK &&
                merkle_same(&root, &stored);
    index->next = next;
    return DX_OKAY;
}

static void remove_files(prov_index *index)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char path[PATH_MAX + 8];
        snprintf(path, sizeof path, "%s%s", index->file, ends[i]);
        index->io->unlink(index->io, path);
    }
}

static DX_RC open_or_rebuild(prov_index *index, dx_why *why)
{
    bool fits = false;
    for (int attempt = 0; attempt < 2; attempt++) {
        struct dx_rc rc = db_open(index, &fits, why);
        if (rc.code == DX_OK && fits)
            return rc;
        db_close(index);
        if (attempt == 0) {
            dx_log(DX_LOG_WARN, "index.rebuild", F_STR("file", index->file));
            remove_files(index);
        }
    }
    return DX_FAIL(why, IO, "provenance.md 7", "the index cannot be opened or rebuilt: %s", index->file);
}

DX_RC prov_index_open(const dx_io *io, const char *dir_of_shard, prov_index **out, dx_why *why)
{
    *out = NULL;
    prov_index *index = calloc(1, sizeof *index);
    if (index == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for an index");
    pthread_mutex_init(&index->lock, NULL);
    index->io = io != NULL ? io : &dx_io_system;
    snprintf(index->folder, sizeof index->folder, "%.4000s/index", dir_of_shard);
    snprintf(index->file, sizeof index->file, "%.4050s/log.sqlite", index->folder);
    struct dx_rc rc = prov_reader_open(index->io, dir_of_shard, &index->reader, why);
    if (rc.code == DX_OK)
        rc = dx_io_make_folders(index->io, index->folder, 0700, why);
    if (rc.code == DX_OK)
        rc = open_or_rebuild(index, why);
    if (rc.code != DX_OK) {
        prov_index_close(index);
        return rc;
    }
    *out = index;
    return DX_OKAY;
}

void prov_index_close(prov_index *index)
{
    if (index == NULL)
        return;
    db_close(index);
    prov_reader_close(index->reader);
    pthread_mutex_destroy(&index->lock);
    free(index);
}

static bool run(sqlite3_stmt *stmt)
{
    int step = sqlite3_step(stmt);
    sqlite3_reset(stmt);
    return step == SQLITE_DONE;
}

static bool term_of(prov_index *index, dx_bytes text, sqlite3_int64 *id)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        sqlite3_bind_text(index->get_term, 1, (const char *)text.data, (int)text.size, SQLITE_STATIC);
        bool found = sqlite3_step(index->get_term) == SQLITE_ROW;
        if (found)
            *id = sqlite3_column_int64(index->get_term, 0);
        sqlite3_reset(index->get_term);
        if (found)
            return true;
        sqlite3_bind_text(index->add_term, 1, (const char *)text.data, (int)text.size, SQLITE_STATIC);
        if (!run(index->add_term))
            return false;
    }
    return false;
}

static bool fact(prov_index *index, uint64_t i, int kind, dx_bytes text)
{
    sqlite3_int64 id;
    if (text.size == 0)
        return true;
    if (!term_of(index, text, &id))
        return false;
    sqlite3_bind_int(index->add_fact, 1, kind);
    sqlite3_bind_int64(index->add_fact, 2, id);
    sqlite3_bind_int64(index->add_fact, 3, (sqlite3_int64)i);
    return run(index->add_fact);
}

static bool facts(prov_index *index, uint64_t i, int kind, dx_bytes array)
{
    dx_bytes text;
    size_t at = 0;
    while (leaf_view_next(array, &at, &text))
        if (!fact(index, i, kind, text))
            return false;
    return true;
}

static bool add(prov_index *index, uint64_t i, const leaf_view *v)
{
    int64_t ts = 0;
    (void)dx_time_parse(leaf_view_get(v, "time.start"), true, &ts);
    sqlite3_bind_int64(index->add_rec, 1, (sqlite3_int64)i);
    sqlite3_bind_int64(index->add_rec, 2, ts);
    bool importer = leaf_view_is(v, "peer.side", "importer"),
         exporter = leaf_view_is(v, "peer.side", "exporter");
    return run(index->add_rec) && fact(index, i, KIND_COUNTRY, leaf_view_get(v, "exporter.country")) &&
           fact(index, i, KIND_COUNTRY, leaf_view_get(v, "importer.country")) &&
           facts(index, i, KIND_COUNTRY, leaf_view_get(v, "destination")) &&
           facts(index, i, KIND_PURPOSE, leaf_view_get(v, "purpose.ids")) &&
           (importer || fact(index, i, KIND_PEER, leaf_view_get(v, "exporter.org"))) &&
           (exporter || fact(index, i, KIND_PEER, leaf_view_get(v, "importer.org"))) &&
           fact(index, i, KIND_DATASET, leaf_view_get(v, "dataset.id")) &&
           fact(index, i, KIND_CODE, leaf_view_get(v, "decision.code")) &&
           fact(index, i, KIND_DECISION, leaf_view_get(v, "decision.answer")) &&
           fact(index, i, KIND_ID, leaf_view_get(v, "rec.id"));
}

/* One transaction: leaves, then position and root, so that a crash leaves a smaller index, never a wrong one.
 */
static DX_RC take_in(prov_index *index, uint64_t until, dx_why *why)
{
    dx_buf leaf;
    merkle_hash root;
    leaf_view view;
    prov_finding finding;
    struct dx_rc rc = DX_OKAY;
    dx_buf_init(&leaf, LEAF_MAX_BYTES);
    if (sqlite3_exec(index->write, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return sql_fail(index, index->write, why);
    for (uint64_t i = index->next; i < until && rc.code == DX_OK; i++) {
        dx_buf_clear(&leaf);
        rc = prov_reader_leaf(index->reader, i, &leaf, why);
        if (rc.code == DX_OK && leaf_lint(dx_buf_view(&leaf), &view, &finding) &&
            view.type == PROV_EXCHANGE && !add(index, i, &view))
            rc = sql_fail(index, index->write, why);
    }
    if (rc.code == DX_OK)
        rc = merkle_root_of(reader_subtree, index->reader, until, &root, why);
    if (rc.code == DX_OK) {
        sqlite3_bind_int64(index->set_pos, 1, (sqlite3_int64)until);
        sqlite3_bind_blob(index->set_pos, 2, root.bytes, 32, SQLITE_STATIC);
        if (!run(index->set_pos) || sqlite3_exec(index->write, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
            rc = sql_fail(index, index->write, why);
    }
    if (rc.code != DX_OK)
        sqlite3_exec(index->write, "ROLLBACK", NULL, NULL, NULL);
    else
        index->next = until;
    dx_buf_fini(&leaf);
    return rc;
}

static DX_RC follow(prov_index *index, dx_why *why)
{
    uint64_t size = prov_reader_size(index->reader);
    while (index->next < size) {
        uint64_t until =
            size - index->next > ROWS_PER_TRANSACTION ? index->next + ROWS_PER_TRANSACTION : size;
        DX_TRY(take_in(index, until, why));
    }
    return DX_OKAY;
}

typedef struct {
    int kind;
    const char *text;
} filter;

static unsigned filters_of(const prov_query *q, filter out[FILTERS_MAX])
{
    const filter all[] = {{KIND_ID, q->origin_id},     {KIND_PEER, q->peer},       {KIND_PURPOSE, q->purpose},
                          {KIND_DATASET, q->dataset},  {KIND_COUNTRY, q->country}, {KIND_CODE, q->code},
                          {KIND_DECISION, q->decision}};
    unsigned n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].text != NULL)
            out[n++] = all[i];
    return n;
}

#define TERM "(SELECT id FROM term WHERE text=?)"

/* Constant pieces only; the number of "?" follows the number of filters. */
static DX_RC statement(const prov_query *q, unsigned filters, dx_buf *sql)
{
    DX_TRY(dx_buf_add_text(
        sql, filters > 0 ? "SELECT f.i FROM fact f CROSS JOIN rec r ON r.i=f.i WHERE f.kind=? AND f.val=" TERM
                           " AND f.i>=? AND f.i<?"
                         : "SELECT r.i FROM rec r WHERE r.i>=? AND r.i<?"));
    DX_TRY(dx_buf_add_text(sql, " AND r.ts>=? AND r.ts<?"));
    for (unsigned i = 1; i < filters; i++)
        DX_TRY(dx_buf_add_text(sql, " AND EXISTS(SELECT 1 FROM fact g WHERE g.kind=? AND g.val=" TERM
                                    " AND g.i=r.i)"));
    if (!q->scope_all) {
        DX_TRY(dx_buf_add_text(sql, " AND ("));
        for (size_t i = 0; i < q->scope_country_count; i++) {
            DX_TRY(dx_buf_add_text(sql, i > 0 ? " OR " : ""));
            DX_TRY(dx_buf_add_text(sql, "EXISTS(SELECT 1 FROM fact s WHERE s.kind=1 AND s.val=" TERM
                                        " AND s.i=r.i)"));
        }
        DX_TRY(dx_buf_add_text(sql, ")"));
    }
    DX_TRY(dx_buf_add_text(sql, filters > 0 ? " ORDER BY f.i LIMIT ?" : " ORDER BY r.i LIMIT ?"));
    return dx_buf_add_byte(sql, 0);
}

static void bind(sqlite3_stmt *stmt, const prov_query *q, const filter *filters, unsigned count,
                 uint64_t from, uint64_t at)
{
    int n = 1;
    if (count > 0) {
        sqlite3_bind_int(stmt, n++, filters[0].kind);
        sqlite3_bind_text(stmt, n++, filters[0].text, -1, SQLITE_STATIC);
    }
    sqlite3_bind_int64(stmt, n++, (sqlite3_int64)from);
    sqlite3_bind_int64(stmt, n++, (sqlite3_int64)at);
    sqlite3_bind_int64(stmt, n++, q->from_us != 0 ? q->from_us : INT64_MIN);
    sqlite3_bind_int64(stmt, n++, q->until_us != 0 ? q->until_us : INT64_MAX);
    for (unsigned i = 1; i < count; i++) {
        sqlite3_bind_int(stmt, n++, filters[i].kind);
        sqlite3_bind_text(stmt, n++, filters[i].text, -1, SQLITE_STATIC);
    }
    for (size_t i = 0; i < q->scope_country_count && !q->scope_all; i++)
        sqlite3_bind_text(stmt, n++, q->scope_countries[i], -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, n, (sqlite3_int64)q->limit + 1);
}

static DX_RC rows(prov_index *index, const prov_query *q, sqlite3_stmt *stmt, prov_row *row, void *context,
                  uint64_t *next, bool *more, dx_why *why)
{
    dx_buf leaf;
    dx_buf_init(&leaf, LEAF_MAX_BYTES);
    struct dx_rc rc = DX_OKAY;
    int step;
    for (unsigned n = 0; rc.code == DX_OK && (step = sqlite3_step(stmt)) != SQLITE_DONE; n++) {
        if (step != SQLITE_ROW) {
            rc = sql_fail(index, index->read, why);
        } else if (n == q->limit) {
            *more = true;
            break;
        } else {
            uint64_t i = (uint64_t)sqlite3_column_int64(stmt, 0);
            dx_buf_clear(&leaf);
            rc = prov_reader_leaf(index->reader, i, &leaf, why);
            *next = i;
            if (rc.code == DX_OK)
                row(context, i, dx_buf_view(&leaf));
        }
    }
    dx_buf_fini(&leaf);
    return rc;
}

static DX_RC query(prov_index *index, const prov_query *q, prov_row *row, void *context, uint64_t *next,
                   bool *more, dx_why *why)
{
    filter filters[FILTERS_MAX];
    unsigned count = filters_of(q, filters);
    uint64_t at = q->at_size;
    dx_buf sql, note;
    sqlite3_stmt *stmt = NULL;
    *more = false;
    *next = q->after_index;
    if (q->limit < 1 || q->limit > 1000 || q->scope_country_count > SCOPE_MAX)
        return DX_FAIL(why, USAGE, "provenance.md 6.2",
                       "limit is 1 to 1000, a scope has at most %d countries", SCOPE_MAX);
    if (!q->scope_all && q->scope_country_count == 0)
        return DX_OKAY; /* an empty scope sees nothing */
    if (at == 0) {
        dx_buf_init(&note, 1 << 20);
        struct dx_rc rc = prov_reader_checkpoint(index->reader, &note, &at, why);
        dx_buf_fini(&note);
        DX_TRY(rc);
    }
    if (index->next < at)
        DX_TRY(follow(index, why));
    if (index->next < at)
        return DX_FAIL(why, BUSY, "provenance.md 6.2",
                       "index-behind: at %" PRIu64 ", the index is at %" PRIu64, at, index->next);
    dx_buf_init(&sql, 1 << 16);
    struct dx_rc rc = statement(q, count, &sql);
    if (rc.code == DX_OK &&
        sqlite3_prepare_v2(index->read, (const char *)sql.data, -1, &stmt, NULL) != SQLITE_OK)
        rc = sql_fail(index, index->read, why);
    if (rc.code == DX_OK) {
        bind(stmt, q, filters, count, q->after_index == UINT64_MAX ? 0 : q->after_index + 1, at);
        rc = rows(index, q, stmt, row, context, next, more, why);
    }
    sqlite3_finalize(stmt);
    dx_buf_fini(&sql);
    return rc;
}

DX_RC prov_index_query(prov_index *index, const prov_query *q, prov_row *row, void *context, uint64_t *next,
                       bool *more, dx_why *why)
{
    pthread_mutex_lock(&index->lock);
    struct dx_rc rc = query(index, q, row, context, next, more, why);
    pthread_mutex_unlock(&index->lock);
    return rc;
}
