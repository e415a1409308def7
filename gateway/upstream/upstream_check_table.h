/* upstream_check_table.h -- what a data API must do: C(id, clause, text). Ids of messages are those of
 * gateway/http/http_check_table.h. */
C("F32", "RFC 9110 15.6.3", "the data API accepts connections, and its circuit breaker is closed")
C("F33", "RFC 9110 15.6.5", "the data API answers in time and goes on answering")
C("F34", "RFC 9112 8", "the data API keeps the connection until its answer is whole")
C("F35", "RFC 9112 6.3", "no bytes stand behind the end of an answer")
C("DP-320", "own rule: upstream.queue_max", "a connection to the data API becomes free in time")
