/* Values to bytes. Twin: pie/thrift/codec/struct_write.py.
 *
 * Every function exists once for each protocol: the inner ones are inlined into the two outer ones
 * with the protocol a constant. While scalars are written no Python runs and nothing can change;
 * containers and structs are held, and looked at again after each of their parts, because a part
 * that is an instance of a subclass, or cannot be written, runs Python.
 */
#include "codec/struct_write.h"

#include "codec/compile.h"
#include "codec/constructor.h"
#include "codec/error.h"
#include "codec/scalar_write.h"

static int binary_value(Buffer *out, Type *type, PyObject *value, int depth);
static int compact_value(Buffer *out, Type *type, PyObject *value, int depth);

ALWAYS_INLINE int part_write(Buffer *out, Type *type, PyObject *value, int depth,
                             Protocol protocol) {
    return protocol == PROTOCOL_BINARY ? binary_value(out, type, value, depth)
                                       : compact_value(out, type, value, depth);
}

static int too_deep(void) {
    codec_error("nested too deep: does the value contain itself?");
    return -1;
}

/* --- Containers --- */

/* The elements in a list or tuple; NULL with an exception set. */
static PyObject *elements_of(const Type *type, PyObject *value) {
    if (type->kind == KIND_LIST || !type_has_hash(type->element)) {
        bool is_list = PyList_Check(value);
        if (UNLIKELY(!is_list && !PyTuple_Check(value))) {
            codec_error_value("expected list, got %U", value);
            return NULL;
        }
        PyTypeObject *base = is_list ? &PyList_Type : &PyTuple_Type;
        if (LIKELY(Py_TYPE(value)->tp_iter == base->tp_iter)) {
            return Py_NewRef(value);
        }
    } else if (UNLIKELY(!PyAnySet_Check(value))) {
        codec_error_value("expected set, got %U", value);
        return NULL;
    }
    Py_INCREF(value); /* Its iterator may be Python. */
    PyObject *copy = PySequence_List(value);
    Py_DECREF(value);
    return copy;
}

static int changed(const char *what) {
    codec_error("the %s changed while it was being written: another thread holds it too", what);
    return -1;
}

ALWAYS_INLINE int elements_write(Buffer *out, Type *element, PyObject *elements, int depth,
                                 Protocol protocol) {
    Py_ssize_t count = PySequence_Fast_GET_SIZE(elements);
    uint8_t *at = scalar_check_size(count) == 0 ? write_room(out, 1 + LONGEST_VARINT) : NULL;
    if (UNLIKELY(at == NULL)) {
        return -1;
    }
    write_to(out, put_list_head(at, element, count, protocol));
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *value = PySequence_Fast_GET_ITEM(elements, i);
        int done;
        if (element->kind == KIND_I64) { /* Inlined, as the next. */
            done = int_write(out, KIND_I64, value, protocol);
        } else if (element->kind == KIND_DOUBLE) {
            done = double_write(out, value, protocol);
        } else {
            done = part_write(out, element, value, depth, protocol);
        }
        if (UNLIKELY(done < 0)) {
            codec_error_under("[%zd]", i);
            return -1;
        }
        if (UNLIKELY(PySequence_Fast_GET_SIZE(elements) != count)) {
            return changed("list");
        }
    }
    return 0;
}

ALWAYS_INLINE int list_write(Buffer *out, Type *type, PyObject *value, int depth,
                             Protocol protocol) {
    PyObject *elements = elements_of(type, value);
    if (UNLIKELY(elements == NULL)) {
        return -1;
    }
    int done = depth > 0 ? elements_write(out, type->element, elements, depth - 1, protocol)
                         : too_deep();
    Py_DECREF(elements);
    return done;
}

/* One entry of a map; both are held while they are written. */
ALWAYS_INLINE int entry_write(Buffer *out, Type *type, PyObject *key, PyObject *value, int depth,
                              Protocol protocol) {
    Py_INCREF(key);
    Py_INCREF(value);
    int done = part_write(out, type->key, key, depth, protocol);
    if (LIKELY(done == 0)) {
        done = part_write(out, type->element, value, depth, protocol);
    }
    if (UNLIKELY(done < 0)) {
        codec_error_under_key(key);
    }
    Py_DECREF(key);
    Py_DECREF(value);
    return done;
}

ALWAYS_INLINE int map_head_write(Buffer *out, Type *type, Py_ssize_t count, Protocol protocol) {
    uint8_t *at = scalar_check_size(count) == 0 ? write_room(out, 2 + LONGEST_VARINT) : NULL;
    if (UNLIKELY(at == NULL)) {
        return -1;
    }
    write_to(out, put_map_head(at, type, count, protocol));
    return 0;
}

ALWAYS_INLINE int dict_write(Buffer *out, Type *type, PyObject *dict, int depth,
                             Protocol protocol) {
    Py_ssize_t count = PyDict_GET_SIZE(dict), written = 0, at = 0;
    PyObject *key, *value;
    if (map_head_write(out, type, count, protocol) < 0) {
        return -1;
    }
    while (PyDict_Next(dict, &at, &key, &value)) {
        if (UNLIKELY(entry_write(out, type, key, value, depth, protocol) < 0)) {
            return -1;
        }
        /* A key that replaces another leaves the size, but may change the order. */
        if (UNLIKELY(PyDict_GET_SIZE(dict) != count || ++written > count)) {
            return changed("map");
        }
    }
    return LIKELY(written == count) ? 0 : changed("map");
}

/* A subclass of dict may have an order of its own. */
ALWAYS_INLINE int items_write(Buffer *out, Type *type, PyObject *value, int depth,
                              Protocol protocol) {
    PyObject *items = PyMapping_Items(value);
    if (items == NULL) {
        return -1;
    }
    Py_ssize_t count = PyList_GET_SIZE(items);
    int done = map_head_write(out, type, count, protocol);
    for (Py_ssize_t i = 0; done == 0 && i < count && i < PyList_GET_SIZE(items); i++) {
        PyObject *pair = PyList_GET_ITEM(items, i);
        if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
            PyErr_Format(PyExc_TypeError, "items of a %s are no pairs", Py_TYPE(value)->tp_name);
            done = -1;
        } else {
            done = entry_write(out, type, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1),
                               depth, protocol);
        }
    }
    Py_DECREF(items);
    return done;
}

static int pairs_check(PyObject *pairs) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(pairs); i++) {
        PyObject *pair = PyTuple_GET_ITEM(pairs, i);
        if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
            codec_error_value("expected a pair (key, value), got %U", pair);
            codec_error_under("[%zd]", i);
            return -1;
        }
    }
    return 0;
}

/* A map whose keys have no hash: a list of pairs, copied, for another thread may hold it too. */
ALWAYS_INLINE int pairs_write(Buffer *out, Type *type, PyObject *value, int depth,
                              Protocol protocol) {
    if (!PyList_Check(value) && !PyTuple_Check(value)) {
        codec_error_value("expected list of pairs, got %U", value);
        return -1;
    }
    Py_INCREF(value); /* Its iterator may be Python. */
    PyObject *pairs = PySequence_Tuple(value);
    Py_DECREF(value);
    if (pairs == NULL) {
        return -1;
    }
    int done = pairs_check(pairs);
    if (done == 0) {
        done = depth > 0 ? map_head_write(out, type, PyTuple_GET_SIZE(pairs), protocol)
                         : too_deep();
    }
    for (Py_ssize_t i = 0; done == 0 && i < PyTuple_GET_SIZE(pairs); i++) {
        PyObject *pair = PyTuple_GET_ITEM(pairs, i);
        done = entry_write(out, type, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1),
                           depth - 1, protocol);
    }
    Py_DECREF(pairs);
    return done;
}

ALWAYS_INLINE int map_write(Buffer *out, Type *type, PyObject *value, int depth,
                            Protocol protocol) {
    if (UNLIKELY(!type_has_hash(type->key))) {
        return pairs_write(out, type, value, depth, protocol);
    }
    if (UNLIKELY(!PyDict_Check(value))) {
        codec_error_value("expected dict, got %U", value);
        return -1;
    }
    if (UNLIKELY(depth <= 0)) {
        return too_deep();
    }
    Py_INCREF(value);
    bool exact = LIKELY(PyDict_CheckExact(value));
    int done = exact ? dict_write(out, type, value, depth - 1, protocol)
                     : items_write(out, type, value, depth - 1, protocol);
    Py_DECREF(value);
    return done;
}

/* --- Structs --- */

static int slot_is_empty(PyObject *value, PyObject *attr) {
    PyObject *found = PyObject_GetAttr(value, attr); /* For its AttributeError. */
    if (found != NULL) {
        Py_DECREF(found);
        PyErr_SetObject(PyExc_AttributeError, attr);
    }
    return -1;
}

static int required_is_not_set(const Field *field) {
    codec_error("required field is not set");
    codec_error_under(".%U", field->attr);
    return -1;
}

static int wrong_count(int count) {
    codec_error("a union has exactly one field set, this one has %d", count);
    return -1;
}

ALWAYS_INLINE int field_write(Buffer *out, Field *field, PyObject *value, int last, int depth,
                              Protocol protocol) {
    uint8_t *at = write_room(out, 1 + LONGEST_VARINT);
    if (UNLIKELY(at == NULL)) {
        return -1;
    }
    write_to(out, put_field_head(at, field, last, value == Py_False, protocol));
    int done;
    if (protocol == PROTOCOL_COMPACT && field->type->kind == KIND_BOOL) {
        done = scalar_bool(value);
    } else {
        done = part_write(out, field->type, value, depth, protocol);
    }
    if (UNLIKELY(done < 0)) {
        codec_error_under(".%U", field->attr);
        return -1;
    }
    return 0;
}

/* The fields of an object whose class has them in slots, or those in `values` if it is NULL. */
ALWAYS_INLINE int fields_write(Buffer *out, Program *program, PyObject *object,
                               PyObject *const *values, int depth, Protocol protocol) {
    if (UNLIKELY(depth <= 0)) {
        return too_deep();
    }
    int count = 0, last = 0;
    for (int i = 0; i < program->size; i++) {
        Field *field = &program->fields[i];
        PyObject *value;
        if (object != NULL) {
            value = *(PyObject **)((char *)object + field->slot);
            if (UNLIKELY(value == NULL)) {
                return slot_is_empty(object, field->attr);
            }
        } else {
            value = values[i] != NULL ? values[i] : Py_None;
        }
        if (value == Py_None) {
            if (UNLIKELY(field->required)) {
                return required_is_not_set(field);
            }
            continue;
        }
        if (UNLIKELY(field_write(out, field, value, last, depth - 1, protocol) < 0)) {
            return -1;
        }
        last = field->id;
        count++;
    }
    if (UNLIKELY(program->is_union && count != 1)) {
        return wrong_count(count);
    }
    uint8_t *at = write_room(out, 1);
    if (UNLIKELY(at == NULL)) {
        return -1;
    }
    *at = 0;
    out->size++;
    return 0;
}

static int binary_fields(Buffer *out, Program *program, PyObject *object, PyObject *const *values,
                         int depth) {
    return fields_write(out, program, object, values, depth, PROTOCOL_BINARY);
}

static int compact_fields(Buffer *out, Program *program, PyObject *object, PyObject *const *values,
                          int depth) {
    return fields_write(out, program, object, values, depth, PROTOCOL_COMPACT);
}

static int any_fields(Buffer *out, Program *program, PyObject *object, PyObject *const *values,
                      int depth, Protocol protocol) {
    return protocol == PROTOCOL_BINARY ? binary_fields(out, program, object, values, depth)
                                       : compact_fields(out, program, object, values, depth);
}

/* The fields as attributes: a subclass may compute them. */
static int attributes_write(Buffer *out, Program *program, PyObject *object, int depth,
                            Protocol protocol) {
    PyObject **values = PyMem_Calloc((size_t)program->size + 1, sizeof *values);
    if (values == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    int done = 0;
    for (int i = 0; done == 0 && i < program->size; i++) {
        values[i] = PyObject_GetAttr(object, program->fields[i].attr);
        done = values[i] != NULL ? 0 : -1;
    }
    if (done == 0) {
        done = any_fields(out, program, NULL, values, depth, protocol);
    }
    for (int i = 0; i < program->size; i++) {
        Py_XDECREF(values[i]);
    }
    PyMem_Free(values);
    return done;
}

static int struct_write_slow(Buffer *out, Program *program, PyObject *value, int depth,
                             Protocol protocol) {
    int is = PyObject_IsInstance(value, (PyObject *)program->cls);
    if (is > 0) {
        return attributes_write(out, program, value, depth, protocol);
    }
    if (is == 0) {
        PyObject *text = codec_shown(value);
        if (text != NULL) {
            codec_error("expected %s, got %U", program->cls->tp_name, text);
            Py_DECREF(text);
        }
    }
    return -1;
}

ALWAYS_INLINE int struct_write(Buffer *out, Program *program, PyObject *value, int depth,
                               Protocol protocol) {
    Py_INCREF(value);
    constructor_check(program);
    int done;
    if (LIKELY(Py_IS_TYPE(value, program->cls) && program->slotted)) {
        done = protocol == PROTOCOL_BINARY ? binary_fields(out, program, value, NULL, depth)
                                           : compact_fields(out, program, value, NULL, depth);
    } else {
        done = struct_write_slow(out, program, value, depth, protocol);
    }
    Py_DECREF(value);
    return done;
}

ALWAYS_INLINE int value_write(Buffer *out, Type *type, PyObject *value, int depth,
                              Protocol protocol) {
    switch (type->kind) {
    case KIND_BOOL:
        return bool_write(out, value, protocol);
    case KIND_I8:
        return int_write(out, KIND_I8, value, protocol);
    case KIND_I16:
        return int_write(out, KIND_I16, value, protocol);
    case KIND_I32:
    case KIND_ENUM:
        return int_write(out, KIND_I32, value, protocol);
    case KIND_I64:
        return int_write(out, KIND_I64, value, protocol);
    case KIND_DOUBLE:
        return double_write(out, value, protocol);
    case KIND_STRING:
        return text_write(out, value, protocol);
    case KIND_BINARY:
        return bytes_write(out, value, protocol);
    case KIND_UUID:
        return uuid_write(out, value);
    case KIND_LIST:
    case KIND_SET:
        return list_write(out, type, value, depth, protocol);
    case KIND_MAP:
        return map_write(out, type, value, depth, protocol);
    case KIND_STRUCT:
        break;
    }
    Program *program = type_program(type);
    return LIKELY(program != NULL) ? struct_write(out, program, value, depth, protocol) : -1;
}

static int binary_value(Buffer *out, Type *type, PyObject *value, int depth) {
    return value_write(out, type, value, depth, PROTOCOL_BINARY);
}

static int compact_value(Buffer *out, Type *type, PyObject *value, int depth) {
    return value_write(out, type, value, depth, PROTOCOL_COMPACT);
}

int struct_encode(Buffer *out, Protocol protocol, Program *program, PyObject *value, int depth) {
    depth = within_deepest(depth);
    Py_INCREF(program); /* Python that runs below could take it from its class. */
    int done = protocol == PROTOCOL_BINARY
                   ? struct_write(out, program, value, depth, PROTOCOL_BINARY)
                   : struct_write(out, program, value, depth, PROTOCOL_COMPACT);
    Py_DECREF(program);
    return done;
}

int fields_encode(Buffer *out, Protocol protocol, Program *program, PyObject *const *values,
                  int depth) {
    Py_INCREF(program);
    int done = any_fields(out, program, NULL, values, within_deepest(depth), protocol);
    Py_DECREF(program);
    return done;
}
