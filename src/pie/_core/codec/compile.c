/* Struct classes compiled to programs. */
#include "codec/compile.h"

#include "base/late.h"
#include "base/named.h"
#include "codec/constructor.h"
#include "codec/error.h"

#define STRUCT_MEMORY 56
#define SLOT_MEMORY 8

/* What is read of a pie.thrift.types.Field. */
typedef struct {
    int id;
    PyObject *attr, *requiredness, *missing, *type;
} FieldPlan;

static const NamedField field_fields[] = {
    NAMED(FieldPlan, id, INT),
    NAMED(FieldPlan, attr, TEXT),
    NAMED(FieldPlan, requiredness, TEXT),
    NAMED_AS(FieldPlan, missing, "default", OBJECT),
    NAMED(FieldPlan, type, OBJECT),
    NAMED_END,
};
static NamedStruct field_struct = {"pie.thrift.types.Field", field_fields};

static int fill_field(Program *program, Field *field, FieldPlan *plan) {
    if (plan->id != (int16_t)plan->id) {
        PyErr_Format(PyExc_TypeError, "a field with the id %d: ids have 16 bits", plan->id);
        return -1;
    }
    field->id = (int16_t)plan->id;
    field->attr = Py_NewRef(plan->attr);
    PyUnicode_InternInPlace(&field->attr);
    field->required = PyUnicode_CompareWithASCIIString(plan->requiredness, "required") == 0;
    field->missing = Py_NewRef(plan->missing);
    field->type = type_compile(plan->type);
    if (field->type == NULL) {
        return -1;
    }
    field->head[0] = field->type->code[PROTOCOL_BINARY];
    store_u16(field->head + 1, (uint16_t)field->id);
    field->slot = program_slot_of(program->cls, field->attr);
    return 0;
}

static int compile_field(Program *program, Field *field, PyObject *described) {
    FieldPlan plan = {0};
    if (named_read(&field_struct, described, &plan) < 0) {
        return -1;
    }
    int done = fill_field(program, field, &plan);
    named_clear(&field_struct, &plan);
    return done;
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
    /* A class with its own __getattribute__ or __getattr__ may compute its fields. */
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
    Program *program = program_new((PyTypeObject *)cls);
    if (program == NULL) {
        return NULL;
    }
    int done = compile(program) < 0 || constructor_install(program) < 0 ? -1 : 0;
    Program *other = done == 0 ? program_kept(cls) : NULL;
    if (done == 0 && other == NULL) { /* Else another thread was faster: compiling runs Python. */
        done = program_keep(program);
    }
    Py_DECREF(program); /* The class holds it. */
    return done == 0 ? (other != NULL ? other : program) : NULL;
}

Program *program_of(PyObject *cls) {
    Program *program = program_kept(cls);
    return LIKELY(program != NULL) ? program : program_first(cls);
}

Program *type_program_first(Type *type) {
    Program *program = program_of(type->cls);
    if (program == NULL) {
        return NULL;
    }
    if (type->program == NULL) {
        type->program = (Program *)Py_NewRef(program);
    }
    return type->program;
}

int compile_init(void) {
    return named_add(&field_struct);
}
