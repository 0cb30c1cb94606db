/* Bytes to values. Twin: pie/thrift/codec/struct_read.py.
 *
 * Every function exists once for each protocol: the inner ones are inlined into the two outer ones
 * with the protocol a constant. No size is believed before it is held against the bytes that are
 * left, and what the values take in memory is counted before they are made.
 */
#include "codec/struct_read.h"

#include "codec/compile.h"
#include "codec/constructor.h"
#include "codec/error.h"
#include "codec/read.h"
#include "codec/scalar.h"
#include "codec/skip.h"
#include "codec/uuid.h"

#define LIST_MEMORY 64
#define SET_MEMORY 216
#define MAP_MEMORY 64
#define FEW_FIELDS 24 /* Their values are on the stack. */

static PyObject *binary_value(Source *source, Type *type, int depth);
static PyObject *compact_value(Source *source, Type *type, int depth);

ALWAYS_INLINE PyObject *part_read(Source *source, Type *type, int depth, Protocol protocol) {
    return protocol == PROTOCOL_BINARY ? binary_value(source, type, depth)
                                       : compact_value(source, type, depth);
}

/* --- Scalars --- */

ALWAYS_INLINE PyObject *int_read(Source *source, int bits, Protocol protocol) {
    int64_t number = 0;
    return LIKELY(read_int(source, bits, &number, protocol) == 0) ? PyLong_FromLongLong(number)
                                                                  : NULL;
}

ALWAYS_INLINE PyObject *enum_read(Source *source, const Type *type, Protocol protocol) {
    int64_t number = 0;
    return LIKELY(read_int(source, 32, &number, protocol) == 0) ? scalar_enum(type, number) : NULL;
}

ALWAYS_INLINE PyObject *double_read(Source *source, Protocol protocol) {
    double number = 0;
    return LIKELY(read_double(source, &number, protocol) == 0) ? PyFloat_FromDouble(number) : NULL;
}

/* A bool that is an element. A field's is read here in the binary protocol only. */
ALWAYS_INLINE PyObject *bool_read(Source *source, Protocol protocol) {
    if (UNLIKELY(source->at >= source->end)) {
        read_end();
        return NULL;
    }
    int code = *source->at;
    if (protocol == PROTOCOL_COMPACT) {
        /* Apache Thrift writes 1 and 2; others have written 0 for false. */
        if (UNLIKELY(code > COMPACT_FALSE)) {
            read_no_bool(code);
            return NULL;
        }
        code = code == COMPACT_TRUE;
    }
    source->at++;
    return Py_NewRef(code ? Py_True : Py_False);
}

/* The bytes of a string; NULL with CodecError set. */
ALWAYS_INLINE const uint8_t *string_read(Source *source, Py_ssize_t *size, Protocol protocol) {
    *size = read_size(source, protocol);
    if (UNLIKELY(*size < 0)) {
        return NULL;
    }
    source->at += *size;
    return source->at - *size;
}

ALWAYS_INLINE PyObject *text_read(Source *source, Protocol protocol) {
    Py_ssize_t size;
    const uint8_t *utf8 = string_read(source, &size, protocol);
    return LIKELY(utf8 != NULL) ? scalar_text(utf8, size) : NULL;
}

ALWAYS_INLINE PyObject *key_read(Source *source, Protocol protocol) {
    Py_ssize_t size;
    const uint8_t *utf8 = string_read(source, &size, protocol);
    return LIKELY(utf8 != NULL) ? scalar_key(utf8, size) : NULL;
}

ALWAYS_INLINE PyObject *bytes_read(Source *source, Protocol protocol) {
    Py_ssize_t size;
    const char *bytes = (const char *)string_read(source, &size, protocol);
    return LIKELY(bytes != NULL) ? PyBytes_FromStringAndSize(bytes, size) : NULL;
}

static PyObject *uuid_read(Source *source) {
    if (read_left(source) < UUID_SIZE) {
        read_end();
        return NULL;
    }
    source->at += UUID_SIZE;
    return uuid_from_bytes(source->at - UUID_SIZE);
}

/* --- Containers --- */

ALWAYS_INLINE PyObject *elements_read(Source *source, Type *element, Py_ssize_t count, int depth,
                                      Protocol protocol) {
    PyObject *list = PyList_New(count);
    if (UNLIKELY(list == NULL)) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *value = element->kind == KIND_I64 ? int_read(source, 64, protocol)
                                                    : part_read(source, element, depth, protocol);
        if (UNLIKELY(value == NULL)) {
            codec_error_under("[%zd]", i);
            Py_DECREF(list);
            return NULL;
        }
        PyList_SET_ITEM(list, i, value);
    }
    return list;
}

ALWAYS_INLINE PyObject *list_read(Source *source, Type *type, int depth, Protocol protocol) {
    if (UNLIKELY(depth <= 0)) {
        read_too_deep();
        return NULL;
    }
    Py_ssize_t count = read_list_head(source, type, protocol);
    if (UNLIKELY(count < 0 || read_spend(source, LIST_MEMORY + count * type->entry_memory) < 0)) {
        return NULL;
    }
    return elements_read(source, type->element, count, depth - 1, protocol);
}

ALWAYS_INLINE PyObject *set_read(Source *source, Type *type, int depth, Protocol protocol) {
    if (UNLIKELY(depth <= 0)) {
        read_too_deep();
        return NULL;
    }
    Py_ssize_t count = read_list_head(source, type, protocol);
    if (UNLIKELY(count < 0 || read_spend(source, SET_MEMORY + count * type->entry_memory) < 0)) {
        return NULL;
    }
    /* Read before the first is hashed: errors of the bytes come before those of hashing. */
    PyObject *list = elements_read(source, type->element, count, depth - 1, protocol);
    if (UNLIKELY(list == NULL || !type_has_hash(type->element))) {
        return list;
    }
    PyObject *set = PySet_New(list);
    Py_DECREF(list);
    return set;
}

/* An entry into a dict, or into a list of pairs where keys have no hash. */
ALWAYS_INLINE int entry_read(Source *source, Type *type, PyObject *entries, Py_ssize_t index,
                             int depth, Protocol protocol) {
    PyObject *key = type->key->kind == KIND_STRING
                        ? key_read(source, protocol)
                        : part_read(source, type->key, depth, protocol);
    PyObject *value = NULL;
    if (LIKELY(key != NULL)) {
        value = part_read(source, type->element, depth, protocol);
    }
    if (UNLIKELY(value == NULL)) {
        codec_error_under("[entry %zd]", index);
        Py_XDECREF(key);
        return -1;
    }
    int done;
    if (LIKELY(type_has_hash(type->key))) {
        done = PyDict_SetItem(entries, key, value);
    } else {
        PyObject *pair = PyTuple_Pack(2, key, value);
        done = pair != NULL ? PyList_Append(entries, pair) : -1;
        Py_XDECREF(pair);
    }
    Py_DECREF(key);
    Py_DECREF(value);
    return done;
}

ALWAYS_INLINE PyObject *map_read(Source *source, Type *type, int depth, Protocol protocol) {
    if (UNLIKELY(depth <= 0)) {
        read_too_deep();
        return NULL;
    }
    Py_ssize_t count = read_map_head(source, type, protocol);
    if (UNLIKELY(count < 0 || read_spend(source, MAP_MEMORY + count * type->entry_memory) < 0)) {
        return NULL;
    }
    PyObject *entries = LIKELY(type_has_hash(type->key)) ? PyDict_New() : PyList_New(0);
    for (Py_ssize_t i = 0; entries != NULL && i < count; i++) {
        if (UNLIKELY(entry_read(source, type, entries, i, depth - 1, protocol) < 0)) {
            Py_CLEAR(entries);
        }
    }
    return entries;
}

/* --- Structs --- */

/* The order number of a field that came, -1 if it is not known. Fields mostly come in order. */
ALWAYS_INLINE int field_find(const Program *program, int code, int id, int next,
                             Protocol protocol) {
    int index = next;
    if (UNLIKELY(next >= program->size || program->fields[next].id != id)) {
        index = program_find(program, id);
        if (index < 0) {
            return -1;
        }
    }
    const Type *type = program->fields[index].type;
    if (protocol == PROTOCOL_COMPACT && type->kind == KIND_BOOL) {
        code = element_code(code);
    }
    return LIKELY(code == type->code[protocol]) ? index : -1;
}

ALWAYS_INLINE PyObject *field_read(Source *source, Type *type, int code, int depth,
                                   Protocol protocol) {
    if (protocol == PROTOCOL_COMPACT && type->kind == KIND_BOOL) {
        return Py_NewRef(code == COMPACT_TRUE ? Py_True : Py_False);
    }
    return part_read(source, type, depth, protocol);
}

static int values_check(const Program *program, PyObject *const *values, bool has_unknown) {
    int count = 0;
    for (int i = 0; i < program->size; i++) {
        count += values[i] != NULL;
        if (UNLIKELY(values[i] == NULL && program->fields[i].required)) {
            codec_error("required field is missing");
            codec_error_under(".%U", program->fields[i].attr);
            return -1;
        }
    }
    /* A newer peer may have set a member that is not known here: then none of those here is. */
    if (UNLIKELY(program->is_union && count != 1 && (count > 0 || !has_unknown))) {
        codec_error("a union has exactly one field set, this one has %d", count);
        return -1;
    }
    return 0;
}

ALWAYS_INLINE int values_read(Source *source, Program *program, PyObject **values, int depth,
                              Protocol protocol) {
    if (UNLIKELY(depth <= 0)) {
        return read_too_deep();
    }
    if (UNLIKELY(read_spend(source, program->memory) < 0)) {
        return -1;
    }
    bool has_unknown = false;
    for (int next = 0, id = 0;;) {
        int code = read_field_head(source, &id, protocol);
        if (code <= 0) {
            return code < 0 ? -1 : values_check(program, values, has_unknown);
        }
        int index = field_find(program, code, id, next, protocol);
        if (UNLIKELY(index < 0)) {
            has_unknown = true;
            if (skip_field(source, protocol, code, depth - 1) < 0) {
                codec_error_under(".<unknown field %d>", id);
                return -1;
            }
            continue;
        }
        const Field *field = &program->fields[index];
        PyObject *value = field_read(source, field->type, code, depth - 1, protocol);
        if (UNLIKELY(value == NULL)) {
            codec_error_under(".%U", field->attr);
            return -1;
        }
        Py_XSETREF(values[index], value);
        next = index + 1;
    }
}

/* The fields into `values`, NULL where one was not sent; nothing to release on failure. */
static int binary_fields(Source *source, Program *program, PyObject **values, int depth) {
    return values_read(source, program, values, depth, PROTOCOL_BINARY);
}

static int compact_fields(Source *source, Program *program, PyObject **values, int depth) {
    return values_read(source, program, values, depth, PROTOCOL_COMPACT);
}

static int any_fields(Source *source, Program *program, PyObject **values, int depth,
                      Protocol protocol) {
    memset(values, 0, (size_t)program->size * sizeof *values);
    int done = protocol == PROTOCOL_BINARY ? binary_fields(source, program, values, depth)
                                           : compact_fields(source, program, values, depth);
    for (int i = 0; UNLIKELY(done < 0) && i < program->size; i++) {
        Py_CLEAR(values[i]);
    }
    return done;
}

/* A struct of many fields; not inlined, so that ordinary levels take little of the stack. */
static PyObject *wide_struct(Source *source, Program *program, int depth, Protocol protocol) {
    PyObject **values = PyMem_Calloc((size_t)program->size, sizeof *values);
    if (values == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *made = NULL;
    if (any_fields(source, program, values, depth, protocol) == 0) {
        made = constructor_make(program, values);
    }
    PyMem_Free(values);
    return made;
}

static PyObject *narrow_struct(Source *source, Program *program, int depth, Protocol protocol) {
    PyObject *values[FEW_FIELDS];
    if (UNLIKELY(any_fields(source, program, values, depth, protocol) < 0)) {
        return NULL;
    }
    return constructor_make(program, values);
}

ALWAYS_INLINE PyObject *struct_read(Source *source, Program *program, int depth,
                                    Protocol protocol) {
    return LIKELY(program->size <= FEW_FIELDS) ? narrow_struct(source, program, depth, protocol)
                                               : wide_struct(source, program, depth, protocol);
}

ALWAYS_INLINE PyObject *value_read(Source *source, Type *type, int depth, Protocol protocol) {
    switch (type->kind) {
    case KIND_BOOL:
        return bool_read(source, protocol);
    case KIND_I8:
        return int_read(source, 8, protocol);
    case KIND_I16:
        return int_read(source, 16, protocol);
    case KIND_I32:
        return int_read(source, 32, protocol);
    case KIND_I64:
        return int_read(source, 64, protocol);
    case KIND_ENUM:
        return enum_read(source, type, protocol);
    case KIND_DOUBLE:
        return double_read(source, protocol);
    case KIND_STRING:
        return text_read(source, protocol);
    case KIND_BINARY:
        return bytes_read(source, protocol);
    case KIND_UUID:
        return uuid_read(source);
    case KIND_LIST:
        return list_read(source, type, depth, protocol);
    case KIND_SET:
        return set_read(source, type, depth, protocol);
    case KIND_MAP:
        return map_read(source, type, depth, protocol);
    case KIND_STRUCT:
        break;
    }
    Program *program = type_program(type);
    return LIKELY(program != NULL) ? struct_read(source, program, depth, protocol) : NULL;
}

static PyObject *binary_value(Source *source, Type *type, int depth) {
    return value_read(source, type, depth, PROTOCOL_BINARY);
}

static PyObject *compact_value(Source *source, Type *type, int depth) {
    return value_read(source, type, depth, PROTOCOL_COMPACT);
}

PyObject *struct_decode(Source *source, Protocol protocol, Program *program, int depth) {
    Py_INCREF(program); /* Python that runs below could take it from its class. */
    PyObject *made = struct_read(source, program, within_deepest(depth), protocol);
    Py_DECREF(program);
    return made;
}

/* Puts defaults where nothing was sent. The constructor makes those that can be changed, so they are
 * taken from an instance. */
static int defaults_fill(Program *program, PyObject **values) {
    bool fresh = false;
    for (int i = 0; i < program->size; i++) {
        fresh = fresh || (values[i] == NULL && program->fields[i].missing == Py_None);
        if (values[i] == NULL) {
            values[i] = Py_NewRef(program->fields[i].missing);
        }
    }
    if (!fresh || !program->makes_defaults) {
        return 0;
    }
    PyObject *made = PyObject_Vectorcall((PyObject *)program->cls, values, (size_t)program->size,
                                         NULL);
    for (int i = 0; made != NULL && i < program->size; i++) {
        PyObject *value = PyObject_GetAttr(made, program->fields[i].attr);
        if (value == NULL) {
            Py_CLEAR(made);
        } else {
            Py_SETREF(values[i], value);
        }
    }
    if (made == NULL) {
        for (int i = 0; i < program->size; i++) {
            Py_CLEAR(values[i]);
        }
        return -1;
    }
    Py_DECREF(made);
    return 0;
}

int fields_decode(Source *source, Protocol protocol, Program *program, PyObject **values,
                  int depth) {
    Py_INCREF(program);
    int done = any_fields(source, program, values, within_deepest(depth), protocol);
    if (LIKELY(done == 0)) {
        done = defaults_fill(program, values);
    }
    Py_DECREF(program);
    return done;
}
