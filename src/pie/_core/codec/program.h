/* A struct class compiled: its fields by id, the offsets of its slots, and the programs of the structs
 * in it. */
#ifndef PIE_PROGRAM_H
#define PIE_PROGRAM_H

#include "codec/type.h"

typedef struct {
    Type *type;
    PyObject *attr;    /* Interned. */
    PyObject *missing; /* The value of a field that was not sent. */
    Py_ssize_t slot;   /* Offset in an instance; 0 if it is in no slot. */
    int16_t id;
    bool required;
    bool fresh; /* The constructor makes its default when it is given None. */
    uint8_t head[3]; /* In the binary protocol. */
} Field;

typedef struct {
    int16_t id, index;
} FieldId;

struct Program {
    PyObject_HEAD
    PyTypeObject *cls;
    int size;
    bool is_union, makes_defaults; /* The constructor may put something where it is given None. */
    /* As of the class's version: see constructor.c. */
    bool slotted; /* An instance of the class itself, not of a subclass, has all fields in slots. */
    bool plain;   /* Nothing is in it but they, and nothing but storing them makes one. */
    unsigned int version;
    Py_ssize_t memory;
    Field *fields;
    FieldId *ids; /* In the order of the ids. */
    PyObject *init, *init_code; /* The generated __init__; NULL if it is another. */
};

/* A blank program of a class; NULL with an exception set. */
Program *program_new(PyTypeObject *cls);
/* The program that the class itself, not a base of it, has; NULL if there is none yet. */
Program *program_kept(PyObject *cls);
/* Has the class keep it. -1 with an exception set. */
int program_keep(Program *program);

/* The order number of the field with this id; -1 if there is none. */
int program_find(const Program *program, int id);
/* Offset of a field's slot in an instance of the class itself, by order number; 0 if the fields of
 * the class are not all in slots. */
Py_ssize_t program_slot(const Program *program, int index);
/* Offset of the slot that an attribute of the class is; 0 if it is something else. */
Py_ssize_t program_slot_of(PyTypeObject *cls, PyObject *attr);

int program_init(PyObject *module);

#endif
