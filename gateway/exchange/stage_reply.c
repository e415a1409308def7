#include "gateway/exchange/exchange.h"

/* Sends what was sealed, stamped and recorded. */

step stage_reply(exchange *ex)
{
    if (ex->stream == NULL)
        return STEP_NEXT; /* nobody is there any more; the record says what would have been sent */
    http_message *head = &ex->answer;
    bool head_only = dx_bytes_is(ex->request->method, "HEAD");
    bool empty = head_only || head->body == HTTP_BODY_NONE || ex->answer_body.size == 0;
    if (ex->refused && head_only)
        head->body = HTTP_BODY_NONE;
    http_answer(ex->stream, head, empty);
    if (!empty && ex->stream != NULL)
        http_answer_data(ex->stream, ex->answer_body);
    if (!empty && ex->stream != NULL)
        http_answer_end(ex->stream, NULL, 0);
    return STEP_NEXT;
}
