/* The Base of a request into its call, and the BaseResp of a response filled. */
#include "server/request_base.h"

#include "call/outcome.h"
#include "server/metadata.h"

/* Borrowed; NULL where nothing is set. */
static PyObject *value_at(PyObject *owner, Py_ssize_t slot) {
    PyObject *value = slot < 0 ? NULL : *(PyObject **)((char *)owner + slot);
    return value == Py_None ? NULL : value;
}

static PyObject *text_at(PyObject *owner, Py_ssize_t slot) {
    PyObject *value = value_at(owner, slot);
    return value != NULL && PyUnicode_CheckExact(value) ? value : NULL;
}

/* Its bytes; none where it is no str, or cannot be written as UTF-8. */
static const char *utf8_of(PyObject *text, Py_ssize_t *size) {
    const char *utf8 = text != NULL && PyUnicode_CheckExact(text)
                           ? PyUnicode_AsUTF8AndSize(text, size)
                           : NULL;
    if (utf8 == NULL) {
        PyErr_Clear(); /* Lone surrogates: no id is made of them. */
        *size = 0;
    }
    return utf8;
}

/* The class of traffic, which persists. Gates have let the call in already: Base is among the arguments. */
static int keep_traffic(PyObject *extra, CallObject *call) {
    static const char key[] = "PIE_TRAFFIC"; /* pie/model/persisted.py */
    PyObject *traffic = PyDict_GetItemString(extra, key);
    if (LIKELY(traffic == NULL)) {
        return 0;
    }
    if (call->persist == NULL && (call->persist = PyDict_New()) == NULL) {
        return -1;
    }
    bool known = PyUnicode_CheckExact(traffic) &&
                 (PyUnicode_CompareWithASCIIString(traffic, "stress") == 0 ||
                  PyUnicode_CompareWithASCIIString(traffic, "test") == 0);
    if (known) {
        call_set(&call->traffic, Py_NewRef(traffic));
    }
    return PyDict_SetItemString(call->persist, key, traffic);
}

static int read_base(const BaseSlots *slots, PyObject *base, CallObject *call) {
    PyObject *extra = value_at(base, slots->extra);
    PyObject *traceparent = NULL;
    if (extra != NULL && PyDict_CheckExact(extra)) {
        traceparent = PyDict_GetItemString(extra, "traceparent");
    }
    Py_ssize_t span_size, logid_size;
    const char *span = utf8_of(traceparent, &span_size);
    const char *logid = utf8_of(value_at(base, slots->logid), &logid_size);
    if (set_identity(call, span, (size_t)span_size, logid, (size_t)logid_size) < 0) {
        return -1;
    }
    PyObject *caller = text_at(base, slots->caller);
    if (caller != NULL && set_name(&call->caller, caller) < 0) {
        return -1;
    }
    if (extra != NULL && PyDict_CheckExact(extra) && keep_traffic(extra, call) < 0) {
        return -1;
    }
    PyObject *env = value_at(base, slots->env);
    PyObject *name = NULL;
    if (env != NULL && Py_IS_TYPE(env, slots->env_cls)) {
        name = text_at(env, slots->env_name);
    }
    return name == NULL ? 0 : set_name(&call->env, name);
}

int base_read(const Method *method, PyObject *const *arguments, CallObject *call) {
    for (int i = 0; i < method->base_count; i++) {
        const BaseSlots *slots = &method->bases[i];
        PyObject *base = arguments[slots->argument];
        if (slots->owner != NULL) {
            base = Py_IS_TYPE(base, slots->owner) ? value_at(base, slots->owner_slot) : NULL;
        }
        if (base != NULL && Py_IS_TYPE(base, slots->cls)) {
            return read_base(slots, base, call);
        }
    }
    return 0;
}

/* Whether a field of the BaseResp is set; -1 with an exception set. */
static int has_status(const RespSlots *slots, PyObject *resp) {
    Py_ssize_t all[] = {slots->message, slots->code, slots->extra};
    int found = 0;
    for (size_t i = 0; resp != NULL && found == 0 && i < sizeof all / sizeof *all; i++) {
        PyObject *value = value_at(resp, all[i]);
        found = value == NULL ? 0 : PyObject_IsTrue(value);
    }
    return found;
}

/* Takes over the reference; -1 if it is NULL. */
static int set_at(PyObject *owner, Py_ssize_t slot, PyObject *value) {
    if (value == NULL) {
        return -1;
    }
    call_set((PyObject **)((char *)owner + slot), value);
    return 0;
}

static int fill_success(const RespSlots *slots, PyObject *value) {
    PyObject *resp = PyObject_CallNoArgs((PyObject *)slots->cls);
    if (resp == NULL) {
        return -1;
    }
    if (set_at(resp, slots->message, PyUnicode_FromString("SUCCESS")) < 0 ||
        set_at(resp, slots->code, PyLong_FromLong(0)) < 0) {
        Py_DECREF(resp);
        return -1;
    }
    return set_at(value, slots->owner_slot, resp);
}

int resp_fill(const Method *method, PyObject *value, CallObject *call) {
    const RespSlots *slots = method->resp;
    PyObject *resp = value_at(value, slots->owner_slot);
    if (resp != NULL && !Py_IS_TYPE(resp, slots->cls)) {
        return 0; /* Encoding raises the error. */
    }
    int is_set = has_status(slots, resp);
    if (is_set <= 0) {
        return is_set < 0 ? -1 : fill_success(slots, value);
    }
    PyObject *code = value_at(resp, slots->code);
    if (code == NULL || !PyLong_CheckExact(code)) {
        return 0;
    }
    int overflow;
    long number = PyLong_AsLongAndOverflow(code, &overflow);
    if (overflow != 0 || number == 0) {
        return 0; /* Encoding raises the error of a number that is too large. */
    }
    PyObject *message = text_at(resp, slots->message);
    PyObject *text = message != NULL ? Py_NewRef(message) : PyUnicode_FromString("");
    int done = text == NULL ? -1 : call_business(call, number, text);
    Py_XDECREF(text);
    return done;
}
