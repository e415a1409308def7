/* What was accepted last, so that a bundle never rolls back (policy.md 15). One line: "<serial> <SHA-256 of
 * the manifest>". */
#include "policy/policy.h"

#include <stdio.h>

#define STATE_MAX_BYTES 128

DX_RC policy_serial_load(const dx_io *io, const char *path, policy_accepted *out, dx_why *why)
{
    dx_buf text;
    *out = (policy_accepted){0};
    dx_buf_init(&text, STATE_MAX_BYTES);
    struct dx_rc rc = dx_io_read_file(io, path, STATE_MAX_BYTES, &text, why);
    dx_bytes line = dx_buf_view(&text), digits = {line.data, 0};
    while (digits.size < line.size && line.data[digits.size] != ' ')
        digits.size++;
    uint64_t serial = 0;
    size_t size = sizeof out->sha256;
    dx_bytes hex = dx_bytes_part(line, digits.size + 1, 64),
             end = dx_bytes_part(line, digits.size + 65, STATE_MAX_BYTES);
    if (rc.code == DX_OK && (!dx_bytes_u64(digits, INT64_MAX, &serial) || serial == 0 || hex.size != 64 ||
                             !dx_hex_decode(hex, out->sha256, &size) || !dx_bytes_is(end, "\n")))
        rc = DX_FAIL_ID(why, BROKEN, "PL-605", "policy.md 15", "%.180s does not hold a serial and a digest",
                        path);
    out->serial = rc.code == DX_OK ? (int64_t)serial : 0;
    dx_buf_fini(&text);
    return rc;
}

DX_RC policy_serial_store(const dx_io *io, const char *path, const policy *p, dx_why *why)
{
    char hex[DX_HEX_SIZE(32)], line[STATE_MAX_BYTES];
    dx_hex(dx_bytes_of(policy_sha256(p), 32), hex);
    snprintf(line, sizeof line, "%lld %s\n", (long long)policy_serial(p), hex);
    return dx_io_replace_file(io, path, dx_bytes_text(line), 0600, why);
}
