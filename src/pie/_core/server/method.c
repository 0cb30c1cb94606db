#include "server/method.h"

#include "server/metadata.h"

#define FIELD_ID 255 /* of Base and BaseResp in the structs that hold them */

/* --- The table --- */

static uint32_t hash_of(const char *name, size_t size) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    }
    return hash;
}

Method *method_find(const MethodTable *table, const char *name, size_t size) {
    for (uint32_t at = hash_of(name, size);; at++) {
        int index = table->table[at & table->mask];
        if (index < 0) {
            return NULL;
        }
        Method *method = &table->methods[index];
        if ((size_t)method->utf8_size == size && memcmp(method->utf8, name, size) == 0) {
            return method;
        }
    }
}

static int table_open(MethodTable *table) {
    unsigned size = 8;
    while (size < 2u * (unsigned)table->count) {
        size *= 2;
    }
    table->table = malloc(size * sizeof *table->table);
    if (table->table == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    table->mask = size - 1;
    memset(table->table, 0xff, size * sizeof *table->table);
    for (int i = 0; i < table->count; i++) {
        const Method *method = &table->methods[i];
        uint32_t at = hash_of(method->utf8, (size_t)method->utf8_size);
        while (table->table[at & table->mask] >= 0) {
            at++;
        }
        table->table[at & table->mask] = (int16_t)i;
    }
    return 0;
}

/* --- Places, by field ids that pie.thrift.wire.base has checked the types of --- */

static Py_ssize_t slot_of(PyObject *cls, int id) {
    Program *program = program_of(cls);
    int index = program == NULL ? -1 : program_index(program, id);
    Py_ssize_t slot = index < 0 ? 0 : program_slot(program, index);
    return slot > 0 ? slot : -1;
}

/* The slot of field `id` if it is one of `known`, else -1. */
static Py_ssize_t known_slot(PyObject *cls, PyObject *known, int id) {
    PyObject *number = PyLong_FromLong(id);
    int is_known = number == NULL ? -1 : PySequence_Contains(known, number);
    Py_XDECREF(number);
    return is_known == 1 ? slot_of(cls, id) : -1;
}

static int base_open(BasePlace *place, PyObject *plan) {
    PyObject *owner, *cls, *known, *env_cls, *env_known;
    int env_id;
    if (!PyArg_ParseTuple(plan, "iOOOiOO:base", &place->argument, &owner, &cls, &known, &env_id,
                          &env_cls, &env_known)) {
        return -1;
    }
    place->owner = owner == Py_None ? NULL : (PyTypeObject *)Py_NewRef(owner);
    place->owner_slot = owner == Py_None ? -1 : slot_of(owner, FIELD_ID);
    place->cls = (PyTypeObject *)Py_NewRef(cls);
    place->logid = known_slot(cls, known, 1);
    place->caller = known_slot(cls, known, 2);
    place->addr = known_slot(cls, known, 3);
    place->client = known_slot(cls, known, 4);
    place->extra = known_slot(cls, known, 6);
    place->env = place->env_name = -1;
    if (env_cls != Py_None) {
        place->env = slot_of(cls, env_id);
        place->env_cls = (PyTypeObject *)Py_NewRef(env_cls);
        place->env_name = known_slot(env_cls, env_known, 2);
    }
    return PyErr_Occurred() ? -1 : 0;
}

static int bases_open(Method *method, PyObject *plans) {
    Py_ssize_t count = PyList_GET_SIZE(plans);
    method->bases = calloc((size_t)count + 1, sizeof *method->bases);
    if (method->bases == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        method->base_count++;
        if (base_open(&method->bases[i], PyList_GET_ITEM(plans, i)) < 0) {
            return -1;
        }
    }
    return 0;
}

static int resp_open(Method *method, PyObject *plan) {
    PyObject *owner, *cls, *known;
    if (plan == Py_None) {
        return 0;
    }
    if (!PyArg_ParseTuple(plan, "OOO:resp", &owner, &cls, &known)) {
        return -1;
    }
    RespPlace *place = method->resp = calloc(1, sizeof *place);
    if (place == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    place->owner = (PyTypeObject *)Py_NewRef(owner);
    place->cls = (PyTypeObject *)Py_NewRef(cls);
    place->owner_slot = slot_of(owner, FIELD_ID);
    place->message = known_slot(cls, known, 1);
    place->code = known_slot(cls, known, 2);
    place->extra = known_slot(cls, known, 3);
    if (!PyErr_Occurred() && (place->owner_slot < 0 || place->message < 0 || place->code < 0)) {
        PyErr_Format(PyExc_TypeError, "%R and %R are no generated classes", owner, cls);
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* --- Methods --- */

/* A struct class of a method, its program and the number of its fields. */
static int struct_open(PyObject *description, const char *attr, PyObject **cls, Program **program,
                       int *count) {
    *cls = PyObject_GetAttrString(description, attr);
    if (*cls == NULL || *cls == Py_None) {
        Py_CLEAR(*cls);
        return PyErr_Occurred() ? -1 : 0;
    }
    *program = program_of(*cls);
    if (*program == NULL) {
        return -1;
    }
    *count = program_size(*program);
    return 0;
}

static int method_open(Method *method, PyObject *plan) {
    PyObject *description, *bases, *resp, *args_cls = NULL;
    if (!PyArg_ParseTuple(plan, "OO!O:method", &description, &PyList_Type, &bases, &resp)) {
        return -1;
    }
    method->description = Py_NewRef(description);
    method->name = PyObject_GetAttrString(description, "name");
    method->attr = PyObject_GetAttrString(description, "attr");
    if (method->name == NULL || method->attr == NULL) {
        return -1;
    }
    PyUnicode_InternInPlace(&method->attr);
    method->utf8 = PyUnicode_AsUTF8AndSize(method->name, &method->utf8_size);
    int opened = struct_open(description, "args", &args_cls, &method->args, &method->arg_count);
    Py_XDECREF(args_cls); /* The description holds it. */
    if (method->utf8 == NULL || opened < 0 ||
        struct_open(description, "result", &method->result_cls, &method->result,
                    &method->result_count) < 0) {
        return -1;
    }
    PyObject *returns = PyObject_GetAttrString(description, "returns");
    if (returns == NULL) {
        return -1;
    }
    bool is_void = method->result == NULL || returns == Py_None;
    method->success = is_void ? -1 : program_index(method->result, 0);
    Py_DECREF(returns);
    return bases_open(method, bases) < 0 ? -1 : resp_open(method, resp);
}

static void method_close(Method *method) {
    for (int i = 0; i < method->base_count; i++) {
        Py_XDECREF(method->bases[i].owner);
        Py_XDECREF(method->bases[i].cls);
        Py_XDECREF(method->bases[i].env_cls);
    }
    free(method->bases);
    if (method->resp != NULL) {
        Py_XDECREF(method->resp->owner);
        Py_XDECREF(method->resp->cls);
        free(method->resp);
    }
    Py_XDECREF(method->description);
    Py_XDECREF(method->name);
    Py_XDECREF(method->attr);
    Py_XDECREF(method->result_cls);
}

int methods_open(MethodTable *table, PyObject *plans) {
    Py_ssize_t count = PyList_Size(plans);
    if (count < 0 || count > INT16_MAX) {
        PyErr_SetString(PyExc_ValueError, "a service has at most 32767 methods");
        return -1;
    }
    table->methods = calloc((size_t)count + 1, sizeof *table->methods);
    if (table->methods == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        table->count++;
        if (method_open(&table->methods[i], PyList_GET_ITEM(plans, i)) < 0) {
            return -1;
        }
    }
    return table_open(table);
}

void methods_close(MethodTable *table) {
    for (int i = 0; i < table->count; i++) {
        method_close(&table->methods[i]);
    }
    free(table->methods);
    free(table->table);
    *table = (MethodTable){0};
}

int methods_visit(MethodTable *table, visitproc visit, void *arg) {
    for (int i = 0; i < table->count; i++) {
        Py_VISIT(table->methods[i].description);
    }
    return 0;
}

/* --- Base and BaseResp --- */

/* Borrowed; NULL where nothing is set. */
static PyObject *value_at(PyObject *owner, Py_ssize_t slot) {
    PyObject *value = slot < 0 ? NULL : *(PyObject **)((char *)owner + slot);
    return value == Py_None ? NULL : value;
}

static PyObject *text_at(PyObject *owner, Py_ssize_t slot) {
    PyObject *value = value_at(owner, slot);
    return value != NULL && PyUnicode_CheckExact(value) ? value : NULL;
}

static int set_from_text(CallObject *call, PyObject *text,
                         int (*set)(CallObject *, const char *, size_t)) {
    Py_ssize_t size = 0;
    const char *utf8 = text == NULL ? NULL : PyUnicode_AsUTF8AndSize(text, &size);
    if (utf8 == NULL) {
        PyErr_Clear(); /* Lone surrogates: no id is made of them. */
        return 0;
    }
    return set(call, utf8, (size_t)size);
}

static int read_place(const BasePlace *place, PyObject *base, CallObject *call) {
    PyObject *extra = value_at(base, place->extra);
    PyObject *span = NULL;
    if (extra != NULL && PyDict_CheckExact(extra)) {
        span = PyDict_GetItemString(extra, "traceparent");
    }
    /* The span's logid wins over the Base's own. */
    if (set_from_text(call, text_at(base, place->logid), set_logid) < 0 ||
        (span != NULL && PyUnicode_CheckExact(span) && set_from_text(call, span, set_span) < 0)) {
        return -1;
    }
    PyObject *caller = text_at(base, place->caller);
    if (caller != NULL && set_name(&call->caller, caller) < 0) {
        return -1;
    }
    PyObject *env = value_at(base, place->env);
    PyObject *name = NULL;
    if (env != NULL && Py_IS_TYPE(env, place->env_cls)) {
        name = text_at(env, place->env_name);
    }
    return name == NULL ? 0 : set_name(&call->env, name);
}

int base_read(const Method *method, PyObject *const *arguments, CallObject *call) {
    for (int i = 0; i < method->base_count; i++) {
        const BasePlace *place = &method->bases[i];
        PyObject *base = arguments[place->argument];
        if (place->owner != NULL) {
            base = Py_IS_TYPE(base, place->owner) ? value_at(base, place->owner_slot) : NULL;
        }
        if (base != NULL && Py_IS_TYPE(base, place->cls)) {
            return read_place(place, base, call);
        }
    }
    return 0;
}

/* Whether one of the fields says something; -1 with an exception set. */
static int says_anything(const RespPlace *place, PyObject *resp) {
    Py_ssize_t slots[] = {place->message, place->code, place->extra};
    int says = 0;
    for (size_t i = 0; resp != NULL && says == 0 && i < sizeof slots / sizeof *slots; i++) {
        PyObject *value = value_at(resp, slots[i]);
        says = value == NULL ? 0 : PyObject_IsTrue(value);
    }
    return says;
}

/* Takes over the reference; -1 if it is NULL. */
static int set_at(PyObject *owner, Py_ssize_t slot, PyObject *value) {
    if (value == NULL) {
        return -1;
    }
    call_set((PyObject **)((char *)owner + slot), value);
    return 0;
}

static int say_success(const RespPlace *place, PyObject *value) {
    PyObject *resp = PyObject_CallNoArgs((PyObject *)place->cls);
    if (resp == NULL) {
        return -1;
    }
    if (set_at(resp, place->message, PyUnicode_FromString("SUCCESS")) < 0 ||
        set_at(resp, place->code, PyLong_FromLong(0)) < 0) {
        Py_DECREF(resp);
        return -1;
    }
    return set_at(value, place->owner_slot, resp);
}

int resp_fill(const Method *method, PyObject *value, CallObject *call) {
    const RespPlace *place = method->resp;
    PyObject *resp = value_at(value, place->owner_slot);
    if (resp != NULL && !Py_IS_TYPE(resp, place->cls)) {
        return 0; /* Encoding says what is wrong with it. */
    }
    int says = says_anything(place, resp);
    if (says <= 0) {
        return says < 0 ? -1 : say_success(place, value);
    }
    PyObject *code = value_at(resp, place->code);
    if (code == NULL || !PyLong_CheckExact(code)) {
        return 0;
    }
    int overflow;
    long number = PyLong_AsLongAndOverflow(code, &overflow);
    if (overflow != 0 || number == 0) {
        return 0; /* Too large a number is told of when it is encoded. */
    }
    PyObject *message = text_at(resp, place->message);
    PyObject *text = message != NULL ? Py_NewRef(message) : PyUnicode_FromString("");
    int done = text == NULL ? -1 : call_business(call, number, text);
    Py_XDECREF(text);
    return done;
}
