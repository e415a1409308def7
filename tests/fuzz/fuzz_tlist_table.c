/* room: trust_list */
/* An operator's table of either form, as rows and as a list; every certificate file is the same one. A table
 * that was read prints to CSV and reads again to the same rows; one without mistakes becomes a list that our
 * reader understands. */
#include "trust/list/tlist_build_private.h"

#include <assert.h>
#include <libxml/parser.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

static uint8_t certificate[1024];
static size_t certificate_size;

static int open_any(const dx_io *io, const char *path, int flags, mode_t mode)
{
    (void)io, (void)path, (void)flags, (void)mode;
    return 1000;
}

static int close_any(const dx_io *io, int fd)
{
    (void)io, (void)fd;
    return 0;
}

static int stat_any(const dx_io *io, int fd, struct stat *st)
{
    (void)io, (void)fd;
    *st = (struct stat){.st_mode = S_IFREG | 0600, .st_size = (off_t)certificate_size};
    return 0;
}

static ssize_t read_any(const dx_io *io, int fd, void *data, size_t size, off_t at)
{
    (void)io, (void)fd;
    dx_bytes part = dx_bytes_part(dx_bytes_of(certificate, certificate_size), (size_t)at, size);
    memcpy(data, part.data, part.size);
    return (ssize_t)part.size;
}

static void make_certificate(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509V3_CTX c;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    ASN1_TIME_set(X509_getm_notBefore(x), 1700000000);
    ASN1_TIME_set(X509_getm_notAfter(x), 2000000000);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, (const unsigned char *)"CA", -1,
                               -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_set_pubkey(x, key);
    X509V3_set_ctx(&c, x, x, NULL, NULL, 0);
    const char *const extensions[][2] = {{"keyUsage", "keyCertSign"},
                                         {"basicConstraints", "critical,CA:TRUE"}};
    for (size_t i = 0; i < 2; i++) {
        X509_EXTENSION *e = X509V3_EXT_conf(NULL, &c, extensions[i][0], extensions[i][1]);
        X509_add_ext(x, e, -1);
        X509_EXTENSION_free(e);
    }
    X509_sign(x, key, EVP_sha256());
    unsigned char *at = certificate;
    certificate_size = (size_t)i2d_X509(x, &at);
    X509_free(x);
    EVP_PKEY_free(key);
}

static void quote(dx_buf *out, const char *text, bool last)
{
    struct dx_rc rc = dx_buf_add_byte(out, '"');
    for (; *text != '\0' && rc.code == DX_OK; text++) {
        if (*text == '"')
            rc = dx_buf_add_byte(out, '"');
        if (rc.code == DX_OK)
            rc = dx_buf_add_byte(out, (uint8_t)*text);
    }
    if (rc.code == DX_OK)
        rc = dx_buf_add_text(out, last ? "\"\r\n" : "\",");
    if (rc.code != DX_OK)
        abort();
}

static void print_and_read(const build *b, const tlist_build_spec *spec)
{
    tlist_build_report report = {0};
    build again = {.spec = spec, .report = &report};
    dx_buf text;
    dx_buf_init(&text, 64u << 20);
    for (unsigned c = 0; c < BUILD_COLUMNS; c++)
        quote(&text, tlist_build_column_name((build_column)c), c + 1 == BUILD_COLUMNS);
    for (size_t i = 0; i < b->row_count; i++)
        for (unsigned c = 0; c < BUILD_COLUMNS; c++)
            quote(&text, b->rows[i].cells[c].text, c + 1 == BUILD_COLUMNS);
    again.table = dx_buf_view(&text);
    if (text.size <= BUILD_TABLE_MAX) {
        struct dx_rc rc = tlist_build_table(&again, false, NULL);
        assert(rc.code == DX_OK && report.errors == 0 && again.row_count == b->row_count);
        for (size_t i = 0; i < b->row_count; i++)
            for (unsigned c = 0; c < BUILD_COLUMNS; c++)
                assert(strcmp(again.rows[i].cells[c].text, b->rows[i].cells[c].text) == 0);
    }
    dx_buf_fini(&text);
    dx_arena_fini(&again.arena);
}

static void write_and_read(build *b)
{
    static const tlist_source source = {.id = "f", .scheme = "JP"};
    xmlDoc *doc = NULL;
    xmlChar *text = NULL;
    int size = 0;
    tlist_list *list = NULL;
    static const build_name name = {"en", "n"};
    static const char *const uri[] = {"https://a.example/"};
    b->scheme = (build_scheme){.operator_name = {{name}, 1},
                               .scheme_name = {{name}, 1},
                               .addresses = {{"en", "s", "l", NULL, NULL, "JP"}},
                               .address_count = 1,
                               .mail = "a@b",
                               .url = uri[0],
                               .information_uris = {uri, 1}};
    struct dx_rc rc = tlist_build_document(b, &doc, NULL);
    assert(rc.code == DX_OK);
    xmlDocDumpFormatMemoryEnc(doc, &text, &size, "UTF-8", 0);
    xmlFreeDoc(doc);
    tlist_tree tree = {.doc = xmlReadMemory((const char *)text, size, NULL, NULL, XML_PARSE_NONET),
                       .version = 6};
    xmlFree(text);
    assert(tree.doc != NULL);
    tree.root = xmlDocGetRootElement(tree.doc);
    tree.scheme = tlist_child(tree.root, TLIST_NS, "SchemeInformation");
    rc = tlist_object_make(&tree, &source, &b->map, &list, NULL);
    assert(rc.code == DX_OK && list->operator_marker && list->service_count == b->report->services);
    size_t at = 0;
    for (size_t p = 0; p < b->provider_count; p++)
        for (size_t i = 0; i < b->providers[p].service_count; i++, at++) {
            const build_service *s = &b->providers[p].services[i];
            assert(list->services[at].interval_count == s->interval_count);
            for (size_t k = 0; k < s->interval_count; k++)
                assert(list->services[at].intervals[k].from_s == s->intervals[k].row->since_s);
        }
    tlist_list_unref(list);
    tlist_tree_fini(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static dx_io io;
    if (certificate_size == 0) {
        make_certificate();
        io = dx_io_system;
        io.open = open_any;
        io.close = close_any;
        io.fstat = stat_any;
        io.pread = read_any;
    }
    size_t skip = 0;
    while (skip < size && strchr(" \t\r\n", data[skip]) != NULL && data[skip] != 0)
        skip++;
    bool json = skip < size && data[skip] == '{';
    tlist_build_report report = {.sequence = 1, .issued_s = 1800000000, .next_update_s = 1800086400};
    const tlist_build_spec spec = {.io = &io,
                                   .table = json ? "t.json" : "t.csv",
                                   .certs = "c",
                                   .signing_s = 1800000000,
                                   .now_s = 1800000000};
    build b = {.spec = &spec, .report = &report, .table = dx_bytes_of(data, size)};
    if (size > 65536 || tlist_init(NULL).code != DX_OK ||
        tlist_map_load(&(tlist_source){.scheme = "JP"}, &io, &b.map, NULL).code != DX_OK)
        return 0;
    if (tlist_build_table(&b, json, NULL).code == DX_OK) {
        if (report.errors == 0)
            print_and_read(&b, &spec);
        tlist_build_rows(&b);
        if (tlist_build_model(&b, NULL).code == DX_OK && report.errors == 0)
            write_and_read(&b);
    }
    tlist_map_fini(&b.map);
    dx_arena_fini(&b.arena);
    return 0;
}
