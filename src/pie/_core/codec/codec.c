/* The codec's functions for Python. Twin: pie/thrift/codec/python.py. */
#include "codec/codec.h"

#include "codec/compile.h"
#include "codec/error.h"
#include "codec/method.h"
#include "codec/struct_read.h"
#include "codec/struct_write.h"

#define KEPT_SCRATCH 65536

typedef struct {
    Protocol protocol;
    int max_depth;
    Py_ssize_t offset, decoded_limit;
} Options;

static int read_protocol(PyObject *value, Protocol *protocol) {
    /* pie.thrift.Protocol is an enum of str. */
    if (PyUnicode_Check(value)) {
        if (PyUnicode_CompareWithASCIIString(value, "binary") == 0) {
            *protocol = PROTOCOL_BINARY;
            return 0;
        }
        if (PyUnicode_CompareWithASCIIString(value, "compact") == 0) {
            *protocol = PROTOCOL_COMPACT;
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError, "%R is no protocol of structs", value);
    return -1;
}

/* A size, capped at the largest Py_ssize_t; -1 with an exception set if it is none. */
static Py_ssize_t read_size(PyObject *name, PyObject *value) {
    Py_ssize_t number = PyNumber_AsSsize_t(value, NULL);
    if (number < 0 && !PyErr_Occurred()) {
        PyErr_Format(PyExc_ValueError, "%U is %zd, which is below 0", name, number);
    }
    return number < 0 ? -1 : number;
}

static bool is(PyObject *name, const char *text) {
    return PyUnicode_CompareWithASCIIString(name, text) == 0;
}

static int read_option(PyObject *name, PyObject *value, bool decodes, Options *options) {
    if (is(name, "protocol")) {
        return read_protocol(value, &options->protocol);
    }
    Py_ssize_t depth, *number;
    if (is(name, "max_depth")) {
        number = &depth;
    } else if (decodes && is(name, "decoded_limit")) {
        number = &options->decoded_limit;
    } else if (decodes && is(name, "offset")) {
        number = &options->offset;
    } else {
        PyErr_Format(PyExc_TypeError, "there is no argument %R", name);
        return -1;
    }
    *number = read_size(name, value);
    if (*number >= 0 && number == &depth) {
        options->max_depth = within_deepest(depth);
    }
    return *number < 0 ? -1 : 0;
}

static int read_options(PyObject *const *values, PyObject *names, bool decodes, Options *options) {
    *options = (Options){PROTOCOL_BINARY, DEFAULT_MAX_DEPTH, 0, DEFAULT_DECODED_LIMIT};
    for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++) {
        if (read_option(PyTuple_GET_ITEM(names, i), values[i], decodes, options) < 0) {
            return -1;
        }
    }
    return 0;
}

static void under_class(PyObject *cls) {
    codec_error_under("%s", ((PyTypeObject *)cls)->tp_name);
}

/* Encodes a struct of any class into a buffer. */
static int encode_any(Buffer *out, PyObject *value, const Options *options) {
    PyObject *cls = (PyObject *)Py_TYPE(value);
    Program *program = program_of(cls);
    if (program == NULL) {
        return -1;
    }
    Py_INCREF(cls);
    int done = struct_encode(out, options->protocol, program, value, options->max_depth);
    if (done < 0) {
        under_class(cls);
    }
    Py_DECREF(cls);
    return done;
}

/* A buffer kept from call to call. A call takes it while it encodes, because encoding may run Python,
 * which may encode something else. */
static Buffer scratch;

static Buffer take_scratch(void) {
    Buffer taken = scratch;
    scratch = (Buffer){0};
    return taken;
}

static void return_scratch(Buffer *buffer) {
    buffer_free(&scratch);
    buffer_reset(buffer, KEPT_SCRATCH);
    scratch = *buffer;
}

static PyObject *encode(PyObject *module, PyObject *const *values, Py_ssize_t given,
                        PyObject *names) {
    Options options;
    if (given != 1) {
        PyErr_Format(PyExc_TypeError, "encode takes one struct, %zd were given", given);
        return NULL;
    }
    if (read_options(values + given, names, false, &options) < 0) {
        return NULL;
    }
    Buffer out = take_scratch();
    PyObject *bytes = NULL;
    if (encode_any(&out, values[0], &options) == 0) {
        bytes = PyBytes_FromStringAndSize((const char *)out.data, (Py_ssize_t)out.size);
    }
    return_scratch(&out);
    return bytes;
}

static int append(PyObject *array, const Buffer *bytes) {
    Py_ssize_t before = PyByteArray_GET_SIZE(array);
    if (PyByteArray_Resize(array, before + (Py_ssize_t)bytes->size) < 0) {
        return -1;
    }
    memcpy(PyByteArray_AS_STRING(array) + before, bytes->data, bytes->size);
    return 0;
}

static PyObject *encode_into(PyObject *module, PyObject *const *values, Py_ssize_t given,
                             PyObject *names) {
    Options options;
    if (given != 2 || !PyByteArray_Check(values[0])) {
        PyErr_SetString(PyExc_TypeError, "encode_into takes a bytearray and one struct");
        return NULL;
    }
    if (read_options(values + given, names, false, &options) < 0) {
        return NULL;
    }
    Buffer out = take_scratch();
    int done = encode_any(&out, values[1], &options);
    if (done == 0) {
        done = append(values[0], &out);
    }
    return_scratch(&out);
    return done == 0 ? Py_NewRef(Py_None) : NULL;
}

static PyObject *decode_bytes(PyObject *cls, const uint8_t *bytes, Py_ssize_t size,
                              const Options *options) {
    Program *program = program_of(cls);
    if (program == NULL) {
        return NULL;
    }
    Source source = {.begin = bytes, .end = bytes + size, .memory_limit = options->decoded_limit};
    source.at = bytes + (options->offset < size ? options->offset : size);
    PyObject *made = struct_decode(&source, options->protocol, program, options->max_depth);
    if (made != NULL && source.at != source.end) {
        codec_error("%zd bytes left over after the struct", (Py_ssize_t)(source.end - source.at));
        Py_CLEAR(made);
    }
    if (made == NULL) {
        under_class(cls);
    }
    return made;
}

static PyObject *decode_buffer(PyObject *cls, PyObject *data, const Options *options) {
    if (LIKELY(PyBytes_Check(data))) {
        return decode_bytes(cls, (const uint8_t *)PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data),
                            options);
    }
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) {
        if (!PyMemoryView_Check(data) || !PyErr_ExceptionMatches(PyExc_BufferError)) {
            return NULL;
        }
        PyErr_Clear(); /* Its bytes are not contiguous: copy them. */
        PyObject *copy = PyBytes_FromObject(data);
        PyObject *made = copy != NULL ? decode_buffer(cls, copy, options) : NULL;
        Py_XDECREF(copy);
        return made;
    }
    PyObject *made = decode_bytes(cls, view.buf, view.len, options);
    PyBuffer_Release(&view);
    return made;
}

static PyObject *decode(PyObject *module, PyObject *const *values, Py_ssize_t given,
                        PyObject *names) {
    static PyObject *offset_name;
    Options options;
    if (given < 2 || given > 3) {
        PyErr_SetString(PyExc_TypeError, "decode takes a class, bytes and perhaps an offset");
        return NULL;
    }
    if (read_options(values + given, names, true, &options) < 0) {
        return NULL;
    }
    if (given == 3) {
        if (offset_name == NULL) {
            offset_name = PyUnicode_InternFromString("offset");
        }
        if (offset_name == NULL || read_option(offset_name, values[2], true, &options) < 0) {
            return NULL;
        }
    }
    return decode_buffer(values[0], values[1], &options);
}

static PyMethodDef functions[] = {
    {"encode", (PyCFunction)(void (*)(void))encode, METH_FASTCALL | METH_KEYWORDS,
     "encode($module, value, /, *, protocol='binary', max_depth=64)\n--\n\n"
     "A struct's bytes. See pie.thrift.codec.python."},
    {"encode_into", (PyCFunction)(void (*)(void))encode_into, METH_FASTCALL | METH_KEYWORDS,
     "encode_into($module, out, value, /, *, protocol='binary', max_depth=64)\n--\n\n"
     "Appends a struct's bytes. See pie.thrift.codec.python."},
    {"decode", (PyCFunction)(void (*)(void))decode, METH_FASTCALL | METH_KEYWORDS,
     "decode($module, cls, data, /, offset=0, *, protocol='binary', max_depth=64, "
     "decoded_limit=67108864)\n--\n\n"
     "The struct that bytes hold. See pie.thrift.codec.python."},
    {NULL},
};

int codec_init(PyObject *module) {
    if (program_init(module) < 0 || type_init() < 0 || compile_init() < 0 || method_init() < 0) {
        return -1;
    }
    return PyModule_AddFunctions(module, functions);
}
