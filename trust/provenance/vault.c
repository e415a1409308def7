#include "trust/provenance/vault.h"

#include "trust/base/digest.h"
#include "trust/base/log.h"
#include "trust/provenance/segment.h"

#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BUCKET_RECORDS 65536 /* provenance.md 5 */
#define CLASS_MAX      64
#define SPARES         4
#define FILE_MAX_BYTES (64U << 20)

typedef struct {
    uint8_t id[16], key[32];
    uint8_t owner[32]; /* SHA-256(org 0 purpose); zero: a spare */
    char class_[CLASS_MAX], month[8];
    int64_t day; /* of its first use; -1: a spare, or not of this run */
    unsigned records;
} bucket;

struct vault {
    const dx_io *io;
    const dx_clock *clock;
    char file[PATH_MAX], kek_dir[PATH_MAX];
    int fd;
    uint64_t size;
    pthread_mutex_t lock;
    bucket *buckets;
    size_t count, room;
    bool has_counters;
    uint8_t counters[32];
};

/* Class names become file names; anything unusual is named by its digest. */
static void class_name(dx_bytes class_, char out[CLASS_MAX])
{
    bool plain = class_.size > 0 && class_.size < 40 && class_.data[0] != '.' && class_.data[0] != '-';
    for (size_t i = 0; i < class_.size && plain; i++)
        plain =
            class_.data[i] != 0 && strchr("abcdefghijklmnopqrstuvwxyz0123456789-", class_.data[i]) != NULL;
    if (class_.size == 0) {
        snprintf(out, CLASS_MAX, "none");
    } else if (plain) {
        snprintf(out, CLASS_MAX, DX_TEXT_FMT, DX_TEXT_ARG(class_));
    } else {
        uint8_t digest[32];
        dx_sha256(class_, digest);
        memcpy(out, "x-", 2);
        dx_hex(dx_bytes_of(digest, 16), out + 2);
    }
}

/* One reading of the clock for all of one call: midnight, and with it the month, may pass between two. */
typedef struct {
    int64_t day;
    char month[8];
} moment;

static moment moment_now(const vault *v)
{
    char text[DX_TIME_SIZE];
    int64_t now = dx_now_s(v->clock);
    moment m = {.day = now / 86400};
    dx_time_print(now, text);
    memcpy(m.month, text, 7);
    return m;
}

/* The key-encryption key of a class and month, generation 1; made when there is none. */
static DX_RC kek(vault *v, const char *class_, const char *month, bool make, uint8_t key[32], dx_why *why)
{
    char path[PATH_MAX];
    dx_buf content;
    if (snprintf(path, sizeof path, "%s/%s.%s.1.kek", v->kek_dir, class_, month) >= (int)sizeof path)
        return DX_FAIL(why, CONFIG, "provenance.md 5", "the path of the key folder is too long");
    struct dx_rc rc = dx_io_read_file(v->io, path, 32, &content, why);
    if (rc.code == DX_OK) {
        bool whole = content.size == 32;
        if (whole)
            memcpy(key, content.data, 32);
        OPENSSL_cleanse(content.data, content.size);
        dx_buf_fini(&content);
        return whole ? DX_OKAY : DX_FAIL(why, BROKEN, "provenance.md 5", "%s is no key of 32 bytes", path);
    }
    if (rc.code != DX_NOT_FOUND || !make)
        return rc;
    if (v->io->random(v->io, key, 32) != 0)
        return DX_FAIL(why, INTERNAL, "provenance.md 5", "no random bytes");
    return dx_io_replace_file(v->io, path, dx_bytes_of(key, 32), 0600, why);
}

/* RFC 3394 over 32 bytes: 40 come out. */
static bool wrap(const uint8_t with[32], const uint8_t *in, size_t size, bool seal, uint8_t *out)
{
    int n = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = ctx != NULL;
    if (ok) {
        EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        ok = EVP_CipherInit_ex(ctx, EVP_aes_256_wrap(), NULL, with, NULL, seal) == 1 &&
             EVP_CipherUpdate(ctx, out, &n, in, (int)size) == 1 && n == (seal ? 40 : 32);
    }
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static DX_RC append(vault *v, dx_bytes lines, bool durable, dx_why *why)
{
    DX_TRY(dx_io_write_all(v->io, v->fd, lines, (off_t)v->size, why));
    if (durable && v->io->fsync(v->io, v->fd) != 0)
        return dx_io_fail(why, "cannot sync", v->file);
    v->size += lines.size;
    return DX_OKAY;
}

static bucket *bucket_add(vault *v)
{
    if (v->count == v->room) {
        size_t room = v->room == 0 ? 64 : v->room * 2;
        bucket *more = realloc(v->buckets, room * sizeof *more);
        if (more == NULL)
            return NULL;
        v->buckets = more;
        v->room = room;
    }
    memset(&v->buckets[v->count], 0, sizeof *v->buckets);
    v->buckets[v->count].day = -1;
    return &v->buckets[v->count++];
}

/* Makes `n` wrapped keys of a class, durable before anyone sees them. */
static DX_RC make_keys(vault *v, const char *class_, const char *month, const char *kind, unsigned n,
                       uint8_t single[32], dx_why *why)
{
    uint8_t with[32], wrapped[48];
    char id[DX_HEX_SIZE(16)], text[DX_BASE64URL_SIZE(48)];
    dx_buf lines;
    size_t before = v->count;
    DX_TRY(kek(v, class_, month, true, with, why));
    dx_buf_init(&lines, 65536);
    struct dx_rc rc = DX_OKAY;
    for (unsigned i = 0; i < n && rc.code == DX_OK; i++) {
        bucket *b = bucket_add(v);
        if (b == NULL || v->io->random(v->io, b->id, 16) != 0 || v->io->random(v->io, b->key, 32) != 0 ||
            !wrap(with, b->key, 32, true, wrapped)) {
            rc = DX_FAIL(why, INTERNAL, "provenance.md 5", "cannot make a bucket key");
            break;
        }
        snprintf(b->class_, sizeof b->class_, "%s", class_);
        snprintf(b->month, sizeof b->month, "%s", month);
        if (single != NULL)
            memcpy(single, b->key, 32);
        dx_hex(dx_bytes_of(b->id, 16), id);
        dx_base64url(dx_bytes_of(wrapped, 40), text);
        rc = dx_buf_addf(&lines, "%s %s %s %s %s\n", kind, id, class_, month, text);
    }
    if (rc.code == DX_OK)
        rc = append(v, dx_buf_view(&lines), true, why);
    if (rc.code != DX_OK || single != NULL) /* not durable, or no bucket at all */
        v->count = before;
    dx_buf_fini(&lines);
    OPENSSL_cleanse(with, sizeof with);
    return rc;
}

/* "key|counters <id> <class> <month> <wrapped>", "use <id> <owner>". *known false: no such line. */
static DX_RC load_line(vault *v, dx_bytes line, bool *known, dx_why *why)
{
    dx_bytes words[5] = {{NULL, 0}};
    unsigned n = 0;
    for (size_t i = 0; i < line.size && n < 5;) {
        const uint8_t *space = memchr(line.data + i, ' ', line.size - i);
        size_t end = space == NULL ? line.size : (size_t)(space - line.data);
        words[n++] = dx_bytes_part(line, i, end - i);
        i = end + 1;
    }
    *known = true;
    uint8_t id[16], owner[32], wrapped[48], with[32], key[32];
    size_t id_size = 16, size = sizeof owner, wrapped_size = sizeof wrapped;
    if (n == 3 && dx_bytes_is(words[0], "use") && dx_hex_decode(words[1], id, &id_size) &&
        dx_hex_decode(words[2], owner, &size)) {
        for (size_t i = 0; i < v->count; i++)
            if (memcmp(v->buckets[i].id, id, 16) == 0)
                memcpy(v->buckets[i].owner, owner, 32);
        return DX_OKAY;
    }
    bool counters = n == 5 && dx_bytes_is(words[0], "counters");
    char class_[CLASS_MAX], month[8] = "";
    if (n != 5 || (!counters && !dx_bytes_is(words[0], "key")) || words[2].size >= CLASS_MAX ||
        words[3].size != 7 || !dx_hex_decode(words[1], id, &id_size) || id_size != 16 ||
        !dx_base64url_decode(words[4], wrapped, &wrapped_size) || wrapped_size != 40) {
        *known = false;
        return DX_OKAY;
    }
    snprintf(class_, sizeof class_, DX_TEXT_FMT, DX_TEXT_ARG(words[2]));
    memcpy(month, words[3].data, 7);
    /* Only a KEK that is not there was erased: its records open no more, their proofs hold. One that cannot
     * be read, or is another one, would silently do the same to records that nobody asked to erase. */
    struct dx_rc rc = kek(v, class_, month, false, with, why);
    if (rc.code == DX_NOT_FOUND)
        return DX_OKAY;
    if (rc.code != DX_OK)
        return rc;
    bool opened = wrap(with, wrapped, 40, false, key);
    OPENSSL_cleanse(with, sizeof with);
    if (!opened)
        return DX_FAIL(why, BROKEN, "RFC 3394 2.2.3", "%s.%s.1.kek is not the key that wrapped %s", class_,
                       month, v->file);
    if (counters) {
        v->has_counters = true;
        memcpy(v->counters, key, 32);
        return DX_OKAY;
    }
    bucket *b = bucket_add(v);
    if (b == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the vault");
    memcpy(b->id, id, 16);
    memcpy(b->key, key, 32);
    memcpy(b->class_, class_, sizeof class_);
    memcpy(b->month, month, sizeof month);
    return DX_OKAY;
}

static DX_RC load(vault *v, dx_why *why)
{
    dx_buf content;
    struct dx_rc rc = dx_io_read_file(v->io, v->file, FILE_MAX_BYTES, &content, why);
    if (rc.code != DX_OK)
        return rc;
    dx_bytes rest = dx_buf_view(&content);
    while (rest.size > 0 && rc.code == DX_OK) {
        bool known;
        const uint8_t *lf = memchr(rest.data, '\n', rest.size);
        if (lf == NULL)
            break; /* a torn last line: its key was never used, for it was not durable */
        size_t n = (size_t)(lf - rest.data);
        rc = load_line(v, dx_bytes_part(rest, 0, n), &known, why);
        if (!known)
            dx_log(DX_LOG_ERROR, "vault.line-ignored", F_INT("at", v->size));
        v->size += n + 1;
        rest = dx_bytes_part(rest, n + 1, rest.size);
    }
    if (rc.code == DX_OK && rest.size > 0 && v->io->ftruncate(v->io, v->fd, (off_t)v->size) != 0)
        rc = dx_io_fail(why, "cannot shorten", v->file);
    dx_buf_fini(&content);
    return rc;
}

DX_RC vault_open(const dx_io *io, const dx_clock *clock, const char *folder, const char *kek_dir, vault **out,
                 dx_why *why)
{
    *out = NULL;
    vault *v = calloc(1, sizeof *v);
    if (v == NULL)
        return DX_FAIL(why, NO_MEMORY, "", "no memory for the vault");
    v->io = io;
    v->clock = clock;
    v->fd = -1;
    pthread_mutex_init(&v->lock, NULL);
    snprintf(v->file, sizeof v->file, "%.4000s/keys", folder);
    snprintf(v->kek_dir, sizeof v->kek_dir, "%s", kek_dir);
    struct dx_rc rc = dx_io_make_folders(io, folder, 0700, why);
    if (rc.code == DX_OK)
        rc = dx_io_make_folders(io, kek_dir, 0700, why);
    if (rc.code == DX_OK && (v->fd = io->open(io, v->file, O_RDWR | O_CREAT, 0600)) < 0)
        rc = dx_io_fail(why, "cannot open", v->file);
    if (rc.code == DX_OK)
        rc = load(v, why);
    if (rc.code != DX_OK) {
        vault_close(v);
        return rc;
    }
    *out = v;
    return DX_OKAY;
}

void vault_close(vault *v)
{
    if (v == NULL)
        return;
    if (v->fd >= 0)
        v->io->close(v->io, v->fd);
    if (v->buckets != NULL)
        OPENSSL_cleanse(v->buckets, v->room * sizeof *v->buckets);
    free(v->buckets);
    OPENSSL_cleanse(v->counters, sizeof v->counters);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

static bucket *spare_of(vault *v, const char *class_, const char *month, unsigned *spares)
{
    static const uint8_t none[32];
    bucket *found = NULL;
    *spares = 0;
    for (size_t i = 0; i < v->count; i++) {
        bucket *b = &v->buckets[i];
        if (b->day < 0 && b->records == 0 && memcmp(b->owner, none, 32) == 0 &&
            strcmp(b->class_, class_) == 0 && strcmp(b->month, month) == 0) {
            found = b;
            (*spares)++;
        }
    }
    return found;
}

static DX_RC bucket_for(vault *v, const char *class_, const uint8_t owner[32], bucket **out, dx_why *why)
{
    const moment now = moment_now(v);
    char id[DX_HEX_SIZE(16)], hex[DX_HEX_SIZE(32)], line[160];
    for (size_t i = v->count; i-- > 0;) {
        bucket *b = &v->buckets[i];
        if (b->day == now.day && b->records < BUCKET_RECORDS && memcmp(b->owner, owner, 32) == 0 &&
            strcmp(b->class_, class_) == 0) {
            *out = b;
            return DX_OKAY;
        }
    }
    unsigned spares;
    *out = spare_of(v, class_, now.month, &spares);
    if (*out == NULL) {
        DX_TRY(make_keys(v, class_, now.month, "key", SPARES, NULL, why));
        *out = spare_of(v, class_, now.month, &spares);
    }
    if (*out == NULL)
        return DX_FAIL(why, INTERNAL, "provenance.md 5", "no bucket of the month %s", now.month);
    memcpy((*out)->owner, owner, 32);
    (*out)->day = now.day;
    dx_hex(dx_bytes_of((*out)->id, 16), id);
    dx_hex(dx_bytes_of(owner, 32), hex);
    snprintf(line, sizeof line, "use %s %s\n", id, hex);
    /* Not synced: it only shortens the search of vault_find, and erasure by peer falls back on trial. */
    return append(v, dx_bytes_text(line), false, why);
}

DX_RC vault_record_key(vault *v, dx_bytes org, dx_bytes purpose, dx_bytes class_, const uint8_t rec_id[16],
                       uint8_t k_rec[32], dx_why *why)
{
    uint8_t text[256], owner[32];
    char name[CLASS_MAX];
    bucket *b;
    if (org.size + purpose.size + 1 > sizeof text)
        return DX_FAIL(why, USAGE, "provenance.md 4", "organisation and purpose are over their caps");
    if (org.size > 0)
        memcpy(text, org.data, org.size);
    text[org.size] = 0;
    if (purpose.size > 0)
        memcpy(text + org.size + 1, purpose.data, purpose.size);
    dx_sha256(dx_bytes_of(text, org.size + 1 + purpose.size), owner);
    class_name(class_, name);
    pthread_mutex_lock(&v->lock);
    struct dx_rc rc = bucket_for(v, name, owner, &b, why);
    if (rc.code == DX_OK) {
        b->records++;
        vault_k_rec(b->key, rec_id, k_rec);
    }
    pthread_mutex_unlock(&v->lock);
    return rc;
}

DX_RC vault_counters_key(vault *v, uint8_t key[32], dx_why *why)
{
    pthread_mutex_lock(&v->lock);
    struct dx_rc rc = DX_OKAY;
    if (!v->has_counters)
        rc = make_keys(v, "counters", moment_now(v).month, "counters", 1, v->counters, why);
    if (rc.code == DX_OK) {
        v->has_counters = true;
        memcpy(key, v->counters, 32);
    }
    pthread_mutex_unlock(&v->lock);
    return rc;
}

DX_RC vault_refill(vault *v, dx_why *why)
{
    pthread_mutex_lock(&v->lock);
    struct dx_rc rc = DX_OKAY;
    const moment now = moment_now(v);
    for (size_t i = 0; i < v->count && rc.code == DX_OK; i++) {
        unsigned spares;
        char class_[CLASS_MAX];
        if (v->buckets[i].day != now.day)
            continue;
        memcpy(class_, v->buckets[i].class_, sizeof class_);
        spare_of(v, class_, now.month, &spares);
        if (spares < SPARES / 2)
            rc = make_keys(v, class_, now.month, "key", SPARES, NULL, why);
    }
    pthread_mutex_unlock(&v->lock);
    return rc;
}

DX_RC vault_find(vault *v, dx_bytes class_, const uint8_t rec_id[16], dx_bytes sealed, uint8_t k_rec[32],
                 dx_buf *plain, dx_why *why)
{
    char name[CLASS_MAX];
    class_name(class_, name);
    pthread_mutex_lock(&v->lock);
    struct dx_rc rc =
        dx_fail(why, DX_NOT_FOUND, "PV-601", "provenance.md 5", "no live key opens this record");
    for (size_t i = 0; i < v->count && rc.code != DX_OK; i++) {
        if (strcmp(v->buckets[i].class_, name) != 0)
            continue;
        vault_k_rec(v->buckets[i].key, rec_id, k_rec);
        dx_buf_clear(plain);
        if (vault_side_open(k_rec, rec_id, sealed, plain, NULL).code == DX_OK)
            rc = DX_OKAY;
    }
    pthread_mutex_unlock(&v->lock);
    return rc;
}
