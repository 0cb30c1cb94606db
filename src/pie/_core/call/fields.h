/* The fields of a Call. Twin: pie/model/fields.py. A new field is a line here and a slot there. */
#ifndef PIE_CALL_FIELDS_H
#define PIE_CALL_FIELDS_H

/* Text, never NULL. The first seven are what Call(...) takes first. */
#define CALL_TEXTS(X)         \
    X(side, TEXT)             \
    X(protocol, TEXT)         \
    X(caller, TEXT)           \
    X(caller_cluster, TEXT)   \
    X(callee, TEXT)           \
    X(callee_cluster, TEXT)   \
    X(method, TEXT)           \
    X(verb, TEXT)             \
    X(route, TEXT)            \
    X(path, TEXT)             \
    X(env, TEXT)              \
    X(peer, TEXT)             \
    X(logid, TEXT)            \
    X(span_id, TEXT)          \
    X(parent_id, TEXT)        \
    X(wire_span_id, TEXT)     \
    X(message, TEXT)          \
    X(version, TEXT)          \
    X(traffic, TEXT)          \
    X(gate, TEXT)             \
    X(tracestate, TEXT)       \
    X(trace_flags, TEXT)      \
    X(pin, TEXT)              \
    X(asked_cluster, TEXT)

/* NULL = as in a new call: () for a TUPLE, None for an OBJECT; a DICT or LIST is empty, and made when
 * Python asks for it. */
#define CALL_REFERENCES(X)    \
    X(candidates, TUPLE)      \
    X(tried, TUPLE)           \
    X(target, OBJECT)         \
    X(failure, OBJECT)        \
    X(result, OBJECT)         \
    X(persist, DICT)          \
    X(transit, DICT)          \
    X(backward, DICT)         \
    X(notes, LIST)

/* SECONDS, or a LIMIT: NAN = None. */
#define CALL_TIMES(X)         \
    X(received, SECONDS)      \
    X(queued, SECONDS)        \
    X(started, SECONDS)       \
    X(start, SECONDS)         \
    X(attempt_start, SECONDS) \
    X(end, SECONDS)           \
    X(deadline, LIMIT)        \
    X(timeout, LIMIT)         \
    X(usual_timeout, LIMIT)   \
    X(attempt_timeout, LIMIT) \
    X(connect_timeout, LIMIT)

#define CALL_NUMBERS(X)       \
    X(attempts, NUMBER)       \
    X(max_attempts, NUMBER)   \
    X(attempt, NUMBER)        \
    X(hedges, NUMBER)         \
    X(code, NUMBER)           \
    X(status, NUMBER)         \
    X(request_bytes, NUMBER)  \
    X(response_bytes, NUMBER)

#define CALL_FLAGS(X) X(detached, FLAG)

#define CALL_FIELDS(X) CALL_TEXTS(X) CALL_REFERENCES(X) CALL_TIMES(X) CALL_NUMBERS(X) CALL_FLAGS(X)

#endif
