/* The row and the line of a finished call.
 * Twins: CallRow of pie/observe/record/facts.py in JSON, pie/observe/{access,lines}.py.
 */
#include "record/finished.h"
#include "base/text.h"

#define MESSAGE_LIMIT 4096

/* Appends one after the other and remembers whether memory was there for all. */
typedef struct {
    Buffer *out;
    int failed;
} Writer;

static void literal(Writer *to, const char *text) {
    to->failed |= buffer_add(to->out, text, strlen(text));
}

static void bytes(Writer *to, const Buffer *part) {
    to->failed |= buffer_add(to->out, part->data, part->size);
}

static void number(Writer *to, const char *name, int64_t value) {
    literal(to, name);
    to->failed |= number_add(to->out, value);
}

/* --- the row --- */

static void json(Writer *to, const char *name, PyObject *text) {
    literal(to, name);
    to->failed |= text_add_json(to->out, text, PY_SSIZE_T_MAX);
}

/* A float as JSON. */
static void json_float(Writer *to, double value) {
    char *text = PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (text == NULL) {
        PyErr_Clear();
        to->failed = -1;
        return;
    }
    literal(to, text);
    PyMem_Free(text);
}

static void json_ts(Writer *to, const Finished *finished) {
    if (finished->ts_us < 0) {
        json_float(to, finished->ts);
        return;
    }
    char digits[24];
    int size = PyOS_snprintf(digits, sizeof digits, "%lld.%06lld",
                             (long long)(finished->ts_us / 1000000),
                             (long long)(finished->ts_us % 1000000));
    while (digits[size - 1] == '0' && digits[size - 2] != '.') {
        size--;
    }
    to->failed |= buffer_add(to->out, digits, size);
}

static void json_notes(Writer *to, PyObject *notes) {
    Py_ssize_t count = notes == NULL ? 0 : PyList_GET_SIZE(notes);
    literal(to, ",\"notes\":[");
    for (Py_ssize_t i = 0; i < count; i++) {
        literal(to, i ? "," : "");
        to->failed |= text_add_json(to->out, PyList_GET_ITEM(notes, i), MESSAGE_LIMIT);
    }
    literal(to, "]}\n");
}

int finished_write_row(Buffer *out, const Finished *finished, const RowParts *parts,
                       double weight) {
    const CallObject *call = finished->call;
    Writer writer = {out, 0}, *to = &writer;
    literal(to, "{\"src\":0,\"pos\":0,\"ts\":");
    json_ts(to, finished);
    json(to, ",\"side\":", call->side);
    json(to, ",\"protocol\":", call->protocol);
    bytes(to, &parts->service);
    if (PyUnicode_GET_LENGTH(call->env)) {
        json(to, ",\"env\":", call->env);
    } else {
        bytes(to, &parts->env);
    }
    bytes(to, &parts->host);
    json(to, ",\"caller\":", call->caller);
    json(to, ",\"caller_cluster\":", call->caller_cluster);
    json(to, ",\"callee\":", call->callee);
    json(to, ",\"callee_cluster\":", call->callee_cluster);
    json(to, ",\"method\":", call->method);
    json(to, ",\"verb\":", call->verb);
    json(to, ",\"route\":", call->route);
    json(to, ",\"logid\":", call->logid);
    json(to, ",\"span_id\":", call->span_id);
    json(to, ",\"parent_id\":", call->parent_id);
    number(to, ",\"attempt\":", call->attempt);
    number(to, ",\"attempts\":", call->attempts);
    json(to, ",\"peer\":", call->peer);
    number(to, ",\"duration_us\":", finished->duration_us);
    json(to, ",\"outcome\":", finished->outcome);
    number(to, ",\"code\":", call->code);
    number(to, ",\"status\":", call->status);
    literal(to, ",\"message\":");
    to->failed |= text_add_json(out, call->message, MESSAGE_LIMIT);
    json(to, ",\"raised_by\":", finished->raised_by);
    json(to, ",\"rule\":", finished->rule);
    number(to, ",\"request_bytes\":", call->request_bytes);
    number(to, ",\"response_bytes\":", call->response_bytes);
    literal(to, ",\"weight\":");
    if (weight == 1.0) {
        literal(to, "1.0");
    } else {
        json_float(to, weight);
    }
    json_notes(to, call->notes);
    return to->failed ? -1 : 0;
}

/* --- the line --- */

static void plain(Writer *to, PyObject *text, const char *instead) {
    if (PyUnicode_GET_LENGTH(text)) {
        to->failed |= text_add(to->out, text);
    } else {
        literal(to, instead);
    }
}

static void message(Writer *to, PyObject *text, const char *instead) {
    if (PyUnicode_GET_LENGTH(text)) {
        to->failed |= text_add_escaped(to->out, text);
    } else {
        literal(to, instead);
    }
}

static void served(Writer *to, const Finished *finished) {
    const CallObject *call = finished->call;
    if (PyUnicode_GET_LENGTH(call->verb)) {
        message(to, call->verb, "");
        literal(to, " ");
        message(to, call->route, "-");
        number(to, " ", call->status);
    } else {
        message(to, call->method, "");
    }
    literal(to, " ");
    message(to, finished->outcome, "");
    number(to, " code=", call->code);
    number(to, " cost_us=", finished->duration_us);
    literal(to, " caller=");
    message(to, call->caller, "-");
    literal(to, " peer=");
    message(to, call->peer, "-");
}

static void asked(Writer *to, const Finished *finished) {
    const CallObject *call = finished->call;
    number(to, " retry=", call->attempts - 1);
    number(to, " business_retry_cost=", finished->duration_us / 1000);
    literal(to, " called=");
    message(to, call->callee, "");
    literal(to, " method=");
    message(to, call->method, "");
    literal(to, " rpc_status=");
    if (finished->answered) {
        literal(to, "success");
    } else {
        message(to, finished->outcome, "");
    }
}

static void milliseconds(Writer *to, double ended) {
    double rest = floor(rint((ended - (double)(int64_t)ended) * 1e6) / 1000);
    int within = rest > 999 ? 999 : rest < 0 ? 0 : (int)rest;
    char digits[] = {',', '0' + within / 100, '0' + within / 10 % 10, '0' + within % 10};
    to->failed |= buffer_add(to->out, digits, sizeof digits);
}

int finished_write_line(Buffer *out, const Finished *finished, const LineParts *parts,
                        const char stamp[19]) {
    const CallObject *call = finished->call;
    bool serves = call_is_served(call);
    Writer writer = {out, 0}, *to = &writer;
    literal(to, "INFO ");
    to->failed |= buffer_add(out, stamp, 19);
    milliseconds(to, finished->ended);
    bytes(to, &parts->place);
    plain(to, call->logid, "0");
    literal(to, " ");
    plain(to, serves ? call->span_id : call->parent_id, "-");
    bytes(to, &parts->process);
    to->failed |= number_add(out, (int64_t)PyThread_get_thread_ident());
    literal(to, " data=");
    if (serves) {
        served(to, finished);
    } else {
        asked(to, finished);
    }
    literal(to, "\n");
    return to->failed ? -1 : 0;
}
