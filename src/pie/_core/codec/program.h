/* A struct class compiled: what the codec's rooms know of it, and of the types of its fields. */
#ifndef PIE_PROGRAM_H
#define PIE_PROGRAM_H

#include "codec/codec.h"

typedef enum {
    KIND_BOOL,
    KIND_I8,
    KIND_I16,
    KIND_I32,
    KIND_I64,
    KIND_ENUM,
    KIND_DOUBLE,
    KIND_STRING,
    KIND_BINARY,
    KIND_UUID,
    KIND_STRUCT,
    KIND_LIST,
    KIND_SET,
    KIND_MAP,
} Kind;

typedef struct Type Type;

struct Type {
    Kind kind;
    /* By protocol: the code on the wire, and the fewest bytes a value takes. */
    uint8_t code[2], least[2];
    /* Bytes of memory that a value takes as an element, and an entry of this container. */
    int memory, entry_memory;
    Type *key, *element; /* Of a map; of a map, list or set. */
    PyObject *cls;       /* Of a struct or an enum. */
    Program *program;    /* Of a struct; NULL until needed, for structs may be in each other. */
    /* Of an enum: its members by number, in a table where the numbers lie close, else in a dict. */
    PyObject *members, **table;
    int64_t table_low, table_size;
};

typedef struct {
    Type *type;
    PyObject *attr;    /* Interned. */
    PyObject *missing; /* What the field is when it was not sent. */
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

/* As deep as values may nest where the caller allows `depth` levels. */
static inline int within_deepest(Py_ssize_t depth) {
    return depth < DEEPEST ? (int)depth : DEEPEST;
}

/* Python's sets and dicts can hold its values: it is no struct and no container, which come last. */
static inline bool type_has_hash(const Type *type) {
    return type->kind < KIND_STRUCT;
}

/* --- type.c --- */

/* A pie.thrift.types.ThriftType compiled; NULL with an exception set. */
Type *type_compile(PyObject *kind);
void type_free(Type *type);
int type_visit(Type *type, visitproc visit, void *arg);
/* Gives the programs of the structs in it back. */
void type_forget_programs(Type *type);

/* The program of a struct type; borrowed. NULL with an exception set. */
Program *type_program_first(Type *type);

static inline Program *type_program(Type *type) {
    return LIKELY(type->program != NULL) ? type->program : type_program_first(type);
}

/* --- constructor.c --- */

/* Finds out whether instances can be made without running Python, and arranges for it. */
int constructor_install(Program *program);

void program_look_again(Program *program);

/* Makes sure that `slotted` and `plain` are true of the class as it is now. */
static inline void program_check(Program *program) {
    if (UNLIKELY(program->version == 0 || program->version != program->cls->tp_version_tag)) {
        program_look_again(program);
    }
}

/* An instance with these values in the order of the fields; NULL in them = was not sent. Takes over
 * the references, on failure too. */
PyObject *constructor_make(Program *program, PyObject **values);

/* --- program.c --- */

/* The order number of the field with this id; -1 if there is none. */
int program_find(const Program *program, int id);
/* Offset of the slot that an attribute of the class is; 0 if it is something else. */
Py_ssize_t program_slot_of(PyTypeObject *cls, PyObject *attr);
int program_init(PyObject *module);

#endif
