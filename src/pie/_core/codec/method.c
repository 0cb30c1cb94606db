/* The methods of a service, found by name; and where Base and BaseResp are in their structs. */
#include "codec/method.h"

#include "base/named.h"
#include "codec/compile.h"

#define FIELD_ID 255 /* of Base and BaseResp in the structs that hold them */
#define ENV_ID 5     /* of TrafficEnv in Base */

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

/* --- Base and BaseResp, by field ids whose types pie.thrift.wire.base has checked --- */

typedef struct {
    int argument;
    PyTypeObject *owner, *cls, *env_cls;
    PyObject *known, *env_known;
} BasePlan;

typedef struct {
    PyTypeObject *owner, *cls;
    PyObject *known;
} RespPlan;

static const NamedField base_fields[] = {
    NAMED(BasePlan, argument, INT),
    NAMED_OR_NONE(BasePlan, owner, CLASS),
    NAMED(BasePlan, cls, CLASS),
    NAMED(BasePlan, known, OBJECT),
    NAMED_OR_NONE(BasePlan, env_cls, CLASS),
    NAMED(BasePlan, env_known, OBJECT),
    NAMED_END,
};
static const NamedField resp_fields[] = {
    NAMED(RespPlan, owner, CLASS),
    NAMED(RespPlan, cls, CLASS),
    NAMED(RespPlan, known, OBJECT),
    NAMED_END,
};
static const NamedField method_fields[] = {
    NAMED(Method, description, OBJECT),
    NAMED(Method, name, TEXT),
    NAMED(Method, attr, TEXT),
    NAMED(Method, client, TEXT),
    NAMED_AS(Method, args_cls, "args", CLASS),
    NAMED_AS_OR_NONE(Method, result_cls, "result", CLASS),
    NAMED(Method, has_value, FLAG),
    NAMED_AS(Method, base_plans, "bases", LIST),
    NAMED_AS_OR_NONE(Method, resp_plan, "resp", OBJECT),
    NAMED_END,
};
static NamedStruct base_plan = {"pie.rpc.wire.native_methods.BasePlan", base_fields};
static NamedStruct resp_plan = {"pie.rpc.wire.native_methods.RespPlan", resp_fields};
static NamedStruct method_plan = {"pie.rpc.wire.native_methods.MethodPlan", method_fields};

static Py_ssize_t slot_of(PyTypeObject *cls, int id) {
    Program *program = program_of((PyObject *)cls);
    int index = program == NULL ? -1 : program_find(program, id);
    Py_ssize_t slot = index < 0 ? 0 : program_slot(program, index);
    return slot > 0 ? slot : -1;
}

/* The slot of field `id` if it is one of `known`, else -1. */
static Py_ssize_t known_slot(PyTypeObject *cls, PyObject *known, int id) {
    PyObject *number = PyLong_FromLong(id);
    int is_known = number == NULL ? -1 : PySequence_Contains(known, number);
    Py_XDECREF(number);
    return is_known == 1 ? slot_of(cls, id) : -1;
}

static PyTypeObject *keep(PyTypeObject *cls) {
    return (PyTypeObject *)Py_XNewRef((PyObject *)cls);
}

static int base_open(BaseSlots *slots, PyObject *from) {
    BasePlan plan = {0};
    if (named_read(&base_plan, from, &plan) < 0) {
        return -1;
    }
    slots->argument = plan.argument;
    slots->owner = keep(plan.owner);
    slots->owner_slot = plan.owner == NULL ? -1 : slot_of(plan.owner, FIELD_ID);
    slots->cls = keep(plan.cls);
    slots->logid = known_slot(plan.cls, plan.known, 1);
    slots->caller = known_slot(plan.cls, plan.known, 2);
    slots->addr = known_slot(plan.cls, plan.known, 3);
    slots->client = known_slot(plan.cls, plan.known, 4);
    slots->extra = known_slot(plan.cls, plan.known, 6);
    slots->env = slots->env_name = -1;
    if (plan.env_cls != NULL) {
        slots->env = slot_of(plan.cls, ENV_ID);
        slots->env_cls = keep(plan.env_cls);
        slots->env_name = known_slot(plan.env_cls, plan.env_known, 2);
    }
    named_clear(&base_plan, &plan);
    return PyErr_Occurred() ? -1 : 0;
}

static int bases_open(Method *method) {
    Py_ssize_t count = PyList_GET_SIZE(method->base_plans);
    method->bases = calloc((size_t)count + 1, sizeof *method->bases);
    if (method->bases == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        method->base_count++;
        if (base_open(&method->bases[i], PyList_GET_ITEM(method->base_plans, i)) < 0) {
            return -1;
        }
    }
    return 0;
}

static int resp_open(Method *method) {
    RespPlan plan = {0};
    if (method->resp_plan == NULL) {
        return 0;
    }
    RespSlots *slots = method->resp = calloc(1, sizeof *slots);
    if (slots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (named_read(&resp_plan, method->resp_plan, &plan) < 0) {
        return -1;
    }
    slots->owner = keep(plan.owner);
    slots->cls = keep(plan.cls);
    slots->owner_slot = slot_of(plan.owner, FIELD_ID);
    slots->message = known_slot(plan.cls, plan.known, 1);
    slots->code = known_slot(plan.cls, plan.known, 2);
    slots->extra = known_slot(plan.cls, plan.known, 3);
    if (!PyErr_Occurred() && (slots->owner_slot < 0 || slots->message < 0 || slots->code < 0)) {
        PyErr_Format(PyExc_TypeError, "%R and %R are no generated classes", plan.owner, plan.cls);
    }
    named_clear(&resp_plan, &plan);
    return PyErr_Occurred() ? -1 : 0;
}

/* --- Methods --- */

static int method_open(Method *method, PyObject *plan) {
    if (named_read(&method_plan, plan, method) < 0) {
        return -1;
    }
    PyUnicode_InternInPlace(&method->attr);
    method->utf8 = PyUnicode_AsUTF8AndSize(method->name, &method->utf8_size);
    method->args = program_of((PyObject *)method->args_cls);
    if (method->utf8 == NULL || method->args == NULL) {
        return -1;
    }
    method->arg_count = method->args->size;
    method->success = -1;
    if (method->result_cls != NULL) {
        method->result = program_of((PyObject *)method->result_cls);
        if (method->result == NULL) {
            return -1;
        }
        method->result_count = method->result->size;
        method->success = method->has_value ? program_find(method->result, 0) : -1;
    }
    return bases_open(method) < 0 ? -1 : resp_open(method);
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
    named_clear(&method_plan, method);
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
    int stop = 0;
    for (int i = 0; stop == 0 && i < table->count; i++) {
        stop = named_visit(&method_plan, &table->methods[i], visit, arg);
    }
    return stop;
}

int method_init(void) {
    return named_add(&base_plan) < 0 || named_add(&resp_plan) < 0 || named_add(&method_plan) < 0
               ? -1
               : 0;
}
