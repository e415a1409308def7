#include "trust/base/check_digit.h"

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

bool dx_corporate_number_ok(dx_bytes n)
{
    unsigned sum = 0;
    if (n.size != 13)
        return false;
    for (size_t i = 0; i < 13; i++)
        if (!is_digit(n.data[i]))
            return false;
    for (unsigned k = 1; k <= 12; k++)
        sum += (unsigned)(n.data[13 - k] - '0') * (k % 2 == 1 ? 1U : 2U);
    return (unsigned)(n.data[0] - '0') == 9 - sum % 9;
}

/* Letters count 10 to 35; the whole number leaves 1. */
bool dx_lei_ok(dx_bytes lei)
{
    unsigned rest = 0;
    if (lei.size != 20)
        return false;
    for (size_t i = 0; i < lei.size; i++) {
        uint8_t c = lei.data[i];
        if (is_digit(c))
            rest = (rest * 10 + (c - '0')) % 97;
        else if (c >= 'A' && c <= 'Z')
            rest = (rest * 100 + (c - 'A' + 10U)) % 97;
        else
            return false;
    }
    return rest == 1;
}
