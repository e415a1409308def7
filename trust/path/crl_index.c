#include "trust/base/digest.h"
#include "trust/path/crl_read.h"

#include <stdlib.h>

/* The entries of a list in the order of their serial numbers: the last four octets of each number, and where
 * its entry stands. Numbers of one CA are either counted or random, so the last octets tell nearly all of
 * them apart; crl_find compares the whole number, and of a CA that chose others it walks through those alike.
 */

#define DIGIT_BITS 11
#define DIGITS     3 /* of the upper half of a place */

uint32_t crl_index_key(dx_bytes serial)
{
    uint32_t key = 0;
    for (size_t i = serial.size > 4 ? serial.size - 4 : 0; i < serial.size; i++)
        key = key << 8 | serial.data[i];
    return key;
}

/* First place in [low, high) that is not below the key. */
static size_t search(const uint64_t *index, uint64_t least, size_t low, size_t high)
{
    while (low < high) {
        size_t half = low + (high - low) / 2;
        if (index[half] < least)
            low = half + 1;
        else
            high = half;
    }
    return low;
}

/* Random numbers are spread evenly: the place is near where their value says, and steps of doubling width
 * find its neighbourhood. Counted ones cost a few steps more. */
size_t crl_index_first(const crl_list *list, uint32_t key)
{
    uint64_t least = (uint64_t)key << 32;
    size_t count = list->entry_count, guess = (size_t)(((uint64_t)key * count) >> 32), step = 16;
    if (list->index[guess] < least) {
        size_t low = guess + 1;
        for (; low < count && step < count - low && list->index[low + step] < least; step *= 2)
            low += step + 1;
        return search(list->index, least, low, step < count - low ? low + step : count);
    }
    size_t high = guess;
    for (; high > step && list->index[high - step] >= least; step *= 2)
        high -= step;
    return search(list->index, least, high > step ? high - step : 0, high);
}

/* The entries have been walked before: they are DER. */
static void fill(const crl_list *list, uint64_t *out)
{
    dx_bytes rest = list->entries, body, serial;
    for (size_t i = 0; i < list->entry_count; i++) {
        uint64_t place = list->entries.size - rest.size;
        bool ok = der_take(&rest, DER_SEQUENCE, &body) && der_take(&body, DER_INTEGER, &serial);
        out[i] = (uint64_t)(ok ? crl_index_key(serial) : 0) << 32 | place;
    }
}

/* One pass of a radix sort, stable. */
static void sort_by_digit(size_t count, unsigned shift, const uint64_t *from, uint64_t *to)
{
    uint32_t counters[1 << DIGIT_BITS] = {0}, place = 0;
    for (size_t i = 0; i < count; i++)
        counters[(from[i] >> shift) & ((1 << DIGIT_BITS) - 1)]++;
    for (size_t i = 0; i < (size_t)1 << DIGIT_BITS; i++) {
        uint32_t here = counters[i];
        counters[i] = place;
        place += here;
    }
    for (size_t i = 0; i < count; i++)
        to[counters[(from[i] >> shift) & ((1 << DIGIT_BITS) - 1)]++] = from[i];
}

bool crl_index(crl_list *list)
{
    size_t count = list->entry_count;
    if (list->id != NULL || list->index != NULL || count == 0)
        return false;
    uint64_t *a = malloc(count * sizeof *a), *b = malloc(count * sizeof *b);
    if (a == NULL || b == NULL) {
        free(a);
        free(b);
        return false;
    }
    fill(list, a);
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        sort_by_digit(count, 32 + digit * DIGIT_BITS, a, b);
        uint64_t *swap = a;
        a = b;
        b = swap;
    }
    free(b);
    list->index = a;
    return true;
}

void crl_list_fini(crl_list *list)
{
    free(list->index);
    list->index = NULL;
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
