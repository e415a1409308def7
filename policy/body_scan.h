/* body_scan.h -- finds Individual Numbers in what flows (policy.md 11).
 *
 * Twelve digits with a valid check digit, as they stand or written 4-4-4, in half or full width, after
 * unescaping, across chunks. Feeds slices as they arrive; keeps classes, pointers and counts, never a digit.
 * Threads: one scan belongs to one thread.
 */
#ifndef POLICY_BODY_SCAN_H
#define POLICY_BODY_SCAN_H

#include "policy/policy.h"

typedef enum { BODY_SCAN_TEXT, BODY_SCAN_JSON, BODY_SCAN_FORM } body_scan_kind;
typedef enum {
    BODY_SCAN_INDIVIDUAL_NUMBER,
    BODY_SCAN_INSURANCE_ID,
    BODY_SCAN_LICENCE_NO,
    BODY_SCAN_CLASSES
} body_scan_class;

#define BODY_SCAN_NAME_BYTES 128
#define BODY_SCAN_DEPTH      64

typedef struct {
    body_scan_kind kind;
    const policy *p; /* key names; NULL: none */
    /* the run of characters that may become a number */
    uint8_t digits[12];
    unsigned digit_count, group; /* group: digits since the last separator; 0 groups so far: digits / 4 */
    bool grouped, spoiled, separator;
    /* UTF-8, escapes */
    uint32_t point;
    unsigned more;
    bool in_string, escaped, is_name, after_colon;
    unsigned hex_left;
    uint32_t hex;
    unsigned percent;
    /* where we are */
    char name[BODY_SCAN_NAME_BYTES];
    size_t name_size;
    unsigned depth;
    bool object[BODY_SCAN_DEPTH];
    int8_t named[BODY_SCAN_DEPTH]; /* class of the nearest member name, at each depth; -1 none */
    int8_t named_now;
    /* what was found */
    uint64_t found[BODY_SCAN_CLASSES], found_named[BODY_SCAN_CLASSES];
} body_scan;

void body_scan_init(body_scan *scan, body_scan_kind kind, const policy *p);
void body_scan_add(body_scan *scan, dx_bytes slice);
void body_scan_end(body_scan *scan);
/* Sets body.found and body.found_named (empty sets when nothing was found). */
void body_scan_facts(const body_scan *scan, policy_facts *facts);
/* Twelve digits, values 0 to 9, the last of them the check digit. */
bool body_scan_number_ok(const uint8_t digits[12]);

#endif
