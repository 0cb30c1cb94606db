/* The human line of a finished call. Twin: pie/observe/log/{access,line}.py. */
#include "record/line.h"
#include "base/text.h"

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
    bool http = PyUnicode_GET_LENGTH(call->verb) != 0;
    if (http) {
        message(to, call->verb, "");
        literal(to, " ");
        message(to, call->path, "-");
        number(to, " ", call->status);
    } else {
        message(to, call->method, "");
    }
    literal(to, " ");
    message(to, finished->outcome, "");
    number(to, " code=", call->code);
    number(to, " cost_us=", finished->duration_us);
    if (http) {
        literal(to, " route=");
        message(to, call->route, "-");
    }
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
    if (!finished->failures) {
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

static void level(Writer *to, const Finished *finished, PyObject *levels) {
    if (LIKELY(!finished->failures)) {
        literal(to, "INFO ");
        return;
    }
    PyObject *name = levels == NULL ? NULL : PyDict_GetItemWithError(levels, finished->outcome);
    if (name == NULL) {
        literal(to, "ERROR ");
    } else {
        plain(to, name, "ERROR");
        literal(to, " ");
    }
}

int line_write(Buffer *out, const Finished *finished, const LineParts *parts, const char stamp[19]) {
    const CallObject *call = finished->call;
    bool serves = call_is_served(call);
    Writer writer = {out, 0}, *to = &writer;
    level(to, finished, parts->levels);
    to->failed |= buffer_add(out, stamp, 19);
    milliseconds(to, finished->ended);
    bytes(to, &parts->origin);
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
