#include "trust/base/digest.h"
#include "trust/path/crl_read.h"

#include <stdlib.h>

/* The entries of a list in the order of their serial numbers: two arrays, the last eight octets of each
 * number and where its entry stands. Numbers of one CA are either counted or random, so the last octets tell
 * nearly all of them apart; crl_find compares the whole number. */

#define DIGIT_BITS 16
#define DIGITS     (64 / DIGIT_BITS)

uint64_t crl_index_key(dx_bytes serial)
{
    uint64_t key = 0;
    for (size_t i = serial.size > 8 ? serial.size - 8 : 0; i < serial.size; i++)
        key = key << 8 | serial.data[i];
    return key;
}

size_t crl_index_first(const crl_list *list, uint64_t key)
{
    size_t low = 0, size = list->entry_count;
    while (size > 0) {
        size_t half = size / 2;
        if (list->keys[low + half] < key) {
            low += half + 1;
            size -= half + 1;
        } else {
            size = half;
        }
    }
    return low;
}

typedef struct {
    uint64_t *keys;
    uint32_t *places;
} columns;

static bool columns_new(size_t count, columns *out)
{
    out->keys = malloc(count * sizeof *out->keys);
    out->places = malloc(count * sizeof *out->places);
    return out->keys != NULL && out->places != NULL;
}

static void columns_free(columns *c)
{
    free(c->keys);
    free(c->places);
    *c = (columns){NULL, NULL};
}

/* The entries have been walked before: they are DER. */
static void fill(const crl_list *list, columns *out)
{
    dx_bytes rest = list->entries, body, serial;
    for (size_t i = 0; i < list->entry_count; i++) {
        out->places[i] = (uint32_t)(list->entries.size - rest.size);
        out->keys[i] = der_take(&rest, DER_SEQUENCE, &body) && der_take(&body, DER_INTEGER, &serial)
                           ? crl_index_key(serial)
                           : 0;
    }
}

/* One pass of a radix sort, stable. False: all have the same digit, and nothing was moved. */
static bool sort_by_digit(size_t count, unsigned digit, uint32_t *counters, const columns *from, columns *to)
{
    unsigned shift = digit * DIGIT_BITS;
    memset(counters, 0, sizeof *counters << DIGIT_BITS);
    for (size_t i = 0; i < count; i++)
        counters[(uint16_t)(from->keys[i] >> shift)]++;
    if (counters[(uint16_t)(from->keys[0] >> shift)] == count)
        return false;
    uint32_t place = 0;
    for (size_t i = 0; i < (size_t)1 << DIGIT_BITS; i++) {
        uint32_t here = counters[i];
        counters[i] = place;
        place += here;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t at = counters[(uint16_t)(from->keys[i] >> shift)]++;
        to->keys[at] = from->keys[i];
        to->places[at] = from->places[i];
    }
    return true;
}

bool crl_index(crl_list *list)
{
    columns a = {0}, b = {0};
    uint32_t *counters = malloc(sizeof *counters << DIGIT_BITS);
    bool ok = list->id == NULL && list->keys == NULL && list->entry_count > 0 && counters != NULL &&
              columns_new(list->entry_count, &a) && columns_new(list->entry_count, &b);
    if (ok) {
        fill(list, &a);
        for (unsigned digit = 0; digit < DIGITS; digit++)
            if (sort_by_digit(list->entry_count, digit, counters, &a, &b)) {
                columns swap = a;
                a = b;
                b = swap;
            }
        list->keys = a.keys;
        list->places = a.places;
        a = (columns){NULL, NULL};
    }
    columns_free(&a);
    columns_free(&b);
    free(counters);
    return ok;
}

void crl_list_fini(crl_list *list)
{
    free(list->keys);
    free(list->places);
    list->keys = NULL;
    list->places = NULL;
}

int crl_number_compare(dx_bytes a, dx_bytes b)
{
    if (a.size != b.size) /* both minimal and not negative: the longer one is larger */
        return a.size < b.size ? -1 : 1;
    return dx_bytes_compare(a, b);
}

void crl_scope(const crl_list *list, uint8_t out[32])
{
    uint8_t parts[97];
    dx_sha256(list->issuer, parts);
    dx_sha256(list->key_id, parts + 32);
    dx_sha256(list->point, parts + 64);
    parts[96] = list->base_number.data != NULL;
    dx_sha256(dx_bytes_of(parts, sizeof parts), out);
}
