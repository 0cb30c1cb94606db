/* Structs that Python hands to C, read field by field and by name; see named.h. */
#include "base/named.h"

static const struct {
    const char *text;
    size_t size;
    bool reference;
} kinds[] = {
    [NAMED_OBJECT] = {"an object", sizeof(PyObject *), true},
    [NAMED_TEXT] = {"a str", sizeof(PyObject *), true},
    [NAMED_TUPLE] = {"a tuple", sizeof(PyObject *), true},
    [NAMED_LIST] = {"a list", sizeof(PyObject *), true},
    [NAMED_DICT] = {"a dict", sizeof(PyObject *), true},
    [NAMED_CALLABLE] = {"callable", sizeof(PyObject *), true},
    [NAMED_CLASS] = {"a class", sizeof(PyObject *), true},
    [NAMED_FLAG] = {"a bool", sizeof(bool), false},
    [NAMED_INT] = {"an int", sizeof(int), false},
    [NAMED_SIZE] = {"an int from 0", sizeof(Py_ssize_t), false},
    [NAMED_NUMBER] = {"a float", sizeof(double), false},
    [NAMED_MILLIS] = {"seconds", sizeof(int64_t), false},
    [NAMED_NAME] = {"a name", sizeof(PyObject *), false},
};

static NamedStruct *added;
static NamedNumbers *added_numbers;

int named_add(NamedStruct *named) {
    for (const NamedStruct *each = added; each != NULL; each = each->next) {
        if (each == named) {
            return 0;
        }
    }
    for (const NamedField *field = named->fields; field->name != NULL; field++) {
        if (field->size != kinds[field->kind].size) {
            PyErr_Format(PyExc_SystemError, "%s.%s: %zu bytes do not hold %s", named->python,
                         field->name, field->size, kinds[field->kind].text);
            return -1;
        }
    }
    named->next = added;
    added = named;
    return 0;
}

void named_add_numbers(NamedNumbers *named) {
    for (const NamedNumbers *each = added_numbers; each != NULL; each = each->next) {
        if (each == named) {
            return;
        }
    }
    named->next = added_numbers;
    added_numbers = named;
}

/* --- reading --- */

static void *at(const NamedField *field, void *in) {
    return (char *)in + field->offset;
}

static bool fits(NamedKind kind, PyObject *value) {
    switch (kind) {
    case NAMED_TEXT:
        return PyUnicode_Check(value);
    case NAMED_TUPLE:
        return PyTuple_Check(value);
    case NAMED_LIST:
        return PyList_Check(value);
    case NAMED_DICT:
        return PyDict_Check(value);
    case NAMED_CALLABLE:
        return PyCallable_Check(value);
    case NAMED_CLASS:
        return PyType_Check(value);
    case NAMED_FLAG:
        return PyBool_Check(value);
    default:
        return true;
    }
}

static int read_int(PyObject *value, int *into) {
    long number = PyLong_AsLong(value);
    if (number != (int)number) {
        PyErr_SetNone(PyExc_OverflowError);
    }
    *into = (int)number;
    return PyErr_Occurred() ? -1 : 0;
}

static int read_size(PyObject *value, Py_ssize_t *into) {
    *into = PyLong_AsSsize_t(value);
    if (*into < 0 && !PyErr_Occurred()) {
        PyErr_SetNone(PyExc_ValueError);
    }
    return *into < 0 ? -1 : 0;
}

static int read_millis(PyObject *value, int64_t *into) {
    double seconds = PyFloat_AsDouble(value);
    *into = (int64_t)(seconds * 1000);
    return PyErr_Occurred() ? -1 : 0;
}

/* -1 with any exception set: the value is not of the field's kind. */
static int read_value(const NamedField *field, PyObject *value, void *into) {
    if (!fits(field->kind, value)) {
        PyErr_SetNone(PyExc_TypeError);
        return -1;
    }
    switch (field->kind) {
    case NAMED_FLAG:
        *(bool *)into = value == Py_True;
        return 0;
    case NAMED_INT:
        return read_int(value, into);
    case NAMED_SIZE:
        return read_size(value, into);
    case NAMED_NUMBER:
        *(double *)into = PyFloat_AsDouble(value);
        return PyErr_Occurred() ? -1 : 0;
    case NAMED_MILLIS:
        return read_millis(value, into);
    default:
        *(PyObject **)into = Py_NewRef(value);
        return 0;
    }
}

static int read_field(const NamedStruct *named, const NamedField *field, PyObject *from,
                      void *into) {
    if (field->kind == NAMED_NAME) {
        return 0;
    }
    PyObject *value = PyObject_GetAttrString(from, field->name);
    if (value == NULL) {
        return -1;
    }
    int read = field->optional && value == Py_None ? 0 : read_value(field, value, into);
    if (read < 0) {
        PyErr_Format(PyExc_TypeError, "%s.%s must be %s%s, not %.200R", named->python, field->name,
                     kinds[field->kind].text, field->optional ? " or None" : "", value);
    }
    Py_DECREF(value);
    return read;
}

int named_read(const NamedStruct *named, PyObject *from, void *into) {
    for (const NamedField *field = named->fields; field->name != NULL; field++) {
        if (read_field(named, field, from, at(field, into)) < 0) {
            named_clear(named, into);
            return -1;
        }
    }
    return 0;
}

int named_renew(const NamedStruct *named, PyObject *from, void *into, size_t size) {
    void *before = PyMem_Calloc(1, size), *read = before == NULL ? NULL : PyMem_Calloc(1, size);
    if (read == NULL) {
        PyMem_Free(before);
        PyErr_NoMemory();
        return -1;
    }
    int done = named_read(named, from, read);
    if (done == 0) {
        memcpy(before, into, size);
        memcpy(into, read, size);
        named_clear(named, before); /* Last: it may run Python, which may use `into`. */
    }
    PyMem_Free(before);
    PyMem_Free(read);
    return done;
}

/* --- what was read --- */

static bool is_reference(const NamedField *field) {
    return kinds[field->kind].reference;
}

void named_clear(const NamedStruct *named, void *of) {
    for (const NamedField *field = named->fields; field->name != NULL; field++) {
        if (is_reference(field)) {
            PyObject **reference = at(field, of);
            Py_CLEAR(*reference);
        }
    }
}

int named_visit(const NamedStruct *named, void *of, visitproc visit, void *arg) {
    for (const NamedField *field = named->fields; field->name != NULL; field++) {
        if (is_reference(field)) {
            Py_VISIT(*(PyObject **)at(field, of));
        }
    }
    return 0;
}

int named_intern(const NamedStruct *named, void *into) {
    for (const NamedField *field = named->fields; field->name != NULL; field++) {
        PyObject **name = at(field, into);
        if (field->kind == NAMED_NAME && *name == NULL &&
            (*name = PyUnicode_InternFromString(field->name)) == NULL) {
            return -1;
        }
    }
    return 0;
}

/* --- the contract --- */

static int describe(const NamedStruct *named, PyObject *contract) {
    PyObject *fields = PyDict_New();
    int done = fields == NULL ? -1 : PyDict_SetItemString(contract, named->python, fields);
    for (const NamedField *field = named->fields; done == 0 && field->name != NULL; field++) {
        PyObject *kind = PyUnicode_FromFormat("%s%s", kinds[field->kind].text,
                                              field->optional ? " or None" : "");
        done = kind == NULL ? -1 : PyDict_SetItemString(fields, field->name, kind);
        Py_XDECREF(kind);
    }
    Py_XDECREF(fields);
    return done;
}

static int describe_numbers(const NamedNumbers *named, PyObject *contract) {
    PyObject *numbers = PyDict_New();
    int done = numbers == NULL ? -1 : PyDict_SetItemString(contract, named->python, numbers);
    for (const NamedNumber *each = named->numbers; done == 0 && each->name != NULL; each++) {
        PyObject *number = PyLong_FromLong(each->number);
        done = number == NULL ? -1 : PyDict_SetItemString(numbers, each->name, number);
        Py_XDECREF(number);
    }
    Py_XDECREF(numbers);
    return done;
}

PyObject *named_contract(PyObject *module, PyObject *nothing) {
    PyObject *contract = PyDict_New();
    for (const NamedStruct *each = added; contract != NULL && each != NULL; each = each->next) {
        if (describe(each, contract) < 0) {
            Py_CLEAR(contract);
        }
    }
    for (const NamedNumbers *each = added_numbers; contract != NULL && each != NULL;
         each = each->next) {
        if (describe_numbers(each, contract) < 0) {
            Py_CLEAR(contract);
        }
    }
    return contract;
}
