/* bench_crl.c -- what a revocation list of a million entries costs (identity.md 16, B6).
 *
 * Load: read, index, and one verification of its signature, against four times SHA-256 over its bytes and one
 * verification of a short text. Look-up: half of the serial numbers stand in the list. Output: a row per
 * figure: median, range, goal. Usage: bench_crl [--gate] [--rounds N]; exit 1: --gate and a goal is missed by
 * more than a tenth.
 */
#include "trust/base/digest.h"
#include "trust/path/crl_read.h"
#include "trust/path/signed_bytes.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ENTRIES      1000000u
#define SERIAL_BYTES 16
#define LOOKUPS      100000u
#define ROUNDS_MAX   64

static uint8_t serials[ENTRIES][SERIAL_BYTES];

static size_t put(uint8_t *out, uint8_t tag, const void *value, size_t size)
{
    unsigned octets = size > 0xffffff ? 4 : size > 0xffff ? 3 : size > 0xff ? 2 : size >= 0x80 ? 1 : 0;
    memmove(out + 2 + octets, value, size);
    out[0] = tag;
    out[1] = (uint8_t)(octets > 0 ? 0x80 | octets : size);
    for (unsigned i = 0; i < octets; i++)
        out[2 + i] = (uint8_t)(size >> 8 * (octets - 1 - i));
    return 2 + octets + size;
}

/* A reason in every fourth entry, as CAs write them. */
static size_t put_entries(uint8_t *out)
{
    static const uint8_t reason[] = "\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x04";
    size_t at = 0;
    for (unsigned i = 0; i < ENTRIES; i++) {
        uint8_t entry[64];
        serials[i][0] = (uint8_t)((serials[i][0] & 0x7f) | 0x40);
        size_t n = put(entry, DER_INTEGER, serials[i], SERIAL_BYTES);
        n += put(entry + n, DER_UTC_TIME, "260101000000Z", 13);
        if (i % 4 == 0) {
            memcpy(entry + n, reason, sizeof reason - 1);
            n += sizeof reason - 1;
        }
        at += put(out + at, DER_SEQUENCE, entry, n);
    }
    return put(out, DER_SEQUENCE, out, at);
}

static size_t sign(EVP_PKEY *key, dx_bytes text, uint8_t *out, size_t room)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
        EVP_DigestSign(context, out, &room, text.data, text.size) != 1)
        abort();
    EVP_MD_CTX_free(context);
    return room;
}

static const uint8_t algorithm[] = "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02",
                     name[] = "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
                              "CA",
                     extensions[] = "\xa0\x0e\x30\x0c\x30\x0a\x06\x03\x55\x1d\x14\x04\x03\x02\x01\x07";

static dx_bytes make(EVP_PKEY *key)
{
    size_t room = (size_t)ENTRIES * 64 + 4096, n = 0;
    uint8_t *out = malloc(room), *entries = malloc(room), bits[128];
    if (out == NULL || entries == NULL || RAND_bytes(serials[0], (int)sizeof serials) != 1)
        abort();
    n += put(out, DER_INTEGER, "\x01", 1);
    memcpy(out + n, algorithm, sizeof algorithm - 1);
    n += sizeof algorithm - 1;
    memcpy(out + n, name, sizeof name - 1);
    n += sizeof name - 1;
    n += put(out + n, DER_UTC_TIME, "261125000000Z", 13);
    n += put(out + n, DER_UTC_TIME, "261126000000Z", 13);
    size_t size = put_entries(entries);
    memcpy(out + n, entries, size);
    n += size;
    free(entries);
    memcpy(out + n, extensions, sizeof extensions - 1);
    n = put(out, DER_SEQUENCE, out, n + sizeof extensions - 1);
    bits[0] = 0;
    size = 1 + sign(key, dx_bytes_of(out, n), bits + 1, sizeof bits - 1);
    memcpy(out + n, algorithm, sizeof algorithm - 1);
    n += sizeof algorithm - 1;
    n += put(out + n, DER_BIT_STRING, bits, size);
    return dx_bytes_of(out, put(out, DER_SEQUENCE, out, n));
}

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double one = *(const double *)a, two = *(const double *)b;
    return one < two ? -1 : one > two;
}

static bool missed;

static void row(const char *what, double *values, size_t count, const char *unit, double goal)
{
    qsort(values, count, sizeof *values, by_value);
    double median = values[count / 2];
    printf("%-58s %10.2f [%.2f-%.2f] %s", what, median, values[0], values[count - 1], unit);
    if (goal > 0) {
        printf("  goal %.2f: %s", goal, median <= goal ? "met" : "missed");
        missed |= median > goal * 1.1;
    }
    putchar('\n');
}

static double lookup_us(const crl_list *list)
{
    uint8_t serial[SERIAL_BYTES];
    crl_entry entry;
    unsigned found = 0;
    double before = cpu_us();
    for (unsigned i = 0; i < LOOKUPS; i++) {
        memcpy(serial, serials[(size_t)i * 7919 % ENTRIES], SERIAL_BYTES);
        serial[SERIAL_BYTES - 9] ^= i % 2;
        found += crl_find(list, dx_bytes_of(serial, SERIAL_BYTES), &entry);
    }
    double took = cpu_us() - before;
    if (found != LOOKUPS / 2)
        abort();
    return took / LOOKUPS;
}

int main(int argc, char **argv)
{
    static double hash[ROUNDS_MAX], read[ROUNDS_MAX], index[ROUNDS_MAX], verify[ROUNDS_MAX], load[ROUNDS_MAX],
        lookup[ROUNDS_MAX], bytes[1];
    bool gate = false;
    size_t rounds = 9;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--gate") == 0)
            gate = true;
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            rounds = (size_t)atoi(argv[++i]);
    }
    if (rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    uint8_t *encoded = NULL, digest[32], signature[128];
    dx_bytes spki = {NULL, (size_t)i2d_PUBKEY(key, &encoded)}, der = make(key), text = DX_BYTES("short"),
             wanted = dx_bytes_of(algorithm, sizeof algorithm - 1);
    spki.data = encoded;
    dx_bytes signed_ = dx_bytes_of(signature, sign(key, text, signature, sizeof signature));
    for (size_t r = 0; r < rounds; r++) {
        crl_list list;
        double t[6] = {cpu_us()};
        dx_sha256(der, digest);
        t[1] = cpu_us();
        if (!signed_bytes_ok(wanted, text, signed_, spki, ALGORITHMS_NOW))
            abort();
        t[2] = cpu_us();
        if (crl_read(der, &list) != NULL)
            abort();
        t[3] = cpu_us();
        if (!crl_index(&list))
            abort();
        t[4] = cpu_us();
        if (!signed_bytes_ok(list.algorithm, list.tbs, list.signature, spki, ALGORITHMS_NOW))
            abort();
        t[5] = cpu_us();
        hash[r] = (t[1] - t[0]) / 1e3;
        read[r] = (t[3] - t[2]) / 1e3;
        index[r] = (t[4] - t[3]) / 1e3;
        verify[r] = (t[5] - t[4]) / 1e3;
        load[r] = (t[5] - t[2]) / (4 * (t[1] - t[0]) + t[2] - t[1]);
        lookup[r] = lookup_us(&list);
        bytes[0] = (double)(list.entry_count * sizeof *list.index) / ENTRIES;
        crl_list_fini(&list);
    }
    printf("a list of %u entries, %zu bytes\n", ENTRIES, der.size);
    row("SHA-256 over its bytes", hash, rounds, "ms", 0);
    row("reading", read, rounds, "ms", 0);
    row("indexing", index, rounds, "ms", 0);
    row("verifying", verify, rounds, "ms", 0);
    row("B6 load over 4 SHA-256 and one verification", load, rounds, "", 1);
    row("B6 bytes of the index per entry", bytes, 1, "", 24);
    row("B6 look-up", lookup, rounds, "us", 1);
    OPENSSL_free(encoded);
    EVP_PKEY_free(key);
    free((void *)(uintptr_t)der.data);
    return gate && missed ? 1 : 0;
}
