#include "gateway/exchange/exchange.h"

#include "policy/body_scan.h"
#include "trust/base/json.h"

/* What is in a body, as far as policy asks: Individual Numbers (policy.md 11) and the number of records.
 * What cannot be read leaves its fact unknown, which no rule takes for a yes. */

static bool is_json(const char *type)
{
    size_t size = type == NULL ? 0 : strlen(type);
    return size > 0 &&
           (strcmp(type, "application/json") == 0 || (size > 5 && strcmp(type + size - 5, "+json") == 0));
}

/* RFC 9110 8.4: any coding but identity hides the text. */
static bool is_coded(const http_message *message)
{
    const http_field *coding = http_find(message, "content-encoding");
    return coding != NULL && !dx_bytes_is_nocase(coding->value, "identity");
}

static void count_records(exchange *ex, dx_bytes body)
{
    const dx_json_limits limits = {.max_bytes = body.size, .max_depth = DX_JSON_MAX_DEPTH, .reals = true};
    json_t *root;
    dx_why why;
    if (ex->ruling.record_count_pointer == NULL || dx_json_read(body, &limits, &root, &why).code != DX_OK)
        return;
    const json_t *at = dx_json_at(root, ex->ruling.record_count_pointer);
    ex->records = json_is_integer(at) && json_integer_value(at) >= 0 ? json_integer_value(at)
                  : json_is_array(at)                                ? (int64_t)json_array_size(at)
                                                                     : -1;
    if (ex->records >= 0)
        policy_fact_int(ex->facts, POLICY_BODY_RECORDS, ex->records);
    json_decref(root);
}

void exchange_facts_body(exchange *ex, const http_message *message, dx_bytes body)
{
    const char *type = exchange_media_type(ex, message);
    if (is_coded(message)) {
        policy_facts_body(ex->facts, false, true);
        return;
    }
    body_scan scan;
    body_scan_init(&scan,
                   is_json(type)                                                            ? BODY_SCAN_JSON
                   : type != NULL && strcmp(type, "application/x-www-form-urlencoded") == 0 ? BODY_SCAN_FORM
                                                                                            : BODY_SCAN_TEXT,
                   ex->view->policy);
    body_scan_add(&scan, body);
    body_scan_end(&scan);
    body_scan_facts(&scan, ex->facts);
    if (is_json(type))
        count_records(ex, body);
}
