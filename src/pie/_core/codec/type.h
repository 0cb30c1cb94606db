/* The type of a field, compiled. Twin: pie/thrift/types.py. */
#ifndef PIE_TYPE_H
#define PIE_TYPE_H

#include "codec/protocol.h"

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

typedef struct Program Program; /* program.h */
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

/* Python's sets and dicts can hold its values: it is no struct and no container, which come last. */
static inline bool type_has_hash(const Type *type) {
    return type->kind < KIND_STRUCT;
}

/* A pie.thrift.types.ThriftType compiled; NULL with an exception set. */
Type *type_compile(PyObject *kind);
void type_free(Type *type);
int type_visit(Type *type, visitproc visit, void *arg);
/* Drops the programs of the structs in it. */
void type_forget_programs(Type *type);

int type_init(void);

#endif
