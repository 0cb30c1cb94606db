/* uuid.UUID and its 16 bytes. An instance holds one int and one flag in slots, which are filled and
 * read here without its constructor and properties, where they are those of the standard library. */
#include "codec/uuid.h"

#include "base/late.h"
#include "codec/error.h"
#include "codec/program.h"

static PyTypeObject *uuid_class;
static PyObject *safe_unknown;               /* uuid.SafeUUID.unknown */
static Py_ssize_t number_slot, is_safe_slot; /* Offsets; 0 if they are no slots. */

static Py_ssize_t slot_named(const char *name) {
    PyObject *attr = PyUnicode_InternFromString(name);
    Py_ssize_t slot = attr != NULL ? program_slot_of(uuid_class, attr) : 0;
    Py_XDECREF(attr);
    return slot;
}

/* Looks the class up at first use; -1 with an exception set. */
static int prepare(void) {
    static PyObject *cls, *safety;
    if (LIKELY(uuid_class != NULL)) {
        return 0;
    }
    if (late(&cls, "uuid", "UUID") == NULL || late(&safety, "uuid", "SafeUUID") == NULL) {
        return -1;
    }
    PyObject *unknown = PyObject_GetAttrString(safety, "unknown");
    if (unknown == NULL) {
        return -1;
    }
    Py_XSETREF(safe_unknown, unknown);
    uuid_class = (PyTypeObject *)cls;
    number_slot = slot_named("int");
    is_safe_slot = slot_named("is_safe");
    return 0;
}

static inline PyObject **slot_at(PyObject *uuid, Py_ssize_t offset) {
    return (PyObject **)((char *)uuid + offset);
}

/* The bytes of the int in a UUID's slot; -1 without an exception where there are none. */
static int number_write(uint8_t *out, PyObject *value) {
    PyObject *number = *slot_at(value, number_slot);
    if (number == NULL || !PyLong_Check(number)) {
        return -1;
    }
#if PY_VERSION_HEX >= 0x030D0000
    int done = _PyLong_AsByteArray((PyLongObject *)number, out, UUID_SIZE, 0, 0, 1);
#else
    int done = _PyLong_AsByteArray((PyLongObject *)number, out, UUID_SIZE, 0, 0);
#endif
    if (done < 0) {
        PyErr_Clear();
    }
    return done;
}

/* Through the property `bytes`, which subclasses may override. */
static int property_write(uint8_t *out, PyObject *value) {
    int is = PyObject_IsInstance(value, (PyObject *)uuid_class);
    PyObject *bytes = is > 0 ? PyObject_GetAttrString(value, "bytes") : NULL;
    bool usable = bytes != NULL && PyBytes_Check(bytes) && PyBytes_GET_SIZE(bytes) == UUID_SIZE;
    if (usable) {
        memcpy(out, PyBytes_AS_STRING(bytes), UUID_SIZE);
    } else if (!PyErr_Occurred()) {
        codec_error_value("expected uuid.UUID, got %U", value);
    }
    Py_XDECREF(bytes);
    return usable ? 0 : -1;
}

int uuid_to_bytes(uint8_t *out, PyObject *value) {
    if (prepare() < 0) {
        return -1;
    }
    if (LIKELY(Py_IS_TYPE(value, uuid_class) && number_slot && number_write(out, value) == 0)) {
        return 0;
    }
    Py_INCREF(value); /* Python runs from here on. */
    int done = property_write(out, value);
    Py_DECREF(value);
    return done;
}

static PyObject *call_class(const uint8_t *bytes) {
    static PyObject *keywords;
    if (keywords == NULL) {
        keywords = Py_BuildValue("(s)", "bytes");
    }
    PyObject *data = PyBytes_FromStringAndSize((const char *)bytes, UUID_SIZE);
    PyObject *made = NULL;
    if (keywords != NULL && data != NULL) {
        made = PyObject_Vectorcall((PyObject *)uuid_class, &data, 0, keywords);
    }
    Py_XDECREF(data);
    return made;
}

PyObject *uuid_from_bytes(const uint8_t *bytes) {
    if (prepare() < 0) {
        return NULL;
    }
    if (UNLIKELY(!number_slot || !is_safe_slot)) {
        return call_class(bytes);
    }
    PyObject *number = _PyLong_FromByteArray(bytes, UUID_SIZE, 0, 0);
    PyObject *uuid = number != NULL ? uuid_class->tp_alloc(uuid_class, 0) : NULL;
    if (uuid == NULL) {
        Py_XDECREF(number);
        return NULL;
    }
    *slot_at(uuid, number_slot) = number;
    *slot_at(uuid, is_safe_slot) = Py_NewRef(safe_unknown);
    return uuid;
}
