#include "gateway/exchange/judge_private.h"

#include "trust/base/digest.h"
#include "trust/base/json.h"
#include "trust/base/log.h"

#include <dirent.h>
#include <stdlib.h>

/* Reads back what judge_save.c wrote. What cannot be read is asked for again. */

static bool digest_of(const json_t *row, const char *member, uint8_t out[32])
{
    const char *text = json_string_value(json_object_get(row, member));
    size_t size = 32;
    return text != NULL && dx_hex_decode(dx_bytes_text(text), out, &size) && size == 32;
}

static bool parse_row(const json_t *row, judge_saved *out)
{
    const char *kind = json_string_value(json_object_get(row, "kind"));
    const json_t *asked = json_object_get(row, "asked"), *used = json_object_get(row, "used");
    if (kind == NULL || !json_is_integer(asked) || !json_is_integer(used) ||
        !digest_of(row, "key", out->key) || !digest_of(row, "sha256", out->sha256))
        return false;
    out->is_crl = strcmp(kind, "crl") == 0;
    out->asked_s = json_integer_value(asked);
    out->used_s = json_integer_value(used);
    return out->is_crl || strcmp(kind, "ocsp") == 0;
}

DX_RC judge_load_parse(dx_bytes text, judge_saved *out, size_t max, size_t *count, dx_why *why)
{
    json_t *root = NULL, *row;
    size_t i;
    *count = 0;
    DX_TRY(dx_json_read(text, &(dx_json_limits){JUDGE_INDEX_MAX_BYTES, 4, false}, &root, why));
    const json_t *answers = json_object_get(root, "answers");
    struct dx_rc rc =
        json_is_array(answers) && json_integer_value(json_object_get(root, "sekisho_revocation")) == 1
            ? DX_OKAY
            : DX_FAIL(why, MALFORMED, "", "it is not an index of revocation answers");
    json_array_foreach(answers, i, row)
    {
        if (rc.code != DX_OK)
            break;
        if (*count == max)
            rc = DX_FAIL(why, TOO_LARGE, "", "more than %zu answers", max);
        else if (!parse_row(row, &out[*count]))
            rc = DX_FAIL(why, MALFORMED, "", "answer %zu has the wrong form", i);
        else
            (*count)++;
    }
    json_decref(root);
    return rc;
}

static void load_answer(judges *j, const judge_saved *row)
{
    char path[1024];
    uint8_t sha256[32];
    dx_buf text;
    dx_why why;
    judge_save_blob(j->spec.state_dir, row->sha256, path);
    if (dx_io_read_file(j->spec.io, path, row->is_crl ? JUDGE_CRL_MAX_BYTES : JUDGE_OCSP_MAX_BYTES, &text,
                        &why)
            .code != DX_OK)
        return; /* it is asked for again */
    dx_sha256(dx_buf_view(&text), sha256);
    judge_source *s = memcmp(sha256, row->sha256, 32) == 0 ? judge_source_of(j, row->key, row->is_crl) : NULL;
    if (s == NULL || s->proven.size > 0) {
        dx_buf_fini(&text);
        return;
    }
    s->proven = text;
    memcpy(s->proven_sha256, sha256, 32);
    s->asked_s = row->asked_s;
    s->used_s = row->used_s;
    s->prefetch_s = INT64_MAX; /* until a judgement has rested on it */
    s->saved = true;
}

static void load_index(judges *j)
{
    char path[1024];
    dx_buf text;
    dx_why why = {0};
    size_t count = 0;
    judge_saved *rows = calloc(JUDGE_SOURCES_MAX, sizeof *rows);
    judge_save_path(j->spec.state_dir, path, "", "index.json");
    struct dx_rc rc = rows == NULL ? DX_FAIL(&why, NO_MEMORY, "", "no memory for the index")
                                   : dx_io_read_file(j->spec.io, path, JUDGE_INDEX_MAX_BYTES, &text, &why);
    if (rc.code == DX_OK) {
        rc = judge_load_parse(dx_buf_view(&text), rows, JUDGE_SOURCES_MAX, &count, &why);
        dx_buf_fini(&text);
    }
    if (rc.code != DX_OK && rc.code != DX_NOT_FOUND) {
        dx_log_why(DX_LOG_WARN, "revocation.index_unusable", &why); /* everything is asked for again */
        count = 0;
    }
    for (size_t i = 0; i < count; i++)
        load_answer(j, &rows[i]);
    free(rows);
}

static bool revoked_file(const char *name, uint8_t key[32], bool *is_crl)
{
    size_t size = 32;
    *is_crl = strcmp(name + (strlen(name) < 64 ? 0 : 64), ".crl") == 0;
    return strlen(name) > 64 && (*is_crl || strcmp(name + 64, ".ocsp") == 0) &&
           dx_hex_decode(dx_bytes_of(name, 64), key, &size) && size == 32;
}

static void load_revoked(judges *j)
{
    char path[1024];
    dx_why why;
    judge_save_path(j->spec.state_dir, path, "revoked", "");
    DIR *folder = opendir(path);
    for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;) {
        uint8_t key[32];
        bool is_crl;
        judge_record *r = revoked_file(e->d_name, key, &is_crl) ? judge_record_of(j, key) : NULL;
        if (r == NULL)
            continue;
        judge_save_path(j->spec.state_dir, path, "revoked", e->d_name);
        dx_buf_fini(&r->revoked);
        if (dx_io_read_file(j->spec.io, path, JUDGE_CRL_MAX_BYTES, &r->revoked, &why).code != DX_OK) {
            dx_log_why(DX_LOG_ERROR, "revocation.not_read", &why);
            continue;
        }
        r->revoked_is_crl = is_crl;
        r->filed = true;
        r->state = REVOCATION_REVOKED;
    }
    if (folder != NULL)
        closedir(folder);
}

void judge_load(judges *j)
{
    load_index(j);
    load_revoked(j);
}
