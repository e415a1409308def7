#include "gateway/exchange/exchange.h"

#include "policy/body_scan.h"
#include "trust/base/json.h"

/* What is in a body, as far as policy asks: Individual Numbers (policy.md 11) and the number of records.
 * A body in a coding, charset or type that cannot be read is told as such (body.uninspectable). */

static bool is_json(const char *type)
{
    size_t size = type == NULL ? 0 : strlen(type);
    return size > 0 &&
           (strcmp(type, "application/json") == 0 || (size > 5 && strcmp(type + size - 5, "+json") == 0));
}

/* RFC 9110 8.4: any coding but identity hides the text. */
static bool is_coded(const http_message *message)
{
    for (size_t i = 0; i < message->field_count; i++)
        if (dx_bytes_is(message->fields[i].name, "content-encoding") &&
            !dx_bytes_is_nocase(message->fields[i].value, "identity"))
            return true;
    return false;
}

static bool is_text(const char *type)
{
    return type != NULL && (strncmp(type, "text/", 5) == 0 || strcmp(type, "application/xml") == 0 ||
                            strcmp(type, "application/x-www-form-urlencoded") == 0);
}

/* `root` NULL: not JSON. */
static void count_records(exchange *ex, const json_t *root)
{
    const json_t *at = ex->ruling.record_count_pointer == NULL || root == NULL
                           ? NULL
                           : dx_json_at(root, ex->ruling.record_count_pointer);
    ex->records = json_is_integer(at) && json_integer_value(at) >= 0 ? json_integer_value(at)
                  : json_is_array(at)                                ? (int64_t)json_array_size(at)
                                                                     : -1;
    if (ex->records >= 0)
        policy_fact_int(ex->facts, POLICY_BODY_RECORDS, ex->records);
}

void exchange_facts_body(exchange *ex, const http_message *message, dx_bytes body)
{
    const char *type = exchange_media_type(ex, message);
    const dx_json_limits limits = {.max_bytes = body.size, .max_depth = DX_JSON_MAX_DEPTH, .reals = true};
    json_t *root = NULL;
    dx_why why;
    bool readable =
        body.size == 0 ||
        (!is_coded(message) && dx_bytes_utf8_ok(body) &&
         (is_json(type) ? dx_json_read(body, &limits, &root, &why).code == DX_OK : is_text(type)));
    if (!readable) {
        policy_facts_body(ex->facts, false, true);
        return;
    }
    bool form = type != NULL && strcmp(type, "application/x-www-form-urlencoded") == 0;
    body_scan scan;
    body_scan_init(&scan,
                   root != NULL ? BODY_SCAN_JSON
                   : form       ? BODY_SCAN_FORM
                                : BODY_SCAN_TEXT,
                   ex->view->policy);
    body_scan_add(&scan, body);
    body_scan_end(&scan);
    body_scan_facts(&scan, ex->facts);
    count_records(ex, root);
    json_decref(root);
}
