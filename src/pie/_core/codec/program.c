/* A struct class compiled, as an object that its class keeps: so a program ends with its class, which
 * tools may make while they run. */
#include "codec/program.h"

#include <structmember.h>

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
        /* Static types have none of our fields, and their dict differs by version of Python. */
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

Program *program_new(PyTypeObject *cls) {
    Program *program = (Program *)program_type->tp_alloc(program_type, 0);
    if (program != NULL) {
        program->cls = (PyTypeObject *)Py_NewRef((PyObject *)cls);
    }
    return program;
}

Program *program_kept(PyObject *cls) {
    if (UNLIKELY(!PyType_Check(cls) || !(((PyTypeObject *)cls)->tp_flags & Py_TPFLAGS_HEAPTYPE))) {
        return NULL;
    }
    PyObject *dict = ((PyTypeObject *)cls)->tp_dict;
    PyObject *found = dict != NULL ? PyDict_GetItem(dict, key) : NULL;
    return LIKELY(found != NULL && Py_IS_TYPE(found, program_type)) ? (Program *)found : NULL;
}

int program_keep(Program *program) {
    return PyObject_SetAttr((PyObject *)program->cls, key, (PyObject *)program);
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

Py_ssize_t program_slot(const Program *program, int index) {
    return program->slotted ? program->fields[index].slot : 0;
}

int program_init(PyObject *module) {
    key = PyUnicode_InternFromString("_pie_program");
    program_type = (PyTypeObject *)PyType_FromSpec(&program_spec);
    if (key == NULL || program_type == NULL) {
        return -1;
    }
    return PyModule_AddObjectRef(module, "Program", (PyObject *)program_type);
}
