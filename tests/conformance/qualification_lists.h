/* qualification_lists.h -- what conformance_qualification reads: files, lists with their announced signers,
 * and paths by libcrypto alone, so that the judge of the product is not its own witness. */
#ifndef TESTS_CONFORMANCE_QUALIFICATION_LISTS_H
#define TESTS_CONFORMANCE_QUALIFICATION_LISTS_H

#include "tests/conformance/suite.h"
#include "trust/base/digest.h"
#include "trust/base/io.h"
#include "trust/base/log.h"
#include "trust/base/pem.h"
#include "trust/list/tlist_certificate.h"
#include "trust/list/tlist_mra.h"
#include "trust/path/path_qualified.h"
#include "trust/stamp/stamp_private.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ISSUERS_MAX 16

static const char *data;

static int64_t at(const char *text)
{
    int64_t us = 0;
    if (!dx_time_parse(dx_bytes_text(text), true, &us))
        abort();
    return us / 1000000;
}

static bool load(const char *name, dx_buf *out)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", data, name);
    dx_buf_init(out, 64u << 20);
    return dx_io_read_file(&dx_io_system, path, 64u << 20, out, NULL).code == DX_OK;
}

/* ---- lists ---- */

/* The certificate in the signature's KeyInfo, as the announced signer of a list that nobody points to here.
 */
static bool embedded_signer(dx_bytes xml, uint8_t out[32])
{
    tlist_tree tree;
    dx_arena arena = {0};
    bool found = false;
    if (tlist_tree_read(xml, 64u << 20, true, &tree, NULL).code != DX_OK)
        return false;
    for (const xmlNode *n = tree.signature; n != NULL && !found; n = tlist_walk(tree.signature, n)) {
        dx_bytes der;
        if (tlist_is(n, TLIST_NS_DS, "X509Certificate") && tlist_base64(n, &arena, &der)) {
            dx_sha256(der, out);
            found = true;
        }
    }
    tlist_tree_fini(&tree);
    dx_arena_fini(&arena);
    return found;
}

static tlist_list *read_list(const char *file, tlist_kind kind, const char *scheme,
                             const uint8_t (*anchors)[32], size_t anchor_count, int64_t at_s)
{
    dx_buf xml;
    uint8_t own[1][32];
    dx_why why = {0};
    tlist_list *list = NULL;
    if (!load(file, &xml)) {
        dx_buf_fini(&xml);
        return NULL;
    }
    if (anchors == NULL) {
        anchor_count = embedded_signer(dx_buf_view(&xml), own[0]);
        anchors = (const uint8_t(*)[32])own;
    }
    const tlist_source source = {
        .id = "eu", .kind = kind, .scheme = scheme, .anchors = anchors, .anchor_count = anchor_count};
    if (tlist_read(dx_buf_view(&xml), &source, at_s, &list, &why).code != DX_OK && getenv("SHOW") != NULL)
        fprintf(stderr, "%s: %s %s\n", file, why.id, why.text);
    dx_buf_fini(&xml);
    return list;
}

/* Whatever national list is in the folder and signed by whom the list of lists announces. */
static tlist_snapshot *national(const char *lotl_file, const char *folder, int64_t at_s)
{
    tlist_list *lists[64] = {read_list(lotl_file, TLIST_KIND_LOTL, "EU", NULL, 0, at_s)};
    size_t count = lists[0] != NULL;
    tlist_snapshot *s = NULL;
    for (size_t i = 0; count > 0 && i < lists[0]->pointer_count && count < 64; i++) {
        const tlist_pointer *p = &lists[0]->pointers[i];
        char name[128];
        snprintf(name, sizeof name, "%s/%s.xml", folder, p->territory);
        lists[count] =
            read_list(name, TLIST_KIND_TL, "EU", (const uint8_t(*)[32])p->signers, p->signer_count, at_s);
        count += lists[count] != NULL;
    }
    if (count > 1 && tlist_snapshot_of(lists, count, at_s, &s, NULL).code != DX_OK)
        s = NULL;
    for (size_t i = 0; i < count; i++)
        tlist_list_unref(lists[i]);
    return s;
}

/* ---- paths: what signed what ---- */

static X509 *open_der(dx_bytes der)
{
    const unsigned char *p = der.data;
    return d2i_X509(NULL, &p, (long)der.size);
}

static bool signed_by(dx_bytes child, dx_bytes issuer)
{
    X509 *a = open_der(child), *b = open_der(issuer);
    bool ok = a != NULL && b != NULL && X509_verify(a, X509_get0_pubkey(b)) == 1;
    X509_free(a);
    X509_free(b);
    return ok;
}

static bool key_of(dx_bytes der, tlist_key *out)
{
    tlist_certificate c;
    if (!tlist_certificate_read(der, &c))
        return false;
    *out = (tlist_key){c.der, c.spki, c.subject, {0}};
    memcpy(out->sha256, c.sha256, 32);
    return true;
}

/* Leaf, then certificates at hand that signed the one before, then a listed one. Every listed issuer counts.
 */
static size_t climb(const tlist_snapshot *snapshot, const dx_bytes *pool, size_t pool_count, tlist_key *path)
{
    size_t count = 1;
    for (bool more = true; more && count < PATH_MAX_CERTS - 1;) {
        more = false;
        for (size_t i = 0; i < pool_count && !more; i++)
            if (!dx_bytes_equal(pool[i], path[count - 1].der) && signed_by(path[count - 1].der, pool[i]))
                more = key_of(pool[i], &path[count++]);
    }
    tlist_certificate_parts parts;
    const tlist_certificate *issuers[ISSUERS_MAX];
    if (!tlist_certificate_walk(path[count - 1].der, &parts))
        return count;
    size_t n = tlist_issuers(snapshot, parts.issuer, issuers, ISSUERS_MAX);
    for (size_t i = 0; i < n; i++)
        if (!dx_bytes_equal(issuers[i]->der, path[count - 1].der) &&
            signed_by(path[count - 1].der, issuers[i]->der) && key_of(issuers[i]->der, &path[count])) {
            count++;
            break;
        }
    return count;
}

static void show(const char *name, const path_trace *trace)
{
    for (size_t i = 0; getenv("SHOW") != NULL && i < trace->step_count; i++)
        fprintf(stderr, "%s %s %s\n", name, trace->steps[i].id, trace->steps[i].text);
}

#endif
