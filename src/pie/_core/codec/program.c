/* Struct classes compiled, and kept on the class, so that a program ends with its class: tools make
 * classes while they run. Twin: the plans of pie/thrift/struct_{read,write}.py. */
#include "codec/program.h"

#include <structmember.h>

#include "codec/error.h"
#include "base/late.h"

#define STRUCT_MEMORY 56
#define SLOT_MEMORY 8

static PyTypeObject *program_type;
static PyObject *key; /* The attribute of a class that holds its program. */

static int program_traverse(PyObject *self, visitproc visit, void *arg) {
    Program *program = (Program *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(program->cls);
    Py_VISIT(program->init);
    Py_VISIT(program->init_code);
    for (int i = 0; i < program->size; i++) {
        Py_VISIT(program->fields[i].missing);
        int result = type_visit(program->fields[i].type, visit, arg);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

/* Structs may be in each other, so programs are; every other cycle goes through a class, which clears
 * its dict. What is cleared here is looked up again if it is needed after all. */
static int program_clear(PyObject *self) {
    Program *program = (Program *)self;
    for (int i = 0; i < program->size; i++) {
        type_forget_programs(program->fields[i].type);
    }
    return 0;
}

static void program_dealloc(PyObject *self) {
    Program *program = (Program *)self;
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    for (int i = 0; i < program->size; i++) {
        Field *field = &program->fields[i];
        type_free(field->type);
        Py_XDECREF(field->attr);
        Py_XDECREF(field->missing);
    }
    PyMem_Free(program->fields);
    PyMem_Free(program->ids);
    Py_XDECREF(program->init);
    Py_XDECREF(program->init_code);
    Py_XDECREF(program->cls);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef program_members[] = {
    {"plain", T_BOOL, offsetof(Program, plain), READONLY,
     "Whether instances are made without running Python."},
    {NULL},
};

static PyType_Slot program_slots[] = {
    {Py_tp_traverse, program_traverse},
    {Py_tp_clear, program_clear},
    {Py_tp_dealloc, program_dealloc},
    {Py_tp_members, program_members},
    {Py_tp_doc, "A struct class compiled."},
    {0, NULL},
};

static PyType_Spec program_spec = {
    .name = "pie._core._native.Program",
    .basicsize = sizeof(Program),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = program_slots,
};

Py_ssize_t program_slot_of(PyTypeObject *cls, PyObject *attr) {
    PyObject *mro = cls->tp_mro;
    for (Py_ssize_t i = 0; mro != NULL && i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *each = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        /* Static types have none of our fields; where their dict is differs by version. */
        PyObject *dict = each->tp_flags & Py_TPFLAGS_HEAPTYPE ? each->tp_dict : NULL;
        PyObject *found = dict != NULL ? PyDict_GetItem(dict, attr) : NULL;
        if (found == NULL) {
            continue;
        }
        if (!Py_IS_TYPE(found, &PyMemberDescr_Type)) {
            return 0;
        }
        PyMemberDef *member = ((PyMemberDescrObject *)found)->d_member;
        bool usable = member->type == T_OBJECT_EX && !(member->flags & READONLY)
                      && PyUnicode_Compare(PyDescr_NAME(found), attr) == 0
                      && PyType_IsSubtype(cls, ((PyDescrObject *)found)->d_type);
        return usable ? member->offset : 0;
    }
    return 0;
}

static int read_id(PyObject *described, Field *field) {
    PyObject *number = PyObject_GetAttrString(described, "id");
    if (number == NULL) {
        return -1;
    }
    long id = PyLong_AsLong(number);
    Py_DECREF(number);
    if (id == -1 && PyErr_Occurred()) {
        return -1;
    }
    if (id != (int16_t)id) {
        PyErr_Format(PyExc_TypeError, "a field with the id %ld: ids have 16 bits", id);
        return -1;
    }
    field->id = (int16_t)id;
    return 0;
}

static int read_attr(PyObject *described, Field *field) {
    field->attr = PyObject_GetAttrString(described, "attr");
    if (field->attr == NULL) {
        return -1;
    }
    if (!PyUnicode_CheckExact(field->attr)) {
        PyErr_Format(PyExc_TypeError, "the name of a field is %R, not a str", field->attr);
        return -1;
    }
    PyUnicode_InternInPlace(&field->attr);
    return 0;
}

static int read_required(PyObject *described, Field *field) {
    PyObject *text = PyObject_GetAttrString(described, "requiredness");
    if (text == NULL) {
        return -1;
    }
    field->required = PyUnicode_Check(text)
                      && PyUnicode_CompareWithASCIIString(text, "required") == 0;
    Py_DECREF(text);
    return 0;
}

static int compile_field(Program *program, Field *field, PyObject *described) {
    if (read_id(described, field) < 0 || read_attr(described, field) < 0
        || read_required(described, field) < 0) {
        return -1;
    }
    field->missing = PyObject_GetAttrString(described, "default");
    PyObject *kind = field->missing != NULL ? PyObject_GetAttrString(described, "type") : NULL;
    if (kind == NULL) {
        return -1;
    }
    field->type = type_compile(kind);
    Py_DECREF(kind);
    if (field->type == NULL) {
        return -1;
    }
    field->head[0] = field->type->code[PROTOCOL_BINARY];
    store_u16(field->head + 1, (uint16_t)field->id);
    field->slot = program_slot_of(program->cls, field->attr);
    return 0;
}

static int by_id(const void *one, const void *other) {
    return ((const FieldId *)one)->id - ((const FieldId *)other)->id;
}

static int index_fields(Program *program) {
    for (int i = 0; i < program->size; i++) {
        program->ids[i] = (FieldId){program->fields[i].id, (int16_t)i};
    }
    qsort(program->ids, (size_t)program->size, sizeof *program->ids, by_id);
    for (int i = 1; i < program->size; i++) {
        if (program->ids[i].id == program->ids[i - 1].id) {
            PyErr_Format(PyExc_TypeError, "two fields of %s have the id %d",
                         program->cls->tp_name, program->ids[i].id);
            return -1;
        }
    }
    return 0;
}

static int compile_fields(Program *program, PyObject *fields) {
    Py_ssize_t size = PyTuple_GET_SIZE(fields);
    if (size > INT16_MAX) {
        PyErr_Format(PyExc_TypeError, "%s has %zd fields", program->cls->tp_name, size);
        return -1;
    }
    program->fields = PyMem_Calloc((size_t)size + 1, sizeof *program->fields);
    program->ids = PyMem_Calloc((size_t)size + 1, sizeof *program->ids);
    if (program->fields == NULL || program->ids == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    /* With __getattribute__ or __getattr__ of its own, an object may answer differently. */
    program->slotted = program->cls->tp_getattro == PyObject_GenericGetAttr;
    for (Py_ssize_t i = 0; i < size; i++) {
        program->size = (int)i + 1;
        if (compile_field(program, &program->fields[i], PyTuple_GET_ITEM(fields, i)) < 0) {
            return -1;
        }
        program->slotted = program->slotted && program->fields[i].slot != 0;
    }
    program->memory = STRUCT_MEMORY + SLOT_MEMORY * size;
    return index_fields(program);
}

/* Whether the class comes from a base class of pie.thrift.structs; -1 with an exception set. */
static int comes_from(PyObject *cls, PyObject **cache, const char *name) {
    PyObject *base = late(cache, "pie.thrift.structs", name);
    return base != NULL ? PyObject_IsSubclass(cls, base) : -1;
}

static int compile(Program *program) {
    static PyObject *union_class;
    int is_union = comes_from((PyObject *)program->cls, &union_class, "Union");
    if (is_union < 0) {
        return -1;
    }
    program->is_union = is_union;
    PyObject *described = PyObject_GetAttrString((PyObject *)program->cls, "__fields__");
    PyObject *fields = described != NULL ? PySequence_Tuple(described) : NULL;
    Py_XDECREF(described);
    if (fields == NULL) {
        return -1;
    }
    int done = compile_fields(program, fields);
    Py_DECREF(fields);
    return done;
}

/* The program that the class itself, not a base of it, has; NULL if there is none yet. */
static Program *program_kept(PyObject *cls) {
    if (UNLIKELY(!PyType_Check(cls) || !(((PyTypeObject *)cls)->tp_flags & Py_TPFLAGS_HEAPTYPE))) {
        return NULL;
    }
    PyObject *dict = ((PyTypeObject *)cls)->tp_dict;
    PyObject *found = dict != NULL ? PyDict_GetItem(dict, key) : NULL;
    return LIKELY(found != NULL && Py_IS_TYPE(found, program_type)) ? (Program *)found : NULL;
}

static Program *program_first(PyObject *cls) {
    static PyObject *struct_class;
    if (codec_error_prepare() < 0) {
        return NULL;
    }
    int is = PyType_Check(cls) ? comes_from(cls, &struct_class, "Struct") : 0;
    if (is <= 0) {
        if (is == 0) {
            PyErr_Format(PyExc_TypeError, "%R is not a struct class", cls);
        }
        return NULL;
    }
    Program *program = (Program *)program_type->tp_alloc(program_type, 0);
    if (program == NULL) {
        return NULL;
    }
    program->cls = (PyTypeObject *)Py_NewRef(cls);
    int done = compile(program) < 0 || constructor_install(program) < 0 ? -1 : 0;
    Program *other = done == 0 ? program_kept(cls) : NULL;
    if (done == 0 && other == NULL) { /* Else another thread was faster: compiling runs Python. */
        done = PyObject_SetAttr(cls, key, (PyObject *)program);
    }
    Py_DECREF(program); /* The class holds it. */
    return done == 0 ? (other != NULL ? other : program) : NULL;
}

Program *program_of(PyObject *cls) {
    Program *program = program_kept(cls);
    return LIKELY(program != NULL) ? program : program_first(cls);
}

int program_size(const Program *program) {
    return program->size;
}

int program_find(const Program *program, int id) {
    int low = 0, high = program->size;
    while (low < high) {
        int middle = (low + high) / 2;
        if (program->ids[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < program->size && program->ids[low].id == id ? program->ids[low].index : -1;
}

int program_index(const Program *program, int id) {
    return program_find(program, id);
}

Py_ssize_t program_slot(const Program *program, int index) {
    return program->slotted ? program->fields[index].slot : 0;
}

PyObject *program_struct_class(Program *program, int index) {
    Type *type = program->fields[index].type;
    return type->kind == KIND_STRUCT ? type->cls : NULL;
}

int program_init(PyObject *module) {
    key = PyUnicode_InternFromString("_pie_program");
    program_type = (PyTypeObject *)PyType_FromSpec(&program_spec);
    if (key == NULL || program_type == NULL) {
        return -1;
    }
    return PyModule_AddObjectRef(module, "Program", (PyObject *)program_type);
}
