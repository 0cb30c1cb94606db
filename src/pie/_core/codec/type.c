/* The types of fields, compiled. Twin: pie/thrift/types.py, and the tables of
 * pie/thrift/codec/struct_read.py and compact.py. */
#include "codec/type.h"

#include "base/late.h"
#include "base/named.h"

#define WIDEST_TABLE 1024

/* Codes and fewest bytes in the binary and the compact protocol; memory as an element. */
static const struct {
    uint8_t code[2], least[2];
    int memory;
} WIRE[] = {
    [KIND_BOOL] = {{2, 1}, {1, 1}, 0},      [KIND_I8] = {{3, 3}, {1, 1}, 32},
    [KIND_I16] = {{6, 4}, {2, 1}, 32},      [KIND_I32] = {{8, 5}, {4, 1}, 32},
    [KIND_I64] = {{10, 6}, {8, 1}, 32},     [KIND_ENUM] = {{8, 5}, {4, 1}, 32},
    [KIND_DOUBLE] = {{4, 7}, {8, 8}, 24},   [KIND_STRING] = {{11, 8}, {4, 1}, 56},
    [KIND_BINARY] = {{11, 8}, {4, 1}, 40},  [KIND_UUID] = {{16, 13}, {16, 16}, 104},
    [KIND_STRUCT] = {{12, 12}, {1, 1}, 0},  [KIND_LIST] = {{15, 9}, {5, 1}, 0},
    [KIND_SET] = {{14, 10}, {5, 1}, 0},     [KIND_MAP] = {{13, 11}, {6, 1}, 0},
};

static const struct {
    const char *name;
    Kind kind;
} SCALARS[] = {
    {"bool", KIND_BOOL},     {"i8", KIND_I8},         {"i16", KIND_I16},
    {"i32", KIND_I32},       {"i64", KIND_I64},       {"double", KIND_DOUBLE},
    {"string", KIND_STRING}, {"binary", KIND_BINARY}, {"uuid", KIND_UUID},
};

static struct {
    const char *name;
    Kind kind;
    int entry_memory;
    PyObject *cls; /* Looked up when it is needed. */
} classes[] = {
    {"StructType", KIND_STRUCT, 0}, {"EnumType", KIND_ENUM, 0}, {"ListType", KIND_LIST, 8},
    {"SetType", KIND_SET, 48},      {"MapType", KIND_MAP, 104},
};

/* Interned names of attributes. */
static struct TypeNames {
    PyObject *name, *enum_, *cls, *element, *key, *value;
} names;

static const NamedField scalar_names[] = {NAMED(struct TypeNames, name, NAME), NAMED_END};
static const NamedField enum_names[] = {NAMED_AS(struct TypeNames, enum_, "enum", NAME), NAMED_END};
static const NamedField struct_names[] = {NAMED(struct TypeNames, cls, NAME), NAMED_END};
static const NamedField element_names[] = {NAMED(struct TypeNames, element, NAME), NAMED_END};
static const NamedField map_names[] = {
    NAMED(struct TypeNames, key, NAME), NAMED(struct TypeNames, value, NAME), NAMED_END};
static NamedStruct used[] = {
    {"pie.thrift.types.Scalar", scalar_names},   {"pie.thrift.types.EnumType", enum_names},
    {"pie.thrift.types.StructType", struct_names}, {"pie.thrift.types.ListType", element_names},
    {"pie.thrift.types.SetType", element_names}, {"pie.thrift.types.MapType", map_names},
};

static Type *type_new(Kind kind) {
    Type *type = PyMem_Calloc(1, sizeof *type);
    if (type == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    type->kind = kind;
    memcpy(type->code, WIRE[kind].code, sizeof type->code);
    memcpy(type->least, WIRE[kind].least, sizeof type->least);
    type->memory = WIRE[kind].memory;
    return type;
}

static Type *part(PyObject *kind, PyObject *name) {
    PyObject *found = PyObject_GetAttr(kind, name);
    if (found == NULL) {
        return NULL;
    }
    Type *type = NULL;
    if (Py_EnterRecursiveCall(" in the types of a struct") == 0) {
        type = type_compile(found);
        Py_LeaveRecursiveCall();
    }
    Py_DECREF(found);
    return type;
}

/* An enum's number; one beyond all of the wire's where it is none of them. */
static int64_t wire_number(PyObject *number) {
    int overflow = 1;
    long long value = PyLong_Check(number) ? PyLong_AsLongLongAndOverflow(number, &overflow) : 0;
    return overflow || value != (int32_t)value ? INT64_MAX : value;
}

/* A table of the members where no number is far from the others. */
static int tabulate(Type *type) {
    int64_t low = INT64_MAX, high = INT64_MIN;
    PyObject *number, *member;
    for (Py_ssize_t at = 0; PyDict_Next(type->members, &at, &number, &member);) {
        int64_t value = wire_number(number);
        if (value != INT64_MAX) {
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
    }
    if (low > high || high - low >= WIDEST_TABLE) {
        return 0;
    }
    type->table = PyMem_Calloc((size_t)(high - low + 1), sizeof *type->table);
    if (type->table == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    type->table_low = low;
    type->table_size = high - low + 1;
    for (Py_ssize_t at = 0; PyDict_Next(type->members, &at, &number, &member);) {
        int64_t value = wire_number(number);
        if (value >= low && value <= high) {
            type->table[value - low] = member; /* Held by the dict. */
        }
    }
    return 0;
}

static int compile_enum(Type *type, PyObject *kind) {
    type->cls = PyObject_GetAttr(kind, names.enum_);
    type->members = type->cls != NULL ? PyDict_New() : NULL;
    PyObject *members = type->members != NULL ? PySequence_List(type->cls) : NULL;
    if (members == NULL) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(members); i++) {
        PyObject *member = PyList_GET_ITEM(members, i);
        PyObject *number = PyObject_GetAttrString(member, "value");
        if (number == NULL || PyDict_SetItem(type->members, number, member) < 0) {
            Py_XDECREF(number);
            Py_DECREF(members);
            return -1;
        }
        Py_DECREF(number);
    }
    Py_DECREF(members);
    return tabulate(type);
}

static int compile_parts(Type *type, PyObject *kind) {
    switch (type->kind) {
    case KIND_STRUCT:
        type->cls = PyObject_GetAttr(kind, names.cls);
        return type->cls != NULL ? 0 : -1;
    case KIND_ENUM:
        return compile_enum(type, kind);
    case KIND_MAP:
        type->key = part(kind, names.key);
        type->element = type->key != NULL ? part(kind, names.value) : NULL;
        if (type->element == NULL) {
            return -1;
        }
        type->entry_memory += type->key->memory + type->element->memory;
        return 0;
    default:
        type->element = part(kind, names.element);
        if (type->element == NULL) {
            return -1;
        }
        type->entry_memory += type->element->memory;
        return 0;
    }
}

static Type *compile_scalar(PyObject *kind) {
    PyObject *name = PyObject_GetAttr(kind, names.name);
    if (name == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(SCALARS); i++) {
        if (PyUnicode_Check(name)
            && PyUnicode_CompareWithASCIIString(name, SCALARS[i].name) == 0) {
            Py_DECREF(name);
            return type_new(SCALARS[i].kind);
        }
    }
    PyErr_Format(PyExc_TypeError, "%R is not a Thrift type", kind);
    Py_DECREF(name);
    return NULL;
}

Type *type_compile(PyObject *kind) {
    for (size_t i = 0; i < Py_ARRAY_LENGTH(classes); i++) {
        PyObject *cls = late(&classes[i].cls, "pie.thrift.types", classes[i].name);
        int is = cls != NULL ? PyObject_IsInstance(kind, cls) : -1;
        if (is < 0) {
            return NULL;
        }
        if (!is) {
            continue;
        }
        Type *type = type_new(classes[i].kind);
        if (type != NULL) {
            type->entry_memory = classes[i].entry_memory;
            if (compile_parts(type, kind) < 0) {
                type_free(type);
                return NULL;
            }
        }
        return type;
    }
    return compile_scalar(kind);
}

void type_free(Type *type) {
    if (type != NULL) {
        type_free(type->key);
        type_free(type->element);
        Py_XDECREF(type->cls);
        Py_XDECREF(type->program);
        PyMem_Free(type->table);
        Py_XDECREF(type->members);
        PyMem_Free(type);
    }
}

int type_visit(Type *type, visitproc visit, void *arg) {
    if (type == NULL) {
        return 0;
    }
    Py_VISIT(type->cls);
    Py_VISIT(type->program);
    Py_VISIT(type->members);
    int result = type_visit(type->key, visit, arg);
    return result != 0 ? result : type_visit(type->element, visit, arg);
}

void type_forget_programs(Type *type) {
    if (type != NULL) {
        Py_CLEAR(type->program);
        type_forget_programs(type->key);
        type_forget_programs(type->element);
    }
}

int type_init(void) {
    for (size_t i = 0; i < Py_ARRAY_LENGTH(used); i++) {
        if (named_add(&used[i]) < 0 || named_intern(&used[i], &names) < 0) {
            return -1;
        }
    }
    return 0;
}
